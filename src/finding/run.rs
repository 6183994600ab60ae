//! Runs the checks over all contacts, and makes findings of what they say.

use super::{
    CHECKS, Check, Counted, Draft, Finding, Pairs, REFS_MAX, Reference, Review, SubjectOf, View,
    behind, filter, phase, words,
};
use crate::attribution::world::{Contact, Signs};
use crate::base::frame;
use crate::base::table::{Map, Set};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};
use std::thread;
use words::told;

/// Most sets of signs of which it is kept which checks fit them.
const FITTING_MAX: usize = 1024;

/// Runs every check. Findings come by severity, then rule, device and destination.
#[must_use]
pub fn run(view: &View<'_>) -> Vec<Finding> {
    run_in_threads(view, 1)
}

/// The same, and the same findings, with several threads.
#[must_use]
pub fn run_in_threads(view: &View<'_>, threads: usize) -> Vec<Finding> {
    // Where nothing is found no filter is made.
    let pairs = &LazyLock::new(|| Pairs::of(view.ledger));
    let found_in = move |contacts: &[Contact]| {
        let mut findings = Vec::new();
        let mut fitting: Map<Signs, Vec<(&dyn Check, &'static str)>> = Map::default();
        for contact in contacts {
            if fitting.len() >= FITTING_MAX {
                fitting.clear();
            }
            let checks = fitting.entry(contact.signs).or_insert_with(|| fitting_to(contact.signs));
            for &(check, title) in &*checks {
                // Most say nothing: a finding that is none must not be moved about.
                if let Some(draft) = check.run(view, contact) {
                    findings.push(complete((check, title), view, pairs, contact, draft));
                }
            }
        }
        findings
    };
    let contacts = &view.world.contacts;
    let share = contacts.len().div_ceil(threads.max(1)).max(1);
    let (first, others) = contacts.split_at(share.min(contacts.len()));
    let mut findings = thread::scope(|scope| {
        let started: Vec<_> =
            others.chunks(share).map(|contacts| scope.spawn(move || found_in(contacts))).collect();
        let mut findings = found_in(first);
        for thread in started {
            findings.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        findings
    });
    // Hex digits of one length come in the order of their number.
    let number = |key: &str| u64::from_str_radix(key, 16).unwrap_or_default();
    findings.sort_by_cached_key(|f| (std::cmp::Reverse(f.severity), f.id, number(&f.key)));
    findings
}

/// The checks that may have something to say of contacts with these signs, in their order, with their
/// titles.
fn fitting_to(signs: Signs) -> Vec<(&'static dyn Check, &'static str)> {
    let fitting = CHECKS.iter().filter(|check| may_say(**check, signs));
    fitting.map(|&check| (check, check.title())).collect()
}

/// Whether a check may have something to say of a contact with these signs.
#[must_use]
pub fn may_say(check: &dyn Check, signs: Signs) -> bool {
    check.needs().iter().all(|&any| signs.has(any))
}

/// First 16 hex digits of a SHA-256: the same for one rule, device and destination.
fn key(check: &dyn Check, subject: &SubjectOf) -> String {
    let mut hash = Sha256::new();
    for part in
        [check.id(), &check.rule().version.to_string(), &subject.device, &subject.destination]
    {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    format!("{:016x}", u64::from_be_bytes(first))
}

/// Which flows of a row are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// The kinds of evidence of which a flow must bear one; all bits for every flow.
    pub marks: u32,
    /// Of these, only those that begin with one of these frames.
    pub only: Option<Set<u64>>,
}

impl Picked {
    /// Every flow.
    pub const ALL: Picked = Picked { marks: u32::MAX, only: None };

    /// Whether a flow with this evidence, and this first frame, is counted.
    #[must_use]
    pub fn takes(&self, marks: u32, first_frame: u64) -> bool {
        (self.marks == u32::MAX || self.marks & marks != 0)
            && self.only.as_ref().is_none_or(|only| only.contains(&first_frame))
    }
}

/// Which rows of the ledger the findings with this id or key count, and which of their flows. Empty
/// where there is no such finding.
#[must_use]
pub fn counted_rows(view: &View<'_>, wanted: &str) -> BTreeMap<usize, Vec<Picked>> {
    let mut rows: BTreeMap<usize, Vec<Picked>> = BTreeMap::new();
    for contact in &view.world.contacts {
        for &check in CHECKS {
            let may_be = |turned| key(check, &subject(contact, turned)) == wanted;
            if check.id() != wanted && !may_be(false) && !may_be(true) {
                continue;
            }
            let Some(draft) = check.run(view, contact) else { continue };
            if check.id() != wanted && !may_be(draft.turned) {
                continue;
            }
            for (row, mark) in draft.traffic {
                if !view.ledger.rows[row].is_icmp() {
                    let marks = mark.map_or(u32::MAX, |mark| mark as u32);
                    let picked = Picked { marks, only: draft.only.clone() };
                    let known = rows.entry(row).or_default();
                    if !known.contains(&picked) {
                        known.push(picked);
                    }
                }
            }
        }
    }
    rows
}

/// Whom a finding is about.
fn subject(contact: &Contact, turned: bool) -> SubjectOf {
    let (device, destination) = (contact.device.clone(), contact.destination.clone());
    match turned {
        false => SubjectOf { device, destination },
        true => SubjectOf { device: destination, destination: device },
    }
}

fn complete(
    (check, title): (&dyn Check, &'static str),
    view: &View<'_>,
    pairs: &Pairs,
    contact: &Contact,
    mut draft: Draft,
) -> Finding {
    behind::note(view, contact, &mut draft);
    let selection = filter::Selection::of(view.ledger, &draft.traffic, draft.only.as_ref());
    let mut counted = selection.count(view.ledger, pairs);
    if draft.turned {
        counted.iter_mut().for_each(Counted::turn);
    }
    let subject = subject(contact, draft.turned);
    let mut cites = draft.cites;
    cites.retain(|cite| cite.frame > 0);
    cites.sort_unstable();
    cites.dedup();
    frame::sort(&mut cites, |cite| (cite.frame, cite.time));
    let phase = phase::shared(&view.periods, &cites);
    let refs = cites.iter().take(REFS_MAX).map(|cite| Reference {
        input: frame::input(cite.frame),
        frame: frame::within(cite.frame),
        time: cite.time,
        length: cite.length,
    });
    let delivered = |way: usize| counted.iter().map(|c| c.delivered_bytes[way]).sum::<u64>();
    let [sent, received] = [0, 1].map(delivered);
    // There may be as many findings as contacts: what growing left over is given back.
    draft.facts.shrink_to_fit();
    draft.alternatives.shrink_to_fit();
    let bytes = told!("shared.bytes", sent, received);
    Finding {
        id: check.id(),
        title,
        rule_version: check.rule().version,
        key: key(check, &subject),
        severity: check.rule().severity,
        level: draft.level,
        subject,
        facts: draft.facts,
        may_say: with_bytes(draft.may_say, &bytes),
        does_not_show: draft.does_not_show.iter().map(|key| words::text(key)).collect(),
        alternatives: draft.alternatives,
        refs: refs.collect(),
        traffic: counted,
        clauses: Arc::default(),
        party: contact.party,
        phase,
        review: Review::default(),
    }
}

/// A sentence with how much went either way in its place.
fn with_bytes(said: String, bytes: &str) -> String {
    const PLACE: &str = "{bytes}";
    // Braces are rare: looking for one is cheaper than looking for the word, which is done for every finding.
    let Some(first) = said.find('{') else { return said };
    match said[first..].strip_prefix(PLACE) {
        Some(behind) if !behind.contains('{') => [&said[..first], bytes, behind].concat(),
        _ => said.replace(PLACE, bytes),
    }
}
