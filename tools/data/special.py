"""Address blocks that belong to nobody in particular.

Lists of countries and networks contain them by accident (192.168.0.0/16 with
a country, 2002::/16 with the network of one relay operator). A report that
repeated that would place a private address abroad, so they get no record.
Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890),
RFC 5771 (multicast), RFC 1112 (class E), RFC 4291 (global unicast is 2000::/3).
"""

import ipaddress

IPV4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
    "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)

# Outside 2000::/3 nothing is global unicast; 6to4 and Teredo carry somebody
# else's IPv4 address.
IPV6 = (
    "::/3", "2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28",
    "2001:30::/28", "2001:db8::/32", "2002::/16", "3fff::/20",
    "4000::/2", "8000::/1",
)


def ranges(family):
    nets = sorted(ipaddress.ip_network(n) for n in (IPV4 if family == 4 else IPV6))
    return [(int(n[0]), int(n[-1]), True) for n in nets]
