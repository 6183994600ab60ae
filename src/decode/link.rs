//! Link layers: from the first byte of a frame to the network header.

use super::ethertype as ether;
use super::{Arp, Body, Packet, Refusal, Tunnels, Vlans, ip, wlan};
use crate::base::address::Mac;
use crate::base::bytes::Reader;
use crate::source::Frame;
use std::net::Ipv4Addr;

/// Most shims (MPLS labels, nested tags) followed in one frame.
const SHIMS_MAX: usize = 8;

/// Decodes one frame.
#[inline]
#[must_use]
pub fn decode<'a>(frame: &Frame<'a>) -> Packet<'a> {
    let mut packet = Packet {
        source_mac: None,
        destination_mac: None,
        vlans: Vlans::default(),
        tunnels: Tunnels::default(),
        body: Body::Refused(Refusal::LinkShort),
    };
    let mut reader = Reader::new(frame.data);
    if let Some(body) = link(frame.link, &mut reader, &mut packet) {
        packet.body = body;
    }
    packet
}

/// Reads the link header; `None` when the frame ends within it.
fn link<'a>(link: u16, reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    match link {
        1 => ethernet(reader, packet),
        0 => {
            // The family number has the byte order of the machine that captured.
            let bytes = reader.take(4)?;
            let family = u32::from_be_bytes(bytes.try_into().ok()?);
            let ethertype = family as u16;
            if matches!(ethertype, ether::IPV4 | ether::IPV6) {
                // Written by others than BSD: a number of their own, then an ethertype.
                return network(ethertype, reader, packet);
            }
            Some(family_body(family.min(family.swap_bytes()), reader, packet))
        }
        108 => {
            let family = reader.u32()?;
            Some(family_body(family, reader, packet))
        }
        6 => token_ring(reader, packet),
        8 => {
            // SLIP: direction and what a compressor left, then IP.
            reader.skip(16)?;
            Some(ip::decode(reader.rest(), packet))
        }
        9 | 50 => match reader.rest().first()? {
            // The unicast and multicast addresses of Cisco's HDLC.
            0x0f | 0x8f => cisco_hdlc(reader, packet),
            _ => ppp_framed(reader, packet),
        },
        10 => {
            // FDDI: frame control, addresses, then LLC.
            reader.skip(1)?;
            packet.destination_mac = Mac::from_slice(reader.take(6)?);
            packet.source_mac = Mac::from_slice(reader.take(6)?);
            llc(reader, packet)
        }
        12 | 14 | 101 | 228 | 229 => Some(ip::decode(reader.rest(), packet)),
        51 => pppoe(reader, packet),
        104 => cisco_hdlc(reader, packet),
        105 => wlan::frame(reader, packet, false),
        107 => frame_relay(reader, packet),
        119 | 163 => wlan::prism_or_avs(reader, packet),
        127 => wlan::radiotap(reader, packet),
        // The direction stands where the address byte or nothing was.
        166 | 204 => {
            reader.skip(1)?;
            if reader.rest().first() == Some(&0x03) {
                reader.skip(1)?;
            }
            ppp_framed(reader, packet)
        }
        192 => {
            // PPI: version, flags, length and link type in little-endian order, then fields.
            let start = reader.position();
            reader.skip(2)?;
            let length = usize::from(reader.u16()?.swap_bytes());
            let inside = reader.u32()?.swap_bytes();
            reader.seek(start + length.max(8))?;
            match u16::try_from(inside) {
                Ok(192) | Err(_) => Some(Body::Refused(Refusal::Link(192))),
                Ok(inside) => self::link(inside, reader, packet),
            }
        }
        239 => netfilter_log(reader, packet),
        253 => Some(Body::Other("netlink")),
        113 => {
            // Linux cooked v1: packet type, ARPHRD, address length, address, protocol.
            reader.skip(2)?;
            let hardware = reader.u16()?;
            let length = reader.u16()?;
            let address = reader.take(8)?;
            packet.source_mac = cooked_mac(length, address);
            let protocol = reader.u16()?;
            cooked(hardware, protocol, reader, packet)
        }
        276 => {
            // Linux cooked v2: protocol, reserved, interface, ARPHRD, type, length, address.
            let protocol = reader.u16()?;
            reader.skip(6)?;
            let hardware = reader.u16()?;
            reader.skip(1)?;
            let length = u16::from(reader.u8()?);
            let address = reader.take(8)?;
            packet.source_mac = cooked_mac(length, address);
            cooked(hardware, protocol, reader, packet)
        }
        crate::source::file::LINK_NONE => Some(Body::Refused(Refusal::NotAPacket)),
        other => Some(Body::Refused(Refusal::Link(other))),
    }
}

