//! Captures that are made while they are read: no file, and no more memory than one packet.

use std::io::Read;

/// A little-endian pcap of Ethernet frames. `packet` appends the frame of a number to a buffer and
/// returns its capture time in microseconds.
pub struct Generated<F> {
    packet: F,
    count: u64,
    next: u64,
    pending: Vec<u8>,
    at: usize,
}

impl<F: FnMut(u64, &mut Vec<u8>) -> u64> Generated<F> {
    pub fn new(count: u64, packet: F) -> Generated<F> {
        let mut pending = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        pending.extend([0, 0, 4, 0, 1, 0, 0, 0]);
        Generated { packet, count, next: 0, pending, at: 0 }
    }
}

impl<F: FnMut(u64, &mut Vec<u8>) -> u64> Read for Generated<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut given = 0;
        while given < buffer.len() {
            if self.at == self.pending.len() {
                if self.next == self.count {
                    break;
                }
                self.pending.clear();
                self.pending.extend([0; 16]);
                let time = (self.packet)(self.next, &mut self.pending);
                let length = self.pending.len() as u32 - 16;
                let header = [(time / 1_000_000) as u32, (time % 1_000_000) as u32, length, length];
                for (place, value) in self.pending.chunks_exact_mut(4).zip(header) {
                    place.copy_from_slice(&value.to_le_bytes());
                }
                (self.next, self.at) = (self.next + 1, 0);
            }
            let count = (buffer.len() - given).min(self.pending.len() - self.at);
            buffer[given..given + count].copy_from_slice(&self.pending[self.at..self.at + count]);
            (given, self.at) = (given + count, self.at + count);
        }
        Ok(given)
    }
}

/// The same numbers in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        // Steele and others, splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Appends an IPv4 packet in an Ethernet frame.
pub fn ipv4(
    frame: &mut Vec<u8>,
    macs: [[u8; 6]; 2],
    ends: [u32; 2],
    protocol: u8,
    [identification, place]: [u16; 2],
    payload: &[u8],
) {
    frame.extend([macs[1], macs[0]].concat());
    frame.extend([8, 0, 0x45, 0]);
    frame.extend((20 + payload.len() as u16).to_be_bytes());
    frame.extend(identification.to_be_bytes());
    frame.extend(place.to_be_bytes());
    frame.extend([64, protocol, 0, 0]);
    frame.extend(ends.into_iter().flat_map(u32::to_be_bytes));
    frame.extend(payload);
}

pub const DEVICE: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 2];

pub fn udp(ports: [u16; 2], data: &[u8]) -> Vec<u8> {
    let mut segment: Vec<u8> = ports.into_iter().flat_map(u16::to_be_bytes).collect();
    segment.extend((8 + data.len() as u16).to_be_bytes());
    segment.extend([0, 0]);
    segment.extend(data);
    segment
}

pub fn tcp(ports: [u16; 2], sequence: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let mut segment: Vec<u8> = ports.into_iter().flat_map(u16::to_be_bytes).collect();
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(data);
    segment
}
