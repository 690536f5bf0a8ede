package dev.postern.bench;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import java.net.URI;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** What the machine allows: Postgres without HTTP, HTTP without Postgres. */
final class Limits implements AutoCloseable {

    private static final int BATCH = 100;
    private static final int IN_FLIGHT = 64;

    private final Lab lab;
    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    private final HttpClient client = vertx.createHttpClient(
            new HttpClientOptions().setKeepAlive(true).setTcpNoDelay(true),
            new PoolOptions().setHttp1MaxSize(IN_FLIGHT));

    Limits(Lab lab) {
        this.lab = lab;
    }

    /** Claims and deletes a second: the leanest table and statements, batches of 100, one connection, each committed. */
    double postgresAlone(int jobs) {
        Database database = lab.postgres().empty();
        try {
            database.execute("""
                    create table bare (id bigint primary key, payload json, locked_at timestamptz)
                    with (fillfactor = 50)""");
            database.execute(
                    "insert into bare select n, json_build_object('n', n) from generate_series(1, " + jobs + ") n");
            database.execute("vacuum analyze bare");
            database.execute("checkpoint");
            try (Connection connection = database.connect()) {
                return drained(connection, jobs);
            } catch (SQLException e) {
                throw new BenchException("cannot claim from the bare table: " + e.getMessage(), e);
            }
        } finally {
            lab.postgres().drop(database);
        }
    }

    private static double drained(Connection connection, int jobs) throws SQLException {
        try (PreparedStatement claim = connection.prepareStatement("""
                        update bare b set locked_at = now() where b.id = any (array(
                          select n.id from bare n where n.id > ? and n.locked_at is null
                          order by n.id limit 100 for update skip locked))
                        returning b.id, b.payload::text""");
                PreparedStatement delete = connection.prepareStatement("delete from bare b where b.id = any (?)")) {
            long began = System.nanoTime();
            long last = 0;
            for (int done = 0; done < jobs; done += BATCH) {
                List<Long> ids = new ArrayList<>();
                claim.setLong(1, last);
                try (ResultSet rows = claim.executeQuery()) {
                    while (rows.next()) {
                        ids.add(rows.getLong(1));
                        last = Math.max(last, rows.getLong(1));
                    }
                }
                delete.setArray(1, connection.createArrayOf("bigint", ids.toArray()));
                delete.executeUpdate();
            }
            return jobs / ((System.nanoTime() - began) / 1e9);
        }
    }

    /** The same POSTs a second, as many in flight, one event loop, by the client that the worker uses. */
    double httpAlone(int calls) {
        URI url = URI.create(lab.functions().url());
        RequestOptions target = new RequestOptions()
                .setHost(url.getHost())
                .setPort(url.getPort())
                .setURI("/noop")
                .setMethod(HttpMethod.POST)
                .putHeader("Content-Type", "application/json")
                .putHeader("X-Job-Id", "1")
                .putHeader("X-Worker-Id", "bench-1")
                .putHeader("X-Database-Id", Postern.TENANT)
                .putHeader("X-Callback-Url", "http://127.0.0.1:12345/callback/1.1.00000000-0000-0000-0000-000000000001")
                .putHeader("Idempotency-Key", "1");
        Promise<Void> done = Promise.promise();
        long began = System.nanoTime();
        vertx.runOnContext(ignored -> {
            Load load = new Load(target, calls, done);
            for (int i = 0; i < IN_FLIGHT; i++) {
                load.next();
            }
        });
        done.future().await();
        return calls / ((System.nanoTime() - began) / 1e9);
    }

    /** Of one event loop. */
    private final class Load {

        private final RequestOptions target;
        private final Promise<Void> done;
        private final int calls;
        private int begun;
        private int ended;

        Load(RequestOptions target, int calls, Promise<Void> done) {
            this.target = target;
            this.calls = calls;
            this.done = done;
        }

        void next() {
            if (begun == calls) {
                return;
            }
            begun++;
            client.request(target)
                    .compose(request -> request.send(Buffer.buffer("{\"n\": " + begun + "}")))
                    .compose(HttpClientResponse::end)
                    .onComplete(ended -> {
                        if (ended.failed()) {
                            done.tryFail(ended.cause());
                            return;
                        }
                        if (++this.ended == calls) {
                            done.tryComplete();
                        }
                        next();
                    });
        }
    }

    @Override
    public void close() {
        Future.join(client.close(), vertx.close()).await();
    }
}
