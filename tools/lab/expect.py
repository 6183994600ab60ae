"""expect.py CAPTURE FACTS: what an analyzer should find, by tshark and capinfos, as JSON.

Nothing here comes from phonehome. FACTS adds what people decided (findings, secrets) and which
addresses stand for a contact; the bytes of each contact are counted here. A secret is looked for in the
capture, so that a test for its absence elsewhere means something.
"""
import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter

MULTICAST = {"5353": "mdns", "5355": "llmnr"}


def fields(capture, names, show=None):
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=\x1f"]
    # A packet in its own right: no later frame may speak for an earlier one.
    command += ["-Y", show] if show else []
    for name in names:
        command += ["-e", name]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode(errors="replace")
    for line in text.split("\n")[:-1]:
        yield [value.split("\x1f") if value else [] for value in line.split("\t")]


def first(values):
    return values[0] if values else ""


def frames(capture):
    names = ["frame.len", "frame.cap_len", "frame.time_epoch", "eth.src", "eth.dst", "ip.src", "ip.dst", "ipv6.src"]
    names += ["ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "frame.protocols"]
    for row in fields(capture, names):
        # The first of each is the outermost; ICMP errors quote a second one, which is no flow.
        size, cut, time, mac, to_mac, v4, to4, v6, to6, tcp, to_tcp, udp, to_udp, layers = map(first, row)
        quoted = ":icmp" in layers
        yield {
            "size": int(size),
            "captured": int(cut),
            "time": time,
            "mac": (mac, to_mac),
            "address": (v4 or v6, to4 or to6),
            "protocol": None if quoted else "tcp" if tcp else "udp" if udp else None,
            "port": (int(tcp or udp or 0), int(to_tcp or to_udp or 0)),
            "layers": layers.split(":"),
        }


def flows(seen):
    """[proto, a, port, b, port, packets a>b, bytes a>b, packets b>a, bytes b>a]; a sent first."""
    table = {}
    for frame in seen:
        if not frame["protocol"]:
            continue
        a, b = zip(frame["address"], frame["port"])
        key, back = (frame["protocol"], a, b), (frame["protocol"], b, a)
        if back in table and key not in table:
            entry, at = table[back], 2
        else:
            entry, at = table.setdefault(key, [0, 0, 0, 0]), 0
        entry[at] += 1
        entry[at + 1] += frame["size"]
    return [[protocol, *a, *b, *counts] for (protocol, a, b), counts in table.items()]


def dns(capture, unspellable):
    """Names of a tunnel hold bytes that every program spells in its own way: those below `unspellable`
    are left out."""
    queries, answers = Counter(), {}
    names = ["dns.qry.name", "dns.qry.type", "udp.dstport"]
    for name, kind, port in fields(capture, names, "(dns || mdns || llmnr) && dns.flags.response == 0"):
        kind_of = MULTICAST.get(first(port), "dns")
        for one in zip(name, kind):
            if not (unspellable and one[0].endswith(unspellable)):
                queries[(kind_of, *one)] += 1
    for owner, address in address_records(capture):
        known = answers.setdefault(owner, [])
        if address not in known:
            known.append(address)
    rows = [[*key, count] for key, count in queries.items()]
    return {"queries": rows, "queries_total": len(rows), "answers": answers}


def address_records(capture):
    """Name and address of every A and AAAA record. As JSON, because the columns of several record
    types do not line up."""
    command = ["tshark", "-n", "-r", capture, "-T", "json", "--no-duplicate-keys", "-J", "dns mdns"]
    command += ["-Y", "(dns || mdns) && dns.flags.response == 1"]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    todo = [packet["_source"]["layers"] for packet in json.loads(text)]
    while todo:
        node = todo.pop(0)
        if isinstance(node, dict):
            if "dns.resp.name" in node:
                for address in (node.get("dns.a"), node.get("dns.aaaa")):
                    if address:
                        yield node["dns.resp.name"], address
            todo[:0] = node.values()
        elif isinstance(node, list):
            todo[:0] = node


def tls(capture):
    """[server, port, SNI, JA3, Client Hellos]"""
    rows = Counter()
    names = ["ip.dst", "ipv6.dst", "tcp.dstport", "tls.handshake.extensions_server_name", "tls.handshake.ja3"]
    for v4, v6, port, name, ja3 in fields(capture, names, "tls.handshake.type == 1 && tcp"):
        rows[(first(v4) or first(v6), int(first(port)), first(name), first(ja3))] += 1
    return [[*key, count] for key, count in rows.items()]


def tls_versions(capture):
    """[server, version the server chose, Server Hellos]"""
    rows = Counter()
    names = ["ip.src", "ipv6.src", "tls.handshake.version", "tls.handshake.extensions.supported_version"]
    for v4, v6, version, supported in fields(capture, names, "tls.handshake.type == 2"):
        rows[(first(v4) or first(v6), first(supported) or first(version))] += 1
    return [[*key, count] for key, count in rows.items()]


def http(capture):
    """[server, port, Host without its port, connections with such a request]; SSDP speaks HTTP too, but
    not to a server, and what tshark reads within TLS is for nobody on the path."""
    names = ["ip.dst", "ipv6.dst", "tcp.dstport", "http.host", "tcp.stream"]
    rows = Counter()
    for row in {tuple(map(first, row)) for row in fields(capture, names, "http.request && tcp && !tls")}:
        v4, v6, port, host, _ = row
        host = host.removesuffix(f":{port}")
        rows[(v4 or v6, int(port), host)] += 1
    return [[*key, count] for key, count in sorted(rows.items())]


def contacts(seen, device, addresses):
    """name -> wire bytes [sent, received] between the device and these addresses"""
    result = {}
    for name, group in addresses.items():
        totals = [0, 0]
        for frame in seen:
            for way in (0, 1):
                if frame["mac"][way] == device and frame["address"][1 - way] in group:
                    totals[way] += frame["size"]
        if not all(totals):
            sys.exit(f"{name}: no bytes one way")
        result[name] = totals
    return result


def refuse_surprises(facts, device, seen, answers):
    """The device may talk to no remote that the facts do not name; names must agree with DNS."""
    named = {address for group in facts["contact_addresses"].values() for address in group}
    local = ("192.168.77.", "fd77:", "fe80:", "ff", "224.", "239.", "255.255.255.255", "0.0.0.0", "::")
    for frame in seen:
        if device in frame["mac"]:
            for address in filter(None, frame["address"]):
                if not address.startswith(local) and address not in named:
                    sys.exit(f"{address} is not in the facts")
    for name, group in facts["contact_addresses"].items():
        for address in set(group) - set(answers.get(facts.get("looked_up_as", {}).get(name, name), [])):
            # What no name stands for is one contact, called after one of its addresses.
            if name not in group:
                sys.exit(f"{name}: {address} is in no DNS answer")


def container(capture):
    text = subprocess.run(["capinfos", "-TmtE", capture], check=True, stdout=subprocess.PIPE).stdout.decode()
    kind, link = text.splitlines()[1].split(",")[1:3]
    return {"type": kind, "link": link}


def main():
    capture, facts_path = sys.argv[1:]
    facts = json.load(open(facts_path, encoding="utf-8"))
    device = facts.pop("device_mac")
    data = open(capture, "rb").read()
    plain = gzip.decompress(data) if capture.endswith(".gz") else data
    seen = list(frames(capture))
    names = dns(capture, facts.get("unspellable"))
    refuse_surprises(facts, device, seen, names["answers"])
    facts["contacts"] = contacts(seen, device, facts["contact_addresses"])
    for secret in facts["secrets"]:
        if secret.encode() not in plain and secret not in facts.get("not_contiguous", []):
            sys.exit(f"{secret} is not in the capture")
    rows = flows(seen)
    layers = Counter(layer for frame in seen for layer in set(frame["layers"]) - {"eth", "ethertype"})
    times = [frame["time"] for frame in seen]
    result = {
        "version": 1,
        "file": os.path.basename(capture),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "container": container(capture),
        "device_mac": device,
        "packets": len(seen),
        "bytes": sum(frame["size"] for frame in seen),
        "captured_bytes": sum(frame["captured"] for frame in seen),
        "first": times[0],
        "last": times[-1],
        "protocols": dict(sorted(layers.items(), key=lambda item: (-item[1], item[0]))),
        "flows": rows,
        "flows_total": len(rows),
        "dns": names,
        "tls": tls(capture),
        "tls_versions": tls_versions(capture),
        "http": http(capture),
        "facts": facts,
    }
    print(json.dumps(result, indent=1))


main()
