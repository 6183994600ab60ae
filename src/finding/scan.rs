//! `net.scan`: one device tries many ports of another, or many devices.

use super::words::{msg, text, told};
use super::{Check, Draft, Fact, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Row;
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::base::table::Set;
use crate::protocol::{TCP, UDP};
use std::collections::BTreeSet;

/// Different ports from which on trying them is told.
const PORTS_MIN: usize = 20;

/// Different addresses from which on trying one port of them is told.
const ADDRESSES_MIN: usize = 20;

/// Rows that a device began in vain.
fn tries<'a>(view: &View<'a>, contact: &'a Contact) -> impl Iterator<Item = (usize, &'a Row)> {
    view.rows(contact).filter(|(_, row)| {
        matches!(row.protocol, TCP | UDP) && row.begun_here && row.totals[1].payload_bytes == 0
    })
}

/// See the module.
pub struct Scan;

impl Check for Scan {
    fn rule(&self) -> Rule {
        Rule { id: "net.scan", version: 2, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TO_ONE] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let swept = view.sweeps.at(contact);
        if contact.zone == Zone::Group || swept.is_none() && contact.rows.len() < PORTS_MIN {
            return None;
        }
        let mut draft = Draft::new(
            Level::Inferred,
            &[msg!("net.scan.not_looking"), msg!("net.scan.not_anything_found_harmed")],
        );
        let mut ports = BTreeSet::new();
        for (index, row) in tries(view, contact) {
            ports.extend(row.port);
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
        }
        let mut tried = Vec::new();
        if ports.len() < PORTS_MIN {
            draft.traffic.clear();
            draft.cites.clear();
        } else {
            let (lowest, highest) = (ports.first()?, ports.last()?);
            let frame = draft.cites.first().map_or(0, |cite| cite.frame);
            draft.facts.push(Fact::new(
                told!("net.scan.ports_tried_none", count = ports.len(), lowest, highest),
                frame,
            ));
            tried.push(told!("net.scan.ports", count = ports.len()));
        }
        let mut counted: Set<usize> = draft.traffic.iter().map(|&(row, _)| row).collect();
        let swept = swept.into_iter().flat_map(|swept| &swept.sweeps);
        for sweep in swept.filter(|sweep| sweep.addresses >= ADDRESSES_MIN) {
            sweep.tell(view, &mut draft, &mut counted);
            tried.push(told!(
                "net.scan.port_addresses",
                port = sweep.port,
                addresses = sweep.addresses
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.traffic.sort_unstable_by_key(|&(row, _)| row);
        draft.not_excluded(text("net.scan.app_person_tests"), text("net.scan.packets_say_why"));
        draft.may_say = told!(
            "net.scan.may_say",
            device = spoken_device(view.device(contact)),
            tried = tried.join(" and "),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
