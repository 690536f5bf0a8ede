package dev.postern.functions.sendemaillink;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a query goes and what is sent along.
 *
 * @param url the endpoint
 * @param hostHeader what to put into {@code Host}; routes by name where the URL is an internal address
 * @param headers the others
 */
record GraphQlEndpoint(URI url, @Nullable String hostHeader, Map<String, String> headers) {

    GraphQlEndpoint {
        headers = Map.copyOf(headers);
    }

    /** The same with one header more; nothing changes when the value is absent. */
    GraphQlEndpoint with(String name, @Nullable String value) {
        if (value == null) {
            return this;
        }
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new GraphQlEndpoint(url, hostHeader, more);
    }

    /** Without the headers: one of them is a credential. */
    @Override
    public String toString() {
        return url + (hostHeader == null ? "" : " (Host: " + hostHeader + ")");
    }
}
