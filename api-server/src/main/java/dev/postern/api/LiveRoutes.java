package dev.postern.api;

import dev.postern.sql.TenantJobs.Found;
import dev.postern.sql.TenantStore;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The operations that wait for something to happen to a job: its status, by long poll, and its events. */
final class LiveRoutes {

    private final Vertx vertx;
    private final TenantStore store;
    private final JobWatch watch;
    private final int mostClients;
    private final Set<EventStream> streams = new HashSet<>();
    private int waiting;

    LiveRoutes(Vertx vertx, TenantStore store, JobWatch watch, int mostClients) {
        this.vertx = vertx;
        this.store = store;
        this.watch = watch;
        this.mostClients = mostClients;
    }

    /** By operation. */
    Map<String, Handler> handlers() {
        return Map.of("getJobStatus", this::status, "getJobEvents", this::events);
    }

    /** Ends all streams, so that the server can close. */
    void close() {
        List.copyOf(streams).forEach(EventStream::end);
    }

    private Future<Answer> status(Request request) {
        int seconds = request.number("wait");
        String known = request.text("If-None-Match");
        return store.within(request.acting(), "look up a job", tenant -> JobRoutes.find(request, tenant))
                .compose(job -> {
                    boolean worthWaiting = known == null
                            ? !JobStatus.isFinal(job)
                            : JobStatus.etag(job).equals(known);
                    return seconds > 0 && worthWaiting
                            ? changed(job, known != null, seconds)
                            : Future.succeededFuture(job);
                })
                .map(job -> answer(job, known));
    }

    private static Answer answer(Found job, @Nullable String known) {
        Map<String, String> headers = Map.of("ETag", JobStatus.etag(job));
        return JobStatus.etag(job).equals(known)
                ? Answer.empty(304, headers)
                : Answer.of(200, JobStatus.of(job), headers);
    }

    // Whoever says what he knows waits for any change, others for the end.
    private Future<Found> changed(Found job, boolean any, int seconds) {
        refuseTooMany();
        Promise<Found> changed = Promise.promise();
        Found[] latest = {job};
        waiting++;
        JobWatch.Watch watching = watch.watch(job.id(), job.version(), found -> {
            latest[0] = found;
            if (any || JobStatus.isFinal(found)) {
                changed.tryComplete(found);
            }
        });
        long timer = vertx.setTimer(seconds * 1000L, fired -> changed.tryComplete(latest[0]));
        return changed.future().onComplete(done -> {
            waiting--;
            vertx.cancelTimer(timer);
            watching.end();
        });
    }

    private Future<Answer> events(Request request) {
        String lastEventId = request.text("Last-Event-ID");
        return store.within(request.acting(), "look up a job", tenant -> JobRoutes.find(request, tenant))
                .map(job -> {
                    if (JobStatus.isFinal(job) && job.version().equals(lastEventId)) {
                        // What a browser takes as: do not come back.
                        return Answer.empty(204, Map.of());
                    }
                    refuseTooMany();
                    return Answer.streamed(response -> {
                        EventStream[] stream = new EventStream[1];
                        stream[0] = new EventStream(vertx, response, () -> streams.remove(stream[0]));
                        streams.add(stream[0]);
                        stream[0].follow(watch, job, lastEventId);
                    });
                });
    }

    private void refuseTooMany() {
        if (streams.size() + waiting >= mostClients) {
            throw new ApiException(
                    Problem.UNAVAILABLE, "the server has " + mostClients + " clients that wait, which is all it takes");
        }
    }
}
