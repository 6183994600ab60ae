//! Holds rules against what was seen.

use super::file::{Of, Policy, Rule, Test};
use super::{Decision, Evidence, Outcome};
use crate::attribution::legal::{Legal, Transfer};
use crate::attribution::signature::Kind;
use crate::attribution::world::{Claim, Contact, Destination, Device, Level, Party, Zone};
use crate::base::text::safe;
use crate::finding::{CHECKS, Finding};
use std::collections::BTreeMap;

/// What was seen, and how well.
pub struct Seen<'a> {
    /// Devices on the test network.
    pub devices: &'a [Device],
    /// Where they sent to.
    pub destinations: &'a [Destination],
    /// Which device with which destination.
    pub contacts: &'a [Contact],
    /// What checks found.
    pub findings: &'a [Finding],
    /// Why nothing can be said to be absent; empty where it can.
    pub withdrawn: &'a [String],
    /// Day of the newest packet.
    pub day: &'a str,
    /// Access laws and transfer decisions.
    pub legal: Option<&'a Legal>,
}

/// Breaches, and what leaves a rule open.
#[derive(Default)]
struct Found {
    breaches: Vec<Evidence>,
    doubts: Vec<Evidence>,
}

/// A contact with its destination.
pub(super) type Pair<'a> = (&'a Contact, &'a Destination);

/// What the traffic says to each rule of a policy.
#[must_use]
pub fn judge(policy: &Policy, seen: &Seen<'_>) -> Vec<Outcome> {
    let pairs = seen.pairs();
    policy.rules.iter().map(|rule| outcome(policy, rule, seen, &pairs)).collect()
}

impl<'a> Seen<'a> {
    /// Contacts with the internet.
    pub(super) fn pairs(&self) -> Vec<Pair<'a>> {
        let by_id: BTreeMap<&str, &Destination> = self
            .destinations
            .iter()
            .filter(|destination| destination.zone == Zone::Internet)
            .map(|destination| (&*destination.id, destination))
            .collect();
        let contacts = self.contacts.iter().filter(|contact| contact.zone == Zone::Internet);
        contacts.filter_map(|contact| Some((contact, *by_id.get(&*contact.destination)?))).collect()
    }

    /// The first reason why nothing can be said to be absent.
    pub(super) fn open(&self) -> Option<String> {
        if let Some(reason) = self.withdrawn.first() {
            return Some(reason.clone());
        }
        let mut watched =
            self.devices.iter().filter(|device| !device.visibility.group_only).peekable();
        if watched.peek().is_none() {
            return Some("no device was seen to exchange anything".to_owned());
        }
        let blind = watched.find(|device| {
            device.role == "device"
                && (!device.visibility.both_directions || device.visibility.one_sided_flows > 0)
        });
        blind.map(|device| {
            format!("not all traffic of {} was seen in both directions", device.title())
        })
    }
}

fn outcome(policy: &Policy, rule: &Rule, seen: &Seen<'_>, pairs: &[Pair<'_>]) -> Outcome {
    let found = find(&rule.test, seen, pairs);
    let named = (&*policy.id, &*rule.id, &*rule.says);
    if !found.breaches.is_empty() {
        let because = format!("{} breaches were seen", found.breaches.len());
        return Outcome::of(named, Decision::Fail, because, found.breaches);
    }
    decide(named, seen, found.doubts)
}

/// A rule without breaches: open where something is in doubt or could not be seen.
pub(super) fn decide(named: (&str, &str, &str), seen: &Seen<'_>, doubts: Vec<Evidence>) -> Outcome {
    if !doubts.is_empty() {
        let because = "no breach was seen, but something is not established".to_owned();
        return Outcome::of(named, Decision::NotDecided, because, doubts);
    }
    match seen.open() {
        Some(reason) => {
            let because =
                format!("no breach was seen, but nothing can be said to be absent: {reason}");
            Outcome::of(named, Decision::NotDecided, because, Vec::new())
        }
        None => {
            let because = "no breach in this window".to_owned();
            Outcome::of(named, Decision::Pass, because, Vec::new())
        }
    }
}

