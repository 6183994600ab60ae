//! Traffic with the internet over time and by phase, for pictures, comparisons and programs. It is
//! only kept where one of them asks for it.

use crate::base::time::Timestamp;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Payload sent and received in each slot.
pub type Slots = Vec<[u64; 2]>;

/// Payload with the internet, packet by packet: unlike delivered bytes it has retransmissions.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TimelineShown {
    /// When the first slot begins.
    pub start: Timestamp,
    /// Width of a slot, nanoseconds: nothing finer is known.
    #[serde(rename = "slot_ns")]
    pub slot: i64,
    /// Sent and received in each slot, all devices that are shown.
    pub all: Slots,
    /// The same by position of the device.
    #[serde(serialize_with = "by_position")]
    pub devices: BTreeMap<usize, Slots>,
    /// Payload that there was no room to tell apart.
    pub untold: [u64; 2],
    /// Payload by phase.
    pub phases: Vec<PhaseContact>,
    /// Payload that there was no room to tell apart by phase.
    pub untold_phases: [u64; 2],
}

/// What a device exchanged with a destination in a phase.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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

#[derive(Serialize)]
struct DeviceSlots<'a> {
    device: usize,
    slots: &'a Slots,
}

fn by_position<S: Serializer>(
    devices: &BTreeMap<usize, Slots>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(devices.len()))?;
    for (&device, slots) in devices {
        list.serialize_element(&DeviceSlots { device, slots })?;
    }
    list.end()
}
