#!/usr/bin/env python3
"""Counts what the checks say on captures in which nothing was attacked, and how much of it is false.

findings.py PROGRAM CAPTURES

Findings of severity info are observations and not counted. Each other one needs a line in
findings.tsv: id of the check, capture (glob), destination (glob), `true` or `false`, reason. The first
line that fits counts.
"""
import collections, fnmatch, glob, json, os, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "../../docs/accuracy.md")
BEGIN, END = "<!-- findings: begin -->", "<!-- findings: end -->"
BENIGN = ["iot_sentinel", "smart_home", "cameras", "smart_meter"]


def main(program, captures):
    reasons = [line.rstrip("\n").split("\t") for line in open(os.path.join(HERE, "findings.tsv")) if line[0] != "#"]
    counts, used = collections.defaultdict(collections.Counter), collections.Counter()
    unexplained, looked_at = [], 0
    for folder in BENIGN:
        for path in sorted(glob.glob(os.path.join(captures, folder, "**", "*"), recursive=True)):
            if not path.endswith((".pcap", ".pcapng", ".cap", ".gz")) or not os.path.isfile(path):
                continue
            out = subprocess.run([program, "analyze", "--json", "--no-hash", path], capture_output=True).stdout
            if not out:
                continue
            looked_at += 1
            name = os.path.relpath(path, captures)
            for finding in json.loads(out)["findings"]:
                if finding["severity"] == "info":
                    continue
                rule, to = finding["id"], finding["subject"]["destination"]
                for at, (known, capture, destination, verdict, _) in enumerate(reasons):
                    if known == rule and fnmatch.fnmatch(name, capture) and fnmatch.fnmatch(to, destination):
                        counts[rule][verdict] += 1
                        used[at] += 1
                        break
                else:
                    counts[rule]["unexplained"] += 1
                    unexplained.append(f"{name}\t{rule}\t{to}\t{finding['level']}\t{finding['may_say']}")
    rows = ["| check | true | false |", "|---|---|---|"]
    rows += [f"| `{rule}` | {c['true']} | {c['false']} |" for rule, c in sorted(counts.items())]
    total = sum((c for c in counts.values()), collections.Counter())
    line = (f"{looked_at} captures: {sum(total.values())} findings above info, {total['true']} true, "
            f"{total['false']} false, {total['unexplained']} unexplained.")
    said = [f"- `{reasons[at][0]}` ({reasons[at][1]}, {reasons[at][2]}): {count} {reasons[at][3]}. {reasons[at][4]}"
            for at, count in sorted(used.items())]
    text = open(DOCUMENT).read()
    before, rest = text.split(BEGIN)
    body = "\n".join([*rows, "", line, "", *said])
    open(DOCUMENT, "w").write(before + BEGIN + "\n" + body + "\n" + END + rest.split(END)[1])
    stale = [reasons[at] for at in range(len(reasons)) if at not in used]
    print("\n".join([*unexplained, *[f"no such finding any more: {one}" for one in stale], line]))
    return 1 if unexplained or stale else 0


sys.exit(main(*sys.argv[1:]))
