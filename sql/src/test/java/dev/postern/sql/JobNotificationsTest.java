package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class JobNotificationsTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.migrated();

    private final AtomicInteger wakeUps = new AtomicInteger();
    private Vertx vertx;
    private JobNotifications notifications;

    @BeforeEach
    void listen() {
        vertx = Vertx.vertx();
        notifications = new JobNotifications(
                vertx,
                database.config(),
                JobNotifications.JOBS_CHANNEL,
                "notifications-test",
                wakeUps::incrementAndGet);
    }

    @AfterEach
    void stop() {
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
        JobNotifications other = new JobNotifications(
                vertx,
                database.config(),
                JobNotifications.JOBS_CHANNEL,
                "notifications-test",
                wakeUps::incrementAndGet);
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
