//! Recognises the second sight of a packet: a mirror port that copies what enters and what
//! leaves a switch shows each packet twice, often with another hop limit, VLAN or hardware
//! address. A retransmission is another packet: its sender numbers it anew (RFC 6864 §4.3 asks
//! for that where the number matters), or sends it later than any mirror would.

use super::brief::Brief;
use crate::base::time::Timestamp;
use crate::decode::fast::Carried;
use crate::decode::{Ip, Transport};

/// Packets remembered: 256 KiB, and some milliseconds at the highest rates.
const RECENT: usize = 16_384;
/// Between two sights of a packet whose IP header has a number, nanoseconds. Switches and
/// routers hold packets for milliseconds at most.
const NUMBERED_WINDOW: u32 = 50_000_000;
/// The same without a number (IPv6, or zero in IPv4), where the checksum and the beginning of the
/// payload must do and an application may have sent the same bytes twice, nanoseconds.
const UNNUMBERED_WINDOW: u32 = 1_000_000;

/// Packets seen shortly before. Each has one place, by its print: a later one takes it over. All
/// partitions share them, since a busy one would soon forget what it saw in a share of its own.
pub struct Recent {
    prints: Box<[(u64, Timestamp)]>,
}

/// What both sights of a packet share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sight {
    /// The same for both, rarely for others; unkeyed.
    print: u64,
    /// Longest time between both, nanoseconds; 0 where nothing tells it from others of its flow.
    window: u32,
}

impl Default for Recent {
    fn default() -> Recent {
        Recent { prints: vec![(0, Timestamp(i64::MIN)); RECENT].into() }
    }
}

impl Recent {
    /// Whether the same packet was seen shortly before `time`.
    #[inline(always)]
    pub fn saw(&mut self, sight: Sight, time: Timestamp) -> bool {
        if sight.window == 0 {
            return false;
        }
        let place = &mut self.prints[sight.print as usize % RECENT];
        let (print, before) = std::mem::replace(place, (sight.print, time));
        print == sight.print && time.since(before).saturating_abs() <= i64::from(sight.window)
    }
}

impl Sight {
    /// Of a packet and its account.
    #[must_use]
    pub fn of(ip: &Ip<'_>, brief: &Brief) -> Sight {
        let payload = match ip.transport {
            Transport::Tcp(tcp) => tcp.payload,
            Transport::Udp { payload, .. } => payload,
            _ => &[],
        };
        // A checksum left to the network card covers no payload, and one that does has 16 bits.
        let checked = ip.checksum != 0
            && ip.bad_checksum.is_none()
            && payload.len() == brief.payload_length as usize;
        Sight::new(brief, (ip.identification, ip.checksum), checked, payload)
    }

    /// Of a packet that came the short way through decoding.
    #[inline(always)]
    #[must_use]
    pub fn of_plain(identification: u16, carried: &Carried<'_>, brief: &Brief) -> Sight {
        let checked = carried.checksum != 0 && carried.good_checksum;
        Sight::new(brief, (identification, carried.checksum), checked, carried.payload)
    }

    #[inline(always)]
    fn new(
        brief: &Brief,
        (identification, checksum): (u16, u16),
        checked: bool,
        payload: &[u8],
    ) -> Sight {
        let said = said(identification, checksum, brief.ip_length, brief.flags);
        let numbers = u64::from(brief.sequence) << 32 | u64::from(brief.acknowledgment);
        let window = match (identification, checked) {
            (0, false) => 0,
            (0, true) => UNNUMBERED_WINDOW,
            _ => NUMBERED_WINDOW,
        };
        Sight { print: brief.key.print(brief.side, said, numbers, opening(payload)), window }
    }
}

/// What the headers say that the sender does not count up, in one number.
#[inline(always)]
fn said(identification: u16, checksum: u16, length: u32, flags: u8) -> u64 {
    u64::from(identification) << 48
        | u64::from(checksum) << 32
        | u64::from(length ^ u32::from(flags) << 24)
}

/// The first 16 bytes of a payload in one number; of a shorter one, all of it.
#[inline(always)]
fn opening(payload: &[u8]) -> u64 {
    let both = |first: u64, second: u64| first ^ second.rotate_left(29);
    if let Some((first, rest)) = payload.split_first_chunk::<8>() {
        let first = u64::from_le_bytes(*first);
        let second = rest.first_chunk::<8>().or_else(|| payload.last_chunk());
        return both(first, second.map_or(0, |second| u64::from_le_bytes(*second)));
    }
    if let (Some(first), Some(last)) = (payload.first_chunk::<4>(), payload.last_chunk::<4>()) {
        return both(u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
    }
    payload.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_between_both_sights_crowds_few_out() {
        let mut recent = Recent::default();
        let sight = |number: u64| Sight {
            print: number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32),
            window: NUMBERED_WINDOW,
        };
        // A thousand packets of one conversation in ten milliseconds, and then all of them again.
        let mut burst = |from: i64| {
            let times = (0..1000).map(|number| (number, Timestamp(from + number as i64 * 10_000)));
            times.filter(|&(number, time)| recent.saw(sight(number), time)).count()
        };
        assert_eq!(burst(0), 0);
        let again = burst(10_000_000);
        assert!(again >= 900, "{again}");
        assert_eq!(
            burst(10_000_000 + i64::from(NUMBERED_WINDOW) + 1),
            0,
            "too late to be a mirror's"
        );
    }
}
