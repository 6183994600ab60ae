//! `svc.inbound-from-wan`: an internet address began a session that the device took part in.

use super::words::{msg, text, told};
use super::{Check, Draft, Fact, Rule, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Signs, Zone, transport_name};
use crate::protocol::TCP;

/// See the module.
pub struct Inbound;

impl Check for Inbound {
    fn rule(&self) -> Rule {
        Rule { id: "svc.inbound-from-wan", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::Inbound)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        if contact.zone != Zone::Internet || device.role == "gateway" {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                msg!("svc.inbound-from-wan.not_sender_got_refusal"),
                msg!("svc.inbound-from-wan.not_router_came_let"),
            ],
        );
        // An answer that came after a time-out, or a data connection that was agreed on.
        let asked: Vec<_> = view
            .rows(contact)
            .filter(|(_, row)| row.begun_here)
            .map(|(_, row)| (row.remote.address, row.first))
            .collect();
        for (index, row) in view.rows(contact) {
            let invited =
                asked.iter().any(|&(to, first)| to == row.remote.address && first <= row.last);
            let mut flows = row.flow_refs.iter().filter(|f| f.marks & Mark::Inbound as u32 != 0);
            let Some(first) = flows.next().filter(|_| !invited) else { continue };
            draft.traffic.push((index, Some(Mark::Inbound)));
            draft.cites.push(first.cite);
            draft.cites.extend(flows.map(|flow| flow.cite));
            if row.protocol != TCP {
                draft.level = Level::Inferred;
            }
            let text = told!(
                "svc.inbound-from-wan.began_device",
                service = Service(row),
                transport = transport_name(row.protocol),
                protocol = row.label.protocol
            );
            draft.facts.push(Fact::new(text, first.cite.frame));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        if draft.level == Level::Inferred {
            draft.not_excluded(
                text("svc.inbound-from-wan.device_began_before"),
                text("svc.inbound-from-wan.udp_beginning_can"),
            );
        }
        draft.may_say = told!(
            "svc.inbound-from-wan.may_say",
            remote = spoken(view, &draft),
            device = spoken_device(device)
        );
        Some(draft)
    }
}