#[inline]
pub(super) fn ethernet<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    packet.destination_mac = Mac::from_slice(reader.take(6)?).filter(|mac| !mac.is_zero());
    packet.source_mac = Mac::from_slice(reader.take(6)?).filter(|mac| !mac.is_zero());
    let ethertype = reader.u16()?;
    network(ethertype, reader, packet)
}

fn cooked_mac(length: u16, address: &[u8]) -> Option<Mac> {
    Mac::from_slice(address).filter(|mac| length == 6 && !mac.is_zero())
}

fn cooked<'a>(
    hardware: u16,
    protocol: u16,
    reader: &mut Reader<'a>,
    packet: &mut Packet<'a>,
) -> Option<Body<'a>> {
    const ARPHRD_NETLINK: u16 = 824;
    const ARPHRD_IEEE80211: u16 = 801;
    const ARPHRD_IEEE80211_PRISM: u16 = 802;
    const ARPHRD_IEEE80211_RADIOTAP: u16 = 803;
    match (hardware, protocol) {
        (ARPHRD_NETLINK, _) => Some(Body::Other("netlink")),
        (ARPHRD_IEEE80211, _) => wlan::frame(reader, packet, false),
        (ARPHRD_IEEE80211_PRISM, _) => wlan::prism_or_avs(reader, packet),
        (ARPHRD_IEEE80211_RADIOTAP, _) => wlan::radiotap(reader, packet),
        (_, 0x0004) => llc(reader, packet),
        (_, 0x000c | 0x000d) => Some(Body::Refused(Refusal::Link(227))),
        (_, 0x0001 | 0x0003) => Some(Body::Other("cooked_raw_8023")),
        _ => network(protocol, reader, packet),
    }
}

/// BSD address families: 2 is IPv4, IPv6 differs from system to system.
fn family_body<'a>(family: u32, reader: &Reader<'a>, packet: &mut Packet<'a>) -> Body<'a> {
    match family {
        2 | 10 | 24 | 28 | 30 => ip::decode(reader.rest(), packet),
        7 | 23 => Body::Other("osi"),
        _ => Body::Refused(Refusal::Ethertype),
    }
}

/// PPP, with or without the HDLC address and control bytes (RFC 1662 §3.1).
pub(super) fn ppp_framed<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    if reader.rest().starts_with(&[0xff, 0x03]) {
        reader.skip(2)?;
    }
    ppp(reader, packet)
}

fn cisco_hdlc<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    const SLARP: u16 = 0x8035;
    reader.skip(2)?;
    match reader.u16()? {
        SLARP => Some(Body::Other("slarp")),
        ethertype => network(ethertype, reader, packet),
    }
}

fn token_ring<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    const ROUTED: u8 = 0x80;
    reader.skip(2)?;
    packet.destination_mac = Mac::from_slice(reader.take(6)?);
    let mut source = Mac::from_slice(reader.take(6)?)?;
    if source.0[0] & ROUTED != 0 {
        // Routing information follows; its first byte holds its length (IEEE 802.5 annex C).
        source.0[0] &= !ROUTED;
        let length = usize::from(reader.rest().first()? & 0x1f);
        reader.skip(length)?;
    }
    packet.source_mac = Some(source);
    llc(reader, packet)
}

/// RFC 2427: an address whose last byte is odd, then UI and a network layer identifier; Cisco's
/// own form has an ethertype there.
fn frame_relay<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    let mut length = 1;
    while reader.u8()? & 1 == 0 {
        length += 1;
        if length > 4 {
            return Some(Body::Refused(Refusal::Llc));
        }
    }
    if let [high, low, ..] = *reader.rest()
        && matches!(u16::from_be_bytes([high, low]), ether::IPV4 | ether::IPV6)
    {
        reader.skip(2)?;
        return Some(ip::decode(reader.rest(), packet));
    }
    if reader.u8()? != 0x03 {
        return Some(Body::Other("frame_relay_control"));
    }
    let mut identifier = reader.u8()?;
    if identifier == 0 {
        identifier = reader.u8()?;
    }
    Some(match identifier {
        0xcc | 0x8e => ip::decode(reader.rest(), packet),
        0x80 => {
            let organisation = reader.u24()?;
            let protocol = reader.u16()?;
            return snap(organisation, protocol, reader, packet);
        }
        0xcf => return ppp(reader, packet),
        0x08 => Body::Other("frame_relay_control"),
        0x81..=0x83 => Body::Other("osi"),
        _ => Body::Refused(Refusal::Llc),
    })
}

