package dev.postern.api;

import dev.postern.sql.TenantJobs.Found;
import dev.postern.sql.TenantStore;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The operations that wait for something to happen to a job: its status, by long poll, and its events. */
final class LiveRoutes {

    private final Vertx vertx;
    private final TenantStore store;
    private final JobWatch watch;
    private final int mostClients;
    private final Set<EventStream> streams = new HashSet<>();
    private final Map<UUID, Integer> byTenant = new HashMap<>();
    private int live;

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
                            ? changed(request, job, known != null, seconds)
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
    private Future<Found> changed(Request request, Found job, boolean any, int seconds) {
        UUID tenant = request.caller().tenant();
        enter(tenant);
        Promise<Found> changed = Promise.promise();
        Found[] latest = {job};
        JobWatch.Watch watching = watch.watch(job.id(), job.version(), found -> {
            latest[0] = found;
            if (any || JobStatus.isFinal(found)) {
                changed.tryComplete(found);
            }
        });
        long timer = vertx.setTimer(seconds * 1000L, fired -> changed.tryComplete(latest[0]));
        request.gone().onComplete(gone -> changed.tryComplete(latest[0]));
        return changed.future().onComplete(done -> {
            leave(tenant);
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
                    UUID tenant = request.caller().tenant();
                    refuseTooMany(tenant);
                    return Answer.streamed(response -> {
                        enter(tenant);
                        EventStream[] stream = new EventStream[1];
                        stream[0] = new EventStream(vertx, response, () -> {
                            streams.remove(stream[0]);
                            leave(tenant);
                        });
                        streams.add(stream[0]);
                        stream[0].follow(watch, job, lastEventId);
                    });
                });
    }

    private void enter(UUID tenant) {
        refuseTooMany(tenant);
        live++;
        byTenant.merge(tenant, 1, Integer::sum);
    }

    private void leave(UUID tenant) {
        live--;
        int others = byTenant.getOrDefault(tenant, 1) - 1;
        if (others == 0) {
            byTenant.remove(tenant);
        } else {
            byTenant.put(tenant, others);
        }
    }

    // One tenant's clients must not be all of them.
    private void refuseTooMany(UUID tenant) {
        if (live >= mostClients || byTenant.getOrDefault(tenant, 0) >= mostClients / 2) {
            throw new ApiException(
                    Problem.UNAVAILABLE,
                    "the server has as many clients that wait as it takes, " + mostClients / 2 + " of a tenant and "
                            + mostClients + " in all");
        }
    }
}
