package dev.postern.worker;

import dev.postern.sql.ClaimedJob;
import dev.postern.sql.Outcome;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Calls functions at once, without a job: by the routes, time-outs and guards that jobs go by, over connections of its own,
 * so that a burst of jobs does not stand before a caller who waits. What a call shows of its target holds for the jobs of
 * the same worker, and the other way round. Any thread may call; nothing is tried twice.
 */
public final class FunctionCaller {

    private final Context context;
    private final TaskRouter router;
    private final Targets targets;
    private final FunctionDispatcher dispatcher;
    private final AnswerTable answers;
    private final Runnable freed;

    /** Shares the targets, which belong to the context; {@code freed} runs when jobs may be claimable again. */
    FunctionCaller(
            Context context,
            TaskRouter router,
            Targets targets,
            FunctionDispatcher dispatcher,
            AnswerTable answers,
            Runnable freed) {
        this.context = context;
        this.router = router;
        this.targets = targets;
        this.dispatcher = dispatcher;
        this.answers = answers;
        this.freed = freed;
    }

    /** For a process that has no worker: knows its targets from its own calls only. */
    public static FunctionCaller withoutWorker(
            Vertx vertx, TaskRouter router, WorkerConfig config, InstantSource clock, RandomGenerator random) {
        return new FunctionCaller(
                vertx.getOrCreateContext(),
                router,
                new Targets(config, WorkerListener.NONE, clock, random, () -> {}),
                new FunctionDispatcher(vertx, config, clock, ClaimedJob::traceparent),
                new AnswerTable(clock, random, config.callbackLease(), config.callbackLeaseMax()),
                () -> {});
    }

    /** A call that is under way. */
    public final class Call {

        private final Context callers;
        private final Promise<CallResult> result = Promise.promise();
        private boolean aborted;
        private FunctionDispatcher.@Nullable Exchange exchange;

        private Call(Context callers) {
            this.callers = callers;
        }

        /** How it ended; never fails, and completes on the context that it was called on. */
        public Future<CallResult> result() {
            return result.future();
        }

        /** Breaks it off: the function sees its connection close. Does nothing when it has ended. */
        public void abort() {
            context.runOnContext(ignored -> {
                aborted = true;
                if (exchange != null) {
                    exchange.abort();
                }
            });
        }

        private void begin(String task, Map<String, String> headers, Buffer payload, Duration atMost) {
            Optional<URI> url = router.route(task);
            if (url.isEmpty()) {
                end(failed(CallResult.Reason.NO_ROUTE, "nothing says where a function for task '" + task + "' lives"));
                return;
            }
            if (aborted) {
                end(failed(CallResult.Reason.ABORTED, "it was broken off"));
                return;
            }
            Optional<Targets.Call> begun = targets.beginUnclaimed(task, url);
            if (begun.isEmpty()) {
                end(new CallResult.Failed(
                        CallResult.Reason.SPARED,
                        "the function for task '" + task + "' gets no more calls for a while: it failed, or asked for"
                                + " less",
                        targets.sparedFor(url.get())));
                return;
            }
            FunctionDispatcher.Exchange sent;
            try {
                sent = dispatcher.call(task, url, headers, payload, atMost);
            } catch (RuntimeException e) {
                begun.get().end(Optional.empty());
                end(failed(CallResult.Reason.UNREACHABLE, "it cannot be sent: " + e.getMessage()));
                return;
            }
            exchange = sent;
            sent.result().onSuccess(came -> {
                // There is no job whose id the function could echo: its own 502 to 504 count as not its own.
                Optional<Outcome> outcome = answers.outcome(came, 0);
                if (begun.get().end(TargetSign.of(came, outcome))) {
                    freed.run();
                }
                end(read(came));
            });
        }

        private void end(CallResult how) {
            callers.runOnContext(ignored -> result.tryComplete(how));
        }
    }

    /**
     * Calls the function of a task.
     *
     * @param headers of the contract, for this call; the task and the deadline are added
     * @param atMost how long it may take, if that is less than an attempt's time-out
     */
    public Call call(String task, Map<String, String> headers, Buffer payload, Duration atMost) {
        Call call = new Call(context.owner().getOrCreateContext());
        context.runOnContext(ignored -> call.begin(task, headers, payload, atMost));
        return call;
    }

    /** Closes its connections; what is under way ends as unreachable. */
    public Future<Void> close() {
        return dispatcher.close();
    }

    private static CallResult read(DispatchResult came) {
        return switch (came) {
            case DispatchResult.Answer answer -> {
                Buffer body = answer.body();
                yield body == null
                        ? failed(CallResult.Reason.UNREADABLE, "the function's answer is larger than 1 MiB")
                        : new CallResult.Answered(answer.status(), answer.headers(), body);
            }
            case DispatchResult.Unreachable r -> failed(CallResult.Reason.UNREACHABLE, r.reason());
            case DispatchResult.TimedOut r -> failed(CallResult.Reason.TIMED_OUT, r.reason());
            case DispatchResult.Garbled r -> failed(CallResult.Reason.UNREADABLE, r.reason());
            case DispatchResult.NoRoute r -> failed(CallResult.Reason.NO_ROUTE, r.reason());
            case DispatchResult.Aborted r -> failed(CallResult.Reason.ABORTED, "it was broken off");
        };
    }

    private static CallResult failed(CallResult.Reason reason, String detail) {
        return new CallResult.Failed(reason, detail, Duration.ZERO);
    }
}
