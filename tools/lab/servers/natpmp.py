"""A router's NAT-PMP (RFC 6886): tells its address and says yes to every port, opening none."""
import socket
import struct

OUTSIDE = socket.inet_aton("198.51.100.1")


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind(("192.168.77.1", 5351))
        while True:
            ask, sender = service.recvfrom(64)
            if len(ask) == 2 and ask[1] == 0:
                service.sendto(struct.pack(">BBHI", 0, 128, 0, 60) + OUTSIDE, sender)
            elif len(ask) == 12 and ask[1] in (1, 2):
                inside, outside, seconds = struct.unpack(">HHI", ask[4:])
                service.sendto(
                    struct.pack(">BBHIHHI", 0, 128 + ask[1], 0, 60, inside, outside, seconds), sender
                )


main()
