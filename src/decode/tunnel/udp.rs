//! Tunnels over UDP. What is on their ports need not be one of them, so each header is checked
//! as far as its definition allows.

use super::{Carries, Header, TunnelKind, gre};
use crate::base::bytes::Reader;

const L2TP: u16 = 1701;
const GTP: u16 = 2152;
const TEREDO: u16 = 3544;
const GRE: u16 = 4754;
const VXLAN: u16 = 4789;
const VXLAN_GPE: u16 = 4790;
const AYIYA: u16 = 5072;
const CAPWAP: u16 = 5247;
const GENEVE: u16 = 6081;
const TZSP: u16 = 37008;

/// Whether tunnels use this port.
#[inline]
pub(in crate::decode) fn is_port(port: u16) -> bool {
    matches!(port, L2TP | GTP | TEREDO | GRE | VXLAN | VXLAN_GPE | AYIYA | CAPWAP | GENEVE | TZSP)
}

/// The tunnel header at the start of a datagram's payload of `on_wire` bytes. Most tunnels are
/// sent to the port; some answer from it.
pub(super) fn header(ports: [u16; 2], on_wire: u32, reader: &mut Reader<'_>) -> Option<Header> {
    let [source, destination] = ports;
    let port = if is_port(destination) { destination } else { source };
    match port {
        VXLAN => vxlan(reader),
        VXLAN_GPE => vxlan_gpe(reader),
        GENEVE => geneve(reader),
        TZSP => tzsp(reader),
        GTP => gtp(on_wire, reader),
        GRE => gre_in_udp(reader),
        TEREDO => teredo(on_wire, reader),
        L2TP => l2tp(on_wire, reader),
        AYIYA => ayiya(on_wire, reader),
        CAPWAP => capwap(reader),
        _ => None,
    }
}

/// RFC 7348 §5: all reserved bits are zero, but for the group policy extension.
fn vxlan(reader: &mut Reader<'_>) -> Option<Header> {
    let flags = reader.u8()?;
    let policy = reader.u8()?;
    let group = reader.u16()?;
    let network = reader.u24()?;
    let reserved = reader.u8()?;
    let plain = flags == 0x08 && policy == 0 && group == 0;
    let with_group = flags == 0x88 && policy & !0x48 == 0;
    ((plain || with_group) && reserved == 0).then_some(Header {
        kind: TunnelKind::Vxlan,
        network: Some(network),
        carries: Carries::Ethernet,
    })
}

/// draft-ietf-nvo3-vxlan-gpe-12 §3.1.
fn vxlan_gpe(reader: &mut Reader<'_>) -> Option<Header> {
    let [flags, 0, 0, next] = *reader.take(4)? else {
        return None;
    };
    let network = reader.u24()?;
    let reserved = reader.u8()?;
    let carries = match next {
        1 | 2 => Carries::Ip,
        3 => Carries::Ethernet,
        4 => Carries::Ethertype(super::ether::NSH),
        _ => return None,
    };
    // Some senders leave out the bit that says that there is a next protocol.
    (flags & !0x07 == 0x08 && reserved == 0).then_some(Header {
        kind: TunnelKind::Vxlan,
        network: Some(network),
        carries,
    })
}

/// RFC 8926 §3.4.
fn geneve(reader: &mut Reader<'_>) -> Option<Header> {
    let first = reader.u8()?;
    let (version, options) = (first >> 6, usize::from(first & 0x3f) * 4);
    let reserved = reader.u8()? & 0x3f;
    let ethertype = reader.u16()?;
    let network = reader.u24()?;
    if (version, reserved, reader.u8()?) != (0, 0, 0) {
        return None;
    }
    reader.skip(options)?;
    let carries = match ethertype {
        0x6558 => Carries::Ethernet,
        other => Carries::Ethertype(other),
    };
    Some(Header { kind: TunnelKind::Geneve, network: Some(network), carries })
}

/// Version 1: a received or transmitted packet, its link, then tagged fields.
fn tzsp(reader: &mut Reader<'_>) -> Option<Header> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    let [1, 0 | 1] = *reader.take(2)? else {
        return None;
    };
    let carries = match reader.u16()? {
        0x01 => Carries::Ethernet,
        0x12 => Carries::Wlan,
        0x77 | 0x7f => Carries::PrismOrAvs,
        _ => return None,
    };
    loop {
        match reader.u8()? {
            PADDING => {}
            END => return Some(Header::of(TunnelKind::Tzsp, carries)),
            _ => {
                reader.nested_u8()?;
            }
        }
    }
}

