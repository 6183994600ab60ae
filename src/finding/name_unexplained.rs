//! `name.unexplained`: a device began a conversation with an internet address that nothing in
//! the capture names.

use super::boot::{remembered, started_in};
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
        2
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
            false_positives: "Names looked up before the capture began, kept from an earlier run, or \
                looked up over an encrypted resolver; \
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
        let mut draft = Draft::new(
            Level::Shown,
            &["who operates the address", "that the address is built into the device"],
        );
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
        draft.alternatives.extend(remembered(view, device, "the name was looked up"));
        let encrypted = view.asking_encrypted.contains(&contact.device_index);
        draft.alternatives.push(Alternative {
            text: "the name was looked up inside encryption".into(),
            status: if encrypted { "not excluded" } else { "not tested" },
            by: if encrypted {
                "the device asks for names over an encrypted resolver"
            } else {
                "no encrypted resolver was recognised, but one can look like any web server"
            }
            .into(),
        });
        if let Some(phase) = started_in(view, &draft.cites) {
            let first = draft.cites.iter().map(|cite| cite.frame).min().unwrap_or(0);
            let text =
                format!("the first of it lies in the phase {phase}, while the device starts");
            draft.facts.push(Fact::new(text, first));
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
