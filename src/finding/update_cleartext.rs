//! `update.cleartext`: a program for the device, or the list of newer ones, is fetched readable.

use super::words::{msg, text, told};
use super::{Check, Draft, Rule, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::base::text::safe;

/// See the module.
pub struct UpdateCleartext;

impl Check for UpdateCleartext {
    fn rule(&self) -> Rule {
        Rule { id: "update.cleartext", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TO_ONE, Signs::of(Mark::Update)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let image = std::cell::Cell::new(false);
        let not_shown = &[
            msg!("update.cleartext.not_file_program_device"),
            msg!("update.cleartext.not_device_checks_signature"),
        ];
        let mut draft = Draft::marked(view, contact, Mark::Update, not_shown, |row, one| {
            if !row.begun_here {
                return None;
            }
            image.set(image.get() || one.what == "image");
            Some(told!(
                "update.cleartext.asked",
                service = Service(row),
                value = safe(&one.value),
                protocol = row.label.protocol
            ))
        })?;
        if !image.get() {
            draft.level = Level::Inferred;
        }
        draft.not_excluded(
            text("update.cleartext.file_only_looks"),
            text("update.cleartext.name_alone_read"),
        );
        draft.may_say = told!(
            "update.cleartext.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
