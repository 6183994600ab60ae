//! The world, where somebody asks for it. A dot stands for a country, not for where a server is;
//! an arc is drawn only where nothing speaks against the place.

use super::View;
use super::picture::{figure, number};
use crate::attribution::country::{self, Country};
use crate::attribution::place::Tally;
use crate::base::text::bytes;
use crate::sink::html::{Heading, boxed, head};
use crate::sink::messages::{line, say, text};
use maud::{Markup, html};
use std::fmt::Write;

/// Outline of the land in half degrees, 85 degrees north to 60 south: `tools/data/build_coast.py`.
const COAST: &str = include_str!("coast.path");
/// Half degrees to the units of a picture.
const SCALE: f64 = 960.0 / 720.0;
/// Countries drawn; all are in the table.
const DRAWN: usize = 40;
/// Countries in the table.
const ROWS: usize = 60;

fn at(longitude: f64, latitude: f64) -> [f64; 2] {
    [(longitude + 180.0) * 2.0 * SCALE, (85.0 - latitude.clamp(-60.0, 85.0)) * 2.0 * SCALE]
}

pub fn picture(view: &View<'_>) -> Markup {
    let tally = Tally::of(&view.snapshot.destinations);
    let ranked = tally.ranked();
    let here = view.options.here.as_deref().and_then(country::find);
    let most = ranked.iter().map(|(_, [sent, ..])| *sent).max().unwrap_or(0).max(1) as f64;
    let drawn: Vec<(&Country, u64)> = ranked
        .iter()
        .filter_map(|(code, [sent, ..])| Some((country::find(code)?, *sent)))
        .take(DRAWN)
        .collect();
    let inner = html! {
        g transform={ "scale(" (format!("{SCALE:.4}")) ")" } { path.land d=(COAST.trim()) {} }
        @if let Some(here) = here {
            @for (to, _) in &drawn { path.arc d=(arc(here, to)) {} }
        }
        @for (to, sent) in drawn.iter().rev() {
            @let [x, y] = at(to.longitude, to.latitude);
            circle.dot cx=(number(x)) cy=(number(y)) r=(number(3.0 + 9.0 * (*sent as f64 / most).sqrt())) {}
        }
        @for (to, sent) in labelled(&drawn) {
            @let [x, y] = at(to.longitude, to.latitude);
            text.label x=(number(x + 14.0)) y=(number(y + 4.0)) { (to.code) " " (bytes(sent)) }
        }
        @if let Some(here) = here {
            @let [x, y] = at(here.longitude, here.latitude);
            path.here d={ "M" (number(x)) " " (number(y - 8.0)) "l8 8-8 8-8-8z" } {}
            text.label x=(number(x + 11.0)) y=(number(y - 12.0)) { (line("map.here", &[("code", here.code)])) }
        }
    };
    let names: Vec<String> =
        drawn.iter().take(5).map(|(to, sent)| format!("{} ({})", to.name, bytes(*sent))).collect();
    let alternative = if names.is_empty() {
        text("map.nothing").to_owned()
    } else {
        line("map.alternative", &[("countries", &names.join(", "))])
    };
    figure("map", text("map.title"), &alternative, 290.0 * SCALE, inner, below(&tally, here))
}

/// A great circle, broken where it leaves the map at one side and comes back at the other.
fn arc(from: &Country, to: &Country) -> String {
    let mut path = String::new();
    let mut before: Option<f64> = None;
    for (longitude, latitude) in country::arc(from, to).into_iter().step_by(4) {
        let [x, y] = at(longitude, latitude);
        let jump = before.is_none_or(|before| (x - before).abs() > 480.0);
        let _ = write!(path, "{}{} {}", if jump { 'M' } else { 'L' }, number(x), number(y));
        before = Some(x);
    }
    path
}

/// Those whose label lies on no other's; most sent first. The table has all.
fn labelled<'c>(drawn: &[(&'c Country, u64)]) -> Vec<(&'c Country, u64)> {
    let mut placed: Vec<[f64; 2]> = Vec::new();
    let free = |&(to, _): &(&Country, u64)| {
        let [x, y] = at(to.longitude, to.latitude);
        let is_free = placed.iter().all(|[a, b]| (x - a).abs() > 80.0 || (y - b).abs() > 14.0);
        if is_free {
            placed.push([x, y]);
        }
        is_free
    };
    drawn.iter().copied().filter(free).collect()
}

fn below(tally: &Tally, here: Option<&Country>) -> Markup {
    let ranked = tally.ranked();
    let not_drawn = [
        (text("map.disputed"), tally.disputed),
        (text("map.anywhere"), tally.anywhere),
        (text("map.excluded"), tally.excluded),
        (text("map.unknown"), tally.unknown),
    ];
    let row = |name: Markup, [sent, received, addresses]: [u64; 3]| {
        html! {
            tr {
                th scope="row" { (name) }
                td.number { (bytes(sent)) }
                td.number { (bytes(received)) }
                td.number { (addresses) }
            }
        }
    };
    let table = html! {
        table.small {
            (head(&[
                Heading::Words(text("map.country")),
                Heading::Number(text("table.sent")),
                Heading::Number(text("table.received")),
                Heading::Number(text("map.addresses")),
            ]))
            tbody {
                @for (code, counts) in ranked.iter().take(ROWS) {
                    @let name = country::find(code).map_or("", |country| country.name);
                    (row(html! { (code) " " (name) }, *counts))
                }
                @if ranked.len() > ROWS {
                    @let sum = ranked[ROWS..].iter().fold([0; 3], |sum: [u64; 3], (_, more)| [sum[0] + more[0], sum[1] + more[1], sum[2] + more[2]]);
                    (row(say("table.rest", &[("count", html! { (ranked.len() - ROWS) })]), sum))
                }
                @for (name, counts) in not_drawn {
                    @if counts[2] > 0 { (row(html! { (text("map.not_drawn")) " " (name) }, counts)) }
                }
            }
        }
    };
    html! {
        p.aside {
            (text("map.dots")) " "
            @if here.is_none() { (text("map.no_here")) }
        }
        (boxed(text("map.country"), table))
        p { small { (text("map.source")) } }
    }
}
