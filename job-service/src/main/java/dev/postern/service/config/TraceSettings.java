package dev.postern.service.config;

import dev.postern.service.config.ServiceConfig.TraceExport;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Where spans go, by OpenTelemetry's own variables, as functions read them. */
final class TraceSettings {

    private static final String PROTOCOL = "http/protobuf";

    private final Environment env;

    TraceSettings(Environment env) {
        this.env = env;
    }

    /** Empty where no endpoint is set. */
    Optional<TraceExport> read() {
        Optional<URI> own = env.url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        Optional<URI> url = own.or(() -> env.url("OTEL_EXPORTER_OTLP_ENDPOINT")
                .map(base -> URI.create(base.toString().replaceAll("/+$", "") + "/v1/traces")));
        String protocol = env.text("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOL);
        if (url.isPresent() && !protocol.equals(PROTOCOL)) {
            env.mistake("OTEL_EXPORTER_OTLP_PROTOCOL must be " + PROTOCOL + ": Postern does not speak '" + protocol
                    + "'; the endpoint's port is then 4318 as a rule");
        }
        return url.map(to -> new TraceExport(to, env.text("OTEL_SERVICE_NAME", "postern"), headers()));
    }

    private Map<String, String> headers() {
        Map<String, String> headers = new HashMap<>();
        for (String pair : env.list("OTEL_EXPORTER_OTLP_HEADERS")) {
            String[] parts = pair.split("=", 2);
            if (parts.length == 2) {
                headers.put(parts[0].strip(), URLDecoder.decode(parts[1].strip(), StandardCharsets.UTF_8));
            } else {
                env.mistake("OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs with commas between them");
            }
        }
        return headers;
    }
}
