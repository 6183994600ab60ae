//! How evenly something happens: flows that begin, or messages within a flow that stays open.

use crate::base::time::Timestamp;
use crate::flow::{Cite, Flow, Message, Side};

/// Fewest intervals that make a pace.
pub const INTERVALS_MIN: usize = 8;
/// Shorter periods are the retries and parallel flows of one use.
const PERIOD_MIN: i64 = 5_000_000_000;
/// Most that half of the intervals differ from their median, per cent of it.
const JITTER_MAX: i64 = 10;
/// Most that long and short intervals may be out of balance, per cent (Bowley's skew).
const SKEW_MAX: i64 = 30;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How often it happened.
    pub count: usize,
    /// Median of the intervals, nanoseconds.
    pub period: i64,
    /// Median of how much intervals differ from it, per cent of it.
    pub jitter: i64,
    /// Bowley's skew, per cent.
    pub skew: i64,
}

impl Pace {
    /// Of moments in their order; none where they are too few or not even.
    #[must_use]
    pub fn of(times: impl Iterator<Item = Timestamp>) -> Option<Pace> {
        let times: Vec<Timestamp> = times.collect();
        let mut intervals: Vec<i64> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        if intervals.len() < INTERVALS_MIN {
            return None;
        }
        intervals.sort_unstable();
        let at = |quarter: usize| intervals[(intervals.len() - 1) * quarter / 4];
        let [low, period, high] = [1, 2, 3].map(at);
        if period < PERIOD_MIN {
            return None;
        }
        let mut apart: Vec<i64> = intervals.iter().map(|one| one.abs_diff(period) as i64).collect();
        apart.sort_unstable();
        let percent = |part: i64, whole: i64| (i128::from(part) * 100 / i128::from(whole)) as i64;
        let jitter = percent(apart[apart.len() / 2], period);
        // Quartiles that nearly meet are even, whichever side the rest of them leans to.
        let skew = match high - low {
            width if percent(width, period) <= JITTER_MAX => 0,
            width => percent(high + low - 2 * period, width),
        };
        let even = jitter <= JITTER_MAX && skew.abs() <= SKEW_MAX;
        even.then_some(Pace { count: times.len(), period, jitter, skew })
    }
}

/// Messages that keep a pace within one flow.
#[derive(Debug, Clone)]
pub struct Paced {
    /// How evenly they come.
    pub pace: Pace,
    /// The remote end sends them, and what the local end sends keeps no pace.
    pub remote: bool,
    /// Payload of the smallest and of the largest first frame, bytes.
    pub bytes: [u32; 2],
    /// The first frames of the messages.
    pub cites: Box<[Cite]>,
}

impl Paced {
    /// Of a flow; what the local end sends is looked at first.
    #[must_use]
    pub fn of(flow: &Flow, local: Side) -> Option<Paced> {
        // Nearly all flows end young, before any message is kept.
        flow.messages().next()?;
        [local, local.other()].into_iter().find_map(|side| {
            let messages = || flow.messages().filter(move |message| message.side == side);
            let pace = Pace::of(messages().map(|message| message.cite.time))?;
            let bytes = |message: &Message| message.bytes;
            Some(Paced {
                pace,
                remote: side != local,
                bytes: [messages().map(bytes).min()?, messages().map(bytes).max()?],
                cites: messages().map(|message| message.cite).collect(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(seconds: &[f64]) -> Option<Pace> {
        Pace::of(seconds.iter().map(|second| Timestamp((second * 1e9) as i64)))
    }

    #[test]
    fn an_even_pace_is_found_and_others_are_not() {
        let even: Vec<f64> = (0..12).map(|n| 60.0 * f64::from(n)).collect();
        let found = pace(&even).unwrap();
        assert_eq!((found.period, found.jitter, found.skew), (60_000_000_000, 0, 0));
        let shaken: Vec<f64> =
            (0..20).map(|n| 60.0 * f64::from(n) + f64::from(n * 7 % 5)).collect();
        assert!(pace(&shaken).unwrap().jitter <= 10);
        assert_eq!(pace(&even[..8]), None, "too few");
        let fast: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(pace(&fast), None, "parallel flows of one use");
        let people = [0.0, 3.0, 70.0, 71.0, 400.0, 420.0, 900.0, 901.0, 950.0, 2000.0, 2100.0];
        assert_eq!(pace(&people), None, "use by a person");
        // One night without power does not hide the pace.
        let gap: Vec<f64> =
            (0..20).map(|n| 300.0 * f64::from(n) + if n > 9 { 28_800.0 } else { 0.0 }).collect();
        assert_eq!(pace(&gap).unwrap().period, 300_000_000_000);
    }
}
