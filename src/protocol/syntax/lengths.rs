//! Datagrams in a stream, each behind two bytes of length (RFC 4571 §2): how RTP, RTCP and STUN go
//! over TCP (RFC 6544 §3).
//!
//! Bounds: one datagram a side is put together, of `DATAGRAM_BYTES_MAX` bytes; behind a hole
//! nothing says where the next one begins.

use super::super::{End, Fact, Next, Probe, Session};
use super::stream::Pending;
use crate::flow::Segment;

/// Longest datagram, bytes: packets of sound and pictures are made to fit a frame, also a large one.
const DATAGRAM_BYTES_MAX: usize = 16 * 1024;
/// Datagrams looked at to recognise a side.
const LOOKED_AT_MAX: usize = 4;

/// What the whole datagrams at the start of a side are, by `fits`: how many fit, `None` where
/// one does not.
#[must_use]
pub fn count(mut bytes: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut found = 0;
    while let ([high, low, rest @ ..], true) = (bytes, found < LOOKED_AT_MAX) {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length == 0 || length > DATAGRAM_BYTES_MAX {
            return None;
        }
        let Some((datagram, after)) = rest.split_at_checked(length) else {
            break;
        };
        if !fits(datagram) {
            return None;
        }
        found += 1;
        bytes = after;
    }
    Some(found)
}

/// The first datagrams of a side that are whole.
pub fn datagrams(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let [high, low, behind @ ..] = rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (datagram, after) = behind.split_at_checked(length)?;
        rest = after;
        Some(datagram)
    })
    .take(LOOKED_AT_MAX)
}

/// What begins so, from and to: the high byte of a length.
pub const FIRST_BYTES: &[(u8, u8)] = &[(0, (DATAGRAM_BYTES_MAX >> 8) as u8)];

/// Whether the bytes behind the first length may be the beginning of a datagram.
#[must_use]
pub fn begins(bytes: &[u8], fits: impl Fn(&[u8]) -> Probe) -> Probe {
    match bytes {
        [high, low, rest @ ..] => match u16::from_be_bytes([*high, *low]).into() {
            0 => Probe::No,
            length if length > DATAGRAM_BYTES_MAX => Probe::No,
            _ => fits(rest),
        },
        [high] if usize::from(*high) << 8 > DATAGRAM_BYTES_MAX => Probe::No,
        _ => Probe::More,
    }
}

/// Feeds a session of datagrams out of a stream.
pub struct Lengths {
    sides: [Half; 2],
    inner: Box<dyn Session>,
}

#[derive(Default)]
struct Half {
    pending: Pending,
    /// Length of the datagram that is being put together.
    length: Option<usize>,
    lost: bool,
}

impl Lengths {
    /// Around the session that datagrams of their own would have.
    #[must_use]
    pub fn around(inner: Box<dyn Session>) -> Box<dyn Session> {
        Box::new(Lengths { sides: Default::default(), inner })
    }
}

impl Session for Lengths {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let half = &mut self.sides[segment.side.index()];
        half.lost |= segment.gap > 0;
        let mut data = segment.data;
        while !half.lost {
            let Some(length) = half.length else {
                let Some(&[high, low]) = half.pending.exactly(&mut data, 2) else {
                    break;
                };
                let length = usize::from(u16::from_be_bytes([high, low]));
                half.lost = length > DATAGRAM_BYTES_MAX;
                half.length = Some(length).filter(|&length| length > 0);
                continue;
            };
            let Some(datagram) = half.pending.exactly(&mut data, length) else {
                break;
            };
            half.length = None;
            let piece = Segment { data: datagram, gap: 0, datagram: true, ..*segment };
            if self.inner.feed(&piece, say) == Next::Done {
                return Next::Done;
            }
        }
        if half.lost {
            half.pending.reset();
        }
        if self.sides.iter().all(|half| half.lost) { Next::Done } else { Next::More }
    }

    fn end(&mut self, why: End, say: &mut dyn FnMut(Fact<'_>)) {
        self.inner.end(why, say);
    }

    fn held_bytes(&self) -> usize {
        let sides: usize = self.sides.iter().map(|half| half.pending.held_bytes()).sum();
        sides + self.inner.held_bytes()
    }
}