/// Linux netfilter's log (LINKTYPE 239): attributes in the machine's byte order.
fn netfilter_log<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    const HARDWARE_ADDRESS: u16 = 8;
    const PAYLOAD: u16 = 9;
    let family = reader.u8()?;
    reader.skip(3)?;
    // The first attribute is short, so its length is small in the right byte order only.
    let swapped = {
        let length = u16::from_be_bytes(reader.rest().first_chunk().copied()?);
        length.swap_bytes() < length
    };
    let number = |value: u16| if swapped { value.swap_bytes() } else { value };
    loop {
        let start = reader.position();
        let length = usize::from(number(reader.u16()?));
        let kind = number(reader.u16()?) & 0x7fff;
        match kind {
            HARDWARE_ADDRESS => {
                let mut value = *reader;
                if value.u16()? == 6 {
                    value.skip(2)?;
                    packet.source_mac = Mac::from_slice(value.take(6)?);
                }
            }
            PAYLOAD => {
                let payload = reader.rest();
                let payload = payload.get(..length.checked_sub(4)?).unwrap_or(payload);
                return Some(match family {
                    2 | 10 => ip::decode(payload, packet),
                    _ => Body::Other("netfilter"),
                });
            }
            _ => {}
        }
        reader.seek(start + length.max(4).next_multiple_of(4))?;
    }
}

/// From the version byte of a PPPoE header (RFC 2516 §4).
fn pppoe<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    reader.skip(1)?;
    let code = reader.u8()?;
    reader.skip(4)?;
    match code {
        0 => ppp(reader, packet),
        _ => Some(Body::Other("pppoe_discovery")),
    }
}

fn ppp<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    // The protocol field may be compressed to one odd byte (RFC 1661 §6.5).
    let first = reader.u8()?;
    let protocol = if first & 1 == 1 {
        u16::from(first)
    } else {
        u16::from(first) << 8 | u16::from(reader.u8()?)
    };
    Some(match protocol {
        0x0021 | 0x0057 => ip::decode(reader.rest(), packet),
        0xc021 => Body::Other("ppp_lcp"),
        0xc023 | 0xc223 => Body::Other("ppp_authentication"),
        0x8000..=0xffff => Body::Other("ppp_control"),
        _ => Body::Other("ppp_other"),
    })
}

/// From an ethertype to the network header, through tags and shims.
pub(super) fn network<'a>(
    mut ethertype: u16,
    reader: &mut Reader<'a>,
    packet: &mut Packet<'a>,
) -> Option<Body<'a>> {
    for _ in 0..SHIMS_MAX {
        match ethertype {
            ether::IPV4 | ether::IPV6 => return Some(ip::decode(reader.rest(), packet)),
            ether::VLAN | ether::QINQ | ether::OLD_QINQ => {
                let tag = reader.u16()?;
                if !packet.vlans.push(tag & 0x0fff) {
                    return Some(Body::Refused(Refusal::TooDeep));
                }
                ethertype = reader.u16()?;
            }
            ether::ARP => return Some(arp(reader)),
            ether::MPLS | ether::MPLS_MULTICAST => return mpls(reader, packet),
            // The tag of 802.1BR and its forerunner, each followed by an ethertype.
            ether::ETAG => {
                reader.skip(6)?;
                ethertype = reader.u16()?;
            }
            ether::VNTAG => {
                reader.skip(4)?;
                ethertype = reader.u16()?;
            }
            ether::CISCO_METADATA => {
                // Version, length in words, then options that this counts.
                let words = usize::from(*reader.rest().get(1)?);
                reader.skip(2 + words.max(1) * 4)?;
                ethertype = reader.u16()?;
            }
            ether::FABRIC_PATH => {
                reader.skip(2)?;
                ethertype = inner_ethernet(reader, packet)?;
            }
            ether::NSH => {
                // RFC 8300 §2.2: length in words of the whole header, then the next protocol.
                let header = *reader;
                let words = usize::from(reader.u16()? & 0x3f);
                reader.skip(1)?;
                let next = reader.u8()?;
                *reader = header;
                reader.skip(words.max(2) * 4)?;
                match next {
                    1 | 2 => return Some(ip::decode(reader.rest(), packet)),
                    3 => ethertype = inner_ethernet(reader, packet)?,
                    _ => return Some(Body::Other("nsh")),
                }
            }
            ether::PPPOE_SESSION => return pppoe(reader, packet),
            length if length <= 1500 => return llc(reader, packet),
            other => {
                return Some(match ether::name(other) {
                    Some(name) => named(name, reader),
                    None => Body::Refused(Refusal::Ethertype),
                });
            }
        }
    }
    Some(Body::Refused(Refusal::TooDeep))
}

