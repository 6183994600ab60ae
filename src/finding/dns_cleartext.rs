//! `dns.cleartext`: names are asked for readable across the internet.

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;

/// See the module.
pub struct DnsCleartext;

impl Check for DnsCleartext {
    fn id(&self) -> &'static str {
        "dns.cleartext"
    }

    fn title(&self) -> &'static str {
        "Names were asked for readable across the internet"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "DNS questions that a device sent readable to a name server on the internet.",
            why: "Whoever is on the path reads which services a household uses, and can answer in place of the server.",
            false_positives: "Questions to the network's own name server are not counted, though that may pass them on readable.",
            verify: "Filter on dns.flags.response == 0 with the address in the filter.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let not_shown = &["that anybody on the path has read or changed them"];
        let mut draft = Draft::marked(view, contact, Mark::Query, not_shown, |row, evidence| {
            let asked = row.begun_here && row.label.protocol == "dns";
            asked.then(|| format!("asked for {}", safe(&evidence.value)))
        })?;
        draft.may_say = format!(
            "The device {} asked {} for names readable across the internet; in those flows: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
