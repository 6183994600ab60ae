//! Distributions of what flows show: packet sizes, gaps between packets of a flow, round-trip
//! times. Two significant digits, fixed ranges, no allocation while recording.

use hdrhistogram::Histogram;

/// Largest value a histogram tells apart; larger ones count as this one.
const SIZE_MAX: u64 = 262_144;
/// Frame lengths below this are counted by themselves.
const COMMON: usize = 2048;
/// A day, in microseconds.
const GAP_MAX: u64 = 86_400_000_000;
/// A minute, in microseconds.
const ROUND_TRIP_MAX: u64 = 60_000_000;

/// The distributions of what one thread counted.
#[derive(Clone)]
pub struct Distributions {
    /// Frame length on the wire, bytes.
    pub frame_bytes: Histogram<u32>,
    /// Time between packets of the same flow, microseconds.
    pub gap_microseconds: Histogram<u32>,
    /// TCP handshake round trips, microseconds.
    pub round_trip_microseconds: Histogram<u32>,
    /// Counts of the lengths that nearly all frames have, not yet in the histogram: to find a
    /// place in that costs more than the rest of counting a packet.
    common: Box<[u32; COMMON]>,
    /// Counts of gaps, likewise, by [`gap_place`].
    gaps: Box<[u32; GAPS]>,
}

/// Values of a histogram with two significant digits that it tells apart at the same scale: a power
/// of two, at least 2 × 10².
const SCALE: u64 = 256;
/// Places of all gaps: as many scales as [`GAP_MAX`] needs bits beyond the first.
const GAPS: usize = (GAP_MAX.ilog2() + 1 - SCALE.ilog2() + 1) as usize * SCALE as usize;

/// Where a gap is counted, microseconds: the same place for gaps that the histogram does not tell
/// apart.
#[inline(always)]
fn gap_place(microseconds: u64) -> usize {
    let value = microseconds.min(GAP_MAX);
    let shift = (value | (SCALE - 1)).ilog2() + 1 - SCALE.ilog2();
    (u64::from(shift) * SCALE + (value >> shift)) as usize
}

/// A gap that is counted at a place.
fn gap_at(place: usize) -> u64 {
    let (shift, value) = (place as u64 / SCALE, place as u64 % SCALE);
    value << shift
}

impl Default for Distributions {
    fn default() -> Self {
        let up_to = |high| {
            Histogram::new_with_bounds(1, high, 2).expect("the bounds are constants that fit")
        };
        Distributions {
            frame_bytes: up_to(SIZE_MAX),
            gap_microseconds: up_to(GAP_MAX),
            round_trip_microseconds: up_to(ROUND_TRIP_MAX),
            common: Box::new([0; COMMON]),
            gaps: Box::new([0; GAPS]),
        }
    }
}

impl Distributions {
    #[inline]
    pub(super) fn frame(&mut self, wire_length: u32) {
        if let Some(count) = self.common.get_mut(wire_length as usize) {
            // A histogram's own counts have as many bits.
            *count = count.saturating_add(1);
            return;
        }
        self.frame_bytes.saturating_record(u64::from(wire_length));
    }

    #[inline]
    pub(super) fn gap(&mut self, nanoseconds: i64) {
        let count = &mut self.gaps[gap_place(nanoseconds.max(0) as u64 / 1000)];
        *count = count.saturating_add(1);
    }

    pub(super) fn round_trip(&mut self, nanoseconds: i64) {
        self.round_trip_microseconds.saturating_record((nanoseconds / 1000).max(0) as u64);
    }

    /// Brings every count into its histogram.
    pub fn complete(&mut self) {
        for (length, count) in self.common.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            self.frame_bytes.saturating_record_n(length as u64, std::mem::take(count));
        }
        for (place, count) in self.gaps.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            self.gap_microseconds.saturating_record_n(gap_at(place), std::mem::take(count));
        }
    }

    /// Adds the counts of others, which are complete.
    pub fn merge(&mut self, other: &Distributions) {
        for (mine, theirs) in [
            (&mut self.frame_bytes, &other.frame_bytes),
            (&mut self.gap_microseconds, &other.gap_microseconds),
            (&mut self.round_trip_microseconds, &other.round_trip_microseconds),
        ] {
            mine.add(theirs).expect("all have the same bounds");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_where_the_histogram_counts_them() {
        let mut direct = Distributions::default().gap_microseconds;
        let mut counted = Distributions::default();
        let mut random = 1u64;
        for round in 0..400_000u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Every magnitude, the smallest values, and what is beyond the largest.
            let microseconds =
                if round < 2000 { round.into() } else { random >> (20 + round % 44) };
            direct.saturating_record(microseconds);
            counted.gap((microseconds * 1000 + 999).try_into().unwrap());
        }
        direct.saturating_record_n(GAP_MAX + 1, 3);
        (0..3).for_each(|_| counted.gap(i64::MAX));
        counted.complete();
        assert!(counted.gap_microseconds == direct);
    }
}
