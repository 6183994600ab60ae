//! `cloud.relay`: a way to a peer is sought through a server of the internet.

use super::words::{msg, told};
use super::{Check, Draft, Rule, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};
use crate::base::text::safe;

/// See the module.
pub struct Relay;

impl Check for Relay {
    fn rule(&self) -> Rule {
        Rule { id: "cloud.relay", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::Relay)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[
            msg!("cloud.relay.not_peer"),
            msg!("cloud.relay.not_carried"),
            msg!("cloud.relay.not_data_went_through"),
        ];
        let mut draft = Draft::marked(view, contact, Mark::Relay, not_shown, |row, evidence| {
            Some(told!(
                "cloud.relay.with",
                what = evidence.what,
                value = safe(&evidence.value),
                service = Service(row)
            ))
        })?;
        draft.may_say = told!(
            "cloud.relay.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
