//! Recognises the second sight of a packet: a mirror port that copies what enters and what
//! leaves a switch shows each packet twice, often with another hop limit, VLAN or hardware
//! address. A retransmission is another packet: its sender numbers it anew (RFC 6864 §4.3 asks
//! for that where the number matters), or sends it later than any mirror would.

use super::brief::{Brief, Trace};
use crate::base::time::Timestamp;

/// Packets remembered in one partition.
const RECENT: usize = 256;
/// Between two sights of a packet whose IP header has a number, nanoseconds. Switches and
/// routers hold packets for milliseconds at most.
const NUMBERED_WINDOW: i64 = 50_000_000;
/// The same without a number (IPv6, or zero in IPv4), where the checksum and the beginning of the
/// payload must do and an application may have sent the same bytes twice, nanoseconds.
const UNNUMBERED_WINDOW: i64 = 1_000_000;

/// Packets seen shortly before. Each has one place, by its print: a later one takes it over.
pub(super) struct Recent {
    prints: Box<[(u64, Timestamp)]>,
}

impl Default for Recent {
    fn default() -> Recent {
        Recent { prints: vec![(0, Timestamp(i64::MIN)); RECENT].into() }
    }
}

impl Recent {
    /// Whether the same packet was seen shortly before.
    #[inline]
    pub fn saw(&mut self, brief: &Brief) -> bool {
        let window = match brief.trace {
            Trace::None => return false,
            Trace::Checksum => UNNUMBERED_WINDOW,
            Trace::Number => NUMBERED_WINDOW,
        };
        let place = &mut self.prints[brief.print as usize % RECENT];
        let (print, time) = std::mem::replace(place, (brief.print, brief.time));
        print == brief.print && brief.time.since(time).saturating_abs() <= window
    }
}
