package dev.postern.functions.sendemaillink;

import dev.postern.functions.runtime.BadPayload;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One of the three mails, with all that it needs. */
sealed interface LinkEmail {

    /** Enough to keep a second recipient or a header out; whether the address exists, only its server knows. */
    Pattern ADDRESS = Pattern.compile("[^\\s\\p{Cntrl}@<>,;:\"()\\[\\]\\\\]+@[^\\s\\p{Cntrl}@<>,;:\"()\\[\\]\\\\]+");

    /** The address it goes to. */
    String to();

    /** The name of its type in payloads and files. */
    String type();

    /** What an invited person joins. */
    enum Scope {
        APP("app"),
        ORGANISATION("org");

        private final String word;

        Scope(String word) {
            this.word = word;
        }

        String word() {
            return word;
        }
    }

    /** {@code invite_email}. */
    record Invitation(String to, String token, String senderId, Scope scope) implements LinkEmail {
        @Override
        public String type() {
            return "invite_email";
        }
    }

    /** {@code forgot_password}. */
    record PasswordReset(String to, String userId, String token) implements LinkEmail {
        @Override
        public String type() {
            return "forgot_password";
        }
    }

    /** {@code email_verification}. */
    record Confirmation(String to, String emailId, String token) implements LinkEmail {
        @Override
        public String type() {
            return "email_verification";
        }
    }

    /**
     * Reads a payload.
     *
     * @throws BadPayload naming the first field that is missing or cannot be used
     */
    static LinkEmail from(EmailPayload payload) {
        String type = required("email_type", payload.emailType());
        return switch (type) {
            case "invite_email" ->
                new Invitation(
                        address(payload.email()),
                        required("invite_token", payload.inviteToken()),
                        required("sender_id", payload.senderId()),
                        scope(payload.inviteType()));
            case "forgot_password" ->
                new PasswordReset(
                        address(payload.email()),
                        required("user_id", payload.userId()),
                        required("reset_token", payload.resetToken()));
            case "email_verification" ->
                new Confirmation(
                        address(payload.email()),
                        required("email_id", payload.emailId()),
                        required("verification_token", payload.verificationToken()));
            default ->
                throw new BadPayload(
                        "email_type", "must be invite_email, forgot_password or email_verification, is '" + type + "'");
        };
    }

    private static String required(String field, @Nullable String value) {
        if (value == null || value.isBlank()) {
            throw new BadPayload(field, "is required and missing");
        }
        return value;
    }

    private static String address(@Nullable String value) {
        String address = required("email", value).strip();
        if (!ADDRESS.matcher(address).matches()) {
            throw new BadPayload("email", "is not one e-mail address");
        }
        return address;
    }

    /** 2 means organisation, as a number or as text; everything else the app. */
    private static Scope scope(@Nullable String inviteType) {
        try {
            return inviteType != null && Double.parseDouble(inviteType) == 2 ? Scope.ORGANISATION : Scope.APP;
        } catch (NumberFormatException e) {
            return Scope.APP;
        }
    }
}
