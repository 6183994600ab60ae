//! `svc.upnp-hole`: a device asks the router to let the internet in.

use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};
use crate::base::text::safe;

/// See the module.
pub struct PortOpening;

impl Check for PortOpening {
    fn rule(&self) -> Rule {
        Rule { id: "svc.upnp-hole", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::PRIVATE.or(Signs::GROUP), Signs::of(Mark::Opening)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Internet {
            return None;
        }
        let not_shown =
            &[msg!("svc.upnp-hole.not_router"), msg!("svc.upnp-hole.not_anyone_came_through")];
        let mut draft = Draft::marked(view, contact, Mark::Opening, not_shown, |_, evidence| {
            Some(format!("{}: {}", evidence.what, safe(&evidence.value)))
        })?;
        draft.may_say = told!(
            "svc.upnp-hole.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
