package dev.postern.chaos;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.SplittableRandom;

/**
 * Ports of the loopback address that nobody listens on and that the kernel gives to no outgoing connection: whoever
 * leaves one and comes back finds it free.
 */
final class StablePort {

    /** Below the ranges that Linux (from 32768) and macOS (from 49152) take for outgoing connections. */
    private static final int FIRST = 15_000;

    private static final int LAST = 32_000;

    private StablePort() {}

    static int any() {
        // Not by the run's seed: two runs of one seed may be under way at once.
        SplittableRandom random = new SplittableRandom();
        for (int tries = 0; tries < 1_000; tries++) {
            int port = random.nextInt(FIRST, LAST);
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (IOException e) {
                // Taken; another one.
                continue;
            }
        }
        throw new IllegalStateException("no free port between " + FIRST + " and " + LAST);
    }
}
