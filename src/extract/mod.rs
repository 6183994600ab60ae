//! Takes packets out of captures: those that a finding counts, of a device, a destination, a phase,
//! a span of time. The packets, their interfaces and their times stay as they are; decryption
//! secrets stay behind; a map says which frame was which.

mod annotate;
mod copy;
mod select;

pub use annotate::Annotations;
pub use copy::{Copied, CopyError, copy};
pub use select::{NotThere, Rows, rows};

use crate::attribution::geo::Geo;
use crate::attribution::ledger::DeviceKey;
use crate::attribution::record::{FlowRecord, Listener};
use crate::base::address::Mac;
use crate::base::frame;
use crate::base::table::Map;
use crate::base::time::Timestamp;
use crate::engine::{Engine, Records, Settings, keys};
use crate::flow::{Flow, FlowKey};
use crate::source::Sources;
use std::collections::BTreeMap;

/// What is asked for. Of one kind any may fit, of different kinds all must.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Ids of rules, or keys of findings.
    pub findings: Vec<String>,
    /// Devices.
    pub devices: Vec<DeviceKey>,
    /// Ids of destinations, host names, or addresses.
    pub destinations: Vec<String>,
    /// Phases.
    pub phases: Vec<&'static str>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
}

impl Wanted {
    /// Whether flows are asked for, and not only phases and times.
    #[must_use]
    pub fn asks_for_flows(&self) -> bool {
        !(self.findings.is_empty() && self.devices.is_empty() && self.destinations.is_empty())
    }

    /// Frames outside flows, such as ARP, belong to a device, but to no finding or destination.
    #[must_use]
    pub fn takes_asides(&self) -> bool {
        self.findings.is_empty() && self.destinations.is_empty()
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.asks_for_flows() && self.phases.is_empty() && self.from.is_none() && self.to.is_none()
    }
}

/// Frames of flows, and the hardware addresses whose frames outside flows count too.
#[derive(Debug, Default)]
pub struct Frames {
    /// One bit a frame, by input.
    bits: BTreeMap<usize, Vec<u64>>,
    /// Of the devices that are wanted.
    pub macs: Vec<Mac>,
}

impl Frames {
    fn insert(&mut self, number: u64) {
        let bits = self.bits.entry(frame::input(number)).or_default();
        let within = frame::within(number) as usize;
        if bits.len() <= within / 64 {
            bits.resize(within / 64 + 1, 0);
        }
        bits[within / 64] |= 1 << (within % 64);
    }

    /// Whether a frame is among them.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        let within = frame::within(number) as usize;
        let word = self.bits.get(&frame::input(number)).and_then(|bits| bits.get(within / 64));
        word.is_some_and(|word| word & (1 << (within % 64)) != 0)
    }
}

/// Which frames hold the flows that are wanted: the flow keys of their rows with the frames between
/// which they live.
#[derive(Default)]
struct Flows<'r> {
    rows: Option<&'r Rows>,
    spans: Map<FlowKey, Vec<[u64; 2]>>,
}

impl Listener for Flows<'_> {
    fn ended(&mut self, _: FlowRecord) {}

    fn placed(&mut self, flow: &Flow, row: usize, marks: u32) {
        let Some(rows) = self.rows else { return };
        let shares = flow.shares();
        let wanted = shares.iter().filter(|share| rows.has(row, marks, share.cite.frame));
        let mut spans = wanted.map(|share| [share.cite.frame, share.last_frame]).peekable();
        if spans.peek().is_some() {
            self.spans.entry(flow.key).or_default().extend(spans);
        }
    }
}

/// Reads the captures twice more and finds the frames of rows. `open` opens them anew.
///
/// # Errors
/// When they cannot be opened again.
pub fn frames<E>(
    rows: &Rows,
    settings: Settings,
    geo: &Geo,
    open: &mut dyn FnMut() -> Result<Sources, E>,
) -> Result<Frames, E> {
    let mut flows = Flows { rows: Some(rows), ..Flows::default() };
    let records: &mut Records<'_> = &mut flows;
    let _ = Engine::new(settings, geo, Some(records)).read(&mut open()?, &mut |_| {});
    let mut spans = flows.spans;
    spans.values_mut().for_each(|spans| spans.sort_unstable());
    let mut frames = Frames { macs: rows.macs.clone(), ..Frames::default() };
    keys(&mut open()?, &mut |number, key| {
        let Some(spans) = spans.get(key) else { return };
        // Flows with the same key follow one another, so the last that has begun is the one.
        let begun = spans.partition_point(|span| span[0] <= number);
        if begun > 0 && number <= spans[begun - 1][1] {
            frames.insert(number);
        }
    });
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart_by_input() {
        let mut frames = Frames::default();
        for number in [1, 64, 65, frame::base(2) + 64] {
            frames.insert(number);
        }
        let has: Vec<u64> = (0..200).filter(|&number| frames.has(number)).collect();
        assert_eq!(has, [1, 64, 65]);
        assert!(frames.has(frame::base(2) + 64) && !frames.has(frame::base(1) + 64));
    }
}
