//! `name.unexplained`: a device began a conversation with an internet address that nothing in
//! the capture names.

use super::{
    About, Alternative, Check, Draft, Fact, Service, Severity, View, spoken, spoken_device,
};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Zone};

/// See the module.
pub struct NameUnexplained;

impl Check for NameUnexplained {
    fn id(&self) -> &'static str {
        "name.unexplained"
    }

    fn title(&self) -> &'static str {
        "A conversation with an address that nothing names"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn about(&self) -> About {
        About {
            looks_for: "Flows that a device began with an internet address for which the capture \
                holds no DNS answer, SNI, Host or certificate and that no signature \
                knows.",
            why: "An address built into the firmware or learnt in secret hides whom the \
                device speaks to.",
            false_positives: "Names looked up before the capture began or over an encrypted resolver; \
                peer addresses from a peer-to-peer server.",
            verify: "Search the capture for the address in DNS answers: dns.a == ADDRESS; \
                there must be none.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        if contact.zone != Zone::Internet || device.role == "gateway" {
            return None;
        }
        let mut draft = Draft {
            level: Level::Shown,
            facts: Vec::new(),
            may_say: String::new(),
            does_not_show: &[
                "who operates the address",
                "that the address is built into the device",
            ],
            alternatives: vec![Alternative {
                text: "the name was looked up before the capture began, or over an encrypted \
                       resolver"
                    .into(),
                status: if device.visibility.dhcp { "not tested" } else { "not excluded" },
                by: if device.visibility.dhcp {
                    "the device asked for its address in this capture, so it started here, but \
                     it may have remembered names"
                } else {
                    "the capture does not show the device starting"
                }
                .into(),
            }],
            cites: Vec::new(),
            traffic: Vec::new(),
        };
        for (row_index, row) in view.rows(contact) {
            // Name servers are spoken to by address; who they are is another check's question.
            let asks_names = row.evidence.iter().any(|e| e.mark == Mark::Query);
            let explained = row.name.is_some()
                || asks_names
                || !row.begun_here
                || row.is_icmp()
                || view.world.claims.of(row_index).is_some();
            if explained || row.totals[0].packets == 0 {
                continue;
            }
            draft.traffic.push((row_index, None));
            draft.cites.extend(row.beginnings());
            draft.facts.push(Fact::new(
                format!(
                    "{} {} to {} ({}, by {}); no DNS answer, SNI, Host or certificate \
                     names the address",
                    row.flows,
                    if row.flows == 1 { "flow" } else { "flows" },
                    Service(row),
                    row.label.protocol,
                    row.label.method.name(),
                ),
                row.frames[0],
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        // Absence is only shown where nothing was lost and both directions were seen.
        let seen = &device.visibility;
        if view.lossy || !seen.both_directions || seen.acknowledged_unseen_flows > 0 {
            draft.level = Level::Inferred;
            draft.alternatives.push(Alternative {
                text: "the answer that names the address is missing from the capture".into(),
                status: "not excluded",
                by: "packets were lost or only one direction was seen".into(),
            });
        }
        draft.may_say = format!(
            "The device {} began a conversation with {}, an address that nothing in this \
             capture names: {{bytes}}.",
            spoken_device(device),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
