"""standards.py STATION: what a device says in the forms of national standards (`real`), or what only
looks like them (`decoy`). Layouts as phonehome's dissectors document them; nobody's device."""
import socket
import sys
import time


def xor(data):
    value = 0
    for byte in data:
        value ^= byte
    return value


def tcp(host, port, *messages):
    with socket.create_connection((host, port), timeout=5) as connection:
        for message in messages:
            connection.sendall(message)
            connection.recv(2048)
            time.sleep(0.2)


def register(user, host):
    call = "\r\n".join([
        f"REGISTER sip:{host} SIP/2.0",
        f"Via: SIP/2.0/UDP 192.168.77.1:5060;branch=z9hG4bKlab1;rport",
        f"From: <sip:{user}@{host}>;tag=lab1",
        f"To: <sip:{user}@{host}>",
        "Call-ID: lab1",
        "CSeq: 1 REGISTER",
        f"Contact: <sip:{user}@192.168.77.1:5060>",
        "Max-Forwards: 70",
        "Expires: 3600",
        "Content-Length: 0",
    ]) + "\r\n\r\n"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.settimeout(5)
        out.connect((host, 5060))
        out.send(call.encode())
        out.recv(2048)


def vehicle(command, body):
    head = bytes([command, 0xFE]) + b"TEST0000000000001" + b"\x01" + len(body).to_bytes(2, "big")
    return b"##" + head + body + bytes([xor(head + body)])


def terminal(kind, body):
    data = kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + b"\x01\x38\0\x12\x34\x56\0\x01" + body
    data += bytes([xor(data)])
    return b"\x7e" + data.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def real():
    register("34020000001320000001", "sip.notional.example")
    login = b"\x1a\x0b\x1d\x08\0\0\0\x0189860000000000000001\x01\0"
    tcp("fleet.notional.example", 9000, vehicle(1, login))
    who = b"\0\x2c\x01\x2fTESTXM1" + b"\0" * 18 + b"T000001\x01A12345"
    tcp("taxi.notional.example", 7611, terminal(0x0100, who))
    ask = b"\x60\x12\xa2\x04\x80\x02\x85\x21\xa8\x03\x02\x01\x01\xbe\x05\x28\x03\x81\x01\x20"
    tcp("meters.notional.example", 1153, ask)


def decoy():
    register("door-7", "sip.decoy.example")
    tcp("fleet.decoy.example", 9000, b"## a heading, and no vehicle ##\r\n")
    # As of JT/T 808, but with a wrong check byte.
    wrong = bytearray(terminal(0x0002, b""))
    wrong[-2] ^= 1
    tcp("taxi.decoy.example", 7611, bytes(wrong))
    tcp("meters.decoy.example", 1153, b"` is a backtick\r\n")


{"real": real, "decoy": decoy}[sys.argv[1]]()
