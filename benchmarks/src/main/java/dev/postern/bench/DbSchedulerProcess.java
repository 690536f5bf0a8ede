package dev.postern.bench;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.serializer.Serializer;
import com.github.kagkarlsson.scheduler.task.FailureHandler;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** The process of {@link DbScheduler}: a one-time task that POSTs its data, with the settings named for throughput. */
final class DbSchedulerProcess {

    static final String TASK = "noop";

    /** Of its published measurements the fastest; a thread waits for each call under way. */
    private static final int THREADS = 50;

    // What its README names "for high throughput": claims again when one job for each thread is left, up to four.
    private static final double CLAIM_BELOW = 1.0;
    private static final double CLAIM_UP_TO = 4.0;

    /** HikariCP's default; its page on sizes would have five on two cores. */
    private static final int CONNECTIONS = 10;

    /** Only finds the first of a backlog; then a poll follows from the last. Its default is ten seconds. */
    private static final Duration POLLING = Duration.ofSeconds(1);

    private DbSchedulerProcess() {}

    /** @param arguments JDBC URL; URL of the function */
    public static void main(String[] arguments) {
        HikariConfig pool = new HikariConfig();
        pool.setJdbcUrl(arguments[0]);
        pool.setMaximumPoolSize(CONNECTIONS);
        Poster poster = new Poster(
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build(), URI.create(arguments[1]));
        OneTimeTask<byte[]> task = Tasks.oneTime(TASK, byte[].class)
                // Five minutes otherwise, for one connection that was closed at the wrong moment.
                .onFailure(new FailureHandler.OnFailureRetryLater<>(Duration.ofSeconds(1)))
                .execute((instance, context) -> poster.post(instance.getData()));
        Scheduler.create(new HikariDataSource(pool), task)
                .threads(THREADS)
                .pollUsingLockAndFetch(CLAIM_BELOW, CLAIM_UP_TO)
                .pollingInterval(POLLING)
                .serializer(new Bytes())
                .build()
                .start();
        System.out.println("ready");
    }

    /** Keeps its connections open; called by each of the scheduler's threads, which waits for the answer. */
    private record Poster(HttpClient client, URI function) {

        void post(byte[] json) {
            HttpRequest request = HttpRequest.newBuilder(function)
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofByteArray(json))
                    .build();
            try {
                int status = client.send(request, HttpResponse.BodyHandlers.discarding())
                        .statusCode();
                if (status != 200) {
                    throw new BenchException("HTTP " + status);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new BenchException("interrupted", e);
            }
        }
    }

    /** What is JSON already is not wrapped by Java's serialization, which is the default and slower. */
    private static final class Bytes implements Serializer {

        @Override
        public byte[] serialize(Object data) {
            return (byte[]) data;
        }

        @Override
        public <T> T deserialize(Class<T> type, byte[] serialized) {
            return type.cast(serialized);
        }
    }
}
