//! `net.lateral`: one device opens a session with another on the test network.

use super::{About, Check, Draft, Fact, Service, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Zone};
use crate::protocol::{Content, TCP};

/// See the module.
pub struct Lateral;

impl Check for Lateral {
    fn id(&self) -> &'static str {
        "net.lateral"
    }

    fn title(&self) -> &'static str {
        "A session between two local devices"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "TCP connections with payload both ways that one device on the test \
                network opened to another which is not the gateway.",
            why: "A device that talks to its neighbours can learn about them or reach \
                them; most devices have no need to.",
            false_positives: "Phones and controllers that the user works with: the session is then \
                what the user asked for.",
            verify: "The first frame of the filter is a SYN from the device that is named \
                first.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Private || view.goes_to_gateway(contact) {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &["that a person did not want it", "what the session was for"],
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
        draft.may_say = format!(
            "The device {} opened sessions with {} on the test network: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
