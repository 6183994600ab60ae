//! `net.beacon`: flows to one service begin, or messages within a flow that stays open come, at an
//! even pace.

use super::words::{msg, text, told};
use super::{Check, Draft, Fact, Rule, Severity, View, capped, spoken, spoken_device};
use crate::attribution::ledger::{Mark, Row};
use crate::attribution::pace::{INTERVALS_MIN, Pace, Paced};
use crate::attribution::world::{Contact, Level, Signs, Zone, transport_name};
use crate::base::text::span;
use crate::base::time::Timestamp;
use std::collections::BTreeMap;

/// Protocols that keep time by their nature; their pace says nothing.
const KNOWN: [&str; 11] =
    ["ntp", "sntp", "dhcp", "dhcpv6", "dns", "mdns", "llmnr", "ssdp", "igmp", "icmp", "rtcp"];

/// Messages that only hold a channel open, by the largest payload: PINGREQ (MQTT 3.1.1 §3.12), a
/// binding indication with a fingerprint (RFC 8445 §11), a transport message without content
/// (WireGuard's white paper §6.5).
const KEEP_ALIVES: [(&str, u32); 3] = [("mqtt", 2), ("stun", 28), ("wireguard", 32)];

/// See the module.
pub struct Beacon;

impl Check for Beacon {
    fn rule(&self) -> Rule {
        Rule { id: "net.beacon", version: 2, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let is_paced = contact.signs.has(Signs::of(Mark::Paced));
        if !is_paced && contact.flows <= INTERVALS_MIN as u64 {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                msg!("net.beacon.not_what_it_is"),
                msg!("net.beacon.not_person_company_asked"),
                msg!("net.beacon.not_nothing_else_sent"),
            ],
        );
        let mut paces = flows(view, contact, &mut draft);
        messages(view, contact, &mut draft, &mut paces);
        if draft.traffic.is_empty() {
            return None;
        }
        draft.traffic.sort_unstable_by_key(|(index, _)| *index);
        let device = spoken_device(view.device(contact));
        draft.may_say = told!(
            "net.beacon.may_say",
            device,
            remote = spoken(view, &draft),
            paces = paces.join("; ")
        );
        Some(draft)
    }
}

/// Whether the pace of a row says nothing.
fn is_known(row: &Row) -> bool {
    KNOWN.contains(&row.label.protocol) || row.port == Some(123) || row.port == Some(53)
}

/// Flows that begin at a pace, in words.
fn flows(view: &View<'_>, contact: &Contact, draft: &mut Draft) -> Vec<String> {
    // Some address of a name serves each time, and each may have its own row.
    let mut services: BTreeMap<_, (Vec<Timestamp>, Vec<usize>, bool)> = BTreeMap::new();
    for (index, row) in view.rows(contact).filter(|(_, row)| !is_known(row)) {
        let key = (row.protocol, row.port, row.label.protocol);
        let (times, rows, whole) = services.entry(key).or_insert((Vec::new(), Vec::new(), true));
        times.extend(row.beginnings().map(|cite| cite.time));
        rows.push(index);
        *whole &= row.begun_here && !row.begun_there && row.flow_refs_lost == 0;
    }
    let mut paces = Vec::new();
    for ((protocol, port, label), (mut times, rows, whole)) in services {
        if !whole || times.len() <= INTERVALS_MIN {
            continue;
        }
        times.sort_unstable();
        let Some(pace) = Pace::of(times.into_iter()) else { continue };
        let first = &view.ledger.rows[rows[0]];
        let port = port.map_or(String::new(), |port| told!("net.beacon.port", port));
        draft.facts.push(Fact::new(
            told!(
                "net.beacon.flows_begin_every",
                count = pace.count,
                label,
                transport = transport_name(protocol),
                port,
                pace = evenness(&pace)
            ),
            first.frames[0],
        ));
        for &index in &rows {
            let row = &view.ledger.rows[index];
            draft.level = draft.level.max(capped(Level::Shown, row));
            draft.cites.extend(row.flow_refs.iter().map(|flow| flow.cite));
            draft.traffic.push((index, None));
        }
        paces.push(told!("net.beacon.flows_every", count = pace.count, period = span(pace.period)));
    }
    paces
}

fn evenness(pace: &Pace) -> String {
    let Pace { period, jitter, skew, .. } = *pace;
    let period = span(period);
    told!("net.beacon.median_half_intervals", period, jitter, skew)
}

/// Flows in which messages come at a pace; those that are counted already are not counted twice.
fn messages(view: &View<'_>, contact: &Contact, draft: &mut Draft, paces: &mut Vec<String>) {
    for (index, row) in view.rows(contact).filter(|(_, row)| !is_known(row)) {
        let label = row.label.protocol;
        let keeps_alive = |paced: &Paced| {
            KEEP_ALIVES.iter().any(|&(known, bytes)| known == label && paced.bytes[1] <= bytes)
        };
        let all = row.paced.iter().flat_map(|paced| paced.iter());
        let mut told = false;
        for paced in all.filter(|paced| !keeps_alive(paced)) {
            told = true;
            let Paced { pace, remote, bytes: [least, most], cites } = paced;
            let of =
                if *remote { text("net.beacon.of_remote") } else { text("net.beacon.of_device") };
            let port = row.port.map_or(String::new(), |port| told!("net.beacon.port", port));
            let protocol = transport_name(row.protocol);
            let bytes = match least == most {
                true => told!("net.beacon.bytes", least),
                false => told!("net.beacon.bytes_2", least, most),
            };
            let mut fact = Fact::new(
                told!(
                    "net.beacon.messages_within_flow",
                    count = pace.count,
                    of,
                    label,
                    protocol,
                    port,
                    bytes,
                    pace = evenness(pace)
                ),
                0,
            );
            fact.frames.extend(cites.iter().map(|cite| cite.frame));
            draft.facts.push(fact);
            draft.cites.extend(cites);
            paces.push(told!(
                "net.beacon.messages_every",
                count = pace.count,
                of,
                period = span(pace.period)
            ));
            if least == most && draft.alternatives.is_empty() {
                draft.not_excluded(
                    text("net.beacon.keep_alive_holds"),
                    text("net.beacon.messages_length"),
                );
            }
        }
        let counted = draft.traffic.iter().any(|&(known, _)| known == index);
        if told && !counted {
            draft.traffic.push((index, Some(Mark::Paced)));
            draft.level = draft.level.max(capped(Level::Shown, row));
        }
    }
}
