package dev.postern.chaos;

import dev.postern.chaos.Event.Answered;
import dev.postern.chaos.Event.HungUp;
import dev.postern.functions.protocol.AttemptToken;
import dev.postern.functions.protocol.JobHeaders;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** One call of the function server: does what its behaviour says, and records what it offers. On the event loop. */
final class FunctionCall {

    private static final int SOON_MS = 2_000;
    private static final int SLOW_MS = 4_000;
    private static final int SIGN_OF_LIFE_MS = 2_000;

    private final FaultyFunction function;
    private final HttpServerRequest request;
    private final Behaviour behaviour;
    private final SplittableRandom random;
    private final int dispatch;
    private final AttemptToken token;
    private final String callbackUrl;

    FunctionCall(
            FaultyFunction function,
            HttpServerRequest request,
            Behaviour behaviour,
            SplittableRandom random,
            int dispatch,
            AttemptToken token,
            String callbackUrl) {
        this.function = function;
        this.request = request;
        this.behaviour = behaviour;
        this.random = random;
        this.dispatch = dispatch;
        this.token = token;
        this.callbackUrl = callbackUrl;
    }

    void begin() {
        request.response().closeHandler(closed -> hungUp());
        switch (behaviour) {
            case ANSWER_200 -> answer(200, Step.COMPLETE, null, 0, 0);
            case ANSWER_200_WITH_RESULT -> answerWithResult(0);
            case ANSWER_200_WITH_FOLLOW_UPS -> answerWithResult(1 + random.nextInt(2));
            case ANSWER_500 -> answer(500, Step.RETRY, null, 0, 0);
            case ANSWER_404 -> answer(404, Step.MISSING, null, 0, 0);
            case ANSWER_422 -> answer(422, Step.DEAD, null, 0, 0);
            case ANSWER_429 -> {
                request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
                answer(429, Step.BACKPRESSURE, null, 0, 0);
            }
            case ANSWER_503 -> answer(503, Step.RETRY, null, 0, 0);
            case ANSWER_503_WITH_RETRY_AFTER -> {
                request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
                answer(503, Step.BACKPRESSURE, null, 0, 0);
            }
            case ANSWER_503_OF_A_STRANGER -> {
                offered(Step.INFRASTRUCTURE, 0, 0, "503 without the job's id");
                request.response().setStatusCode(503).end();
            }
            case ASK_FOR_NEVER -> {
                request.response().putHeader(JobHeaders.JOB_RETRY, "never");
                answer(500, Step.DEAD, null, 0, 0);
            }
            case ASK_FOR_LATER -> {
                request.response().putHeader(JobHeaders.JOB_RETRY, "after=1");
                answer(200, Step.SNOOZE, null, 0, 0);
            }
            case RESET -> {
                offered(Step.INFRASTRUCTURE, 0, 0, "by closing the connection");
                request.connection().close();
            }
            case BREAK_OFF_THE_ANSWER -> breakOff();
            case ANSWER_GARBAGE -> {
                offered(Step.RETRY, 0, 0, "with something that is not HTTP");
                request.response()
                        .putHeader(HttpHeaders.CONTENT_LENGTH, "three")
                        .end();
            }
            case HANG -> offered(Step.RETRY, 0, 0, "by never answering");
            case ANSWER_SLOWLY, ANSWER_SLOWLY_OR_REPORT -> later(SLOW_MS, () -> answerWithResult(0));
            case CALL_BACK -> acceptAndReport(1, 0, false);
            case CALL_BACK_TWICE -> acceptAndReport(2, 0, false);
            case CALL_BACK_AND_CONTRADICT -> acceptAndReport(1, 0, true);
            case CALL_BACK_WITH_FOLLOW_UPS -> acceptAndReport(1, 1 + random.nextInt(2), false);
            case CALL_BACK_AFTER_SIGNS_OF_LIFE -> {
                accept();
                signOfLife(3);
            }
            case CALL_BACK_FAILURE -> {
                accept();
                later(SOON_MS, this::reportFailure);
            }
            case CALL_BACK_LATE -> {
                accept();
                long late = function.callbackLease().toMillis() + SLOW_MS + random.nextInt(SLOW_MS);
                after(late, () -> report(Step.COMPLETE, 1, 0));
            }
            case CALL_BACK_NEVER -> accept();
            case CALL_BACK_BEFORE_THE_ANSWER -> {
                long offer = function.nextOffer();
                JsonObject body = result(offer, 0);
                function.reports()
                        .send(callbackUrl, "", body, new Reports.Of(dispatch, token, Step.COMPLETE, offer, 0))
                        .onComplete(sent -> answerWithResult(0));
            }
            case CALL_BACK_FAILURE_BEFORE_200 ->
                function.reports()
                        .send(
                                callbackUrl,
                                "/fail",
                                new JsonObject().put("error", "as planned"),
                                new Reports.Of(dispatch, token, Step.RETRY, 0, 0))
                        .onComplete(sent -> answer(200, Step.COMPLETE, null, 0, 0));
            case ANSWER_200_AND_CALL_BACK -> {
                answerWithResult(0);
                report(Step.COMPLETE, 1, 0);
            }
        }
    }

