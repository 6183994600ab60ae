//! `standard.*`: what a device speaks has the form of a nation's own standard. One check for every
//! nation, by the same rule: the dissector that reads the standard names it.

use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs};

/// See the module.
pub struct Standard {
    /// The finding's id.
    pub id: &'static str,
    /// What the dissector calls the standard.
    pub key: &'static str,
    /// The standard as it is cited.
    pub name: &'static str,
}

impl Check for Standard {
    fn rule(&self) -> Rule {
        Rule { id: self.id, version: 1, severity: Severity::Info }
    }

    fn words(&self) -> &'static str {
        "standard"
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::of(Mark::Standard)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &[
            msg!("standard.not_operates_end_country"),
            msg!("standard.not_authority_takes_part"),
            msg!("standard.not_device_conforms_standard"),
        ];
        let mut draft = Draft::marked(view, contact, Mark::Standard, not_shown, |_, evidence| {
            (evidence.what == self.key).then(|| told!("standard.message_form", name = self.name))
        })?;
        draft.may_say = told!(
            "standard.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            name = self.name
        );
        Some(draft)
    }
}
