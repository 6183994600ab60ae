//! `svc.listen-exposed`: a service answered somebody who came to it.

use super::{About, Check, Draft, Fact, Service, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Zone};
use crate::protocol::{TCP, UDP};
use std::collections::BTreeSet;

/// See the module.
pub struct SvcExposed;

impl Check for SvcExposed {
    fn id(&self) -> &'static str {
        "svc.listen-exposed"
    }

    fn title(&self) -> &'static str {
        "A service is offered"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "Flows that another device, or an internet address, began and that were answered with data; \
                not those that a gateway answers.",
            why: "Whoever can reach it can try it. Services that nobody needs should not be there.",
            false_positives: "The service may be needed and protected. Only what somebody tried is seen: nothing is ever tried \
                by phonehome.",
            verify: "Follow the stream of the filter: the answer must come from the port in the facts.",
        }
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
            &["whether it is protected", "that others than this peer can reach it"],
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
                format!(
                    "{} (by {by}) was answered; the other end is {}",
                    row.label.protocol,
                    Service(row)
                ),
                row.frames[0],
            ));
            names.insert(row.label.protocol);
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let names: Vec<&str> = names.into_iter().collect();
        draft.may_say = format!(
            "Between {} and {} a service was asked for and answered ({}): {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            names.join(", "),
        );
        Some(draft)
    }
}
