package dev.postern.chaos;

import dev.postern.chaos.Event.Reported;
import dev.postern.functions.protocol.AttemptToken;
import dev.postern.functions.protocol.JobHeaders;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Posts to callback servers as functions do, again after a 503 or no answer, and records each try. */
final class Reports {

    private static final int TRIES = 4;
    private static final long PAUSE_MS = 1_000;
    private static final long PATIENCE_MS = 8_000;

    private final Vertx vertx;
    private final HttpClient client;
    private final Recorder recorder;
    private final InstantSource clock;
    private final AtomicInteger underWay = new AtomicInteger();

    /** What a report says. */
    record Of(int dispatch, AttemptToken token, @Nullable Step meaning, long offer, int followUps) {}

    Reports(Vertx vertx, Recorder recorder, InstantSource clock) {
        this.vertx = vertx;
        this.recorder = recorder;
        this.clock = clock;
        this.client = vertx.createHttpClient(
                new HttpClientOptions().setConnectTimeout(2_000).setKeepAliveTimeout(2),
                new PoolOptions().setHttp1MaxSize(200));
    }

    int underWay() {
        return underWay.get();
    }

    /** Sends it; completes when it is answered or given up. */
    Future<Void> send(String callbackUrl, String path, @Nullable JsonObject body, Of report) {
        underWay.incrementAndGet();
        return tried(callbackUrl + path, body, report, TRIES).onComplete(done -> underWay.decrementAndGet());
    }

    private Future<Void> tried(String url, @Nullable JsonObject body, Of report, int triesLeft) {
        Instant sentAt = clock.instant();
        RequestOptions options = new RequestOptions()
                .setMethod(HttpMethod.POST)
                .setAbsoluteURI(url)
                .setTimeout(PATIENCE_MS)
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/json");
        return client.request(options)
                .compose(request -> body == null ? request.send() : request.send(body.toBuffer()))
                .map(response -> answered(response, sentAt, report))
                .recover(cause -> {
                    saw(sentAt, report, 0, false);
                    return Future.succeededFuture(0);
                })
                .compose(status -> (status == 0 || status == 503) && triesLeft > 1
                        ? vertx.timer(PAUSE_MS).compose(waited -> tried(url, body, report, triesLeft - 1))
                        : Future.succeededFuture());
    }

    private int answered(HttpClientResponse response, Instant sentAt, Of report) {
        boolean replay = "true".equals(response.getHeader(JobHeaders.IDEMPOTENT_REPLAY));
        saw(sentAt, report, response.statusCode(), replay);
        return response.statusCode();
    }

    private void saw(Instant sentAt, Of report, int status, boolean replay) {
        recorder.saw(new Reported(
                clock.instant(),
                sentAt,
                report.dispatch(),
                report.token().jobId(),
                report.token().lease(),
                report.meaning(),
                report.offer(),
                report.followUps(),
                status,
                replay));
    }
}
