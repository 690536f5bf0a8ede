package dev.postern.functions.sendemaillink;

import static dev.postern.functions.sendemaillink.Fixture.CONFIRM;
import static dev.postern.functions.sendemaillink.Fixture.DATABASE;
import static dev.postern.functions.sendemaillink.Fixture.INVITE;
import static dev.postern.functions.sendemaillink.Fixture.RESET;
import static dev.postern.functions.sendemaillink.Fixture.json;
import static dev.postern.functions.sendemaillink.Fixture.with;
import static dev.postern.functions.sendemaillink.Fixture.without;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.functions.mail.RecordingServer;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SendEmailLinkTest {

    @TempDir
    private Path saved = Path.of("");

    @Test
    void linksAnInvitationToRegister() throws Exception {
        try (Fixture function = dryRun()) {
            assertThat(link(function, INVITE))
                    .isEqualTo("https://app.example.com/register?invite_token=invite-token-123"
                            + "&email=user%40example.com&type=app");
            assertThat(read("invite_email.html")).contains("<title>Ada Lovelace invited you to Analytical</title>");
        }
    }

    @ParameterizedTest
    @CsvSource({"2,org", "'\"2\"',org", "1,app", "'\"else\"',app", "null,app"})
    void invitesToAnOrganisationWhenTheTypeIsTwo(String inviteType, String word) throws Exception {
        try (Fixture function = dryRun()) {
            String payload = INVITE.strip().replaceAll("}$", ",\"invite_type\":" + inviteType + "}");

            assertThat(link(function, payload)).endsWith("&type=" + word);
        }
    }

    @Test
    void welcomesWhoeverIsInvitedBySomebodyWithoutAName() throws Exception {
        try (Fixture function = dryRun()) {
            function.user.putNull("displayName");

            link(function, INVITE);
            assertThat(read("invite_email.html"))
                    .contains("<title>Welcome to Analytical</title>")
                    .contains("You are invited to Analytical");
        }
    }

    @Test
    void linksAForgottenPasswordToItsReset() throws Exception {
        try (Fixture function = dryRun()) {
            assertThat(link(function, RESET))
                    .isEqualTo("https://app.example.com/reset-password?role_id=u-1&reset_token=reset-token-123");
            assertThat(function.platform.asked()).hasSize(1);
        }
    }

    @Test
    void linksAConfirmationToTheVerificationOfTheAddress() throws Exception {
        try (Fixture function = dryRun()) {
            assertThat(link(function, CONFIRM))
                    .isEqualTo("https://app.example.com/verify-email?email_id=e-1&verification_token=verify-token-123");
        }
    }

    @Test
    void encodesWhatStandsInALink() throws Exception {
        try (Fixture function = dryRun()) {
            assertThat(link(function, with(RESET, "reset_token", "a&b=c d#é\"<")))
                    .endsWith("reset_token=a%26b%3Dc+d%23%C3%A9%22%3C");
        }
    }

    @Test
    void answersThatItIsCompleteAndWasADryRun() throws Exception {
        try (Fixture function = dryRun();
                Fixture withoutDirectory = new Fixture(Map.of())) {
            JsonNode answer = json(function.call(INVITE));
            assertThat(answer.path("complete").asBoolean()).isTrue();
            assertThat(answer.path("dryRun").asBoolean()).isTrue();
            assertThat(Path.of(answer.path("savedTo").asText())).isAbsolute().exists();

            assertThat(withoutDirectory.call(INVITE).body()).isEqualTo("{\"complete\":true,\"dryRun\":true}");
        }
    }

    @Test
    void savesTheMailAsATextToo() throws Exception {
        try (Fixture function = dryRun()) {
            link(function, CONFIRM);

            assertThat(read("email_verification.txt"))
                    .contains("Confirm your e-mail address")
                    .contains("https://app.example.com/verify-email?email_id=e-1&verification_token=verify-token-123")
                    .contains("support@example.com")
                    .contains("Analytical Engines Ltd.")
                    .doesNotContain("&amp;");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "invite_email,email",
        "invite_email,invite_token",
        "invite_email,sender_id",
        "forgot_password,email",
        "forgot_password,user_id",
        "forgot_password,reset_token",
        "email_verification,email",
        "email_verification,email_id",
        "email_verification,verification_token",
    })
    void answersBadRequestNamingTheFieldThatIsMissing(String type, String field) throws Exception {
        String payload = switch (type) {
            case "invite_email" -> INVITE;
            case "forgot_password" -> RESET;
            default -> CONFIRM;
        };
        try (Fixture function = dryRun()) {
            assertRefused(function.call(without(payload, field)), field);
            assertRefused(function.call(with(payload, field, "")), field);
            assertRefused(function.call(with(payload, field, null)), field);
            assertThat(function.platform.asked()).isEmpty();
        }
    }

    @Test
    void answersBadRequestNamingTheTypeThatNobodyKnows() throws Exception {
        try (Fixture function = dryRun()) {
            assertRefused(function.call(with(INVITE, "email_type", "love_letter")), "email_type");
            assertRefused(function.call(without(INVITE, "email_type")), "email_type");
            assertRefused(function.call(""), "email_type");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nobody", "a@b@c", "a@b, c@d", "a@b\nBcc: c@d", "<a@b>", "a b@c"})
    void answersBadRequestNamingTheAddressThatIsNotOne(String address) throws Exception {
        try (Fixture function = dryRun()) {
            assertRefused(function.call(with(INVITE, "email", address)), "email");
        }
    }

    @Test
    void answersBadRequestWhenNobodySaysWhichTenant() throws Exception {
        try (Fixture function = dryRun()) {
            assertRefused(function.call(INVITE, List.of("X-Job-Id", "1")), "X-Database-Id");
        }
    }

    @Test
    void takesTheDefaultTenantWhenTheCallNamesNone() throws Exception {
        try (Fixture function = new Fixture(Map.of("DEFAULT_DATABASE_ID", DATABASE))) {
            assertThat(function.call(INVITE, List.of()).statusCode()).isEqualTo(200);
            assertThat(function.query("GetDatabaseInfo").body()).contains("\"databaseId\":\"" + DATABASE + "\"");
        }
    }

    @Test
    void routesBothQueriesByTheirHeaders() throws Exception {
        try (Fixture function = new Fixture(Map.of(
                "GRAPHQL_HOST_HEADER", "private.localhost",
                "GRAPHQL_AUTH_TOKEN", "secret",
                "GRAPHQL_API_NAME", "private",
                "GRAPHQL_SCHEMATA", "a,b"))) {
            function.call(INVITE);

            var meta = function.query("GetDatabaseInfo");
            assertThat(meta.path()).isEqualTo("/graphql");
            assertThat(meta.header("Host")).isEqualTo("private.localhost");
            assertThat(meta.header("X-Meta-Schema")).isEqualTo("true");
            assertThat(meta.header("Authorization")).isEqualTo("Bearer secret");
            assertThat(meta.header("X-Api-Name")).isNull();

            var tenant = function.query("GetUser");
            assertThat(tenant.header("Host")).isEqualTo("private.localhost");
            assertThat(tenant.header("X-Database-Id")).isEqualTo(DATABASE);
            assertThat(tenant.header("X-Api-Name")).isEqualTo("private");
            assertThat(tenant.header("X-Schemata")).isEqualTo("a,b");
            assertThat(tenant.header("Authorization")).isEqualTo("Bearer secret");
            assertThat(tenant.header("X-Meta-Schema")).isNull();
            assertThat(json(tenant.body()).at("/variables/userId").asText()).isEqualTo(Fixture.SENDER);
        }
    }

    @Test
    void asksThePlatformElsewhereWhenItHasAnEndpointOfItsOwn() throws Exception {
        try (Fixture tenants = new Fixture(Map.of());
                Fixture function = new Fixture(Map.of(
                        "META_GRAPHQL_URL", tenants.platform.url("/meta?x=1").toString(),
                        "META_GRAPHQL_HOST_HEADER", "meta.localhost:8443",
                        "GRAPHQL_HOST_HEADER", "private.localhost"))) {
            assertThat(function.call(INVITE).statusCode()).isEqualTo(200);

            assertThat(tenants.platform.asked()).singleElement().satisfies(asked -> {
                assertThat(asked.path()).isEqualTo("/meta");
                assertThat(asked.header("Host")).isEqualTo("meta.localhost:8443");
            });
            assertThat(function.platform.asked()).hasSize(1);
        }
    }

    @Test
    void linksToThisMachineOverHttpInDryRun() throws Exception {
        try (Fixture function =
                new Fixture(Map.of("SEND_EMAIL_LINK_DRY_RUN_DIR", saved.toString(), "LOCAL_APP_PORT", "3000"))) {
            function.at("/domains/nodes/0").put("domain", "localhost");
            assertThat(link(function, RESET)).startsWith("http://localhost:3000/reset-password?");

            function.at("/domains/nodes/0").put("domain", "example.com");
            assertThat(link(function, RESET)).startsWith("https://app.example.com/reset-password?");

            function.at("/domains/nodes/0").put("domain", "localhost.example.com");
            assertThat(link(function, RESET)).startsWith("https://app.localhost.example.com/");
        }
    }

    @Test
    void linksToThisMachineOverHttpsWithoutALocalPort() throws Exception {
        try (Fixture function = dryRun()) {
            function.at("/domains/nodes/0").put("domain", "localhost");

            assertThat(link(function, RESET)).startsWith("https://localhost/reset-password?");
        }
    }

    @Test
    void triesAgainWhenThereIsNoSiteYet() throws Exception {
        try (Fixture function = dryRun()) {
            function.site.removeAll();

            assertFailed(function.call(INVITE), "Site not found for database " + DATABASE);
        }
    }

    @Test
    void saysWhatTheSiteHasNotGot() throws Exception {
        try (Fixture function = dryRun()) {
            function.site.putObject("domains").putArray("nodes");
            assertFailed(function.call(INVITE), "a domain");
            function.site.putObject("siteThemes").putArray("nodes");
            assertFailed(function.call(INVITE), "a theme");
            function.site.putObject("siteModules").putArray("nodes");
            assertFailed(function.call(INVITE), "legal_terms_module");
        }
    }

    @Test
    void saysWhatThePlatformSays() throws Exception {
        try (Fixture function = dryRun()) {
            function.platform.answers(
                    asked -> RecordingServer.Reply.ok("{\"errors\":[{\"message\":\"permission denied\"}]}"));
            assertFailed(function.call(INVITE), "permission denied");

            function.platform.answers(asked -> new RecordingServer.Reply(503, "<html>", Map.of()));
            assertFailed(function.call(INVITE), "status 503");

            function.platform.close();
            assertFailed(function.call(INVITE), "no answer from " + function.platform.url("/graphql"));
        }
    }

    @Test
    void escapesWhatPeopleNamedThemselves() throws Exception {
        try (Fixture function = dryRun()) {
            function.user.put("displayName", "<script>alert(1)</script>\"\r\nBcc: x@y");
            function.at("/siteModules/nodes/0/data/company").put("name", "<b>Bold</b> & Sons");

            link(function, INVITE);

            assertThat(read("invite_email.html"))
                    .doesNotContain("<script>")
                    .doesNotContain("<b>Bold")
                    .contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; Bcc: x@y invited you")
                    .contains("&lt;b&gt;Bold&lt;/b&gt; &amp; Sons");
            assertThat(read("invite_email.txt")).contains("<b>Bold</b> & Sons");
        }
    }

    @Test
    void showsOnlyPicturesAndAddressesOfTheWeb() throws Exception {
        try (Fixture function = dryRun()) {
            link(function, RESET);
            assertThat(read("forgot_password.html"))
                    .contains("<img src=\"https://cdn.example.com/logo.png\"")
                    .contains("href=\"https://example.com/home\"");

            function.at("/logo").put("url", "javascript:alert(1)");
            function.at("/siteModules/nodes/0/data/company").put("website", "data:text/html,x");
            link(function, RESET);
            assertThat(read("forgot_password.html"))
                    .doesNotContain("<img")
                    .doesNotContain("javascript:")
                    .doesNotContain("data:text");
        }
    }

    @Test
    void paintsTheButtonInTheBrandsColourAndKeepsItReadable() throws Exception {
        try (Fixture function = dryRun()) {
            link(function, RESET);
            assertThat(read("forgot_password.html"))
                    .contains("background-color:#1f6f5c")
                    .contains("color:#ffffff;");

            function.at("/siteThemes/nodes/0/theme").put("primary", "#FE0");
            link(function, RESET);
            assertThat(read("forgot_password.html"))
                    .contains("background-color:#FFEE00")
                    .contains("color:#10151a;");

            function.at("/siteThemes/nodes/0/theme").put("primary", "red;background:url(//x)");
            link(function, RESET);
            assertThat(read("forgot_password.html")).doesNotContain("url(").contains("background-color:#2b3a45");
        }
    }

    private Fixture dryRun() throws Exception {
        return new Fixture(Map.of("SEND_EMAIL_LINK_DRY_RUN_DIR", saved.toString()));
    }

    /** The link of the saved mail, which both parts of it carry. */
    private String link(Fixture function, String payload) throws Exception {
        var answer = function.call(payload);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        String type = json(payload).path("email_type").asText();
        String link = read(type + ".link").strip();
        assertThat(read(type + ".txt")).contains("\n" + link + "\n");
        assertThat(read(type + ".html")).contains("href=\"" + link.replace("&", "&amp;") + "\"");
        return link;
    }

    private String read(String file) throws Exception {
        return Files.readString(saved.resolve("job-812-" + file));
    }

    private static void assertRefused(HttpResponse<String> answer, String field) {
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(json(answer).path("field").asText()).isEqualTo(field);
        assertThat(json(answer).path("detail").asText()).startsWith(field + ": ");
    }

    private static void assertFailed(HttpResponse<String> answer, String why) {
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(json(answer).path("detail").asText()).contains(why);
    }
}
