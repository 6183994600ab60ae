//! A comparison as one self-contained HTML page: no script, nothing loaded.

use super::terminal::words;
use super::{Comparison, FACTOR, Item, Pair};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing may be loaded or sent, whatever slipped through.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// Rows of one table; the rest is counted and in the JSON.
const ROWS: usize = 500;

/// The page.
#[must_use]
pub fn page(comparison: &Comparison) -> String {
    let name = |at: usize| &comparison.sides[at].name;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "phonehome: comparison" }
                style { (PreEscaped(include_str!("../report.css"))) }
            }
            body {
                header { h1 { "What differs between recordings" } }
                main {
                    section {
                        h2 { "What was compared" }
                        (sides(comparison))
                        p { "Amounts: " (comparison.amounts) }
                    }
                    @for pair in &comparison.pairs {
                        section {
                            h2 { bdi { (name(pair.left)) } " against " bdi { (name(pair.right)) } }
                            (differences(pair))
                        }
                    }
                    section {
                        h2 { "How to read this" }
                        p {
                            "A difference between recordings is not yet a difference between \
                             devices: what a device does depends on the time, the network and \
                             chance. Repeats of the same state show how far recordings differ by \
                             themselves. What one side does not show is called gone only where its \
                             recordings saw as much and lasted as long."
                        }
                    }
                }
                footer {
                    p {
                        "Made by " (comparison.tool.name) " " (comparison.tool.version)
                        ". This page loads nothing and contains no script."
                    }
                }
                aside.review aria-label="not reviewed" {
                    "Not reviewed: a program made this comparison, and no person has checked it."
                }
            }
        }
    }
    .into_string()
}

fn sides(comparison: &Comparison) -> Markup {
    html! {
        @for (at, side) in comparison.sides.iter().enumerate() {
            h3 { (at + 1) ". " bdi { (side.name) } }
            ul {
                @for run in side.runs.iter().take(ROWS) {
                    li {
                        bdi { (run.name) } ": " (format!("{:.1}", run.seconds)) " s, " (run.frames) " frames"
                        @if !run.complete { ", " strong { "partial" } }
                        @for hash in &run.sha256 {
                            br; small {
                                @match hash {
                                    Some(hash) => { "SHA-256 " code { (hash) } }
                                    None => "SHA-256 not computed",
                                }
                            }
                        }
                    }
                }
                @if side.runs.len() > ROWS { li { (side.runs.len() - ROWS) " more; all in --json" } }
            }
        }
    }
}

fn differences(pair: &Pair) -> Markup {
    let none = pair.new.is_empty() && pair.gone.is_empty() && pair.changed.is_empty();
    html! {
        @if none { p.headline { strong { "No difference." } } }
        (table("New", "Only in the second", &pair.new, &pair.new_withdrawn_because))
        (table("Gone", "Only in the first", &pair.gone, &pair.gone_withdrawn_because))
        (table("Changed", "", &pair.changed, &[]))
        ul {
            @if pair.smaller > 0 {
                li {
                    "Differ by no more than repeats do, or by less than " (FACTOR)
                    " times without repeats: " (pair.smaller) "."
                }
            }
            li { "The same in both: " (pair.same) "." }
            li { (pair.statistics) }
        }
    }
}

fn table(title: &str, weaker: &str, items: &[Item], withdrawn: &[String]) -> Markup {
    let title = if withdrawn.is_empty() { title } else { weaker };
    html! {
        @if !items.is_empty() {
            h3 { (title) " (" (items.len()) ")" }
            @if !withdrawn.is_empty() {
                div.limit {
                    p { strong { "This does not show that anything began or ended." } " The recordings differ in what they could show:" }
                    ul {
                        @for why in withdrawn.iter().take(ROWS) { li { bdi { (why) } } }
                        @if withdrawn.len() > ROWS { li { (withdrawn.len() - ROWS) " more; all in --json" } }
                    }
                }
            }
            div.scroll role="group" tabindex="0" aria-label=(title) {
                table.fits {
                    thead {
                        tr {
                            th scope="col" { "What" }
                            th scope="col" { "Kind" }
                            th scope="col" { "Device" }
                            th scope="col" { "First → second" }
                        }
                    }
                    tbody {
                        @for item in items.iter().take(ROWS) {
                            tr {
                                th scope="row" { bdi { (item.key.what) } }
                                td { (item.key.kind.name()) }
                                td { @if item.key.device.is_empty() { "the one device" } @else { code { bdi { (item.key.device) } } } }
                                td {
                                    @for (at, said) in words(item).iter().enumerate() {
                                        @if at > 0 { br; }
                                        (said.replace("->", "→"))
                                    }
                                }
                            }
                        }
                        @if items.len() > ROWS {
                            tr { td colspan="4" { (items.len() - ROWS) " more; all in --json" } }
                        }
                    }
                }
            }
        }
    }
}
