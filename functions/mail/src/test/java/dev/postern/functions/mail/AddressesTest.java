package dev.postern.functions.mail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class AddressesTest {

    @Test
    void readsAddressesWithAndWithoutNames() {
        assertThat(Addresses.list("a@example.com, \"L, Ada\" <ada@example.com>"))
                .containsExactly("a@example.com", "\"L, Ada\" <ada@example.com>");
        assertThat(Addresses.one(" Ada <ada@example.com> ")).isEqualTo("Ada <ada@example.com>");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nobody",
                "a@b@c",
                "a@example.com b@example.com",
                "a@example.com\r\nBcc: c@example.com",
                "Ada <ada@example.com",
                "friends: a@example.com, b@example.com;"
            })
    void refusesWhatIsNoListOfAddresses(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Addresses.list(text));
    }

    @Test
    void refusesTwoWhereOneIsMeant() {
        assertThatIllegalArgumentException().isThrownBy(() -> Addresses.one("a@example.com, b@example.com"));
    }
}
