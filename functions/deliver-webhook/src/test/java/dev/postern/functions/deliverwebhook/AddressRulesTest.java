package dev.postern.functions.deliverwebhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class AddressRulesTest {

    private static final AddressRules NONE_OF_OUR_OWN = new AddressRules(List.of(), List.of());

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.0.0.0",
                "0.1.2.3",
                "10.0.0.1",
                "100.64.0.1",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.255.254",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.170",
                "192.0.2.1",
                "192.88.99.1",
                "192.168.1.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "::127.0.0.1", // IPv4-compatible
                "::ffff:127.0.0.1", // IPv4-mapped
                "::ffff:10.0.0.1",
                "::ffff:0:10.0.0.1", // IPv4-translated
                "64:ff9b::10.0.0.1", // NAT64
                "64:ff9b::8.8.8.8",
                "64:ff9b:1::10.0.0.1", // NAT64, local use
                "100::1", // discard
                "2001::1", // Teredo
                "2001:db8::1",
                "2002:7f00:1::", // 6to4 of 127.0.0.1
                "3fff::1",
                "5f00::1",
                "fc00::1",
                "fd12:3456::1",
                "fe80::1",
                "fec0::1",
                "ff02::1"
            })
    void refusesWhatIsNotPublic(String address) throws UnknownHostException {
        assertThat(NONE_OF_OUR_OWN.permit(InetAddress.getByName(address))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.1.1.1",
                "8.8.8.8",
                "9.255.255.255",
                "11.0.0.1",
                "100.63.255.255",
                "100.128.0.1",
                "172.15.255.255",
                "172.32.0.1",
                "192.0.1.1",
                "192.167.255.255",
                "198.17.255.255",
                "198.20.0.1",
                "223.255.255.255",
                "::ffff:8.8.8.8",
                "2001:4860:4860::8888",
                "2606:4700::1111",
                "2a00:1450:4001::1"
            })
    void permitsWhatIs(String address) throws UnknownHostException {
        assertThat(NONE_OF_OUR_OWN.permit(InetAddress.getByName(address))).isTrue();
    }

    @Test
    void permitsWhatTheOperatorAllowsAndNothingThatIsDenied() throws UnknownHostException {
        AddressRules rules = new AddressRules(
                List.of(Network.of("10.1.0.0/16"), Network.of("fd00::/8")),
                List.of(Network.of("10.1.2.3"), Network.of("8.8.0.0/16")));

        assertThat(rules.permit(InetAddress.getByName("10.1.2.4"))).isTrue();
        assertThat(rules.permit(InetAddress.getByName("10.2.0.1"))).isFalse();
        assertThat(rules.permit(InetAddress.getByName("fd00::1"))).isTrue();
        assertThat(rules.permit(InetAddress.getByName("10.1.2.3"))).isFalse();
        assertThat(rules.permit(InetAddress.getByName("8.8.8.8"))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.0.0.0/33",
                "fc00::/129",
                "10.0.0.0/x",
                "10.0.0.0/-1",
                "10.0.0.0/8/8",
                "10/8",
                "localhost",
                "",
                "a.b/8"
            })
    void refusesWhatIsNoNetwork(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Network.of(text)).withMessageContaining("is no network");
    }
}
