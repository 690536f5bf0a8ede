package dev.postern.functions.runtime;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Keeps the lease of accepted work alive: a virtual thread that speaks up each third of the lease until stopped. */
final class Heartbeat {

    private final CountDownLatch ended = new CountDownLatch(1);

    static Heartbeat start(Callback callback, LiveCall call, Duration lease) {
        Heartbeat heartbeat = new Heartbeat();
        Duration third = lease.dividedBy(3);
        Thread.ofVirtual().name("heartbeat-" + call.job().id()).start(() -> {
            call.nameInLogs();
            heartbeat.beat(callback, call, third);
        });
        return heartbeat;
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
