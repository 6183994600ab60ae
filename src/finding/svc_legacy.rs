//! `svc.legacy`: a service that sends passwords and data readable by design was answered.

use super::offered::{At, is_answered};
use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Severity, View};
use crate::attribution::world::{Contact, Level, Signs};
use crate::protocol::{Method, legacy};
use std::collections::BTreeSet;

/// See the module.
pub struct SvcLegacy;

impl Check for SvcLegacy {
    fn rule(&self) -> Rule {
        Rule { id: "svc.legacy", version: 2, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::ANSWERED] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let mut draft = Draft::new(
            Level::Shown,
            &[msg!("svc.legacy.not_login_possible"), msg!("svc.legacy.not_others_peer_can")],
        );
        let mut named = BTreeSet::new();
        for (index, row) in view.rows(contact) {
            let known = legacy(row.label.protocol).filter(|_| row.label.method == Method::Payload);
            let Some(name) = known.filter(|_| is_answered(contact.zone, row)) else { continue };
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            draft.facts.push(Fact::new(
                told!("svc.legacy.answered_end", name, service = At(row, contact.zone)),
                row.label.frame,
            ));
            named.insert(name);
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let named: Vec<&str> = named.into_iter().collect();
        let [device, asking] = draft.about_who_was_asked(view, contact)?;
        draft.may_say = told!("svc.legacy.may_say", named = named.join(" and "), device, asking);
        Some(draft)
    }
}
