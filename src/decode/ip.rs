//! IPv4, IPv6 and their transports, sliced by etherparse in its lax mode, which keeps what is
//! readable of a packet that the capture cut.

use super::{Body, Packet, Refusal, Stopped, checksum, tunnel};
use etherparse::LaxIpSlice;
use std::net::IpAddr;

/// A packet with a valid IP header.
#[derive(Debug, Clone, Copy)]
pub struct Ip<'a> {
    /// Sender.
    pub source: IpAddr,
    /// Receiver.
    pub destination: IpAddr,
    /// IANA protocol number of what follows the IP and extension headers.
    pub protocol: u8,
    /// Time to live or hop limit.
    pub hops: u8,
    /// Bytes of the IP packet on the wire, its header included.
    pub length: u32,
    /// The number that the sender gave the packet (IPv4; RFC 6864), 0 where there is none.
    pub identification: u16,
    /// The transport's checksum field as it was on the wire, 0 where there is none.
    pub checksum: u16,
    /// A fragment that is not a whole packet; its transport is not read.
    pub fragment: bool,
    /// The transport header and its payload.
    pub transport: Transport<'a>,
    /// A checksum that does not fit: the protocol it belongs to. Often an offloaded checksum.
    pub bad_checksum: Option<&'static str>,
    /// Why the transport is unreadable.
    pub stopped: Option<Stopped>,
}

/// Transport header and payload. `payload_length` is what the headers say was on the wire,
/// `payload` what of it was captured.
#[derive(Debug, Clone, Copy)]
pub enum Transport<'a> {
    /// RFC 9293.
    Tcp(Tcp<'a>),
    /// RFC 768.
    Udp {
        /// Sender's port.
        source_port: u16,
        /// Receiver's port.
        destination_port: u16,
        /// Captured payload.
        payload: &'a [u8],
        /// Payload on the wire, bytes.
        payload_length: u32,
    },
    /// RFC 792 and RFC 4443.
    Icmp {
        /// Message type.
        kind: u8,
        /// Message code.
        code: u8,
        /// Identifier of echo messages.
        identifier: Option<u16>,
        /// The message from its type on, as far as it was captured.
        message: &'a [u8],
        /// Bytes behind the 8-byte header on the wire.
        payload_length: u32,
    },
    /// RFC 9776 and older versions.
    Igmp {
        /// The message, as far as it was captured.
        message: &'a [u8],
        /// Its bytes on the wire.
        payload_length: u32,
    },
    /// SCTP and others with ports where RFC 768 has them.
    Ports {
        /// Sender's port.
        source_port: u16,
        /// Receiver's port.
        destination_port: u16,
        /// Bytes behind the ports on the wire.
        payload_length: u32,
    },
    /// A piece of a packet.
    Fragment {
        /// The IP packet from its first byte, as far as it was captured.
        packet: &'a [u8],
        /// Bytes behind the IP headers on the wire.
        payload_length: u32,
    },
    /// No ports: another protocol, or unreadable.
    None {
        /// Bytes behind the IP headers on the wire.
        payload_length: u32,
    },
}

/// A TCP segment.
#[derive(Debug, Clone, Copy)]
pub struct Tcp<'a> {
    /// Sender's port.
    pub source_port: u16,
    /// Receiver's port.
    pub destination_port: u16,
    /// Sequence number of the first payload byte, or of the SYN.
    pub sequence: u32,
    /// Next sequence number expected from the other side, valid with the ACK flag.
    pub acknowledgment: u32,
    /// Flag byte: CWR ECE URG ACK PSH RST SYN FIN from bit 7 to bit 0.
    pub flags: u8,
    /// Captured payload.
    pub payload: &'a [u8],
    /// Payload on the wire, bytes.
    pub payload_length: u32,
}

/// TCP flag bits.
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// The acknowledgment field is significant.
    pub const ACK: u8 = 0x10;
}

const ICMP: u8 = 1;
const IGMP: u8 = 2;
/// IANA protocol number.
pub const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const DCCP: u8 = 33;
const SCTP: u8 = 132;
const UDP_LITE: u8 = 136;

