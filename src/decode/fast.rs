//! The short way for what most frames are: Ethernet, IPv4 without options or IPv6 without
//! extension headers, captured whole, TCP or UDP outside of tunnels, with lengths that agree. Says
//! nothing about any other frame, and about these the same as the long way through
//! [`super::decode`]: the tests of a packet's account in the flow stage hold it against that.

use super::{checksum, tunnel};
use crate::base::address::Mac;
use crate::source::Frame;

const ETHERNET: u16 = 1;
const LINK_HEADER: usize = 14;
const MORE_OR_LATER_FRAGMENT: u16 = 0x3fff;
const TCP: u8 = super::ip::TCP;
const UDP: u8 = super::ip::UDP;

/// What such a frame says up to the IP layer.
#[derive(Debug, Clone, Copy)]
pub struct Network<'a> {
    /// Sender and receiver, as [`crate::base::address::words`] has them.
    pub addresses: [[u64; 2]; 2],
    /// Whether they are IPv4 addresses.
    pub is_v4: bool,
    /// TCP or UDP, by IANA protocol number.
    pub protocol: u8,
    /// Time to live or hop limit.
    pub hops: u8,
    /// The number that the sender gave the packet (IPv4), 0 where there is none.
    pub identification: u16,
    /// Bytes of the IP packet, its header included.
    pub length: u32,
    /// Of both addresses.
    sum: u64,
    payload: &'a [u8],
}

/// What its transport says.
#[derive(Debug, Clone, Copy)]
pub struct Carried<'a> {
    /// Sender's and receiver's.
    pub ports: [u16; 2],
    /// TCP sequence number, 0 for UDP.
    pub sequence: u32,
    /// TCP acknowledgment number, 0 for UDP.
    pub acknowledgment: u32,
    /// TCP flags, 0 for UDP.
    pub flags: u8,
    /// The transport's checksum field.
    pub checksum: u16,
    /// Transport payload, all of which was captured.
    pub payload: &'a [u8],
    /// Whether the transport's checksum fits, or the sender computed none.
    pub good_checksum: bool,
}

/// The version of the IP layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Which version the frame may be of, receiver and sender on the link (zero for none), and what
/// lies behind its link header.
#[inline(always)]
#[must_use]
pub fn link<'a>(frame: &Frame<'a>) -> Option<(Version, [Mac; 2], &'a [u8])> {
    if frame.link != ETHERNET {
        return None;
    }
    let (link, bytes) = frame.data.split_first_chunk::<LINK_HEADER>()?;
    let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, kind @ ..] = *link;
    let version = match kind {
        [0x08, 0x00] => Version::V4,
        [0x86, 0xdd] => Version::V6,
        _ => return None,
    };
    let macs = [Mac([d0, d1, d2, d3, d4, d5]), Mac([s0, s1, s2, s3, s4, s5])];
    Some((version, macs, bytes))
}

impl<'a> Network<'a> {
    /// What TCP says.
    #[inline(always)]
    #[must_use]
    pub fn tcp(&self) -> Option<Carried<'a>> {
        let bytes = self.payload;
        let header = bytes.first_chunk::<20>()?;
        let header_length = usize::from(header[12] >> 4) * 4;
        if header_length < header.len() {
            return None;
        }
        let u32_at = |at: usize| {
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        Some(Carried {
            ports: ports(header),
            sequence: u32_at(4),
            acknowledgment: u32_at(8),
            flags: header[13],
            checksum: u16::from_be_bytes([header[16], header[17]]),
            payload: bytes.get(header_length..)?,
            good_checksum: self.is_valid(bytes),
        })
    }

    /// What UDP says, where it is no tunnel.
    #[inline(always)]
    #[must_use]
    pub fn udp(&self) -> Option<Carried<'a>> {
        let header = self.payload.first_chunk::<8>()?;
        let stated = usize::from(u16::from_be_bytes([header[4], header[5]]));
        let bytes = self.payload.get(..stated)?;
        let payload = bytes.get(header.len()..)?;
        let ports = ports(header);
        if tunnel::is_port(ports[0]) || tunnel::is_port(ports[1]) {
            return None;
        }
        let checksum = u16::from_be_bytes([header[6], header[7]]);
        // Zero: the sender computed none (RFC 768).
        let good_checksum = checksum == 0 || self.is_valid(bytes);
        let (sequence, acknowledgment, flags) = (0, 0, 0);
        Some(Carried { ports, sequence, acknowledgment, flags, checksum, payload, good_checksum })
    }

    /// Whether the checksum over the transport and its pseudo-header fits.
    #[inline(always)]
    fn is_valid(&self, bytes: &[u8]) -> bool {
        let about = checksum::about(self.protocol, bytes.len() as u32);
        checksum::is_valid(checksum::add(self.sum + about, bytes))
    }
}

#[inline(always)]
fn ports(header: &[u8]) -> [u16; 2] {
    [u16::from_be_bytes([header[0], header[1]]), u16::from_be_bytes([header[2], header[3]])]
}

/// What IPv4 says, where TCP or UDP lies in it whole.
#[inline(always)]
#[must_use]
pub fn v4(bytes: &[u8]) -> Option<Network<'_>> {
    let header = bytes.first_chunk::<20>()?;
    let u16_at = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let total = usize::from(u16_at(2));
    let protocol = header[9];
    if header[0] != 0x45 || u16_at(6) & MORE_OR_LATER_FRAGMENT != 0 {
        return None;
    }
    let (before, addresses) = header.split_last_chunk::<8>()?;
    let sum = checksum::add_array(addresses);
    if !matches!(protocol, TCP | UDP) || !checksum::is_valid(checksum::add(sum, before)) {
        return None;
    }
    let both = u64::from_be_bytes(*addresses);
    Some(Network {
        addresses: [[both & !0xffff_ffff, 0], [both << 32, 0]],
        is_v4: true,
        protocol,
        hops: header[8],
        identification: u16_at(4),
        length: total as u32,
        sum,
        payload: bytes.get(header.len()..total)?,
    })
}

/// What IPv6 says, where TCP or UDP lies in it whole.
#[inline(always)]
#[must_use]
pub fn v6(bytes: &[u8]) -> Option<Network<'_>> {
    let header = bytes.first_chunk::<40>()?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let protocol = header[6];
    if header[0] >> 4 != 6 || !matches!(protocol, TCP | UDP) || length == 0 {
        return None;
    }
    let (_, addresses) = header.split_last_chunk::<32>()?;
    let word = |at: usize| -> Option<u64> {
        Some(u64::from_be_bytes(*addresses.get(at * 8..)?.first_chunk()?))
    };
    Some(Network {
        addresses: [[word(0)?, word(1)?], [word(2)?, word(3)?]],
        is_v4: false,
        protocol,
        hops: header[7],
        identification: 0,
        length: (header.len() + length) as u32,
        sum: checksum::add(0, addresses),
        payload: bytes.get(header.len()..header.len() + length)?,
    })
}
