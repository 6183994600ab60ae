//! Ethernet frames with correct lengths and checksums, built in one buffer that is used again.

use crate::address::Mac;
use std::net::{IpAddr, SocketAddr};

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
/// Shortest frame that Ethernet carries, without its check sequence; shorter ones are padded.
const LENGTH_MIN: usize = 60;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RESET: u8 = 0x04;
pub const PUSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

/// Options of a SYN as Linux sends them: segment size, selective acknowledgement, time stamp,
/// window scale.
pub const SYN_OPTIONS: &[u8] = &[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 7];

/// Where a packet comes from and goes to; both addresses of one family.
#[derive(Clone, Copy)]
pub struct Ends {
    pub macs: [Mac; 2],
    pub addresses: [SocketAddr; 2],
}

impl Ends {
    pub fn new(macs: [Mac; 2], addresses: [(IpAddr, u16); 2]) -> Ends {
        Ends { macs, addresses: addresses.map(SocketAddr::from) }
    }

    pub fn with_ports(mut self, ports: [u16; 2]) -> Ends {
        self.addresses.iter_mut().zip(ports).for_each(|(end, port)| end.set_port(port));
        self
    }

    pub fn turned(self) -> Ends {
        let [a, b] = self.macs;
        let [c, d] = self.addresses;
        Ends { macs: [b, a], addresses: [d, c] }
    }
}

#[derive(Clone, Copy, Default)]
pub struct Tcp<'a> {
    pub sequence: u32,
    pub acknowledgement: u32,
    pub flags: u8,
    /// A multiple of four bytes.
    pub options: &'a [u8],
}

/// The buffer.
#[derive(Default)]
pub struct Frame {
    bytes: Vec<u8>,
    /// Counts up as a plain stack does (IPv4 identification).
    identification: u16,
}

impl Frame {
    pub fn udp(&mut self, ends: &Ends, payload: &[u8]) -> &[u8] {
        let length = 8 + payload.len();
        let at = self.ip(ends, UDP, length);
        for word in [ends.addresses[0].port(), ends.addresses[1].port(), length as u16, 0] {
            self.bytes.extend(word.to_be_bytes());
        }
        self.bytes.extend_from_slice(payload);
        // Zero would mean "no checksum" (RFC 768).
        let sum = match self.checksum(ends, UDP, at) {
            0 => 0xffff,
            sum => sum,
        };
        self.put(at + 6, sum);
        self.padded()
    }

    pub fn tcp(&mut self, ends: &Ends, tcp: Tcp<'_>, payload: &[u8]) -> &[u8] {
        let header = 20 + tcp.options.len();
        let at = self.ip(ends, TCP, header + payload.len());
        self.bytes.extend(ends.addresses[0].port().to_be_bytes());
        self.bytes.extend(ends.addresses[1].port().to_be_bytes());
        self.bytes.extend(tcp.sequence.to_be_bytes());
        self.bytes.extend(tcp.acknowledgement.to_be_bytes());
        self.bytes.extend([(header as u8 / 4) << 4, tcp.flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        self.bytes.extend_from_slice(tcp.options);
        self.bytes.extend_from_slice(payload);
        let sum = self.checksum(ends, TCP, at);
        self.put(at + 16, sum);
        self.padded()
    }

    /// ICMP or ICMPv6 echo, 56 bytes of data as `ping` sends them.
    pub fn echo(&mut self, ends: &Ends, reply: bool, identifier: u16, number: u16) -> &[u8] {
        let (protocol, kind) = match (ends.addresses[0].is_ipv4(), reply) {
            (true, false) => (ICMP, 8),
            (true, true) => (ICMP, 0),
            (false, false) => (ICMPV6, 128),
            (false, true) => (ICMPV6, 129),
        };
        let at = self.ip(ends, protocol, 64);
        self.bytes.extend([kind, 0, 0, 0]);
        self.bytes.extend(identifier.to_be_bytes());
        self.bytes.extend(number.to_be_bytes());
        self.bytes.extend(0..56);
        // ICMP of IPv4 has no pseudo-header (RFC 792), that of IPv6 has one (RFC 4443 §2.3).
        let sum = if protocol == ICMP {
            fold(sum(&self.bytes[at..]))
        } else {
            self.checksum(ends, protocol, at)
        };
        self.put(at + 2, sum);
        self.padded()
    }

    /// Ethernet and nothing that has a checksum.
    pub fn other(&mut self, macs: [Mac; 2], ethertype: u16, body: &[u8]) -> &[u8] {
        self.bytes.clear();
        self.bytes.extend(macs[1]);
        self.bytes.extend(macs[0]);
        self.bytes.extend(ethertype.to_be_bytes());
        self.bytes.extend_from_slice(body);
        self.padded()
    }

    /// Ethernet and IP headers; returns where the transport header begins.
    fn ip(&mut self, ends: &Ends, protocol: u8, length: usize) -> usize {
        let out = &mut self.bytes;
        out.clear();
        out.extend(ends.macs[1]);
        out.extend(ends.macs[0]);
        match ends.addresses.map(|address| address.ip()) {
            [IpAddr::V4(source), IpAddr::V4(destination)] => {
                self.identification = self.identification.wrapping_add(1);
                out.extend([8, 0, 0x45, 0]);
                out.extend(((20 + length) as u16).to_be_bytes());
                out.extend(self.identification.to_be_bytes());
                out.extend([0x40, 0, 64, protocol, 0, 0]);
                out.extend(source.octets());
                out.extend(destination.octets());
                let sum = fold(sum(&out[14..34]));
                self.put(24, sum);
            }
            [IpAddr::V6(source), IpAddr::V6(destination)] => {
                out.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
                out.extend((length as u16).to_be_bytes());
                out.extend([protocol, 64]);
                out.extend(source.octets());
                out.extend(destination.octets());
            }
            _ => panic!("one packet, two families"),
        }
        self.bytes.len()
    }

    /// Checksum of what begins at `at`, with the pseudo-header.
    fn checksum(&self, ends: &Ends, protocol: u8, at: usize) -> u16 {
        let length = (self.bytes.len() - at) as u64;
        let addresses = match ends.addresses[0] {
            SocketAddr::V4(_) => 26..34,
            SocketAddr::V6(_) => 22..54,
        };
        let pseudo = sum(&self.bytes[addresses]) + u64::from(protocol) + length;
        fold(pseudo + sum(&self.bytes[at..]))
    }

    fn put(&mut self, at: usize, value: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }

    fn padded(&mut self) -> &[u8] {
        let length = self.bytes.len().max(LENGTH_MIN);
        self.bytes.resize(length, 0);
        &self.bytes
    }
}

/// Sum of big-endian 16-bit words, four bytes at a time: 2^32 is 1 modulo 2^16 - 1, as 2^16 is.
fn sum(bytes: &[u8]) -> u64 {
    let chunks = bytes.chunks_exact(4);
    let rest = chunks.remainder();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    chunks.map(|chunk| u64::from(u32::from_be_bytes(chunk.try_into().expect("four")))).sum::<u64>()
        + u64::from(u32::from_be_bytes(last))
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
