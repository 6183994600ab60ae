//! `tls.no-sni`: encryption was begun without naming the server.

use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::{FlowRef, Mark};
use crate::attribution::world::{Contact, Level, Signs, Zone};

/// Services told one by one.
const FACTS_MAX: usize = 16;

/// See the module.
pub struct TlsNoSni;

impl Check for TlsNoSni {
    fn rule(&self) -> Rule {
        Rule { id: "tls.no-sni", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::NoServerName)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[msg!("tls.no-sni.not_to_hide")];
        let mut draft = Draft::new(Level::Shown, not_shown);
        for (index, row) in view.rows(contact) {
            if !matches!(row.label.protocol, "tls" | "quic") {
                continue;
            }
            let bare = |flow: &&FlowRef| flow.marks & Mark::NoServerName as u32 != 0;
            let before = draft.cites.len();
            draft.cites.extend(row.flow_refs.iter().filter(bare).map(|flow| flow.cite));
            let count = draft.cites.len() - before;
            if count == 0 {
                continue;
            }
            draft.traffic.push((index, Some(Mark::NoServerName)));
            if draft.facts.len() < FACTS_MAX {
                let text = told!("tls.no-sni.flows", count, service = Service(row));
                draft.facts.push(Fact::new(text, draft.cites[before].frame));
            }
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.may_say = told!(
            "tls.no-sni.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
