package dev.postern.scheduler;

import dev.postern.sql.JobStore;
import dev.postern.sql.ReapedLease;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes back jobs whose lease has expired. Any number may run on one database. */
final class LeaseReaper {

    private static final Logger log = LoggerFactory.getLogger(LeaseReaper.class);

    private final JobStore store;
    private final SchedulerConfig config;
    private final SchedulerListener listener;

    LeaseReaper(JobStore store, SchedulerConfig config, SchedulerListener listener) {
        this.store = store;
        this.config = config;
        this.listener = listener;
    }

    /** One pass. Answers after which time the next one is due: none when there may be more. */
    Future<Duration> reap() {
        return store.reap(config.batch()).map(this::tell);
    }

    private Duration tell(List<ReapedLease> leases) {
        for (ReapedLease lease : leases) {
            log.atWarn()
                    .addKeyValue("job", lease.jobId())
                    .addKeyValue("task", lease.task())
                    .addKeyValue("attempt", lease.attempt())
                    .addKeyValue("worker", lease.workerId())
                    .log(
                            "reaped job {} (task {}, attempt {}): {}{}",
                            lease.jobId(),
                            lease.task(),
                            lease.attempt(),
                            lease.waited()
                                    ? "no callback came before its lease expired"
                                    : "worker " + lease.workerId() + " did not renew its lease",
                            lease.dead() ? "; it is a dead letter now" : "");
            listener.reaped(lease);
        }
        return leases.size() == config.batch() ? Duration.ZERO : config.reapInterval();
    }
}
