package dev.postern.service.cli;

import dev.postern.api.ApiConfig;
import dev.postern.service.client.ApiClient;
import dev.postern.service.client.ApiClient.Target;
import dev.postern.service.client.ApiFailure;
import dev.postern.service.client.ApiFailure.Kind;
import java.net.URI;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** By which commands ask the HTTP API; those that can do without it then work on the database. */
final class ApiOptions {

    static final String URL = "POSTERN_API_URL";

    @Option(
            names = "--api",
            paramLabel = "URL",
            scope = ScopeType.INHERIT,
            description = "Address of the HTTP API to ask; " + URL + " if left out. POSTERN_API_TOKEN is shown to it.")
    @Nullable
    String url;

    /** Whether somebody said so. */
    boolean chosen(Context context) {
        return url != null || set(context, URL) != null;
    }

    /**
     * Connects to nothing yet. Without an address it is the one that {@code ./postern up} opens on this machine.
     *
     * @param tenant that the caller wants to be, or null; only where no token says it
     * @param by the caller's name, or null for the user of this machine; only where no token says it
     * @throws ApiFailure when the address is none, or the token says who the caller is
     */
    ApiClient open(Context context, @Nullable UUID tenant, @Nullable String by) {
        String token = set(context, "POSTERN_API_TOKEN");
        if (token == null) {
            String user = by == null ? set(context, "USER") : by;
            return new ApiClient(new Target(base(context), null, tenant == null ? null : tenant.toString(), user));
        }
        if (tenant != null || by != null) {
            throw new ApiFailure(
                    Kind.MISUSED,
                    "the token of POSTERN_API_TOKEN says which tenant and user you are; leave "
                            + (tenant != null ? "the tenant" : "--by") + " out");
        }
        return new ApiClient(new Target(base(context), token, null, null));
    }

    private URI base(Context context) {
        String port = set(context, "POSTERN_API_PORT");
        String local = "http://127.0.0.1:"
                + (port == null || port.equals("0") ? Integer.toString(ApiConfig.DEFAULT_PORT) : port);
        String given = url == null ? set(context, URL) : url;
        String address = (given == null ? local : given).replaceFirst("/+$", "");
        try {
            URI base = URI.create(address);
            boolean plain = base.getRawQuery() == null && base.getRawFragment() == null && base.getUserInfo() == null;
            if (String.valueOf(base.getScheme()).matches("https?") && base.getHost() != null && plain) {
                return base;
            }
        } catch (IllegalArgumentException e) {
            throw new ApiFailure(Kind.MISUSED, wrong(address));
        }
        throw new ApiFailure(Kind.MISUSED, wrong(address));
    }

    private static String wrong(String address) {
        return "--api and " + URL + " take an address such as https://jobs.example.com, not '" + address + "'";
    }

    private static @Nullable String set(Context context, String name) {
        String value = context.environment().getOrDefault(name, "").strip();
        return value.isEmpty() ? null : value;
    }
}
