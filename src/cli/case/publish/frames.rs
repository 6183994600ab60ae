//! What single frames say, beside what the dissectors hear: hardware addresses, addresses of the
//! place as the internet sees it, names of networks.

use super::dns_stream::DnsStreams;
use super::public;
use super::radio;
use super::told::{Kind, Told};
use crate::base::address::{Mac, Scope, scope};
use crate::decode::{Body, Transport, decode};
use crate::redaction::packed::{self, Look, Room};
use crate::source::Frame;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

/// Most hardware addresses, and addresses made of them, that are remembered.
const ADDRESSES_MAX: usize = 65_536;
const ETHERNET: u16 = 1;

/// See the module.
#[derive(Default)]
pub struct Frames {
    /// Where a hardware address stands, as which field, first.
    macs: BTreeMap<Mac, BTreeMap<&'static str, u64>>,
    /// IPv6 addresses that are made of a hardware address.
    made: BTreeMap<(Mac, Ipv6Addr), u64>,
    /// Frames of which nothing can be read, although they hold something, by reason.
    pub unread: BTreeMap<String, u64>,
    names: DnsStreams,
    /// What is compressed and was not looked into, with its first frame and how often.
    pub packed: BTreeMap<&'static str, (u64, u64)>,
    /// Addresses that there was no room for.
    pub lost: u64,
}

impl Frames {
    /// Looks at a frame; `number` is how findings speak of it.
    pub fn look(&mut self, number: u64, frame: &Frame<'_>, told: &mut Told) {
        let packet = decode(frame);
        for mac in [packet.source_mac, packet.destination_mac].into_iter().flatten() {
            self.mac(mac, "link header", number);
        }
        // Of a tunnel, the outer header has addresses of its own.
        if frame.link == ETHERNET {
            for at in [0, 6] {
                let mac = frame.data.get(at..).and_then(Mac::from_slice);
                mac.into_iter().for_each(|mac| self.mac(mac, "link header", number));
            }
            neighbours(frame.data, number, told);
        }
        if let Some(radio) = radio::read(frame.link, frame.data) {
            radio.stations.iter().for_each(|&mac| self.mac(mac, "wireless header", number));
            if let Some(mac) = radio.access_point.filter(|mac| !mac.is_group()) {
                told.mac(Kind::Bssid, mac, "wireless header", number);
            }
            if let Some((name, said_as)) = radio.network {
                told.frame(Kind::Ssid, name, said_as, number);
            }
            if matches!(packet.body, Body::Told("eapol", _)) {
                let why = b"WPA handshake: the password of the network can be guessed from it";
                told.frame(Kind::Credential, why, "eapol", number);
            }
        }
        match packet.body {
            Body::Ip(ip) => {
                for address in [ip.source, ip.destination] {
                    self.made_of(address, number);
                }
                match ip.transport {
                    Transport::Udp { source_port, destination_port, payload, .. } => {
                        self.datagram([source_port, destination_port], payload, number, told);
                    }
                    Transport::Tcp(tcp) => {
                        if [tcp.source_port, tcp.destination_port].contains(&53) {
                            self.names.take(&ip, &tcp, &mut |message| {
                                let mut found = Vec::new();
                                public::message(message, &mut found);
                                tell_addresses(found, number, told);
                            });
                        }
                        self.said(tcp.payload, number, told);
                    }
                    _ => {}
                }
            }
            Body::Arp(arp) => {
                self.mac(arp.sender_mac, "arp", number);
                if scope(arp.sender.into()) == Scope::Internet {
                    told.address(arp.sender.into(), "arp", number);
                }
            }
            Body::Other(_) | Body::Told(..) => {}
            Body::Refused(reason) if !frame.data.is_empty() => {
                *self.unread.entry(reason.to_string()).or_default() += 1;
            }
            Body::Refused(_) => {}
        }
    }

    fn datagram(&mut self, ports: [u16; 2], payload: &[u8], number: u64, told: &mut Told) {
        let mut found = Vec::new();
        public::datagram(ports, payload, &mut found);
        tell_addresses(found, number, told);
        if ports.iter().any(|port| matches!(port, 67 | 68)) {
            if let Some(mac) = payload.get(28..).and_then(Mac::from_slice) {
                self.mac(mac, "dhcp.client", number);
            }
            if let Some(name) = dhcp_domain(payload) {
                told.frame(Kind::HostName, name, "dhcp.domain_name", number);
            }
        }
        self.said(payload, number, told);
    }

    /// Readable text in a packet, and in what is compressed in it.
    fn said(&mut self, payload: &[u8], number: u64, told: &mut Told) {
        said(payload, number, told);
        // In what is encrypted such beginnings stand by chance: nothing readable is in front of them.
        if packed::begins(payload).is_none_or(|at| !packed::is_text(&payload[..at])) {
            return;
        }
        match packed::look(payload, &mut Room::of(payload.len())) {
            Look::Open(contents) => {
                contents.iter().for_each(|content| said(content, number, told));
            }
            Look::Closed(what) => self.packed.entry(what).or_insert((number, 0)).1 += 1,
        }
    }

