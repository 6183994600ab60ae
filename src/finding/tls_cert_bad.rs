//! `tls.cert-bad`: something is wrong with a server's certificate that the capture shows.

use super::certificate::told;
use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};

/// See the module.
pub struct TlsCertBad;

impl Check for TlsCertBad {
    fn rule(&self) -> Rule {
        Rule { id: "tls.cert-bad", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::Certificate)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown =
            &[msg!("tls.cert-bad.not_anyone_but_server"), msg!("tls.cert-bad.not_signed")];
        let mut draft = told(view, contact, Mark::Certificate, not_shown)?;
        draft.may_say = told!(
            "tls.cert-bad.may_say",
            remote = spoken(view, &draft),
            device = spoken_device(view.device(contact))
        );
        Some(draft)
    }
}
