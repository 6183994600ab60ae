//! `svc.listen-exposed`: a service answered somebody who came to it.

use super::words::{msg, told};
use super::{Check, Draft, Fact, Service, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Zone};
use crate::protocol::{TCP, UDP};
use std::collections::BTreeSet;

/// See the module.
pub struct SvcExposed;

impl Check for SvcExposed {
    fn id(&self) -> &'static str {
        "svc.listen-exposed"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
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
            // Between two local ends the one that began is the local one.
            let answered = match contact.zone {
                Zone::Private => row.begun_here && row.totals[1].payload_bytes > 0,
                Zone::Internet => {
                    row.begun_there && !row.begun_here && row.totals[0].payload_bytes > 0
                }
                Zone::Group => false,
            };
            if !answered {
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
                    service = Service(row)
                ),
                row.frames[0],
            ));
            names.insert(row.label.protocol);
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let names: Vec<&str> = names.into_iter().collect();
        draft.may_say = told!(
            "svc.listen-exposed.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            names = names.join(", ")
        );
        Some(draft)
    }
}
