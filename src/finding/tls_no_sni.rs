//! `tls.no-sni`: encryption was begun without naming the server.

use super::{About, Check, Draft, Fact, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::{FlowRef, Mark};
use crate::attribution::world::{Contact, Level, Zone};

/// Services told one by one.
const FACTS_MAX: usize = 16;

/// See the module.
pub struct TlsNoSni;

impl Check for TlsNoSni {
    fn id(&self) -> &'static str {
        "tls.no-sni"
    }

    fn title(&self) -> &'static str {
        "Encryption was begun without naming the server"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "Flows of TLS or QUIC with an internet address whose ClientHello was read and has no server_name extension.",
            why: "Many names can share an address: without the name, whom the device speaks to is known from DNS or the certificate alone.",
            false_positives: "Small clients with one server of their own do without; so do connections to an address that has no name.",
            verify: "Show tls.handshake.extensions_server_name in the ClientHello of the flow: it must be missing.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &["that the name was left out to hide it"];
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
                let text = format!("{count} flows with {} name no server", Service(row));
                draft.facts.push(Fact::new(text, draft.cites[before].frame));
            }
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.may_say = format!(
            "The device {} began encryption with {} without naming a server; in those flows: \
             {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
