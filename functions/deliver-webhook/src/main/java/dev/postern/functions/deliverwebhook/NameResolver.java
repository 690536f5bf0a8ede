package dev.postern.functions.deliverwebhook;

import dev.postern.functions.runtime.PermanentFailure;
import dev.postern.functions.runtime.UpstreamFailure;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns a host into the addresses that the connection may go to, once for each try. The look-up runs on a few threads of
 * its own: it blocks inside the JDK, where it would hold up other calls' virtual threads.
 */
final class NameResolver implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(NameResolver.class);
    private static final int THREADS = 16;

    /** Beyond these the endpoint is down, whatever else its name says. */
    private static final int MOST_ADDRESSES = 4;

    private final Lookup lookup;
    private final AddressRules rules;
    private final ExecutorService threads = Executors.newFixedThreadPool(
            THREADS, Thread.ofPlatform().daemon().name("resolver-", 0).factory());

    /** Asks for a name's addresses; outside of tests that is the JDK. */
    @FunctionalInterface
    interface Lookup {
        InetAddress[] all(String host) throws UnknownHostException;
    }

    NameResolver(Lookup lookup, AddressRules rules) {
        this.lookup = lookup;
        this.rules = rules;
    }

    /**
     * The addresses to try, in their order.
     *
     * @throws PermanentFailure with ADDRESS_NOT_ALLOWED when one of the name's addresses is not allowed, be the others as
     *     they may
     * @throws UpstreamFailure when the name has no address now
     */
    List<InetAddress> addresses(String host, Duration bound) throws InterruptedException {
        List<InetAddress> all = List.of(found(host, bound));
        List<InetAddress> refused =
                all.stream().filter(address -> !rules.permit(address)).toList();
        if (!refused.isEmpty()) {
            // Which address it is goes to the log only: a tenant who reads the error must not learn inner names by it.
            LOG.atWarn()
                    .addKeyValue("host", host)
                    .addKeyValue("addresses", refused)
                    .log("webhook refused: its host has an address that is not allowed");
            throw PermanentFailure.withCode(
                    "ADDRESS_NOT_ALLOWED", host + " has an address that webhooks may not be sent to");
        }
        return all.subList(0, Math.min(all.size(), MOST_ADDRESSES));
    }

    private InetAddress[] found(String host, Duration bound) throws InterruptedException {
        Future<InetAddress[]> answer = threads.submit(() -> lookup.all(host));
        try {
            return answer.get(bound.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new UpstreamFailure("no address for " + host, e);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw new UpstreamFailure("no address for %s within %d s".formatted(host, bound.toSeconds()), e);
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
