"""The three columns of the database, read from the unpacked packages."""

import ipaddress
import unicodedata

import ranges

# IANA's allocations of 2000::/3 to APNIC (IPv6 Global Unicast Address Assignments).
APNIC_IPV6 = (
    "2001:200::/23", "2001:c00::/23", "2001:e00::/23", "2001:4400::/23",
    "2001:8000::/19", "2001:a000::/20", "2001:b000::/20", "2400::/12", "2410::/12",
)
APNIC_SEAT = "AU"


def country(fields):
    return fields[0] or None


def network(fields):
    return int(fields[0]), organisation(fields[1])


def organisation(text):
    """One line of printable text: invisible characters would hide in a report."""
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(kept.split())


def load(packages, family):
    def table(name, value):
        return ranges.read(f"{packages}/{name}/{name}-ipv{family}.csv", value)

    first, second = table("dbip-country", country), table("geo-whois-asn-country", country)
    if family == 6:
        second = without_seat(second, table("asn-country", country))
    return first, second, table("asn", network)


def without_seat(second, delegated):
    """Where the second opinion repeats APNIC's own seat for a block that was
    delegated to another country, the delegation stands instead.

    In IPv6 the list fills 2001:200::/23 and its like with AU, the registry's
    own record for the block it hands out from; every holder in it without a
    record of its own (about 3 % of announced prefixes) would be in Australia.
    """
    seats = sorted(ipaddress.ip_network(n) for n in APNIC_IPV6)
    blocks = [(int(n[0]), int(n[-1]), True) for n in seats]
    out = []
    for first, last, (said, registered, apnic) in ranges.merge([second, delegated, blocks]):
        if said == APNIC_SEAT and apnic and registered != APNIC_SEAT:
            said = registered
        if said is not None:
            ranges.append(out, first, last, said)
    return out
