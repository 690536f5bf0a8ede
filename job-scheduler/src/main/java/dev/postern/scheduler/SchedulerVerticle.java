package dev.postern.scheduler;

import dev.postern.sql.JobNotifications;
import dev.postern.sql.JobStore;
import dev.postern.sql.ScheduleStore;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A scheduler: turns schedules into jobs, takes back expired leases, prunes what is over. Deploy as many as you like, in
 * one process or many; each tick makes one job all the same. It needs no database to start and works as soon as one
 * answers. All fields belong to the verticle's context.
 */
public final class SchedulerVerticle extends VerticleBase {

    private final ScheduleStore schedules;
    private final JobStore jobs;
    private final Function<Runnable, Optional<JobNotifications>> notifications;
    private final SchedulerConfig config;
    private final SchedulerListener listener;

    private Optional<JobNotifications> listening = Optional.empty();
    private List<RepeatedPass> passes = List.of();

    /**
     * Does nothing until deployed. The stores' pool stays the caller's to close, after this verticle is undeployed.
     *
     * @param notifications makes the listener for new schedules that calls the given wake-up; empty to rely on polling
     */
    public SchedulerVerticle(
            ScheduleStore schedules,
            JobStore jobs,
            Function<Runnable, Optional<JobNotifications>> notifications,
            SchedulerConfig config,
            SchedulerListener listener) {
        this.schedules = schedules;
        this.jobs = jobs;
        this.notifications = notifications;
        this.config = config;
        this.listener = listener;
    }

    @Override
    public Future<?> start() {
        TickLoop ticks = new TickLoop(schedules, new CronCalendar(), config, listener);
        LeaseReaper reaper = new LeaseReaper(jobs, config, listener);
        JobPruner pruner = new JobPruner(jobs, listener);
        Retention retention = config.retention();
        RepeatedPass ticking = new RepeatedPass(vertx, "run schedules", ticks::tick);
        passes = new ArrayList<>(List.of(
                ticking,
                new RepeatedPass(vertx, "reap leases", reaper::reap),
                new RepeatedPass(
                        vertx,
                        "prune the history of succeeded jobs",
                        () -> pruner.history("succeeded", retention.succeeded())),
                new RepeatedPass(
                        vertx,
                        "prune the history of cancelled jobs",
                        () -> pruner.history("cancelled", retention.cancelled())),
                new RepeatedPass(vertx, "forget old ticks", () -> pruner.ticks(retention.succeeded())),
                new RepeatedPass(vertx, "forget old requests", pruner::requests)));
        retention
                .dead()
                .ifPresent(kept ->
                        passes.add(new RepeatedPass(vertx, "purge old dead letters", () -> pruner.deadLetters(kept))));
        listening = notifications.apply(ticking::wake);
        listening.ifPresent(JobNotifications::start);
        passes.forEach(RepeatedPass::start);
        return Future.succeededFuture();
    }

    /** Done when the passes under way have ended; what is due after that is left to other schedulers. */
    @Override
    public Future<?> stop() {
        Future<Void> deaf = listening.map(JobNotifications::close).orElseGet(Future::succeededFuture);
        return Future.join(passes.stream().map(RepeatedPass::stop).toList()).eventually(() -> deaf);
    }
}
