//! What a window's traffic says to a clause.

use super::bearing::Bearings;
use super::{Can, Mapping, Standard};
use crate::attribution::world::{Contact, Device, Level, Zone};
use crate::base::table::Map;
use crate::base::time::Timestamp;
use crate::finding::{CHECKS, Finding, Severity};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most devices named for one clause; how many more there are is told.
const DEVICES_MAX: usize = 64;
/// Nanoseconds of an hour.
const HOUR: i64 = 3_600_000_000_000;

/// What traffic says to a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Traffic shows the opposite.
    Refuted,
    /// Neither.
    Inconclusive,
    /// Traffic is consistent with it, within the window.
    Supported,
    /// Traffic cannot show it.
    NotObservable,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Refuted => "refuted",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Supported => "supported",
            Verdict::NotObservable => "not-observable",
        }
    }
}

/// What was looked at, and how well.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// First and last frame.
    pub times: Option<[Timestamp; 2]>,
    /// Why claims of absence are withdrawn for every device; empty where they are not.
    pub withdrawn: Vec<String>,
    /// Phases that were recorded.
    pub phases: BTreeSet<&'static str>,
}

impl Window {
    /// Its length, nanoseconds.
    #[must_use]
    pub fn nanoseconds(&self) -> i64 {
        self.times.map_or(0, |[first, last]| last.since(first))
    }
}

/// What the traffic says to a clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clause {
    /// Id of the standard.
    pub standard: String,
    /// Its name.
    pub title: String,
    /// Which edition.
    pub edition: String,
    /// Number or letter of the clause.
    pub clause: String,
    /// Mandatory, recommended, conditional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What it is about, in our words.
    pub says: String,
    /// Over all devices: `refuted` where it is for one, `supported` only where it is for all.
    pub verdict: Verdict,
    /// Why.
    pub because: String,
    /// Devices for which the traffic says something.
    pub devices: Vec<DeviceVerdict>,
    /// How many more there are.
    pub devices_more: usize,
}

/// What the traffic of one device says to a clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceVerdict {
    /// Its id.
    pub device: Arc<str>,
    /// What its traffic says.
    pub verdict: Verdict,
    /// Keys of the findings that bear on it.
    pub findings: Vec<String>,
}

impl Mapping {
    /// Ids of all findings that have to do with it.
    fn ids(&self) -> impl Iterator<Item = &String> {
        self.findings.iter().chain(&self.bears).chain(&self.supports)
    }
}

/// A finding and its position.
type Hit<'a> = (usize, &'a Finding);

/// One device, with what is needed to judge it.
struct Judged<'a> {
    device: &'a Device,
    /// With their positions.
    findings: BTreeMap<&'static str, Vec<Hit<'a>>>,
    internet: bool,
    unknown: bool,
    /// Position among the kinds of devices that differ in nothing else that counts.
    kind: usize,
}

/// Devices, by what is found of them, and by kind: there may be as many as addresses in a flood.
struct Judges<'a> {
    all: Vec<Judged<'a>>,
    by_finding: BTreeMap<&'static str, Vec<usize>>,
    /// A device of each kind, and how many there are.
    kinds: Vec<(usize, usize)>,
}