/// 3GPP TS 29.281 §5.1: version 1, not the primed protocol, a user packet, a length that fits.
fn gtp(on_wire: u32, reader: &mut Reader<'_>) -> Option<Header> {
    const USER_PACKET: u8 = 0xff;
    const EXTENDED: u8 = 0x04;
    let flags = reader.u8()?;
    let kind = reader.u8()?;
    let length = u32::from(reader.u16()?);
    if flags & 0xf8 != 0x30 || kind != USER_PACKET || length + 8 != on_wire {
        return None;
    }
    reader.skip(4)?;
    if flags & 0x07 != 0 {
        reader.skip(3)?;
        let mut next = reader.u8()?;
        while flags & EXTENDED != 0 && next != 0 {
            // Its length counts words of four bytes; the last byte names the next.
            let words = usize::from(reader.u8()?);
            reader.skip((words * 4).checked_sub(2)?)?;
            next = reader.u8()?;
        }
    }
    Some(Header::of(TunnelKind::Gtp, Carries::StrictIp))
}

/// GRE in UDP (RFC 8086 §3): version 0 and no routing.
fn gre_in_udp(reader: &mut Reader<'_>) -> Option<Header> {
    let flags = u16::from_be_bytes(*reader.rest().first_chunk()?);
    (flags & 0x4fff == 0).then(|| gre::header(reader))?
}

/// RFC 4380 §5.1.1: authentication and origin may stand before the packet, one end of which has
/// a Teredo address, or a link-local one while it asks for that.
fn teredo(on_wire: u32, reader: &mut Reader<'_>) -> Option<Header> {
    const ORIGIN: [u8; 2] = [0, 0];
    const AUTHENTICATION: [u8; 2] = [0, 1];
    if reader.rest().starts_with(&AUTHENTICATION) {
        reader.skip(2)?;
        let identifier = usize::from(reader.u8()?);
        let value = usize::from(reader.u8()?);
        reader.skip(identifier + value + 9)?;
    }
    if reader.rest().starts_with(&ORIGIN) {
        reader.skip(8)?;
    }
    let packet = reader.rest().get(..40)?;
    let length = 40 + u32::from(u16::from_be_bytes([packet[4], packet[5]]));
    let fits = reader.position() as u32 + length <= on_wire;
    let known = |address: &[u8]| {
        address.starts_with(&[0x20, 0x01, 0, 0]) || address.starts_with(&[0xfe, 0x80])
    };
    let addressed = known(&packet[8..]) || known(&packet[24..]);
    (packet[0] >> 4 == 6 && fits && addressed)
        .then(|| Header::of(TunnelKind::Teredo, Carries::StrictIp))
}

/// A data message of RFC 2661 §3.1.
fn l2tp(on_wire: u32, reader: &mut Reader<'_>) -> Option<Header> {
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    /// Control messages, reserved bits and the version.
    const FIXED: u16 = 0xb4ff;
    let flags = reader.u16()?;
    if flags & FIXED != 0x0002 {
        return None;
    }
    if flags & LENGTH != 0 && u32::from(reader.u16()?) != on_wire {
        return None;
    }
    reader.skip(4)?;
    if flags & SEQUENCE != 0 {
        reader.skip(4)?;
    }
    if flags & OFFSET != 0 {
        let padding = reader.u16()?;
        reader.skip(usize::from(padding))?;
    }
    Some(Header::of(TunnelKind::L2tp, Carries::Ppp))
}

/// draft-massar-v6ops-ayiya-02 §3: a packet to forward, behind an identity of two to the power of
/// its length field and a signature in words of four bytes.
fn ayiya(on_wire: u32, reader: &mut Reader<'_>) -> Option<Header> {
    const FORWARD: u8 = 1;
    const IPV6: u8 = 41;
    let [identity, signature, operation, next] = *reader.take(4)? else {
        return None;
    };
    reader.skip(4 + (1 << (identity >> 4)) + usize::from(signature >> 4) * 4)?;
    let packet = reader.rest().get(..40)?;
    let length = 40 + u32::from(u16::from_be_bytes([packet[4], packet[5]]));
    let fits = reader.position() as u32 + length == on_wire;
    (operation & 0x0f == FORWARD && next == IPV6 && packet[0] >> 4 == 6 && fits)
        .then(|| Header::of(TunnelKind::Ayiya, Carries::StrictIp))
}

/// RFC 5415 §4.3: an unencrypted data message that is neither a piece nor a keep-alive.
fn capwap(reader: &mut Reader<'_>) -> Option<Header> {
    const NATIVE: u32 = 0x100;
    const PIECE: u32 = 0x80;
    const KEEP_ALIVE: u32 = 0x08;
    const RESERVED: u32 = 0x07;
    let preamble = reader.u8()?;
    let rest = reader.u24()?;
    let words = (rest >> 19) as usize;
    let binding = rest >> 9 & 0x1f;
    if preamble != 0 || rest & (PIECE | KEEP_ALIVE | RESERVED) != 0 {
        return None;
    }
    reader.skip((words * 4).checked_sub(4).filter(|&left| left >= 4)?)?;
    match (rest & NATIVE != 0, binding) {
        (false, _) => Some(Header::of(TunnelKind::Capwap, Carries::Ethernet)),
        (true, 1) => Some(Header::of(TunnelKind::Capwap, Carries::CapwapWlan)),
        _ => None,
    }
}
