//! `tls.weak-cipher`: both sides settled on a cipher suite that must not be used any more
//! (RFC 9325 §4.1).

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;

/// See the module.
pub struct TlsWeakCipher;

impl Check for TlsWeakCipher {
    fn id(&self) -> &'static str {
        "tls.weak-cipher"
    }

    fn title(&self) -> &'static str {
        "A broken cipher suite was used"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A Server Hello that chooses a suite without encryption, without proof of identity, for \
                export, or with RC4, DES, Triple DES or IDEA (RFC 9325 §4.1, RFC 7465).",
            why: "What is sent can be read or changed with known means, at a cost that falls.",
            false_positives: "The choice may be the server's alone; nothing says that it was exploited. Keys without \
                forward secrecy are another finding, tls.no-pfs.",
            verify: "Look at the cipher suite in the Server Hello of the deciding frame (tls.handshake.ciphersuite).",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let not_shown = &[
            "that the encryption was broken",
            "which side would have been able to use another suite",
        ];
        let mut draft = Draft::marked(view, contact, Mark::WeakCipher, not_shown, |row, one| {
            Some(format!("the server at {} chose {}", row.remote.address, safe(&one.value)))
        })?;
        draft.may_say = format!(
            "The device {} and {} settled on encryption that must not be used any more; in those \
             flows: {bytes}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            bytes = "{bytes}",
        );
        Some(draft)
    }
}
