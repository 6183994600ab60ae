"""verify_distance.py TABLE: is no bound larger than the distance of two real places?

The airports of the world have no part in the table: that every pair of them keeps
to it shows that the map's missing islands do no harm. Distances by code of its own.
"""

import csv
import itertools
import math
import os
import sys

import numpy as np

import places

HERE = os.path.dirname(os.path.abspath(__file__))
# The Earth's mean radius; 0.6 % holds for any two places on the ellipsoid.
RADIUS_KM, ERROR = 6371.0, 0.006
# What margins, rounding and an eye on a map may take from a known pair.
SLACK_KM = 200


def read(path):
    table = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                a, b, km = line.rstrip("\n").split("\t")
                table[a, b] = int(km)
    if list(table) != sorted(table) or any(a >= b or km <= 0 for (a, b), km in table.items()):
        sys.exit(f"{path}: not sorted, or not AA < BB, or not above 0")
    return table


def haversine(one, other):
    """Of two pairs of longitude and latitude, in km."""
    (a, p), (b, q) = (map(math.radians, x) for x in (one, other))
    h = math.sin((q - p) / 2) ** 2 + math.cos(p) * math.cos(q) * math.sin((b - a) / 2) ** 2
    return 2 * RADIUS_KM * math.asin(math.sqrt(h))


def nearest(one, other):
    """The two points, one of each set, whose directions differ least."""
    def directions(points):
        lon, lat = np.radians(points).T
        return np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])

    cosine = directions(one).T @ directions(other)
    i, j = np.unravel_index(cosine.argmax(), cosine.shape)
    return one[i], other[j]


def airports(table):
    have = {code for pair in table for code in pair}
    found = {code: some for code, some in places.airports().items() if code in have}
    bad = 0
    for a, b in itertools.combinations(sorted(found), 2):
        one, other = nearest(found[a], found[b])
        distance = haversine(one, other) * (1 + ERROR)
        if distance < table.get((a, b), 0):
            print(f"TOO LARGE {a} {b}: {table[a, b]} km, {one} to {other} is {distance:.0f}")
            bad += 1
    pairs = len(found) * (len(found) - 1) // 2
    print(f"airports: {sum(map(len, found.values()))} in {len(found)} countries, {pairs} pairs, {bad} bad")
    return bad


def known(table):
    bad = total = 0
    with open(f"{HERE}/known_distance.tsv", encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row[0].startswith("#"):
                continue
            a, here, b, there = row[0], row[2:4], row[4], row[6:8]
            distance = haversine(map(float, here), map(float, there))
            bound = table.get((min(a, b), max(a, b)), 0)
            good = distance * (1 - ERROR) - SLACK_KM <= bound <= distance * (1 + ERROR)
            total, bad = total + 1, bad + (not good)
            print(f"{'ok ' if good else 'BAD'} {a} {b} {bound:6} <= {distance:6.0f}  {row[1]} to {row[5]}")
    print(f"known: {total - bad} of {total}")
    return bad


if __name__ == "__main__":
    distances = read(sys.argv[1])
    if known(distances) + airports(distances):
        sys.exit("verification failed")
