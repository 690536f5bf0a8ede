package dev.postern.functions.deliverwebhook;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;

/** Addresses that begin with the same bits, written {@code 10.0.0.0/8} or {@code fc00::/7}. */
record Network(InetAddress first, int bits) {

    private static final Pattern LITERAL = Pattern.compile("[0-9]+(\\.[0-9]+){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException when it is none; names are not looked up
     */
    static Network of(String text) {
        String[] parts = text.split("/", -1);
        // No names: whoever answers for them would decide. And no short forms: the JDK reads 10 as 0.0.0.10.
        if (parts.length > 2 || !LITERAL.matcher(parts[0]).matches()) {
            throw notOne(text);
        }
        try {
            InetAddress first = InetAddress.getByName(parts[0]);
            int longest = first.getAddress().length * 8;
            int bits = parts.length == 1 ? longest : Integer.parseInt(parts[1]);
            if (bits < 0 || bits > longest) {
                throw notOne(text);
            }
            return new Network(first, bits);
        } catch (UnknownHostException | NumberFormatException e) {
            throw notOne(text);
        }
    }

    private static IllegalArgumentException notOne(String text) {
        return new IllegalArgumentException("'" + text + "' is no network such as 10.0.0.0/8");
    }

    boolean contains(InetAddress address) {
        byte[] mine = first.getAddress();
        byte[] other = address.getAddress();
        if (mine.length != other.length) {
            return false;
        }
        for (int bit = 0; bit < bits; bit++) {
            int mask = 0x80 >> (bit % 8);
            if ((mine[bit / 8] & mask) != (other[bit / 8] & mask)) {
                return false;
            }
        }
        return true;
    }
}