    fn mac(&mut self, mac: Mac, said_as: &'static str, number: u64) {
        if mac.is_group() || mac.is_zero() {
            return;
        }
        if self.macs.len() >= ADDRESSES_MAX && !self.macs.contains_key(&mac) {
            self.lost += 1;
            return;
        }
        self.macs.entry(mac).or_default().entry(said_as).or_insert(number);
    }

    fn made_of(&mut self, address: IpAddr, number: u64) {
        let IpAddr::V6(address) = address else { return };
        let [.., a, b, c, 0xff, 0xfe, d, e, f] = address.octets() else { return };
        let mac = Mac([a ^ 2, b, c, d, e, f]);
        if mac.is_group() || scope(address.into()) == Scope::Group {
            return;
        }
        if self.made.len() < ADDRESSES_MAX {
            self.made.entry((mac, address)).or_insert(number);
        } else {
            self.lost += u64::from(!self.made.contains_key(&(mac, address)));
        }
    }

    /// Tells the hardware addresses, now that it is known which are the unit's.
    pub fn tell(&self, unit: &BTreeSet<Mac>, told: &mut Told) {
        let kind = |mac: &Mac| match (unit.is_empty(), unit.contains(mac)) {
            (true, _) => Kind::Mac,
            (false, true) => Kind::UnitMac,
            (false, false) => Kind::NeighbourMac,
        };
        for (mac, places) in &self.macs {
            for (said_as, &number) in places {
                told.mac(kind(mac), *mac, said_as, number);
            }
        }
        for ((mac, address), &number) in &self.made {
            // A server's address in the internet may be made of a hardware address too: its own.
            if self.macs.contains_key(mac) || scope((*address).into()) == Scope::Inside {
                told.mac(kind(mac), *mac, "part of an IPv6 address", number);
            }
            if self.macs.contains_key(mac) && scope((*address).into()) == Scope::Internet {
                told.address((*address).into(), "address of a device", number);
            }
        }
    }
}

fn tell_addresses(found: Vec<public::Found>, number: u64, told: &mut Told) {
    for (address, said_as) in found {
        told.frame(Kind::PublicAddress, address.as_bytes(), said_as, number);
    }
}

/// Neighbour discovery (RFC 4861 §4): addresses and networks of this link, routed ones among them.
fn neighbours(data: &[u8], number: u64, told: &mut Told) {
    let mut start = 12;
    while matches!(data.get(start..start + 2), Some([0x81, 0] | [0x88, 0xa8])) && start < 28 {
        start += 4;
    }
    let Some([0x86, 0xdd, packet @ ..]) = data.get(start..) else { return };
    let Some(&58) = packet.get(6) else { return };
    let message = packet.get(40..).unwrap_or_default();
    let address = |at: usize| {
        let octets = <[u8; 16]>::try_from(message.get(at..at + 16)?).ok()?;
        let address = IpAddr::from(octets);
        (scope(address) == Scope::Internet).then_some(address)
    };
    match message.first() {
        Some(134) => {
            let mut at = 16;
            while let Some(&[kind, length, bits, ..]) = message.get(at..) {
                if length == 0 {
                    break;
                }
                if kind == 3
                    && let Some(prefix) = address(at + 16)
                {
                    let text = format!("{prefix}/{bits}");
                    told.frame(Kind::PublicAddress, text.as_bytes(), "icmpv6.prefix", number);
                }
                at += usize::from(length) * 8;
            }
        }
        Some(135 | 136) => {
            if let Some(target) = address(8) {
                told.address(target, "icmpv6.neighbour", number);
            }
        }
        _ => {}
    }
}

/// Option 15 (RFC 2132 §3.17).
fn dhcp_domain(payload: &[u8]) -> Option<&[u8]> {
    let mut options = payload.get(240..)?;
    loop {
        match options {
            [0, rest @ ..] => options = rest,
            [code @ 1..=254, length, rest @ ..] => {
                let (value, after) = rest.split_at_checked((*length).into())?;
                if *code == 15 {
                    return Some(value).filter(|value| !value.is_empty());
                }
                options = after;
            }
            _ => return None,
        }
    }
}

/// Readable text within one packet, up to what ends it.
const SAID: [(&[u8], &[u8], Kind, &str); 4] = [
    (b"NewExternalIPAddress>", b"<", Kind::PublicAddress, "upnp.external_address"),
    (b"\"ssid\":\"", b"\"", Kind::Ssid, "json ssid"),
    (b"\"ssid\": \"", b"\"", Kind::Ssid, "json ssid"),
    (b"\"bssid\":\"", b"\"", Kind::Bssid, "json bssid"),
];

