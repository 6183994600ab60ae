//! A comparison as one self-contained HTML page: no script, nothing loaded.

use super::terminal::{Titles, lists, recordings, rest, sums, words};
use super::{Comparison, Item, Pair, Profile, Side};
use crate::sink::html::{Heading, boxed, document, head, on_every_page};
use crate::sink::messages::{line, say, text};
use maud::{Markup, html};

/// Rows of one table; the rest is counted and in the JSON.
const ROWS: usize = 500;

/// The page.
#[must_use]
pub fn page(comparison: &Comparison) -> String {
    let name = |at: usize| html! { bdi { (comparison.sides[at].name) } };
    let tool = html! { (comparison.tool.name) " " (comparison.tool.version) };
    let unreviewed = text("compare.unreviewed");
    let body = html! {
        header { h1 { (text("compare.title")) } }
        main {
            section {
                h2 { (text("compare.compared")) }
                @for (at, side) in comparison.sides.iter().enumerate() { (about(side, at)) }
                p { (line("compare.amounts", &[("amounts", comparison.amounts)])) }
            }
            @for pair in &comparison.pairs {
                section {
                    h2 { (say("compare.against", &[("left", name(pair.left)), ("right", name(pair.right))])) }
                    (differences(pair))
                }
            }
            section {
                h2 { (text("compare.read")) }
                p { (text("compare.reading")) }
            }
        }
        footer { p { (say("compare.made_by", &[("tool", tool)])) } }
        aside.review aria-label=(text("compare.badge")) { (unreviewed) }
    };
    let title = html! { (text("compare.page")) };
    document(&title, &on_every_page(unreviewed), false, &body)
}

fn about(side: &Side, at: usize) -> Markup {
    let values = [
        ("place", html! { (at + 1) }),
        ("name", html! { bdi { (side.name) } }),
        ("count", html! { (recordings(side.runs.len())) }),
    ];
    html! {
        h3 { (say("compare.side", &values)) }
        ul {
            @for run in side.runs.iter().take(ROWS) { li { (recording(run)) } }
            @if side.runs.len() > ROWS { li { (rest(side.runs.len(), ROWS)) } }
        }
    }
}

fn recording(run: &Profile) -> Markup {
    let values = [
        ("name", html! { bdi { (run.name) } }),
        ("seconds", html! { (format!("{:.1}", run.seconds)) }),
        ("frames", html! { (run.frames) }),
    ];
    let devices = html! { bdi { (run.devices.join(", ")) } };
    html! {
        (say("compare.run", &values))
        @if !run.complete { ", " strong { (text("compare.partial")) } }
        @if !run.devices.is_empty() { br; (say("compare.devices", &[("devices", devices)])) }
        @for hash in &run.sha256 {
            br; small {
                @match hash {
                    Some(hash) => { (say("compare.hash", &[("hash", html! { code { (hash) } })])) }
                    None => { (text("compare.no_hash")) }
                }
            }
        }
    }
}

fn differences(pair: &Pair) -> Markup {
    html! {
        @if pair.is_empty() { p.headline { strong { (text("compare.none")) } } }
        @for (titles, items, withdrawn) in lists(pair) { (table(titles, items, withdrawn)) }
        ul { @for said in sums(pair) { li { (said) } } }
    }
}

fn table([plain, weaker, _]: Titles, items: &[Item], withdrawn: &[String]) -> Markup {
    let title = if withdrawn.is_empty() { text(plain) } else { text(weaker) };
    let count = items.len().to_string();
    html! {
        @if !items.is_empty() {
            h3 { (line("compare.counted", &[("title", title), ("count", &count)])) }
            @if !withdrawn.is_empty() {
                div.limit {
                    p { strong { (text("compare.no_claim")) } " " (text("compare.no_claim_why")) }
                    ul {
                        @for why in withdrawn.iter().take(ROWS) { li { bdi { (why) } } }
                        @if withdrawn.len() > ROWS { li { (rest(withdrawn.len(), ROWS)) } }
                    }
                }
            }
            (boxed(title, html! {
                table.fits.cards.two role="table" {
                    (head(&[
                        Heading::Words(text("compare.what")),
                        Heading::Words(text("compare.kind")),
                        Heading::Words(text("compare.column_device")),
                        Heading::Words(text("compare.values")),
                    ]))
                    tbody role="rowgroup" {
                        @for item in items.iter().take(ROWS) { (row(item)) }
                        @if items.len() > ROWS { tr role="row" { td colspan="4" role="cell" { (rest(items.len(), ROWS)) } } }
                    }
                }
            }))
        }
    }
}

fn row(item: &Item) -> Markup {
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { bdi { (item.key.what) } }
            td role="cell" { (item.key.kind.name()) }
            td role="cell" data-label=(text("compare.column_device")) {
                @if item.key.device.is_empty() { (text("compare.one_device")) }
                @else { code { bdi { (item.key.device) } } }
            }
            td role="cell" data-label=(text("compare.values")) {
                @for (at, said) in words(item).iter().enumerate() {
                    @if at > 0 { br; }
                    (said)
                }
            }
        }
    }
}
