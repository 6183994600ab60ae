//! What the tests of several files need.

use super::{Packet, decode};
use crate::base::time::Timestamp;
use crate::source::Frame;

/// From 10.0.0.1, port 4660, to 192.0.2.1, port 53.
pub(super) const IPV4_UDP: [u8; 29] = [
    0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1, 0x12, 0x34, 0, 53, 0, 9,
    0, 0, b'x',
];

pub(super) fn decoded(link: u16, data: &[u8]) -> Packet<'_> {
    let wire_length = data.len() as u32;
    decode(&Frame { number: 1, time: Timestamp(0), wire_length, link, data })
}
