package dev.postern.functions.deliverwebhook;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** An endpoint on a raw socket, so that it can do what no HTTP server would. Remembers what it was sent. */
final class Receiver implements AutoCloseable {

    /** What it was sent; names of headers in lower case. */
    record Delivery(String requestLine, Map<String, String> headers, byte[] body) {

        String header(String name) {
            String value = headers.get(name);
            if (value == null) {
                throw new AssertionError("no " + name + " in " + headers);
            }
            return value;
        }

        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    /** What it does with a connection once it has read the request. */
    @FunctionalInterface
    interface Behaviour {
        void answer(OutputStream out) throws IOException;
    }

    private final ServerSocket listening;
    private final BlockingQueue<Delivery> deliveries = new LinkedBlockingQueue<>();
    private volatile Behaviour behaviour;

    Receiver(ServerSocket listening, Behaviour behaviour) {
        this.listening = listening;
        this.behaviour = behaviour;
        Thread.ofPlatform().daemon().start(this::accept);
    }

    static Receiver start(Behaviour behaviour) throws IOException {
        ServerSocket socket = new ServerSocket();
        socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0));
        return new Receiver(socket, behaviour);
    }

    static Behaviour status(int status, String... headers) {
        String head = "HTTP/1.1 " + status + " X\r\n";
        String more = headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n";
        String length = status == 204 ? "" : "Content-Length: 0\r\n";
        return out -> out.write((head + more + length + "\r\n").getBytes(StandardCharsets.US_ASCII));
    }

    void does(Behaviour other) {
        behaviour = other;
    }

    int port() {
        return listening.getLocalPort();
    }

    BlockingQueue<Delivery> deliveries() {
        return deliveries;
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                Socket socket = listening.accept();
                Thread.ofPlatform().daemon().start(() -> serve(socket));
            } catch (IOException e) {
                return; // closed by the test
            }
        }
    }

    private void serve(Socket socket) {
        try (socket;
                InputStream in = socket.getInputStream();
                OutputStream out = socket.getOutputStream()) {
            for (Delivery delivery = read(in); delivery != null; delivery = read(in)) {
                deliveries.add(delivery);
                behaviour.answer(out);
                out.flush();
            }
        } catch (IOException e) {
            // the sender hung up, which is what some of the tests want
        }
    }

    private static @Nullable Delivery read(InputStream in) throws IOException {
        String requestLine = line(in);
        if (requestLine.isEmpty()) {
            return null;
        }
        Map<String, String> headers = new TreeMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
        return new Delivery(requestLine, headers, in.readNBytes(length));
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
