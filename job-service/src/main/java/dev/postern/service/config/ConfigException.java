package dev.postern.service.config;

import java.util.List;

/** The environment has mistakes; all of them are here. */
public final class ConfigException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient List<String> mistakes;

    ConfigException(List<String> mistakes) {
        super("the configuration has " + mistakes.size() + " mistake" + (mistakes.size() == 1 ? "" : "s") + ":\n  "
                + String.join("\n  ", mistakes));
        this.mistakes = List.copyOf(mistakes);
    }

    /** One line each, naming the variable, what was found and what is expected. */
    public List<String> mistakes() {
        return mistakes;
    }
}
