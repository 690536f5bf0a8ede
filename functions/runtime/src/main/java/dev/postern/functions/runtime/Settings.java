package dev.postern.functions.runtime;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a process's environment and remembers every mistake on the way, so that all of them are told at once by
 * {@link #refuseMistakes()}. A reader that meets a mistake notes it and goes on with the default or a placeholder. An
 * empty value counts as absent. One thread, at start.
 */
public final class Settings {

    private final Map<String, String> environment;
    private final List<String> mistakes = new ArrayList<>();

    /** Over a copy of the environment. */
    public Settings(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    /** The value, or {@code null} when it is absent. */
    public @Nullable String optional(String name) {
        String value = environment.get(name);
        return value == null || value.isBlank() ? null : value.strip();
    }

    /** The value or the default. */
    public String text(String name, String fallback) {
        String value = optional(name);
        return value == null ? fallback : value;
    }

    /**
     * The value; its absence is a mistake.
     *
     * @param what what to set it to, for the person who has to
     */
    public String required(String name, String what) {
        String value = optional(name);
        if (value == null) {
            mistake(name + " is not set: set it to " + what);
            return "";
        }
        return value;
    }

    /** A whole number between two bounds, both allowed. */
    public int number(String name, int fallback, int smallest, int largest) {
        String value = optional(name);
        if (value == null) {
            return fallback;
        }
        try {
            int number = Integer.parseInt(value);
            if (number >= smallest && number <= largest) {
                return number;
            }
        } catch (NumberFormatException e) {
            // falls through to the one sentence that covers both mistakes
        }
        mistake("%s must be a whole number from %d to %d, is '%s'".formatted(name, smallest, largest, value));
        return fallback;
    }

    /** A duration given in whole seconds. */
    public Duration seconds(String name, Duration fallback, int smallest, int largest) {
        return Duration.ofSeconds(number(name, Math.toIntExact(fallback.toSeconds()), smallest, largest));
    }

    /** True for {@code true, 1, yes, on}, false for their opposites, in any case. */
    public boolean flag(String name, boolean fallback) {
        String value = optional(name);
        if (value == null) {
            return fallback;
        }
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "true", "1", "yes", "on" -> true;
            case "false", "0", "no", "off" -> false;
            default -> {
                mistake("%s must be true or false, is '%s'".formatted(name, value));
                yield fallback;
            }
        };
    }

    /** An absolute http or https URL, or {@code null} when it is absent. */
    public @Nullable URI httpUrl(String name) {
        String value = optional(name);
        if (value == null) {
            return null;
        }
        try {
            URI url = URI.create(value);
            if (url.getHost() != null && ("http".equals(url.getScheme()) || "https".equals(url.getScheme()))) {
                return url;
            }
        } catch (IllegalArgumentException e) {
            // falls through to the one sentence that covers both mistakes
        }
        mistake(name + " must be an http or https URL with a host");
        return null;
    }

    /** Notes a mistake that only the caller can see. */
    public void mistake(String line) {
        mistakes.add(line);
    }

    /**
     * Ends the reading.
     *
     * @throws ConfigurationMistakes when anything was wrong
     */
    public void refuseMistakes() {
        if (!mistakes.isEmpty()) {
            throw new ConfigurationMistakes(mistakes);
        }
    }
}
