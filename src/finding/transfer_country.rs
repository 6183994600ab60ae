//! `transfer.country`: data leaves the country that the test network is in.

use super::placed::placed;
use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Signs, Zone};

/// See the module.
pub struct TransferCountry;

impl Check for TransferCountry {
    fn rule(&self) -> Rule {
        Rule { id: "transfer.country", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::SENT] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let here = view.here.as_deref().filter(|_| contact.zone == Zone::Internet)?;
        let not_shown =
            &[msg!("transfer.country.not_where_data_kept"), msg!("transfer.country.not_law_holds")];
        let placed = placed(view, contact, not_shown, |code| code.as_str() != here)?;
        let countries = placed.countries();
        let mut draft = placed.draft;
        draft.may_say = told!(
            "transfer.country.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            countries,
            here
        );
        Some(draft)
    }
}
