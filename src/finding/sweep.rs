//! What a device tries at many addresses: no single contact shows it.

use super::words::told;
use super::{Draft, Fact, View};
use crate::attribution::ledger::{Ledger, Mark};
use crate::attribution::world::{Contact, Signs, World, Zone, is_in_vain};
use crate::base::table::Set;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Different addresses from which on trying one port of them is a sweep.
const ADDRESSES_MIN: usize = 10;

/// One port tried at many addresses in vain.
pub struct Sweep {
    /// Where they are.
    pub zone: Zone,
    /// The port.
    pub port: u16,
    /// How many.
    pub addresses: usize,
    /// What of the ledger it is.
    pub rows: Vec<usize>,
}

impl Sweep {
    /// Adds it to what a finding says; `counted` are the rows that are in it already.
    pub(super) fn tell(&self, view: &View<'_>, draft: &mut Draft, counted: &mut Set<usize>) {
        for &row in self.rows.iter().filter(|row| counted.insert(**row)) {
            draft.traffic.push((row, None));
            draft.cites.extend(view.ledger.rows[row].beginnings());
        }
        let text = told!("shared.port_tried_vain", port = self.port, addresses = self.addresses);
        draft.facts.push(Fact::new(text, view.ledger.rows[self.rows[0]].frames[0]));
    }
}

/// Sweeps and knocks of bots of one device, told at one of its contacts: that whose destination comes
/// first by its id, so that it is always the same.
#[derive(Default)]
pub struct Swept {
    destination: Option<Arc<str>>,
    /// Sweeps, by zone and port.
    pub sweeps: Vec<Sweep>,
    /// Rows with connections that are tried as bots do.
    pub bots: Vec<usize>,
}

/// By position of the device.
pub struct Sweeps(BTreeMap<usize, Swept>);

impl Sweeps {
    /// Indexes the contacts of a world.
    #[must_use]
    pub fn of(ledger: &Ledger, world: &World) -> Sweeps {
        let mut all: BTreeMap<usize, Swept> = BTreeMap::new();
        for of_device in world.contacts.chunk_by(|a, b| a.device_index == b.device_index) {
            let swept = swept(ledger, of_device);
            if !swept.sweeps.is_empty() || !swept.bots.is_empty() {
                all.insert(of_device[0].device_index, swept);
            }
        }
        Sweeps(all)
    }

    /// What is to be told at a contact.
    #[must_use]
    pub fn at(&self, contact: &Contact) -> Option<&Swept> {
        let swept = self.0.get(&contact.device_index)?;
        (swept.destination.as_ref() == Some(&contact.destination)).then_some(swept)
    }
}

fn swept(ledger: &Ledger, contacts: &[Contact]) -> Swept {
    let mut tried: BTreeMap<(Zone, u16), (BTreeSet<IpAddr>, Vec<usize>)> = BTreeMap::new();
    let mut swept = Swept::default();
    let vain = contacts.iter().filter(|contact| contact.signs.has(Signs::IN_VAIN));
    for contact in vain.filter(|contact| contact.zone != Zone::Group) {
        for &index in &contact.rows {
            let row = &ledger.rows[index];
            let Some(port) = row.port.filter(|_| is_in_vain(row)) else { continue };
            let (addresses, rows) = tried.entry((contact.zone, port)).or_default();
            addresses.insert(row.remote.address);
            rows.push(index);
            if row.flow_refs.iter().any(|flow| flow.marks & Mark::Bot as u32 != 0) {
                swept.bots.push(index);
            }
        }
    }
    tried.retain(|_, (addresses, _)| addresses.len() >= ADDRESSES_MIN);
    let sweeps = tried.into_iter().map(|((zone, port), (addresses, rows))| Sweep {
        zone,
        port,
        addresses: addresses.len(),
        rows,
    });
    swept.sweeps = sweeps.collect();
    if swept.sweeps.is_empty() && swept.bots.is_empty() {
        return swept;
    }
    let told: BTreeSet<usize> =
        swept.sweeps.iter().flat_map(|sweep| &sweep.rows).chain(&swept.bots).copied().collect();
    let concerned = contacts.iter().filter(|one| one.rows.iter().any(|row| told.contains(row)));
    swept.destination = concerned.map(|contact| contact.destination.clone()).min();
    swept
}
