package dev.postern.worker;

import dev.postern.sql.JobStore;
import dev.postern.sql.WorkerReport;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells people how the worker is: the listener, and the database for those in other processes. Every ten seconds, and at
 * once when a target's state changes. One report is on its way at a time, whatever happens meanwhile is in the next; one
 * that fails is forgotten, for the next will say more.
 */
final class WorkerReports {

    private static final Logger log = LoggerFactory.getLogger(WorkerReports.class);
    private static final long EVERY_MS = 10_000;

    /** A database that is away must not keep a process from ending. */
    private static final long LEAVE_MS = 1_000;

    private final Vertx vertx;
    private final JobStore store;
    private final WorkerListener listener;
    private final Supplier<WorkerReport> report;

    private boolean stopped;
    private boolean writing;
    private boolean again;
    private long timer = -1;
    private Future<Void> written = Future.succeededFuture();

    WorkerReports(Vertx vertx, JobStore store, WorkerListener listener, Supplier<WorkerReport> report) {
        this.vertx = vertx;
        this.store = store;
        this.listener = listener;
        this.report = report;
    }

    /** Reports now, or once more after the report that is on its way. */
    void now() {
        if (stopped) {
            return;
        }
        if (writing) {
            again = true;
            return;
        }
        vertx.cancelTimer(timer);
        writing = true;
        again = false;
        WorkerReport current = report.get();
        listener.reported(current);
        written = store.report(restrictedOnly(current))
                .recover(cause -> {
                    log.debug("{}; the next report will do", cause.getMessage());
                    return Future.succeededFuture();
                })
                .onComplete(done -> {
                    writing = false;
                    if (again) {
                        now();
                    } else if (!stopped) {
                        timer = vertx.setTimer(EVERY_MS, ignored -> now());
                    }
                });
    }

    // People look for what is wrong; a list of everything that is well would hide it, and be written every ten seconds.
    private static WorkerReport restrictedOnly(WorkerReport current) {
        return new WorkerReport(
                current.workerId(),
                current.tasks(),
                current.slots(),
                current.running(),
                current.targets().stream()
                        .filter(target -> target.restricted(current.slots()))
                        .toList());
    }

    /** Takes leave. A report that is on its way arrives first: else it would come back after the leave. */
    Future<Void> stop() {
        stopped = true;
        vertx.cancelTimer(timer);
        return written.compose(last -> store.forget(report.get().workerId()))
                .timeout(LEAVE_MS, TimeUnit.MILLISECONDS)
                .recover(cause -> {
                    log.debug("cannot take leave, others will drop the report: {}", cause.getMessage());
                    return Future.succeededFuture();
                });
    }
}
