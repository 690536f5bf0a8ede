package dev.postern.functions.runtime;

import java.util.List;

/** The environment cannot be used; says everything that is wrong with it, one line each. */
public final class ConfigurationMistakes extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final transient List<String> lines;

    ConfigurationMistakes(List<String> lines) {
        super(String.join("\n", lines));
        this.lines = List.copyOf(lines);
    }

    /** One mistake a line, each naming its variable. */
    public List<String> lines() {
        return lines;
    }
}
