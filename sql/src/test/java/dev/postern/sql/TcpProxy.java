package dev.postern.sql;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stands between a client and a server on loopback and breaks the line on demand:
 *
 * <pre>
 *             cut                             stall
 *   broken ◀──────── passing (at the start) ────────▶ silent
 *      └───resume──────▶   ◀──────resume────────────────┘
 * </pre>
 *
 * <p>Broken: every connection is closed and new ones are closed as they come. Silent: connections stay open and new ones
 * are accepted, but nothing passes; what was sent meanwhile passes after {@link #resume}. Beside that, {@link #halfOpen}
 * closes one end of the connections there are. The calls return once it is so.
 * Fields belong to one event-loop context; the calls may come from any thread but an event loop's.
 */
public final class TcpProxy implements AutoCloseable {

    private static final long DEADLINE_SECONDS = 20;

    private enum Line {
        PASSING,
        SILENT,
        BROKEN
    }

    /** An end of a connection. */
    public enum End {
        CLIENT,
        SERVER
    }

    private final Context context;
    private final NetServer server;
    private final NetClient client;
    private final Set<NetSocket> sockets = new HashSet<>();
    private final Map<NetSocket, NetSocket> serverEnds = new HashMap<>();
    private final Set<NetSocket> forsaken = new HashSet<>();
    private Line line = Line.PASSING;

    private TcpProxy(Vertx vertx, Context context, String host, int port) {
        this.context = context;
        this.client = vertx.createNetClient();
        this.server = vertx.createNetServer().connectHandler(near -> connect(near, host, port));
    }

    /** Starts one that passes everything on to the given server. */
    public static TcpProxy start(Vertx vertx, String host, int port) {
        Context context = vertx.getOrCreateContext();
        TcpProxy proxy = new TcpProxy(vertx, context, host, port);
        await(on(context, () -> proxy.server.listen(0, "127.0.0.1")));
        return proxy;
    }

    /** Where to connect instead of the server, on 127.0.0.1. */
    public int port() {
        return server.actualPort();
    }

    /** Closes every connection, and new ones as they come. */
    public void cut() {
        change(Line.BROKEN);
    }

    /** Lets nothing pass any more, with all connections open: what a lost route looks like. */
    public void stall() {
        change(Line.SILENT);
    }

    /** Lets everything pass again. */
    public void resume() {
        change(Line.PASSING);
    }

    /**
     * Closes that end of every connection and keeps the other one open and silent until {@link #resume}: what a peer sees
     * whose other side is gone without a word. New connections pass as before.
     */
    public void halfOpen(End closed) {
        await(on(context, () -> {
            Map.copyOf(serverEnds).forEach((near, far) -> {
                serverEnds.remove(near);
                NetSocket ending = closed == End.CLIENT ? near : far;
                NetSocket staying = closed == End.CLIENT ? far : near;
                forsaken.add(staying);
                staying.pause();
                ending.closeHandler(done -> sockets.remove(ending));
                ending.close();
            });
            return Future.succeededFuture();
        }));
    }

    @Override
    public void close() {
        cut();
        await(server.close());
        await(client.close());
    }

    private void change(Line next) {
        await(on(context, () -> {
            line = next;
            if (next == Line.PASSING) {
                Set.copyOf(forsaken).forEach(NetSocket::close);
            }
            for (NetSocket socket : Set.copyOf(sockets)) {
                switch (next) {
                    case PASSING -> socket.resume();
                    case SILENT -> socket.pause();
                    case BROKEN -> socket.close();
                }
            }
            return Future.succeededFuture();
        }));
    }

    private void connect(NetSocket near, String host, int port) {
        near.pause();
        if (line == Line.BROKEN) {
            near.close();
            return;
        }
        client.connect(port, host)
                .onSuccess(far -> {
                    far.pause();
                    serverEnds.put(near, far);
                    join(near, far);
                    join(far, near);
                    switch (line) {
                        case PASSING -> {
                            near.resume();
                            far.resume();
                        }
                        case SILENT -> {}
                        case BROKEN -> near.close();
                    }
                })
                .onFailure(cause -> near.close());
    }

    private void join(NetSocket from, NetSocket to) {
        sockets.add(from);
        from.handler(bytes -> {
            to.write(bytes);
            if (to.writeQueueFull()) {
                from.pause();
                to.drainHandler(drained -> {
                    if (line == Line.PASSING) {
                        from.resume();
                    }
                });
            }
        });
        from.exceptionHandler(cause -> from.close());
        from.closeHandler(closed -> {
            sockets.remove(from);
            serverEnds.remove(from);
            forsaken.remove(from);
            to.close();
        });
    }

    private static <T> Future<T> on(Context context, Supplier<Future<T>> action) {
        Promise<T> done = Promise.promise();
        context.runOnContext(ignored -> action.get().onComplete(done));
        return done.future();
    }

    private static <T> void await(Future<T> future) {
        try {
            @Nullable
            T ignored = future.toCompletionStage().toCompletableFuture().get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the proxy does not obey", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
