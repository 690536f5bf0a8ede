package dev.postern.service.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.scheduler.Retention;
import dev.postern.service.config.ServiceConfig.Role;
import dev.postern.sql.DatabaseConfig;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigReaderTest {

    private static final Map<String, String> LEAST = Map.of("PGHOST", "db", "FUNCTION_URL", "http://functions:8080");

    private static ServiceConfig read(Map<String, String> others) {
        Map<String, String> variables = new HashMap<>(LEAST);
        variables.putAll(others);
        return new ConfigReader(variables, "abcdefgh").read();
    }

    private static List<String> mistakes(Map<String, String> variables) {
        try {
            new ConfigReader(variables, "abcdefgh").read();
        } catch (ConfigException e) {
            return e.mistakes();
        }
        return List.of();
    }

    @Test
    void needsADatabaseAndAPlaceForFunctions() {
        ServiceConfig config = read(Map.of());
        assertThat(config.roles()).containsExactlyInAnyOrder(Role.values());
        assertThat(config.worker().tasks()).isEmpty();
        assertThat(config.worker().workerId()).isEqualTo("postern.abcdefgh");
        assertThat(config.worker().callbackUrl()).isEqualTo(URI.create("http://jobs-callback:12345/callback"));
        assertThat(config.router().route("send-email-link"))
                .contains(URI.create("http://functions:8080/send-email-link"));
    }

    @Test
    void understandsConstructivesVariables() {
        ServiceConfig config = read(Map.of(
                "JOBS_SUPPORT_ANY", "false",
                "JOBS_SUPPORTED", "send-email-link, simple-email",
                "HOSTNAME", "knative-job-service-1",
                "INTERNAL_JOBS_CALLBACK_PORT", "8080",
                "JOBS_CALLBACK_HOST", "knative-job-service",
                "INTERNAL_GATEWAY_DEVELOPMENT_MAP", "{\"send-email-link\":\"http://send-email-link:8080\"}"));
        assertThat(config.worker().tasks()).contains(List.of("send-email-link", "simple-email"));
        assertThat(config.worker().workerId()).isEqualTo("knative-job-service-1.abcdefgh");
        assertThat(config.callback().port()).isEqualTo(8080);
        assertThat(config.worker().callbackUrl()).isEqualTo(URI.create("http://knative-job-service:8080/callback"));
        assertThat(config.router().route("send-email-link")).contains(URI.create("http://send-email-link:8080"));
    }

    @Test
    void signsAndSendsCloudEventsWhereItIsTold() {
        assertThat(read(Map.of()).worker().signing().isEmpty()).isTrue();
        assertThat(read(Map.of()).worker().cloudEvents()).isFalse();

        String secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        ServiceConfig config =
                read(Map.of("POSTERN_SIGNING_SECRET", secret + " " + secret, "POSTERN_CLOUDEVENTS", "true"));
        assertThat(config.worker().signing()).hasToString("2 secrets");
        assertThat(config.worker().cloudEvents()).isTrue();

        Map<String, String> wrong = new HashMap<>(LEAST);
        wrong.put("POSTERN_SIGNING_SECRET", "hunter2");
        assertThat(mistakes(wrong))
                .singleElement()
                .asString()
                .startsWith("POSTERN_SIGNING_SECRET: secret 1 must be whsec_")
                .doesNotContain("hunter2");
    }

    @Test
    void makesATemplateOfABareKnativeDomain() {
        Map<String, String> variables = Map.of("PGHOST", "db", "KNATIVE_SERVICE_URL", "interweb.svc.cluster.local");
        assertThat(new ConfigReader(variables, "abcdefgh").read().router().route("send-email-link"))
                .contains(URI.create("http://send-email-link.interweb.svc.cluster.local"));
    }

    @Test
    void readsADatabaseUrlWithEncodedCharacters() {
        ServiceConfig config = read(Map.of("DATABASE_URL", "postgres://me:p%40ss+word@db.example:6432/jobs"));
        assertThat(config.database().host()).isEqualTo("db.example");
        assertThat(config.database().port()).isEqualTo(6432);
        assertThat(config.database().user()).isEqualTo("me");
        assertThat(config.database().password()).isEqualTo("p@ss+word");
        assertThat(config.database().database()).isEqualTo("jobs");
        assertThat(config.database().toString()).doesNotContain("p@ss");
    }

    @Test
    void readsHowTheConnectionIsEncrypted() {
        assertThat(read(Map.of()).database().tls()).isEqualTo(DatabaseConfig.Tls.PREFER);
        assertThat(read(Map.of("PGSSLMODE", "require")).database().tls()).isEqualTo(DatabaseConfig.Tls.REQUIRE);
        assertThat(read(Map.of("DATABASE_URL", "postgres://me@db/jobs?sslmode=verify-full"))
                        .database()
                        .tls())
                .isEqualTo(DatabaseConfig.Tls.VERIFY_FULL);
        assertThat(mistakes(Map.of("DATABASE_URL", "postgres://me@db/jobs?sslmode=maybe", "FUNCTION_URL", "http://f")))
                .containsExactly("sslmode in DATABASE_URL must be disable, prefer, require or verify-full, is 'maybe'");
        assertThat(mistakes(Map.of("DATABASE_URL", "postgres://me@db/jobs?channel=x", "FUNCTION_URL", "http://f")))
                .containsExactly(
                        "DATABASE_URL has the parameter 'channel', which is not known; expected sslmode, or pgbouncer=true");
    }

    @Test
    void listensOnTheDirectDatabase() {
        ServiceConfig config = read(Map.of(
                "DATABASE_URL", "postgres://me@pooler:6432/jobs", "DATABASE_LISTEN_URL", "postgres://me@db/jobs"));
        assertThat(config.database().host()).isEqualTo("pooler");
        assertThat(config.listenDatabase().host()).isEqualTo("db");
    }

    @Test
    void takesTheStatementsDatabaseForAPoolerWhenTheListenUrlLeadsElsewhere() {
        String pooler = "postgres://me@pooler:6432/jobs";
        String direct = "postgres://me@db/jobs";
        assertThat(pooled(Map.of("DATABASE_URL", pooler))).isFalse();
        assertThat(pooled(Map.of("DATABASE_URL", pooler, "DATABASE_LISTEN_URL", direct)))
                .isTrue();
        assertThat(pooled(Map.of("DATABASE_URL", direct, "DATABASE_LISTEN_URL", direct)))
                .isFalse();
        assertThat(read(Map.of("DATABASE_URL", pooler, "DATABASE_LISTEN_URL", direct))
                        .listenDatabase()
                        .pooled())
                .isFalse();
    }

    @Test
    void believesWhatTheUrlSaysOfItselfAndPosternPoolerBeforeThat() {
        String pooler = "postgres://me@pooler:6432/jobs?sslmode=require&pgbouncer=true";
        ServiceConfig only = read(Map.of("DATABASE_URL", pooler));
        assertThat(only.database().pooled()).isTrue();
        assertThat(only.listenDatabase().pooled()).isTrue();
        assertThat(pooled(Map.of("DATABASE_URL", pooler, "POSTERN_POOLER", "false")))
                .isFalse();
        assertThat(pooled(Map.of("POSTERN_POOLER", "true"))).isTrue();
        assertThat(pooled(Map.of(
                        "DATABASE_URL",
                        "postgres://me@proxy/jobs",
                        "DATABASE_LISTEN_URL",
                        "postgres://me@db/jobs",
                        "POSTERN_POOLER",
                        "false")))
                .isFalse();
        assertThat(mistakes(Map.of("DATABASE_URL", "postgres://me@db/jobs?pgbouncer=yes", "FUNCTION_URL", "http://f")))
                .containsExactly("DATABASE_URL has the parameter 'pgbouncer', which is not known; expected sslmode, or"
                        + " pgbouncer=true");
    }

    private static boolean pooled(Map<String, String> variables) {
        return read(variables).database().pooled();
    }

    @Test
    void takesAnEmptyVariableForOneThatIsNotSet() {
        assertThat(read(Map.of("POSTERN_LEASE_SECONDS", " ")).worker().lease()).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void reportsAllMistakesAtOnce() {
        assertThat(mistakes(Map.of(
                        "POSTERN_LEASE_SECONDS", "0",
                        "POSTERN_CONCURRENCY", "many",
                        "POSTERN_ROLES", "worker,api,cook",
                        "POSTERN_MIGRATE", "perhaps",
                        "POSTERN_FUNCTIONS", "send-email-link=http://x",
                        "INTERNAL_JOBS_CALLBACK_URL", "callback:12345",
                        "JOBS_SUPPORT_ANY", "false",
                        "JOBS_SCHEMA", "App Jobs")))
                .containsExactlyInAnyOrder(
                        "no database is named: set DATABASE_URL, or PGHOST, PGUSER, PGPASSWORD and PGDATABASE"
                                + " ('./postern up' brings its own)",
                        "JOBS_SCHEMA ('App Jobs'): schema must be a plain lower-case identifier such as 'app_jobs', is"
                                + " 'App Jobs'",
                        "POSTERN_ROLES knows worker, scheduler, callback and api, not 'cook'",
                        "POSTERN_FUNCTIONS must be a JSON object such as {\"task\":\"http://host:8080\"}, is"
                                + " 'send-email-link=http://x'",
                        "nothing says where functions live: set FUNCTION_URL, or POSTERN_FUNCTIONS for single tasks",
                        "POSTERN_MIGRATE must be true or false, is 'perhaps'",
                        "INTERNAL_JOBS_CALLBACK_URL must be an http or https URL, is 'callback:12345'",
                        "JOBS_SUPPORT_ANY is false and JOBS_SUPPORTED names no task: the worker would take nothing",
                        "POSTERN_CONCURRENCY must be a whole number from 1 to 100000, is 'many'",
                        "POSTERN_LEASE_SECONDS must be a whole number from 1 to 86400, is '0'");
    }

    /** Its own gateway would only ask the same routes again, and one with keys wants a token. */
    @Test
    void aWorkerFindsFunctionsThroughTheGatewayOfAnotherProcessOfTheMachine() {
        Map<String, String> worker = Map.of("PGHOST", "db", "POSTERN_ROLES", "worker", "POSTERN_API_PORT", "9070");
        assertThat(new ConfigReader(worker, "abcdefgh").read().router().route("ping"))
                .contains(URI.create("http://127.0.0.1:9070/function/ping"));
        for (Map<String, String> other :
                List.of(Map.of("POSTERN_ROLES", "worker,api"), Map.of("POSTERN_API_KEYS", "https://id/keys"))) {
            Map<String, String> variables = new java.util.HashMap<>(worker);
            variables.putAll(other);
            assertThat(mistakes(variables))
                    .containsExactly(
                            "nothing says where functions live: set FUNCTION_URL, or POSTERN_FUNCTIONS for single tasks");
        }
    }

    @Test
    void readsTheRetentionForAllStatesOrForEach() {
        assertThat(retention(Map.of())).isEqualTo(retention(7, 7)).isEqualTo(Retention.defaults());
        assertThat(retention(Map.of("JOBS_HISTORY_RETENTION", "30"))).isEqualTo(retention(30, 30));
        assertThat(retention(Map.of("JOBS_HISTORY_RETENTION", "cancelled=30"))).isEqualTo(retention(7, 30));
        assertThat(retention(Map.of("JOBS_HISTORY_RETENTION", "succeeded=1, cancelled=30, dead=keep")))
                .isEqualTo(retention(1, 30));
        assertThat(retention(Map.of("JOBS_HISTORY_RETENTION", "14,dead=90")))
                .isEqualTo(new Retention(Duration.ofDays(14), Duration.ofDays(14), Optional.of(Duration.ofDays(90))));
    }

    private static Retention retention(Map<String, String> variables) {
        return read(variables).scheduler().retention();
    }

    private static Retention retention(int succeeded, int cancelled) {
        return new Retention(Duration.ofDays(succeeded), Duration.ofDays(cancelled), Optional.empty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "dead=0", "3651", "seven", "succeeded=keep", "failed=7", "7 days", "99999999999999"})
    void refusesARetentionThatIsNone(String value) {
        Map<String, String> variables = new HashMap<>(LEAST);
        variables.put("JOBS_HISTORY_RETENTION", "7," + value);
        assertThat(mistakes(variables))
                .containsExactly("JOBS_HISTORY_RETENTION must be days from 1 to 3650, one number or such as"
                        + " 'succeeded=7,cancelled=30,dead=keep'; '" + value + "' is neither");
    }

    @Test
    void refusesALocalPortThatIsNone() {
        Map<String, String> wrong = Map.of("POSTERN_POSTGRES_PORT", "many");
        assertThatThrownBy(() -> new ConfigReader(wrong, "abcdefgh").readLocalPostgresPort())
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("POSTERN_POSTGRES_PORT must be a whole number from 0 to 65535, is 'many'");
        assertThat(new ConfigReader(Map.of(), "abcdefgh").readLocalPostgresPort())
                .isEqualTo(5433);
    }

    @Test
    void tracesNothingAndCountsNoTenantUnlessTold() {
        assertThat(read(Map.of()).telemetry()).isEqualTo(new ServiceConfig.Telemetry(0, Optional.empty()));
        assertThat(read(Map.of("POSTERN_METRICS_TENANTS", "20")).telemetry().tenants())
                .isEqualTo(20);
    }

    @Test
    void readsOpenTelemetrysOwnVariables() {
        ServiceConfig.TraceExport whole = read(Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/",
                        "OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b, x-team = jobs",
                        "OTEL_SERVICE_NAME", "jobs"))
                .telemetry()
                .traces()
                .orElseThrow();
        assertThat(whole.url()).isEqualTo(URI.create("http://collector:4318/v1/traces"));
        assertThat(whole.headers()).isEqualTo(Map.of("x-key", "a b", "x-team", "jobs"));
        assertThat(whole).hasToString("jobs to collector");
        assertThat(read(Map.of(
                                "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318",
                                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces/in"))
                        .telemetry()
                        .traces())
                .contains(new ServiceConfig.TraceExport(URI.create("http://traces/in"), "postern", Map.of()));
    }

    @Test
    void refusesTracesThatCannotBeSent() {
        Map<String, String> variables = new HashMap<>(LEAST);
        variables.put("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
        variables.put("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        variables.put("OTEL_EXPORTER_OTLP_HEADERS", "a key");
        variables.put("POSTERN_METRICS_TENANTS", "all");
        assertThat(mistakes(variables))
                .hasSize(3)
                .anyMatch(mistake -> mistake.contains("must be http/protobuf: Postern does not speak 'grpc'"))
                .anyMatch(mistake -> mistake.contains("OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs"))
                .anyMatch(mistake -> mistake.contains("POSTERN_METRICS_TENANTS"))
                .noneMatch(mistake -> mistake.contains("a key"));
    }

    @Test
    void neverRepeatsAPassword() {
        assertThat(mistakes(Map.of("DATABASE_URL", "mysql://me:secret@db/jobs", "FUNCTION_URL", "http://f")))
                .singleElement()
                .asString()
                .doesNotContain("secret");
    }

    @Test
    void refusesAFunctionUrlThatIsNone() {
        assertThatThrownBy(() -> read(Map.of("FUNCTION_URL", "functions:8080")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("expected an absolute http or https URL, found 'functions:8080");
    }

    @Test
    void everySettingIsReadUnderTheNameThatIsDocumented() {
        assertThat(Setting.ALL).extracting(Setting::name).doesNotHaveDuplicates();
        assertThat(Setting.ALL)
                .filteredOn(Setting::secret)
                .extracting(Setting::name)
                .containsExactlyInAnyOrder(
                        "DATABASE_URL",
                        "DATABASE_LISTEN_URL",
                        "PGPASSWORD",
                        "POSTERN_SIGNING_SECRET",
                        "OTEL_EXPORTER_OTLP_HEADERS",
                        "POSTERN_API_TOKEN");
        assertThat(Optional.of(Setting.markdown())).get().asString().startsWith("# Configuration");
    }
}
