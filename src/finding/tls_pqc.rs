//! `tls.pqc`: what the first message of a client offers.

use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};
use crate::base::text::safe;

/// See the module.
pub struct TlsPqc;

impl Check for TlsPqc {
    fn rule(&self) -> Rule {
        Rule { id: "tls.pqc", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::PostQuantum)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[msg!("tls.pqc.not_taken")];
        let mut draft =
            Draft::marked(view, contact, Mark::PostQuantum, not_shown, |_, evidence| {
                Some(told!("tls.pqc.offered", group = safe(&evidence.value)))
            })?;
        draft.may_say = told!(
            "tls.pqc.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
