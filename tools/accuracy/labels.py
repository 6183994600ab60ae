#!/usr/bin/env python3
"""Holds our labels against those of nDPI over ../shared/captures, and writes the table between the
markers of docs/accuracy.md. Only flows that nDPI recognised by payload count.

labels.py PROGRAM CAPTURES EXPECTED
"""
import collections, glob, json, os, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "../../docs/accuracy.md")
READ = ("payload", "expected")
BEGIN, END = "<!-- labels: begin -->", "<!-- labels: end -->"


def ends(protocol, a, a_port, b, b_port):
    return protocol.lower(), *sorted([(a, int(a_port or 0)), (b, int(b_port or 0))])


def ours(program, capture):
    """Labels and method of the first flow between two ends whose payload was recognised, else of the
    first."""
    found = {}
    out = subprocess.run([program, "flows", capture], capture_output=True).stdout
    for line in out.decode().splitlines():
        flow = json.loads(line)
        key = ends(flow["proto"], flow["src"], flow.get("src_port"), flow["dst"], flow.get("dst_port"))
        label = flow["label"]
        names = [label["protocol"]] + [also["protocol"] for also in label.get("also", [])]
        if key not in found or found[key][1] not in READ and label["method"] in READ:
            found[key] = (names, label["method"])
    return found


def main(program, captures, expected):
    known = {}
    for line in open(os.path.join(HERE, "labels.tsv")):
        if not line.startswith("#"):
            theirs, our = line.rstrip("\n").split("\t")
            known[theirs] = our.split(",") if our != "-" else None
    every = {name for names in known.values() if names for name in names}
    reasons = dict(line.rstrip("\n").split("\t") for line in open(os.path.join(HERE, "reasons.tsv")) if line[0] != "#")
    table = collections.defaultdict(collections.Counter)
    differences = collections.Counter()
    for answer in sorted(glob.glob(os.path.join(expected, "**", "*.json"), recursive=True)):
        capture = os.path.join(captures, os.path.relpath(answer, expected)[:-5])
        flows = ((json.load(open(answer)).get("peer") or {}).get("ndpi") or {}).get("flows") or []
        if not flows or not os.path.isfile(capture):
            continue
        found = ours(program, capture)
        for flow in flows:
            if flow.get("conf") != "DPI":
                continue
            (a, a_port), (b, b_port) = (flow[end].rsplit(":", 1) for end in "ab")
            label = found.get(ends(flow["l4"], a.strip("[]"), a_port, b.strip("[]"), b_port))
            if label is None:
                continue
            names, method = label
            name = names[0]
            master = flow["label"].split(".")[0]
            want = known.get(flow["label"], known.get(master))
            if want is None:
                if name in every and flow["label"] not in known and method == "payload":
                    table[name]["ours"] += 1
                    differences[f"{flow['label']} → {name}"] += 1
                continue
            kind = "theirs" if method not in READ else "agree" if set(names) & set(want) else "differ"
            table[want[0]][kind] += 1
            if kind != "agree":
                guess = " (by port alone)" if method == "port" else ""
                differences[f"{flow['label']} → {name}{guess}"] += 1
    kinds = ["agree", "differ", "ours", "theirs"]
    lines = ["| label | agree | differ | ours only | theirs only |", "|---|---|---|---|---|"]
    lines += [f"| `{n}` | " + " | ".join(str(c[k]) for k in kinds) + " |" for n, c in sorted(table.items())]
    total = {kind: sum(counts[kind] for counts in table.values()) for kind in kinds}
    share = 100 * total["agree"] / max(1, sum(total.values()))
    lines.append(f"\n{total['agree']} of {sum(total.values())} flows agree: {share:.1f} %. Differences, nDPI → ours:")
    lines += [f"- {text}: {count}. {reasons.get(text, '')}".rstrip() for text, count in sorted(differences.items(), key=lambda d: (-d[1], d[0]))]
    text = open(DOCUMENT).read()
    before, rest = text.split(BEGIN)
    open(DOCUMENT, "w").write(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END)[1])
    print(f"{share:.1f} % of {sum(total.values())} flows")


main(*sys.argv[1:])
