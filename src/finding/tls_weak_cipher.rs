//! `tls.weak-cipher`: both sides settled on a cipher suite that must not be used any more
//! (RFC 9325 §4.1).

use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};
use crate::base::text::safe;

/// See the module.
pub struct TlsWeakCipher;

impl Check for TlsWeakCipher {
    fn rule(&self) -> Rule {
        Rule { id: "tls.weak-cipher", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TO_ONE, Signs::of(Mark::WeakCipher)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let not_shown = &[
            msg!("tls.weak-cipher.not_encryption_broken"),
            msg!("tls.weak-cipher.not_side_would_been"),
        ];
        let mut draft = Draft::marked(view, contact, Mark::WeakCipher, not_shown, |row, one| {
            Some(told!(
                "tls.weak-cipher.server_chose",
                address = row.remote.address,
                value = safe(&one.value)
            ))
        })?;
        draft.may_say = told!(
            "tls.weak-cipher.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
