//! The picture of who gets what: device, operator and law, network, place. As wide as the payload
//! that was sent, and with as much doubt as there is.

use super::View;
use super::picture::{WIDTH, figure, number, share};
use super::words::country_name;
use crate::attribution::place::{Place, is_spread, place};
use crate::attribution::world::{Contact, Destination, Host, Zone};
use crate::base::text::{bytes, shorten};
use crate::sink::html::{Heading, head};
use crate::sink::messages::{line, say, text};
use maud::{Markup, html};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Boxes of each column; the rest is one box that says how many it stands for.
const BOXES: [usize; 4] = [6, 9, 7, 7];
/// Height that all payload together has.
const TALL: f64 = 300.0;
/// Least height of a box: three lines of text.
const BOX: f64 = 54.0;
const GAP: f64 = 10.0;
const HEAD: f64 = 30.0;
const BAR: f64 = 10.0;

/// What a box says: a name, and what limits it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Label {
    name: String,
    note: String,
    doubt: bool,
}

impl Label {
    fn new(name: impl Into<String>, note: impl Into<String>, doubt: bool) -> Label {
        Label { name: name.into(), note: note.into(), doubt }
    }
}

struct Chain {
    labels: [Label; 4],
    sent: u64,
}

/// One column: its boxes with what goes through each, most first.
struct Column {
    boxes: Vec<(Label, u64)>,
    tops: Vec<f64>,
    height: f64,
}

pub fn picture(view: &View<'_>) -> Markup {
    let chains = chains(view);
    let total: u64 = chains.iter().map(|chain| chain.sent).sum();
    let title = text("gets.title");
    if total == 0 {
        return html! { figure.picture id="gets" { figcaption { (title) } p { (text("gets.nothing")) } } };
    }
    let scale = TALL / total as f64;
    let (columns, places) = columns(&chains, scale);
    let height = HEAD + columns.iter().map(|column| column.height).fold(0.0, f64::max) + 4.0;
    let mut ribbons = html! {};
    for at in 0..3 {
        ribbons = html! { (ribbons) (between(&columns, &places, &chains, at, scale)) };
    }
    let heads =
        [text("gets.device"), text("gets.operator"), text("gets.network"), text("gets.place")];
    let inner = html! {
        @for (at, head) in heads.iter().enumerate() {
            text.head x=(number(left(at))) y="18" { (head) }
        }
        (ribbons)
        @for (at, column) in columns.iter().enumerate() { (boxes(column, at, scale)) }
    };
    let (first, sent) = &columns[1].boxes[0];
    let alternative = line(
        "gets.alternative",
        &[
            ("sent", &bytes(total)),
            ("name", &first.name),
            ("note", &first.note),
            ("part", &bytes(*sent)),
            ("share", &share(*sent, total)),
        ],
    );
    figure("gets", title, &alternative, height, inner, below(&chains, total))
}

fn left(column: usize) -> f64 {
    column as f64 * (WIDTH + 22.0) / 4.0
}

fn chains(view: &View<'_>) -> Vec<Chain> {
    let snapshot = view.snapshot;
    let mut sums: BTreeMap<[Label; 4], u64> = BTreeMap::new();
    for contact in snapshot.contacts.iter().filter(|contact| contact.zone == Zone::Internet) {
        let destination = &snapshot.destinations[contact.destination_index];
        for host in &contact.hosts {
            let sent = host.traffic.delivered_bytes[0];
            if sent > 0 {
                *sums.entry(labels(view, contact, host, destination)).or_default() += sent;
            }
        }
    }
    let mut chains: Vec<Chain> =
        sums.into_iter().map(|(labels, sent)| Chain { labels, sent }).collect();
    chains.sort_by_key(|chain| Reverse(chain.sent));
    chains
}

fn labels(view: &View<'_>, contact: &Contact, host: &Host, to: &Destination) -> [Label; 4] {
    let device = &view.snapshot.devices[contact.device_index];
    let title = device.title();
    let id = device.id.split_once(':').map_or(&*device.id, |(_, address)| address);
    let id = if title == *device.id { String::new() } else { id.to_owned() };
    [Label::new(title, id, false), operator(host, to), network(host, to), whereabouts(host, to)]
}

