//! `svc.listen-exposed`: a service answered somebody who came to it.

use super::offered::{At, is_answered};
use super::{About, Check, Draft, Fact, Severity, View};
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
        2
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
            if !is_answered(contact.zone, row) {
                continue;
            }
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            let by = row.label.method.name();
            draft.facts.push(Fact::new(
                format!(
                    "{} (by {by}) was answered at {}",
                    row.label.protocol,
                    At(row, contact.zone)
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
        draft.may_say = format!(
            "The device {device} answered {asking}, who asked it for a service ({}): {{bytes}}.",
            names.join(", "),
        );
        Some(draft)
    }
}
