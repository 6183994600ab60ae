//! What stands beside the findings: the law of the countries concerned, rules of policies, and
//! clauses of standards.

use crate::policy::Outcome;
use crate::sink::messages::{say, text};
use crate::snapshot::{Jurisdiction, Snapshot};
use crate::standard::{Clause, Verdict};
use maud::{Markup, html};

/// Jurisdictions, policies where there are any, and the clauses that say something.
pub fn section(snapshot: &Snapshot) -> Markup {
    let annex = &snapshot.annex;
    html! {
        section id="law" {
            h2 { (text("annex.law")) }
            p { (text("annex.law_how")) }
            @if annex.jurisdictions.is_empty() { p { (text("annex.no_country")) } }
            @for one in &annex.jurisdictions { (jurisdiction(one)) }
        }
        @if !annex.policies.is_empty() {
            section id="policies" {
                h2 { (text("annex.policies")) }
                (rules(&annex.policies))
            }
        }
        section id="standards" {
            h2 { (text("annex.title")) }
            p { (text("annex.how")) }
            (clauses(&annex.clauses))
        }
    }
}

fn jurisdiction(one: &Jurisdiction) -> Markup {
    let more = html! { (one.head_office_of_more) };
    html! {
        h3 { (one.country) }
        @if !one.head_office_of.is_empty() {
            p {
                (say("annex.head_office", &[("names", html! { (one.head_office_of.join(", ")) })]))
                @if one.head_office_of_more > 0 { " " (say("annex.more", &[("count", more)])) }
            }
        }
        @if one.hosting > 0 {
            p { (say("annex.hosting", &[("count", html! { (one.hosting) })])) }
        }
        @if let Some(reason) = &one.not_researched {
            p { (text("annex.not_researched")) " " (reason) }
        }
        ul {
            @for law in one.access_laws.iter().chain(&one.decisions) {
                li {
                    (law.title) ", " (law.article) ": " (law.says)
                    @if let Some(note) = &law.note { " (" (note) ")" }
                    " " (say("annex.source", &[
                        ("source", html! { (law.source) }), ("date", html! { (law.checked) }),
                    ]))
                }
            }
        }
        p { (say("annex.transfer", &[("decision", html! { (one.transfer) })])) }
    }
}

fn rules(outcomes: &[Outcome]) -> Markup {
    html! {
        ul {
            @for outcome in outcomes {
                li {
                    strong { (outcome.decision.name()) }
                    " " (outcome.policy) " " (outcome.rule) ": " (outcome.says) ". " (outcome.because)
                    ul {
                        @for evidence in &outcome.evidence { li { (evidence.text) } }
                        @if outcome.evidence_more > 0 {
                            li { (say("annex.more", &[("count", html! { (outcome.evidence_more) })])) }
                        }
                    }
                }
            }
        }
    }
}

/// What decides something stands open; what this recording cannot decide is a click away.
fn clauses(clauses: &[Clause]) -> Markup {
    html! {
        @for standard in clauses.chunk_by(|a, b| a.standard == b.standard) {
            @let (decided, open): (Vec<&Clause>, Vec<&Clause>) = standard
                .iter()
                .partition(|clause| matches!(clause.verdict, Verdict::Refuted | Verdict::Supported));
            h3 { (standard[0].title) }
            p { (say("annex.edition", &[("edition", html! { (standard[0].edition) })])) }
            @if decided.is_empty() { p { (text("annex.nothing_decided")) } }
            @else { (list(&decided)) }
            @if !open.is_empty() {
                details {
                    summary { (say("annex.undecided", &[("count", html! { (open.len()) })])) }
                    (list(&open))
                }
            }
        }
    }
}

fn list(clauses: &[&Clause]) -> Markup {
    html! {
        ul {
            @for clause in clauses {
                li {
                    strong { (clause.verdict.name()) }
                    " " (clause.clause)
                    @if let Some(status) = &clause.status { " (" (status) ")" }
                    ": " (clause.says) ". " (clause.because)
                    @if !clause.devices.is_empty() {
                        " ("
                        @for (index, device) in clause.devices.iter().enumerate() {
                            @if index > 0 { "; " }
                            (device.device) ": " (device.verdict.name())
                        }
                        @if clause.devices_more > 0 {
                            "; " (say("annex.more", &[("count", html! { (clause.devices_more) })]))
                        }
                        ")"
                    }
                }
            }
        }
    }
}
