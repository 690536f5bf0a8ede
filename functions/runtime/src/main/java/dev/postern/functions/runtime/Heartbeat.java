package dev.postern.functions.runtime;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Keeps the lease of accepted work alive: a virtual thread that speaks up each third of the lease until stopped. More
 * often where the lease is long, because the answer is also how the work hears that its job was cancelled.
 */
final class Heartbeat {

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private final CountDownLatch ended = new CountDownLatch(1);

    static Heartbeat start(Callback callback, LiveCall call, Duration lease) {
        Heartbeat heartbeat = new Heartbeat();
        Duration pause = pause(lease);
        Thread.ofVirtual().name("heartbeat-" + call.job().id()).start(() -> {
            call.nameInLogs();
            heartbeat.beat(callback, call, pause);
        });
        return heartbeat;
    }

    static Duration pause(Duration lease) {
        Duration third = lease.dividedBy(3);
        return third.compareTo(LONGEST_PAUSE) < 0 ? third : LONGEST_PAUSE;
    }

    private void beat(Callback callback, LiveCall call, Duration pause) {
        try {
            while (!ended.await(pause.toNanos(), TimeUnit.NANOSECONDS)) {
                if (callback.heartbeatSaysStop()) {
                    call.cancel();
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    void stop() {
        ended.countDown();
    }
}
