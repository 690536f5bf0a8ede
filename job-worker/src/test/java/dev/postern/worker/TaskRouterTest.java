package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TaskRouterTest {

    private static TaskRouter to(String fallback) {
        return new TaskRouter(Map.of(), Optional.of(fallback));
    }

    @ParameterizedTest
    @CsvSource({
        "http://gateway:8080, ping, http://gateway:8080/ping",
        "http://gateway:8080/, ping, http://gateway:8080/ping",
        "https://gateway/functions, email:send, https://gateway/functions/email%3Asend",
        "http://gateway, ../admin, http://gateway/..%2Fadmin",
        "http://{task}.ns.svc.cluster.local, send-email-link, http://send-email-link.ns.svc.cluster.local",
        "http://gateway/run/{task}/now, ping, http://gateway/run/ping/now",
        "http://[::1]:8080, ping, http://[::1]:8080/ping"
    })
    void putsTheTaskWhereTheUrlSays(String fallback, String task, String url) {
        assertThat(to(fallback).route(task)).contains(URI.create(url));
    }

    @Test
    void prefersATasksOwnUrlAndTakesItAsItIs() {
        TaskRouter router =
                new TaskRouter(Map.of("ping", "http://send_ping:8080/a?b=c"), Optional.of("http://gateway"));
        assertThat(router.route("ping")).contains(URI.create("http://send_ping:8080/a?b=c"));
        assertThat(router.route("other")).contains(URI.create("http://gateway/other"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"email:send", "a b", "a/b", "a@evil.example", "a#b", "\u00e9"})
    void routesNothingWhoseNameCannotStandInAHost(String task) {
        assertThat(to("http://{task}.ns").route(task)).isEmpty();
    }

    @Test
    void routesNothingWhoseNameLeavesNoHost() {
        assertThat(to("http://{task}").route("")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"gateway:8080", "/functions", "ftp://gateway", "http://", "http://a b"})
    void refusesWhatIsNoUrl(String fallback) {
        assertThatThrownBy(() -> to(fallback)).isInstanceOf(IllegalArgumentException.class);
    }
}
