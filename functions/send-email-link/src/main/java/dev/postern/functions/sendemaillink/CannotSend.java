package dev.postern.functions.sendemaillink;

import org.jspecify.annotations.Nullable;

/** The mail was not sent, and trying again may help: answered 500. */
final class CannotSend extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final Code code;

    enum Code {
        PLATFORM_UNREACHABLE,
        PLATFORM_REFUSED,
        SITE_NOT_FOUND,
        SITE_INCOMPLETE,
        MAIL_NOT_TAKEN,
        MAIL_NOT_SAVED
    }

    CannotSend(Code code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    CannotSend(Code code, String message) {
        this(code, message, null);
    }

    Code code() {
        return code;
    }
}
