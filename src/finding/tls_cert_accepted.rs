//! `tls.cert-bad-accepted`: the device went on to send data although something is wrong with the
//! server's certificate.

use super::certificate::told;
use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};

/// See the module.
pub struct TlsCertAccepted;

impl Check for TlsCertAccepted {
    fn rule(&self) -> Rule {
        Rule { id: "tls.cert-bad-accepted", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::CertificateAccepted)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[
            msg!("tls.cert-bad-accepted.not_device_would_take"),
            msg!("tls.cert-bad-accepted.not_anyone_stood_between"),
        ];
        let mut draft = told(view, contact, Mark::CertificateAccepted, not_shown)?;
        draft.may_say = told!(
            "tls.cert-bad-accepted.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
