//! `cred.default-used`: a readable secret is one that many devices are sold with.

use super::offered::is_answered;
use super::{About, Alternative, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level};
use crate::base::text::safe;

/// How dissectors end the kind of such a secret.
const DEFAULT: &str = "a well-known default";

/// See the module.
pub struct CredDefault;

impl Check for CredDefault {
    fn id(&self) -> &'static str {
        "cred.default-used"
    }

    fn title(&self) -> &'static str {
        "A well-known default password was sent"
    }

    fn version(&self) -> u32 {
        2
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn about(&self) -> About {
        About {
            looks_for: "A secret sent readable (FTP, AMQP, SNMP communities) that stands in a list of names and \
                passwords that devices are sold with.",
            why: "Whoever knows the product gets in.",
            false_positives: "Whether it was taken is not read: it may have been refused. Passwords within encryption, or that \
                only this maker uses, are not seen.",
            verify: "Read the deciding frame, and the answer to it in the same stream.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &["that it was taken", "which secret it is: it is never shown"];
        let mut draft = Draft::marked(view, contact, Mark::Credential, not_shown, |_, one| {
            let owner = match one.value.is_empty() {
                true => String::new(),
                false => format!(" of user {}", safe(&one.value)),
            };
            one.what.ends_with(DEFAULT).then(|| format!("{}{owner}", one.what))
        })?;
        draft.level = Level::Inferred;
        draft.alternatives.push(Alternative {
            text: "it was tried and refused".into(),
            status: "not tested",
            by: "the answer to it is not read".into(),
        });
        // The secret is that of who is asked for it.
        let asked = |&(row, _): &(usize, _)| is_answered(contact.zone, &view.ledger.rows[row]);
        let [device, other] = match draft.traffic.iter().all(asked) {
            true => draft.about_who_was_asked(view, contact)?,
            false => [spoken_device(view.device(contact)), spoken(view, &draft)],
        };
        draft.may_say = format!(
            "A password that many devices are sold with went readable between the device {device} \
             and {other}; in those flows: {{bytes}}.",
        );
        Some(draft)
    }
}
