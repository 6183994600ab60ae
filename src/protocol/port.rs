//! Names of transports, and protocols by port number alone (IANA service name registry): the last resort, always called
//! that, since anything may run on any port.

use super::{TCP, UDP};

/// The protocol registered for a service port.
#[must_use]
pub fn name(protocol: u8, port: u16) -> Option<&'static str> {
    Some(match (protocol, port) {
        (TCP, 20) => "ftp-data",
        (TCP, 21) => "ftp",
        (TCP, 22) => "ssh",
        (TCP, 23) => "telnet",
        (TCP, 25 | 587) => "smtp",
        (TCP | UDP, 53) => "dns",
        (UDP, 67 | 68) => "dhcp",
        (UDP, 69) => "tftp",
        (TCP, 80 | 8080) => "http",
        (TCP, 110) => "pop3",
        (UDP, 123) => "ntp",
        (UDP, 137) => "nbns",
        (TCP, 143) => "imap",
        (UDP, 161 | 162) => "snmp",
        (TCP, 443 | 8443) => "tls",
        (UDP, 443) => "quic",
        (TCP, 445) => "smb",
        (UDP, 500) => "isakmp",
        (TCP | UDP, 502) => "modbus",
        (UDP, 514) => "syslog",
        (UDP, 546 | 547) => "dhcpv6",
        (TCP, 554) => "rtsp",
        (TCP, 853) => "dns-over-tls",
        (TCP, 993) => "imaps",
        (TCP | UDP, 1194) => "openvpn",
        (TCP, 1883) => "mqtt",
        (UDP, 1900) => "ssdp",
        (TCP, 1935) => "rtmp",
        (TCP, 2404) => "iec104",
        (UDP, 3478) => "stun",
        (UDP, 3702) => "ws-discovery",
        (TCP | UDP, 4059) => "dlms",
        (UDP, 4500) => "ipsec-nat-t",
        (TCP | UDP, 5060) => "sip",
        (UDP, 5353) => "mdns",
        (UDP, 5355) => "llmnr",
        (UDP, 5683) => "coap",
        (TCP, 8883) => "mqtt-over-tls",
        (TCP, 20000) => "dnp3",
        (UDP, 51820) => "wireguard",
        (UDP, 47808) => "bacnet",
        _ => return None,
    })
}

/// Protocols directly over IP: IANA keyword in lower case (protocol numbers registry).
#[must_use]
pub fn transport(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        1 => "icmp",
        2 => "igmp",
        4 => "ipv4",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        41 => "ipv6",
        46 => "rsvp",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "ipv6-icmp",
        88 => "eigrp",
        89 => "ospfigp",
        103 => "pim",
        112 => "vrrp",
        132 => "sctp",
        136 => "udplite",
        _ => return None,
    })
}
