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

    private static final Path ROOT = Path.of("..");

    private static final Set<String> SERVICE_KEYS = Set.of(
            "container_name",
            "image",
            "build",
            "cap_drop",
            "command",
            "depends_on",
            "environment",
            "healthcheck",
            "ports",
            "profiles",
            "read_only",
            "security_opt",
            "stop_grace_period",
            "tmpfs",
            "volumes");

    private static final List<String> FUNCTIONS = List.of(
            "send-email-link",
            "simple-email",
            "requests-reminder",
            "deliver-webhook",
            "export-report",
            "passport",
            "system-ping");

    private final StrictYaml yaml = new StrictYaml();
    private JsonNode compose;

    @BeforeEach
    void readFile() throws IOException {
        compose = yaml.tree(Files.readString(ROOT.resolve("docker-compose.jobs.yml")));
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
                        "system-ping",
                        "knative-job-service",
                        "mail",
                        "prometheus",
                        "grafana");
        compose.path("services").properties().forEach(service -> {
            assertThat(names(service.getValue())).isSubsetOf(SERVICE_KEYS);
            assertThat(service.getValue().path("container_name").asText()).isEqualTo(service.getKey());
        });
    }

    @Test
    void publishesPortsOnTheLoopbackAddressOnly() {
        assertThat(texts(service("knative-job-service").path("ports")))
                .containsExactly("127.0.0.1:8070:8070", "127.0.0.1:8080:8080", "127.0.0.1:8081:8081");
        assertThat(texts(service("send-email-link").path("ports"))).containsExactly("127.0.0.1:8082:8080");
        assertThat(texts(service("simple-email").path("ports"))).containsExactly("127.0.0.1:8083:8080");
        assertThat(texts(service("requests-reminder").path("ports"))).containsExactly("127.0.0.1:8084:8080");
        assertThat(texts(service("deliver-webhook").path("ports"))).containsExactly("127.0.0.1:8085:8080");
        assertThat(texts(service("export-report").path("ports"))).containsExactly("127.0.0.1:8086:8080");
        assertThat(texts(service("passport").path("ports"))).containsExactly("127.0.0.1:8087:8080");
        assertThat(texts(service("system-ping").path("ports"))).containsExactly("127.0.0.1:8088:8080");
        assertThat(texts(service("constructive-admin-server").path("ports"))).containsExactly("127.0.0.1:3001:3000");
        assertThat(texts(service("postgres").path("ports"))).containsExactly("127.0.0.1:5432:5432");
        assertThat(compose.path("services"))
                .allSatisfy(service -> assertThat(texts(service.path("ports")))
                        .isNotEmpty()
                        .allSatisfy(port -> assertThat(port).startsWith("127.0.0.1:")));
        assertThat(compose.path("services").findValues("ports").stream().flatMap(ports -> texts(ports).stream()))
                .doesNotHaveDuplicates();
    }

    /** What was built here runs as in the chart: nothing to write to but /tmp, no capability, no way to get one. */
    @Test
    void restrictsWhatItBuilds() {
        compose.path("services").forEach(service -> {
            if (service.has("build")) {
                assertThat(service.path("read_only").asBoolean()).isTrue();
                assertThat(service.path("tmpfs").asText()).isEqualTo("/tmp");
                assertThat(texts(service.path("cap_drop"))).containsExactly("ALL");
                assertThat(texts(service.path("security_opt"))).containsExactly("no-new-privileges:true");
            }
        });
    }

    @Test
    void servesTheApiToWhoeverHasTheDevelopmentKey() throws IOException {
        assertThat(environment("knative-job-service"))
                .containsEntry("POSTERN_API_PORT", "8070")
                .containsEntry("POSTERN_API_KEYS", "/etc/postern/api.key");
        assertThat(texts(service("knative-job-service").path("volumes")))
                .containsExactly("./compose/api.key:/etc/postern/api.key:ro");
        // What the API takes for a secret has 32 bytes or more.
        assertThat(Files.size(ROOT.resolve("compose/api.key"))).isGreaterThan(32);
    }

    @Test
    void startsWhatIsNotPosternOnlyWhenAskedTo() {
        assertThat(texts(service("mail").path("profiles"))).containsExactly("mail");
        assertThat(texts(service("prometheus").path("profiles"))).containsExactly("watch");
        assertThat(texts(service("grafana").path("profiles"))).containsExactly("watch");
        compose.path("services")
                .properties()
                .forEach(service -> assertThat(texts(service.getValue().path("depends_on")))
                        .doesNotContain("mail", "prometheus", "grafana"));
        for (String function : List.of("send-email-link", "simple-email")) {
            assertThat(environment(function))
                    .containsEntry("EMAIL_SEND_USE_SMTP", "${EMAIL_SEND_USE_SMTP:-false}")
                    .containsEntry("SMTP_HOST", "${SMTP_HOST:-mail}")
                    .containsEntry("SMTP_PORT", "${SMTP_PORT:-1025}");
        }
    }

    /** Files beside the compose file: what they mount is there, and what they name is a service. */
    @Test
    void scrapesTheServiceAndEveryFunction() throws IOException {
        JsonNode prometheus = yaml.tree(Files.readString(ROOT.resolve("compose/prometheus.yml")));
        List<String> targets = prometheus.findValues("targets").stream()
                .flatMap(list -> texts(list).stream())
                .toList();

        assertThat(targets).contains("knative-job-service:8081").hasSize(FUNCTIONS.size() + 1);
        FUNCTIONS.forEach(function -> assertThat(targets)
                .contains(function + ":" + environment(function).get("PORT")));
        assertThat(environment("knative-job-service")).containsEntry("POSTERN_HTTP_PORT", "8081");
        assertThat(texts(prometheus.path("rule_files"))).containsExactly("/etc/prometheus/rules/alerts.yaml");
        JsonNode source = yaml.tree(Files.readString(ROOT.resolve("compose/grafana/datasources/prometheus.yml")));
        assertThat(source.path("datasources").path(0).path("url").asText()).isEqualTo("http://prometheus:9090");
        JsonNode provider = yaml.tree(Files.readString(ROOT.resolve("compose/grafana/dashboards/postern.yml")));
        String dashboards =
                provider.path("providers").path(0).path("options").path("path").asText();
        assertThat(texts(service("grafana").path("volumes")))
                .contains("./compose/grafana:/etc/grafana/provisioning:ro")
                .anySatisfy(volume -> assertThat(volume).endsWith(":" + dashboards + ":ro"));
        compose.findValues("volumes")
                .forEach(volumes -> texts(volumes).stream()
                        .filter(volume -> volume.startsWith("./"))
                        .forEach(volume -> assertThat(ROOT.resolve(volume.substring(0, volume.indexOf(':'))))
                                .exists()));
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
                                + "export-report,parse-facts,compile-passport,sign-passport,generate-qr,system-ping")
                .containsEntry("HOSTNAME", "knative-job-service-1")
                .containsEntry("INTERNAL_JOBS_CALLBACK_PORT", "8080")
                .containsEntry("INTERNAL_JOBS_CALLBACK_URL", "http://knative-job-service:8080/callback")
                .containsEntry("JOBS_CALLBACK_HOST", "knative-job-service")
                .containsEntry("INTERNAL_GATEWAY_URL", "http://send-email-link:8080")
                .containsEntry("POSTERN_MIGRATE", "true");
        Map<String, String> where = yaml.texts(Rendered.value(environment, "INTERNAL_GATEWAY_DEVELOPMENT_MAP"));
        assertThat(where.keySet())
                .containsExactlyInAnyOrder(
                        Rendered.value(environment, "JOBS_SUPPORTED").split(","));
        List<String> passport = List.of("parse-facts", "compile-passport", "sign-passport", "generate-qr");
        assertThat(where)
                .allSatisfy((task, url) ->
                        assertThat(url).isEqualTo("http://" + (passport.contains(task) ? "passport" : task) + ":8080"));
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
        assertThat(service("postgres").path("image").asText()).isEqualTo("docker.io/library/postgres:18");
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
        for (String function : FUNCTIONS) {
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
