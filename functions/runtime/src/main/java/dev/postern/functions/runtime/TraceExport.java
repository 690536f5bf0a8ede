package dev.postern.functions.runtime;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where spans go, by OpenTelemetry's own variables.
 *
 * @param url of the collector's receiver for traces
 * @param service the name that the spans are shown under
 * @param headers sent with each request, such as a key
 */
public record TraceExport(URI url, String service, Map<String, String> headers) {

    private static final String PROTOCOL = "http/protobuf";

    /** Copies the headers. */
    public TraceExport {
        headers = Map.copyOf(headers);
    }

    /** {@code null} where no endpoint is set. */
    static @Nullable TraceExport from(String name, Settings settings) {
        URI own = settings.httpUrl("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        URI common = settings.httpUrl("OTEL_EXPORTER_OTLP_ENDPOINT");
        if (own == null && common == null) {
            return null;
        }
        String protocol = settings.text("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOL);
        if (!protocol.equals(PROTOCOL)) {
            settings.mistake("OTEL_EXPORTER_OTLP_PROTOCOL must be " + PROTOCOL + ": functions do not speak '" + protocol
                    + "'; the endpoint's port is then 4318 as a rule");
        }
        Map<String, String> headers = new HashMap<>();
        for (String pair : settings.text("OTEL_EXPORTER_OTLP_HEADERS", "").split(",", -1)) {
            String[] parts = pair.strip().split("=", 2);
            if (parts.length == 2) {
                headers.put(parts[0].strip(), URLDecoder.decode(parts[1].strip(), StandardCharsets.UTF_8));
            }
        }
        URI url = own != null ? own : URI.create(String.valueOf(common).replaceAll("/+$", "") + "/v1/traces");
        return new TraceExport(url, settings.text("OTEL_SERVICE_NAME", name), headers);
    }

    /** Without the headers: they hold keys. */
    @Override
    public String toString() {
        return service + " to " + url.getHost();
    }
}
