//! `tls.none`: application data that anyone on the path can read goes to the internet.

use super::{About, Check, Draft, Fact, Service, Severity, View, capped, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Zone};
use crate::protocol::{Content, Method};
use std::collections::BTreeSet;

/// See the module.
pub struct TlsNone;

impl Check for TlsNone {
    fn id(&self) -> &'static str {
        "tls.none"
    }

    fn title(&self) -> &'static str {
        "Data went over the internet without encryption"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "Flows with an internet address whose protocol was recognised from the \
                payload and carries its content readable.",
            why: "Anyone on the path can read it and change it.",
            false_positives: "Content that is encrypted inside the readable protocol; public data such \
                as time or weather.",
            verify: "Follow the stream of the filter in Wireshark and read it.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                "that anyone but the two ends has read it",
                "whether parts of the content are encrypted within the protocol",
            ],
        );
        let mut protocols = BTreeSet::new();
        for (row_index, row) in view.rows(contact) {
            let payload: u64 = row.totals.iter().map(|sent| sent.delivered_bytes).sum();
            let how = match row.label.method {
                Method::Payload => "recognised from its payload",
                // Another flow says that it comes, over which profile, and to whom.
                Method::Expected => "announced by another flow",
                Method::Port | Method::None => continue,
            };
            if row.content() != Content::Clear || payload == 0 {
                continue;
            }
            draft.traffic.push((row_index, None));
            draft.level = draft.level.max(capped(Level::Shown, row));
            draft.cites.extend(row.beginnings());
            protocols.insert(row.label.protocol);
            draft.facts.push(Fact::new(
                format!("{} {how}, to {}, without encryption", row.label.protocol, Service(row)),
                row.label.frame,
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let protocols: Vec<String> = protocols.into_iter().map(str::to_uppercase).collect();
        draft.may_say = format!(
            "The device {} exchanged readable {} data with {} over the internet: {{bytes}}.",
            spoken_device(view.device(contact)),
            protocols.join(" and "),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
