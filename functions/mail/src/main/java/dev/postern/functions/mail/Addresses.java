package dev.postern.functions.mail;

import jakarta.mail.internet.AddressException;
import jakarta.mail.internet.InternetAddress;
import java.util.Arrays;
import java.util.List;

/** Addresses as people write them in a mail's head: {@code ada@example.com} or {@code Ada <ada@example.com>}. */
public final class Addresses {

    private Addresses() {}

    /**
     * Reads a list with commas between its addresses.
     *
     * @return the addresses, at least one, each as it was written
     * @throws IllegalArgumentException when it has none, or something that is no address; the message does not repeat it
     */
    public static List<String> list(String text) {
        // A line break would end the header and begin another one.
        if (text.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("must have no control characters");
        }
        try {
            InternetAddress[] addresses = InternetAddress.parse(text, true);
            for (InternetAddress address : addresses) {
                address.validate();
                if (address.isGroup() || !address.getAddress().contains("@")) {
                    throw new IllegalArgumentException("must name mailboxes, with an @ in each");
                }
            }
            if (addresses.length == 0) {
                throw new IllegalArgumentException("must be an e-mail address, is empty");
            }
            return Arrays.stream(addresses).map(InternetAddress::toString).toList();
        } catch (AddressException e) {
            throw new IllegalArgumentException("must be an e-mail address, such as Ada <ada@example.com>", e);
        }
    }

    /**
     * Reads one address.
     *
     * @throws IllegalArgumentException when it is none, or more than one
     */
    public static String one(String text) {
        List<String> addresses = list(text);
        if (addresses.size() > 1) {
            throw new IllegalArgumentException("must be one e-mail address, are " + addresses.size());
        }
        return addresses.getFirst();
    }
}
