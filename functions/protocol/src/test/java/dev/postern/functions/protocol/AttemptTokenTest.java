package dev.postern.functions.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AttemptTokenTest {

    private static final UUID LEASE = UUID.fromString("5b720132-17d5-424d-9bcb-ee7b17c13d43");

    @Test
    void readsWhatItWrote() {
        AttemptToken token = new AttemptToken(Long.MAX_VALUE, 25, LEASE);
        assertThat(AttemptToken.decode(token.encode())).isEqualTo(token);
    }

    @Test
    void goesIntoAUrlAsItIs() {
        assertThat(new AttemptToken(812, 3, LEASE).encode()).matches("812\\.3\\.[A-Za-z0-9_-]{22}");
    }

    @Test
    void tellsNothingInALogLine() {
        assertThat(new AttemptToken(812, 3, LEASE)).hasToString("job 812, attempt 3");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "812",
                "812.3",
                "812.3.short",
                "x.3.W3IBMhfVQk2by-57F8E9Qw",
                "0.1.W3IBMhfVQk2by-57F8E9Qw",
                "1.0.W3IBMhfVQk2by-57F8E9Qw",
                "812.3.W3IBMhfVQk2by+57F8E9Qw",
                "812.3.W3IBMhfVQk2by-57F8E9Qw.4"
            })
    void refusesWhatIsNoToken(String text) {
        assertThatThrownBy(() -> AttemptToken.decode(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("not an attempt token");
    }
}
