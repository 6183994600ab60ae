//! `net.beacon`: flows to one service begin at an even pace.

use super::{About, Check, Draft, Fact, Severity, View, capped, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Zone, transport_name};
use crate::base::text::span;
use crate::base::time::Timestamp;
use std::collections::BTreeMap;

/// Fewest intervals that make a pace.
const INTERVALS_MIN: usize = 8;
/// Shorter periods are the retries and parallel flows of one use.
const PERIOD_MIN: i64 = 5_000_000_000;
/// Most that half of the intervals differ from their median, per cent of it.
const JITTER_MAX: i64 = 10;
/// Most that long and short intervals may be out of balance, per cent (Bowley's skew).
const SKEW_MAX: i64 = 30;

/// Protocols that keep time by their nature; their pace says nothing.
const KNOWN: [&str; 10] =
    ["ntp", "sntp", "dhcp", "dhcpv6", "dns", "mdns", "llmnr", "ssdp", "igmp", "icmp"];

/// How evenly flows begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    flows: usize,
    /// Median of the intervals, nanoseconds.
    period: i64,
    /// Median of how much intervals differ from it, per cent of it.
    jitter: i64,
    /// Bowley's skew, per cent.
    skew: i64,
}

impl Pace {
    /// Of the beginnings of flows, in order of time; none where they are too few or not even.
    fn of(times: &[Timestamp]) -> Option<Pace> {
        let mut intervals: Vec<i64> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        if intervals.len() < INTERVALS_MIN {
            return None;
        }
        intervals.sort_unstable();
        let at = |quarter: usize| intervals[(intervals.len() - 1) * quarter / 4];
        let [low, period, high] = [1, 2, 3].map(at);
        if period < PERIOD_MIN {
            return None;
        }
        let mut apart: Vec<i64> = intervals.iter().map(|one| one.abs_diff(period) as i64).collect();
        apart.sort_unstable();
        let percent = |part: i64, whole: i64| (i128::from(part) * 100 / i128::from(whole)) as i64;
        let jitter = percent(apart[apart.len() / 2], period);
        // Quartiles that nearly meet are even, whichever side the rest of them leans to.
        let skew = match high - low {
            width if percent(width, period) <= JITTER_MAX => 0,
            width => percent(high + low - 2 * period, width),
        };
        let even = jitter <= JITTER_MAX && skew.abs() <= SKEW_MAX;
        even.then_some(Pace { flows: times.len(), period, jitter, skew })
    }
}

/// See the module.
pub struct Beacon;

impl Check for Beacon {
    fn id(&self) -> &'static str {
        "net.beacon"
    }

    fn title(&self) -> &'static str {
        "Flows begin at an even pace"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "Nine or more flows from the device to one service on the internet that \
                begin at an even pace: a period of 5 seconds or more, half of the intervals within \
                10 % of it, long and short intervals in balance (Bowley's skew within 30 %).",
            why: "A pace that no person keeps is a program's: telemetry, a check for updates, a \
                keep-alive, or a control channel.",
            false_positives: "Most devices report at an even pace, and harmlessly. NTP, DHCP, DNS and \
                announcements on the local network are known to and are left out. Messages within \
                one long flow are not looked at, so that a channel which stays open is not found; \
                nor is one whose pace is varied on purpose.",
            verify: "Show the first packets of the flows with the filter and tcp.flags.syn == 1 (or \
                the first packet of each UDP flow), and look at the time between them.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        // Some address of a name serves each time, and each may have its own row.
        let mut services: BTreeMap<_, (Vec<Timestamp>, Vec<usize>, bool)> = BTreeMap::new();
        for (index, row) in view.rows(contact) {
            if KNOWN.contains(&row.label.protocol) || row.port == Some(123) || row.port == Some(53)
            {
                continue;
            }
            let key = (row.protocol, row.port, row.label.protocol);
            let (times, rows, whole) =
                services.entry(key).or_insert((Vec::new(), Vec::new(), true));
            let begun = row.flow_refs.iter().filter(|flow| !flow.continues);
            times.extend(begun.map(|flow| flow.cite.time));
            rows.push(index);
            *whole &= row.begun_here && !row.begun_there && row.flow_refs_lost == 0;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                "what the flows are for",
                "that a person or a company has asked for them",
                "that nothing else is sent at a pace, within flows that stay open",
            ],
        );
        let mut paces = Vec::new();
        for ((protocol, port, label), (mut times, rows, whole)) in services {
            if !whole || times.len() <= INTERVALS_MIN {
                continue;
            }
            times.sort_unstable();
            let Some(pace) = Pace::of(&times) else { continue };
            let first = &view.ledger.rows[rows[0]];
            let port = port.map_or(String::new(), |port| format!(" port {port}"));
            draft.facts.push(Fact::new(
                format!(
                    "{} flows ({label}, {}{port}) begin every {} (median; half of the intervals \
                     within {} % of it, skew {} %)",
                    pace.flows,
                    transport_name(protocol),
                    span(pace.period),
                    pace.jitter,
                    pace.skew
                ),
                first.frames[0],
            ));
            for &index in &rows {
                let row = &view.ledger.rows[index];
                draft.level = draft.level.max(capped(Level::Shown, row));
                draft.cites.extend(row.flow_refs.iter().map(|flow| flow.cite));
                draft.traffic.push((index, None));
            }
            paces.push(format!("{} flows, one every {}", pace.flows, span(pace.period)));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.traffic.sort_unstable_by_key(|(index, _)| *index);
        draft.may_say = format!(
            "The device {} began flows to {} at an even pace ({}): {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            paces.join("; "),
        );
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(seconds: &[f64]) -> Option<Pace> {
        let times: Vec<Timestamp> =
            seconds.iter().map(|second| Timestamp((second * 1e9) as i64)).collect();
        Pace::of(&times)
    }

    #[test]
    fn an_even_pace_is_found_and_others_are_not() {
        let even: Vec<f64> = (0..12).map(|n| 60.0 * f64::from(n)).collect();
        let found = pace(&even).unwrap();
        assert_eq!((found.period, found.jitter, found.skew), (60_000_000_000, 0, 0));
        let shaken: Vec<f64> =
            (0..20).map(|n| 60.0 * f64::from(n) + f64::from(n * 7 % 5)).collect();
        assert!(pace(&shaken).unwrap().jitter <= 10);
        assert_eq!(pace(&even[..8]), None, "too few");
        let fast: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(pace(&fast), None, "parallel flows of one use");
        let people = [0.0, 3.0, 70.0, 71.0, 400.0, 420.0, 900.0, 901.0, 950.0, 2000.0, 2100.0];
        assert_eq!(pace(&people), None, "use by a person");
        // One night without power does not hide the pace.
        let gap: Vec<f64> =
            (0..20).map(|n| 300.0 * f64::from(n) + if n > 9 { 28_800.0 } else { 0.0 }).collect();
        assert_eq!(pace(&gap).unwrap().period, 300_000_000_000);
    }
}
