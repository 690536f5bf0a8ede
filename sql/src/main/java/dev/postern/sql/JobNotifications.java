package dev.postern.sql;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnection;
import io.vertx.pgclient.PgNotification;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens on one channel and turns whatever arrives into "look again". Notifications that arrive together are one
 * wake-up, and so is every new connection, because nobody knows what was missed before it. Other channels can be heard
 * over the same connection, payload by payload.
 *
 * <pre>
 *   stopped ──start──▶ connecting ──LISTEN──▶ listening
 *                          ▲                     │ closed, or silent to a probe
 *                          └──── backing off ◀───┘          close ──▶ stopped
 * </pre>
 *
 * <p>A connection that looks open but is not (half-open) is found by a probe every 15 s. All fields belong to the context
 * that called {@link #start}.
 */
@SuppressWarnings("ReferenceEquality") // Which connection it is matters here, not what it looks like.
public final class JobNotifications {

    /** Channel of {@code app_jobs.jobs}, the same as in 0.15. */
    public static final String JOBS_CHANNEL = "jobs:insert";

    /** Ids of jobs that were taken away from the worker that runs them. */
    public static final String CANCEL_CHANNEL = "jobs:cancel";

    /** Channel of {@code app_jobs.scheduled_jobs}, the same as in 0.15. */
    public static final String SCHEDULES_CHANNEL = "scheduled_jobs:insert";

    private static final Logger log = LoggerFactory.getLogger(JobNotifications.class);
    private static final long PROBE_MS = 15_000;
    private static final long PROBE_ANSWER_MS = 5_000;
    private static final long BACKOFF_FIRST_MS = 100;
    private static final long BACKOFF_MAX_MS = 5_000;

    private final Vertx vertx;
    private final DatabaseConfig config;
    private final String channel;
    private final String applicationName;
    private final Runnable wakeUp;
    private final Map<String, Channel> others = new LinkedHashMap<>();

    private @Nullable Context context;
    private @Nullable PgConnection connection;
    private boolean stopped;
    private boolean wakeUpPending;
    private long backoffMs = BACKOFF_FIRST_MS;

    private record Channel(Consumer<String> heard, Runnable connected) {}

    /**
     * Does nothing until started.
     *
     * @param config a direct connection; a transaction pooler loses LISTEN
     * @param wakeUp called on the starting context, never twice at once
     */
    public JobNotifications(
            Vertx vertx, DatabaseConfig config, String channel, String applicationName, Runnable wakeUp) {
        this.vertx = vertx;
        this.config = config;
        this.channel = channel;
        this.applicationName = applicationName;
        this.wakeUp = wakeUp;
    }

    /**
     * Hears another channel too; call before the start.
     *
     * @param heard called on the starting context with the payload of each notification
     * @param connected called there after each new connection, because nobody knows what was missed before it
     */
    public void hear(String other, Consumer<String> heard, Runnable connected) {
        others.put(other, new Channel(heard, connected));
    }

    /** Begins to listen, and goes on trying until closed. Returns at once; call on the context that shall be woken. */
    public void start() {
        context = vertx.getOrCreateContext();
        connect();
    }

    /** Whether a LISTEN is in force. */
    public boolean listening() {
        return connection != null;
    }

    /** Stops listening. Without a start, or called again, it does nothing. */
    public Future<Void> close() {
        stopped = true;
        PgConnection open = connection;
        connection = null;
        return open == null ? Future.succeededFuture() : open.close().otherwiseEmpty();
    }

    private void connect() {
        if (stopped) {
            return;
        }
        PgConnection.connect(vertx, config.connectOptions(applicationName))
                .compose(opened -> opened.query(listenToAll())
                        .execute()
                        .timeout(PROBE_ANSWER_MS, TimeUnit.MILLISECONDS)
                        .map(opened)
                        .onFailure(cause -> opened.close()))
                .onSuccess(this::listen)
                .onFailure(cause -> {
                    log.warn("cannot listen on '{}': {}; polling goes on meanwhile", channel, cause.getMessage());
                    reconnectLater();
                });
    }

    private void listen(PgConnection opened) {
        if (stopped) {
            opened.close();
            return;
        }
        connection = opened;
        backoffMs = BACKOFF_FIRST_MS;
        opened.notificationHandler(this::notified);
        opened.closeHandler(ignored -> lost(opened));
        log.info("listening on '{}'", channel);
        wake();
        others.values().forEach(other -> onContext(other.connected()));
        probeLater(opened);
    }

    private String listenToAll() {
        StringBuilder statements = new StringBuilder("listen \"" + channel + "\"");
        others.keySet()
                .forEach(other -> statements.append("; listen \"").append(other).append('"'));
        return statements.toString();
    }

    private void notified(PgNotification notification) {
        Channel other = others.get(notification.getChannel());
        if (other == null) {
            wake();
        } else {
            onContext(() -> other.heard().accept(notification.getPayload()));
        }
    }

    private void lost(PgConnection closed) {
        if (connection != closed) {
            return;
        }
        connection = null;
        log.warn("lost the connection that listens on '{}'; reconnecting", channel);
        reconnectLater();
    }

    private void reconnectLater() {
        if (stopped) {
            return;
        }
        long delay = backoffMs / 2 + ThreadLocalRandom.current().nextLong(backoffMs);
        backoffMs = Math.min(BACKOFF_MAX_MS, backoffMs * 2);
        vertx.setTimer(delay, ignored -> connect());
    }

    private void probeLater(PgConnection probed) {
        vertx.setTimer(PROBE_MS, ignored -> {
            if (connection != probed) {
                return;
            }
            probed.query("select 1")
                    .execute()
                    .timeout(PROBE_ANSWER_MS, TimeUnit.MILLISECONDS)
                    .onSuccess(answered -> probeLater(probed))
                    .onFailure(cause -> {
                        probed.close();
                        lost(probed);
                    });
        });
    }

    private void wake() {
        if (wakeUpPending || context == null) {
            return;
        }
        wakeUpPending = true;
        context.runOnContext(ignored -> {
            wakeUpPending = false;
            if (!stopped) {
                wakeUp.run();
            }
        });
    }

    private void onContext(Runnable call) {
        Context starting = context;
        if (starting != null) {
            starting.runOnContext(ignored -> {
                if (!stopped) {
                    call.run();
                }
            });
        }
    }
}
