package dev.postern.functions.mail;

/** The mail was not sent, and trying again may help: a function that lets it pass answers 500. */
public final class MailNotSent extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final Code code;

    /** Where it stopped. */
    public enum Code {
        /** Nobody took it: no answer, or one that may be another next time. */
        NOT_TAKEN,
        /** A dry run could not write its files. */
        NOT_SAVED
    }

    MailNotSent(Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** Where it stopped. */
    public Code code() {
        return code;
    }
}
