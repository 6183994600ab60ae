//! `net.covert-tunnel`: names are asked for that look like data.

use super::words::{msg, text, told};
use super::{Check, Draft, Fact, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::{Evidence, Mark};
use crate::attribution::names::registrable;
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::base::text::safe;
use std::collections::{BTreeMap, BTreeSet};

/// Fewest different names under one domain.
const NAMES_MIN: usize = 20;
/// Fewest characters before the domain, on average.
const CHARACTERS_MIN: usize = 40;
/// Frames named by one fact.
const FRAMES_MAX: usize = 16;

/// See the module.
pub struct CovertTunnel;

impl Check for CovertTunnel {
    fn rule(&self) -> Rule {
        Rule { id: "net.covert-tunnel", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TO_ONE, Signs::of(Mark::Query)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group || view.device(contact).role == "gateway" {
            return None;
        }
        let not_shown = &[
            msg!("net.covert-tunnel.not_names_mean"),
            msg!("net.covert-tunnel.not_data_taken_out"),
        ];
        let mut draft = Draft::new(Level::Inferred, not_shown);
        let mut domains = BTreeSet::new();
        for (index, row) in view.rows(contact).filter(|(_, row)| row.begun_here) {
            let asked = row.evidence.iter().filter(|evidence| evidence.mark == Mark::Query);
            let mut by_domain: BTreeMap<&str, BTreeMap<&[u8], &Evidence>> = BTreeMap::new();
            for evidence in asked {
                if let Some(domain) = registrable(&evidence.value) {
                    by_domain.entry(domain).or_default().entry(&evidence.value).or_insert(evidence);
                }
            }
            for (domain, names) in by_domain {
                let before: usize = names.keys().map(|name| name.len() - domain.len()).sum();
                if names.len() < NAMES_MIN || before / names.len() < CHARACTERS_MIN {
                    continue;
                }
                let domain = safe(domain.as_bytes());
                draft.facts.push(Fact {
                    text: told!(
                        "net.covert-tunnel.names_under_characters",
                        count = names.len(),
                        domain,
                        characters = before / names.len()
                    ),
                    frames: names.values().take(FRAMES_MAX).map(|one| one.cite.frame).collect(),
                });
                draft.cites.extend(names.values().map(|evidence| evidence.cite));
                if !draft.traffic.iter().any(|&(known, _)| known == index) {
                    draft.traffic.push((index, Some(Mark::Query)));
                }
                domains.insert(domain);
            }
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.not_excluded(
            text("net.covert-tunnel.hashes_ids_service"),
            text("net.covert-tunnel.names_alone_tell"),
        );
        let domains: Vec<String> = domains.into_iter().collect();
        draft.may_say = told!(
            "net.covert-tunnel.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            domains = domains.join(" and ")
        );
        Some(draft)
    }
}
