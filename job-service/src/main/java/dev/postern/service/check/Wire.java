package dev.postern.service.check;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.net.ssl.SSLSocketFactory;

/**
 * One HTTP/1.1 connection, by hand: the checks need header names in any case, bodies that break off and answers that come
 * before the request has ended, all of which a client library tidies away.
 */
final class Wire implements AutoCloseable {

    private static final int LONGEST_ANSWER = 4 << 20;
    private static final int LONGEST_LINE = 64 << 10;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final URI url;

    /** An answer; header names in any case. */
    record Reply(int status, Map<String, String> headers, String body) {

        Optional<String> header(String name) {
            return Optional.ofNullable(headers.get(name));
        }

        boolean closes() {
            return header("Connection").filter("close"::equalsIgnoreCase).isPresent();
        }
    }

    Wire(URI url, Duration patience) throws IOException {
        this.url = url;
        boolean tls = "https".equals(url.getScheme());
        int port = url.getPort() >= 0 ? url.getPort() : tls ? 443 : 80;
        int millis = Math.toIntExact(patience.toMillis());
        Socket plain = new Socket();
        try {
            plain.connect(new InetSocketAddress(url.getHost().replaceAll("[\\[\\]]", ""), port), millis);
            plain.setSoTimeout(millis);
            plain.setTcpNoDelay(true);
            socket = tls
                    ? ((SSLSocketFactory) SSLSocketFactory.getDefault()).createSocket(plain, url.getHost(), port, true)
                    : plain;
            in = new BufferedInputStream(socket.getInputStream());
            out = socket.getOutputStream();
        } catch (IOException e) {
            plain.close();
            throw e;
        }
    }

    /** Sends a request whole and reads its answer. */
    Reply call(String method, Map<String, String> headers, byte[] body) throws IOException {
        send(method, url.getRawPath(), headers, body.length, body);
        return read();
    }

    /** Sends a request; {@code announced} may be more than the body has. */
    void send(String method, String path, Map<String, String> headers, long announced, byte[] body) throws IOException {
        StringBuilder head = new StringBuilder(method)
                .append(' ')
                .append(path == null || path.isEmpty() ? "/" : path)
                .append(
                        path != null && path.equals(url.getRawPath()) && url.getRawQuery() != null
                                ? "?" + url.getRawQuery()
                                : "")
                .append(" HTTP/1.1\r\nHost: ")
                .append(url.getRawAuthority())
                .append("\r\n");
        headers.forEach(
                (name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        if (!method.equals("GET")) {
            head.append("Content-Length: ").append(announced).append("\r\n");
        }
        out.write(head.append("\r\n").toString().getBytes(StandardCharsets.UTF_8));
        out.write(body);
        out.flush();
    }

    /** Sends more of a body; false when the other side does not take it any more. */
    boolean sendMore(byte[] part) {
        try {
            out.write(part);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether an answer has begun to arrive. */
    boolean answered() throws IOException {
        return in.available() > 0;
    }

    Reply read() throws IOException {
        while (true) {
            String[] status = line().split(" ", 3);
            if (status.length < 2 || !status[0].startsWith("HTTP/1.") || !status[1].matches("\\d{3}")) {
                throw new IOException("the answer does not begin with an HTTP/1.1 status line");
            }
            Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
            for (String line = line(); !line.isEmpty(); line = line()) {
                int colon = line.indexOf(':');
                if (colon < 1) {
                    throw new IOException("the answer has a header without a name");
                }
                headers.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
            int code = Integer.parseInt(status[1]);
            if (code >= 200) {
                return new Reply(code, headers, new String(body(code, headers), StandardCharsets.UTF_8));
            }
        }
    }

    private byte[] body(int status, Map<String, String> headers) throws IOException {
        if (status == 204 || status == 304) {
            return new byte[0];
        }
        String encoding = headers.getOrDefault("Transfer-Encoding", "");
        if (encoding.toLowerCase(Locale.ROOT).contains("chunked")) {
            return chunks();
        }
        String length = headers.get("Content-Length");
        return length == null ? in.readNBytes(LONGEST_ANSWER) : exactly(number(length, 10));
    }

    private byte[] chunks() throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            int size = number(line().split(";", 2)[0], 16);
            if (size == 0) {
                while (!line().isEmpty()) {
                    // trailers say nothing here
                }
                return all.toByteArray();
            }
            all.write(exactly(size));
            line();
            if (all.size() > LONGEST_ANSWER) {
                throw new IOException("the answer has more than " + LONGEST_ANSWER + " bytes");
            }
        }
    }

    private byte[] exactly(int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("the answer broke off after " + bytes.length + " of " + length + " bytes");
        }
        return bytes;
    }

    private static int number(String text, int radix) throws IOException {
        try {
            int number = Integer.parseInt(text.strip(), radix);
            if (number >= 0 && number <= LONGEST_ANSWER) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw new IOException("the answer's length is '" + text + "'", e);
        }
        throw new IOException("the answer's length is '" + text + "', at most " + LONGEST_ANSWER + " are read");
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException(
                        line.size() == 0 ? "the connection was closed without an answer" : "the answer broke off");
            }
            if (line.size() > LONGEST_LINE) {
                throw new IOException("the answer has a line without end");
            }
            line.write(b);
        }
        return line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // It is gone either way.
        }
    }
}
