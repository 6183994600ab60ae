//! Which rows of the ledger are wanted.

use super::Wanted;
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::{Contact, Device, Zone};
use crate::base::address::Mac;
use crate::finding::{self, Picked, View};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Rows, and which of their flows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    rows: BTreeMap<usize, Vec<Picked>>,
    /// Hardware addresses of the devices that are wanted.
    pub macs: Vec<Mac>,
}

impl Rows {
    /// Whether a flow of this row, with these kinds of evidence and this first frame, is wanted.
    #[must_use]
    pub fn has(&self, row: usize, marks: u32, first_frame: u64) -> bool {
        let wanted = self.rows.get(&row);
        wanted.is_some_and(|all| all.iter().any(|picked| picked.takes(marks, first_frame)))
    }

    /// Their positions.
    pub fn positions(&self) -> impl Iterator<Item = usize> {
        self.rows.keys().copied()
    }
}

/// Something that is asked for is not in the captures.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotThere {
    /// A finding.
    #[error("no finding has the id or key {0:?}; there are: {1}")]
    Finding(String, String),
    /// A device.
    #[error("no device {0} was seen; there are: {1}")]
    Device(String, String),
    /// A destination.
    #[error("no destination {0:?} was seen; the largest are: {1}")]
    Destination(String, String),
}

/// At most so many are named in an error.
const NAMED_MAX: usize = 12;

fn some<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let different: BTreeSet<&str> = names.collect();
    let more = different.len().saturating_sub(NAMED_MAX);
    let mut named: Vec<String> = different.into_iter().take(NAMED_MAX).map(str::to_owned).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    if named.is_empty() { "none".to_owned() } else { named.join(", ") }
}

fn is(device: &Device, wanted: DeviceKey) -> bool {
    match wanted {
        DeviceKey::Mac(mac) => device.mac == Some(mac),
        DeviceKey::Address(address) => {
            *device.id == *crate::attribution::world::device_id(wanted)
                || device.addresses.iter().any(|seen| seen.address == address)
        }
    }
}

/// The rows of a contact that go to a destination: to all of it, or to one host or address.
fn towards(view: &View<'_>, contact: &Contact, wanted: &str) -> Vec<usize> {
    if *contact.destination == *wanted {
        return contact.rows.clone();
    }
    let address: Option<IpAddr> = wanted.parse().ok();
    let fits = |&row: &usize| {
        let row = &view.ledger.rows[row];
        let named = row.name.is_some_and(|named| {
            view.ledger.names.get(named.name).eq_ignore_ascii_case(wanted.as_bytes())
        });
        named || address == Some(row.remote.address)
    };
    contact.rows.iter().copied().filter(fits).collect()
}

/// The rows that are wanted; `None` where flows are not asked for, but phases and times.
///
/// # Errors
/// When there is no such finding, device or destination.
pub fn rows(view: &View<'_>, wanted: &Wanted) -> Result<Option<Rows>, NotThere> {
    if !wanted.asks_for_flows() {
        return Ok(None);
    }
    let mut chosen = Rows::default();
    let mut sets: Vec<BTreeMap<usize, Vec<Picked>>> = Vec::new();
    if !wanted.findings.is_empty() {
        let mut of_findings: BTreeMap<usize, Vec<Picked>> = BTreeMap::new();
        for id in &wanted.findings {
            let rows = finding::counted_rows(view, id);
            if rows.is_empty() {
                let all = finding::run(view);
                return Err(NotThere::Finding(id.clone(), some(all.iter().map(|f| f.id))));
            }
            for (row, picked) in rows {
                of_findings.entry(row).or_default().extend(picked);
            }
        }
        sets.push(of_findings);
    }
    if !wanted.devices.is_empty() {
        let mut of_devices = BTreeMap::new();
        for &key in &wanted.devices {
            let Some(device) = view.world.devices.iter().find(|device| is(device, key)) else {
                let ids = view.world.devices.iter().map(|device| &*device.id);
                return Err(NotThere::Device(crate::attribution::world::device_id(key), some(ids)));
            };
            chosen.macs.extend(device.mac);
            // Either end of a contact between devices.
            let contacts = view.world.contacts.iter().filter(|contact| {
                contact.device == device.id
                    || contact.zone == Zone::Private && contact.destination == device.id
            });
            of_devices.extend(contacts.flat_map(|c| &c.rows).map(|&row| (row, vec![Picked::ALL])));
        }
        sets.push(of_devices);
    }
    if !wanted.destinations.is_empty() {
        let mut of_destinations = BTreeMap::new();
        for name in &wanted.destinations {
            let contacts = view.world.contacts.iter();
            let rows: Vec<usize> = contacts.flat_map(|c| towards(view, c, name)).collect();
            if rows.is_empty() {
                let ids = view.world.destinations.iter().take(NAMED_MAX).map(|d| &*d.id);
                return Err(NotThere::Destination(name.clone(), some(ids)));
            }
            of_destinations.extend(rows.into_iter().map(|row| (row, vec![Picked::ALL])));
        }
        sets.push(of_destinations);
    }
    let mut sets = sets.into_iter();
    chosen.rows = sets.next().unwrap_or_default();
    for other in sets {
        // Devices and destinations want whole rows; which flows, only findings say, which come first.
        chosen.rows.retain(|row, _| other.contains_key(row));
    }
    Ok(Some(chosen))
}
