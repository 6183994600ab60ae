//! `cred.default-used`: a readable secret is one that many devices are sold with.

use super::offered::is_answered;
use super::words::{msg, text, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Signs};
use crate::base::text::safe;

/// How dissectors end the kind of such a secret.
const DEFAULT: &str = "a well-known default";

/// See the module.
pub struct CredDefault;

impl Check for CredDefault {
    fn rule(&self) -> Rule {
        Rule { id: "cred.default-used", version: 2, severity: Severity::High }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::of(Mark::Credential)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &[
            msg!("cred.default-used.not_taken"),
            msg!("cred.default-used.not_secret_never_shown"),
        ];
        let mut draft = Draft::marked(view, contact, Mark::Credential, not_shown, |_, one| {
            let owner = match one.value.is_empty() {
                true => String::new(),
                false => told!("cred.default-used.user", value = safe(&one.value)),
            };
            one.what.ends_with(DEFAULT).then(|| format!("{}{owner}", one.what))
        })?;
        draft.level = Level::Inferred;
        draft.not_tested(
            text("cred.default-used.tried_refused"),
            text("cred.default-used.answer_read"),
        );
        // The secret is that of who is asked for it.
        let asked = |&(row, _): &(usize, _)| is_answered(contact.zone, &view.ledger.rows[row]);
        let [device, other] = match draft.traffic.iter().all(asked) {
            true => draft.about_who_was_asked(view, contact)?,
            false => [spoken_device(view.device(contact)), spoken(view, &draft)],
        };
        draft.may_say = told!("cred.default-used.may_say", device, remote = other);
        Some(draft)
    }
}
