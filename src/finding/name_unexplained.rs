//! `name.unexplained`: a device began a conversation with an internet address that nothing in
//! the capture names.

use super::boot::{earlier, remembered, started_in};
use super::words::{msg, text, told};
use super::{
    Alternative, Check, Draft, Fact, Rule, Service, Severity, View, spoken, spoken_device,
};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Signs, Zone};
use std::sync::LazyLock;

static EARLIER: LazyLock<[String; 2]> =
    LazyLock::new(|| earlier(text("name.unexplained.looked_up")));

/// See the module.
pub struct NameUnexplained;

impl Check for NameUnexplained {
    fn rule(&self) -> Rule {
        Rule { id: "name.unexplained", version: 3, severity: Severity::Low }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::UNEXPLAINED] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        if contact.zone != Zone::Internet || device.role == "gateway" {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                msg!("name.unexplained.not_operates_address"),
                msg!("name.unexplained.not_address_built_into"),
            ],
        );
        for (row_index, row) in view.rows(contact) {
            // Name servers are spoken to by address; who they are is another check's question.
            let asks_names = row.evidence.iter().any(|e| e.mark == Mark::Query);
            // It names a front or the server itself: the address was not dialled bare.
            let outer_name = row
                .evidence
                .iter()
                .any(|one| one.mark == Mark::EncryptedHello && !one.value.is_empty());
            let explained = row.name.is_some()
                || asks_names
                || outer_name
                || !row.begun_here
                || row.is_icmp()
                || view.world.claims.of(row_index).is_some();
            if explained || row.totals[0].packets == 0 {
                continue;
            }
            draft.traffic.push((row_index, None));
            draft.cites.extend(row.beginnings());
            draft.facts.push(Fact::new(
                told!(
                    "name.unexplained.dns_answer_sni",
                    count = row.flows,
                    flows = text(if row.flows == 1 {
                        msg!("name.unexplained.flow")
                    } else {
                        msg!("name.unexplained.flows")
                    }),
                    service = Service(row),
                    protocol = row.label.protocol,
                    method = row.label.method.name()
                ),
                row.frames[0],
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.alternatives.extend(remembered(view, device, &EARLIER));
        let encrypted = view.asking_encrypted.contains(&contact.device_index);
        draft.alternatives.push(Alternative {
            text: text("name.unexplained.name_looked_up").into(),
            status: if encrypted { "not excluded" } else { "not tested" },
            by: if encrypted {
                text("name.unexplained.asks_encrypted")
            } else {
                text("name.unexplained.asks_perhaps")
            }
            .into(),
        });
        if let Some(phase) = started_in(view, &draft.cites) {
            let first = draft.cites.iter().map(|cite| cite.frame).min().unwrap_or(0);
            let text = told!("name.unexplained.first_lies_phase", phase);
            draft.facts.push(Fact::new(text, first));
        }
        // Absence is only shown where nothing was lost and both directions were seen.
        let seen = &device.visibility;
        if view.lossy || !seen.both_directions || seen.acknowledged_unseen_flows > 0 {
            draft.level = Level::Inferred;
            draft.not_excluded(
                text("name.unexplained.answer_names_address"),
                text("name.unexplained.packets_lost_only"),
            );
        }
        draft.may_say = told!(
            "name.unexplained.may_say",
            device = spoken_device(device),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
