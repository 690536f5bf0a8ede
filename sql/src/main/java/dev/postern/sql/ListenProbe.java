package dev.postern.sql;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgNotification;
import io.vertx.sqlclient.Pool;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Finds out whether what the statements' connections notify reaches a listening connection: sends a random word to a
 * channel of its own and waits for it. A LISTEN that was accepted proves nothing. A transaction pooler executes it in a
 * session that the listener never sees again; another database accepts it too.
 *
 * <p>The channel is the listener's for its life, so that its tries through a pooler leave one LISTEN in each of the
 * pooler's sessions and no more. Fields belong to the listener's context.
 */
final class ListenProbe {

    private static final long SEND_MS = 5_000;

    /** A notification takes milliseconds; this is for a server out of breath. */
    private static final long ARRIVAL_MS = 5_000;

    private final Vertx vertx;
    private final Pool statements;
    private final String channel = "postern_probe_" + word();

    private String sent = "";
    private @Nullable Promise<Boolean> arrival;

    ListenProbe(Vertx vertx, Pool statements) {
        this.vertx = vertx;
        this.statements = statements;
    }

    /** To be listened on before {@link #run}. */
    String channel() {
        return channel;
    }

    /** Whether the word arrived in time. Fails when it could not even be sent, which says nothing about the listener. */
    Future<Boolean> run() {
        Promise<Boolean> arriving = Promise.promise();
        arrival = arriving;
        sent = word();
        return statements
                .query("select pg_notify('" + channel + "', '" + sent + "')")
                .execute()
                .timeout(SEND_MS, TimeUnit.MILLISECONDS)
                .compose(committed -> {
                    long timer = vertx.setTimer(ARRIVAL_MS, ignored -> arriving.tryComplete(false));
                    return arriving.future().onComplete(arrived -> vertx.cancelTimer(timer));
                });
    }

    /** Takes a notification if it is the probe's; answers whether it was. */
    boolean takes(PgNotification notification) {
        if (!notification.getChannel().equals(channel)) {
            return false;
        }
        if (arrival != null && notification.getPayload().equals(sent)) {
            arrival.tryComplete(true);
        }
        return true;
    }

    private static String word() {
        return UUID.randomUUID().toString().replace("-", "");
    }
}