impl<'a> Judges<'a> {
    fn of(devices: &'a [Device], contacts: &[Contact], findings: &'a [Finding]) -> Judges<'a> {
        let mut by_id: Map<&str, usize> = Map::default();
        let mut by_position: Vec<Option<usize>> = vec![None; devices.len()];
        let mut all: Vec<Judged<'_>> = Vec::with_capacity(devices.len());
        // Who was only heard calling to all says nothing to anything.
        let heard = devices.iter().enumerate().filter(|(_, one)| !one.visibility.group_only);
        for (position, device) in heard {
            by_id.insert(&device.id, all.len());
            by_position[position] = Some(all.len());
            let findings = BTreeMap::new();
            all.push(Judged { device, findings, internet: false, unknown: false, kind: 0 });
        }
        for contact in contacts.iter().filter(|contact| contact.zone == Zone::Internet) {
            if let Some(at) = by_position.get(contact.device_index).copied().flatten() {
                all[at].internet |= contact.traffic.wire() > 0;
                all[at].unknown |=
                    contact.services.iter().any(|service| service.content == "unknown");
            }
        }
        let mut by_finding: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for (position, finding) in findings.iter().enumerate() {
            if let Some(&at) = by_id.get(&*finding.subject.device) {
                let of_device = all[at].findings.entry(finding.id).or_default();
                if of_device.is_empty() {
                    by_finding.entry(finding.id).or_default().push(at);
                }
                of_device.push((position, finding));
            }
        }
        let mut known: BTreeMap<_, usize> = BTreeMap::new();
        let mut kinds: Vec<(usize, usize)> = Vec::new();
        for (at, judged) in all.iter_mut().enumerate() {
            let sight = &judged.device.visibility;
            let one_sided = sight.one_sided_flows > 0;
            let key = (
                judged.device.role,
                sight.both_directions,
                one_sided,
                judged.internet,
                judged.unknown,
            );
            judged.kind = *known.entry(key).or_insert_with(|| {
                kinds.push((at, 0));
                kinds.len() - 1
            });
            kinds[judged.kind].1 += 1;
        }
        Judges { all, by_finding, kinds }
    }

    fn having<'s>(&self, ids: impl Iterator<Item = &'s String>) -> BTreeSet<usize> {
        ids.filter_map(|id| self.by_finding.get(id.as_str())).flatten().copied().collect()
    }
}

/// Judges every clause of the standards against what was seen, and notes beside each finding which
/// clauses it bears on.
#[must_use]
pub fn judge(
    standards: &[Standard],
    devices: &[Device],
    contacts: &[Contact],
    findings: &mut [Finding],
    window: &Window,
) -> Vec<Clause> {
    let judges = Judges::of(devices, contacts, findings);
    let mut clauses = Vec::new();
    let mut bearings = Bearings::new(findings);
    for standard in standards {
        for mapping in &standard.clause {
            clauses.push(clause(standard, mapping, &judges, window, &mut bearings));
        }
    }
    let bears_on = bearings.all();
    for (finding, bears_on) in findings.iter_mut().zip(bears_on) {
        finding.clauses = bears_on;
    }
    clauses
}

fn clause(
    standard: &Standard,
    mapping: &Mapping,
    judges: &Judges<'_>,
    window: &Window,
    bearings: &mut Bearings,
) -> Clause {
    bearings.next(standard, mapping);
    let mut overall = (Verdict::NotObservable, String::new());
    let mut devices: Vec<(&Device, Verdict, Vec<&Finding>)> = Vec::new();
    let mut more = 0;
    if mapping.can.is_empty() {
        overall.1 = "it cannot be seen in traffic".to_owned();
    } else if judges.all.is_empty() {
        overall = (Verdict::Inconclusive, "no device was seen".to_owned());
    } else {
        let mut rest: Vec<usize> = judges.kinds.iter().map(|&(_, count)| count).collect();
        for at in judges.having(mapping.ids()) {
            let one = &judges.all[at];
            rest[one.kind] -= 1;
            let (verdict, because, hits) = verdict(mapping, one, true, window);
            hits.iter().for_each(|&(at, _)| bearings.add(at, verdict));
            let hits = hits.into_iter().map(|(_, finding)| finding).collect();
            devices.push((one.device, verdict, hits));
            if verdict < overall.0 {
                overall = (verdict, because);
            }
        }
        for (&(at, _), &count) in judges.kinds.iter().zip(&rest).filter(|(_, count)| **count > 0) {
            let one = &judges.all[at];
            let (verdict, because, _) = verdict(mapping, one, false, window);
            if verdict != Verdict::Inconclusive {
                // One of its kind stands for all of them.
                devices.push((one.device, verdict, Vec::new()));
                more += count - 1;
            }
            if verdict < overall.0 {
                overall = (verdict, because);
            }
        }
    }
    devices.sort_by_key(|&(_, verdict, _)| verdict);
    let devices_more = more + devices.len().saturating_sub(DEVICES_MAX);
    devices.truncate(DEVICES_MAX);
    let shown = |(device, verdict, hits): (&Device, Verdict, Vec<&Finding>)| DeviceVerdict {
        device: device.id.clone(),
        verdict,
        findings: hits.into_iter().map(|finding| finding.key.clone()).collect(),
    };
    Clause {
        standard: standard.id.clone(),
        title: standard.title.clone(),
        edition: standard.edition.clone(),
        clause: mapping.id.clone(),
        status: mapping.status.clone(),
        says: mapping.says.clone(),
        verdict: overall.0,
        because: overall.1,
        devices: devices.into_iter().map(shown).collect(),
        devices_more,
    }
}

