package dev.postern.service.check;

import dev.postern.functions.protocol.SigningKeys;
import java.net.URI;
import java.time.Duration;
import java.util.UUID;

/**
 * What to check and how patiently.
 *
 * @param url the function's own URL, called as it is
 * @param task what {@code X-Job-Task} says
 * @param databaseId the tenant of the jobs
 * @param payload JSON that the function takes
 * @param signing secrets to sign with; none if empty
 * @param callbackHost the address that the played callback server listens on and the function reaches it by
 * @param patience how long an answer or a report may take
 * @param quiet how long to listen for a report that must not come
 */
public record CheckPlan(
        URI url,
        String task,
        UUID databaseId,
        String payload,
        SigningKeys signing,
        String callbackHost,
        Duration patience,
        Duration quiet) {

    /** Refuses what is no URL of a function. */
    public CheckPlan {
        if (url.getHost() == null || !("http".equals(url.getScheme()) || "https".equals(url.getScheme()))) {
            throw new IllegalArgumentException(
                    "a function's URL is such as http://127.0.0.1:8080/hello, not '" + url + "'");
        }
        if (patience.toMillis() < 1 || quiet.toMillis() < 1) {
            throw new IllegalArgumentException("patience must be at least 1 ms");
        }
    }
}
