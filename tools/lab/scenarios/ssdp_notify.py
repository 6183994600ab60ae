"""Two SSDP ssdp:alive announcements of a camera (UPnP Device Architecture 1.1, section 1.2)."""
import socket
import sys
import time

GROUP = ("239.255.255.250", 1900)
UUID = "uuid:00000000-0000-4000-8000-00005e005310"


def notify(address, kind, name):
    lines = [
        "NOTIFY * HTTP/1.1",
        "HOST: 239.255.255.250:1900",
        "CACHE-CONTROL: max-age=1800",
        f"LOCATION: http://{address}/status.json",
        f"NT: {kind}",
        "NTS: ssdp:alive",
        "SERVER: Linux/5 UPnP/1.1 exempla-ipc/2.1",
        f"USN: {name}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def main():
    address = sys.argv[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
        out.bind((address, 1900))
        for kind in ("upnp:rootdevice", "urn:schemas-upnp-org:device:Basic:1"):
            out.sendto(notify(address, kind, f"{UUID}::{kind}"), GROUP)
            time.sleep(0.2)


main()
