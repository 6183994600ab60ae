//! One self-contained HTML page for people who were not there: no script, nothing loaded from
//! anywhere, everything from the wire escaped. It says what left, to whom and where, what was
//! found, how that is known, and what was not seen.

mod clock;
mod closing;
mod annex;
mod coverage;
mod destination;
mod device;
mod finding;
mod gets;
mod glossary;
mod map;
mod operator;
mod picture;
mod shares;
mod short;
mod timeline;
mod words;

pub use clock::Zone as TimeZone;

use crate::attribution::world::{Contact, Zone};
use crate::base::text::{bytes, span};
use crate::finding::{Finding, Severity};
use crate::sink::html::{Heading, boxed, document, head, on_every_page};
use crate::sink::messages::{line, msg, say, text};
use crate::snapshot::{Input, Snapshot};
use clock::Clock;
use maud::{Markup, html};
use std::cell::Cell;
use std::collections::BTreeMap;
use words::{
    FRAMES_ALL, FRAMES_LEAST, ROWS_ALL, ROWS_LEAST, ROWS_MAX, amount, counted, device_link,
    grouped, wire,
};

/// What the reader wants of the page.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Local time beside UTC.
    pub zone: Option<TimeZone>,
    /// Whether there is a map of the world.
    pub map: bool,
    /// Country of the test network, from which the map draws its lines.
    pub here: Option<String>,
    /// Notes that a case holds, escaped.
    pub notes: Vec<String>,
}

/// Devices and findings together from which on a browser should not lay out all at once.
const LARGE: usize = 80;

/// Inputs that the title names.
const FILES_NAMED: usize = 3;

/// A snapshot with its contacts by their two ends.
struct View<'a> {
    snapshot: &'a Snapshot,
    options: &'a Options,
    clock: Clock,
    /// Rows of tables that there is room for.
    rows: Cell<usize>,
    /// Deciding frames that there is room for.
    frames: Cell<usize>,
    /// By position of the device.
    begun: BTreeMap<usize, Vec<&'a Contact>>,
    /// Contacts with another device of the test network, by that device's id.
    answered: BTreeMap<&'a str, Vec<&'a Contact>>,
}

impl<'a> View<'a> {
    fn of(snapshot: &'a Snapshot, options: &'a Options) -> View<'a> {
        let mut view = View {
            snapshot,
            options,
            clock: Clock(options.zone.clone()),
            rows: Cell::new(ROWS_ALL),
            frames: Cell::new(FRAMES_ALL),
            begun: BTreeMap::new(),
            answered: BTreeMap::new(),
        };
        for contact in &snapshot.contacts {
            view.begun.entry(contact.device_index).or_default().push(contact);
            if contact.zone == Zone::Private {
                view.answered.entry(&contact.destination).or_default().push(contact);
            }
        }
        view
    }

    /// How many rows a table may have; whoever asks says afterwards how many it took.
    fn room(&self) -> usize {
        self.rows.get().clamp(ROWS_LEAST, ROWS_MAX)
    }

    fn took(&self, rows: usize) {
        self.rows.set(self.rows.get().saturating_sub(rows));
    }

    /// How many of so many deciding frames are shown.
    fn frames(&self, of: usize) -> usize {
        let shown = of.min(self.frames.get().max(FRAMES_LEAST));
        self.frames.set(self.frames.get().saturating_sub(shown));
        shown
    }

    fn internet(&self, device: usize) -> Vec<&'a Contact> {
        let all = self.begun.get(&device).into_iter().flatten().copied();
        all.filter(|contact| contact.zone == Zone::Internet).collect()
    }
}

/// The page as it is without wishes.
#[must_use]
pub fn page(snapshot: &Snapshot) -> String {
    page_with(snapshot, &Options::default())
}

/// The page.
#[must_use]
pub fn page_with(snapshot: &Snapshot, options: &Options) -> String {
    let view = View::of(snapshot, options);
    let review = short::review(&view);
    let is_large = snapshot.devices.len() + snapshot.findings.len() > LARGE;
    let title = say("page.phonehome", &[("file_names", html! { (file_names(snapshot)) })]);
    let body = html! {
        (picture::patterns())
        (top(&view))
        main {
            (short::section(&view))
            section id="pictures" {
                h2 { (text("page.pictures")) }
                (gets::picture(&view))
                (timeline::picture(&view))
                (shares::readable(&view))
                (shares::protocols(&view))
                @if options.map { (map::picture(&view)) }
            }
            (finding::section(&view))
            section id="sent" {
                h2 { (text("page.what_left_whom_where")) }
                (at_a_glance(&view))
                (device::sections(&view))
                (operator::section(snapshot))
            }
            (glossary::how_we_know(snapshot))
            (coverage::not_seen(&view))
            (coverage::inspected(snapshot))
            (annex::section(snapshot))
            (glossary::glossary())
            (closing::references(snapshot))
            (closing::versions(&view, inputs(&view), coverage::knowledge(snapshot)))
        }
        footer {
            p {
                @let tool = html! { (snapshot.tool.name) " " (snapshot.tool.version) };
                (say("page.made_by", &[("tool", tool)]))
            }
        }
        // A landmark of its own, so that nobody who jumps between landmarks misses it.
        aside.review aria-label=(text("review.badge")) { (review) }
    };
    document(&title, &on_every_page(&review), is_large, &body)
}

