//! What conversations are made of: messages, and packets with the time between them.

use crate::address::Mac;
use crate::frame::{Ends, Frame, Tcp};
use std::net::SocketAddr;

/// What one side says at once, of any length where it travels in a stream.
pub struct Message {
    /// Since the message before it.
    pub after_us: u64,
    pub from_device: bool,
    pub bytes: Vec<u8>,
}

pub type Messages = Box<dyn Iterator<Item = Message>>;

/// A message of the device.
pub fn says(after_us: u64, bytes: Vec<u8>) -> Message {
    Message { after_us, from_device: true, bytes }
}

/// A message of the other side.
pub fn hears(after_us: u64, bytes: Vec<u8>) -> Message {
    Message { after_us, from_device: false, bytes }
}

pub enum Packet {
    Udp(Ends, Vec<u8>),
    Tcp(Ends, Tcp<'static>, Vec<u8>),
    Echo { ends: Ends, reply: bool, identifier: u16, number: u16 },
    Other { macs: [Mac; 2], ethertype: u16, body: Vec<u8> },
}

pub struct Timed {
    /// Since the packet before it in the same conversation.
    pub after_us: u64,
    pub packet: Packet,
}

pub type Packets = Box<dyn Iterator<Item = Timed>>;

/// Lower end first: both directions are one flow. For an echo, its identifier on both sides.
pub type FiveTuple = (u8, SocketAddr, SocketAddr);

impl Packet {
    pub fn build<'f>(&self, frame: &'f mut Frame) -> &'f [u8] {
        match self {
            Packet::Udp(ends, payload) => frame.udp(ends, payload),
            Packet::Tcp(ends, tcp, payload) => frame.tcp(ends, *tcp, payload),
            Packet::Echo { ends, reply, identifier, number } => {
                frame.echo(ends, *reply, *identifier, *number)
            }
            Packet::Other { macs, ethertype, body } => frame.other(*macs, *ethertype, body),
        }
    }

    /// Who sends it; `None` where that is not IP.
    pub fn from(&self) -> Option<SocketAddr> {
        match self {
            Packet::Udp(ends, _) | Packet::Tcp(ends, ..) | Packet::Echo { ends, .. } => {
                Some(ends.addresses[0])
            }
            Packet::Other { .. } => None,
        }
    }

    pub fn five_tuple(&self) -> Option<FiveTuple> {
        let (protocol, mut ends) = match self {
            Packet::Udp(ends, _) => (17, ends.addresses),
            Packet::Tcp(ends, ..) => (6, ends.addresses),
            Packet::Echo { ends, identifier, .. } => {
                (1, ends.with_ports([*identifier; 2]).addresses)
            }
            Packet::Other { .. } => return None,
        };
        ends.sort();
        Some((protocol, ends[0], ends[1]))
    }
}

/// Messages that each fit into a datagram.
pub fn datagrams(ends: Ends, messages: impl Iterator<Item = Message> + 'static) -> Packets {
    Box::new(messages.map(move |message| {
        let ends = if message.from_device { ends } else { ends.turned() };
        Timed { after_us: message.after_us, packet: Packet::Udp(ends, message.bytes) }
    }))
}
