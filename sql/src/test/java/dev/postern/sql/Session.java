package dev.postern.sql;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** One connection with a thread of its own, so that a test can hold its transaction open and see another one blocked. */
final class Session implements AutoCloseable {

    private static final long DEADLINE_SECONDS = 30;

    private final JobDatabase database;
    private final Connection connection;
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final long pid;

    private Session(JobDatabase database, boolean autoCommit) {
        this.database = database;
        this.connection = database.connect();
        try {
            connection.setAutoCommit(autoCommit);
        } catch (SQLException e) {
            throw new JobDatabase.SqlFailure(e);
        }
        String sql = "select pg_backend_pid() as pid";
        this.pid = JobDatabase.number(JobDatabase.rows(connection, sql), sql);
    }

    /** Every statement is a transaction. */
    static Session autoCommit(JobDatabase database) {
        return new Session(database, true);
    }

    /** A transaction lasts until {@link #commit}. */
    static Session transaction(JobDatabase database) {
        Session session = new Session(database, false);
        session.commit();
        return session;
    }

    /** Sends a statement; the future has its rows, or the failure. */
    CompletableFuture<List<Map<String, @Nullable Object>>> send(String sql, @Nullable Object... arguments) {
        return CompletableFuture.supplyAsync(() -> JobDatabase.rows(connection, sql, arguments), thread);
    }

    /** Runs a statement to its end, which must come without anybody else doing anything. */
    List<Map<String, @Nullable Object>> rows(String sql, @Nullable Object... arguments) {
        return answer(send(sql, arguments));
    }

    static <T> T answer(CompletableFuture<T> sent) {
        return sent.orTimeout(DEADLINE_SECONDS, TimeUnit.SECONDS).join();
    }

    /** Returns once the statement under way waits for a lock, or has answered; whether it waits. */
    boolean waitsForLock(CompletableFuture<?> sent) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(DEADLINE_SECONDS))
                .pollInterval(Duration.ofMillis(2))
                .until(() -> sent.isDone() || blocked());
        return !sent.isDone();
    }

    private boolean blocked() {
        return database.number("select count(*) from pg_stat_activity where pid = ? and wait_event_type = 'Lock'", pid)
                == 1;
    }

    void commit() {
        try {
            connection.commit();
        } catch (SQLException e) {
            throw new JobDatabase.SqlFailure(e);
        }
    }

    /** Whether something arrived on the channels that this session listens on, waiting for it until the deadline. */
    boolean notified() {
        try {
            PGNotification[] heard =
                    connection.unwrap(PGConnection.class).getNotifications((int) DEADLINE_SECONDS * 1000);
            return heard != null && heard.length > 0;
        } catch (SQLException e) {
            throw new JobDatabase.SqlFailure(e);
        }
    }

    Connection connection() {
        return connection;
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new JobDatabase.SqlFailure(e);
        } finally {
            thread.shutdownNow();
        }
    }
}
