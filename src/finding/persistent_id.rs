//! `telemetry.persistent-id`: the same identifier goes to more than one destination.

use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::{Ledger, Mark};
use crate::attribution::world::{Contact, Signs, World, Zone};
use crate::base::table::Map;
use std::collections::BTreeSet;

/// To how many destinations each device sent each identifier.
pub struct Identifiers(Map<(usize, Box<[u8]>), usize>);

impl Identifiers {
    /// Indexes the contacts of a world with the internet.
    #[must_use]
    pub fn of(ledger: &Ledger, world: &World) -> Identifiers {
        let mut reach: Map<(usize, Box<[u8]>), usize> = Map::default();
        let internet = world.contacts.iter().filter(|contact| contact.zone == Zone::Internet);
        for contact in internet.filter(|one| one.signs.has(Signs::of(Mark::Identifier))) {
            let rows = contact.rows.iter().map(|&index| &ledger.rows[index]);
            let said = rows.flat_map(|row| &row.evidence).filter(|e| e.mark == Mark::Identifier);
            // A single short number is shared by chance.
            let values: BTreeSet<&[u8]> =
                said.map(|e| &e.value[..]).filter(|value| value.len() >= BYTES_MIN).collect();
            for value in values {
                *reach.entry((contact.device_index, value.into())).or_default() += 1;
            }
        }
        Identifiers(reach)
    }

    fn reach(&self, device: usize, value: &[u8]) -> usize {
        self.0.get(&(device, value.into())).copied().unwrap_or_default()
    }
}

/// Shortest identifier compared, bytes.
const BYTES_MIN: usize = 6;

/// See the module.
pub struct PersistentId;

impl Check for PersistentId {
    fn rule(&self) -> Rule {
        Rule { id: "telemetry.persistent-id", version: 1, severity: Severity::Low }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::Identifier)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let shared = |value: &[u8]| view.identifiers.reach(contact.device_index, value);
        let not_shown = &[
            msg!("telemetry.persistent-id.not_two_put_together"),
            msg!("telemetry.persistent-id.not_stays_same_after"),
        ];
        let mut draft =
            Draft::marked(view, contact, Mark::Identifier, not_shown, |_, evidence| {
                let others = shared(&evidence.value).checked_sub(1).filter(|&others| others > 0)?;
                Some(told!(
                    "telemetry.persistent-id.bytes_also_went",
                    what = evidence.what,
                    length = evidence.length,
                    others
                ))
            })?;
        draft.may_say = told!(
            "telemetry.persistent-id.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
