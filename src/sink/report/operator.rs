//! Who operates the services that signatures know, and dated facts about them. They stand apart
//! from the traffic: a fact about a company is not a fact about what a device did.

use super::destination::{kind, made_up};
use super::words::{ROWS_MAX, wire};
use crate::attribution::signature::Operator;
use crate::attribution::world::Claim;
use crate::sink::html::{Heading, boxed, head};
use crate::sink::messages::{say, text};
use crate::snapshot::Snapshot;
use maud::{Markup, html};
use std::collections::BTreeMap;

pub fn section(snapshot: &Snapshot) -> Markup {
    let mut claims: BTreeMap<&str, &Claim> = BTreeMap::new();
    for claim in snapshot.destinations.iter().flat_map(|destination| &destination.claims) {
        claims.entry(&claim.signature).or_insert(claim);
    }
    if claims.is_empty() {
        return html! {};
    }
    let table = html! {
        table {
            caption { span { (text("operator.from_sourced_signatures_not_from")) } }
            (head(&[
                Heading::Words(text("operator.service")),
                Heading::Words(text("operator.operator_head_office")),
                Heading::Words(text("operator.where_stated")),
                Heading::Words(text("operator.dated_facts_about_company")),
            ]))
            tbody {
                @for (id, claim) in claims.iter().take(ROWS_MAX) {
                    tr id={ "operator-" (id) } {
                        th scope="row" { (wire(&claim.name)) (made_up(claim)) br; small { (kind(claim.kind)) } }
                        (operator(claim.operator.as_ref(), claim.fictional))
                        td { (facts(claim)) }
                    }
                }
            }
        }
    };
    html! {
        h3 { (text("operator.who_operates_these_services")) }
        p { (text("operator.head_office_says_under_whose")) }
        (boxed(text("operator.label"), table))
        @if claims.len() > ROWS_MAX { p { (say("operator.more_all_json", &[("count", html! { (claims.len() - ROWS_MAX) })])) } }
    }
}

fn operator(operator: Option<&Operator>, fictional: bool) -> Markup {
    let Some(operator) = operator else {
        return html! { td { (text("operator.operator_not_established")) } td {} };
    };
    html! {
        td {
            (wire(&operator.legal_name))
            br;
            @match &operator.head_office {
                _ if fictional => (text("operator.part_no_real_head_office")),
                Some(country) => { (say("operator.head_office", &[("country", html! { strong { (country) } })])) }
                None => (text("operator.part_head_office_not_established")),
            }
            @if !operator.parents.is_empty() {
                br; (text("operator.part_controlled_by")) (wire(&operator.parents.join(", ")))
            }
        }
        td { (wire(&operator.source)) br; small { (say("operator.read", &[("checked", html! { (operator.checked) })])) } }
    }
}

fn facts(claim: &Claim) -> Markup {
    html! {
        @if claim.ownership.is_empty() { (text("operator.none_listed")) } @else {
            ul {
                @for fact in &claim.ownership {
                    li {
                        @if let Some(date) = &fact.date { (date) ": " }
                        (wire(&fact.fact)) " "
                        small { (say("operator.read_2", &[("source", html! { (wire(&fact.source)) }), ("checked", html! { (fact.checked) })])) }
                    }
                }
            }
        }
    }
}
