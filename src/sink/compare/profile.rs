//! What is compared of a recording: amounts by destination and protocol, and findings; small, so
//! that many recordings can stand beside each other.

use crate::attribution::world::{Device, Service, Zone};
use crate::base::time::SECOND;
use crate::snapshot::{Snapshot, TimelineShown};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What something compared is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// All payload of a device with the internet.
    Total,
    /// Payload with one destination in the internet.
    Destination,
    /// Payload with the internet by one protocol.
    Protocol,
    /// A finding: there or not.
    Finding,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Total => "total",
            Kind::Destination => "destination",
            Kind::Protocol => "protocol",
            Kind::Finding => "finding",
        }
    }
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// Whose; empty where every recording shows one device, which then may be two units of a kind.
    pub device: String,
    /// Which.
    pub what: String,
}

/// What one recording, or one phase of it, holds.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// Files, or the phase and which time it came.
    pub name: String,
    /// SHA-256 of each file.
    pub sha256: Vec<Option<String>>,
    /// How long it is.
    pub seconds: f64,
    /// Frames in it.
    pub frames: u64,
    /// Whether everything was inspected with everything needed.
    pub complete: bool,
    /// Why what it does not show may have been there.
    pub weak: Vec<String>,
    /// Sent and received, by what is compared.
    #[serde(skip)]
    pub amounts: BTreeMap<Key, [u64; 2]>,
    /// Levels of findings.
    #[serde(skip)]
    pub levels: BTreeMap<Key, BTreeSet<&'static str>>,
}

/// The devices under test that exchanged something with the internet.
fn active(snapshot: &Snapshot) -> impl Iterator<Item = &Device> {
    let all = snapshot.devices.iter();
    all.filter(|device| device.role == "device" && device.internet.wire() > 0)
}

/// Whether devices need not be told apart: each recording shows one.
#[must_use]
pub fn is_one_device(snapshots: &[&Snapshot]) -> bool {
    snapshots.iter().all(|snapshot| active(snapshot).count() == 1)
}

/// What of a recording's limits withdraws claims of absence.
fn weak(snapshot: &Snapshot) -> Vec<String> {
    let coverage = &snapshot.coverage;
    let mut weak = coverage.incomplete_because.clone();
    if snapshot.losses.weaken_absence() {
        weak.push("tables were full, or something was given up".to_owned());
    }
    if coverage.truncated > 0 {
        weak.push(format!("{} frames were cut short while recording", coverage.truncated));
    }
    let one_sided = active(snapshot).filter(|device| {
        let seen = &device.visibility;
        !seen.both_directions || seen.acknowledged_unseen_flows > 0
    });
    let count = one_sided.count();
    if count > 0 {
        weak.push(format!("of {count} device(s) only a part of the traffic was seen"));
    }
    weak
}

/// How a protocol is named; a guess by port is called one.
fn protocol(service: &Service) -> String {
    let port = service.port.map_or(String::new(), |port| format!("/{port}"));
    let carrier = format!("{}{port}", service.proto);
    match service.method {
        "port" => format!("{carrier} (by port alone perhaps {})", service.protocol),
        "none" => carrier,
        _ if service.protocol == service.proto => carrier,
        _ => format!("{} {carrier}", service.protocol),
    }
}

