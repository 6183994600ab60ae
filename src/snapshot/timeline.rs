//! Traffic with the internet over time and by phase, for pictures and comparisons. Not part of the
//! JSON: it is only kept where a report or a comparison asks for it.

use crate::base::time::Timestamp;
use std::collections::BTreeMap;

/// Payload sent and received in each slot.
pub type Slots = Vec<[u64; 2]>;

/// Payload with the internet, packet by packet: unlike delivered bytes it has retransmissions.
#[derive(Debug, Clone, Default)]
pub struct TimelineShown {
    /// When the first slot begins.
    pub start: Timestamp,
    /// Width of a slot, nanoseconds: nothing finer is known.
    pub slot: i64,
    /// Sent and received in each slot, all devices that are shown.
    pub all: Slots,
    /// The same by position of the device.
    pub devices: BTreeMap<usize, Slots>,
    /// Payload that there was no room to tell apart.
    pub untold: [u64; 2],
    /// Payload by phase.
    pub phases: Vec<PhaseContact>,
    /// Payload that there was no room to tell apart by phase.
    pub untold_phases: [u64; 2],
}

/// What a device exchanged with a destination in a phase.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhaseContact {
    /// Position of the phase.
    pub phase: usize,
    /// Position of the device.
    pub device: usize,
    /// Destination; several where they share an address, for packets do not tell them apart.
    pub destinations: Vec<usize>,
    /// Payload sent and received, retransmissions included.
    pub bytes: [u64; 2],
}
