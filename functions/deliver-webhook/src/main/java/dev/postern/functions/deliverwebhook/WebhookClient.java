package dev.postern.functions.deliverwebhook;

import dev.postern.functions.runtime.UpstreamFailure;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One POST to an address that has been judged. Built on Vert.x's client, which connects to a given address while name
 * checks (SNI, certificate, {@code Host}) go by the name; it follows no redirects and knows no proxy. Blocking.
 */
final class WebhookClient {

    private static final int CONNECT_MILLIS = 5000;
    private static final int TLS_SECONDS = 5;
    private static final int CONNECTIONS_EACH = 64;

    /** Of an answer's body nothing is kept, and no more than this is waited for; the status has said all by then. */
    private static final int BODY_LIMIT = 64 << 10;

    private final HttpClient http;

    /**
     * What the endpoint said.
     *
     * @param status its status
     * @param retryAfter its Retry-After as it came
     */
    record Answered(int status, @Nullable String retryAfter) {}

    WebhookClient(Vertx vertx) {
        this.http = vertx.createHttpClient(
                new HttpClientOptions()
                        .setConnectTimeout(CONNECT_MILLIS)
                        .setSslHandshakeTimeout(TLS_SECONDS)
                        .setSslHandshakeTimeoutUnit(TimeUnit.SECONDS)
                        // Many servers close a connection that was idle for five seconds.
                        .setKeepAliveTimeout(4),
                new PoolOptions().setHttp1MaxSize(CONNECTIONS_EACH));
    }

    /**
     * Sends it to the first of the addresses that takes a connection.
     *
     * @param deadline when to stop waiting, on the clock of {@link System#nanoTime}
     * @throws UpstreamFailure when there was no answer
     */
    Answered post(
            Endpoint endpoint, List<InetAddress> addresses, Map<String, String> headers, byte[] body, long deadline)
            throws InterruptedException {
        HttpClientRequest request = connected(endpoint, addresses, deadline);
        headers.forEach(request::putHeader);
        AtomicReference<@Nullable Answered> head = new AtomicReference<>();
        // Before the sending: an answer that nobody listens for yet would pass this thread by.
        Future<Answered> answer = request.response().compose(response -> read(request, response, head));
        request.end(Buffer.buffer(body));
        try {
            return within(deadline, answer);
        } catch (TimeoutException e) {
            request.reset();
            Answered status = head.get();
            if (status != null) {
                return status;
            }
            throw new UpstreamFailure("no answer from " + endpoint.host() + " in time", e);
        } catch (ExecutionException e) {
            throw new UpstreamFailure("no answer from %s (%s)".formatted(endpoint.host(), cause(e)), e);
        }
    }

    private HttpClientRequest connected(Endpoint endpoint, List<InetAddress> addresses, long deadline)
            throws InterruptedException {
        Throwable last = new UnknownHostException();
        for (InetAddress address : addresses) {
            Future<HttpClientRequest> request = http.request(options(endpoint, address));
            try {
                return within(deadline, request);
            } catch (TimeoutException e) {
                request.onSuccess(HttpClientRequest::reset);
                throw new UpstreamFailure("no connection to " + endpoint.host() + " in time", e);
            } catch (ExecutionException e) {
                last = e;
            }
        }
        throw new UpstreamFailure("no connection to %s (%s)".formatted(endpoint.host(), cause(last)), last);
    }

    private static RequestOptions options(Endpoint endpoint, InetAddress address) {
        return new RequestOptions()
                .setMethod(HttpMethod.POST)
                .setServer(SocketAddress.inetSocketAddress(new InetSocketAddress(nameless(address), endpoint.port())))
                .setHost(endpoint.host())
                .setPort(endpoint.port())
                .setSsl(endpoint.tls())
                .setURI(endpoint.target())
                .setFollowRedirects(false);
    }

    /** Without the name, nobody on the way can resolve it once more and get another answer. */
    private static InetAddress nameless(InetAddress address) {
        try {
            return InetAddress.getByAddress(address.getAddress());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 bytes", e);
        }
    }

    /** On the event loop: waits for the end of the body, which makes the connection fit for the next webhook. */
    private static Future<Answered> read(
            HttpClientRequest request, HttpClientResponse response, AtomicReference<@Nullable Answered> head) {
        Answered answered = new Answered(response.statusCode(), response.getHeader("Retry-After"));
        head.set(answered);
        Promise<Answered> end = Promise.promise();
        int[] received = {0};
        response.handler(chunk -> {
            received[0] += chunk.length();
            if (received[0] > BODY_LIMIT && end.tryComplete(answered)) {
                request.reset();
            }
        });
        response.endHandler(ended -> end.tryComplete(answered));
        response.exceptionHandler(broken -> end.tryComplete(answered));
        return end.future();
    }

    private static <T> T within(long deadline, Future<T> future)
            throws ExecutionException, TimeoutException, InterruptedException {
        return future.toCompletionStage()
                .toCompletableFuture()
                .get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    }

    private static String cause(Throwable e) {
        Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
        return cause.getClass().getSimpleName();
    }
}
