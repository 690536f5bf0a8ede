package dev.postern.functions.sendemaillink;

import org.jspecify.annotations.Nullable;

/** The mail was not written, and trying again may help: answered 500. */
final class CannotSend extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final Code code;

    enum Code {
        PLATFORM_UNREACHABLE,
        PLATFORM_REFUSED,
        SITE_NOT_FOUND,
        SITE_INCOMPLETE
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
