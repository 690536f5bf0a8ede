package dev.postern.service.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.api.ApiConfig.Tokens;
import dev.postern.api.ApiVerticle;
import dev.postern.service.client.ApiClient;
import dev.postern.service.config.ConfigReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Makes a token by a secret of {@code POSTERN_API_KEYS}, for whoever tries the API with keys. */
@Command(
        name = "token",
        description = {
            "Prints a token for the HTTP API, signed by the first secret that POSTERN_API_KEYS names.",
            "For trying things out: in earnest, tokens come from whoever knows your users. Where the API has no keys, none"
                    + " is needed."
        },
        mixinStandardHelpOptions = true)
final class TokenCommand implements Callable<Integer> {

    private static final int LONGEST_HOURS = 24 * 30;

    private final Context context;

    @Option(
            names = "--database-id",
            paramLabel = "UUID",
            defaultValue = "00000000-0000-0000-0000-000000000001",
            description = "The tenant; ${DEFAULT-VALUE} if left out.")
    UUID databaseId = new UUID(0, 1);

    @Option(names = "--user", paramLabel = "NAME", description = "The user; none, but the tenant's, if left out.")
    @Nullable
    String user;

    @Option(
            names = "--permissions",
            paramLabel = "NAME",
            split = ",",
            description = "What it may do; everything if left out.")
    List<String> permissions = List.of();

    @Option(
            names = "--hours",
            paramLabel = "N",
            defaultValue = "1",
            description = "How long it counts, up to 720; ${DEFAULT-VALUE} if left out.")
    int hours = 1;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    TokenCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        if (hours < 1 || hours > LONGEST_HOURS) {
            throw new ParameterException(spec.commandLine(), "--hours must be from 1 to " + LONGEST_HOURS);
        }
        TreeSet<String> all = new TreeSet<>(ApiVerticle.permissions());
        for (String permission : permissions) {
            if (!all.contains(permission)) {
                throw new ParameterException(
                        spec.commandLine(), "'" + permission + "' is none of " + String.join(", ", all));
            }
        }
        Tokens tokens = new ConfigReader(context.environment(), Context.incarnation()).readTokens();
        byte[] secret = tokens.keyFiles().stream()
                .map(TokenCommand::read)
                .filter(text -> !text.startsWith("{") && !text.startsWith("-----BEGIN"))
                .map(text -> text.getBytes(StandardCharsets.UTF_8))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(
                        tokens.checked()
                                ? "none of POSTERN_API_KEYS is a file with a secret; only who has a private key can"
                                        + " sign for the others"
                                : "POSTERN_API_KEYS is not set: the API then takes callers of this machine without a"
                                        + " token. To try it with one: 'openssl rand -hex 32 > api.key', and set"
                                        + " POSTERN_API_KEYS=api.key here and for the service"));
        PrintWriter out = spec.commandLine().getOut();
        out.println(signed(claims(tokens, Context.clock().instant(), all), secret));
        out.flush();
        return 0;
    }

    private ObjectNode claims(Tokens tokens, Instant now, TreeSet<String> all) {
        ObjectNode claims = ApiClient.object()
                .put(tokens.tenantClaim(), databaseId.toString())
                .put("iat", now.getEpochSecond())
                .put("exp", now.plus(Duration.ofHours(hours)).getEpochSecond());
        tokens.issuer().ifPresent(issuer -> claims.put("iss", issuer));
        tokens.audience().ifPresent(audience -> claims.put("aud", audience));
        if (user != null) {
            claims.put(tokens.userClaim(), user);
        }
        (permissions.isEmpty() ? all : permissions).forEach(claims.withArray(tokens.permissionsClaim())::add);
        return claims;
    }

    private static String signed(ObjectNode claims, byte[] secret) {
        String content =
                base64(ApiClient.object().put("alg", "HS256").put("typ", "JWT").toString()) + "."
                        + base64(claims.toString());
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            byte[] signature = mac.doFinal(content.getBytes(StandardCharsets.US_ASCII));
            return content + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(signature);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has HmacSHA256", e);
        }
    }

    private static String base64(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new IllegalStateException("cannot read the key file " + file + ": " + e.getMessage(), e);
        }
    }
}
