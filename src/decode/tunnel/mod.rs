//! Packets inside of packets. A tunnel is read when its inner packet can be read; otherwise the
//! packet stays one between the ends of the tunnel. Tunnels over UDP are known by their port and
//! by a header that other traffic on that port would hardly have.

mod gre;
mod udp;

pub(super) use udp::is_port;

use super::ip::{self, Ip, Transport};
use super::{Body, Packet, Refusal, ethertype as ether, link, wlan};
use crate::base::bytes::Reader;
use std::net::IpAddr;

/// One layer of encapsulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// How the inner packet is carried.
    pub kind: TunnelKind,
    /// Sender and receiver of the outer packet.
    pub outer: [IpAddr; 2],
    /// Identifier of the virtual network, in VXLAN and Geneve the same for both directions.
    pub network: Option<u32>,
}

/// Encapsulations that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelKind {
    /// IPv4 in IPv4 (RFC 2003).
    Ipip,
    /// IPv6 in IPv4 (RFC 4213).
    SixInFour,
    /// IPv4 in IPv6 (RFC 2473).
    FourInSix,
    /// IPv6 in IPv6 (RFC 2473).
    SixInSix,
    /// Generic routing encapsulation (RFC 2784, RFC 2890).
    Gre,
    /// Point-to-point tunneling, GRE version 1 (RFC 2637).
    Pptp,
    /// Mirrored Ethernet frames, types I, II and III.
    Erspan,
    /// Ethernet in IP (RFC 3378).
    EtherIp,
    /// MPLS in IP (RFC 4023).
    MplsInIp,
    /// RFC 7348, and its extension for other protocols.
    Vxlan,
    /// RFC 8926.
    Geneve,
    /// GPRS tunneling, user plane (3GPP TS 29.281).
    Gtp,
    /// IPv6 through address translators (RFC 4380).
    Teredo,
    /// IPv6 in UDP (draft-massar-v6ops-ayiya-02).
    Ayiya,
    /// TaZmen sniffer protocol: mirrored frames.
    Tzsp,
    /// Layer two tunneling, version 2 (RFC 2661).
    L2tp,
    /// Frames of wireless access points (RFC 5415).
    Capwap,
}

impl TunnelKind {
    /// The word for it in flow records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TunnelKind::Ipip => "ipip",
            TunnelKind::SixInFour => "6in4",
            TunnelKind::FourInSix => "4in6",
            TunnelKind::SixInSix => "6in6",
            TunnelKind::Gre => "gre",
            TunnelKind::Pptp => "pptp",
            TunnelKind::Erspan => "erspan",
            TunnelKind::EtherIp => "etherip",
            TunnelKind::MplsInIp => "mpls-in-ip",
            TunnelKind::Vxlan => "vxlan",
            TunnelKind::Geneve => "geneve",
            TunnelKind::Gtp => "gtp",
            TunnelKind::Teredo => "teredo",
            TunnelKind::Ayiya => "ayiya",
            TunnelKind::Tzsp => "tzsp",
            TunnelKind::L2tp => "l2tp",
            TunnelKind::Capwap => "capwap",
        }
    }
}

/// Layers of encapsulation, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tunnels {
    layers: [Option<Tunnel>; Tunnels::MAX],
}

impl Tunnels {
    /// Most layers that are followed.
    pub const MAX: usize = 8;
    /// No tunnel.
    pub const NONE: Tunnels = Tunnels { layers: [None; Tunnels::MAX] };

    /// The layers.
    pub fn iter(&self) -> impl Iterator<Item = &Tunnel> {
        self.layers.iter().map_while(Option::as_ref)
    }

    /// Whether there is no tunnel.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layers[0].is_none()
    }

    fn push(&mut self, tunnel: Tunnel) -> bool {
        let free = self.layers.iter_mut().find(|layer| layer.is_none());
        free.map(|layer| *layer = Some(tunnel)).is_some()
    }
}

/// What a tunnel header says.
struct Header {
    kind: TunnelKind,
    network: Option<u32>,
    carries: Carries,
}

