package dev.postern.callback;

import dev.postern.sql.Attempt;
import dev.postern.sql.JobStore;
import dev.postern.sql.LeaseState;
import dev.postern.sql.Progress;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes heartbeats and progress, one write at a time for each attempt: a function that reports every row costs a row
 * version for each round trip, not for each report.
 *
 * <pre>
 *   report ──(nothing of the attempt on its way)──▶ report_progress ──▶ its answer
 *      └──(a write on its way)──▶ merged into one next write ──▶ the same answer for all of them
 * </pre>
 *
 * <p>Belongs to the server's context.
 */
final class SignsOfLife {

    private final JobStore store;

    /** An entry while a write of the attempt is on its way. */
    private final Map<Attempt, Line> lines = new HashMap<>();

    private static final class Line {
        @Nullable
        Next next;
    }

    /** What arrived during a write. */
    private static final class Next {
        final Promise<LeaseState> state = Promise.promise();
        Duration lease = Duration.ZERO;

        @Nullable
        Progress progress;

        void add(Duration otherLease, @Nullable Progress later) {
            lease = otherLease.compareTo(lease) > 0 ? otherLease : lease;
            if (later != null) {
                progress = progress == null ? later : progress.then(later);
            }
        }
    }

    SignsOfLife(JobStore store) {
        this.store = store;
    }

    /** The future completes once the report, alone or merged with others, is committed or refused. */
    Future<LeaseState> report(Attempt attempt, Duration lease, @Nullable Progress progress) {
        Line line = lines.get(attempt);
        if (line == null) {
            lines.put(attempt, new Line());
            return write(attempt, lease, progress);
        }
        Next next = line.next;
        if (next == null) {
            next = new Next();
            line.next = next;
        }
        next.add(lease, progress);
        return next.state.future();
    }

    private Future<LeaseState> write(Attempt attempt, Duration lease, @Nullable Progress progress) {
        return store.reportProgress(attempt, lease, progress).onComplete(written -> {
            Line line = lines.remove(attempt);
            Next next = line == null ? null : line.next;
            if (next != null) {
                lines.put(attempt, new Line());
                write(attempt, next.lease, next.progress).onComplete(next.state);
            }
        });
    }
}
