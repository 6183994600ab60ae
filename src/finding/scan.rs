//! `net.scan`: one device tries many ports of another, or many devices.

use super::{About, Alternative, Check, Draft, Fact, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Row;
use crate::attribution::world::{Contact, Level, Zone};
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
    fn id(&self) -> &'static str {
        "net.scan"
    }

    fn title(&self) -> &'static str {
        "A device tried many ports or addresses"
    }

    fn version(&self) -> u32 {
        2
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "At least 20 different ports of one destination to which a device opened \
                TCP or UDP without any payload coming back; or one TCP port tried in vain at 20 \
                addresses or more, told once for all of them.",
            why: "Infected devices look for others in this way, and some vendors' apps map \
                the home.",
            false_positives: "Network scanners of the user, printer and media discovery of apps, a \
                server that is switched off. A sweep by ARP or ICMP alone, or over names, is not found.",
            verify: "In Wireshark, Statistics, Conversations on the filter: many short \
                conversations with SYN, and RST or nothing as the answer.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let mut draft = Draft::new(
            Level::Inferred,
            &["what it was looking for", "that anything was found or harmed"],
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
                format!(
                    "{} ports from {lowest} to {highest} tried, none with an answer that carries \
                     data",
                    ports.len()
                ),
                frame,
            ));
            tried.push(format!("{} ports", ports.len()));
        }
        let mut counted: Set<usize> = draft.traffic.iter().map(|&(row, _)| row).collect();
        let swept = view.sweeps.at(contact).into_iter().flat_map(|swept| &swept.sweeps);
        for sweep in swept.filter(|sweep| sweep.addresses >= ADDRESSES_MIN) {
            sweep.tell(view, &mut draft, &mut counted);
            tried.push(format!("port {} of {} addresses", sweep.port, sweep.addresses));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.traffic.sort_unstable_by_key(|&(row, _)| row);
        draft.alternatives.push(Alternative {
            text: "an app or the person who tests the network did it with this device".into(),
            status: "not excluded",
            by: "the packets do not say why".into(),
        });
        draft.may_say = format!(
            "The device {} tried {} without exchanging data, with {}: {{bytes}}.",
            spoken_device(view.device(contact)),
            tried.join(" and "),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
