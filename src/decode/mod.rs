//! Turns the bytes of a frame into a packet: link, network and transport headers. Borrows the
//! frame and allocates nothing. Broken input is data, not an error: a packet says where and why
//! its reading stopped, and every frame ends in exactly one bucket of the frame ledger.

mod checksum;
mod ethertype;
pub mod fast;
pub mod fragments;
mod frame_ledger;
pub mod ip;
mod link;
pub mod neighbour;
#[cfg(test)]
mod testing;
pub mod tunnel;
mod wlan;

pub use frame_ledger::FrameLedger;
pub use ip::{Ip, Tcp, Transport};
pub use link::decode;
pub use tunnel::{Tunnel, TunnelKind, Tunnels};

use crate::base::address::Mac;
use std::fmt;
use std::net::Ipv4Addr;

/// One decoded frame.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Sender on the innermost link, where that has addresses.
    pub source_mac: Option<Mac>,
    /// Receiver on the innermost link, where that has addresses.
    pub destination_mac: Option<Mac>,
    /// VLAN tags, outermost first.
    pub vlans: Vlans,
    /// Tunnels around the packet, outermost first.
    pub tunnels: Tunnels,
    /// What the frame carries.
    pub body: Body<'a>,
}

/// What a frame carries: its bucket in the frame ledger.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// A packet with a valid IPv4 or IPv6 header.
    Ip(Ip<'a>),
    /// An ARP message for IPv4.
    Arp(Arp),
    /// Another known protocol, by the name it has in the ledger.
    Other(&'static str),
    /// The same, with what it says: senders describe themselves in it.
    Told(&'static str, &'a [u8]),
    /// Not explained, and why.
    Refused(Refusal),
}

/// An ARP message (RFC 826).
#[derive(Debug, Clone, Copy)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Hardware address that the sender states.
    pub sender_mac: Mac,
    /// Network address that the sender states; unspecified in a probe (RFC 5227).
    pub sender: Ipv4Addr,
}

/// Why a frame could not be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// A link type that is not read (LINKTYPE_ value).
    Link(u16),
    /// A record that Wireshark numbers but that holds no packet.
    NotAPacket,
    /// The capture cut the frame within its link header, or the frame is a runt.
    LinkShort,
    /// An ethertype that is not known.
    Ethertype,
    /// An LLC service access point that is not known.
    Llc,
    /// An IP header that is cut or contradicts itself.
    IpHeader,
    /// An encrypted 802.11 frame.
    WlanProtected,
    /// A later piece of an 802.11 frame that was cut for the radio.
    WlanFragment,
    /// An 802.11 frame that the capturing card says was garbled.
    WlanChecksum,
    /// More tags, shims or tunnels than are followed.
    TooDeep,
}

impl fmt::Display for Refusal {
    /// The key in the frame ledger.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Link(number) => match link_name(*number) {
                Some(name) => f.write_str(name),
                None => write!(f, "link_{number}"),
            },
            Refusal::NotAPacket => f.write_str("not_a_packet"),
            Refusal::LinkShort => f.write_str("link_header_short"),
            Refusal::Ethertype => f.write_str("ethertype_unknown"),
            Refusal::Llc => f.write_str("llc_unknown"),
            Refusal::IpHeader => f.write_str("ip_header_bad"),
            Refusal::WlanProtected => f.write_str("wlan_protected"),
            Refusal::WlanFragment => f.write_str("wlan_fragment"),
            Refusal::WlanChecksum => f.write_str("wlan_checksum_bad"),
            Refusal::TooDeep => f.write_str("too_many_layers"),
        }
    }
}

/// Radio and bus links that are refused by name, so that nobody takes silence for absence.
fn link_name(number: u16) -> Option<&'static str> {
    Some(match number {
        192 => "link_ppi",
        187 | 201 => "link_bluetooth_hci",
        251 | 256 => "link_bluetooth_le",
        190 | 227 => "link_can",
        195 | 215 | 230 | 283 => "link_ieee802_15_4",
        189 | 220 | 249 => "link_usb",
        _ => return None,
    })
}

/// Why the transport header of a packet with a valid IP header could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopped {
    /// The capture or the packet ends within the transport header.
    TransportShort,
    /// The transport header contradicts itself.
    TransportBad,
    /// IPv6 extension headers are cut or contradict themselves.
    ExtensionBad,
    /// The IP header states a length that does not even cover the header.
    LengthBad,
}

impl Stopped {
    /// The key under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stopped::TransportShort => "transport_header_short",
            Stopped::TransportBad => "transport_header_bad",
            Stopped::ExtensionBad => "ipv6_extension_bad",
            Stopped::LengthBad => "ip_length_bad",
        }
    }
}

/// VLAN identifiers, outermost first, of up to [`Vlans::MAX`] tags (IEEE 802.1Q).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Vlans {
    ids: [u16; Vlans::MAX],
    count: u8,
}

impl Vlans {
    /// Most tags that are followed.
    pub const MAX: usize = 4;
    /// No tag.
    pub const NONE: Vlans = Vlans { ids: [0; Vlans::MAX], count: 0 };

    fn push(&mut self, id: u16) -> bool {
        let Some(slot) = self.ids.get_mut(usize::from(self.count)) else {
            return false;
        };
        *slot = id;
        self.count += 1;
        true
    }

    /// The identifiers, each 0 to 4095.
    #[must_use]
    pub fn ids(&self) -> &[u16] {
        &self.ids[..usize::from(self.count)]
    }
}
