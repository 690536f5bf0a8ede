package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The compose file answers to the names, ports and variables that Constructive's own file has. */
class ComposeTest {

    private static final Set<String> SERVICE_KEYS = Set.of(
            "container_name",
            "image",
            "build",
            "command",
            "depends_on",
            "environment",
            "healthcheck",
            "ports",
            "stop_grace_period",
            "volumes");

    private final StrictYaml yaml = new StrictYaml();
    private JsonNode compose;

    @BeforeEach
    void readFile() throws IOException {
        compose = yaml.tree(Files.readString(Path.of("..", "docker-compose.jobs.yml")));
    }

    @Test
    void namesServicesAndContainersAsConstructiveDoes() {
        assertThat(names(compose)).containsExactlyInAnyOrder("services", "volumes");
        assertThat(names(compose.path("services")))
                .containsExactlyInAnyOrder(
                        "postgres",
                        "constructive-admin-server",
                        "send-email-link",
                        "simple-email",
                        "requests-reminder",
                        "deliver-webhook",
                        "export-report",
                        "passport",
                        "knative-job-service");
        compose.path("services").properties().forEach(service -> {
            assertThat(names(service.getValue())).isSubsetOf(SERVICE_KEYS);
            assertThat(service.getValue().path("container_name").asText()).isEqualTo(service.getKey());
        });
    }

    @Test
    void publishesPortsOnTheLoopbackAddressOnly() {
        assertThat(texts(service("knative-job-service").path("ports")))
                .containsExactly("127.0.0.1:8080:8080", "127.0.0.1:8081:8081");
        assertThat(texts(service("send-email-link").path("ports"))).containsExactly("127.0.0.1:8082:8080");
        assertThat(texts(service("simple-email").path("ports"))).containsExactly("127.0.0.1:8083:8080");
        assertThat(texts(service("requests-reminder").path("ports"))).containsExactly("127.0.0.1:8084:8080");
        assertThat(texts(service("deliver-webhook").path("ports"))).containsExactly("127.0.0.1:8085:8080");
        assertThat(texts(service("export-report").path("ports"))).containsExactly("127.0.0.1:8086:8080");
        assertThat(texts(service("passport").path("ports"))).containsExactly("127.0.0.1:8087:8080");
        assertThat(texts(service("constructive-admin-server").path("ports"))).containsExactly("127.0.0.1:3001:3000");
        assertThat(texts(service("postgres").path("ports"))).containsExactly("127.0.0.1:5432:5432");
    }

    @Test
    void configuresTheJobServiceWithConstructivesVariables() throws IOException {
        Map<String, String> environment = environment("knative-job-service");

        assertThat(environment)
                .containsEntry("PGHOST", "postgres")
                .containsEntry("PGPORT", "5432")
                .containsEntry("PGUSER", "postgres")
                .containsEntry("PGDATABASE", "constructive")
                .containsEntry("JOBS_SCHEMA", "app_jobs")
                .containsEntry("JOBS_SUPPORT_ANY", "false")
                .containsEntry(
                        "JOBS_SUPPORTED",
                        "send-email-link,simple-email,requests-reminder,deliver-webhook,"
                                + "export-report,parse-facts,compile-passport,sign-passport,generate-qr")
                .containsEntry("HOSTNAME", "knative-job-service-1")
                .containsEntry("INTERNAL_JOBS_CALLBACK_PORT", "8080")
                .containsEntry("INTERNAL_JOBS_CALLBACK_URL", "http://knative-job-service:8080/callback")
                .containsEntry("JOBS_CALLBACK_HOST", "knative-job-service")
                .containsEntry("INTERNAL_GATEWAY_URL", "http://send-email-link:8080")
                .containsEntry("POSTERN_MIGRATE", "true");
        assertThat(yaml.texts(Rendered.value(environment, "INTERNAL_GATEWAY_DEVELOPMENT_MAP")))
                .isEqualTo(Map.of(
                        "send-email-link", "http://send-email-link:8080",
                        "simple-email", "http://simple-email:8080",
                        "requests-reminder", "http://requests-reminder:8080",
                        "deliver-webhook", "http://deliver-webhook:8080",
                        "export-report", "http://export-report:8080",
                        "parse-facts", "http://passport:8080",
                        "compile-passport", "http://passport:8080",
                        "sign-passport", "http://passport:8080",
                        "generate-qr", "http://passport:8080"));
        assertThat(environment.keySet().stream().filter(name -> !JobServiceEnvironment.NAMES.contains(name)))
                .containsExactly();
    }

    @Test
    void configuresSendEmailLinkWithConstructivesVariables() {
        assertThat(environment("send-email-link"))
                .containsEntry("GRAPHQL_URL", "http://constructive-admin-server:3000/graphql")
                .containsEntry("META_GRAPHQL_URL", "http://constructive-admin-server:3000/graphql")
                .containsEntry("GRAPHQL_API_NAME", "private")
                .containsEntry("SEND_EMAIL_LINK_DRY_RUN", "${SEND_EMAIL_LINK_DRY_RUN:-true}")
                .containsEntry("LOCAL_APP_PORT", "3000")
                .containsEntry("DEFAULT_DATABASE_ID", "dbe")
                .containsKeys(
                        "GRAPHQL_AUTH_TOKEN",
                        "MAILGUN_API_KEY",
                        "MAILGUN_KEY",
                        "MAILGUN_DOMAIN",
                        "MAILGUN_FROM",
                        "MAILGUN_REPLY");
        assertThat(environment("constructive-admin-server")).containsEntry("PORT", "3000");
    }

