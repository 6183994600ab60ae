"""Recomputes the root of the sealed tree from what is left of the packets (RFC 6962 section 2.1)."""
import hashlib, json, pathlib, struct, sys

def sha256(data):
    return hashlib.sha256(data).digest()

def packets(path):
    """Link type, time, length on the wire and bytes of each packet, of pcapng as phonehome writes it."""
    data, at, links = path.read_bytes(), 0, []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 1:
            links += struct.unpack_from("<H", data, at + 8)
        if kind == 6:
            link, high, low, kept, wire = struct.unpack_from("<IIIII", data, at + 8)
            yield links[link], high << 32 | low, wire, data[at + 28:at + 28 + kept]
        at += size

def root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"")
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + root(hashes[:split]) + root(hashes[split:]))

lines, leaves = open("leaves.tsv"), []
for capture, path in enumerate(sorted(pathlib.Path("captures").iterdir())):
    for number, (link, time, wire, data) in enumerate(packets(path), 1):
        headers, *tokens = next(lines).split()
        cuts = data[:int(headers)], data[int(headers):]
        for part, (token, kept) in enumerate(zip(tokens, cuts)):
            value = bytes.fromhex(token[1:])
            if token[0] == "+":
                about = struct.pack(">IQQIHB", capture, number, time, wire, link, part)
                value = sha256(b"\0" + value + about + kept)
            elif kept:
                sys.exit(f"{path}: frame {number}: bytes that nothing proves")
            leaves.append(value)
sealed = json.load(open("sealed/merkle.json"))
if next(lines, None) or sealed["parts"] != len(leaves) or sealed["root"] != root(leaves).hex():
    sys.exit("these packets are not those that were sealed")
