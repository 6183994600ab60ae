//! What is compared of a recording: amounts by destination and protocol, and findings; small, so
//! that many recordings can stand beside each other.

use super::phased::PhasedFlows;
use crate::attribution::world::{Device, Service, Zone};
use crate::base::time::{SECOND, Timestamp};
use crate::finding::{Finding, REFS_MAX};
use crate::sink::messages::{line, text};
use crate::snapshot::{Snapshot, TimelineShown};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Devices that a profile names.
const DEVICES_NAMED: usize = 32;

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
            Kind::Total => text("compare.kind_total"),
            Kind::Destination => text("compare.kind_destination"),
            Kind::Protocol => text("compare.kind_protocol"),
            Kind::Finding => text("compare.kind_finding"),
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

/// Words that are said of something.
pub type Words = BTreeMap<Key, BTreeSet<&'static str>>;

/// What one recording, or one phase of it, holds.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// Files, or the phase and which time it came.
    pub name: String,
    /// SHA-256 of each file.
    pub sha256: Vec<Option<String>>,
    /// The devices that exchanged something with the internet: as people call them, and their id.
    pub devices: Vec<String>,
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
    pub levels: Words,
    /// What people decided about findings.
    #[serde(skip)]
    pub reviews: Words,
}

/// The devices under test that exchanged something with the internet.
fn active(snapshot: &Snapshot) -> impl Iterator<Item = &Device> {
    let all = snapshot.devices.iter();
    all.filter(|device| device.role == "device" && device.internet.wire() > 0)
}

/// Each as people call it, with its id where that is another word.
fn named(snapshot: &Snapshot) -> Vec<String> {
    let name = |device: &Device| match device.title() {
        title if title == *device.id => title,
        title => format!("{title} ({})", device.id),
    };
    active(snapshot).take(DEVICES_NAMED).map(name).collect()
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
        weak.push(text("compare.weak_full").to_owned());
    }
    if coverage.truncated > 0 {
        weak.push(line("compare.weak_cut", &[("count", &coverage.truncated.to_string())]));
    }
    let one_sided = active(snapshot).filter(|device| {
        let seen = &device.visibility;
        !seen.both_directions || seen.acknowledged_unseen_flows > 0
    });
    let count = one_sided.count();
    if count > 0 {
        weak.push(line("compare.weak_part", &[("count", &count.to_string())]));
    }
    weak
}

/// Rule and destination: what a finding is when recordings are compared.
fn of_finding(finding: &Finding, device: String) -> Key {
    let what = format!("{}: {}", finding.id, finding.subject.destination);
    Key { kind: Kind::Finding, device, what }
}

/// How a protocol is named; a guess by port is called one.
pub(super) fn protocol(proto: &str, port: Option<u16>, method: &str, protocol: &str) -> String {
    let port = port.map_or(String::new(), |port| format!("/{port}"));
    let carrier = format!("{proto}{port}");
    match method {
        "port" => line("compare.by_port", &[("carrier", &carrier), ("protocol", protocol)]),
        "none" => carrier,
        _ if protocol == proto => carrier,
        _ => format!("{protocol} {carrier}"),
    }
}