    private void hungUp() {
        function.recorder().saw(new HungUp(function.now(), dispatch, token.jobId()));
        if (behaviour == Behaviour.ANSWER_SLOWLY_OR_REPORT) {
            later(SLOW_MS, () -> report(Step.COMPLETE, 1, 0));
        }
    }

    private void offered(Step meaning, long offer, int followUps, String how) {
        function.recorder()
                .saw(new Answered(
                        function.now(), dispatch, token.jobId(), token.lease(), meaning, offer, followUps, how));
    }

    private void answerWithResult(int followUps) {
        long offer = function.nextOffer();
        answer(200, Step.COMPLETE, result(offer, followUps), offer, followUps);
    }

    private void answer(int status, Step meaning, @Nullable JsonObject body, long offer, int followUps) {
        HttpServerResponse response = request.response();
        if (response.closed() || response.ended()) {
            return;
        }
        offered(meaning, offer, followUps, Integer.toString(status));
        response.setStatusCode(status).putHeader(JobHeaders.JOB_ID, Long.toString(token.jobId()));
        if (body == null) {
            response.end();
        } else {
            response.putHeader(HttpHeaders.CONTENT_TYPE, "application/json").end(body.toBuffer());
        }
    }

    private void breakOff() {
        offered(Step.RETRY, 0, 0, "200 and half a body");
        HttpServerResponse response = request.response();
        response.headers().addAll(MultiMap.caseInsensitiveMultiMap().add(HttpHeaders.CONTENT_LENGTH, "1000"));
        response.write(Buffer.buffer("{\"half\":"))
                .onComplete(written -> request.connection().close());
    }

    private void accept() {
        answer(202, Step.WAITING, null, 0, 0);
    }

    private void acceptAndReport(int times, int followUps, boolean contradict) {
        accept();
        later(SOON_MS, () -> {
            report(Step.COMPLETE, times, followUps);
            if (contradict) {
                reportFailure();
            }
        });
    }

    private void report(Step meaning, int times, int followUps) {
        long offer = function.nextOffer();
        JsonObject body = result(offer, followUps);
        for (int i = 0; i < times; i++) {
            function.reports()
                    .send(callbackUrl, "/complete", body, new Reports.Of(dispatch, token, meaning, offer, followUps));
        }
    }

    private void reportFailure() {
        boolean again = random.nextInt(3) > 0;
        JsonObject body = new JsonObject().put("error", "as planned").put("retry", again);
        function.reports()
                .send(
                        callbackUrl,
                        "/fail",
                        body,
                        new Reports.Of(dispatch, token, again ? Step.RETRY : Step.DEAD, 0, 0));
    }

    private void signOfLife(int left) {
        after(SIGN_OF_LIFE_MS, () -> {
            if (left == 0) {
                report(Step.COMPLETE, 1, 0);
            } else {
                function.reports()
                        .send(callbackUrl, "/heartbeat", null, new Reports.Of(dispatch, token, null, 0, 0))
                        .onComplete(sent -> signOfLife(left - 1));
            }
        });
    }

    private static JsonObject result(long offer, int followUps) {
        JsonObject result = new JsonObject().put("offer", offer);
        if (followUps > 0) {
            JsonArray jobs = new JsonArray();
            for (int i = 0; i < followUps; i++) {
                jobs.add(new JsonObject()
                        .put("task", "follow-up")
                        .put("payload", new JsonObject().put("offer", offer))
                        .put("max_attempts", 5));
            }
            result.put("jobs", jobs);
        }
        return result;
    }

    private void later(int atMostMs, Runnable step) {
        after(1 + random.nextInt(atMostMs), step);
    }

    private void after(long ms, Runnable step) {
        function.owing(ms, step);
    }
}