/// Decodes from the first byte of the IP header, through tunnels to the innermost packet.
#[inline]
pub(super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Body<'a> {
    let Ok((slice, stopped)) = LaxIpSlice::from_slice(bytes) else {
        return Body::Refused(Refusal::IpHeader);
    };
    let (source, destination, hops, header_length, length, header_bad, identification);
    let mut stopped = stopped.map(|_| Stopped::ExtensionBad);
    match &slice {
        LaxIpSlice::Ipv4(v4) => {
            let header = v4.header();
            source = IpAddr::V4(header.source_addr());
            destination = IpAddr::V4(header.destination_addr());
            hops = header.ttl();
            identification = header.identification();
            header_length = header.slice().len();
            // Zero: the sending kernel left segmentation to its network card.
            length = match u32::from(header.total_len()) {
                0 => bytes.len() as u32,
                total if total < header_length as u32 => {
                    stopped = Some(Stopped::LengthBad);
                    header_length as u32
                }
                total => total,
            };
            header_bad = !checksum::is_valid(checksum::add(0, header.slice()));
        }
        LaxIpSlice::Ipv6(v6) => {
            let header = v6.header();
            source = IpAddr::V6(header.source_addr());
            destination = IpAddr::V6(header.destination_addr());
            hops = header.hop_limit();
            identification = 0;
            header_length = header.slice().len();
            length = match u32::from(header.payload_length()) {
                0 => bytes.len() as u32,
                payload => header_length as u32 + payload,
            };
            header_bad = false;
        }
    }
    let payload = slice.payload();
    let extensions = (payload.payload.as_ptr() as usize)
        .saturating_sub(bytes.as_ptr() as usize)
        .saturating_sub(header_length) as u32;
    let on_wire = length.saturating_sub(header_length as u32 + extensions);
    let mut ip = Ip {
        source,
        destination,
        protocol: payload.ip_number.0,
        hops,
        length,
        identification,
        checksum: 0,
        fragment: payload.fragmented,
        transport: Transport::None { payload_length: on_wire },
        bad_checksum: header_bad.then_some("ip"),
        stopped,
    };
    if ip.fragment {
        ip.transport = Transport::Fragment { packet: bytes, payload_length: on_wire };
    } else if ip.stopped.is_none() {
        transport(&mut ip, payload.payload, on_wire);
        if tunnel::may_be(&ip)
            && let Some(body) = tunnel::inside(&ip, payload.payload, packet)
        {
            return body;
        }
    }
    Body::Ip(ip)
}

fn transport<'a>(ip: &mut Ip<'a>, bytes: &'a [u8], on_wire: u32) {
    let u16_at = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let needed = match ip.protocol {
        IGMP => {
            ip.transport = Transport::Igmp { message: bytes, payload_length: on_wire };
            return;
        }
        TCP => 20,
        UDP | ICMP | ICMPV6 | UDP_LITE => 8,
        SCTP | DCCP => 12,
        _ => return,
    };
    if bytes.len() < needed {
        ip.stopped = Some(Stopped::TransportShort);
        if bytes.len() >= 4 && !matches!(ip.protocol, ICMP | ICMPV6) {
            ip.transport = Transport::Ports {
                source_port: u16_at(0),
                destination_port: u16_at(2),
                payload_length: 0,
            };
        }
        return;
    }
    let whole = bytes.len() as u32 >= on_wire;
    ip.checksum = match ip.protocol {
        TCP => u16_at(16),
        UDP | UDP_LITE => u16_at(6),
        ICMP | ICMPV6 => u16_at(2),
        _ => 0,
    };
    let mut checked = None;
    match ip.protocol {
        TCP => {
            let header = usize::from(bytes[12] >> 4) * 4;
            if header < 20 {
                ip.stopped = Some(Stopped::TransportBad);
            }
            let header = header.max(20);
            ip.transport = Transport::Tcp(Tcp {
                source_port: u16_at(0),
                destination_port: u16_at(2),
                sequence: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
                acknowledgment: u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]),
                flags: bytes[13],
                payload: bytes.get(header..).unwrap_or(&[]),
                payload_length: on_wire.saturating_sub(header as u32),
            });
            checked = Some(("tcp", on_wire));
        }
        UDP | UDP_LITE => {
            let stated = u32::from(u16_at(4));
            // Zero stands for a jumbogram or a segment left to the network card.
            let length = if stated < 8 { on_wire } else { stated.min(on_wire) };
            let payload = &bytes[8..];
            let payload_length = length.saturating_sub(8);
            ip.transport = Transport::Udp {
                source_port: u16_at(0),
                destination_port: u16_at(2),
                payload: &payload[..payload.len().min(payload_length as usize)],
                payload_length,
            };
            // Zero: the sender computed none (RFC 768).
            if ip.protocol == UDP && u16_at(6) != 0 {
                checked = Some(("udp", length));
            }
        }
        ICMP | ICMPV6 => {
            let echo = matches!((ip.protocol, bytes[0]), (ICMP, 0 | 8) | (ICMPV6, 128 | 129));
            ip.transport = Transport::Icmp {
                kind: bytes[0],
                code: bytes[1],
                identifier: echo.then(|| u16_at(4)),
                message: bytes,
                payload_length: on_wire.saturating_sub(8),
            };
            checked = Some(("icmp", on_wire));
        }
        _ => {
            ip.transport = Transport::Ports {
                source_port: u16_at(0),
                destination_port: u16_at(2),
                payload_length: on_wire.saturating_sub(12),
            };
        }
    }
    if let Some((name, length)) = checked.filter(|_| whole && ip.bad_checksum.is_none()) {
        let covered = &bytes[..bytes.len().min(length as usize)];
        let start = match ip.protocol {
            ICMP => 0,
            protocol => checksum::pseudo_header(ip.source, ip.destination, protocol, length),
        };
        if !checksum::is_valid(checksum::add(start, covered)) {
            ip.bad_checksum = Some(name);
        }
    }
}