impl Profile {
    /// Of a whole recording.
    #[must_use]
    pub fn of(snapshot: &Snapshot, one_device: bool) -> Profile {
        let (mut amounts, mut levels) = (BTreeMap::new(), BTreeMap::new());
        let mut reviews = Words::new();
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
            add(Kind::Total, &contact.device, text("compare.all_payload").to_owned(), bytes);
            add(Kind::Destination, &contact.device, contact.destination.to_string(), bytes);
            for service in contact.services.iter() {
                let bytes = service.traffic.delivered_bytes;
                let Service { proto, port, method, protocol: name, .. } = service;
                add(Kind::Protocol, &contact.device, protocol(proto, *port, method, name), bytes);
            }
        }
        for finding in &snapshot.findings {
            let key = of_finding(finding, device(&finding.subject.device));
            let of_rule: &mut BTreeSet<&str> = levels.entry(key.clone()).or_default();
            of_rule.insert(finding.level.name());
            if !finding.review.is_open() {
                reviews.entry(key.clone()).or_default().insert(finding.review.state);
            }
            amounts.entry(key).or_default();
        }
        let times = snapshot.inputs.iter().filter_map(|input| Some((input.first?, input.last?)));
        let span = times.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
        let names: Vec<&str> = snapshot.inputs.iter().map(|input| input.path.as_str()).collect();
        Profile {
            name: names.join(", "),
            sha256: snapshot.inputs.iter().map(|input| input.sha256.clone()).collect(),
            devices: named(snapshot),
            seconds: span.map_or(0.0, |(first, last)| last.since(first) as f64 / SECOND as f64),
            frames: snapshot.coverage.frames.total,
            complete: snapshot.coverage.complete,
            weak: weak(snapshot),
            amounts,
            levels,
            reviews,
        }
    }

    /// Of every time that a phase came, each as a recording of its own. Payload by destination is
    /// counted packet by packet there, packets that were sent again included; by protocol a flow
    /// counts where it began; a finding is where frames lie that decide it.
    #[must_use]
    pub fn of_phase(snapshot: &Snapshot, phase: &str, flows: &PhasedFlows) -> Vec<Profile> {
        let empty = TimelineShown::default();
        let timeline = snapshot.timeline.as_ref().unwrap_or(&empty);
        let end = snapshot.inputs.iter().filter_map(|input| input.last).max().unwrap_or_default();
        let one_device = active(snapshot).count() == 1;
        let only = active(snapshot).next().map(|device| &*device.id);
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
                    [] => text("compare.no_contact").to_owned(),
                    _ => names.join(text("compare.or")),
                };
                let all = text("compare.all_payload").to_owned();
                for (kind, what) in [(Kind::Destination, what), (Kind::Total, all)] {
                    let key = Key { kind, device: device.clone(), what };
                    let sum = amounts.entry(key).or_default();
                    (0..2).for_each(|way| sum[way] += contact.bytes[way]);
                }
            }
            let next = phases.get(at + 1).map(|next| next.began);
            let known: BTreeSet<&str> = snapshot.devices.iter().map(|d| &*d.id).collect();
            let whose = |id: &str| if one_device { String::new() } else { id.to_owned() };
            let ours = |id: &str| if one_device { only == Some(id) } else { known.contains(id) };
            for (device, what, bytes) in flows.between(shown.began, next).filter(|f| ours(f.0)) {
                let what = what.to_owned();
                let key = Key { kind: Kind::Protocol, device: whose(device), what };
                let sum = amounts.entry(key).or_default();
                (0..2).for_each(|way| sum[way] += bytes[way]);
            }
            let (mut levels, mut reviews) = (Words::new(), Words::new());
            let mut cut = 0;
            for finding in snapshot.findings.iter().filter(|f| ours(&f.subject.device)) {
                let decides =
                    |time: Timestamp| shown.began <= time && next.is_none_or(|n| time < n);
                if !finding.refs.iter().any(|frame| decides(frame.time)) {
                    cut += usize::from(finding.refs.len() >= REFS_MAX);
                    continue;
                }
                let key = of_finding(finding, whose(&finding.subject.device));
                levels.entry(key.clone()).or_default().insert(finding.level.name());
                if !finding.review.is_open() {
                    reviews.entry(key.clone()).or_default().insert(finding.review.state);
                }
                amounts.entry(key).or_default();
            }
            let mut weak = weak(snapshot);
            if cut > 0 {
                weak.push(line("compare.weak_refs", &[("count", &cut.to_string())]));
            }
            if flows.lossy() {
                weak.push(text("compare.weak_flows").to_owned());
            }
            if timeline.untold_phases != [0, 0] {
                weak.push(text("compare.weak_traffic").to_owned());
            }
            found.push(Profile {
                name: line(
                    "compare.run_of_phase",
                    &[("phase", phase), ("time", &(found.len() + 1).to_string())],
                ),
                sha256: snapshot.inputs.iter().map(|input| input.sha256.clone()).collect(),
                devices: named(snapshot),
                seconds: until.since(shown.began).max(0) as f64 / SECOND as f64,
                frames: shown.frames,
                complete: snapshot.coverage.complete,
                weak,
                amounts,
                levels,
                reviews,
            });
        }
        found
    }
}
