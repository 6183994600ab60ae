"""Points on the outline of every country, from Natural Earth in TopoJSON."""

import csv
import json
import os

import numpy as np

# No point of an outline is farther than half of this from one of its points here.
STEP_KM = 10.0
# At least one radian of any great circle of the Earth, in km.
RADIAN_KM = 6400.0
TERRITORIES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "territories.tsv")


def codes(package):
    """Alpha-2 code by ISO 3166-1 number."""
    with open(f"{package}/codes.json", encoding="utf-8") as file:
        return {row[2]: row[0] for row in json.load(file) if row[2]}


def territories():
    """(box or None, own code stays, codes) by the name of the feature."""
    out = {}
    with open(TERRITORIES, encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row[0].startswith("#"):
                continue
            name, box, names = row[:3]
            edges = tuple(float(x) for x in box.split(",")) if box else None
            out[name] = (edges, names[0] == "+", names[1:].split())
    return out


def densify(line):
    """Longitudes and latitudes of an arc with points put into its long edges.

    An edge is straight in degrees, as in the file it came from: the 49th
    parallel is a border, the great circle between its ends is not.
    """
    step = np.diff(line, axis=0)
    # The file was stitched at the antimeridian: an edge may jump from 180 to -180.
    step[:, 0] = (step[:, 0] + 180) % 360 - 180
    low = np.minimum(np.abs(line[:-1, 1]), np.abs(line[1:, 1]))
    low[line[:-1, 1] * line[1:, 1] < 0] = 0
    width = step[:, 0] * np.cos(np.radians(low))
    length = np.radians(np.hypot(width, step[:, 1])) * RADIAN_KM
    parts = np.maximum(1, np.ceil(length / STEP_KM).astype(int))
    start = np.repeat(np.arange(len(step)), parts)
    first = np.cumsum(parts) - parts
    share = (np.arange(len(start)) - first[start]) / parts[start]
    return np.vstack([line[start] + step[start] * share[:, None], line[-1:]])


def inside(points, box):
    west, south, east, north = box
    x, y = points[:, 0], points[:, 1]
    return points[(x >= west) & (x <= east) & (y >= south) & (y <= north)]


def arcs_of(geometry):
    """Numbers of the arcs, inner rings too: an enclave's border is one of those."""
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    return sorted({arc if arc >= 0 else ~arc for polygon in polygons for ring in polygon for arc in ring})


def load(atlas, iso):
    """Longitudes and latitudes by alpha-2 code."""
    with open(f"{atlas}/countries-10m.json", encoding="utf-8") as file:
        topology = json.load(file)
    scale, origin = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    lines = [densify(np.cumsum(np.array(arc), axis=0) * scale + origin) for arc in topology["arcs"]]
    number, special, parts = codes(iso), territories(), {}
    for geometry in topology["objects"]["countries"]["geometries"]:
        name = geometry["properties"]["name"]
        points = np.concatenate([lines[arc] for arc in arcs_of(geometry)])
        box, own, more = special.pop(name, (None, True, []))
        if own:
            # A feature without a number and without a line in the table stops here.
            parts.setdefault(number[geometry["id"]], []).append(points)
        for code in more:
            parts.setdefault(code, []).append(inside(points, box) if box else points)
    if special:
        raise SystemExit(f"territories.tsv: no such feature: {', '.join(special)}")
    return {code: np.concatenate(some) for code, some in sorted(parts.items())}
