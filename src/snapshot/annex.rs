//! What stands beside the findings: legal facts by jurisdiction, clauses of standards, and rules of
//! the user's policies. None of it changes what a finding says.

use super::Snapshot;
use crate::attribution::legal::{self, Legal, LegalFact, Transfer};
use crate::attribution::world::{Contact, Destination, Device, Zone};
use crate::base::text::safe;
use crate::finding::Finding;
use crate::policy::{Outcome, Seen};
use crate::standard::{self, Clause, Standard, Window};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

static STANDARDS: LazyLock<Vec<Standard>> =
    LazyLock::new(|| standard::shipped().unwrap_or_default());

/// Most services named for one jurisdiction; how many more there are is told.
const SERVICES_MAX: usize = 32;

/// See the module.
#[derive(Default, Serialize)]
pub struct Annex {
    /// Countries of head offices and of servers, in order, with legal facts about them.
    pub jurisdictions: Vec<Jurisdiction>,
    /// What the traffic says to clauses of standards.
    pub clauses: Vec<Clause>,
    /// What it says to the user's rules; empty where none were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Outcome>,
    /// Why nothing can be said to be absent.
    #[serde(skip)]
    pub withdrawn: Vec<String>,
    /// Day of the newest packet.
    #[serde(skip)]
    pub day: String,
}

/// A country, and what is known of its law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jurisdiction {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Services whose company has its head office there, by name.
    pub head_office_of: Vec<String>,
    /// How many more there are.
    pub head_office_of_more: usize,
    /// Destinations of which a database says that a server stands there: an estimate.
    pub hosting: usize,
    /// Laws under which authorities may reach data.
    pub access_laws: Vec<&'static LegalFact>,
    /// Why there are none, where nobody has looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_researched: Option<String>,
    /// Whether data there have left the European Economic Area: `inside`, `adequate`, `partly` or
    /// `no decision`.
    pub transfer: &'static str,
    /// Decisions about transfers to it.
    pub decisions: Vec<&'static LegalFact>,
}

impl Annex {
    /// Of what was seen, without policies; each finding learns which clauses it bears on.
    #[must_use]
    pub fn of(
        devices: &[Device],
        destinations: &[Destination],
        contacts: &[Contact],
        findings: &mut [Finding],
        window: Window,
    ) -> Annex {
        let day = window.times.map_or(String::new(), |[_, last]| {
            let (year, month, day) = last.date();
            format!("{year:04}-{month:02}-{day:02}")
        });
        Annex {
            jurisdictions: jurisdictions(destinations, &day),
            clauses: standard::judge(&STANDARDS, devices, contacts, findings, &window),
            policies: Vec::new(),
            withdrawn: window.withdrawn,
            day,
        }
    }
}

fn jurisdictions(destinations: &[Destination], day: &str) -> Vec<Jurisdiction> {
    let Some(legal) = legal::shipped() else { return Vec::new() };
    let mut seen: BTreeMap<&str, (BTreeSet<&str>, usize)> = BTreeMap::new();
    let codes: Vec<_> = destinations
        .iter()
        .filter(|destination| destination.zone == Zone::Internet)
        .map(|destination| (destination, destination.country_codes()))
        .collect();
    for (destination, codes) in &codes {
        for code in codes {
            seen.entry(code.as_str()).or_default().1 += 1;
        }
        for claim in &destination.claims {
            let office = claim.operator.as_ref().and_then(|o| o.head_office.as_deref());
            if let Some(office) = office {
                seen.entry(office).or_default().0.insert(&claim.name);
            }
        }
    }
    seen.into_iter().map(|(country, found)| jurisdiction(legal, country, found, day)).collect()
}

fn jurisdiction(
    legal: &'static Legal,
    country: &str,
    (services, hosting): (BTreeSet<&str>, usize),
    day: &str,
) -> Jurisdiction {
    let access_laws: Vec<&'static LegalFact> = legal.access_laws(country, day).collect();
    let not_researched = match legal.not_researched(country) {
        Some(missing) => Some(missing.reason.clone()),
        None if country == "XX" => Some("This country is made up.".to_owned()),
        None if !legal.is_covered(country) => Some("No source was read.".to_owned()),
        None => None,
    };
    Jurisdiction {
        country: safe(country.as_bytes()),
        head_office_of: services
            .iter()
            .take(SERVICES_MAX)
            .map(|name| safe(name.as_bytes()))
            .collect(),
        head_office_of_more: services.len().saturating_sub(SERVICES_MAX),
        hosting,
        access_laws,
        not_researched,
        transfer: match legal.transfer(country, day) {
            Transfer::Inside => "inside",
            Transfer::Adequate => "adequate",
            Transfer::Partly => "partly",
            Transfer::NoDecision => "no decision",
        },
        decisions: legal.decisions(country, day).collect(),
    }
}

impl Snapshot {
    /// What policies look at.
    #[must_use]
    pub fn seen(&self) -> Seen<'_> {
        Seen {
            devices: &self.devices,
            destinations: &self.destinations,
            contacts: &self.contacts,
            findings: &self.findings,
            withdrawn: &self.annex.withdrawn,
            day: &self.annex.day,
            legal: legal::shipped(),
        }
    }

    /// First and last frame of all inputs.
    #[must_use]
    pub fn window(&self) -> Option<[crate::base::time::Timestamp; 2]> {
        let first = self.inputs.iter().filter_map(|input| input.first).min()?;
        let last = self.inputs.iter().filter_map(|input| input.last).max()?;
        Some([first, last])
    }
}
