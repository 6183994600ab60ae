//! `auth.none-on-config`: commands that switch or change something go readable, with no secret seen before.

use super::offered::is_answered;
use super::{About, Alternative, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level};
use crate::base::text::safe;
use crate::protocol::Content;

/// See the module.
pub struct ControlCleartext;

impl Check for ControlCleartext {
    fn id(&self) -> &'static str {
        "auth.none-on-config"
    }

    fn title(&self) -> &'static str {
        "A command without a visible login"
    }

    fn version(&self) -> u32 {
        2
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A readable message that writes, switches or commands (Modbus writes, IEC \
                104 commands, smart plug switching) in flows without a visible \
                credential.",
            why: "Whoever reaches the device on the network can then probably do the same.",
            false_positives: "A login in an earlier flow, or a filter by address, cannot be seen. \
                Field buses such as Modbus have no login by design.",
            verify: "Open the deciding frame in Wireshark: the dissector of the protocol \
                shows the function and its address.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &[
            "that the command was carried out",
            "that others could send it too: the sender may be checked by address",
        ];
        let mut draft = Draft::marked(view, contact, Mark::Control, not_shown, |row, evidence| {
            let logged_in = row.evidence.iter().any(|e| e.mark == Mark::Credential);
            let clear = !logged_in && row.content() != Content::Encrypted;
            clear.then(|| format!("{}: {}", evidence.what, safe(&evidence.value)))
        })?;
        draft.level = Level::Inferred;
        draft.alternatives.push(Alternative {
            text: "the two ends knew each other from an earlier login".into(),
            status: "not excluded",
            by: "only readable secrets in the same flows are looked for".into(),
        });
        // Who is asked does what is commanded.
        let asked = |&(row, _): &(usize, _)| is_answered(contact.zone, &view.ledger.rows[row]);
        let [device, other] = match draft.traffic.iter().all(asked) {
            true => draft.about_who_was_asked(view, contact)?,
            false => [spoken_device(view.device(contact)), spoken(view, &draft)],
        };
        draft.may_say = format!(
            "Readable commands went between the device {device} and {other}, and no login was seen \
             in those flows: {{bytes}}.",
        );
        Some(draft)
    }
}
