//! `net.lateral`: one device opens a session with another on the test network.

use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Service, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::protocol::{Content, TCP};

/// See the module.
pub struct Lateral;

impl Check for Lateral {
    fn rule(&self) -> Rule {
        Rule { id: "net.lateral", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::PRIVATE, Signs::ANSWERED] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Private || view.goes_to_gateway(contact) {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[msg!("net.lateral.not_person_want"), msg!("net.lateral.not_session")],
        );
        for (index, row) in view.rows(contact) {
            let talked = row.totals.iter().all(|sent| sent.payload_bytes > 0);
            if row.protocol != TCP
                || !row.begun_here
                || !talked
                || row.content() == Content::Service
            {
                continue;
            }
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            draft.facts.push(Fact::new(
                format!(
                    "{} ({}, by {})",
                    Service(row),
                    row.label.protocol,
                    row.label.method.name()
                ),
                row.frames[0],
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.may_say = told!(
            "net.lateral.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
