package dev.postern.api;

import dev.postern.sql.LiveJobs;
import dev.postern.sql.TenantJobs.Found;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after all jobs that clients of this process watch, in one statement a pass, while there are any. What happens to a
 * job between two passes is seen as its last state: a client gets every state that a pass has seen, each once, and the last
 * one for certain. Nothing is written for it, so a job that nobody watches costs nothing. Belongs to the server's context.
 */
final class JobWatch {

    /** Of one statement; more jobs are looked after in several. */
    private static final int AT_ONCE = 500;

    private static final Logger log = LoggerFactory.getLogger(JobWatch.class);

    private final Vertx vertx;
    private final LiveJobs jobs;
    private final long paceMs;
    private final Map<Long, Watched> watched = new HashMap<>();
    private boolean ticking;
    private boolean away;

    /** Passes that have begun. */
    private long passes;

    private static final class Watched {
        final Set<Watch> clients = new HashSet<>();

        /** The version that a pass has seen last. */
        @Nullable
        String seen;
    }

    /** A client's interest in one job. */
    final class Watch {
        private final long jobId;
        private final Consumer<Found> client;

        /** A pass that had begun before may have looked before the client did, and would tell it what is over. */
        private final long hearsPassesAfter;

        private String known;

        private Watch(long jobId, String known, Consumer<Found> client, long hearsPassesAfter) {
            this.jobId = jobId;
            this.known = known;
            this.client = client;
            this.hearsPassesAfter = hearsPassesAfter;
        }

        /** The client hears nothing more; may be called again. */
        void end() {
            Watched job = watched.get(jobId);
            if (job != null && job.clients.remove(this) && job.clients.isEmpty()) {
                watched.remove(jobId);
            }
        }

        private void tell(Found found) {
            if (!found.version().equals(known)) {
                known = found.version();
                client.accept(found);
            }
        }
    }

    JobWatch(Vertx vertx, LiveJobs jobs, Duration pace) {
        this.vertx = vertx;
        this.jobs = jobs;
        this.paceMs = pace.toMillis();
    }

    /**
     * Tells the client of each change from now on, on this context and never before this returns.
     *
     * @param known the version that it has
     */
    Watch watch(long jobId, String known, Consumer<Found> client) {
        Watch watch = new Watch(jobId, known, client, passes);
        Watched job = watched.computeIfAbsent(jobId, none -> new Watched());
        job.clients.add(watch);
        if (job.seen != null && !job.seen.equals(known)) {
            // Seen in a pass before this client came: only a later one may know more than the client does.
            job.seen = null;
        }
        if (!ticking) {
            ticking = true;
            later(1);
        }
        return watch;
    }

    int jobs() {
        return watched.size();
    }

    private void later(long ms) {
        vertx.setTimer(
                ms,
                fired -> tick().onComplete(done -> {
                    ticking = !watched.isEmpty();
                    if (ticking) {
                        later(paceMs);
                    }
                }));
    }

    /** One pass. */
    Future<Void> tick() {
        long number = ++passes;
        Map<Long, String> versions = new HashMap<>();
        Future<Void> pass = Future.succeededFuture();
        for (Map.Entry<Long, Watched> job : watched.entrySet()) {
            String seen = job.getValue().seen;
            versions.put(job.getKey(), seen == null ? "" : seen);
            if (versions.size() == AT_ONCE) {
                Map<Long, String> part = versions;
                pass = pass.compose(before -> look(part, number));
                versions = new HashMap<>();
            }
        }
        if (!versions.isEmpty()) {
            Map<Long, String> rest = versions;
            pass = pass.compose(before -> look(rest, number));
        }
        return pass.recover(cause -> {
            if (!away) {
                log.warn("cannot look after watched jobs: {}; it goes on trying", cause.getMessage());
                away = true;
            }
            return Future.succeededFuture();
        });
    }

    private Future<Void> look(Map<Long, String> versions, long number) {
        return jobs.changed(versions).map(changed -> {
            away = false;
            changed.forEach(found -> tell(found, number));
            return null;
        });
    }

    private void tell(Found found, long number) {
        Watched job = watched.get(found.id());
        if (job != null) {
            job.seen = found.version();
            // Copied: a client that has heard enough ends its watch here.
            for (Watch client : List.copyOf(job.clients)) {
                if (client.hearsPassesAfter < number) {
                    client.tell(found);
                } else {
                    // It came meanwhile: the next pass tells whatever this one has seen, if it still is so.
                    job.seen = null;
                }
            }
        }
    }
}
