package dev.postern.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.sql.TenantJobs.Found;
import java.util.Set;

/** A job's state as the C4 jobs pattern shows it: in one line, without the envelope. */
final class JobStatus {

    private static final Set<String> FINAL = Set.of("succeeded", "failed", "cancelled");

    private JobStatus() {}

    static ObjectNode of(Found job) {
        ObjectNode status = JsonText.object();
        status.set("job", JsonText.trusted(job.document()));
        return status.put("progress", job.progress())
                .put("canCancel", job.canCancel())
                .put("canRetry", job.canRetry());
    }

    /** Whether nothing happens to it any more unless somebody asks. */
    static boolean isFinal(Found job) {
        return FINAL.contains(job.status());
    }

    /** The version as HTTP writes it. */
    static String etag(Found job) {
        return "\"" + job.version() + "\"";
    }
}
