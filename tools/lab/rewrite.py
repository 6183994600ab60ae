"""rewrite.py ADDRESSES NOTES RAW OUT: gives the lab's internet its published IPv4 addresses.

Changes them in IP headers (also those quoted in ICMP errors), in the A records of DNS answers, and
where a payload spells them as text; then puts the checksums right. Every length stays as it was.
Works on the pcapng blocks in place, so that times, order and drop counts are those of the recording;
only the options that describe the recording machine are left out.

NOTES is what the scenario noted: phases and marks, which become comments of interface statistics as
`phonehome capture` writes them, and leaps, after which every time is that many seconds later.
"""
import struct
import sys
from datetime import datetime, timezone
from decimal import Decimal

SECTION, INTERFACE, STATISTICS, PACKET = 0x0A0D0D0A, 1, 5, 6
END, COMMENT, IF_NAME, IF_TSRESOL = 0, 1, 2, 9
SECOND = 10**9
ETHERNET, IPV4, TCP, UDP, ICMP = 14, 0x0800, 6, 17, 1
DNS_PORTS = {53, 5353}


class Table:
    def __init__(self, path):
        self.packed, self.text = {}, []
        for line in open(path, encoding="ascii"):
            if line.startswith("#") or not line.strip():
                continue
            old, new, _ = line.rstrip("\n").split("\t")
            if old == new:
                continue
            if len(old) != len(new):
                sys.exit(f"{old} and {new} differ in length")
            self.packed[pack(old)] = pack(new)
            for separator in (".", ","):  # FTP spells addresses with commas
                self.text.append((old.replace(".", separator).encode(), new.replace(".", separator).encode()))

    def in_text(self, payload):
        for old, new in self.text:
            at = payload.find(old)
            while at >= 0:
                after = payload[at + len(old) : at + len(old) + 1]
                before = payload[at - 1 : at] if at else b""
                if not after.isdigit() and not before.isdigit():
                    payload[at : at + len(old)] = new
                at = payload.find(old, at + len(old))


def pack(address):
    return bytes(int(part) for part in address.split("."))


def checksum(data):
    if len(data) % 2:
        data = bytes(data) + b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def skip_name(message, at):
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += message[at] + 1
    return at + 1


def rewrite_dns(message, table):
    """Changes A records in one whole DNS message."""
    questions, *sections = struct.unpack_from(">HHHH", message, 4)
    at = 12
    for _ in range(questions):
        at = skip_name(message, at) + 4
    for _ in range(sum(sections)):
        at = skip_name(message, at)
        kind, _, _, length = struct.unpack_from(">HHIH", message, at)
        at += 10
        if kind == 1:
            address = bytes(message[at : at + 4])
            message[at : at + 4] = table.packed.get(address, address)
        at += length


def rewrite_addresses(header, table):
    for at in (12, 16):
        address = bytes(header[at : at + 4])
        header[at : at + 4] = table.packed.get(address, address)
    length = (header[0] & 15) * 4
    header[10:12] = b"\0\0"
    header[10:12] = struct.pack(">H", checksum(header[:length]))
    return length


def rewrite_frame(frame, table):
    if struct.unpack_from(">H", frame, 12)[0] != IPV4:
        return
    packet = memoryview(frame)[ETHERNET:]
    packet = packet[: struct.unpack_from(">H", packet, 2)[0]]
    if struct.unpack_from(">H", packet, 6)[0] & 0x3FFF:
        sys.exit("a fragment: the checksum of the whole is not in this frame")
    body = packet[rewrite_addresses(packet, table) :]
    protocol = packet[9]
    if protocol == ICMP:
        if body[0] in (3, 11, 12):  # errors quote the packet that caused them
            rewrite_addresses(body[8:], table)
        body[2:4] = b"\0\0"
        body[2:4] = struct.pack(">H", checksum(body))
    elif protocol in (TCP, UDP):
        rewrite_transport(packet, body, protocol, table)


def rewrite_transport(packet, body, protocol, table):
    ports = set(struct.unpack_from(">HH", body, 0))
    start, sum_at = (8, 6) if protocol == UDP else ((body[12] >> 4) * 4, 16)
    payload = body[start:]
    if ports & DNS_PORTS and len(payload) > 12:
        message = payload
        if protocol == TCP:
            if struct.unpack_from(">H", payload, 0)[0] != len(payload) - 2:
                sys.exit("a DNS message over TCP does not fill its segment")
            message = payload[2:]
        rewrite_dns(message, table)
    else:
        text = bytearray(payload)
        table.in_text(text)
        payload[:] = text
    body[sum_at : sum_at + 2] = b"\0\0"
    pseudo = bytes(packet[12:20]) + struct.pack(">BBH", 0, protocol, len(body))
    value = checksum(pseudo + bytes(body))
    if protocol == UDP and value == 0:
        value = 0xFFFF
    body[sum_at : sum_at + 2] = struct.pack(">H", value)


def blocks(data):
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        yield kind, data[at : at + length]
        at += length


def keep_options(block, start, wanted):
    """The block without the options that are not wanted."""
    kept, at = bytearray(block[8:start]), start
    while at < len(block) - 4:
        code, length = struct.unpack_from("<HH", block, at)
        size = 4 + (length + 3) // 4 * 4
        if code in wanted or code == END:
            kept += block[at : at + size]
        at += size
        if code == END:
            break
    total = len(kept) + 12
    return block[:4] + struct.pack("<I", total) + kept + struct.pack("<I", total)


def read_notes(path):
    """[time in ns, kind, text] in their order"""
    for line in open(path, encoding="ascii"):
        time, kind, text = line.rstrip("\n").split("\t")
        yield int(Decimal(time) * SECOND), kind, text


def statistics(time, text):
    """Interface statistics with a comment alone: a block that no reader numbers as a frame."""
    whole = datetime.fromtimestamp(time // SECOND, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    comment = f"{whole}.{time % SECOND:09}Z {text}".encode()
    options = struct.pack("<HH", COMMENT, len(comment)) + comment + b"\0" * (-len(comment) % 4)
    options += struct.pack("<HH", END, 0)
    length = 24 + len(options)
    head = struct.pack("<IIIII", STATISTICS, length, 0, time >> 32, time & 0xFFFFFFFF)
    return head + options + struct.pack("<I", length)


def main():
    addresses, noted, raw, out = sys.argv[1:]
    table, notes, leap = Table(addresses), list(read_notes(noted)), 0
    with open(raw, "rb") as source, open(out, "wb") as sink:
        for kind, block in blocks(source.read()):
            if kind == SECTION:
                block = keep_options(block, 24, set())
            elif kind == INTERFACE:
                block = keep_options(block, 16, {IF_NAME, IF_TSRESOL})
            elif kind == PACKET:
                high, low, length = struct.unpack_from("<III", block, 12)
                time = high << 32 | low
                while notes and notes[0][0] <= time:
                    noted_at, about, text = notes.pop(0)
                    if about == "later":
                        leap += int(text) * SECOND
                    else:
                        sink.write(statistics(noted_at + leap, f"{about}: {text}"))
                frame = bytearray(block[28 : 28 + length])
                rewrite_frame(frame, table)
                moved = struct.pack("<II", time + leap >> 32, time + leap & 0xFFFFFFFF)
                block = block[:12] + moved + block[20:28] + frame + block[28 + length :]
            sink.write(block)


main()