fn find(test: &Test, seen: &Seen<'_>, pairs: &[Pair<'_>]) -> Found {
    let mut found = Found::default();
    match test {
        Test::Transfer { of, partly } => countries(*of, pairs, &mut found, &|code| {
            let Some(legal) = seen.legal else {
                return Some("no legal facts are loaded".to_owned());
            };
            match legal.transfer(code, seen.day) {
                Transfer::Inside | Transfer::Adequate => None,
                Transfer::Partly if *partly => None,
                Transfer::Partly => Some(format!("a decision covers only part of {code}")),
                Transfer::NoDecision => Some(format!("no decision is known for {code}")),
            }
        }),
        Test::Country { of, allow, deny } => countries(*of, pairs, &mut found, &|code| {
            let is_in = |list: &[String]| list.iter().any(|listed| listed == code);
            let breach = is_in(deny) || !allow.is_empty() && !is_in(allow);
            breach.then(|| format!("{code} is not allowed"))
        }),
        Test::Maker { deny } => makers(deny, seen, &mut found),
        Test::Service { deny } => services(pairs, &mut found, &|claim| {
            let denied = deny.contains(&claim.signature);
            denied.then(|| format!("a service of {}", claim.name))
        }),
        Test::Ownership { deny } => services(pairs, &mut found, &|claim| {
            let fact = claim.ownership.iter().find(|fact| deny.contains(&fact.kind))?;
            Some(format!("{}: {}", claim.name, fact.fact))
        }),
        Test::Party { deny } => parties(deny, pairs, &mut found),
        Test::Local => {
            for (contact, destination) in pairs {
                let [sent, received] = contact.traffic.wire_bytes;
                let text = format!("{sent} bytes sent to {}, {received} received", destination.id);
                let list = if sent > 0 { &mut found.breaches } else { &mut found.doubts };
                list.push(evidence(text, contact));
            }
        }
        Test::Finding { deny } => findings(deny, seen, &mut found),
    }
    found
}

pub(super) fn evidence(text: String, contact: &Contact) -> Evidence {
    Evidence {
        text,
        device: Some(contact.device.to_string()),
        destination: Some(contact.destination.to_string()),
        frame: contact.frames[0],
        ..Evidence::default()
    }
}

/// Whether a claim is about who lets the server and not about whose service it is.
fn is_landlord(claim: &Claim) -> bool {
    matches!(claim.kind, Kind::Hosting | Kind::Cdn)
}

