#!/usr/bin/env python3
"""Says for each device of ../shared/captures/iot_sentinel whether its maker was told right, not at all,
or wrong, and writes the table between the markers of docs/accuracy.md.

makers.py PROGRAM CAPTURES EXPECTED

Right: the maker's signature is named, or the registrant of the hardware address is the maker by name.
Unknown: nobody is named, or only a registrant without a signature, which the output calls that.
Wrong: the signature of another company is named as the maker's.
"""
import collections, glob, json, os, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "../../docs/accuracy.md")
# Makers without a signature that have their own hardware addresses.
REGISTRANTS = {"EdimaxCam1": "Edimax", "EdimaxPlug1101W": "Edimax", "HomeMaticPlug": "eQ-3"}
BEGIN, END = "<!-- makers: begin -->", "<!-- makers: end -->"


def maker(program, capture, mac):
    out = subprocess.run([program, "analyze", "--json", "--no-hash", capture], capture_output=True).stdout
    device = next((d for d in json.loads(out)["devices"] if d.get("mac") == mac), None)
    return (device or {}).get("maker")


def judge(told, expected, device):
    """How it was told, and in words."""
    if told is None:
        return "unknown", "nobody"
    words = f"{told['name']} (by {told['by']})"
    vendor = told.get("vendor")
    if vendor is not None:
        return ("right" if vendor == expected else "wrong"), words
    brand = REGISTRANTS.get(device)
    return ("right" if brand and told["name"].startswith(brand) else "unknown"), words


def main(program, captures, expected):
    truth = [line.rstrip("\n").split("\t") for line in open(os.path.join(HERE, "makers.tsv")) if line[0] != "#"]
    macs = json.load(open(os.path.join(expected, "iot_sentinel/device_macs.json")))
    rows, total = [], collections.Counter()
    for device, vendor in truth:
        kinds, said = collections.Counter(), collections.Counter()
        for capture in sorted(glob.glob(os.path.join(captures, "iot_sentinel", device, "*.pcap*"))):
            kind, words = judge(maker(program, capture, macs[device]), vendor, device)
            kinds[kind] += 1
            said[words] += 1
        total.update(kinds)
        counts = " | ".join(str(kinds[kind]) for kind in ("right", "unknown", "wrong"))
        rows.append(f"| {device} | {counts} | {'; '.join(sorted(said))} |")
    every = max(1, sum(total.values()))
    share = 100 * (total["right"] + total["unknown"]) / every
    line = (f"{total['right']} right, {total['unknown']} unknown, {total['wrong']} wrong of {every} captures: "
            f"{share:.1f} % right or honestly unknown.")
    lines = ["| device | right | unknown | wrong | told |", "|---|---|---|---|---|", *rows, "", line]
    text = open(DOCUMENT).read()
    before, rest = text.split(BEGIN)
    open(DOCUMENT, "w").write(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END)[1])
    print("\n".join(rows), line, sep="\n")
    return 0 if share >= 90 and total["wrong"] == 0 else 1


sys.exit(main(*sys.argv[1:]))
