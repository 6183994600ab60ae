//! `net.beacon`: flows to one service begin, or messages within a flow that stays open come, at an
//! even pace.

use super::{
    About, Alternative, Check, Draft, Fact, Severity, View, capped, spoken, spoken_device,
};
use crate::attribution::ledger::{Mark, Row};
use crate::attribution::pace::{INTERVALS_MIN, Pace, Paced};
use crate::attribution::world::{Contact, Level, Zone, transport_name};
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
    fn id(&self) -> &'static str {
        "net.beacon"
    }

    fn title(&self) -> &'static str {
        "Flows begin, or messages come, at an even pace"
    }

    fn version(&self) -> u32 {
        2
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "Nine or more flows from the device to one service on the internet that \
                begin at an even pace, or nine or more messages of one end within a flow: a period \
                of 5 seconds or more, half of the intervals within 10 % of it, long and short \
                intervals in balance (Bowley's skew within 30 %). A message begins with new payload \
                after a pause of a second, in a flow that has lived for a minute; the latest 64 of \
                a flow are looked at.",
            why: "A pace that no person keeps is a program's: telemetry, a check for updates, a \
                keep-alive, or a control channel, whether it opens each time or stays open.",
            false_positives: "Most devices report at an even pace, and harmlessly. NTP, DHCP, DNS, \
                announcements on the local network, keep-alives of TCP and those of MQTT, STUN and \
                WireGuard are known to and are left out; a keep-alive within encryption looks like \
                any message. A pace that is varied on purpose is not found, nor are messages in a \
                channel that is never silent for a second.",
            verify: "Show the deciding frames, or the first packets of the flows with the filter \
                and tcp.flags.syn == 1 (or the first packet of each UDP flow), and look at the time \
                between them.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                "what it is for",
                "that a person or a company has asked for it",
                "that nothing else is sent at a pace",
            ],
        );
        let mut paces = flows(view, contact, &mut draft);
        messages(view, contact, &mut draft, &mut paces);
        if draft.traffic.is_empty() {
            return None;
        }
        draft.traffic.sort_unstable_by_key(|(index, _)| *index);
        let device = spoken_device(view.device(contact));
        draft.may_say = format!(
            "Between the device {device} and {} an even pace was kept ({}): {{bytes}}.",
            spoken(view, &draft),
            paces.join("; "),
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
        let port = port.map_or(String::new(), |port| format!(" port {port}"));
        draft.facts.push(Fact::new(
            format!(
                "{} flows ({label}, {}{port}) begin every {}",
                pace.count,
                transport_name(protocol),
                evenness(&pace)
            ),
            first.frames[0],
        ));
        for &index in &rows {
            let row = &view.ledger.rows[index];
            draft.level = draft.level.max(capped(Level::Shown, row));
            draft.cites.extend(row.flow_refs.iter().map(|flow| flow.cite));
            draft.traffic.push((index, None));
        }
        paces.push(format!("{} flows, one every {}", pace.count, span(pace.period)));
    }
    paces
}

fn evenness(pace: &Pace) -> String {
    let Pace { period, jitter, skew, .. } = *pace;
    let period = span(period);
    format!("{period} (median; half of the intervals within {jitter} % of it, skew {skew} %)")
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
            let of = if *remote { "of the remote end" } else { "of the device" };
            let port = row.port.map_or(String::new(), |port| format!(" port {port}"));
            let protocol = transport_name(row.protocol);
            let bytes = match least == most {
                true => format!("{least} bytes"),
                false => format!("{least} to {most} bytes"),
            };
            let mut fact = Fact::new(
                format!(
                    "{} messages {of} within one flow ({label}, {protocol}{port}), the first frame \
                     of each with {bytes}, come every {}",
                    pace.count,
                    evenness(pace)
                ),
                0,
            );
            fact.frames.extend(cites.iter().map(|cite| cite.frame));
            draft.facts.push(fact);
            draft.cites.extend(cites);
            paces.push(format!("{} messages {of}, one every {}", pace.count, span(pace.period)));
            if least == most && draft.alternatives.is_empty() {
                draft.alternatives.push(Alternative {
                    text: "a keep-alive that holds the channel open and says nothing".into(),
                    status: "not excluded",
                    by: "the messages are of one length".into(),
                });
            }
        }
        let counted = draft.traffic.iter().any(|&(known, _)| known == index);
        if told && !counted {
            draft.traffic.push((index, Some(Mark::Paced)));
            draft.level = draft.level.max(capped(Level::Shown, row));
        }
    }
}
