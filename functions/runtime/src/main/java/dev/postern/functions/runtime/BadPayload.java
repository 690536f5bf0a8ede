package dev.postern.functions.runtime;

import org.jspecify.annotations.Nullable;

/** The payload can never work: answered 400 with the name of the field, and not tried again. */
public final class BadPayload extends FunctionFailure {

    private static final long serialVersionUID = 1;

    private final String field;

    /**
     * Says which field and why.
     *
     * @param field the field as the caller spells it
     * @param problem what is wrong with it
     */
    public BadPayload(String field, String problem) {
        this(field, problem, null);
    }

    /** As above, with what found it. */
    public BadPayload(String field, String problem, @Nullable Throwable cause) {
        super(field + ": " + problem, cause);
        this.field = field;
    }

    /** The field as the caller spells it. */
    public String field() {
        return field;
    }
}
