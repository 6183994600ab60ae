//! DNS over TCP (RFC 7766 §8): puts messages together as far as segments follow each other.

use crate::decode::ip::flag;
use crate::decode::{Ip, Tcp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Most directions that are open at once.
const DIRECTIONS_MAX: usize = 1024;

/// See the module.
#[derive(Default)]
pub struct DnsStreams(BTreeMap<(IpAddr, u16, IpAddr, u16), Stream>);

#[derive(Default)]
struct Stream {
    next: u32,
    bytes: Vec<u8>,
}

impl DnsStreams {
    /// Takes a segment and shows each message that it completes.
    pub fn take(&mut self, ip: &Ip<'_>, tcp: &Tcp<'_>, show: &mut dyn FnMut(&[u8])) {
        let key = (ip.source, tcp.source_port, ip.destination, tcp.destination_port);
        if tcp.flags & (flag::FIN | flag::RST) != 0 && tcp.payload.is_empty() {
            self.0.remove(&key);
        }
        if tcp.payload.is_empty() {
            return;
        }
        if self.0.len() >= DIRECTIONS_MAX && !self.0.contains_key(&key) {
            // The oldest by its ends: what is lost is one more thing that is not told.
            self.0.pop_first();
        }
        let stream = self.0.entry(key).or_default();
        if stream.next != tcp.sequence {
            // A hole, or the first that is seen: a message begins here, or nothing fits.
            stream.bytes.clear();
        }
        stream.next = tcp.sequence.wrapping_add(tcp.payload.len() as u32);
        stream.bytes.extend_from_slice(tcp.payload);
        let mut at = 0;
        while let Some(&[high, low]) = stream.bytes.get(at..at + 2) {
            let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
            let Some(message) = stream.bytes.get(at + 2..end) else { break };
            show(message);
            at = end;
        }
        stream.bytes.drain(..at);
    }
}