fn file_names(snapshot: &Snapshot) -> String {
    let name = |input: &Input| input.path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut names: Vec<String> = snapshot.inputs.iter().take(FILES_NAMED).map(name).collect();
    let more = snapshot.inputs.len() - names.len();
    if more > 0 {
        names.push(line("page.more_files", &[("count", &more.to_string())]));
    }
    names.join(", ")
}

fn top(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    html! {
        header {
            h1 { (say("page.title", &[("files", wire(&file_names(snapshot)))])) }
            @if !snapshot.coverage.complete {
                div.partial role="note" aria-labelledby="partial" {
                    p id="partial" { strong { (text("page.partial")) } }
                    p { (text("page.partial_means")) }
                    ul {
                        @for reason in &snapshot.coverage.incomplete_because {
                            li { (wire(reason)) }
                        }
                    }
                }
            }
            @if snapshot.destinations.iter().flat_map(|d| &d.claims).any(|claim| claim.fictional) {
                p.limit { (text("page.made_up")) }
            }
            nav aria-label=(text("page.sections")) {
                ul {
                    li { a href="#short" { (text("short.title")) } }
                    li { a href="#pictures" { (text("page.pictures")) } }
                    li { a href="#findings" { (say("page.findings", &[("findings", html! { (snapshot.findings.len()) })])) } }
                    li { a href="#sent" { (text("page.what_left_whom_where")) } }
                    li { a href="#how" { (text("page.how_we_know")) } }
                    li { a href="#unseen" { (text("page.what_not_seen")) } }
                    li { a href="#inspected" { (text("page.what_inspected")) } }
                    li { a href="#law" { (text("annex.law")) } }
                    li { a href="#standards" { (text("annex.title")) } }
                    li { a href="#glossary" { (text("page.words")) } }
                    li { a href="#versions" { (text("versions.title")) } }
                }
            }
        }
    }
}

fn inputs(view: &View<'_>) -> Markup {
    let all = &view.snapshot.inputs;
    html! {
        @for (index, input) in all.iter().take(ROWS_MAX).enumerate() {
            (about_input(view, input, (all.len() > 1).then_some(index + 1)))
        }
        @if all.len() > ROWS_MAX { p { (say("page.more_files_all_json", &[("count", html! { (all.len() - ROWS_MAX) })])) } }
    }
}

fn about_input(view: &View<'_>, input: &Input, place: Option<usize>) -> Markup {
    html! {
        dl.facts {
            dt { (text("page.recording")) @if let Some(place) = place { (say("page.file", &[("place", html! { (place) })])) } }
            dd {
                code { (wire(&input.path)) }
                @if input.format.is_empty() { (text("page.part_not_read")) } @else { " (" (input.format) ")" }
            }
            dt { (text("page.sha_256")) }
            dd {
                @match &input.sha256 {
                    Some(hash) => code { (hash) },
                    None => { (say("page.not_computed", &[("no_hash_because", html! { (input.no_hash_because.unwrap_or(text("page.no_reason_given"))) })])) }
                }
            }
            dt { (text("page.time")) }
            dd {
                @match (input.first, input.last) {
                    (Some(first), Some(last)) => { (say("page.utc", &[("first", html! { (view.clock.moment(first)) }), ("last", html! { (view.clock.moment(last)) }), ("span", html! { (span(last.since(first))) })])) }
                    _ => (text("page.no_frame_so_no_time")),
                }
            }
            dt { (text("page.size")) }
            dd { (say("page.on_wire", &[("input", html! { (counted(input.frames, text("unit.frame"), text("unit.frames"))) }), ("bytes", html! { (bytes(input.bytes)) })])) }
            @if !input.interfaces.is_empty() {
                dt { (text("page.recorded_at")) }
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
    let unreviewed = crate::finding::open(&snapshot.findings) == snapshot.findings.len();
    let table = html! {
        table {
            caption { span { (text("page.each_device_with_internet_payload")) } }
            (head(&[
                Heading::Words(text("page.device")),
                Heading::Words(text("page.address")),
                Heading::Number(text("page.sent")),
                Heading::Number(text("page.received")),
                Heading::Number(text("page.destinations")),
                Heading::Words(text(if unreviewed { msg!("page.findings_not_reviewed") } else { msg!("page.findings_plain") })),
            ]))
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
        h3 { (text("page.at_glance")) }
        (boxed(text("page.label_glance"), table))
    }
}

fn severities(snapshot: &Snapshot, device: &str) -> String {
    severities_of(snapshot.findings.iter().filter(|finding| *finding.subject.device == *device))
}

/// `1 high, 2 info`.
fn severities_of<'f>(findings: impl Iterator<Item = &'f Finding>) -> String {
    let all = [Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let mut counts = [0; 4];
    for finding in findings {
        counts[all.iter().position(|severity| *severity == finding.severity).unwrap_or(3)] += 1;
    }
    let words: Vec<String> = all
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", severity.name()))
        .collect();
    if words.is_empty() { text("page.no_findings").to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests;