/// Who operates it and under which law; without that the name it goes by, and that nobody knows.
fn operator(host: &Host, to: &Destination) -> Label {
    let claim = host.claim.and_then(|at| to.claims.get(at));
    let made_up =
        if claim.is_some_and(|claim| claim.fictional) { text("gets.made_up") } else { "" };
    let Some((claim, operator)) = claim.and_then(|c| Some((c, c.operator.as_ref()?))) else {
        let name = claim.map_or_else(|| to.id.to_string(), |c| format!("{}{made_up}", c.name));
        let name = name.strip_prefix("net:").unwrap_or(&name).to_owned();
        return Label::new(name, text("gets.not_established"), true);
    };
    let note = match &operator.head_office {
        _ if claim.fictional => text("gets.no_law").to_owned(),
        Some(law) => line("gets.law", &[("country", law)]),
        None => text("gets.law_unknown").to_owned(),
    };
    let doubt = operator.head_office.is_none() || claim.level.name() == "inferred";
    Label::new(format!("{}{made_up}", operator.legal_name), note, doubt)
}

fn network(host: &Host, to: &Destination) -> Label {
    let mut all: Vec<(u64, &str)> = Vec::new();
    let mut unknown = false;
    for remote in to.remotes.iter().filter(|remote| host.is_at(remote.address)) {
        unknown |= remote.networks.is_empty();
        for asn in &remote.networks {
            if !all.iter().any(|(number, _)| *number == asn.number) {
                all.push((asn.number, &asn.organisation));
            }
        }
    }
    match (&all[..], unknown) {
        ([], _) => Label::new(text("gets.network_unknown"), "", true),
        ([(number, holder)], false) => Label::new(*holder, format!("AS{number}"), false),
        ([(number, holder)], true) => {
            let note = line("gets.some_unknown", &[("number", &number.to_string())]);
            Label::new(*holder, note, true)
        }
        (all, _) => {
            let numbers: Vec<String> =
                all.iter().take(3).map(|(number, _)| format!("AS{number}")).collect();
            let more = if all.len() > 3 { ", …" } else { "" };
            Label::new(text("gets.networks"), numbers.join(", ") + more, true)
        }
    }
}

fn whereabouts(host: &Host, to: &Destination) -> Label {
    let spread = is_spread(to);
    let mut all: Vec<Place> = Vec::new();
    for remote in to.remotes.iter().filter(|remote| host.is_at(remote.address)) {
        let place = place(remote, spread);
        if !all.contains(&place) {
            all.push(place);
        }
    }
    match &all[..] {
        [] => place_label(&Place::Unknown),
        [one] => place_label(one),
        several => {
            let short: Vec<String> = several.iter().take(4).map(Place::short).collect();
            let more = if several.len() > 4 { ", …" } else { "" };
            Label::new(short.join(", ") + more, text("gets.several_addresses"), true)
        }
    }
}

fn place_label(place: &Place) -> Label {
    let name = place.short();
    match place {
        Place::In(code) => {
            Label::new(country_name(code.as_str()), text("gets.databases_agree"), false)
        }
        Place::Disputed(_) => Label::new(name, text("gets.databases_disagree"), true),
        Place::Excluded(code) => {
            let name = line("gets.not_there", &[("country", &country_name(code.as_str()))]);
            Label::new(name, text("gets.too_fast"), true)
        }
        Place::Anywhere(_) => {
            Label::new(name.trim_end_matches('*'), text("gets.many_places"), true)
        }
        Place::Unknown => Label::new(text("gets.place_unknown"), text("gets.no_database"), true),
    }
}

/// The columns, and for every chain its box in each.
fn columns(chains: &[Chain], scale: f64) -> (Vec<Column>, Vec<[usize; 4]>) {
    let mut places = vec![[0; 4]; chains.len()];
    let columns = (0..4).map(|at| {
        let mut sums: BTreeMap<&Label, u64> = BTreeMap::new();
        for chain in chains {
            *sums.entry(&chain.labels[at]).or_default() += chain.sent;
        }
        let mut ranked: Vec<(&Label, u64)> = sums.into_iter().collect();
        ranked.sort_by_key(|(_, sent)| Reverse(*sent));
        let position: BTreeMap<&Label, usize> =
            ranked.iter().enumerate().map(|(index, (label, _))| (*label, index)).collect();
        let shown = if ranked.len() > BOXES[at] { BOXES[at] - 1 } else { ranked.len() };
        for (place, chain) in places.iter_mut().zip(chains) {
            place[at] = position[&chain.labels[at]].min(shown);
        }
        let mut boxes: Vec<(Label, u64)> =
            ranked.iter().take(shown).map(|(label, sent)| ((*label).clone(), *sent)).collect();
        if ranked.len() > shown {
            let count = (ranked.len() - shown).to_string();
            let rest =
                Label::new(line("gets.rest", &[("count", &count)]), text("gets.in_table"), false);
            boxes.push((rest, ranked[shown..].iter().map(|(_, sent)| sent).sum()));
        }
        let mut top = 0.0;
        let tops = boxes
            .iter()
            .map(|(_, sent)| {
                let at = top;
                top += (*sent as f64 * scale).max(BOX) + GAP;
                at
            })
            .collect();
        Column { boxes, tops, height: top - GAP }
    });
    (columns.collect(), places)
}