fn said(payload: &[u8], number: u64, told: &mut Told) {
    for (start, end, kind, said_as) in SAID {
        let mut rest = payload;
        while let Some(at) = find(rest, start) {
            rest = &rest[at + start.len()..];
            let value = find(rest, end).map(|length| &rest[..length]).unwrap_or_default();
            let is_address = std::str::from_utf8(value).is_ok_and(|v| v.parse::<IpAddr>().is_ok());
            let fits = kind != Kind::PublicAddress || is_address;
            if !value.is_empty() && value.len() <= 64 && fits {
                told.frame(kind, value, said_as, number);
            }
        }
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(part.len())?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..=last)?.iter().position(|&byte| byte == part[0])?;
        if bytes[at..].starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    fn look(data: &[u8]) -> (Frames, Told) {
        let (mut frames, mut told) = (Frames::default(), Told::default());
        let wire_length = data.len() as u32;
        let frame = Frame { number: 7, time: Timestamp(0), wire_length, link: ETHERNET, data };
        frames.look(7, &frame, &mut told);
        (frames, told)
    }

    fn neighbour(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut data = vec![0x33, 0x33, 0, 0, 0, 1, 0, 0, 0x5e, 0, 0x53, 1, 0x86, 0xdd];
        data.extend([0x60, 0, 0, 0, 0, body.len() as u8 + 4, 58, 255]);
        let source: Ipv6Addr = "fe80::200:5eff:fe00:5301".parse().unwrap();
        data.extend(source.octets());
        data.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, kind, 0, 0, 0]);
        data.extend(body);
        data
    }

    #[test]
    fn routed_networks_of_the_link_and_hardware_addresses_are_told() {
        let mut body = vec![0; 12];
        body.extend([3, 4, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        body.extend("2001:db8:5::".parse::<Ipv6Addr>().unwrap().octets());
        let data = neighbour(134, &body);
        let (frames, mut told) = look(&data);
        let mac = Mac([0, 0, 0x5e, 0, 0x53, 1]);
        frames.tell(&BTreeSet::from([mac]), &mut told);
        let shown = told.shown();
        let said: Vec<_> = shown.iter().map(|s| (s.kind, &*s.value, &*s.said_as)).collect();
        assert_eq!(
            said,
            [
                (Kind::PublicAddress, "2001:db8:5::/64", "icmpv6.prefix"),
                (Kind::UnitMac, "00:00:5e:00:53:01", "link header"),
                (Kind::UnitMac, "00:00:5e:00:53:01", "part of an IPv6 address"),
            ]
        );
        for cut in 0..data.len() {
            look(&data[..cut]);
        }
    }

    #[test]
    fn a_client_subnet_over_tcp_is_put_together() {
        let mut ask = b"\0\x01\x01\0\0\x01\0\0\0\0\0\x01\x01a\x04test\0\0\x01\0\x01".to_vec();
        ask.extend(b"\0\0\x29\x10\0\0\0\0\0\0\x0b\0\x08\0\x07\0\x01\x18\0\xc6\x33\x64");
        ask.splice(0..0, (ask.len() as u16).to_be_bytes());
        let (mut frames, mut told) = (Frames::default(), Told::default());
        for (at, part) in ask.chunks(7).enumerate() {
            let mut data = vec![0, 0, 0x5e, 0, 0x53, 1, 0, 0, 0x5e, 0, 0x53, 2, 8, 0];
            data.extend([0x45, 0, 0, 40 + part.len() as u8, 0, 1, 0, 0, 64, 6, 0, 0]);
            data.extend([10, 0, 0, 5, 192, 0, 2, 53, 0x9c, 0x40, 0, 53]);
            data.extend((at as u32 * 7).to_be_bytes());
            data.extend([0, 0, 0, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
            data.extend(part);
            let wire_length = data.len() as u32;
            let frame =
                Frame { number: 1, time: Timestamp(0), wire_length, link: ETHERNET, data: &data };
            frames.look(1 + at as u64, &frame, &mut told);
        }
        let shown = told.shown();
        assert_eq!(
            (&*shown[0].value, &*shown[0].said_as),
            ("198.51.100.0/24", "dns.client_subnet")
        );
    }

    #[test]
    fn readable_text_is_found_and_an_address_must_be_one() {
        let mut told = Told::default();
        said(b"<NewExternalIPAddress>203.0.113.9</New", 1, &mut told);
        said(b"<NewExternalIPAddress>none</New", 2, &mut told);
        said(br#"{"ssid":"ho\me","bssid":"cut"#, 3, &mut told);
        let shown = told.shown();
        let values: Vec<&str> = shown.iter().map(|shown| &*shown.value).collect();
        assert_eq!(values, ["203.0.113.9", "ho\\\\me"]);
    }
}
