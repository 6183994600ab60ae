//! `tls.pqc`: what the first message of a client offers.

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;

/// See the module.
pub struct TlsPqc;

impl Check for TlsPqc {
    fn id(&self) -> &'static str {
        "tls.pqc"
    }

    fn title(&self) -> &'static str {
        "Keys against quantum computers were offered"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "A ClientHello that brings a key of a hybrid group with ML-KEM or Kyber.",
            why: "What is recorded today stays closed to whoever has a quantum computer later, if the server takes it.",
            false_positives: "An offer only: which group was taken is not looked at.",
            verify: "Look at the key_share extension in the deciding frame.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &["that the server took it"];
        let mut draft =
            Draft::marked(view, contact, Mark::PostQuantum, not_shown, |_, evidence| {
                Some(format!("a key of {} is offered", safe(&evidence.value)))
            })?;
        draft.may_say = format!(
            "The device {} offered {} a key that is meant to withstand quantum computers; in those flows: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
