package dev.postern.functions.deliverwebhook;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.List;
import java.util.stream.Stream;

/**
 * Which addresses a webhook may be sent to. What is not known to be public is refused; the operator's own networks stand
 * before that rule, the denied before the allowed.
 *
 * @param allowed networks that are not public and may be reached all the same
 * @param denied networks that may not be reached, public or not
 */
record AddressRules(List<Network> allowed, List<Network> denied) {

    /** IPv4 that is not global by IANA's registry of special-purpose addresses, multicast and 6to4's relay included. */
    private static final List<Network> NOT_PUBLIC_4 = networks(
            "0.0.0.0/8", // "this network"; Linux takes 0.0.0.0 for itself
            "10.0.0.0/8",
            "100.64.0.0/10", // carrier-grade NAT, and the metadata services of some clouds
            "127.0.0.0/8",
            "169.254.0.0/16", // link-local: metadata services of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4");

    /**
     * IPv6 is public in here only. Loopback, link-local, unique-local, multicast, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48)
     * and IPv4-compatible addresses lie outside; IPv4-mapped ones are IPv4 by the time they arrive here.
     */
    private static final Network PUBLIC_6 = Network.of("2000::/3");

    /** What lies inside and is not public, or carries an IPv4 address that nobody would judge. */
    private static final List<Network> NOT_PUBLIC_6 = networks(
            "2001::/23", // protocol assignments, Teredo among them
            "2001:db8::/32",
            "2002::/16", // 6to4
            "3fff::/20");

    /** Copies the lists. */
    AddressRules {
        allowed = List.copyOf(allowed);
        denied = List.copyOf(denied);
    }

    boolean permit(InetAddress address) {
        if (contains(denied, address)) {
            return false;
        }
        return contains(allowed, address) || isPublic(address);
    }

    private static boolean isPublic(InetAddress address) {
        return address instanceof Inet4Address
                ? !contains(NOT_PUBLIC_4, address)
                : PUBLIC_6.contains(address) && !contains(NOT_PUBLIC_6, address);
    }

    private static boolean contains(List<Network> networks, InetAddress address) {
        return networks.stream().anyMatch(network -> network.contains(address));
    }

    private static List<Network> networks(String... networks) {
        return Stream.of(networks).map(Network::of).toList();
    }
}
