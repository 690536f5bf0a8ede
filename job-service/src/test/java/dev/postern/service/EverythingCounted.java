package dev.postern.service;

import dev.postern.api.ApiListener;
import dev.postern.callback.CallbackListener;
import dev.postern.callback.CallbackListener.Report;
import dev.postern.scheduler.SchedulerListener;
import dev.postern.service.telemetry.Metrics;
import dev.postern.sql.Attempt;
import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobDirectory;
import dev.postern.sql.Outcome;
import dev.postern.sql.ReapedLease;
import dev.postern.sql.Verdict;
import dev.postern.sql.WorkerReport;
import dev.postern.sql.WorkerReport.Breaker;
import dev.postern.worker.WorkerListener;
import io.vertx.core.spi.metrics.PoolMetrics;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Metrics to which everything has happened that they count, so that they print all there is. */
final class EverythingCounted {

    private EverythingCounted() {}

    static Metrics metrics() {
        Metrics metrics = new Metrics("1", List.of("worker"));
        metrics.late(Duration.ofMillis(1));
        PoolMetrics<Long, Object> pool = metrics.pool();
        pool.dequeue(pool.enqueue());
        pool.end(pool.begin());
        metrics.tenants(List.of(new JobDirectory.TenantCount(JobDatabase.TENANT, "ready", 1)));
        metrics.api(ApiListener.NONE)
                .answered(
                        new ApiListener.Served("createJob", "POST", "/v1/jobs", 201, "", "", null, null),
                        Duration.ofMillis(1));
        metrics.listening("jobs:insert").accept(true);
        metrics.sampled(
                List.of(new JobDirectory.Count("system-ping", "ready", 1)),
                List.of(new JobDirectory.Count("system-ping", "cancelled", 1)),
                0,
                0);
        ClaimedJob job = new ClaimedJob(
                new Attempt(1, 1, new UUID(0, 1)),
                JobDatabase.TENANT,
                null,
                "system-ping",
                "{}",
                25,
                null,
                null,
                null,
                null,
                0,
                OffsetDateTime.of(2030, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC));
        WorkerListener worker = metrics.worker(WorkerListener.NONE, InstantSource.system());
        metrics.notified();
        worker.claimed("worker-1", List.of(job), Duration.ZERO);
        worker.stored(Duration.ofMillis(1));
        worker.claimFailed();
        worker.dispatched(job, Optional.empty());
        worker.answered(job, 200, Duration.ofMillis(1));
        for (Outcome outcome : List.of(
                Outcome.Complete.EMPTY,
                new Outcome.Retry(null, "why", Duration.ZERO),
                new Outcome.Missing(404, "why", Duration.ZERO),
                new Outcome.Infrastructure(null, "why", Duration.ZERO),
                new Outcome.Dead(null, "why"))) {
            worker.ended(job, outcome, Verdict.ACCEPTED);
        }
        worker.leaseLost(job);
        worker.cancelled(job);
        worker.released(job);
        worker.targetOpened("system-ping");
        worker.targetPaused("system-ping");
        worker.reported(new WorkerReport(
                "worker-1",
                Optional.empty(),
                64,
                1,
                List.of(new WorkerReport.Target(
                        List.of("system-ping"), Breaker.CLOSED, Duration.ZERO, Duration.ZERO, 64, 1, 0, 0, null))));
        CallbackListener callback = metrics.callback(CallbackListener.NONE);
        callback.stored(Duration.ofMillis(1));
        callback.judged(Report.COMPLETE, 1, 1, Verdict.ACCEPTED);
        callback.answered(Report.COMPLETE, 200, Duration.ofMillis(1), null);
        SchedulerListener scheduler = metrics.scheduler();
        scheduler.ticked(1, "system-ping", Instant.EPOCH, 1, Duration.ofMillis(1));
        scheduler.passedOver(1, "system-ping", 1);
        scheduler.overlapped(1, "system-ping", Instant.EPOCH);
        scheduler.parked(1, "system-ping", "a reason");
        scheduler.reaped(new ReapedLease(1, "system-ping", 1, "worker-1", false, false));
        scheduler.reaped(new ReapedLease(1, "system-ping", 1, "worker-1", true, false));
        scheduler.pruned("succeeded", 1);
        scheduler.pruningPutOff("succeeded");
        scheduler.purged(1);
        return metrics;
    }
}
