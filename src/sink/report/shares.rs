//! Two bars: how much could be read on the way, and which protocols carried it.

use super::View;
use super::destination::service_name;
use super::picture::{WIDTH, figure, number, share};
use super::words::amount;
use crate::attribution::world::{Service, Zone};
use crate::base::text::{bytes, shorten};
use crate::sink::html::boxed;
use crate::sink::messages::{line, msg, say, text};
use maud::{Markup, html};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Protocols that the picture names.
const PROTOCOLS: usize = 8;

/// Content in the order of the bar: its word in the data, its word for people, its fill.
pub const CONTENTS: [(&str, &str, &str); 4] = [
    ("clear", msg!("shares.clear"), "solid"),
    ("service", msg!("shares.service"), "dots"),
    ("unknown", msg!("shares.unknown"), "hatch"),
    ("encrypted", msg!("shares.encrypted"), "plain"),
];

/// Payload with the internet, sent and received, by what can be read of it.
pub fn contents(view: &View<'_>) -> [[u64; 2]; 4] {
    let mut sums = [[0; 2]; 4];
    for service in internet(view) {
        if let Some(at) = CONTENTS.iter().position(|(word, ..)| *word == service.content) {
            (0..2).for_each(|way| sums[at][way] += service.traffic.delivered_bytes[way]);
        }
    }
    sums
}

fn internet<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Service> {
    let contacts = view.snapshot.contacts.iter();
    contacts
        .filter(|contact| contact.zone == Zone::Internet)
        .flat_map(|contact| contact.services.iter())
}

pub fn readable(view: &View<'_>) -> Markup {
    let sums = contents(view);
    let totals = [0, 1].map(|way| sums.iter().map(|sum| sum[way]).sum::<u64>());
    let title = text("shares.readable");
    if totals == [0, 0] {
        return html! { figure.picture id="readable" { figcaption { (title) } p { (text("shares.nothing")) } } };
    }
    let ways = [text("table.sent"), text("table.received")];
    let inner = html! {
        @for (way, total) in totals.iter().enumerate() {
            @let y = 24.0 + way as f64 * 70.0;
            text x="0" y=(number(y)) { (ways[way]) ", " (bytes(*total)) }
            (bar(&sums.map(|sum| sum[way]), *total, y + 8.0))
        }
    };
    let said = |at: usize| share(sums[at][0], totals[0]);
    let alternative = line(
        "shares.alternative",
        &[
            ("clear", &said(0)),
            ("service", &said(1)),
            ("unknown", &said(2)),
            ("encrypted", &said(3)),
        ],
    );
    let table = html! {
        table.small {
            thead {
                tr {
                    th scope="col" { (text("shares.content")) }
                    th.number scope="col" { (ways[0]) }
                    th.number scope="col" { (ways[1]) }
                }
            }
            tbody {
                @for ((_, key, fill), sum) in CONTENTS.iter().zip(sums) {
                    tr {
                        th scope="row" { (key_box(fill)) " " (text(key)) }
                        @for way in 0..2 {
                            td.number { (amount(sum[way])) ", " (share(sum[way], totals[way])) }
                        }
                    }
                }
            }
        }
    };
    figure("readable", title, &alternative, 150.0, inner, boxed(text("shares.content"), table))
}

fn bar(parts: &[u64], total: u64, y: f64) -> Markup {
    let mut x = 0.0;
    html! {
        rect.frame x="0.5" y=(number(y)) width=(number(WIDTH - 1.0)) height="26" {}
        @for (part, (_, _, fill)) in parts.iter().zip(CONTENTS) {
            @let width = if total == 0 { 0.0 } else { *part as f64 / total as f64 * WIDTH };
            @if width > 0.0 {
                rect class={ "part " (fill) } x=(number(x)) y=(number(y)) width=(number(width.max(1.0))) height="26" {}
            }
            @let () = x += width;
        }
    }
}

/// The fill as a small square, before the word that it stands for.
fn key_box(fill: &str) -> Markup {
    html! {
        svg.key viewBox="0 0 16 16" aria-hidden="true" { rect class={ "part " (fill) } x="1" y="1" width="14" height="14" {} }
    }
}

pub fn protocols(view: &View<'_>) -> Markup {
    let mut sums: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    for service in internet(view) {
        let sum = sums.entry(service_name(service)).or_default();
        (0..2).for_each(|way| sum[way] += service.traffic.delivered_bytes[way]);
    }
    let mut ranked: Vec<(String, [u64; 2])> =
        sums.into_iter().filter(|(_, [sent, received])| sent + received > 0).collect();
    ranked.sort_by_key(|(_, [sent, received])| Reverse(sent + received));
    let title = text("shares.protocols");
    let Some((most, _)) = ranked.first() else { return html! {} };
    let all: u64 = ranked.iter().map(|(_, [sent, received])| sent + received).sum();
    let largest = ranked[0].1.iter().sum::<u64>().max(1);
    let alternative = line(
        "shares.protocols_alternative",
        &[("count", &ranked.len().to_string()), ("most", most), ("share", &share(largest, all))],
    );
    let shown = ranked.len().min(PROTOCOLS);
    let mut rest = [0; 2];
    ranked[shown..].iter().for_each(|(_, more)| (0..2).for_each(|way| rest[way] += more[way]));
    let mut rows = ranked[..shown].to_vec();
    if ranked.len() > shown {
        let count = (ranked.len() - shown).to_string();
        rows.push((line("table.rest", &[("count", &count)]), rest));
    }
    let inner = html! {
        @for (at, (name, [sent, received])) in rows.iter().enumerate() {
            @let y = at as f64 * 34.0 + 8.0;
            @let unit = 430.0 / largest.max(rest[0] + rest[1]) as f64;
            @let (out, back) = (*sent as f64 * unit, *received as f64 * unit);
            text x="0" y=(number(y + 15.0)) { (shorten(name, 42)) title { (name) } }
            rect class="part solid" x="300" y=(number(y)) width=(number(out)) height="20" {}
            rect class="part plain" x=(number(300.0 + out)) y=(number(y)) width=(number(back)) height="20" {}
            text.note x=(number(308.0 + out + back)) y=(number(y + 15.0)) {
                (line("shares.two_ways", &[("sent", &bytes(*sent)), ("received", &bytes(*received))]))
            }
        }
    };
    let below = html! {
        p.aside {
            (say("shares.key", &[("solid", key_box("solid")), ("plain", key_box("plain"))]))
        }
    };
    figure("protocols", title, &alternative, rows.len() as f64 * 34.0 + 10.0, inner, below)
}
