package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class JobNotificationsTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    @RegisterExtension
    final JobDatabase elsewhere = JobDatabase.empty();

    private final AtomicInteger wakeUps = new AtomicInteger();
    private final List<Boolean> told = new CopyOnWriteArrayList<>();
    private final LogLines log = LogLines.of(JobNotifications.class);
    private Vertx vertx;
    private Pool statements;
    private JobNotifications notifications;

    @BeforeEach
    void listen() {
        vertx = Vertx.vertx();
        statements = JobStore.pool(vertx, database.config(), "statements");
        notifications = listener(database.config(), statements);
    }

    private JobNotifications listener(DatabaseConfig config, Pool notifiedBy) {
        return new JobNotifications(
                vertx,
                config,
                notifiedBy,
                JobNotifications.JOBS_CHANNEL,
                "notifications-test",
                wakeUps::incrementAndGet,
                told::add);
    }

    @AfterEach
    void stop() {
        log.close();
        await(notifications.close());
        await(vertx.close());
    }

    @Test
    void wakesOnceItListensAndOnEveryInsertAfterThat() {
        notifications.start();
        until(1);
        database.addJob("ping", "{}");
        until(2);
        database.addJob("ping", "{}");
        until(3);
    }

    @Test
    void comesBackAfterItsBackendIsKilledAndCountsThatAsAWakeUp() {
        notifications.start();
        until(1);
        assertThat(kill()).isOne();
        until(2);
        database.addJob("ping", "{}");
        until(3);
        assertThat(notifications.listening()).isTrue();
    }

    @Test
    void whatIsInsertedWhileItIsCutOffIsCoveredByTheReconnect() {
        notifications.start();
        until(1);
        // One connection is there already when no new one is let in.
        assertThat(database.number("select 1")).isOne();
        database.alter("allow_connections false");
        assertThat(kill()).isOne();
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> !notifications.listening());
        database.addJob("ping", "{}");
        assertThat(wakeUps).hasValue(1);
        database.alter("allow_connections true");
        until(2);
    }

    @Test
    void hearsEachPayloadOfAnotherChannelAndEachNewConnection() {
        List<String> heard = new CopyOnWriteArrayList<>();
        notifications.hear(JobNotifications.CANCEL_CHANNEL, heard::add, () -> heard.add("connected"));
        notifications.start();
        until(1);
        database.execute("select pg_notify('jobs:cancel', n::text) from generate_series(1, 3) n");
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> heard.size() == 4);
        assertThat(heard).containsExactly("connected", "1", "2", "3");
        assertThat(wakeUps).hasValue(1);

        kill();
        until(2);
        database.execute("select pg_notify('jobs:cancel', '4')");
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> heard.size() == 6);
        assertThat(heard).endsWith("connected", "4");
    }

    @Test
    void notificationsThatArriveTogetherAreOneWakeUp() {
        notifications.start();
        until(1);
        // 500 different payloads: Postgres does not fold these, and hands them over in one go.
        database.execute("select pg_notify('jobs:insert', n::text) from generate_series(1, 500) n");
        database.execute("select pg_notify('jobs:insert', 'last')");
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> wakeUps.get() > 1);
        assertThat(await(settled())).isLessThan(250);
    }

    @Test
    void mayBeClosedTwiceAndWithoutAStartAndThenWakesNobody() {
        await(notifications.close());
        await(notifications.close());
        notifications.start();
        JobNotifications other = listener(database.config(), statements);
        other.start();
        until(1);
        await(other.close());
        await(other.close());
        assertThat(other.listening()).isFalse();
        database.addJob("ping", "{}");
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> database.number("select count(*) from pg_stat_activity"
                                + " where application_name = 'notifications-test'")
                        == 0);
        assertThat(wakeUps).hasValue(1);
    }

    @Test
    void findsOutThatNothingIsDeliveredSaysWhatToSetAndListensOnceItIs() {
        // LISTEN is accepted by any database; only that of the statements delivers what they notify.
        AtomicReference<DatabaseConfig> notified = new AtomicReference<>(elsewhere.config());
        Pool moving = PgBuilder.pool()
                .connectingTo(() -> Future.succeededFuture(
                        Objects.requireNonNull(notified.get()).connectOptions("moving")))
                .using(vertx)
                .build();
        notifications = listener(database.config(), moving);
        notifications.start();

        until(() -> log.errors("DATABASE_LISTEN_URL") == 1);
        assertThat(notifications.listening()).isFalse();
        assertThat(wakeUps).hasValue(0);

        notified.set(database.config());
        assertThat(elsewhere.number("select count(pg_terminate_backend(pid)) from pg_stat_activity"
                        + " where application_name = 'moving'"))
                .isOne();
        until(() -> log.infos("again: notifications arrive") == 1);
        until(1);
        database.addJob("ping", "{}");
        until(2);
        assertThat(told).containsExactly(true);
        assertThat(log.errors("")).isOne();
    }

    @Test
    void givesUpAConnectionThatHasGoneSilentAndBelievesOneThatAnswersWhileTheStatementsAreAway() {
        TcpProxy line = TcpProxy.start(
                vertx, database.config().host(), database.config().port());
        TcpProxy statementsLine = TcpProxy.start(
                vertx, database.config().host(), database.config().port());
        JobNotifications listening = listener(database.config(), JobStore.pool(vertx, over(statementsLine), "cut off"));
        notifications = listener(over(line), statements);
        notifications.start();
        listening.start();
        until(() -> told.size() == 2);
        statementsLine.cut();
        line.stall();

        until(() -> told.contains(false));
        line.resume();
        until(() -> told.size() == 4);
        assertThat(listening.listening()).isTrue();
        assertThat(notifications.listening()).isTrue();
        assertThat(log.errors("")).isZero();
        await(listening.close());
    }

    private DatabaseConfig over(TcpProxy line) {
        DatabaseConfig c = database.config();
        return new DatabaseConfig(
                "127.0.0.1", line.port(), c.database(), c.user(), c.password(), c.schema(), c.poolSize(), c.tls());
    }

    private int unchanged = -1;

    /** The number of wake-ups once it has stopped growing. */
    private Future<Integer> settled() {
        return Future.future(done -> vertx.setPeriodic(100, timer -> {
            int now = wakeUps.get();
            if (now == unchanged) {
                vertx.cancelTimer(timer);
                done.complete(now);
            }
            unchanged = now;
        }));
    }

    private long kill() {
        return database.number("select count(pg_terminate_backend(pid)) from pg_stat_activity"
                + " where application_name = 'notifications-test'");
    }

    private static void until(Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(5))
                .until(condition);
    }

    private void until(int expected) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(5))
                .until(() -> wakeUps.get() == expected);
    }

    private static <T> T await(Future<T> future) {
        return future.timeout(30, TimeUnit.SECONDS).await();
    }
}
