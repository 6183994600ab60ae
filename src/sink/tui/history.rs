//! How much was sent and received over time, from the differences of successive snapshots, in
//! packet time. Bounded: when it is full its steps double. What lies between two snapshots is
//! spread evenly over the time between them, so nothing finer than that is claimed.

use crate::base::table::Map;
use crate::base::time::{SECOND, Timestamp};
use std::sync::Arc;

/// Steps kept.
pub const STEPS_MAX: usize = 512;
/// Devices with a series of their own, those with the most bytes; all others are in the sum only.
pub const DEVICES_MAX: usize = 1024;
/// Packet time over which a rate is taken.
const RATE_SPAN: i64 = 2 * SECOND;

/// Bytes sent and received in each step.
pub type Steps = Vec<[u64; 2]>;

/// See the module.
pub struct History {
    /// When the first step begins.
    pub start: Timestamp,
    /// Length of a step, nanoseconds.
    pub step: i64,
    /// Up to when.
    pub now: Timestamp,
    begun: bool,
    all: Steps,
    devices: Map<Arc<str>, Steps>,
    last: Totals,
    /// What rates are taken against.
    base: (Timestamp, Totals),
    rates: Map<Arc<str>, [f64; 2]>,
    rate: [f64; 2],
}

#[derive(Default, Clone)]
struct Totals {
    all: [u64; 2],
    devices: Map<Arc<str>, [u64; 2]>,
}

impl Default for History {
    fn default() -> History {
        History {
            start: Timestamp(0),
            step: SECOND,
            now: Timestamp(0),
            begun: false,
            all: Vec::new(),
            devices: Map::default(),
            last: Totals::default(),
            base: Default::default(),
            rates: Map::default(),
            rate: [0.0; 2],
        }
    }
}

impl History {
    /// Takes the totals of a snapshot. `first` is the time of the earliest frame, `now` of the
    /// latest; devices come with most bytes first.
    pub fn add<'a>(
        &mut self,
        first: Timestamp,
        now: Timestamp,
        devices: impl Iterator<Item = (&'a Arc<str>, [u64; 2])>,
    ) {
        if !self.begun {
            self.begun = true;
            (self.start, self.now, self.base.0) = (first, first, first);
        }
        let (from, to) = (self.now, now.max(self.now));
        self.make_room(to);
        let mut totals = Totals::default();
        for (index, (id, total)) in devices.enumerate() {
            totals.all = sum(totals.all, total);
            if index >= DEVICES_MAX {
                continue;
            }
            totals.devices.insert(id.clone(), total);
            let more = difference(total, self.last.devices.get(id).copied().unwrap_or_default());
            let known = self.devices.len() < DEVICES_MAX || self.devices.contains_key(id);
            if more != [0, 0] && known {
                let steps = self.devices.entry(id.clone()).or_default();
                spread(steps, self.start, self.step, [from, to], more);
            }
        }
        let more = difference(totals.all, self.last.all);
        spread(&mut self.all, self.start, self.step, [from, to], more);
        self.now = to;
        self.last = totals;
        self.take_rates();
    }

    fn take_rates(&mut self) {
        let span = self.now.since(self.base.0);
        if span < RATE_SPAN {
            return;
        }
        let seconds = span as f64 / SECOND as f64;
        let rate = |more: [u64; 2]| more.map(|bytes| bytes as f64 / seconds);
        let before = &self.base.1;
        self.rate = rate(difference(self.last.all, before.all));
        self.rates.clear();
        for (id, &total) in &self.last.devices {
            let more = difference(total, before.devices.get(id).copied().unwrap_or_default());
            if more != [0, 0] {
                self.rates.insert(id.clone(), rate(more));
            }
        }
        self.base = (self.now, self.last.clone());
    }

    /// Doubles the steps until they reach up to `to`.
    fn make_room(&mut self, to: Timestamp) {
        let span = to.since(self.start);
        while span / self.step >= STEPS_MAX as i64 {
            self.step = self.step.saturating_mul(2);
            halve(&mut self.all);
            self.devices.values_mut().for_each(halve);
        }
    }

    /// Bytes a second that a device sends and receives now, or all together.
    pub fn rate(&self, device: Option<&str>) -> [f64; 2] {
        match device {
            None => self.rate,
            Some(id) => self.rates.get(id).copied().unwrap_or_default(),
        }
    }

    /// The steps of a device, or of all together.
    pub fn steps(&self, device: Option<&str>) -> &[[u64; 2]] {
        match device {
            None => &self.all,
            Some(id) => self.devices.get(id).map_or(&[], Vec::as_slice),
        }
    }

