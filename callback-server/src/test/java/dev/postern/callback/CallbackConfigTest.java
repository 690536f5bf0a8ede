package dev.postern.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class CallbackConfigTest {

    private final CallbackConfig defaults = CallbackConfig.defaults();

    @Test
    void listensWhereConstructivesFunctionsExpectIt() {
        assertThat(defaults.port()).isEqualTo(12345);
    }

    @Test
    void namesTheValueThatItRefuses() {
        assertThatThrownBy(() -> defaults.withAddress(" ", 1)).hasMessageContaining("host");
        assertThatThrownBy(() -> defaults.withAddress("localhost", 65_536)).hasMessageContaining("port");
        assertThatThrownBy(() -> defaults.withLeases(Duration.ZERO, Duration.ofHours(1)))
                .hasMessageContaining("heartbeat lease");
        assertThatThrownBy(() -> defaults.withLeases(Duration.ofHours(2), Duration.ofHours(1)))
                .hasMessageContaining("max lease");
        assertThatThrownBy(() -> defaults.withBodyLimit(1023)).hasMessageContaining("body limit");
        assertThatThrownBy(() -> defaults.withOutcomeWait(Duration.ZERO)).hasMessageContaining("outcome wait");
        assertThatThrownBy(() -> defaults.withClientTimeout(Duration.ZERO)).hasMessageContaining("client timeout");
    }
}
