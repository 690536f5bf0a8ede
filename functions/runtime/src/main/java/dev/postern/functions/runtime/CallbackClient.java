package dev.postern.functions.runtime;

import dev.postern.functions.protocol.JobHeaders;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/** One POST to the callback server, blocking. The URL carries the attempt's token, so it is never logged. Thread-safe. */
final class CallbackClient implements AutoCloseable {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT_TIMEOUT)
            .build();
    private final Duration timeout;
    private final Clock clock;

    // Written by whoever stops the server, read by the calls' threads.
    private volatile boolean closed;

    CallbackClient(Duration timeout, Clock clock) {
        this.timeout = timeout;
        this.clock = clock;
    }

    CallbackAnswer post(URI url, Job job, byte[] json) throws InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(url)
                .timeout(timeout)
                .header("Content-Type", Reply.JSON)
                .POST(HttpRequest.BodyPublishers.ofByteArray(json));
        if (job.id() != null) {
            request.header(JobHeaders.JOB_ID, job.id());
        }
        if (job.workerId() != null) {
            request.header(JobHeaders.WORKER_ID, job.workerId());
        }
        if (job.traceparent() != null) {
            request.header(JobHeaders.TRACEPARENT, job.traceparent());
        }
        try {
            return judge(http.send(request.build(), HttpResponse.BodyHandlers.discarding()));
        } catch (IOException e) {
            if (closed) {
                throw stopped(e);
            }
            return new CallbackAnswer.Unheard(e.getClass().getSimpleName(), null);
        }
    }

    /** Nothing will be heard any more: whoever is saying something again must stop, as if interrupted. */
    private static InterruptedException stopped(IOException cause) {
        InterruptedException stopped = new InterruptedException("the function's server has stopped");
        stopped.initCause(cause);
        return stopped;
    }

    private CallbackAnswer judge(HttpResponse<?> response) {
        int status = response.statusCode();
        if (status >= 200 && status < 300) {
            return new CallbackAnswer.Heard();
        }
        if (status == 429 || status >= 500) {
            Duration after = response.headers()
                    .firstValue("Retry-After")
                    .map(this::pause)
                    .orElse(null);
            return new CallbackAnswer.Unheard("status " + status, after);
        }
        return new CallbackAnswer.Refused(status);
    }

    /** Retry-After is a number of seconds or a date. */
    private @Nullable Duration pause(String retryAfter) {
        try {
            return Duration.ofSeconds(Math.max(0, Long.parseLong(retryAfter.strip())));
        } catch (NumberFormatException notSeconds) {
            try {
                Duration pause = Duration.between(
                        clock.instant(),
                        ZonedDateTime.parse(retryAfter.strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                                .toInstant());
                return pause.isNegative() ? Duration.ZERO : pause;
            } catch (DateTimeException notDate) {
                return null;
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        http.shutdownNow();
    }
}
