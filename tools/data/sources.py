"""sources.tsv as Python: what is built from what, and of which day."""

import csv
import datetime
import os

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sources.tsv")


VERSION, DATE = 2, 3


def column(number):
    """By the package's own name, without its scope."""
    with open(PATH, encoding="utf-8", newline="") as file:
        rows = [r for r in csv.reader(file, delimiter="\t") if not r[0].startswith("#")]
    return {r[1].rsplit("/", 1)[-1]: r[number] for r in rows}


def dates():
    """The dates of the data."""
    return column(DATE)


def epoch(day):
    at = datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.timezone.utc)
    return int(at.timestamp())