/// What follows a tunnel header.
enum Carries {
    Ip,
    /// IP with a header that must be right in all respects, because little else told the tunnel
    /// from other traffic.
    StrictIp,
    Ethernet,
    Ethertype(u16),
    Ppp,
    Wlan,
    /// Sent by access points that swap the first two bytes.
    CapwapWlan,
    PrismOrAvs,
}

impl Header {
    fn of(kind: TunnelKind, carries: Carries) -> Header {
        Header { kind, network: None, carries }
    }
}

/// Whether a packet may be a tunnel: cheap, because it is asked of every packet.
#[inline]
pub(super) fn may_be(ip: &Ip<'_>) -> bool {
    match &ip.transport {
        Transport::Udp { source_port, destination_port, .. } => {
            is_port(*source_port) || is_port(*destination_port)
        }
        Transport::None { .. } => matches!(ip.protocol, 4 | 41 | 47 | 97 | 137),
        _ => false,
    }
}

/// What is inside of `outer`, where it can be read; `payload` is what follows its IP header.
pub(super) fn inside<'a>(
    outer: &Ip<'a>,
    payload: &'a [u8],
    packet: &mut Packet<'a>,
) -> Option<Body<'a>> {
    let mut reader = Reader::new(payload);
    let header = match &outer.transport {
        Transport::Udp { source_port, destination_port, payload, payload_length } => {
            reader = Reader::new(payload);
            udp::header([*source_port, *destination_port], *payload_length, &mut reader)?
        }
        _ => by_protocol(outer, &mut reader)?,
    };
    let before = *packet;
    let tunnel = Tunnel {
        kind: header.kind,
        outer: [outer.source, outer.destination],
        network: header.network,
    };
    if !packet.tunnels.push(tunnel) {
        return Some(Body::Refused(Refusal::TooDeep));
    }
    let body = carried(&header.carries, reader, packet);
    let strict = matches!(header.carries, Carries::StrictIp) || header.kind == TunnelKind::L2tp;
    match body {
        Some(Body::Ip(ip)) if strict && ip.bad_checksum == Some("ip") => {}
        Some(Body::Ip(_) | Body::Arp(_) | Body::Refused(Refusal::TooDeep)) => return body,
        _ => {}
    }
    *packet = before;
    None
}

fn by_protocol(outer: &Ip<'_>, reader: &mut Reader<'_>) -> Option<Header> {
    let over_four = outer.source.is_ipv4();
    let version = reader.rest().first()? >> 4;
    Some(match (outer.protocol, version) {
        (4, 4) if over_four => Header::of(TunnelKind::Ipip, Carries::Ip),
        (4, 4) => Header::of(TunnelKind::FourInSix, Carries::Ip),
        (41, 6) if over_four => Header::of(TunnelKind::SixInFour, Carries::Ip),
        (41, 6) => Header::of(TunnelKind::SixInSix, Carries::Ip),
        (47, _) => return gre::header(reader),
        (97, 3) => {
            reader.skip(2)?;
            Header::of(TunnelKind::EtherIp, Carries::Ethernet)
        }
        (137, _) => Header::of(TunnelKind::MplsInIp, Carries::Ethertype(ether::MPLS)),
        _ => return None,
    })
}

fn carried<'a>(
    carries: &Carries,
    mut reader: Reader<'a>,
    packet: &mut Packet<'a>,
) -> Option<Body<'a>> {
    // The ends of a tunnel are not the senders of what is in it: as behind a router, those are
    // known by their network address only, unless the tunnel carries whole frames.
    (packet.source_mac, packet.destination_mac) = (None, None);
    match carries {
        Carries::Ip | Carries::StrictIp => Some(ip::decode(reader.rest(), packet)),
        Carries::Ethernet => link::ethernet(&mut reader, packet),
        Carries::Ethertype(ethertype) => link::network(*ethertype, &mut reader, packet),
        Carries::Ppp => link::ppp_framed(&mut reader, packet),
        Carries::Wlan => wlan::frame(&mut reader, packet, false),
        Carries::CapwapWlan => wlan::of_access_point(&mut reader, packet),
        Carries::PrismOrAvs => wlan::prism_or_avs(&mut reader, packet),
    }
}

#[cfg(test)]
mod tests;
