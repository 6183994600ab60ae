//! What the checks state, each with what it does not show and the frames to check it by.

use super::View;
use super::words::{
    FILTER_MAX, ROWS_MAX, counted, destination_title, device_link, frames, grouped, total, wire,
};
use crate::attribution::world::{Level, Zone};
use crate::base::frame;
use crate::finding::{Bearing, Counted, Finding, Severity};
use crate::sink::html::{Heading, boxed, head};
use crate::sink::messages::{say, text};
use crate::snapshot::Snapshot;
use maud::{Markup, html};

pub fn section(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let findings = &snapshot.findings;
    let unreviewed = findings.iter().all(|finding| finding.review.is_open());
    html! {
        section id="findings" {
            h2 { (text("finding.findings")) @if unreviewed { (text("finding.part_nobody_has_reviewed_these")) } }
            @if findings.is_empty() {
                p {
                    @if snapshot.coverage.complete { (text("finding.none_checks_found_anything_what")) } @else { (text("finding.none_but_result_partial_see")) }
                }
            } @else {
                p { (text("finding.program_made_these_fixed_rules")) }
            }
            @for (index, finding) in findings.iter().take(ROWS_MAX).enumerate() {
                (article(view, index, finding))
            }
            @if findings.len() > ROWS_MAX {
                p { (say("finding.more_findings_all_json", &[("count", html! { (grouped((findings.len() - ROWS_MAX) as u64)) })])) }
            }
            @if let (Some(limit), Some(result)) = (snapshot.gate.fail_on, snapshot.gate.result) {
                p { (say("finding.run_told_fail_on_findings", &[("limit", html! { (limit.name()) }), ("result", html! { strong { (result) } })])) }
            }
        }
    }
}

fn article(view: &View<'_>, index: usize, finding: &Finding) -> Markup {
    let snapshot = view.snapshot;
    html! {
        article class={ "finding " (finding.severity.name()) } id={ "finding-" (index + 1) } {
            h3 {
                (say("finding.number_title", &[("number", html! { (index + 1) }), ("title", html! { (finding.title) })]))
                " " span.badge { (say("finding.severity_2", &[("severity", html! { (finding.severity.name()) })])) }
                " " span.badge { (say("finding.level_2", &[("level", html! { (finding.level.name()) })])) }
                @if finding.review.is_open() { " " span.badge.open { (text("review.badge")) } }
            }
            p.say { (wire(&finding.may_say)) }
            dl.facts {
                dt { (text("finding.about")) }
                dd { (subject(snapshot, finding)) }
                dt { (text("finding.severity")) }
                dd { (finding.severity.name()) ": " (severity(finding.severity)) }
                dt { (text("finding.level")) }
                dd { (finding.level.name()) ": " (level(finding.level)) }
                @if let Some(told) = finding.review.told() {
                    dt { (text("finding.review")) }
                    dd { (wire(&told)) }
                }
                @if let Some(phase) = finding.phase { dt { (text("finding.phase")) } dd { (phase) } }
                @if !finding.clauses.is_empty() {
                    dt { (text("finding.clauses")) }
                    dd { (clauses(snapshot, &finding.clauses)) }
                }
                (asked(finding))
            }
            h4 { (text("finding.what_seen")) }
            ul {
                @for fact in &finding.facts {
                    li {
                        (wire(&fact.text))
                        @if let Some(frames) = frames(snapshot.spelling(), &fact.frames) { " (" (frames) ")" }
                    }
                }
            }
            h4 { (text("finding.what_this_does_not_show")) }
            ul { @for text in &finding.does_not_show { li { (text) } } }
            @if !finding.alternatives.is_empty() {
                h4 { (text("finding.other_explanations")) }
                ul {
                    @for other in &finding.alternatives {
                        li {
                            (wire(&other.text)) ": " strong { (status(other.status)) }
                            @if !other.by.is_empty() { " (" (wire(&other.by)) ")" }
                        }
                    }
                }
            }
            h4 { (text("finding.proof")) }
            @for counted in finding.traffic.iter().take(ROWS_MAX) { (proof(view, counted)) }
            @if finding.traffic.len() > ROWS_MAX {
                p { (say("finding.more_files_all_json", &[("count", html! { (finding.traffic.len() - ROWS_MAX) })])) }
            }
            (deciding(view, finding))
            p.key { small { (say("finding.rule_version_key", &[("id", html! { (finding.id) }), ("rule_version", html! { (finding.rule_version) }), ("key", html! { code { (finding.key) } })])) } }
        }
    }
}

