"""verify_geo.py PACKAGES MMDB: is what the file says what the lists say?

Reads the CSV files by a way of its own (search back from an address, narrowest
row wins), so that an error in ranges.py or tree.py cannot hide itself.
"""

import bisect
import csv
import ipaddress
import os
import random
import sys

import maxminddb

SAMPLE = 20_000
# A row that covers an address starts at most this many rows before it.
LOOK_BACK = 400
COLUMNS = ("dbip-country", "geo-whois-asn-country", "asn")
HERE = os.path.dirname(os.path.abspath(__file__))


class List:
    def __init__(self, packages, name, family):
        self.rows = []
        with open(f"{packages}/{name}/{name}-ipv{family}.csv", encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                first, last = (int(ipaddress.ip_address(a)) for a in row[:2])
                self.rows.append((first, last, row[2]))
        self.rows.sort(key=lambda r: r[0])
        self.firsts = [r[0] for r in self.rows]

    def value(self, address):
        end = bisect.bisect_right(self.firsts, address)
        rows = [r for r in self.rows[max(0, end - LOOK_BACK):end] if r[1] >= address]
        return min(rows, key=lambda r: (r[1] - r[0], -r[0]))[2] if rows else None

    def sample(self, rng):
        first, last, _ = rng.choice(self.rows)
        return rng.randint(first, last)


def columns_of(answer):
    answer = answer or {}
    number = answer.get("autonomous_system_number")
    return (
        answer.get("country", {}).get("iso_code"),
        answer.get("registry_country", {}).get("iso_code"),
        None if number is None else str(number),
    )


def explain(column, address, family, want, got, delegated):
    """Why a difference is one that the build makes on purpose, or None."""
    ip = ipaddress.ip_address(address) if family == 4 else ipaddress.IPv6Address(address)
    if got is None and (not ip.is_global or ip.is_multicast or int(ip) >> 112 == 0x2002):
        return "special-purpose block"
    # The delegation (or nothing) in place of the registry's own seat.
    if family == 6 and column == 1 and want == "AU" and delegated.value(address) == got:
        return "registry's seat"
    return None


def compare(reader, packages):
    rng = random.Random(48)
    bad = 0
    for family in (4, 6):
        lists = [List(packages, name, family) for name in COLUMNS]
        delegated = List(packages, "asn-country", family)
        for column, name in enumerate(COLUMNS):
            same, why = 0, {}
            for n in range(SAMPLE // 2):
                # Half anywhere, half where rows are dense; IPv6 is too empty for "anywhere".
                anywhere = family == 4 and n % 2
                address = rng.getrandbits(32) if anywhere else lists[column].sample(rng)
                ip = ipaddress.IPv4Address(address) if family == 4 else ipaddress.IPv6Address(address)
                want = lists[column].value(address)
                got = columns_of(reader.get(ip))[column]
                if want == got:
                    same += 1
                    continue
                reason = explain(column, address, family, want, got, delegated)
                if reason is None:
                    print(f"UNEXPLAINED {name} {ip}: list {want}, file {got}")
                    bad += 1
                why[reason] = why.get(reason, 0) + 1
            print(f"IPv{family} {name}: {same}/{SAMPLE // 2} the same {why or ''}")
    return bad


def check_known(reader):
    bad = total = 0
    with open(os.path.join(HERE, "known.tsv"), encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t"):
            if row[0].startswith("#"):
                continue
            total += 1
            address, country, number, what = row
            got = columns_of(reader.get(address))
            if country == "-":
                right = not any(got)
            else:
                right = got[2] in number.split("|") and country in ("*", got[0])
            if not right:
                print(f"KNOWN {address} ({what}): {got}, expected {country}, {number}")
                bad += 1
    print(f"known addresses: {total - bad}/{total}")
    return bad


def main(packages, path):
    with maxminddb.open_database(path, maxminddb.MODE_MEMORY) as reader:
        bad = check_known(reader) + compare(reader, packages)
    if bad:
        sys.exit(f"{path}: {bad} answers that the lists do not explain")


if __name__ == "__main__":
    main(*sys.argv[1:])