impl Profile {
    /// Of a whole recording.
    #[must_use]
    pub fn of(snapshot: &Snapshot, one_device: bool) -> Profile {
        let (mut amounts, mut levels) = (BTreeMap::new(), BTreeMap::new());
        // Only the device under test: what is found of others is theirs.
        let only = one_device.then(|| active(snapshot).next()).flatten();
        let device = |id: &str| match only {
            Some(only) if *only.id == *id => String::new(),
            _ => id.to_owned(),
        };
        let mut add = |kind, whose: &str, what: String, more: [u64; 2]| {
            let sum: &mut [u64; 2] =
                amounts.entry(Key { kind, device: device(whose), what }).or_default();
            (0..2).for_each(|way| sum[way] += more[way]);
        };
        for contact in snapshot.contacts.iter().filter(|contact| contact.zone == Zone::Internet) {
            let bytes = contact.traffic.delivered_bytes;
            add(Kind::Total, &contact.device, "all payload with the internet".to_owned(), bytes);
            add(Kind::Destination, &contact.device, contact.destination.to_string(), bytes);
            for service in contact.services.iter() {
                let bytes = service.traffic.delivered_bytes;
                add(Kind::Protocol, &contact.device, protocol(service), bytes);
            }
        }
        for finding in &snapshot.findings {
            let what = format!("{}: {}", finding.id, finding.subject.destination);
            let key = Key { kind: Kind::Finding, device: device(&finding.subject.device), what };
            let of_rule: &mut BTreeSet<&str> = levels.entry(key.clone()).or_default();
            of_rule.insert(finding.level.name());
            amounts.entry(key).or_default();
        }
        let times = snapshot.inputs.iter().filter_map(|input| Some((input.first?, input.last?)));
        let span = times.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
        let names: Vec<&str> = snapshot.inputs.iter().map(|input| input.path.as_str()).collect();
        Profile {
            name: names.join(", "),
            sha256: snapshot.inputs.iter().map(|input| input.sha256.clone()).collect(),
            seconds: span.map_or(0.0, |(first, last)| last.since(first) as f64 / SECOND as f64),
            frames: snapshot.coverage.frames.total,
            complete: snapshot.coverage.complete,
            weak: weak(snapshot),
            amounts,
            levels,
        }
    }

    /// Of every time that a phase came, each as a recording of its own. Payload is counted packet
    /// by packet there, packets that were sent again included; protocols and findings are not told
    /// by phase.
    #[must_use]
    pub fn of_phase(snapshot: &Snapshot, phase: &str) -> Vec<Profile> {
        let empty = TimelineShown::default();
        let timeline = snapshot.timeline.as_ref().unwrap_or(&empty);
        let end = snapshot.inputs.iter().filter_map(|input| input.last).max().unwrap_or_default();
        let one_device = active(snapshot).count() == 1;
        let phases = &snapshot.phases;
        let mut found = Vec::new();
        for (at, shown) in phases.iter().enumerate().filter(|(_, p)| p.phase == Some(phase)) {
            let until = phases.get(at + 1).map_or(end, |next| next.began);
            let mut amounts: BTreeMap<Key, [u64; 2]> = BTreeMap::new();
            for contact in timeline.phases.iter().filter(|contact| contact.phase == at) {
                let id = snapshot.devices[contact.device].id.to_string();
                let device = if one_device { String::new() } else { id };
                let names: Vec<&str> =
                    contact.destinations.iter().map(|to| &*snapshot.destinations[*to].id).collect();
                let what = match names[..] {
                    [] => "address without a contact".to_owned(),
                    _ => names.join(" or "),
                };
                let all = "all payload with the internet".to_owned();
                for (kind, what) in [(Kind::Destination, what), (Kind::Total, all)] {
                    let key = Key { kind, device: device.clone(), what };
                    let sum = amounts.entry(key).or_default();
                    (0..2).for_each(|way| sum[way] += contact.bytes[way]);
                }
            }
            let mut weak = weak(snapshot);
            if timeline.untold_phases != [0, 0] {
                weak.push("some traffic could not be told apart by phase".to_owned());
            }
            found.push(Profile {
                name: format!("{phase}, time {}", found.len() + 1),
                sha256: snapshot.inputs.iter().map(|input| input.sha256.clone()).collect(),
                seconds: until.since(shown.began).max(0) as f64 / SECOND as f64,
                frames: shown.frames,
                complete: snapshot.coverage.complete,
                weak,
                amounts,
                levels: BTreeMap::new(),
            });
        }
        found
    }
}