fn named<'a>(name: &'static str, reader: &Reader<'a>) -> Body<'a> {
    if ether::is_told(name) { Body::Told(name, reader.rest()) } else { Body::Other(name) }
}

/// A frame within a frame: its addresses are those of the ends.
fn inner_ethernet<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<u16> {
    packet.destination_mac = Mac::from_slice(reader.take(6)?);
    packet.source_mac = Mac::from_slice(reader.take(6)?);
    reader.u16()
}

/// What follows the label stack is not named in it; the first nibble tells IP from Ethernet
/// pseudowires (RFC 4928).
fn mpls<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    for _ in 0..SHIMS_MAX {
        let bottom = reader.u32()? & 0x100 != 0;
        if bottom {
            return match reader.rest().first()? >> 4 {
                4 | 6 => Some(ip::decode(reader.rest(), packet)),
                0 if reader.rest().len() > 18 => {
                    // A pseudowire control word (RFC 4385 §3), then Ethernet.
                    reader.skip(4 + 12)?;
                    let ethertype = reader.u16()?;
                    match ethertype {
                        ether::MPLS | ether::MPLS_MULTICAST => {
                            Some(Body::Refused(Refusal::TooDeep))
                        }
                        _ => network(ethertype, reader, packet),
                    }
                }
                _ => Some(Body::Other("mpls")),
            };
        }
    }
    Some(Body::Refused(Refusal::TooDeep))
}

pub(super) fn llc<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    let access_point = reader.u8()?;
    let source = reader.u8()?;
    if (access_point, source) == (0xaa, 0xaa) {
        reader.skip(1)?;
        let organisation = reader.u24()?;
        let protocol = reader.u16()?;
        return snap(organisation, protocol, reader, packet);
    }
    Some(match ether::llc_name(access_point) {
        Some(name) => Body::Other(name),
        None => Body::Refused(Refusal::Llc),
    })
}

fn snap<'a>(
    organisation: u32,
    protocol: u16,
    reader: &mut Reader<'a>,
    packet: &mut Packet<'a>,
) -> Option<Body<'a>> {
    match organisation {
        // RFC 1042 encapsulation, and bridged tunnels (IEEE 802.1H).
        0 | 0x0000f8 if protocol > 1500 => network(protocol, reader, packet),
        // RFC 2427 §4.2: Ethernet, with and without its checksum.
        0x0080c2 if matches!(protocol, 1 | 7) => {
            let ethertype = inner_ethernet(reader, packet)?;
            network(ethertype, reader, packet)
        }
        _ => Some(match ether::snap_name(organisation, protocol) {
            Some(name) => named(name, reader),
            None => Body::Refused(Refusal::Llc),
        }),
    }
}

fn arp<'a>(reader: &mut Reader<'a>) -> Body<'a> {
    // Other hardware or protocol types are ARP too, but say nothing that is used here.
    ethernet_arp(reader).map_or(Body::Other("arp"), Body::Arp)
}