fn verdict<'f>(
    mapping: &Mapping,
    one: &Judged<'f>,
    with_findings: bool,
    window: &Window,
) -> (Verdict, String, Vec<Hit<'f>>) {
    let of = |ids: &[String]| -> Vec<Hit<'f>> {
        let found = ids.iter().filter(|_| with_findings);
        let found = found.filter_map(|id| one.findings.get(id.as_str()));
        found.flatten().copied().collect()
    };
    let mut against = of(&mapping.findings);
    let decides = |(_, finding): &Hit<'_>| {
        finding.severity > Severity::Info && finding.level < Level::Inferred
    };
    // What must be looked at in one phase is refuted only where nothing else was recorded.
    let in_phase = mapping
        .phase
        .as_deref()
        .is_none_or(|phase| window.phases.len() == 1 && window.phases.contains(phase));
    let can = mapping.can.contains(&Can::Refute) && !mapping.weak && in_phase;
    let strong = can && one.device.role == "device";
    if strong && against.iter().any(decides) {
        against.retain(decides);
        let ids: BTreeSet<&str> = against.iter().map(|(_, finding)| finding.id).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        return (Verdict::Refuted, format!("found: {}", ids.join(", ")), against);
    }
    against.extend(of(&mapping.bears));
    if !against.is_empty() {
        let because = if one.device.role == "device" {
            "there are findings that bear on it, but they do not decide it"
        } else {
            "the findings are those of a gateway, which carries traffic of others"
        };
        return (Verdict::Inconclusive, because.to_owned(), against);
    }
    match why_not_supported(mapping, one, window, !of(&mapping.supports).is_empty()) {
        Some(because) => (Verdict::Inconclusive, because, Vec::new()),
        None => {
            let because = "traffic is consistent with it, within the window".to_owned();
            (Verdict::Supported, because, of(&mapping.supports))
        }
    }
}

/// The first reason why the traffic of a device does not support a clause.
fn why_not_supported(
    mapping: &Mapping,
    one: &Judged<'_>,
    window: &Window,
    spoken_for: bool,
) -> Option<String> {
    if !mapping.can.contains(&Can::Support) || mapping.weak {
        return Some("nothing was found against it; traffic alone cannot support it".to_owned());
    }
    let is_checked = |id: &&String| CHECKS.iter().any(|check| check.id() == id.as_str());
    let missing: Vec<&str> =
        mapping.ids().filter(|id| !is_checked(id)).map(String::as_str).collect();
    if !missing.is_empty() {
        return Some(format!(
            "nothing was found against it, but nothing looks for {}",
            missing.join(", ")
        ));
    }
    if let Some(phase) = &mapping.phase
        && !window.phases.contains(phase.as_str())
    {
        return Some(format!("the phase {phase} was not recorded"));
    }
    let hours = mapping.min_hours.unwrap_or(0);
    if window.nanoseconds() < i64::from(hours) * HOUR {
        return Some(format!("the window is shorter than {hours} hours"));
    }
    if let Some(reason) = window.withdrawn.first() {
        return Some(format!("nothing can be said to be absent: {reason}"));
    }
    let sight = &one.device.visibility;
    if one.device.role != "device" || !sight.both_directions || sight.one_sided_flows > 0 {
        return Some("not all of the device's traffic was seen in both directions".to_owned());
    }
    if !one.internet {
        return Some("the device sent nothing to the internet".to_owned());
    }
    if one.unknown {
        return Some("part of the traffic could not be read nor recognised".to_owned());
    }
    (!mapping.supports.is_empty() && !spoken_for)
        .then(|| "what would speak for it was not seen".to_owned())
}

#[cfg(test)]
mod tests;
