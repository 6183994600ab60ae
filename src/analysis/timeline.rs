//! The engine's timeline as a snapshot shows it: by device and destination.

use crate::attribution::ledger::Endpoint;
use crate::attribution::world::{Contact, Device, Zone};
use crate::base::address::Spelled;
use crate::base::table::Map;
use crate::engine::Timeline;
use crate::snapshot::{PhaseContact, Slots, TimelineShown};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Of the devices and contacts that are shown.
pub fn shown(timeline: &Timeline, devices: &[Device], contacts: &[Contact]) -> TimelineShown {
    let places = Places::of(devices);
    let mut shown = TimelineShown {
        start: timeline.start,
        slot: timeline.slot,
        untold: timeline.untold,
        untold_phases: timeline.untold_phases,
        ..TimelineShown::default()
    };
    for (end, slots) in &timeline.ends {
        // Sums do not depend on the order of the table.
        if let Some(device) = places.device(end) {
            add(shown.devices.entry(device).or_default(), slots);
            add(&mut shown.all, slots);
        }
    }
    let mut at: Map<(usize, IpAddr), Vec<usize>> = Map::default();
    for contact in contacts.iter().filter(|contact| contact.zone == Zone::Internet) {
        for &address in contact.hosts.iter().flat_map(|host| &host.addresses) {
            let all = at.entry((contact.device_index, address)).or_default();
            if !all.contains(&contact.destination_index) {
                all.push(contact.destination_index);
            }
        }
    }
    let mut phases: BTreeMap<(usize, usize, Vec<usize>), [u64; 2]> = BTreeMap::new();
    for ((phase, end, remote), bytes) in &timeline.phases {
        let Some(device) = places.device(end) else { continue };
        let mut to = at.get(&(device, *remote)).cloned().unwrap_or_default();
        to.sort_unstable();
        let sum = phases.entry((*phase, device, to)).or_default();
        (0..2).for_each(|way| sum[way] += bytes[way]);
    }
    let phases = phases.into_iter().map(|((phase, device, destinations), bytes)| PhaseContact {
        phase,
        device,
        destinations,
        bytes,
    });
    shown.phases = phases.collect();
    shown
}

fn add(to: &mut Slots, more: &[[u64; 2]]) {
    if to.len() < more.len() {
        to.resize(more.len(), [0; 2]);
    }
    for (sum, slot) in to.iter_mut().zip(more) {
        (0..2).for_each(|way| sum[way] += slot[way]);
    }
}

/// Which device an end belongs to, by the same rule as everywhere: the hardware address, but for
/// those that front many network addresses.
struct Places<'a> {
    by_id: Map<&'a str, usize>,
    devices: &'a [Device],
}

impl<'a> Places<'a> {
    fn of(devices: &'a [Device]) -> Places<'a> {
        let by_id = devices.iter().enumerate().map(|(index, device)| (&*device.id, index));
        Places { by_id: by_id.collect(), devices }
    }

    fn device(&self, end: &Endpoint) -> Option<usize> {
        let by_address = || {
            let id = format!("ip:{}", Spelled(end.address));
            self.by_id.get(&*id).copied()
        };
        let Some(mac) = end.mac else { return by_address() };
        let by_mac = self.by_id.get(&*format!("mac:{mac}")).copied();
        let has = |device: usize| {
            self.devices[device].addresses.iter().any(|seen| seen.address == end.address)
        };
        match by_mac {
            Some(device) if has(device) => Some(device),
            _ => by_address().or(by_mac.filter(|&device| self.devices[device].role == "device")),
        }
    }
}
