//! `data.location-lookup`: a device asks a service that tells a place by the radio networks around.

use super::attributed::attributed;
use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::signature::Kind;
use crate::attribution::world::{Contact, Signs, Zone};

/// See the module.
pub struct LocationLookup;

impl Check for LocationLookup {
    fn rule(&self) -> Rule {
        Rule { id: "data.location-lookup", version: 1, severity: Severity::Low }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of_claim(Kind::Location)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let not_shown = &[
            msg!("data.location-lookup.not_what_was_sent"),
            msg!("data.location-lookup.not_kept"),
        ];
        let (mut draft, claims) = attributed(view, contact, Kind::Location, not_shown)?;
        draft.may_say = told!(
            "data.location-lookup.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            name = claims[0].name
        );
        Some(draft)
    }
}
