package dev.postern.service.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** Ports of the loopback address that nobody listens on, at the moment of asking. */
public final class FreePort {

    private FreePort() {}

    /** Any free one. */
    public static int any() {
        return wishedOrAny(0);
    }

    /** The wished one when it is free, else any other. */
    static int wishedOrAny(int wished) {
        try (ServerSocket socket = new ServerSocket(wished, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (BindException e) {
            // Somebody else has it; any other serves as well and is printed.
            return wishedOrAny(0);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot look for a free port", e);
        }
    }
}
