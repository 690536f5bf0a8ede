package dev.postern.scheduler;

/** A rule that cannot be read. The message is for the person who wrote it: what was found, what is expected. */
public final class BadRuleException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    BadRuleException(String message) {
        super(oneLine(message));
    }

    // Postgres keeps no NUL in text: a rule that holds one must not make its own parking fail.
    private static String oneLine(String message) {
        return message.replaceAll("\\p{Cntrl}+", " ");
    }
}