    /// The steps brought to `columns` columns over the whole time: bytes in each.
    pub fn columns(&self, device: Option<&str>, columns: usize) -> Steps {
        let steps = self.steps(device);
        let total =
            (self.now.since(self.start) / self.step + 1).clamp(1, STEPS_MAX as i64) as usize;
        let mut out = vec![[0u64; 2]; columns];
        if columns == 0 {
            return out;
        }
        if total >= columns {
            for (index, step) in steps.iter().take(total).enumerate() {
                let column = &mut out[index * columns / total];
                for way in 0..2 {
                    column[way] = column[way].saturating_add(step[way]);
                }
            }
        } else {
            // Wider than the steps: each stands for several columns, and none says more than it.
            for (index, column) in out.iter_mut().enumerate() {
                *column = steps.get(index * total / columns).copied().unwrap_or_default();
            }
        }
        out
    }
}

fn difference(now: [u64; 2], before: [u64; 2]) -> [u64; 2] {
    [now[0].saturating_sub(before[0]), now[1].saturating_sub(before[1])]
}

fn sum([a, b]: [u64; 2], [c, d]: [u64; 2]) -> [u64; 2] {
    [a.saturating_add(c), b.saturating_add(d)]
}

fn halve(steps: &mut Steps) {
    let pairs = steps.chunks(2).map(|pair| {
        pair.iter()
            .fold([0, 0], |[a, b]: [u64; 2], [c, d]| [a.saturating_add(*c), b.saturating_add(*d)])
    });
    *steps = pairs.collect();
}

/// Adds `bytes` to the steps between two moments, to each by the time it shares with them. Not a
/// byte is lost to rounding: the last step takes the rest.
fn spread(steps: &mut Steps, start: Timestamp, step: i64, span: [Timestamp; 2], bytes: [u64; 2]) {
    let place =
        |time: Timestamp| (time.since(start) / step).clamp(0, STEPS_MAX as i64 - 1) as usize;
    let [first, last] = span.map(place);
    if steps.len() <= last {
        steps.resize(last + 1, [0; 2]);
    }
    let length = span[1].since(span[0]).max(1) as f64;
    let mut rest = bytes;
    for (index, slot) in steps.iter_mut().enumerate().take(last).skip(first) {
        let end = start.0.saturating_add((index as i64 + 1).saturating_mul(step));
        let begin = end.saturating_sub(step).max(span[0].0);
        let share = (end.saturating_sub(begin)) as f64 / length;
        for way in 0..2 {
            let part = ((bytes[way] as f64 * share) as u64).min(rest[way]);
            slot[way] = slot[way].saturating_add(part);
            rest[way] -= part;
        }
    }
    for way in 0..2 {
        steps[last][way] = steps[last][way].saturating_add(rest[way]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * SECOND)
    }

    #[test]
    fn keeps_every_byte_and_stays_bounded() {
        let mut history = History::default();
        let id: Arc<str> = "mac:a".into();
        for second in 0..5000 {
            let total = [second as u64 * 10, second as u64];
            history.add(at(0), at(second), [(&id, total)].into_iter());
        }
        let sum = |steps: &[[u64; 2]]| steps.iter().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
        assert_eq!(sum(history.steps(None)), [49_990, 4_999]);
        assert_eq!(sum(history.steps(Some("mac:a"))), [49_990, 4_999]);
        assert!(history.steps(None).len() <= STEPS_MAX);
        assert_eq!(history.step, 16 * SECOND);
        assert_eq!(history.rate(Some("mac:a")).map(f64::round), [10.0, 1.0]);
        assert_eq!(sum(&history.columns(None, 80)), [49_990, 4_999]);
        assert_eq!(history.columns(None, 80).len(), 80);
    }

    #[test]
    fn clocks_that_jump_do_no_harm() {
        let mut history = History::default();
        let id: Arc<str> = "mac:a".into();
        for (index, time) in [0, i64::MAX, i64::MIN, 5].into_iter().enumerate() {
            let total = [index as u64; 2];
            history.add(Timestamp(i64::MIN), Timestamp(time), [(&id, total)].into_iter());
        }
        assert!(history.steps(None).len() <= STEPS_MAX);
        assert_eq!(history.steps(None).iter().map(|step| step[0]).sum::<u64>(), 3);
    }

    #[test]
    fn what_lies_between_two_snapshots_is_spread_evenly() {
        let mut history = History::default();
        let id: Arc<str> = "mac:a".into();
        history.add(at(0), at(0), [(&id, [0, 0])].into_iter());
        history.add(at(0), at(10), [(&id, [100, 0])].into_iter());
        assert_eq!(history.steps(None)[..10], [[10, 0]; 10]);
    }
}
