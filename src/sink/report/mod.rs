//! One self-contained HTML page for people who were not there: no script, nothing loaded from
//! anywhere, everything from the wire escaped. It says what left, to whom and where, what was
//! found, how that is known, and what was not seen.

mod annex;
mod coverage;
mod destination;
mod device;
mod finding;
mod glossary;
mod operator;
mod words;

use crate::attribution::world::{Contact, Zone};
use crate::base::text::{bytes, span};
use crate::finding::Severity;
use crate::snapshot::{Input, Snapshot};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeMap;
use words::{ROWS_MAX, amount, boxed, counted, device_link, grouped, moment, wire};

/// Nothing may be loaded or sent, whatever slipped through: a second lock behind the escaping.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Inputs that the title names.
const FILES_NAMED: usize = 3;

/// A snapshot with its contacts by their two ends.
struct View<'a> {
    snapshot: &'a Snapshot,
    /// By position of the device.
    begun: BTreeMap<usize, Vec<&'a Contact>>,
    /// Contacts with another device of the test network, by that device's id.
    answered: BTreeMap<&'a str, Vec<&'a Contact>>,
}

impl<'a> View<'a> {
    fn of(snapshot: &'a Snapshot) -> View<'a> {
        let mut view = View { snapshot, begun: BTreeMap::new(), answered: BTreeMap::new() };
        for contact in &snapshot.contacts {
            view.begun.entry(contact.device_index).or_default().push(contact);
            if contact.zone == Zone::Private {
                view.answered.entry(&contact.destination).or_default().push(contact);
            }
        }
        view
    }

    fn internet(&self, device: usize) -> Vec<&'a Contact> {
        let all = self.begun.get(&device).into_iter().flatten().copied();
        all.filter(|contact| contact.zone == Zone::Internet).collect()
    }
}

/// The page.
#[must_use]
pub fn page(snapshot: &Snapshot) -> String {
    let view = View::of(snapshot);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "phonehome: " (file_names(snapshot)) }
                style { (PreEscaped(include_str!("../report.css"))) }
            }
            body {
                (head(snapshot))
                main {
                    (at_a_glance(&view))
                    section id="sent" {
                        h2 { "What left, to whom, where" }
                        (device::sections(&view))
                        (operator::section(snapshot))
                    }
                    (finding::section(snapshot))
                    (annex::section(snapshot))
                    (glossary::how_we_know(snapshot))
                    (coverage::not_seen(snapshot))
                    (coverage::inspected(snapshot))
                    (glossary::glossary())
                }
                footer {
                    p {
                        "Made by " (snapshot.tool.name) " " (snapshot.tool.version)
                        ". This page loads nothing and contains no script. Reading it tells nobody."
                    }
                }
            }
        }
    }
    .into_string()
}

fn file_names(snapshot: &Snapshot) -> String {
    let name = |input: &Input| input.path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut names: Vec<String> = snapshot.inputs.iter().take(FILES_NAMED).map(name).collect();
    let more = snapshot.inputs.len() - names.len();
    if more > 0 {
        names.push(format!("{more} more files"));
    }
    names.join(", ")
}

