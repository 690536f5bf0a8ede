package dev.postern.service.check;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** A function that reads HTTP by hand, and too strictly: header names in one case only, one call a connection. */
final class StrictFunction implements AutoCloseable {

    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final boolean keepsConnections;

    StrictFunction(boolean keepsConnections) throws IOException {
        this.keepsConnections = keepsConnections;
        Thread.ofVirtual().start(this::accept);
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + server.getLocalPort() + "/strict");
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = server.accept();
                Thread.ofVirtual().start(() -> serve(socket));
            }
        } catch (IOException e) {
            // Closed: the test is over.
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            do {
                Map<String, String> headers = new HashMap<>();
                for (String line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
                    String[] parts = line.split(": ", 2);
                    headers.put(parts[0], parts[parts.length - 1]);
                }
                in.skip(Long.parseLong(headers.getOrDefault("Content-Length", "0")));
                String echo = headers.containsKey("X-Job-Id") ? "X-Job-Id: " + headers.get("X-Job-Id") + "\r\n" : "";
                socket.getOutputStream()
                        .write(("HTTP/1.1 200 OK\r\n" + echo + "Content-Length: 0\r\n\r\n")
                                .getBytes(StandardCharsets.ISO_8859_1));
            } while (keepsConnections);
        } catch (IOException | RuntimeException e) {
            // The caller has gone, which ends the reading one way or another.
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
