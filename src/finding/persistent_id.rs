//! `telemetry.persistent-id`: the same identifier goes to more than one destination.

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::{Ledger, Mark};
use crate::attribution::world::{Contact, World, Zone};
use crate::base::table::Map;
use std::collections::BTreeSet;

/// To how many destinations each device sent each identifier.
pub struct Identifiers(Map<(usize, Box<[u8]>), usize>);

impl Identifiers {
    /// Indexes the contacts of a world with the internet.
    #[must_use]
    pub fn of(ledger: &Ledger, world: &World) -> Identifiers {
        let mut reach: Map<(usize, Box<[u8]>), usize> = Map::default();
        for contact in world.contacts.iter().filter(|contact| contact.zone == Zone::Internet) {
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
    fn id(&self) -> &'static str {
        "telemetry.persistent-id"
    }

    fn title(&self) -> &'static str {
        "One identifier went to several destinations"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn about(&self) -> About {
        About {
            looks_for: "A readable serial number, id, hardware address, place or account with \
                the same bytes sent to two or more destinations.",
            why: "Several companies can then recognise the same device, and put together \
                what each knows.",
            false_positives: "Destinations of one company under different domains. Identifiers inside \
                encryption are not seen.",
            verify: "Search the capture for the bytes of the identifier (data.identifiers in \
                the facts of data.pii-cleartext) and compare the destinations.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let shared = |value: &[u8]| view.identifiers.reach(contact.device_index, value);
        let not_shown =
            &["that the two put together what they know", "that it stays the same after a reset"];
        let mut draft =
            Draft::marked(view, contact, Mark::Identifier, not_shown, |_, evidence| {
                let others = shared(&evidence.value).checked_sub(1).filter(|&others| others > 0)?;
                Some(format!(
                    "{} ({} bytes) also went to {others} other destinations",
                    evidence.what, evidence.length
                ))
            })?;
        draft.may_say = format!(
            "The device {} sent {} an identifier that it also sent to other destinations; in those flows: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
