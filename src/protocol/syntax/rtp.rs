//! The header of RTP, for flows of its own and for those that it shares with STUN.

use super::framed::{u16_be, u32_be};

/// Bytes of a header without contributors and extensions (RFC 3550 §5.1).
pub const HEADER_BYTES: usize = 12;
/// Sequence numbers that may be missing between the first and a later datagram.
const STEP_MAX: u16 = 64;
/// Ticks between them: five seconds at 90 kHz.
const TICKS_MAX: u32 = 450_000;

/// The header of a packet (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Kind of payload.
    pub kind: u8,
    sequence: u16,
    time: u32,
    source: u32,
    /// Where the payload begins.
    pub length: usize,
}

impl Head {
    /// Whether `later` is of the same stream and not long behind.
    pub fn is_before(self, later: Head) -> bool {
        self.source == later.source
            && self.kind == later.kind
            && (1..=STEP_MAX).contains(&later.sequence.wrapping_sub(self.sequence))
            && later.time.wrapping_sub(self.time) <= TICKS_MAX
    }
}

/// Version 2, a kind of RFC 3551 or a dynamic one, extensions that fit, a source.
pub fn head(datagram: &[u8]) -> Option<Head> {
    head_of_any(datagram).filter(|head| head.source != 0)
}

/// The same, of a source that may be 0: nothing forbids that, but so much else is full of zeros.
pub fn head_of_any(datagram: &[u8]) -> Option<Head> {
    let (&first, &second) = (datagram.first()?, datagram.get(1)?);
    let kind = second & 0x7f;
    let known = matches!(kind, 0 | 3..=18 | 25 | 26 | 28 | 31..=34 | 96..=127);
    // Devices send neither padding nor lists of contributors; without this every eighth flow of
    // noise would be waited for.
    if first & 0xec != 0x80 || !known {
        return None;
    }
    let mut length = HEADER_BYTES + usize::from(first & 15) * 4;
    if first & 0x10 != 0 {
        length += 4 + usize::from(u16_be(datagram, length + 2)?) * 4;
    }
    let source = u32_be(datagram, 8)?;
    (datagram.len() > length).then_some(Head {
        kind,
        sequence: u16_be(datagram, 2)?,
        time: u32_be(datagram, 4)?,
        source,
        length,
    })
}
