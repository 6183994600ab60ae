//! `tls.weak-cipher`: both sides settled on a cipher suite that must not be used any more
//! (RFC 9325 §4.1).

use super::words::{msg, told};
use super::{Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;

/// See the module.
pub struct TlsWeakCipher;

impl Check for TlsWeakCipher {
    fn id(&self) -> &'static str {
        "tls.weak-cipher"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
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
