//! `transfer.country`: data leaves the country that the test network is in.

use super::placed::placed;
use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Zone};

/// See the module.
pub struct TransferCountry;

impl Check for TransferCountry {
    fn id(&self) -> &'static str {
        "transfer.country"
    }

    fn title(&self) -> &'static str {
        "Data left the country"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "Payload that a device sent to an address that every loaded database places in another country \
                than the one given with --here, and that no round-trip time excludes. Without --here \
                nothing is said.",
            why: "Another law holds where data arrives.",
            false_positives: "Databases place content networks and relays at their owner's seat or anywhere.",
            verify: "Look the address up in another database.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let here = view.here.as_deref().filter(|_| contact.zone == Zone::Internet)?;
        let not_shown = &["where the data is kept", "which law holds for it"];
        let placed = placed(view, contact, not_shown, |code| code != here)?;
        let mut draft = placed.draft;
        draft.may_say = format!(
            "The device {} sent data to {}, which databases place in {}, not in {here}: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            placed.countries.join(" and "),
        );
        Some(draft)
    }
}
