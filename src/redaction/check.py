"""Recomputes the root of the sealed tree from what is left of the packets (RFC 6962 section 2.1)."""
import hashlib, json, pathlib, struct, sys
sha256 = lambda data: hashlib.sha256(data).digest()
def block(kind, form, *values, more=b""):
    body = struct.pack("<" + form, *values) + more + bytes(-len(more) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
HEAD = block(0x0A0D0D0A, "IHHqHH12sHH8sI", 0x1A2B3C4D, 1, 0, -1, 4, 9, b"phonehome", 1, 8, b"redacted", 0)
def packets(path):
    data, at, links, written, known = path.read_bytes(), len(HEAD), [], [HEAD], set()
    while at < len(data):
        kind, size, link = struct.unpack_from("<III", data, at)
        if kind == 1:
            links.append(link)
        else:
            high, low, kept, wire = struct.unpack_from("<IIII", data, at + 12)
            told = block(1, "IIHH8sHHII", links[link], 0, 2, 8, b"redacted", 9, 1, 9, 0)
            packet = data[at + 28:at + 28 + kept]
            told in known or (written.append(told), known.add(told))
            written.append(block(6, "IIIII", link, high, low, len(packet), wire, more=packet))
            yield links[link], high << 32 | low, wire, packet
        at += size or sys.exit(f"{path}: a block without length")
    data == b"".join(written) or sys.exit(f"{path}: not as phonehome writes it")
def root(nodes):
    split = 1 << (len(nodes) - 1).bit_length() - 1 if len(nodes) > 1 else 0
    return sha256(b"\1" + root(nodes[:split]) + root(nodes[split:])) if split else nodes[0]
lines, leaves = open("leaves.tsv"), []
for capture, path in enumerate(sorted(pathlib.Path("captures").iterdir())):
    for number, (link, time, wire, data) in enumerate(packets(path), 1):
        headers, *tokens = next(lines).split()
        str(min(int(headers), len(data))) == headers or sys.exit(f"{path}: frame {number}: no length")
        for part, kept in enumerate((data[:int(headers)], data[int(headers):], b"")):
            value, about = bytes.fromhex(tokens[part][1:]), (capture, number, time, wire, link, part)
            if tokens[part][0] == "+":
                value = sha256(b"\0" + value + struct.pack(">IQQIHB", *about) + kept)
            elif part == 2 or tokens[part][0] != "-~"[bool(kept)]:
                sys.exit(f"{path}: frame {number}: something that nothing proves")
            leaves.append(value)
seal = json.load(open("sealed/merkle.json"))
same = (seal["parts"], seal["root"]) == (len(leaves), (root(leaves) if leaves else sha256(b"")).hex())
same and next(lines, None) is None or sys.exit("these packets are not those that were sealed")
