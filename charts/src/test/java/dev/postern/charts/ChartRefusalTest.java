package dev.postern.charts;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Values that cannot work are refused before anything is installed, with words that say what to set. */
class ChartRefusalTest {

    private static final String DATABASE = "database: {existingSecret: acme-db-app}\n";

    private Chart chart;

    @BeforeEach
    void openChart(@TempDir Path scratch) {
        chart = new Chart(scratch);
    }

    @Test
    void saysWhichValueNamesTheDatabaseSecret() {
        assertRefused("replicas: 1", "database.existingSecret is not set", "--set database.existingSecret=");
    }

    @Test
    void tellsAllMistakesAtOnce() {
        assertRefused(
                "jobs: {supportAny: true}\nhttp: {port: 8080}",
                "database.existingSecret is not set",
                "jobs.supportAny is true",
                "callback.port and http.port are both 8080");
    }

    @Test
    void refusesMisspeltKeysAtEveryLevel() {
        assertRefused(DATABASE + "replica: 2", "'replica' not allowed");
        assertRefused("database: {existingSecrets: acme-db-app}", "'existingSecrets' not allowed");
        assertRefused(DATABASE + "worker: {lease_seconds: 30}", "'lease_seconds' not allowed");
        assertRefused(
                DATABASE + "functions: [{name: a, image: {repository: a}, minscale: 1}]", "'minscale' not allowed");
    }

    @Test
    void refusesAPasswordInValues() {
        assertRefused("database: {existingSecret: acme-db-app, password: hunter2}", "'password' not allowed");
        assertRefused(
                DATABASE + "functions: [{name: mail, image: {repository: mail}, env: {SMTP_PASS: hunter2}}]",
                "function mail gives SMTP_PASS as plain text",
                "secretEnv");
        assertRefused(
                DATABASE + "extraEnv: {DATABASE_URL: postgres://u:p@h/d}",
                "extraEnv gives DATABASE_URL as plain text",
                "extraEnvFromSecrets");
    }

    @Test
    void refusesMailgunWithoutItsSecret() {
        assertRefused(
                DATABASE + "functions: [{name: mail, image: {repository: mail}, mailgun: true}]",
                "function mail has mailgun: true",
                "mailgun.existingSecret");
    }

    @Test
    void refusesTwoFunctionsForOneTaskOrOneName() {
        assertRefused(DATABASE + """
                        functions:
                          - {name: a, tasks: [ping], image: {repository: a}}
                          - {name: b, tasks: [ping], image: {repository: b}}
                        """, "the task ping is sent to both a and b");
        assertRefused(DATABASE + """
                        functions:
                          - {name: a, tasks: [one], image: {repository: a}}
                          - {name: a, tasks: [two], image: {repository: b}}
                        """, "the function name a is taken by another function");
        assertRefused(
                DATABASE + "functions: [{name: acme-postern, image: {repository: a}}]",
                "the function name acme-postern is taken by the callback's Service");
    }

    @Test
    void refusesAServiceWithNothingToClaim() {
        assertRefused(DATABASE + "functions: []", "there is no task to claim", "routing.functionUrl");
    }

    @Test
    void refusesATaskWithoutAnAddress() {
        assertRefused(DATABASE + "jobs: {supported: [export]}", "jobs.supported names export", "routing.functions");
    }

    @Test
    void refusesVariablesThatTheChartOrKnativeSets() {
        assertRefused(DATABASE + "extraEnv: {JOBS_SCHEMA: other}", "extraEnv sets JOBS_SCHEMA");
        assertRefused(
                DATABASE + "functions: [{name: a, image: {repository: a}, env: {PORT: \"80\"}}]",
                "the function a sets PORT");
        assertRefused(
                DATABASE + "functions: [{name: a, image: {repository: a}, env: {LIMIT: 5}}]",
                "/functions/0/env/LIMIT",
                "got number, want string");
    }

    @Test
    void refusesAnApiThatNobodyMayCall() {
        assertRefused(DATABASE + "api: {enabled: true}", "nothing says whose tokens count", "api.keys.existingSecret");
        assertRefused(
                DATABASE + "api: {enabled: true, keys: {files: [jwks.json]}}",
                "api.keys.files names jwks.json",
                "api.keys.existingSecret is not set");
        assertRefused(
                DATABASE + "api: {enabled: true, keys: {existingSecret: keys}}", "api.keys.files names no key of it");
        assertRefused(
                DATABASE + "api: {ingress: {enabled: true, host: a.example.com}}",
                "api.ingress.enabled is true, but api.enabled is false");
        assertRefused(
                DATABASE + "api: {enabled: true, keys: {urls: [\"https://id/jwks\"]}, ingress: {enabled: true}}",
                "api.ingress.host is not set");
        assertRefused(
                DATABASE + "api: {enabled: true, port: 8081, keys: {urls: [\"https://id/jwks\"]}}",
                "http.port and api.port are both 8081");
        assertRefused(DATABASE + "extraEnv: {POSTERN_API_ISSUER: me}", "extraEnv sets POSTERN_API_ISSUER");
    }

    @Test
    void refusesTimeOutsOutOfOrder() {
        assertRefused(
                DATABASE + "worker: {attemptTimeoutSeconds: 590}\ncallback: {leaseSeconds: 700}",
                "let a call run for 605 s",
                "knative.maxTimeoutSeconds");
        assertRefused(DATABASE + "callback: {leaseSeconds: 315}", "a function may work for 315 s");
    }

    @Test
    void refusesToTakeThePodOfAFunctionThatStillWorks() {
        assertRefused(
                DATABASE + "functions: [{name: a, image: {repository: a}, answersLater: true, minScale: 0}]",
                "the function a answers later and has minScale 0");
    }

    @Test
    void refusesScalingThatCannotWork() {
        assertRefused(DATABASE + "autoscaling: {kind: keda, minReplicas: 0}", "/autoscaling/minReplicas");
        assertRefused(
                DATABASE + "autoscaling: {kind: keda, minReplicas: 9, maxReplicas: 3}",
                "minReplicas 9 is above maxReplicas 3");
        assertRefused(
                DATABASE + "autoscaling: {kind: hpa}\nresources: {requests: {cpu: null}}", "resources.requests.cpu");
        assertRefused(DATABASE + "autoscaling: {kind: vpa}", "/autoscaling/kind", "'none', 'keda', 'hpa'");
    }

    @Test
    void refusesTwoScrapesOfOnePod() {
        assertRefused(
                DATABASE + "monitoring: {podMonitor: {enabled: true}, serviceMonitor: {enabled: true}}",
                "each pod would be scraped twice");
    }

    @Test
    void refusesPeersThatANetworkPolicyDoesNotKnow() {
        assertRefused(
                DATABASE + "networkPolicy: {apiFrom: [{namespace: jobs}]}",
                "/networkPolicy/apiFrom/0",
                "'namespace' not allowed");
        assertRefused(
                DATABASE + "networkPolicy: {egress: {mail: {pods: mailers, ports: [443]}}}",
                "/networkPolicy/egress/mail/pods");
    }

    @Test
    void refusesLimitsThatContradict() {
        assertRefused(
                DATABASE + "functions: [{name: a, image: {repository: a}, minScale: 5, maxScale: 2}]",
                "minScale 5 above maxScale 2");
        assertRefused(
                "database: {existingSecret: a, host: db, keys: {url: uri}}",
                "database.keys.url takes the whole connection");
        assertRefused(DATABASE + "callback: {port: 80}", "/callback/port");
    }

    private void assertRefused(String values, String... words) {
        assertThatThrownBy(() -> chart.render(values)).hasMessageContainingAll(words);
    }
}
