"""The far ends of national standards and of what only looks like them. The conversations are made up
from the layouts that phonehome's dissectors document; nobody's device was recorded."""
import select
import socket

SIP, FLEET, TAXI, METERS = "203.0.113.101", "203.0.113.103", "203.0.113.104", "203.0.113.105"


def sip(message, _):
    lines = message.decode("latin-1").split("\r\n")
    kept = [line for line in lines[1:] if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
    return ("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0"]) + "\r\n\r\n").encode()


def fleet(message, _):
    """GB/T 32960: the same head, the answer flag set to success, no body."""
    if message[:2] != b"##" or len(message) < 25:
        return b"what?\r\n"
    head = message[2:3] + b"\x01" + message[4:22] + b"\0\0"
    return b"##" + head + bytes([xor(head)])


def taxi(message, _):
    """JT/T 808: the platform's general answer 0x8001."""
    if message[:1] != b"\x7e":
        return b"what?\r\n"
    body = message[11:13] + message[1:3] + b"\0"
    head = b"\x80\x01\x00\x05" + message[5:11] + b"\0\1"
    return framed(head + body)


def meters(message, _):
    if message[:1] != b"\x60" or message[1] != len(message) - 2:
        return b"what?\r\n"
    return b"\x60\x12\xa6\x04\x80\x02\x85\x21\xa8\x03\x02\x01\x01\xbe\x05\x28\x03\x81\x01\0"


def xor(data):
    value = 0
    for byte in data:
        value ^= byte
    return value


def framed(data):
    data += bytes([xor(data)])
    return b"\x7e" + data.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def main():
    answers, listening = {}, []
    for kind, address, port, answer in (
        (socket.SOCK_DGRAM, SIP, 5060, sip),
        (socket.SOCK_STREAM, FLEET, 9000, fleet),
        (socket.SOCK_STREAM, TAXI, 7611, taxi),
        (socket.SOCK_STREAM, METERS, 1153, meters),
    ):
        one = socket.socket(socket.AF_INET, kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, port))
        if kind == socket.SOCK_STREAM:
            one.listen()
            listening.append(one)
        answers[one] = answer
    while True:
        for one in select.select(list(answers), [], [])[0]:
            if one in listening:
                answers[one.accept()[0]] = answers[one]
                continue
            message, sender = one.recvfrom(2048)
            if one.type == socket.SOCK_DGRAM:
                one.sendto(answers[one](message, sender), sender)
            elif message:
                one.sendall(answers[one](message, sender))
            else:
                del answers[one]
                one.close()


main()