fn ethernet_arp(reader: &mut Reader<'_>) -> Option<Arp> {
    if reader.take(6)? != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    let operation = reader.u16()?;
    let sender_mac = Mac::from_slice(reader.take(6)?)?;
    let sender = Ipv4Addr::from(reader.u32()?);
    Some(Arp { operation, sender_mac, sender })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{IPV4_UDP, decoded};

    #[test]
    fn stacked_vlan_tags_are_kept() {
        let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        data.extend([0x88, 0xa8, 0x00, 0x64, 0x81, 0x00, 0x20, 0xc8, 0x08, 0x00]);
        data.extend(IPV4_UDP);
        let packet = decoded(1, &data);
        assert_eq!(packet.vlans.ids(), [100, 200]);
        assert!(matches!(packet.body, Body::Ip(_)));
    }

    #[test]
    fn every_link_reaches_the_same_packet() {
        let families: [(u16, &[u8]); 19] = [
            (0, &[2, 0, 0, 0]),
            (0, &[0, 0, 0, 2]),
            (108, &[0, 0, 0, 2]),
            (101, &[]),
            (
                6,
                &[
                    0x10, 0x40, 1, 1, 1, 1, 1, 1, 0x82, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0xaa, 0xaa, 3,
                    0, 0, 0, 8, 0,
                ],
            ),
            (8, &[0; 16]),
            (9, &[0xff, 0x03, 0x00, 0x21]),
            (9, &[0x21]),
            (50, &[0x0f, 0, 0x08, 0x00]),
            (10, &[0x50, 1, 1, 1, 1, 1, 1, 2, 0, 0, 0, 0, 2, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]),
            (51, &[0x11, 0, 0, 1, 0, 31, 0, 0x21]),
            (104, &[0x0f, 0, 0x08, 0x00]),
            (107, &[0x04, 0x01, 0x03, 0xcc]),
            (107, &[0x04, 0x00, 0x01, 0x03, 0x00, 0x80, 0, 0, 0, 8, 0]),
            (107, &[0x04, 0x01, 0x08, 0x00]),
            (166, &[0, 0x03, 0x00, 0x21]),
            (239, &[2, 0, 0, 5, 8, 0, 1, 0, 8, 0, 1, 0, 5, 0, 10, 0, 0, 0, 0, 0, 33, 0, 9, 0]),
            (239, &[2, 0, 0, 5, 0, 8, 0, 1, 8, 0, 1, 0, 0, 33, 0, 9]),
            (113, &[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0, 8, 0]),
        ];
        for (link, header) in families {
            let data = [header, &IPV4_UDP].concat();
            let Body::Ip(ip) = decoded(link, &data).body else { panic!("link {link}") };
            assert_eq!(ip.destination.to_string(), "192.0.2.1", "link {link}");
        }
    }

    #[test]
    fn netfilter_names_the_sender() {
        let mut data =
            vec![2, 0, 0, 5, 16, 0, 8, 0, 0, 6, 0, 0, 2, 0, 0, 0, 0, 9, 0, 0, 33, 0, 9, 0];
        data.extend(IPV4_UDP);
        let packet = decoded(239, &data);
        assert!(matches!(packet.body, Body::Ip(_)));
        assert_eq!(packet.source_mac, Some(Mac([2, 0, 0, 0, 0, 9])));
        // A payload that is not IP, and no payload at all.
        data[0] = 7;
        assert!(matches!(decoded(239, &data).body, Body::Other("netfilter")));
        assert!(matches!(decoded(239, &data[..20]).body, Body::Refused(Refusal::LinkShort)));
    }

    #[test]
    fn near_misses_of_links() {
        for (link, header) in [
            (107, &[0x04, 0x00, 0x00, 0x00, 0x00][..]),
            (192, &[0, 0, 8, 0, 192, 0, 0, 0]),
            (51, &[0x11, 9, 0, 0, 0, 4, 0, 0x21]),
            (104, &[0x0f, 0, 0x80, 0x35]),
        ] {
            let data = [header, &IPV4_UDP].concat();
            assert!(!matches!(decoded(link, &data).body, Body::Ip(_)), "{link}");
        }
    }

    #[test]
    fn cut_headers_are_refused_by_name() {
        let Body::Refused(refusal) = decoded(1, &[0; 13]).body else { panic!() };
        assert_eq!(refusal.to_string(), "link_header_short");
        let Body::Refused(refusal) = decoded(195, &[0; 13]).body else { panic!() };
        assert_eq!(refusal.to_string(), "link_ieee802_15_4");
        let Body::Refused(refusal) = decoded(77, &[0; 13]).body else { panic!() };
        assert_eq!(refusal.to_string(), "link_77");
    }
}
