package dev.postern.scheduler;

import dev.postern.sql.JobStore;
import io.vertx.core.Future;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the history within its retention and has the coming days' partitions made. They are made three days ahead, so an
 * hour between passes leaves room for a long absence. Any number may run on one database.
 */
final class JobPruner {

    private static final Logger log = LoggerFactory.getLogger(JobPruner.class);
    private static final Duration INTERVAL = Duration.ofHours(1);

    private final JobStore store;
    private final SchedulerConfig config;
    private final SchedulerListener listener;

    JobPruner(JobStore store, SchedulerConfig config, SchedulerListener listener) {
        this.store = store;
        this.config = config;
        this.listener = listener;
    }

    /** One pass. Answers after which time the next one is due. */
    Future<Duration> prune() {
        return store.pruneHistory(config.historyRetention()).map(dropped -> {
            if (dropped > 0) {
                log.info("dropped {} days of history older than {}", dropped, config.historyRetention());
            }
            listener.pruned(dropped);
            return RepeatedPass.jittered(INTERVAL);
        });
    }
}
