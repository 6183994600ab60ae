#!/usr/bin/env python3
"""Writes captures/canary.pcap: the planted conversation of the self-test.

A device asks for a made-up name, is answered with an address of the RIPE NCC (which any
country database knows), and begins TLS with that name. Standard library only.
"""
import struct
import sys
from pathlib import Path

NAME = b"canary.phonehome-canary.example"
DEVICE, RESOLVER, REMOTE = b"\xc0\xa8\x4d\x63", b"\xc0\xa8\x4d\x01", bytes([193, 0, 6, 139])
DEVICE_MAC, ROUTER_MAC = bytes.fromhex("02005e005399"), bytes.fromhex("02005e005301")
START = 1_790_000_000


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(source, destination, protocol, payload):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, source, destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def transport(source, destination, protocol, header, at, data):
    pseudo = source + destination + struct.pack("!BBH", 0, protocol, len(header) + len(data))
    value = checksum(pseudo + header + data)
    return ip(source, destination, protocol, header[:at] + struct.pack("!H", value) + header[at + 2 :] + data)


def udp(source, destination, ports, data):
    return transport(source, destination, 17, struct.pack("!HHHH", *ports, 8 + len(data), 0), 6, data)


def tcp(source, destination, ports, sequence, acknowledgment, flags, data=b""):
    header = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledgment, 0x50, flags, 0xFFFF, 0, 0)
    return transport(source, destination, 6, header, 16, data)


def dns(answer):
    labels = b"".join(bytes([len(label)]) + label for label in NAME.split(b".")) + b"\0"
    question = labels + struct.pack("!HH", 1, 1)
    if not answer:
        return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + question
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + REMOTE
    return struct.pack("!6H", 7, 0x8180, 1, 1, 0, 0) + question + record


def client_hello():
    name = struct.pack("!HBH", len(NAME) + 3, 0, len(NAME)) + NAME
    extensions = struct.pack("!HH", 0, len(name)) + name
    body = b"\x03\x03" + b"canary" * 5 + b"ca" + b"\0" + struct.pack("!HH", 2, 0x1301) + b"\x01\0"
    body += struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def main():
    ports = (50099, 443)
    back = ports[::-1]
    hello = client_hello()
    packets = [
        (True, udp(DEVICE, RESOLVER, (50053, 53), dns(False))),
        (False, udp(RESOLVER, DEVICE, (53, 50053), dns(True))),
        (True, tcp(DEVICE, REMOTE, ports, 100, 0, 0x02)),
        (False, tcp(REMOTE, DEVICE, back, 900, 101, 0x12)),
        (True, tcp(DEVICE, REMOTE, ports, 101, 901, 0x10)),
        (True, tcp(DEVICE, REMOTE, ports, 101, 901, 0x18, hello)),
        (False, tcp(REMOTE, DEVICE, back, 901, 101 + len(hello), 0x10)),
    ]
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for index, (outgoing, packet) in enumerate(packets):
        macs = ROUTER_MAC + DEVICE_MAC if outgoing else DEVICE_MAC + ROUTER_MAC
        frame = macs + b"\x08\x00" + packet
        out += struct.pack("<IIII", START, index * 10_000, len(frame), len(frame)) + frame
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "captures" / "canary.pcap"
    target.write_bytes(out)


main()
