//! `svc.listen-exposed`: a service answered somebody who came to it.

use super::offered::{At, is_answered};
use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Severity, View};
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::protocol::{TCP, UDP};
use std::collections::BTreeSet;

/// See the module.
pub struct SvcExposed;

impl Check for SvcExposed {
    fn rule(&self) -> Rule {
        Rule { id: "svc.listen-exposed", version: 2, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::ANSWERED] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let answers_for_all = match contact.zone {
            Zone::Private => view.goes_to_gateway(contact),
            Zone::Internet | Zone::Group => view.device(contact).role == "gateway",
        };
        if answers_for_all {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                msg!("svc.listen-exposed.not_protected"),
                msg!("svc.listen-exposed.not_others_peer_can"),
            ],
        );
        let mut names = BTreeSet::new();
        for (index, row) in view.rows(contact).filter(|(_, row)| matches!(row.protocol, TCP | UDP))
        {
            if !is_answered(contact.zone, row) {
                continue;
            }
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            let by = row.label.method.name();
            draft.facts.push(Fact::new(
                told!(
                    "svc.listen-exposed.answered_end",
                    protocol = row.label.protocol,
                    by,
                    service = At(row, contact.zone)
                ),
                row.frames[0],
            ));
            names.insert(row.label.protocol);
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let names: Vec<&str> = names.into_iter().collect();
        let [device, asking] = draft.about_who_was_asked(view, contact)?;
        draft.may_say =
            told!("svc.listen-exposed.may_say", device, asking, names = names.join(", "));
        Some(draft)
    }
}
