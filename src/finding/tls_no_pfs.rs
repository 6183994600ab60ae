//! `tls.no-pfs`: both sides settled on keys that one long-lived secret opens, also for what was
//! recorded before.

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;

/// See the module.
pub struct TlsNoPfs;

impl Check for TlsNoPfs {
    fn id(&self) -> &'static str {
        "tls.no-pfs"
    }

    fn title(&self) -> &'static str {
        "Encryption without forward secrecy was used"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "A Server Hello that chooses keys sent under the server's RSA key, or made of a secret \
                shared beforehand alone (RFC 9325 §4.1, RFC 4279 §7.1).",
            why: "Whoever gets hold of that one secret later can read what was recorded until then.",
            false_positives: "Suites with a shared secret are usual where devices are too small for others.",
            verify: "Look at the cipher suite in the Server Hello of the deciding frame (tls.handshake.ciphersuite).",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let not_shown = &["that anyone has the secret", "that anything was recorded or read"];
        let mark = Mark::NoForwardSecrecy;
        let mut draft = Draft::marked(view, contact, mark, not_shown, |row, one| {
            Some(format!("the server at {} chose {}", row.remote.address, safe(&one.value)))
        })?;
        draft.may_say = format!(
            "The device {} and {} settled on encryption without forward secrecy; in those flows: \
             {bytes}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            bytes = "{bytes}",
        );
        Some(draft)
    }
}