    @Test
    void givesTheFunctionsThatNeedItTheSameDatabase() {
        for (String function : List.of("export-report", "passport")) {
            for (String variable : List.of("PGHOST", "PGUSER", "PGPASSWORD", "PGDATABASE")) {
                assertThat(environment(function).get(variable))
                        .isEqualTo(Rendered.value(environment("knative-job-service"), variable));
            }
        }
        assertThat(texts(service("export-report").path("volumes")))
                .containsExactly("exports:" + environment("export-report").get("EXPORT_DIR"));
        assertThat(environment("passport")).containsEntry("PASSPORT_SIGNING_KEY", "${PASSPORT_SIGNING_KEY:-}");
    }

    @Test
    void sendsNoMailAndLetsNoWebhookInsideUnlessToldTo() {
        assertThat(environment("simple-email"))
                .containsEntry("SIMPLE_EMAIL_DRY_RUN", "${SIMPLE_EMAIL_DRY_RUN:-true}")
                .containsKeys("MAILGUN_API_KEY", "MAILGUN_KEY", "MAILGUN_DOMAIN", "MAILGUN_FROM", "MAILGUN_REPLY");
        assertThat(environment("deliver-webhook"))
                .containsEntry("DELIVER_WEBHOOK_ALLOW_HTTP", "${DELIVER_WEBHOOK_ALLOW_HTTP:-false}")
                .containsEntry("DELIVER_WEBHOOK_ALLOWED_NETWORKS", "${DELIVER_WEBHOOK_ALLOWED_NETWORKS:-}");
    }

    @Test
    void agreesOnTheDatabaseAndItsPassword() {
        Map<String, String> server = environment("postgres");
        Map<String, String> client = environment("knative-job-service");

        assertThat(client)
                .containsEntry("PGUSER", server.get("POSTGRES_USER"))
                .containsEntry("PGPASSWORD", server.get("POSTGRES_PASSWORD"))
                .containsEntry("PGDATABASE", server.get("POSTGRES_DB"));
    }

    @Test
    void waitsForNoServiceToBeHealthy() {
        compose.path("services")
                .properties()
                .forEach(service -> service.getValue()
                        .path("depends_on")
                        .forEach(dependency ->
                                assertThat(names(compose.path("services"))).contains(dependency.asText())));
        assertThat(compose.findValuesAsText("condition")).isEmpty();
    }

    @Test
    void keepsTheDatabaseInANamedVolumeWhereThisPostgresLooksForIt() {
        assertThat(service("postgres").path("image").asText()).isEqualTo("postgres:18");
        assertThat(texts(service("postgres").path("volumes"))).containsExactly("postgres-data:/var/lib/postgresql");
        assertThat(names(compose.path("volumes"))).containsExactlyInAnyOrder("postgres-data", "exports");
        assertThat(names(service("postgres").path("healthcheck"))).contains("test", "interval", "retries");
    }

    @Test
    void givesTheJobServiceLongerThanItsDrain() {
        int drain = Integer.parseInt(Rendered.value(environment("knative-job-service"), "POSTERN_DRAIN_SECONDS"));

        assertThat(service("knative-job-service").path("stop_grace_period").asText())
                .matches("[0-9]+s")
                .satisfies(grace ->
                        assertThat(Integer.parseInt(grace.replace("s", ""))).isGreaterThan(drain));
    }

    @Test
    void buildsEachImageInTheModuleThatHasItsDockerfile() {
        assertThat(service("knative-job-service").path("build").path("context").asText())
                .isEqualTo("job-service");
        for (String function : List.of(
                "send-email-link",
                "simple-email",
                "requests-reminder",
                "deliver-webhook",
                "export-report",
                "passport")) {
            assertThat(service(function).path("build").path("context").asText()).isEqualTo("functions/" + function);
        }
        assertThat(service("constructive-admin-server")
                        .path("build")
                        .path("context")
                        .asText())
                .isEqualTo("functions/graphql-stand-in");
    }

    private JsonNode service(String name) {
        return compose.path("services").path(name);
    }

    private Map<String, String> environment(String service) {
        Map<String, String> environment = new HashMap<>();
        service(service).path("environment").properties().forEach(variable -> {
            assertThat(variable.getValue().isTextual())
                    .as("%s of %s is text, not a YAML number or boolean", variable.getKey(), service)
                    .isTrue();
            environment.put(variable.getKey(), variable.getValue().asText());
        });
        return environment;
    }

    private static Set<String> names(JsonNode object) {
        Set<String> names = new TreeSet<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(element -> texts.add(element.asText()));
        return texts;
    }
}
