//! What stands beside the findings: the law of the countries concerned, rules of policies, and
//! clauses of standards.

use crate::policy::Outcome;
use crate::snapshot::{Jurisdiction, Snapshot};
use crate::standard::Clause;
use maud::{Markup, html};

/// Jurisdictions, policies where there are any, and the clauses that say something.
pub fn section(snapshot: &Snapshot) -> Markup {
    let annex = &snapshot.annex;
    html! {
        section id="law" {
            h2 { "Law of the countries concerned" }
            p {
                "Dated facts about laws and decisions, the same kind for every country. They stand \
                 beside the findings and are part of none: a law that allows something does not \
                 show that it happened. This is no legal advice and no complete list."
            }
            @if annex.jurisdictions.is_empty() { p { "No country is known." } }
            @for one in &annex.jurisdictions { (jurisdiction(one)) }
        }
        @if !annex.policies.is_empty() {
            section id="policies" {
                h2 { "Rules of the policies given" }
                (rules(&annex.policies))
            }
        }
        section id="standards" {
            h2 { "Annex: clauses of standards" }
            p {
                "What this traffic says to single clauses. No line says that a product conforms to \
                 a standard, or that it does not conform as a whole."
            }
            (clauses(&annex.clauses))
        }
    }
}

fn jurisdiction(one: &Jurisdiction) -> Markup {
    html! {
        h3 { (one.country) }
        @if !one.head_office_of.is_empty() {
            p {
                "Head office of " (one.head_office_of.join(", "))
                @if one.head_office_of_more > 0 { " and " (one.head_office_of_more) " more" }
                "."
            }
        }
        @if one.hosting > 0 {
            p { "A database places servers of " (one.hosting) " destinations there: an estimate." }
        }
        @if let Some(reason) = &one.not_researched {
            p { "Laws on access to data: not researched. " (reason) }
        }
        ul {
            @for law in one.access_laws.iter().chain(&one.decisions) {
                li {
                    (law.title) ", " (law.article) ": " (law.says)
                    @if let Some(note) = &law.note { " (" (note) ")" }
                    " Source: " (law.source) ", read " (law.checked) "."
                }
            }
        }
        p { "EU decision on transfers: " (one.transfer) "." }
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
                        @if outcome.evidence_more > 0 { li { "and " (outcome.evidence_more) " more" } }
                    }
                }
            }
        }
    }
}

fn clauses(clauses: &[Clause]) -> Markup {
    html! {
        @for standard in clauses.chunk_by(|a, b| a.standard == b.standard) {
            h3 { (standard[0].title) }
            p { "Edition: " (standard[0].edition) "." }
            ul {
                @for clause in standard {
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
                            @if clause.devices_more > 0 { "; and " (clause.devices_more) " more" }
                            ")"
                        }
                    }
                }
            }
        }
    }
}
