#!/usr/bin/env python3
"""Makes the outline of the land that the report's map draws: one SVG path, in units of half a degree.

    build_coast.py land-110m.json > src/sink/report/coast.path

Natural Earth, public domain, as packaged in world-atlas. The plane is that of longitude and
latitude, 85 degrees north to 60 south: a picture of where countries lie, not a chart.
"""

import json
import sys

NORTH, SOUTH = 85, -60
# Half a degree is less than a pixel where the map is 720 wide.
STEP = 0.5
# In steps: what lies nearer to a straight line than this is left out.
NEAR = 0.8
# In steps squared: smaller islands are left out.
AREA = 5


def arcs(topology):
    scale, move = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * scale[0] + move[0], y * scale[1] + move[1]))
        yield points


def rings(topology):
    lines = list(arcs(topology))
    geometries = topology["objects"]["land"]["geometries"]
    for polygon in (p for g in geometries for p in (g["arcs"] if g["type"] == "MultiPolygon" else [g["arcs"]])):
        for ring in polygon:
            points = []
            for index in ring:
                line = lines[index] if index >= 0 else lines[~index][::-1]
                points += line[1:] if points else line
            yield points


def simple(points):
    """Douglas and Peucker, without recursion."""
    keep, work = {0, len(points) - 1}, [(0, len(points) - 1)]
    while work:
        first, last = work.pop()
        (ax, ay), (bx, by) = points[first], points[last]
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        far, at = 0, None
        for index in range(first + 1, last):
            x, y = points[index]
            if length:
                off = abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length
            else:
                off = ((x - ax) ** 2 + (y - ay) ** 2) ** 0.5
            if off > far:
                far, at = off, index
        if far > NEAR:
            keep.add(at)
            work += [(first, at), (at, last)]
    return [points[index] for index in sorted(keep)]


def whole(ring):
    """A ring that crosses the edge of the map, in one piece, once at each edge; others as they are."""
    out, turn = [], 0
    for before, (x, y) in zip(ring[:1] + ring, ring):
        if x - before[0] > 180:
            turn -= 360
        elif before[0] - x > 180:
            turn += 360
        out.append((x + turn, y))
    low, high = min(x for x, _ in out), max(x for x, _ in out)
    if -180 <= low and high <= 180:
        return [out]
    other = 360 if low < -180 else -360
    return [out, [(x + other, y) for x, y in out]]


def area(points):
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1]))) / 2


def main():
    topology = json.load(open(sys.argv[1]))
    path = []
    for ring in (part for ring in rings(topology) for part in whole(ring)):
        if max(y for _, y in ring) < SOUTH:
            continue
        ring = [((x + 180) / STEP, (NORTH - max(y, SOUTH)) / STEP) for x, y in ring]
        ring = [(round(x), round(y)) for x, y in simple(ring)]
        if area(ring) < AREA:
            continue
        text, (px, py) = f"M{ring[0][0]} {ring[0][1]}l", ring[0]
        for x, y in ring[1:]:
            if (x, y) != (px, py):
                text += f"{x - px} {y - py} "
                px, py = x, y
        path.append(text.rstrip() + "z")
    print("".join(path).replace(" -", "-"))


main()
