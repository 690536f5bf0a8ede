package dev.postern.functions.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SigningKeysTest {

    private static final String OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private static final String NEW = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    private static final byte[] BODY = "{\"test\": 2432232314}".getBytes(StandardCharsets.UTF_8);
    private static final String ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private static final long TIME = 1_614_265_330;

    /** The vector that Standard Webhooks' reference libraries are tested with. */
    @Test
    void signsAsTheReferenceDoes() {
        assertThat(SigningKeys.parse(OLD).sign(ID, TIME, BODY))
                .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    @Test
    void isContentWithOneSecretThatFits() {
        SigningKeys both = SigningKeys.parse(NEW + ", " + OLD);
        assertThat(both.sign(ID, TIME, BODY).split(" ")).hasSize(2);
        assertThat(both).hasToString("2 secrets");

        assertThat(refusal(SigningKeys.parse(OLD), both.sign(ID, TIME, BODY), TIME))
                .isNull();
        assertThat(refusal(SigningKeys.parse(NEW), both.sign(ID, TIME, BODY), TIME))
                .isNull();
        assertThat(refusal(both, SigningKeys.parse(OLD).sign(ID, TIME, BODY), TIME))
                .isNull();
        assertThat(refusal(SigningKeys.parse(NEW), SigningKeys.parse(OLD).sign(ID, TIME, BODY), TIME))
                .contains("fits");
    }

    @Test
    void refusesAnythingThatWasChanged() {
        SigningKeys keys = SigningKeys.parse(OLD);
        String signature = keys.sign(ID, TIME, BODY);
        Instant now = Instant.ofEpochSecond(TIME);
        String time = Long.toString(TIME);

        assertThat(keys.refusal(ID, time, signature, BODY, now)).isNull();
        assertThat(keys.refusal("msg_2", time, signature, BODY, now)).contains("fits");
        assertThat(keys.refusal(ID, Long.toString(TIME + 1), signature, BODY, now))
                .contains("fits");
        assertThat(keys.refusal(ID, time, signature, new byte[0], now)).contains("fits");
        assertThat(keys.refusal(ID, time, signature.replace("v1,", "v1a,"), BODY, now))
                .contains("fits");
        assertThat(keys.refusal(ID, time, "v1,", BODY, now)).contains("fits");
        assertThat(keys.refusal(ID, time, "v1,=%", BODY, now)).contains("fits");
    }

    @Test
    void refusesWhatIsOldOrNotSigned() {
        SigningKeys keys = SigningKeys.parse(OLD);
        String signature = keys.sign(ID, TIME, BODY);

        assertThat(refusal(keys, signature, TIME + 300)).isNull();
        assertThat(refusal(keys, signature, TIME - 300)).isNull();
        assertThat(refusal(keys, signature, TIME + 301)).contains("300 s");
        assertThat(refusal(keys, signature, TIME - 301)).contains("300 s");
        assertThat(refusal(keys, null, TIME)).contains("not signed");
        assertThat(keys.refusal(ID, "soon", signature, BODY, Instant.EPOCH)).contains("no number");
        assertThat(keys.refusal(ID, Long.toString(Long.MIN_VALUE), signature, BODY, Instant.EPOCH))
                .contains("300 s");
    }

    @ParameterizedTest
    @ValueSource(strings = {"secret-word", "whsec_c2hvcnQ=", "whsec_%%%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    void refusesWhatIsNoSecretWithoutRepeatingIt(String secret) {
        assertThatThrownBy(() -> SigningKeys.parse(OLD + " " + secret))
                .isInstanceOf(IllegalArgumentException.class)
                .hasNoCause()
                .hasMessageContaining("secret 2")
                .message()
                .doesNotContain(secret);
    }

    @Test
    void hasNoneWhereNothingIsSet() {
        assertThat(SigningKeys.parse(" ").isEmpty()).isTrue();
        assertThat(SigningKeys.parse(OLD).isEmpty()).isFalse();
    }

    private static @Nullable String refusal(SigningKeys keys, @Nullable String signature, long now) {
        return keys.refusal(ID, Long.toString(TIME), signature, BODY, Instant.ofEpochSecond(now));
    }
}
