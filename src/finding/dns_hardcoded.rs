//! `dns.hardcoded-resolver`: a device asked names of a server other than those that DHCP gave it.

use super::boot::{remembered, started_in};
use super::{About, Alternative, Check, Draft, Fact, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Zone};

/// See the module.
pub struct DnsHardcodedResolver;

impl Check for DnsHardcodedResolver {
    fn id(&self) -> &'static str {
        "dns.hardcoded-resolver"
    }

    fn title(&self) -> &'static str {
        "Another name server than the network gave"
    }

    fn version(&self) -> u32 {
        2
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn about(&self) -> About {
        About {
            looks_for: "DNS questions to another server than those that DHCP gave the device in \
                this capture.",
            why: "It passes by the name server, and the filter, that the network's owner \
                chose.",
            false_positives: "A server set by hand, by a router advertisement, or kept from an earlier \
                lease.",
            verify: "Compare option 6 of the DHCP answer with the address in the filter.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        // Without a lease in the capture nobody knows which servers the network gave.
        let (Some(given), false) = (device.resolvers.first(), contact.zone == Zone::Group) else {
            return None;
        };
        let mut draft = Draft::new(
            Level::Shown,
            &["that the address is built into the device", "what the name server keeps"],
        );
        draft.alternatives = vec![Alternative {
            text: "the server was configured by hand, by an app, or by a router \
                       advertisement"
                .into(),
            status: "not tested",
            by: "only DHCP is compared".into(),
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
                text: format!("asked {} for {}", row.remote.address, names.join(", ")),
                frames: asked.iter().take(5).map(|evidence| evidence.cite.frame).collect(),
            });
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.alternatives.extend(remembered(view, device, "the server was given or learnt"));
        if let Some(phase) = started_in(view, &draft.cites) {
            let first = draft.cites.iter().map(|cite| cite.frame).min().unwrap_or(0);
            let text =
                format!("the first question lies in the phase {phase}, while the device starts");
            draft.facts.push(Fact::new(text, first));
        }
        let servers: Vec<String> =
            device.resolvers.iter().map(|(address, _)| address.to_string()).collect();
        let servers = servers.join(", ");
        draft.facts.push(Fact::new(format!("DHCP gave it {servers}"), given.1));
        draft.may_say = format!(
            "The device {} asked names of {}, although DHCP gave it {servers}: {{bytes}}.",
            spoken_device(device),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
