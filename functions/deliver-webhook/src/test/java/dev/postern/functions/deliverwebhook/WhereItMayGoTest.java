package dev.postern.functions.deliverwebhook;

import static dev.postern.functions.deliverwebhook.Fixture.HOST;
import static dev.postern.functions.deliverwebhook.Receiver.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.functions.runtime.FunctionUnderTest.Called;
import dev.postern.functions.runtime.FunctionUnderTest.Outcome;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The guard as a hostile tenant meets it: nothing may arrive where it must not. */
final class WhereItMayGoTest {

    private static final char[] PASSWORD = "changeit".toCharArray();

    @ParameterizedTest
    @ValueSource(
            strings = {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1", "64:ff9b::7f00:1", "::ffff:7f00:1"
            })
    void sendsNothingToAnAddressThatIsNotPublic(String address) throws Exception {
        try (Fixture webhook = new Fixture("DELIVER_WEBHOOK_ALLOWED_NETWORKS", "")) {
            webhook.name(HOST, address);
            Called called = webhook.deliver(webhook.url());

            assertDead(called);
            assertThat(called.error()).contains(HOST).doesNotContain(address);
            assertThat(webhook.receiver.deliveries()).isEmpty();
        }
    }

    @Test
    void sendsNothingWhenOneOfManyAddressesIsNotPublic() throws Exception {
        try (Fixture webhook = new Fixture()) {
            webhook.name(HOST, "127.0.0.1 10.0.0.1");

            assertDead(webhook.deliver(webhook.url()));
            assertThat(webhook.receiver.deliveries()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "localhost"})
    void judgesLoopbackInEverySpellingThatTheJdkReads(String host) throws Exception {
        try (Fixture webhook = new Fixture(InetAddress::getAllByName, "DELIVER_WEBHOOK_ALLOWED_NETWORKS", "")) {
            Called called = webhook.deliver("http://" + host + ":" + webhook.receiver.port() + "/");

            // Some spellings are no host of a URL, or no name that anybody knows; none may come through.
            assertThat(called.outcome()).isNotEqualTo(Outcome.COMPLETE);
            assertThat(webhook.receiver.deliveries()).isEmpty();
        }
    }

    @Test
    void connectsToTheAddressThatWasJudgedWhateverTheNameSaysNext() throws Exception {
        try (Fixture webhook = new Fixture()) {
            webhook.name(HOST, "127.0.0.1", "10.0.0.1");

            assertThat(webhook.deliver(webhook.url()).outcome()).isEqualTo(Outcome.COMPLETE);
            assertThat(webhook.lookedUp).containsExactly(HOST);
            assertDead(webhook.deliver(webhook.url()));
            assertThat(webhook.receiver.deliveries()).hasSize(1);
        }
    }

    @Test
    void goesOnToTheNextAddressWhenOneTakesNoConnection() throws Exception {
        try (Fixture webhook = new Fixture()) {
            webhook.name(HOST, "127.0.0.2 127.0.0.1");

            assertThat(webhook.deliver(webhook.url()).outcome()).isEqualTo(Outcome.COMPLETE);
            assertThat(webhook.receiver.deliveries()).hasSize(1);
        }
    }

    /** A proxy would look the name up once more, and judge the answer by its own rules. */
    @Test
    void goesStraightWhateverProxyTheJvmIsTold() throws Exception {
        try (Receiver proxy = Receiver.start(status(204));
                Fixture webhook = new Fixture()) {
            for (String kind : List.of("http.proxy", "https.proxy", "socksProxy")) {
                System.setProperty(kind + "Host", "127.0.0.1");
                System.setProperty(kind + "Port", Integer.toString(proxy.port()));
            }

            assertThat(webhook.deliver(webhook.url()).outcome()).isEqualTo(Outcome.COMPLETE);
            assertThat(webhook.receiver.deliveries()).hasSize(1);
            assertThat(proxy.deliveries()).isEmpty();
        } finally {
            for (String kind : List.of("http.proxy", "https.proxy", "socksProxy")) {
                System.clearProperty(kind + "Host");
                System.clearProperty(kind + "Port");
            }
        }
    }

    @Test
    void checksTheCertificateAgainstTheNameAndNotTheAddress(@TempDir Path scratch) throws Exception {
        Path store = keyStore(scratch);
        System.setProperty("javax.net.ssl.trustStore", store.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", String.valueOf(PASSWORD));
        try (Receiver secure = new Receiver(tls(store), status(204));
                Fixture webhook = new Fixture("DELIVER_WEBHOOK_ALLOW_HTTP", "false")) {
            webhook.name("other.test", "127.0.0.1");
            Called delivered = webhook.deliver("https://" + HOST + ":" + secure.port() + "/");
            Called wrongName = webhook.deliver("https://other.test:" + secure.port() + "/");

            assertThat(delivered.error()).isNull();
            assertThat(wrongName.status()).isEqualTo(425);
            assertThat(wrongName.error()).startsWith("no connection to other.test (SSLHandshake");
            assertThat(secure.deliveries()).hasSize(1);
        } finally {
            System.clearProperty("javax.net.ssl.trustStore");
            System.clearProperty("javax.net.ssl.trustStorePassword");
        }
    }

    private static void assertDead(Called called) {
        assertThat(called.outcome()).as(called.error()).isEqualTo(Outcome.DEAD);
        assertThat(called.code()).isEqualTo("ADDRESS_NOT_ALLOWED");
    }

    /** A key and its certificate, and the certificate again as one to trust. */
    private static Path keyStore(Path scratch) throws Exception {
        Path store = scratch.resolve("store.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-alias",
                        "hooks",
                        "-dname",
                        "CN=" + HOST,
                        "-ext",
                        "san=dns:" + HOST,
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        String.valueOf(PASSWORD),
                        "-keystore",
                        store.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(keytool.waitFor()).isZero();
        KeyStore keys = KeyStore.getInstance(store.toFile(), PASSWORD);
        keys.setCertificateEntry("trusted", keys.getCertificate("hooks"));
        try (OutputStream out = Files.newOutputStream(store)) {
            keys.store(out, PASSWORD);
        }
        return store;
    }

    private static ServerSocket tls(Path store) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(KeyStore.getInstance(store.toFile(), PASSWORD), PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context.getServerSocketFactory().createServerSocket(0, 10, InetAddress.getByName("127.0.0.1"));
    }
}
