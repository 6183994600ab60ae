//! `dns.hardcoded-resolver`: a device asked names of a server other than those that DHCP gave it.

use super::boot::{earlier, remembered, started_in};
use super::words::{msg, text, told};
use super::{Alternative, Check, Draft, Fact, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Signs, Zone};
use std::sync::LazyLock;

static EARLIER: LazyLock<[String; 2]> =
    LazyLock::new(|| earlier(text("dns.hardcoded-resolver.server_known")));

/// See the module.
pub struct DnsHardcodedResolver;

impl Check for DnsHardcodedResolver {
    fn rule(&self) -> Rule {
        Rule { id: "dns.hardcoded-resolver", version: 2, severity: Severity::Low }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TO_ONE, Signs::of(Mark::Query)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        // Without a lease in the capture nobody knows which servers the network gave. Those of router
        // advertisements are for IPv6, and say nothing of what it gave for IPv4.
        let leased = device.resolvers.iter().filter(|(address, _)| address.is_ipv4());
        let leased: Vec<_> = leased.collect();
        let (Some(given), false) = (leased.first(), contact.zone == Zone::Group) else {
            return None;
        };
        let mut draft = Draft::new(
            Level::Shown,
            &[
                msg!("dns.hardcoded-resolver.not_address_built_into"),
                msg!("dns.hardcoded-resolver.not_name_server_keeps"),
            ],
        );
        draft.alternatives = vec![Alternative {
            text: text("dns.hardcoded-resolver.server_configured_hand").into(),
            status: "not tested",
            by: text("dns.hardcoded-resolver.only_dhcp_compared").into(),
        }];
        for (row_index, row) in view.rows(contact) {
            let asked: Vec<_> = row.evidence.iter().filter(|e| e.mark == Mark::Query).collect();
            let given = device.resolvers.iter().any(|&(r, _)| r == row.remote.address);
            // Only IPv4 servers come with DHCPv4.
            if asked.is_empty() || given || row.remote.address.is_ipv6() || !row.begun_here {
                continue;
            }
            draft.traffic.push((row_index, Some(Mark::Query)));
            draft.cites.extend(asked.iter().map(|evidence| evidence.cite));
            let names = asked.iter().map(|e| crate::base::text::safe(&e.value));
            let mut names: Vec<String> = names.collect();
            names.dedup();
            names.truncate(5);
            draft.facts.push(Fact {
                text: told!(
                    "dns.hardcoded-resolver.asked",
                    address = row.remote.address,
                    names = names.join(", ")
                ),
                frames: asked.iter().take(5).map(|evidence| evidence.cite.frame).collect(),
            });
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.alternatives.extend(remembered(view, device, &EARLIER));
        if let Some(phase) = started_in(view, &draft.cites) {
            let first = draft.cites.iter().map(|cite| cite.frame).min().unwrap_or(0);
            let text = told!("dns.hardcoded-resolver.first_question_lies", phase);
            draft.facts.push(Fact::new(text, first));
        }
        let servers: Vec<String> = leased.iter().map(|(address, _)| address.to_string()).collect();
        let servers = servers.join(", ");
        draft.facts.push(Fact::new(told!("dns.hardcoded-resolver.dhcp_gave", servers), given.1));
        draft.may_say = told!(
            "dns.hardcoded-resolver.may_say",
            device = spoken_device(device),
            remote = spoken(view, &draft),
            servers
        );
        Some(draft)
    }
}
