//! `telemetry.third-party`: data goes to a company that measures, and that is not the maker.

use super::attributed::attributed;
use super::words::{msg, text, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::signature::Kind;
use crate::attribution::world::{Contact, Party, Signs, Zone};

/// See the module.
pub struct ThirdParty;

impl Check for ThirdParty {
    fn rule(&self) -> Rule {
        Rule { id: "telemetry.third-party", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of_claim(Kind::Analytics)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || contact.party == Party::First {
            return None;
        }
        let not_shown = &[
            msg!("telemetry.third-party.not_measured"),
            msg!("telemetry.third-party.not_person_can_recognised"),
            msg!("telemetry.third-party.not_maker_device_agreed"),
        ];
        let (mut draft, claims) = attributed(view, contact, Kind::Analytics, not_shown)?;
        let made_up = if claims[0].fictional { text("shared.made_up") } else { "" };
        draft.may_say = told!(
            "telemetry.third-party.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            name = claims[0].name,
            made_up
        );
        Some(draft)
    }
}
