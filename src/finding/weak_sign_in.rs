//! `auth.weak-scheme`: a login whose secret can be found by trying, from what is said readable.

use super::offered::is_answered;
use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::Contact;
use crate::base::text::safe;
use crate::protocol::Content;

/// See the module.
pub struct WeakSignIn;

impl Check for WeakSignIn {
    fn id(&self) -> &'static str {
        "auth.weak-scheme"
    }

    fn title(&self) -> &'static str {
        "A login that can be guessed by trying"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn about(&self) -> About {
        About {
            looks_for: "A login by Digest with MD5, or without a named algorithm, which means MD5 (RFC 7616 §3.3), in readable HTTP, RTSP or SIP.",
            why: "Whoever reads it can try passwords against it at billions a second without asking anybody.",
            false_positives: "A long random password withstands that. Logins that show the secret itself are told by cred.cleartext; those of vendors' own protocols are not looked at.",
            verify: "Look at the Authorization field of the deciding frame: Digest, and algorithm=MD5 or none.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &["whether the password can be guessed", "that anybody tried"];
        let mut draft =
            Draft::marked(view, contact, Mark::WeakSignIn, not_shown, |row, evidence| {
                let readable = row.content() != Content::Encrypted;
                readable.then(|| {
                    format!("Digest with MD5, {} {}", evidence.what, safe(&evidence.value))
                })
            })?;
        // Which login there is, who is asked for it decides.
        let asked = |&(row, _): &(usize, _)| is_answered(contact.zone, &view.ledger.rows[row]);
        let [device, other] = match draft.traffic.iter().all(asked) {
            true => draft.about_who_was_asked(view, contact)?,
            false => [spoken_device(view.device(contact)), spoken(view, &draft)],
        };
        draft.may_say = format!(
            "Between the device {device} and {other} a login by Digest with MD5 went readable; in \
             those flows: {{bytes}}.",
        );
        Some(draft)
    }
}
