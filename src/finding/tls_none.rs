//! `tls.none`: application data that anyone on the path can read goes to the internet.

use super::words::{msg, text, told};
use super::{Check, Draft, Fact, Rule, Service, Severity, View, capped, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::protocol::{Content, Method};
use std::collections::BTreeSet;

/// See the module.
pub struct TlsNone;

impl Check for TlsNone {
    fn rule(&self) -> Rule {
        Rule { id: "tls.none", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::READABLE] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[msg!("tls.none.not_anyone_but_two"), msg!("tls.none.not_parts_content_encrypted")],
        );
        let mut protocols = BTreeSet::new();
        for (row_index, row) in view.rows(contact) {
            let payload: u64 = row.totals.iter().map(|sent| sent.delivered_bytes).sum();
            let how = match row.label.method {
                Method::Payload => text("tls.none.by_payload"),
                // Another flow says that it comes, over which profile, and to whom.
                Method::Expected => text("tls.none.by_flow"),
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
                told!(
                    "tls.none.without_encryption",
                    protocol = row.label.protocol,
                    how,
                    service = Service(row)
                ),
                row.label.frame,
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let protocols: Vec<String> = protocols.into_iter().map(str::to_uppercase).collect();
        draft.may_say = told!(
            "tls.none.may_say",
            device = spoken_device(view.device(contact)),
            protocols = protocols.join(" and "),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
