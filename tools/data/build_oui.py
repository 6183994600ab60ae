"""build_oui.py PACKAGES OUT: the IEEE lists as sorted `HEXPREFIX<TAB>ORGANISATION`."""

import csv
import sys

import columns
import sources

# With the digits of their prefixes. IAB is the closed predecessor of MA-S, still
# on the nameplate of old industrial devices. CID never makes a device address.
REGISTRIES = (
    ("oui.csv", "MA-L", 6),
    ("oui28.csv", "MA-M", 7),
    ("oui36.csv", "MA-S", 9),
    ("iab.csv", "IAB", 9),
)


def read(directory):
    found = {}
    for name, registry, digits in REGISTRIES:
        with open(f"{directory}/{name}", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                prefix = row["Assignment"].strip().upper()
                int(prefix, 16)
                if row["Registry"] != registry or len(prefix) != digits:
                    sys.exit(f"{name}: unexpected row {row}")
                organisation = columns.organisation(row["Organization Name"])
                # Blocks that IEEE lists twice keep every registrant.
                found.setdefault(prefix, set()).add(organisation)
    return found


def main(packages, out):
    date = sources.dates()["oui-data"]
    lines = [
        f"{prefix}\t{' / '.join(sorted(names))}\n"
        for prefix, names in sorted(read(f"{packages}/oui-data/data").items())
    ]
    with open(out, "w", encoding="utf-8", newline="") as file:
        file.write(f"# IEEE OUI registry {date} via crate oui-data\n")
        file.writelines(lines)
    print(f"{out}: {len(lines)} prefixes")


if __name__ == "__main__":
    main(*sys.argv[1:])
