//! `dns.cleartext`: names are asked for readable across the internet.

use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};
use crate::base::text::safe;

/// See the module.
pub struct DnsCleartext;

impl Check for DnsCleartext {
    fn rule(&self) -> Rule {
        Rule { id: "dns.cleartext", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::Query)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let not_shown = &[msg!("dns.cleartext.not_read_or_changed")];
        let mut draft = Draft::marked(view, contact, Mark::Query, not_shown, |row, evidence| {
            let asked = row.begun_here && row.label.protocol == "dns";
            asked.then(|| told!("dns.cleartext.asked_for", name = safe(&evidence.value)))
        })?;
        draft.may_say = told!(
            "dns.cleartext.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