fn boxes(column: &Column, at: usize, scale: f64) -> Markup {
    html! {
        @for ((label, sent), top) in column.boxes.iter().zip(&column.tops) {
            @let (x, y) = (left(at), HEAD + top);
            rect class={ "bar" @if label.doubt { " doubt" } }
                x=(number(x)) y=(number(y)) width=(number(BAR)) height=(number((*sent as f64 * scale).max(2.0))) {}
            text x=(number(x + BAR + 6.0)) y=(number(y + 13.0)) { (shorten(&label.name, 30)) title { (label.name) } }
            @if !label.note.is_empty() {
                text.note x=(number(x + BAR + 6.0)) y=(number(y + 29.0)) { (shorten(&label.note, 33)) title { (label.note) } }
            }
            text.note x=(number(x + BAR + 6.0))
                y=(number(y + if label.note.is_empty() { 29.0 } else { 44.0 })) { (bytes(*sent)) }
        }
    }
}

fn between(
    columns: &[Column],
    places: &[[usize; 4]],
    chains: &[Chain],
    at: usize,
    scale: f64,
) -> Markup {
    let mut sums: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for (place, chain) in places.iter().zip(chains) {
        *sums.entry((place[at], place[at + 1])).or_default() += chain.sent;
    }
    let (from, to) = (&columns[at], &columns[at + 1]);
    let mut used = [vec![0.0; from.boxes.len()], vec![0.0; to.boxes.len()]];
    let (x, end) = (left(at) + BAR, left(at + 1));
    let middle = (x + end) / 2.0;
    html! {
        @for ((a, b), sent) in sums {
            @let thick = sent as f64 * scale;
            @let (y, z) = (HEAD + from.tops[a] + used[0][a], HEAD + to.tops[b] + used[1][b]);
            @let () = { used[0][a] += thick; used[1][b] += thick; };
            @let drawn = thick.max(1.0);
            path class={ "ribbon" @if to.boxes[b].0.doubt { " doubt" } }
                d={ "M" (number(x)) " " (number(y)) "C" (number(middle)) " " (number(y)) " "
                    (number(middle)) " " (number(z)) " " (number(end)) " " (number(z))
                    "v" (number(drawn)) "C" (number(middle)) " " (number(z + drawn)) " "
                    (number(middle)) " " (number(y + drawn)) " " (number(x)) " " (number(y + drawn)) "z" } {}
        }
    }
}

/// Chains that the table shows.
const CHAINS_MAX: usize = 20;

/// The same as a table, for those who cannot see the picture, and for exact names.
fn below(chains: &[Chain], total: u64) -> Markup {
    let rest: u64 = chains.iter().skip(CHAINS_MAX).map(|chain| chain.sent).sum();
    html! {
        p.aside { (text("gets.doubt")) }
        details {
            summary { (text("gets.table")) }
            div.scroll role="group" tabindex="0" aria-label=(text("gets.table")) {
                table.small {
                    (head(&[
                        Heading::Words(text("gets.device")),
                        Heading::Words(text("gets.operator")),
                        Heading::Words(text("gets.network")),
                        Heading::Words(text("gets.place")),
                        Heading::Number(text("table.sent")),
                    ]))
                    tbody {
                        @for chain in chains.iter().take(CHAINS_MAX) {
                            tr {
                                @for label in &chain.labels {
                                    td { bdi { (label.name) } @if !label.note.is_empty() { br; small { (label.note) } } }
                                }
                                td.number { (bytes(chain.sent)) ", " (share(chain.sent, total)) }
                            }
                        }
                        @if chains.len() > CHAINS_MAX {
                            tr {
                                td colspan="4" { (say("table.rest", &[("count", html! { (chains.len() - CHAINS_MAX) })])) }
                                td.number { (bytes(rest)) ", " (share(rest, total)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
