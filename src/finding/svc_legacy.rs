//! `svc.legacy`: a service that sends passwords and data readable by design was answered.

use super::words::{msg, told};
use super::{Check, Draft, Fact, Service, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Zone};
use crate::protocol::{Method, legacy};
use std::collections::BTreeSet;

/// See the module.
pub struct SvcLegacy;

impl Check for SvcLegacy {
    fn id(&self) -> &'static str {
        "svc.legacy"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let mut draft = Draft::new(
            Level::Shown,
            &[msg!("svc.legacy.not_login_possible"), msg!("svc.legacy.not_others_peer_can")],
        );
        let mut named = BTreeSet::new();
        for (index, row) in view.rows(contact) {
            // Between two local ends the one that began is the local one.
            let offered = match contact.zone {
                Zone::Private => row.begun_here && row.totals[1].payload_bytes > 0,
                Zone::Internet => row.begun_there && row.totals[0].payload_bytes > 0,
                Zone::Group => false,
            };
            let known = legacy(row.label.protocol).filter(|_| row.label.method == Method::Payload);
            let Some(name) = known.filter(|_| offered) else { continue };
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            draft.facts.push(Fact::new(
                told!("svc.legacy.answered_end", name, service = Service(row)),
                row.label.frame,
            ));
            named.insert(name);
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let named: Vec<&str> = named.into_iter().collect();
        draft.may_say = told!(
            "svc.legacy.may_say",
            named = named.join(" and "),
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
