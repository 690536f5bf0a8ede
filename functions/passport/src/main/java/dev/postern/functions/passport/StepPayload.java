package dev.postern.functions.passport;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.postern.functions.runtime.BadPayload;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What the four tasks are given: ids of rows. Each takes those that it needs. */
record StepPayload(
        @JsonProperty("document_version_id") @Nullable UUID documentVersionId,
        @JsonProperty("passport_id") @Nullable UUID passportId,
        @JsonProperty("snapshot_id") @Nullable UUID snapshotId,
        @JsonProperty("rule_package_version_id") @Nullable UUID rulePackageVersionId,
        @JsonProperty("passport_version_id") @Nullable UUID passportVersionId) {

    UUID requireDocumentVersion() {
        return require("document_version_id", documentVersionId);
    }

    UUID requirePassport() {
        return require("passport_id", passportId);
    }

    UUID requireSnapshot() {
        return require("snapshot_id", snapshotId);
    }

    UUID requireRules() {
        return require("rule_package_version_id", rulePackageVersionId);
    }

    UUID requireVersion() {
        return require("passport_version_id", passportVersionId);
    }

    private static UUID require(String field, @Nullable UUID id) {
        if (id == null) {
            throw new BadPayload(field, "is required: a uuid");
        }
        return id;
    }
}
