//! What the checks state, each with what it does not show and the frames to check it by.

use super::View;
use super::messages::text;
use super::words::{
    FILTER_MAX, ROWS_MAX, boxed, counted, destination_title, device_link, frames, grouped, total,
    wire,
};
use crate::attribution::world::{Level, Zone};
use crate::base::frame;
use crate::finding::{Counted, Finding, Severity};
use crate::snapshot::Snapshot;
use maud::{Markup, html};

pub fn section(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let findings = &snapshot.findings;
    let unreviewed = findings.iter().all(|finding| finding.review.state == "unreviewed");
    html! {
        section id="findings" {
            h2 { "Findings" @if unreviewed { " (nobody has reviewed these yet)" } }
            @if findings.is_empty() {
                p {
                    @if snapshot.coverage.complete {
                        "None of the checks found anything in what was inspected. That is not a \
                         clean bill: see what was not seen."
                    } @else {
                        "None, but the result is partial: see the top of this page and what was \
                         not seen."
                    }
                }
            } @else {
                p {
                    "A program made these, by fixed rules that are the same for every country and \
                     vendor. Check a finding in Wireshark, and ask the company, before you print it."
                }
            }
            @for (index, finding) in findings.iter().take(ROWS_MAX).enumerate() {
                (article(view, index, finding))
            }
            @if findings.len() > ROWS_MAX {
                p { (grouped((findings.len() - ROWS_MAX) as u64)) " more findings; all in --json." }
            }
            @if let (Some(limit), Some(result)) = (snapshot.gate.fail_on, snapshot.gate.result) {
                p {
                    "The run was told to fail on findings of severity " (limit.name())
                    " and above: " strong { (result) } "."
                }
            }
        }
    }
}

fn article(view: &View<'_>, index: usize, finding: &Finding) -> Markup {
    let snapshot = view.snapshot;
    html! {
        article class={ "finding " (finding.severity.name()) } id={ "finding-" (index + 1) } {
            h3 {
                "Finding " (index + 1) ": " (finding.title)
                " " span.badge { "severity " (finding.severity.name()) }
                " " span.badge { "level " (finding.level.name()) }
                @if finding.review.state == "unreviewed" { " " span.badge.open { (text("review.badge")) } }
            }
            p.say { (wire(&finding.may_say)) }
            dl.facts {
                dt { "About" }
                dd { (subject(snapshot, finding)) }
                dt { "Severity" }
                dd { (finding.severity.name()) ": " (severity(finding.severity)) }
                dt { "Level" }
                dd { (finding.level.name()) ": " (level(finding.level)) }
                @if finding.review.state != "unreviewed" {
                    dt { "Review" }
                    dd { (finding.review.state) }
                }
                @if let Some(phase) = &finding.phase { dt { "Phase" } dd { (phase) } }
            }
            h4 { "What was seen" }
            ul {
                @for fact in &finding.facts {
                    li {
                        (wire(&fact.text))
                        @if let Some(frames) = frames(snapshot.spelling(), &fact.frames) { " (" (frames) ")" }
                    }
                }
            }
            h4 { "What this does not show" }
            ul { @for text in finding.does_not_show { li { (text) } } }
            @if !finding.alternatives.is_empty() {
                h4 { "Other explanations" }
                ul {
                    @for other in &finding.alternatives {
                        li {
                            (wire(&other.text)) ": " strong { (other.status) }
                            @if !other.by.is_empty() { " (" (wire(&other.by)) ")" }
                        }
                    }
                }
            }
            h4 { "Proof" }
            @for counted in finding.traffic.iter().take(ROWS_MAX) { (proof(view, counted)) }
            @if finding.traffic.len() > ROWS_MAX {
                p { (finding.traffic.len() - ROWS_MAX) " more files; all in --json." }
            }
            (deciding(view, finding))
            p.key { small { "Rule " (finding.id) " version " (finding.rule_version) ", key " code { (finding.key) } } }
        }
    }
}

fn subject(snapshot: &Snapshot, finding: &Finding) -> Markup {
    let id = &finding.subject.destination;
    let known = snapshot.destinations.iter().find(|destination| destination.id == *id);
    html! {
        (device_link(snapshot, &finding.subject.device)) " and "
        @match known {
            Some(destination) if destination.zone == Zone::Internet => {
                (destination_title(destination))
                @if destination.claims.iter().any(|claim| claim.fictional) { " (made up)" }
            }
            _ => (device_link(snapshot, id)),
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "worth knowing",
        Severity::Low => "worth asking about",
        Severity::Medium => "worth mending",
        Severity::High => "worth mending now",
    }
}

pub fn level(level: Level) -> &'static str {
    match level {
        Level::Shown => "the recorded bytes say it",
        Level::Attributed => "a sourced signature says whose it is",
        Level::Inferred => "likely, and no more",
    }
}

fn proof(view: &View<'_>, traffic: &Counted) -> Markup {
    let snapshot = view.snapshot;
    let [sent, received] = traffic.delivered_bytes;
    html! {
        p {
            @if snapshot.inputs.len() > 1 && let Some(input) = snapshot.inputs.get(traffic.input) {
                "In file " (traffic.input + 1) ", " code { (wire(&input.path)) } ": "
            }
            (counted(traffic.frames, "frame", "frames")) " counted, from "
            (view.clock.moment(traffic.first)) " to " (view.clock.moment(traffic.last)) " UTC: "
            (total(sent)) " of payload sent by the device, " (total(received)) " received."
        }
        @match &traffic.wireshark_filter {
            Some(filter) if filter.len() > FILTER_MAX => p {
                "The Wireshark display filter that selects exactly these frames has "
                (grouped(filter.len() as u64)) " bytes; it is in --json."
            },
            Some(filter) => {
                p {
                    "This Wireshark display filter selects exactly these frames"
                    @if snapshot.inputs.len() > 1 { " in that file" } ":"
                }
                pre tabindex="0" { code { (filter) } }
            }
            None => p {
                "No Wireshark filter: " (traffic.no_filter_because.unwrap_or("not possible")) "."
            },
        }
    }
}

fn deciding(view: &View<'_>, finding: &Finding) -> Markup {
    let spelling = view.snapshot.spelling();
    if finding.refs.is_empty() {
        return html! {};
    }
    let table = html! {
        table.small {
            caption { span { "Frames that decide it" } }
            thead {
                tr {
                    th.number scope="col" { "Frame" }
                    th scope="col" { "Time (UTC)" }
                    th.number scope="col" { "Length, bytes" }
                }
            }
            tbody {
                @for reference in &finding.refs {
                    tr {
                        th.number scope="row" {
                            (spelling.one(frame::base(reference.input) + reference.frame))
                        }
                        td { (view.clock.exact(reference.time)) }
                        td.number { (grouped(u64::from(reference.length))) }
                    }
                }
            }
        }
    };
    html! { div.short { (boxed("Frames that decide the finding", table)) } }
}