fn countries(
    of: Of,
    pairs: &[Pair<'_>],
    found: &mut Found,
    breach: &dyn Fn(&str) -> Option<String>,
) {
    for (contact, destination) in pairs {
        match of {
            Of::HeadOffice => {
                if destination.claims.is_empty() {
                    let text = format!("who runs {} is not established", destination.id);
                    found.doubts.push(evidence(text, contact));
                }
                for claim in &destination.claims {
                    head_office(claim, contact, found, breach);
                }
            }
            Of::Hosting => hosting(destination, contact, found, breach),
        }
    }
}

fn head_office(
    claim: &Claim,
    contact: &Contact,
    found: &mut Found,
    breach: &dyn Fn(&str) -> Option<String>,
) {
    let office = claim.operator.as_ref().and_then(|operator| operator.head_office.as_deref());
    let Some(office) = office else {
        let text = format!("the head office behind {} is not established", claim.name);
        return found.doubts.push(evidence(text, contact));
    };
    let what = format!("{} ({}, by {})", claim.name, claim.matched.text, claim.basis);
    match breach(office) {
        Some(why) if is_landlord(claim) => {
            let text = format!(
                "{what} only lets the server, head office {office}: {why}; whose service it is is not established"
            );
            found.doubts.push(evidence(text, contact));
        }
        Some(why) if claim.level < Level::Inferred => {
            found.breaches.push(evidence(format!("{what}, head office {office}: {why}"), contact));
        }
        Some(why) => {
            let text = format!("{what}, likely, head office {office}: {why}");
            found.doubts.push(evidence(text, contact));
        }
        None if is_landlord(claim) => {
            let text =
                format!("{what} only lets the server; whose service it is is not established");
            found.doubts.push(evidence(text, contact));
        }
        None => {}
    }
}

/// A database is an estimate: it never fails a rule.
fn hosting(
    destination: &Destination,
    contact: &Contact,
    found: &mut Found,
    breach: &dyn Fn(&str) -> Option<String>,
) {
    for remote in &destination.remotes {
        let possible = remote.countries.iter().filter(|opinion| {
            !remote.excluded.iter().any(|excluded| excluded.country == opinion.country)
        });
        let mut known = false;
        for opinion in possible {
            known = true;
            if let Some(why) = breach(opinion.country.as_str()) {
                let text = format!(
                    "{}: a database puts {} in {}: {why}",
                    destination.id,
                    remote.address,
                    opinion.country.as_str()
                );
                found.doubts.push(evidence(text, contact));
                break;
            }
        }
        if !known {
            let text = format!("{}: no database knows where {} is", destination.id, remote.address);
            found.doubts.push(evidence(text, contact));
        }
    }
}

fn makers(deny: &[String], seen: &Seen<'_>, found: &mut Found) {
    for device in seen.devices.iter().filter(|device| device.role == "device") {
        let about = |text: String| Evidence {
            text,
            device: Some(device.id.to_string()),
            frame: device.identities.first().map_or(0, |identity| identity.frame),
            ..Evidence::default()
        };
        let maker = device.maker.as_ref();
        match maker.and_then(|maker| Some((maker.vendor.as_ref()?, maker))) {
            Some((vendor, maker)) if deny.contains(vendor) => {
                let text =
                    format!("{} is made by {} (by {})", device.title(), maker.name, maker.by);
                found.breaches.push(about(text));
            }
            Some(_) => {}
            None => {
                let text = format!("who made {} is not established", device.title());
                found.doubts.push(about(text));
            }
        }
    }
}

fn services(pairs: &[Pair<'_>], found: &mut Found, breach: &dyn Fn(&Claim) -> Option<String>) {
    for (contact, destination) in pairs {
        if destination.claims.is_empty() {
            let text = format!("who runs {} is not established", destination.id);
            found.doubts.push(evidence(text, contact));
        }
        for claim in &destination.claims {
            if let Some(why) = breach(claim) {
                let text = format!("{why} ({}, by {})", claim.matched.text, claim.basis);
                let certain = claim.level < Level::Inferred;
                let list = if certain { &mut found.breaches } else { &mut found.doubts };
                list.push(evidence(text, contact));
            }
        }
    }
}

fn parties(deny: &[String], pairs: &[Pair<'_>], found: &mut Found) {
    for (contact, destination) in pairs {
        let party = match contact.party {
            Party::First => "first",
            Party::Support => "support",
            Party::Third => "third",
            Party::Unknown => "unknown",
        };
        let text = format!("{} is a party: {party}", destination.id);
        let certain = destination.claims.iter().any(|claim| claim.level < Level::Inferred);
        if deny.iter().any(|denied| denied == party) {
            let certain = certain || contact.party == Party::Unknown;
            let list = if certain { &mut found.breaches } else { &mut found.doubts };
            list.push(evidence(text, contact));
        } else if contact.party == Party::Unknown {
            found.doubts.push(evidence(text, contact));
        }
    }
}

fn findings(deny: &[String], seen: &Seen<'_>, found: &mut Found) {
    for finding in seen.findings.iter().filter(|finding| deny.iter().any(|id| id == finding.id)) {
        let list = match finding.level < Level::Inferred {
            true => &mut found.breaches,
            false => &mut found.doubts,
        };
        list.push(Evidence {
            text: match finding.review.told() {
                Some(told) => format!("{}: {} Review: {told}", finding.id, finding.may_say),
                None => format!("{}: {}", finding.id, finding.may_say),
            },
            device: Some(finding.subject.device.to_string()),
            destination: Some(finding.subject.destination.to_string()),
            frame: finding.facts.iter().flat_map(|fact| &fact.frames).next().copied().unwrap_or(0),
            ..Evidence::default()
        });
    }
    for id in deny.iter().filter(|id| !CHECKS.iter().any(|check| check.id() == id.as_str())) {
        let text = format!("nothing looks for {}", safe(id.as_bytes()));
        found.doubts.push(Evidence { text, ..Evidence::default() });
    }
}
