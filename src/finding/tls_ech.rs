//! `tls.ech`: what the first message of a client offers.

use super::words::{msg, text, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};
use crate::base::text::safe;

/// See the module.
pub struct TlsEch;

impl Check for TlsEch {
    fn rule(&self) -> Rule {
        Rule { id: "tls.ech", version: 2, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::EncryptedHello)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[msg!("tls.ech.not_hidden"), msg!("tls.ech.not_name")];
        let mut draft = Draft::marked(view, contact, Mark::EncryptedHello, not_shown, |_, one| {
            Some(match &one.value[..] {
                [] => text("tls.ech.offered").to_owned(),
                outer => told!("tls.ech.offered_under", outer = safe(outer)),
            })
        })?;
        draft.may_say = told!(
            "tls.ech.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
