//! `auth.none-on-config`: commands that switch or change something go readable, with no secret seen before.

use super::offered::is_answered;
use super::words::{msg, text, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Signs};
use crate::base::text::safe;
use crate::protocol::Content;

/// See the module.
pub struct ControlCleartext;

impl Check for ControlCleartext {
    fn rule(&self) -> Rule {
        Rule { id: "auth.none-on-config", version: 2, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::of(Mark::Control)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &[
            msg!("auth.none-on-config.not_command_carried_out"),
            msg!("auth.none-on-config.not_others_could_send"),
        ];
        let mut draft = Draft::marked(view, contact, Mark::Control, not_shown, |row, evidence| {
            let logged_in = row.evidence.iter().any(|e| e.mark == Mark::Credential);
            let clear = !logged_in && row.content() != Content::Encrypted;
            clear.then(|| format!("{}: {}", evidence.what, safe(&evidence.value)))
        })?;
        draft.level = Level::Inferred;
        draft.not_excluded(
            text("auth.none-on-config.two_ends_knew"),
            text("auth.none-on-config.only_readable_secrets"),
        );
        // Who is asked does what is commanded.
        let asked = |&(row, _): &(usize, _)| is_answered(contact.zone, &view.ledger.rows[row]);
        let [device, other] = match draft.traffic.iter().all(asked) {
            true => draft.about_who_was_asked(view, contact)?,
            false => [spoken_device(view.device(contact)), spoken(view, &draft)],
        };
        draft.may_say = told!("auth.none-on-config.may_say", device, remote = other);
        Some(draft)
    }
}
