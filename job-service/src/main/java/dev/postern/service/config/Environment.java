package dev.postern.service.config;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Reads variables into values and remembers every mistake on the way. A variable that is set but empty counts as not set,
 * as compose files and charts produce them.
 */
final class Environment {

    /** The part of a URL that says whether it leads to a pooler; no PG* variable says that. */
    static final String POOLED = "pgbouncer";

    private final Map<String, String> variables;
    private final List<String> mistakes = new ArrayList<>();

    Environment(Map<String, String> variables) {
        this.variables = variables;
    }

    void mistake(String message) {
        mistakes.add(message);
    }

    List<String> mistakes() {
        return List.copyOf(mistakes);
    }

    Optional<String> text(String name) {
        return Optional.ofNullable(variables.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }

    String text(String name, String fallback) {
        return text(name).orElse(fallback);
    }

    int number(String name, int fallback, int least, int most) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return fallback;
        }
        try {
            int number = Integer.parseInt(value.get());
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Falls to the same line as a number out of bounds: what matters is what was expected.
            mistakes.add(bounds(name, value.get(), least, most));
            return fallback;
        }
        mistakes.add(bounds(name, value.get(), least, most));
        return fallback;
    }

    private static String bounds(String name, String found, int least, int most) {
        return name + " must be a whole number from " + least + " to " + most + ", is '" + found + "'";
    }

    Duration seconds(String name, Duration fallback, int least, int most) {
        return Duration.ofSeconds(number(name, (int) fallback.toSeconds(), least, most));
    }

    boolean flag(String name, boolean fallback) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return fallback;
        }
        return switch (value.get().toLowerCase(Locale.ROOT)) {
            case "true", "1", "yes", "on" -> true;
            case "false", "0", "no", "off" -> false;
            default -> {
                mistakes.add(name + " must be true or false, is '" + value.get() + "'");
                yield fallback;
            }
        };
    }

    List<String> list(String name) {
        return text(name).stream()
                .flatMap(value -> List.of(value.split(",", -1)).stream())
                .map(String::strip)
                .filter(item -> !item.isEmpty())
                .toList();
    }

    /** A JSON object of strings. */
    Map<String, String> map(String name) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return Map.of();
        }
        Map<String, String> map = new TreeMap<>();
        try {
            for (Map.Entry<String, Object> entry : new JsonObject(value.get())) {
                if (entry.getValue() instanceof String text) {
                    map.put(entry.getKey(), text);
                } else {
                    mistakes.add(name + " must map each task to a URL; '" + entry.getKey() + "' has no text");
                }
            }
        } catch (DecodeException e) {
            mistakes.add(
                    name + " must be a JSON object such as {\"task\":\"http://host:8080\"}, is '" + value.get() + "'");
        }
        return map;
    }

    Optional<URI> url(String name) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return Optional.empty();
        }
        try {
            URI uri = URI.create(value.get());
            if (uri.getScheme() != null && uri.getScheme().matches("https?") && uri.getHost() != null) {
                return Optional.of(uri);
            }
        } catch (IllegalArgumentException e) {
            mistakes.add(name + " must be an http or https URL, is '" + value.get() + "'");
            return Optional.empty();
        }
        mistakes.add(name + " must be an http or https URL, is '" + value.get() + "'");
        return Optional.empty();
    }

    /** Parts of a {@code postgres://} URL by PG* name; empty when it is not set or wrong. */
    Map<String, String> databaseUrl(String name) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return Map.of();
        }
        String expected = name + " must be postgres://user:password@host:port/database";
        URI uri;
        try {
            uri = URI.create(value.get());
        } catch (IllegalArgumentException e) {
            // The value may hold a password and is not repeated.
            mistakes.add(expected + "; special characters in the password need percent-encoding");
            return Map.of();
        }
        boolean postgres = "postgres".equals(uri.getScheme()) || "postgresql".equals(uri.getScheme());
        if (!postgres
                || uri.getHost() == null
                || uri.getPath() == null
                || uri.getPath().length() < 2) {
            mistakes.add(expected);
            return Map.of();
        }
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("PGHOST", uri.getHost());
        parts.put("PGPORT", Integer.toString(uri.getPort() < 0 ? 5432 : uri.getPort()));
        parts.put("PGDATABASE", decoded(uri.getRawPath().substring(1)));
        if (uri.getRawUserInfo() != null) {
            String[] login = uri.getRawUserInfo().split(":", 2);
            parts.put("PGUSER", decoded(login[0]));
            parts.put("PGPASSWORD", login.length > 1 ? decoded(login[1]) : "");
        }
        for (String parameter : uri.getRawQuery() == null
                ? List.<String>of()
                : List.of(uri.getRawQuery().split("&", -1))) {
            if (parameter.startsWith("sslmode=")) {
                parts.put("PGSSLMODE", parameter.substring("sslmode=".length()));
            } else if (parameter.equals("pgbouncer=true")) {
                parts.put(POOLED, "true");
            } else {
                mistakes.add(name + " has the parameter '" + parameter.split("=", 2)[0]
                        + "', which is not known; expected sslmode, or pgbouncer=true");
            }
        }
        return parts;
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
