//! What devices say on the local network: mDNS, SSDP, ARP, and ping.

use super::activity::Conversations;
use super::dns::{self, PTR};
use super::household::{Device, gateway};
use super::talk::{Packet, Packets, Timed, datagrams, hears, says};
use crate::address::{GATEWAY, Mac};
use crate::frame::Ends;
use crate::random::Random;
use std::net::{IpAddr, Ipv6Addr};

const MDNS: u16 = 5_353;
const SSDP: u16 = 1_900;
const ARP: u16 = 0x0806;
const PINGS: u16 = 4;

/// Its own service, or a question for those of others (RFC 6762).
pub fn announcement(device: &Device, random: &mut Random) -> Conversations {
    let service = dns::labels("_phonehome-bench._tcp.local");
    let bytes = if random.chance(500) {
        let mut out = dns::header(0, 0, [1, 0, 0, 0]);
        out.extend(service);
        out.extend([0, PTR as u8, 0, 1]);
        out
    } else {
        let mut out = dns::header(0, 0x8400, [0, 1, 0, 0]);
        let instance =
            dns::labels(&format!("device-{:03}._phonehome-bench._tcp.local", device.index));
        dns::record(&mut out, &service, PTR, 4_500, &instance);
        out
    };
    let (own, group, group_mac) = if random.chance(150) {
        let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
        (device.v6, IpAddr::V6(group), [0x33, 0x33, 0, 0, 0, 0xfb])
    } else {
        (device.v4, IpAddr::from([224, 0, 0, 251]), [1, 0, 0x5e, 0, 0, 0xfb])
    };
    let ends = Ends::new([device.mac, group_mac], [(own, MDNS), (group, MDNS)]);
    let again = bytes.clone();
    vec![(0, datagrams(ends, [says(0, bytes), says(1_000_000, again)].into_iter()))]
}

/// Three searches, and the answer of another device.
pub fn search(device: &mut Device, other: (Mac, IpAddr), random: &mut Random) -> Conversations {
    const SEARCH: &str = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\
        MAN: \"ssdp:discover\"\r\nMX: 2\r\nST: upnp:rootdevice\r\n\r\n";
    let port = device.port();
    let group = IpAddr::from([239, 255, 255, 250]);
    let asks =
        Ends::new([device.mac, [1, 0, 0x5e, 0x7f, 0xff, 0xfa]], [(device.v4, port), (group, SSDP)]);
    let searches =
        (0..3).map(|number| says(if number == 0 { 0 } else { 1_000_000 }, SEARCH.into()));
    let answers = Ends::new([device.mac, other.0], [(device.v4, port), (other.1, SSDP)]);
    let text = format!(
        "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\n\
         LOCATION: http://{}:49152/description.xml\r\nSERVER: Linux/4.9 UPnP/1.0 device/2.4\r\n\
         ST: upnp:rootdevice\r\nUSN: uuid:{:032x}::upnp:rootdevice\r\n\r\n",
        other.1,
        u128::from(random.next())
    );
    let mut talks = vec![(0, datagrams(asks, searches))];
    if random.chance(200) {
        let answer = hears(random.long_tail(4_000, 4), text.into_bytes());
        talks.push((0, datagrams(answers, std::iter::once(answer))));
    }
    talks
}

/// Who has the gateway's address?
pub fn neighbour(device: &Device, random: &mut Random) -> Packets {
    let asks = arp(1, (device.mac, device.v4), ([0; 6], gateway(false)));
    let answers = arp(2, (GATEWAY, gateway(false)), (device.mac, device.v4));
    let packets = [
        (0, [device.mac, [0xff; 6]], asks),
        (300 + random.below(900), [GATEWAY, device.mac], answers),
    ];
    Box::new(packets.into_iter().map(|(after_us, macs, body)| {
        let packet = Packet::Other { macs, ethertype: ARP, body };
        Timed { after_us, packet }
    }))
}

fn arp(operation: u8, sender: (Mac, IpAddr), target: (Mac, IpAddr)) -> Vec<u8> {
    let mut out = vec![0, 1, 8, 0, 6, 4, 0, operation];
    for (mac, address) in [sender, target] {
        out.extend(mac);
        if let IpAddr::V4(address) = address {
            out.extend(address.octets());
        }
    }
    out
}

pub fn ping(ends: Ends, random: &mut Random) -> Packets {
    let identifier = random.next() as u16;
    let round_trip_us = random.long_tail(6_000, 5);
    Box::new((0..2 * PINGS).map(move |turn| {
        let reply = turn % 2 == 1;
        let after_us = match (turn, reply) {
            (0, _) => 0,
            (_, true) => round_trip_us,
            (_, false) => 1_000_000 - round_trip_us,
        };
        let ends = if reply { ends.turned() } else { ends };
        Timed { after_us, packet: Packet::Echo { ends, reply, identifier, number: turn / 2 } }
    }))
}
