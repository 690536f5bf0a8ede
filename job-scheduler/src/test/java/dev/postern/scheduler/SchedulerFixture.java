package dev.postern.scheduler;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.JobDatabase;
import dev.postern.sql.JobNotifications;
import dev.postern.sql.JobStore;
import dev.postern.sql.OfferedOutcome;
import dev.postern.sql.Outcome;
import dev.postern.sql.ScheduleStore;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Schedulers on a database whose tables are empty at the start of each test; stopped at its end. */
final class SchedulerFixture implements BeforeEachCallback, AfterEachCallback {

    static final SchedulerConfig CONFIG =
            SchedulerConfig.defaults().withPollInterval(Duration.ofSeconds(1)).withReapInterval(Duration.ofMillis(50));

    /** Leaves it to the notifications to bring what is new. */
    static final SchedulerConfig RARELY_POLLING = CONFIG.withPollInterval(Duration.ofHours(1));

    final RecordingListener listener = new RecordingListener();
    final Vertx vertx = Vertx.vertx();
    final JobStore jobs;
    final ScheduleStore schedules;

    private final JobDatabase database;
    private final Pool pool;

    SchedulerFixture(JobDatabase database) {
        this.database = database;
        this.pool = JobStore.pool(vertx, database.config(), "scheduler test");
        this.jobs = new JobStore(pool, "app_jobs");
        this.schedules = new ScheduleStore(pool, "app_jobs");
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        Awaitility.setDefaultTimeout(Duration.ofSeconds(30));
        database.execute("truncate app_jobs.jobs, app_jobs.job_history, app_jobs.scheduled_jobs cascade");
    }

    @Override
    public void afterEach(ExtensionContext context) {
        undeployAll();
        vertx.close().await();
    }

    void deploy(SchedulerConfig config) {
        vertx.deployVerticle(() -> verticle(config), new DeploymentOptions()).await();
    }

    SchedulerVerticle verticle(SchedulerConfig config) {
        return new SchedulerVerticle(
                schedules,
                jobs,
                wakeUp -> Optional.of(new JobNotifications(
                        vertx,
                        database.config(),
                        pool,
                        JobNotifications.SCHEDULES_CHANNEL,
                        "listening scheduler",
                        wakeUp,
                        listening -> {})),
                config,
                listener);
    }

    void undeployAll() {
        vertx.deploymentIDs().forEach(id -> vertx.undeploy(id).await());
    }

    long schedule(String rule) {
        return database.number(
                "select id from app_jobs.add_scheduled_job(?, 'system-ping', '{\"n\": 1}', ?::json)",
                JobDatabase.TENANT,
                rule);
    }

    void missedForNineHours() {
        database.execute(
                "update app_jobs.scheduled_jobs set next_tick_at = date_trunc('hour', now()) - interval '9 h'");
    }

    /** Past add_scheduled_job, as rows of 0.15 came. */
    long unchecked(String rule) {
        return database.number(
                "insert into app_jobs.scheduled_jobs (database_id, task_identifier, schedule_info)"
                        + " values (?, 'system-ping', ?::json) returning id",
                JobDatabase.TENANT,
                rule);
    }

    String epochMillis(String ahead) {
        return database.number("select (extract(epoch from now() + ?::interval) * 1000)::bigint", ahead) + "";
    }

    @Nullable
    Object nextTick(long id) {
        return database.value("select next_tick_at::text from app_jobs.scheduled_jobs where id = ?", id);
    }

    long listeners() {
        return database.number("select count(*) from pg_stat_activity a where a.datname = current_database()"
                + " and a.application_name = 'listening scheduler' and a.query ilike 'listen%' and a.state = 'idle'");
    }

    ClaimedJob claim(Duration lease) {
        return jobs.claim("lost-worker", Optional.empty(), 1, lease, Map.of(), null, null)
                .await()
                .getFirst();
    }

    void completeJobs() {
        List<OfferedOutcome> done =
                jobs
                        .claim("worker", Optional.empty(), 100, Duration.ofMinutes(1), Map.of(), null, null)
                        .await()
                        .stream()
                        .map(job -> new OfferedOutcome(job.attempt(), new Outcome.Complete(null, null)))
                        .toList();
        if (!done.isEmpty()) {
            jobs.finish(done).await();
        }
    }
}
