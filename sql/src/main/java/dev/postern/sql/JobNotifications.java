package dev.postern.sql;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnection;
import io.vertx.pgclient.PgNotification;
import io.vertx.sqlclient.Pool;
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
 *   stopped ──start──▶ connecting ──▶ probing ──word arrived, LISTEN──▶ listening ─┐ every 15 s: probe again
 *                          ▲             │                                │     ▲──┘
 *                          │             │ answers, but delivers nothing  │
 *                          ├─── deaf ◀───┼────────────────────────────────┤
 *                          │             │ closed, or silent              │
 *                          └ backing off ◀────────────────────────────────┘        close ──▶ stopped
 * </pre>
 *
 * <p>A connection that looks open but is not (half-open), and one that a transaction pooler or another database answers,
 * are found by {@link ListenProbe}. All fields belong to the context that called {@link #start}.
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
    private static final long ANSWER_MS = 5_000;
    private static final long BACKOFF_FIRST_MS = 100;
    private static final long BACKOFF_MAX_MS = 5_000;

    /** Somebody has to change something first; until then each try costs a connection and a LISTEN. */
    private static final long DEAF_BACKOFF_FIRST_MS = 5_000;

    private static final long DEAF_BACKOFF_MAX_MS = 60_000;

    private final Vertx vertx;
    private final DatabaseConfig config;
    private final String channel;
    private final String applicationName;
    private final Runnable wakeUp;
    private final Consumer<Boolean> onListening;
    private final ListenProbe probe;
    private final Map<String, Channel> others = new LinkedHashMap<>();

    private @Nullable Context context;
    private @Nullable PgConnection connection;
    private boolean stopped;
    private boolean wakeUpPending;
    private boolean deaf;
    private long backoffMs = BACKOFF_FIRST_MS;

    private record Channel(Consumer<String> heard, Runnable connected) {}

    /**
     * Does nothing until started.
     *
     * @param config a direct connection; a transaction pooler loses LISTEN
     * @param statements the connections that notify; stays the caller's to close
     * @param wakeUp called on the starting context, never twice at once
     * @param onListening told on the starting context when listening begins and when it ends
     */
    public JobNotifications(
            Vertx vertx,
            DatabaseConfig config,
            Pool statements,
            String channel,
            String applicationName,
            Runnable wakeUp,
            Consumer<Boolean> onListening) {
        this.vertx = vertx;
        this.config = config;
        this.channel = channel;
        this.applicationName = applicationName;
        this.wakeUp = wakeUp;
        this.onListening = onListening;
        this.probe = new ListenProbe(vertx, statements);
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
        Context starting = vertx.getOrCreateContext();
        context = starting;
        starting.runOnContext(ignored -> connect());
    }

    /** Whether a LISTEN is in force and was seen to deliver. */
    public boolean listening() {
        return connection != null;
    }

    /** Stops listening. Without a start, or called again, it does nothing. */
    public Future<Void> close() {
        stopped = true;
        PgConnection open = connection;
        return open != null && ended(open) ? open.close().otherwiseEmpty() : Future.succeededFuture();
    }

    private void connect() {
        if (stopped) {
            return;
        }
        PgConnection.connect(vertx, config.connectOptions(applicationName))
                .compose(opened -> {
                    opened.notificationHandler(this::notified);
                    // The jobs' channel last: a pooler's session that listens to it would hear of every job for
                    // nothing.
                    return listen(opened, quoted(probe.channel()))
                            .compose(listening -> probe.run())
                            .compose(arrived -> delivering(opened, arrived))
                            .compose(delivers -> listen(opened, allChannels()))
                            .map(opened)
                            .onFailure(cause -> opened.close());
                })
                .onSuccess(this::listening)
                .onFailure(this::failed);
    }

    private String allChannels() {
        StringBuilder names = new StringBuilder(quoted(channel));
        others.keySet().forEach(other -> names.append("; listen ").append(quoted(other)));
        return names.toString();
    }

    private static String quoted(String channel) {
        return '"' + channel + '"';
    }

    private static Future<Void> listen(PgConnection opened, String channels) {
        return opened.query("listen " + channels)
                .execute()
                .timeout(ANSWER_MS, TimeUnit.MILLISECONDS)
                .mapEmpty();
    }

    // Fails as deaf only when the connection still answers: else it is lost like any other.
    private static Future<Void> delivering(PgConnection opened, boolean arrived) {
        return arrived
                ? Future.succeededFuture()
                : answering(opened).compose(answered -> Future.failedFuture(new DeafException()));
    }

    private static Future<Void> answering(PgConnection opened) {
        return opened.query("select 1")
                .execute()
                .timeout(ANSWER_MS, TimeUnit.MILLISECONDS)
                .mapEmpty();
    }

    private void listening(PgConnection opened) {
        if (stopped) {
            opened.close();
            return;
        }
        connection = opened;
        backoffMs = BACKOFF_FIRST_MS;
        opened.closeHandler(ignored -> lost(opened));
        log.info(deaf ? "listening on '{}' again: notifications arrive" : "listening on '{}'", channel);
        deaf = false;
        onListening.accept(true);
        wake();
        others.values().forEach(other -> onContext(other.connected()));
        probeLater(opened);
    }

    private void notified(PgNotification notification) {
        if (probe.takes(notification)) {
            return;
        }
        Channel other = others.get(notification.getChannel());
        if (other == null) {
            wake();
        } else {
            onContext(() -> other.heard().accept(notification.getPayload()));
        }
    }

    private void failed(Throwable cause) {
        if (stopped) {
            return;
        }
        if (cause instanceof DeafException) {
            tellDeaf();
            return;
        }
        log.warn("cannot listen on '{}': {}; polling goes on meanwhile", channel, cause.getMessage());
        reconnectLater();
    }

    private void tellDeaf() {
        if (!deaf) {
            deaf = true;
            backoffMs = DEAF_BACKOFF_FIRST_MS;
            log.error(
                    "notifications from {} do not arrive: LISTEN is accepted and a NOTIFY of the statements' connections"
                            + " is not delivered. A transaction pooler stands there, or it is another database than that"
                            + " of the statements. Set DATABASE_LISTEN_URL to a direct connection to the same database;"
                            + " until then '{}' is polled",
                    config,
                    channel);
        }
        reconnectLater();
    }

    private void lost(PgConnection closed) {
        if (ended(closed)) {
            log.warn("lost the connection that listens on '{}'; reconnecting", channel);
            reconnectLater();
        }
    }

    private boolean ended(PgConnection which) {
        if (connection != which) {
            return false;
        }
        connection = null;
        onListening.accept(false);
        return true;
    }

    private void reconnectLater() {
        if (stopped) {
            return;
        }
        long delay = backoffMs / 2 + ThreadLocalRandom.current().nextLong(backoffMs);
        backoffMs = Math.min(deaf ? DEAF_BACKOFF_MAX_MS : BACKOFF_MAX_MS, backoffMs * 2);
        vertx.setTimer(delay, ignored -> connect());
    }

    private void probeLater(PgConnection probed) {
        vertx.setTimer(PROBE_MS, ignored -> {
            if (connection != probed) {
                return;
            }
            probe.run()
                    // Not sent: the statements' connections are away, which says nothing about this one.
                    .recover(cause -> answering(probed).map(true))
                    .compose(arrived -> delivering(probed, arrived))
                    .onSuccess(delivers -> probeLater(probed))
                    .onFailure(cause -> {
                        if (!(cause instanceof DeafException)) {
                            lost(probed);
                        } else if (ended(probed)) {
                            tellDeaf();
                        }
                        probed.close();
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

    /** The connection answers and delivers nothing. */
    private static final class DeafException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        DeafException() {
            super("it answers, but notifications do not arrive", null, false, false);
        }
    }
}
