"""Sorted, disjoint, inclusive address ranges: (first, last, value)."""

import csv
import heapq
import ipaddress


def read(path, value):
    """Rows of a CSV `first,last,...`; `value` makes one value of the other fields."""
    rows = []
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            first = int(ipaddress.ip_address(row[0]))
            last = int(ipaddress.ip_address(row[1]))
            rows.append((first, last, value(row[2:])))
    return flatten(rows)


def flatten(rows):
    """The narrowest row wins: the lists hold a few rows inside or across others.
    Of two of equal size the later start wins, of the same range the earlier row."""
    rows = sorted(rows, key=lambda r: r[0])
    edges = sorted({e for first, last, _ in rows for e in (first, last + 1)})
    out, open_, n = [], [], 0
    for first, stop in zip(edges, edges[1:]):
        while n < len(rows) and rows[n][0] == first:
            heapq.heappush(open_, (rows[n][1] - rows[n][0], -first, n))
            n += 1
        while open_ and rows[open_[0][2]][1] < first:
            heapq.heappop(open_)
        if open_:
            append(out, first, stop - 1, rows[open_[0][2]][2])
    return out


def append(out, first, last, value):
    """Adds a range, joined to its neighbour where both say the same."""
    if out and out[-1][2] == value and out[-1][1] + 1 == first:
        out[-1] = (out[-1][0], last, value)
    else:
        out.append((first, last, value))


def merge(columns):
    """All columns side by side; a column without an answer gives None."""
    edges = sorted({e for c in columns for first, last, _ in c for e in (first, last + 1)})
    cursors, out = [0] * len(columns), []
    for first, stop in zip(edges, edges[1:]):
        values = []
        for n, column in enumerate(columns):
            while cursors[n] < len(column) and column[cursors[n]][1] < first:
                cursors[n] += 1
            here = cursors[n] < len(column) and column[cursors[n]][0] <= first
            values.append(column[cursors[n]][2] if here else None)
        if any(v is not None for v in values):
            append(out, first, stop - 1, tuple(values))
    return out