fn head(snapshot: &Snapshot) -> Markup {
    html! {
        header {
            h1 { "What the devices in " (wire(&file_names(snapshot))) " sent, and to whom" }
            @for (index, input) in snapshot.inputs.iter().take(ROWS_MAX).enumerate() {
                (about_input(input, (snapshot.inputs.len() > 1).then_some(index + 1)))
            }
            @if snapshot.inputs.len() > ROWS_MAX {
                p { (snapshot.inputs.len() - ROWS_MAX) " more files; all in --json." }
            }
            @if !snapshot.coverage.complete {
                div.partial role="note" aria-labelledby="partial" {
                    p id="partial" { strong { "Partial result" } }
                    p { "Not everything was inspected, or not with everything needed. What is \
                         shown was there; what is not shown may have been there too." }
                    ul {
                        @for reason in &snapshot.coverage.incomplete_because {
                            li { (wire(reason)) }
                        }
                    }
                }
            }
            @if snapshot.destinations.iter().flat_map(|d| &d.claims).any(|claim| claim.fictional) {
                p.limit {
                    "Companies marked " strong { "(made up)" } " are inventions for trying \
                     phonehome. They stand for nobody."
                }
            }
            nav aria-label="Sections" {
                ul {
                    li { a href="#sent" { "What left, to whom, where" } }
                    li { a href="#findings" { "Findings (" (snapshot.findings.len()) ")" } }
                    li { a href="#how" { "How we know" } }
                    li { a href="#unseen" { "What was not seen" } }
                    li { a href="#inspected" { "What was inspected" } }
                    li { a href="#glossary" { "Words" } }
                }
            }
        }
    }
}

fn about_input(input: &Input, place: Option<usize>) -> Markup {
    html! {
        dl.facts {
            dt { "Recording" @if let Some(place) = place { ", file " (place) } }
            dd {
                code { (wire(&input.path)) }
                @if input.format.is_empty() { " (not read)" } @else { " (" (input.format) ")" }
            }
            dt { "SHA-256" }
            dd {
                @match &input.sha256 {
                    Some(hash) => code { (hash) },
                    None => {
                        "not computed: " (input.no_hash_because.unwrap_or("no reason given"))
                    }
                }
            }
            dt { "Time" }
            dd {
                @match (input.first, input.last) {
                    (Some(first), Some(last)) => {
                        (moment(first)) " to " (moment(last)) " UTC (" (span(last.since(first))) ")"
                    }
                    _ => "no frame, so no time",
                }
            }
            dt { "Size" }
            dd {
                (counted(input.frames, "frame", "frames")) ", " (bytes(input.bytes)) " on the wire"
            }
            @if !input.interfaces.is_empty() {
                dt { "Recorded at" }
                dd { (wire(&input.interfaces.join(", "))) }
            }
        }
    }
}

fn at_a_glance(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let shown: Vec<usize> = (0..snapshot.devices.len())
        .filter(|&index| snapshot.devices[index].role == "device")
        .take(ROWS_MAX)
        .collect();
    if shown.is_empty() {
        return html! {};
    }
    let table = html! {
        table {
            caption { span { "Each device with the internet. Payload: each byte counted once." } }
            thead {
                tr {
                    th scope="col" { "Device" }
                    th scope="col" { "Address" }
                    th.number scope="col" { "Sent" }
                    th.number scope="col" { "Received" }
                    th.number scope="col" { "Destinations" }
                    th scope="col" { "Findings, not reviewed" }
                }
            }
            tbody {
                @for index in shown {
                    @let device = &snapshot.devices[index];
                    @let [sent, received] = device.internet.delivered_bytes;
                    tr {
                        th scope="row" { (device_link(snapshot, &device.id)) }
                        td {
                            @if let Some(seen) = device.addresses.first() {
                                code { (seen.address.to_string()) }
                            }
                        }
                        td.number { (amount(sent)) }
                        td.number { (amount(received)) }
                        td.number { (grouped(view.internet(index).len() as u64)) }
                        td { (severities(snapshot, &device.id)) }
                    }
                }
            }
        }
    };
    html! {
        section aria-labelledby="glance" {
            h2 id="glance" { "At a glance" }
            (boxed("Each device with the internet", table))
        }
    }
}

/// `1 high, 2 info`.
fn severities(snapshot: &Snapshot, device: &str) -> String {
    let of = |severity: Severity| {
        let all = snapshot.findings.iter();
        all.filter(|f| f.severity == severity && *f.subject.device == *device).count()
    };
    let words: Vec<String> = [Severity::High, Severity::Medium, Severity::Low, Severity::Info]
        .into_iter()
        .map(|severity| (of(severity), severity.name()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests;