/// Who was asked for an answer, and what was answered.
fn asked(finding: &Finding) -> Markup {
    let answered = |whom: &str| finding.review.answers.iter().any(|answer| answer.from == whom);
    html! {
        @for asked in &finding.review.asked {
            dt { (text("finding.asked")) }
            dd {
                (say("finding.asked_until", &[("whom", wire(&asked.whom)), ("when", html! { (asked.when) }), ("deadline", wire(&asked.deadline))]))
                @if !answered(&asked.whom) { " " (text("finding.no_answer_noted")) }
            }
        }
        @for answer in &finding.review.answers {
            dt { (say("finding.answer_of", &[("whom", wire(&answer.from))])) }
            dd {
                @if !answer.text.is_empty() { p { (wire(&answer.text)) } }
                (say("finding.answer_noted", &[("when", html! { (answer.when) }), ("file", wire(&answer.file)), ("sha256", html! { code { (answer.sha256) } })]))
            }
        }
    }
}

fn subject(snapshot: &Snapshot, finding: &Finding) -> Markup {
    let id = &finding.subject.destination;
    let known = snapshot.destinations.iter().find(|destination| destination.id == *id);
    html! {
        @let other = html! {
            @match known {
                Some(destination) if destination.zone == Zone::Internet => {
                    (destination_title(destination))
                    @if destination.claims.iter().any(|claim| claim.fictional) { (text("finding.part_made_up")) }
                }
                _ => (device_link(snapshot, id)),
            }
        };
        (say("finding.subject", &[("device", device_link(snapshot, &finding.subject.device)), ("other", other)]))
    }
}

/// Clauses by standard and verdict, and where the reasons stand.
fn clauses(snapshot: &Snapshot, bears_on: &[Bearing]) -> Markup {
    let title = |id: &str| {
        let of_standard = snapshot.annex.clauses.iter().find(|clause| clause.standard == id);
        of_standard.map_or(id.to_owned(), |clause| clause.title.clone())
    };
    html! {
        ul {
            @for of_standard in bears_on.chunk_by(|a, b| a.standard == b.standard) {
                li {
                    (title(&of_standard[0].standard)) ": "
                    @for (index, one) in of_standard.iter().enumerate() {
                        @if index > 0 { ", " }
                        (one.clause) " " (one.verdict)
                    }
                }
            }
        }
        p { (text("finding.clauses_how")) }
    }
}

/// Whether an explanation was ruled out: a word of the contract, in words of the page.
fn status(word: &'static str) -> &'static str {
    match word {
        "excluded" => text("finding.status_excluded"),
        "not excluded" => text("finding.status_not_excluded"),
        "not tested" => text("finding.status_not_tested"),
        other => other,
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => text("finding.severity_info"),
        Severity::Low => text("finding.severity_low"),
        Severity::Medium => text("finding.severity_medium"),
        Severity::High => text("finding.severity_high"),
    }
}

pub fn level(level: Level) -> &'static str {
    match level {
        Level::Shown => text("finding.level_shown"),
        Level::Attributed => text("finding.level_attributed"),
        Level::Inferred => text("finding.level_inferred"),
    }
}

fn proof(view: &View<'_>, traffic: &Counted) -> Markup {
    let snapshot = view.snapshot;
    let [sent, received] = traffic.delivered_bytes;
    html! {
        p {
            @if snapshot.inputs.len() > 1 && let Some(input) = snapshot.inputs.get(traffic.input) { (say("finding.file", &[("input", html! { (traffic.input + 1) }), ("path", html! { code { (wire(&input.path)) } })])) }
            (say("finding.counted", &[
                ("frames", html! { (counted(traffic.frames, text("unit.frame"), text("unit.frames"))) }),
                ("first", view.clock.moment(traffic.first)),
                ("last", view.clock.moment(traffic.last)),
                ("sent", html! { (total(sent)) }),
                ("received", html! { (total(received)) }),
            ]))
        }
        @match &traffic.wireshark_filter {
            Some(filter) if filter.len() > FILTER_MAX => p { (say("finding.wireshark_display_filter_selects_exactly", &[("filter", html! { (grouped(filter.len() as u64)) })])) },
            Some(filter) => {
                p {
                    (text("finding.part_this_wireshark_display_filter"))
                    @if snapshot.inputs.len() > 1 { (text("finding.part_in_that_file")) } ":"
                }
                pre tabindex="0" { code { (filter) } }
            }
            None => p { (say("finding.no_wireshark_filter", &[("no_filter_because", html! { (traffic.no_filter_because.unwrap_or(text("finding.filter_not_possible"))) })])) },
        }
    }
}

fn deciding(view: &View<'_>, finding: &Finding) -> Markup {
    let spelling = view.snapshot.spelling();
    let shown = view.frames(finding.refs.len());
    if finding.refs.is_empty() {
        return html! {};
    }
    let table = html! {
        table.small {
            caption { span { (text("finding.frames_decide")) } }
            (head(&[
                Heading::Number(text("finding.frame")),
                Heading::Words(text("finding.time_utc")),
                Heading::Number(text("finding.length_bytes")),
            ]))
            tbody {
                @for reference in finding.refs.iter().take(shown) {
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
    html! {
        div.short { (boxed(text("finding.frames_label"), table)) }
        @if finding.refs.len() > shown {
            p { (say("table.rest", &[("count", html! { (finding.refs.len() - shown) })])) }
        }
    }
}
