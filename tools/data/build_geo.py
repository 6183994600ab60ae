"""build_geo.py PACKAGES OUT: one MMDB of two country opinions and the network."""

import os
import sys

import columns
import ranges
import sources
import special
import tree

# The embedded database is decompressed into memory; this bound is part of the design.
MAX_BYTES = 20 * 1024 * 1024
GEO = ("dbip-country", "geo-whois-asn-country", "asn-country", "asn")


def record(value):
    first, second, network = value[:3]
    out = {}
    if first:
        out["country"] = {"iso_code": first}
    if second:
        out["registry_country"] = {"iso_code": second}
    if network:
        out["autonomous_system_number"] = network[0]
        if network[1]:
            out["autonomous_system_organization"] = network[1]
    return out


def rows(packages, family):
    parts = columns.load(packages, family)
    merged = ranges.merge([*parts, special.ranges(family)])
    return [row for row in merged if not row[2][-1]]


def description(dates):
    return (
        f"Country: IP Geolocation by DB-IP (db-ip.com), IP to Country Lite, {dates['dbip-country']}. "
        f"Registry country: ip-location-db geo-whois-asn-country and asn-country, "
        f"{dates['geo-whois-asn-country']}, from data of the NRO (nro.net) and geofeeds. "
        f"Network: ip-location-db asn, {dates['asn']}, from RouteViews (routeviews.org), NRO and DB-IP. "
        "CC BY 4.0; merged, special-purpose blocks left out."
    )


def main(packages, out):
    parts = tree.Parts(record)
    ipv4 = tree.build(rows(packages, 4), 32, parts)
    ipv6 = tree.build(rows(packages, 6), 128, parts)
    dates = sources.dates()
    # A database is as old as its oldest part.
    epoch = sources.epoch(min(dates[name] for name in GEO))
    nodes, bits = tree.write(out, tree.join(ipv4, ipv6), description(dates), epoch)
    size = os.path.getsize(out)
    print(f"{out}: {size} bytes, {nodes} nodes of 2 x {bits} bits, {len(parts.leaves)} records")
    if size > MAX_BYTES:
        sys.exit(f"{out}: over the bound of {MAX_BYTES} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
