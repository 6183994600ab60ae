//! `auth.weak-scheme`: a login whose secret can be found by trying, from what is said readable.

use super::offered::is_answered;
use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs};
use crate::base::text::safe;
use crate::protocol::Content;

/// See the module.
pub struct WeakSignIn;

impl Check for WeakSignIn {
    fn rule(&self) -> Rule {
        Rule { id: "auth.weak-scheme", version: 1, severity: Severity::Low }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::of(Mark::WeakSignIn)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &[msg!("auth.weak-scheme.not_guessed"), msg!("auth.weak-scheme.not_tried")];
        let mut draft =
            Draft::marked(view, contact, Mark::WeakSignIn, not_shown, |row, evidence| {
                let readable = row.content() != Content::Encrypted;
                readable.then(|| {
                    told!(
                        "auth.weak-scheme.digest",
                        what = evidence.what,
                        value = safe(&evidence.value)
                    )
                })
            })?;
        // Which login there is, who is asked for it decides.
        let asked = |&(row, _): &(usize, _)| is_answered(contact.zone, &view.ledger.rows[row]);
        let [device, other] = match draft.traffic.iter().all(asked) {
            true => draft.about_who_was_asked(view, contact)?,
            false => [spoken_device(view.device(contact)), spoken(view, &draft)],
        };
        draft.may_say = told!("auth.weak-scheme.may_say", device, other);
        Some(draft)
    }
}
