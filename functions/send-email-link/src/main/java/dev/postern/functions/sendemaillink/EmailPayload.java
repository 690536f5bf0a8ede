package dev.postern.functions.sendemaillink;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/** The payload as it comes; what must be there depends on {@code email_type}, see {@link LinkEmail#from}. */
record EmailPayload(
        @JsonProperty("email_type") @Nullable String emailType,
        @JsonProperty("email") @Nullable String email,
        @JsonProperty("invite_type") @Nullable String inviteType,
        @JsonProperty("invite_token") @Nullable String inviteToken,
        @JsonProperty("sender_id") @Nullable String senderId,
        @JsonProperty("user_id") @Nullable String userId,
        @JsonProperty("reset_token") @Nullable String resetToken,
        @JsonProperty("email_id") @Nullable String emailId,
        @JsonProperty("verification_token") @Nullable String verificationToken) {}
