//! The first page: what was tested, what left, to whom and where, three sentences of judgement
//! with their limits, what was not seen, and how all of it could be wrong.

use super::destination::kind;
use super::picture::share;
use super::shares::contents;
use super::words::{
    amount, counted, country_name, destination_title, device_link, grouped, total, wire,
};
use super::{View, severities_of};
use crate::attribution::place::{Place, Tally, is_spread, place};
use crate::attribution::world::{Destination, Device, Zone};
use crate::base::text::{bytes, span};
use crate::finding::{self, Finding, Severity};
use crate::sink::html::{Heading, boxed, head};
use crate::sink::messages::{line, msg, say, text};
use crate::snapshot::Snapshot;
use maud::{Markup, html};

/// Destinations in the table of the first page.
const DESTINATIONS: usize = 6;
/// Devices named on the first page.
const DEVICES: usize = 8;
/// Inputs named on the first page.
const INPUTS: usize = 3;
/// Reasons that stand on the first page.
const REASONS: usize = 6;

pub fn section(view: &View<'_>) -> Markup {
    html! {
        section id="short" aria-labelledby="short-title" {
            h2 id="short-title" { (text("short.title")) }
            (headline(view))
            (tested(view))
            (whom(view))
            (judgement(view))
            (unseen(view))
            (wrong(view))
        }
    }
}

/// Devices under test: gateways forward what others send.
fn devices(snapshot: &Snapshot) -> Vec<&Device> {
    snapshot.devices.iter().filter(|device| device.role == "device").collect()
}

/// Payload with the internet, of all devices that are shown.
fn totals(snapshot: &Snapshot) -> [u64; 2] {
    let all = snapshot.destinations.iter().filter(|to| to.zone == Zone::Internet);
    all.fold([0, 0], |[sent, received], to| {
        let [more, back] = to.traffic.delivered_bytes;
        [sent + more, received + back]
    })
}

fn time(snapshot: &Snapshot) -> Option<[crate::base::time::Timestamp; 2]> {
    let first = snapshot.inputs.iter().filter_map(|input| input.first).min()?;
    let last = snapshot.inputs.iter().filter_map(|input| input.last).max()?;
    Some([first, last])
}

fn headline(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let [sent, received] = totals(snapshot);
    let all = devices(snapshot);
    let count = snapshot.destinations.iter().filter(|to| to.zone == Zone::Internet).count();
    let who = match all[..] {
        [only] => html! { (wire(&only.title())) },
        _ => html! { (counted(all.len() as u64, text("short.device"), text("short.devices"))) },
    };
    let how_long = time(snapshot).map_or("0 s".to_owned(), |[first, last]| span(last.since(first)));
    let values = [
        ("who", who),
        ("time", html! { (how_long) }),
        ("sent", html! { strong { (total(sent)) } }),
        ("received", html! { (total(received)) }),
        (
            "count",
            html! { (counted(count as u64, text("short.destination"), text("short.destinations"))) },
        ),
    ];
    html! {
        p.headline { (say("short.headline", &values)) }
        p { small { (text("short.payload")) } }
    }
}

fn tested(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let all = devices(snapshot);
    html! {
        h3 { (text("short.tested")) }
        ul {
            @for device in all.iter().take(DEVICES) {
                li {
                    (device_link(snapshot, &device.id))
                    @if device.title() != *device.id { ", " code { (wire(&device.id)) } }
                    @if let Some(maker) = &device.maker {
                        "; " (say(
                            if maker.by != "oui" { msg!("short.maker_dhcp") } else { msg!("short.maker_oui") },
                            &[("maker", wire(&maker.name))],
                        ))
                    }
                }
            }
            @if all.len() > DEVICES {
                li { (say("short.more_devices", &[("count", html! { (grouped((all.len() - DEVICES) as u64)) })])) }
            }
            @for input in snapshot.inputs.iter().take(INPUTS) {
                li {
                    (text("short.recording")) " " code { (wire(&input.path)) }
                    @if let (Some(first), Some(last)) = (input.first, input.last) {
                        ", " (say("short.recorded", &[("first", view.clock.moment(first)), ("last", view.clock.moment(last))]))
                    }
                }
            }
            @if snapshot.inputs.len() > INPUTS {
                li { (say("short.more_inputs", &[("count", html! { (snapshot.inputs.len() - INPUTS) })])) }
            }
            @let phases: Vec<&str> = snapshot.phases.iter().filter_map(|phase| phase.phase).collect();
            @if !phases.is_empty() {
                li { (say("short.phases", &[("phases", html! { (phases.join(", ")) })])) }
            }
            @for note in view.options.notes.iter().take(DEVICES) {
                li { (text("short.note")) " " (wire(note)) }
            }
        }
    }
}

fn whom(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let mut all: Vec<&Destination> =
        snapshot.destinations.iter().filter(|to| to.zone == Zone::Internet).collect();
    all.sort_by_key(|to| std::cmp::Reverse(to.traffic.delivered_bytes));
    if all.is_empty() {
        return html! { h3 { (text("short.whom")) } p { (text("short.nobody")) } };
    }
    let [sent, received] = totals(snapshot);
    let rest = all.iter().skip(DESTINATIONS).fold([0, 0], |[a, b]: [u64; 2], to| {
        [a + to.traffic.delivered_bytes[0], b + to.traffic.delivered_bytes[1]]
    });
    let table = html! {
        table.fits.cards role="table" {
            (head(&[
                Heading::Words(text("short.to")),
                Heading::Number(text("table.sent")),
                Heading::Number(text("table.received")),
                Heading::Words(text("short.operator")),
                Heading::Words(text("short.where")),
            ]))
            tbody role="rowgroup" {
                @for to in all.iter().take(DESTINATIONS) {
                    @let [out, back] = to.traffic.delivered_bytes;
                    tr role="row" {
                        th scope="row" role="rowheader" { (destination_title(to)) }
                        td.number role="cell" { (amount(out)) }
                        td.number role="cell" { (amount(back)) }
                        td role="cell" data-label=(text("short.operator")) { (operator(to)) }
                        td role="cell" data-label=(text("short.where")) { (places(to)) }
                    }
                }
                @if all.len() > DESTINATIONS {
                    tr role="row" {
                        th scope="row" role="rowheader" { (say("short.rest", &[("count", html! { (grouped((all.len() - DESTINATIONS) as u64)) })])) }
                        td.number role="cell" { (amount(rest[0])) }
                        td.number role="cell" { (amount(rest[1])) }
                        td colspan="2" role="cell" { a href="#sent" { (text("short.below")) } }
                    }
                }
                tr.sum role="row" {
                    th scope="row" role="rowheader" { (text("short.all")) }
                    td.number role="cell" { (amount(sent)) }
                    td.number role="cell" { (amount(received)) }
                    td colspan="2" role="cell" {}
                }
            }
        }
    };
    html! {
        h3 { (text("short.whom")) }
        (boxed(text("short.whom"), table))
        (where_to(snapshot, sent))
    }
}

/// The company, its law, and what it is to the device; or that nobody has established it.
fn operator(to: &Destination) -> Markup {
    let Some(claim) = to.claims.first() else { return html! { (text("short.no_operator")) } };
    html! {
        @match &claim.operator {
            Some(operator) => {
                (wire(&operator.legal_name))
                @match &operator.head_office {
                    _ if claim.fictional => { " " (text("short.made_up")) }
                    Some(law) => { ", " (say("short.law", &[("country", html! { (law) })])) }
                    None => { ", " (text("short.no_law")) }
                }
            }
            None => {
                (wire(&claim.name)) @if claim.fictional { " " (text("short.made_up")) }
                ", " (text("short.no_operator"))
            }
        }
        br; small { (kind(claim.kind)) }
    }
}

fn places(to: &Destination) -> Markup {
    const SHOWN: usize = 4;
    let spread = is_spread(to);
    let mut seen: Vec<(Place, u64)> = Vec::new();
    for remote in &to.remotes {
        let (place, sent) = (place(remote, spread), remote.traffic.delivered_bytes[0]);
        match seen.iter_mut().find(|(known, _)| *known == place) {
            Some((_, sum)) => *sum += sent,
            None => seen.push((place, sent)),
        }
    }
    // Where most went comes first.
    seen.sort_by_key(|(_, sent)| std::cmp::Reverse(*sent));
    html! {
        @if let [(only, _)] = &seen[..] {
            (whereabouts(only))
        } @else {
            ul {
                @for (place, _) in seen.iter().take(SHOWN) { li { (whereabouts(place)) } }
                @if seen.len() > SHOWN { li { "…" } }
            }
        }
    }
}

fn whereabouts(place: &Place) -> String {
    match place {
        Place::In(code) => country_name(code.as_str()),
        Place::Disputed(codes) => {
            let names: Vec<String> = codes.iter().map(|code| country_name(code.as_str())).collect();
            line("short.disputed", &[("countries", &names.join(text("short.or")))])
        }
        Place::Excluded(code) => {
            line("short.excluded", &[("country", &country_name(code.as_str()))])
        }
        Place::Anywhere(_) => text("short.anywhere").to_owned(),
        Place::Unknown => text("short.unknown").to_owned(),
    }
}

/// One sentence on countries, with what is not sure of it.
fn where_to(snapshot: &Snapshot, sent: u64) -> Markup {
    let tally = Tally::of(&snapshot.destinations);
    let countries: Vec<String> = tally
        .ranked()
        .iter()
        .take(4)
        .filter(|(_, [sent, ..])| *sent > 0)
        .map(|(code, [part, ..])| format!("{} {}", country_name(code), share(*part, sent)))
        .collect();
    let certain: u64 = tally.certain.values().map(|[part, ..]| part).sum();
    let unsure = sent.saturating_sub(certain);
    html! {
        @if sent > 0 {
            p {
                @if countries.is_empty() { (text("short.no_country")) }
                @else { (say("short.countries", &[("countries", html! { (countries.join(", ")) })])) }
                @if unsure > 0 && !countries.is_empty() {
                    " " (say("short.unsure", &[("share", html! { (share(unsure, sent)) })]))
                }
            }
        }
    }
}

/// Three sentences, each with what it does not say.
fn judgement(view: &View<'_>) -> Markup {
    html! {
        h3 { (text("short.judgement")) }
        ol.judgement {
            (recipients(view.snapshot))
            (readable(view))
            (findings(view))
        }
    }
}

fn sentence(says: Markup, limit: Markup) -> Markup {
    html! { li { (says) " " span.limits { (text("short.limit")) " " (limit) } } }
}

fn recipients(snapshot: &Snapshot) -> Markup {
    let [sent, _] = totals(snapshot);
    let all = snapshot.destinations.iter().filter(|to| to.zone == Zone::Internet);
    let most = all.max_by_key(|to| (to.traffic.delivered_bytes[0], std::cmp::Reverse(&to.id)));
    let limit = html! { (text("short.recipients_limit")) };
    match most.filter(|_| sent > 0) {
        None => sentence(
            html! { (text("short.nothing_left")) },
            html! { (text("short.nothing_left_limit")) },
        ),
        Some(to) => {
            let values = [
                ("share", html! { (share(to.traffic.delivered_bytes[0], sent)) }),
                ("to", destination_title(to)),
                ("operator", operator_in_words(to)),
            ];
            sentence(say("short.recipients", &values), limit)
        }
    }
}

fn operator_in_words(to: &Destination) -> Markup {
    let known = to.claims.iter().find_map(|claim| Some((claim, claim.operator.as_ref()?)));
    match known {
        None => html! { (text("short.operator_unknown")) },
        Some((claim, operator)) if claim.fictional => {
            say("short.operator_made_up", &[("name", wire(&operator.legal_name))])
        }
        Some((_, operator)) => match &operator.head_office {
            Some(law) => say(
                "short.operator_known",
                &[("name", wire(&operator.legal_name)), ("country", html! { (law) })],
            ),
            None => say("short.operator_no_office", &[("name", wire(&operator.legal_name))]),
        },
    }
}

fn readable(view: &View<'_>) -> Markup {
    let [clear, service, unknown, encrypted] = contents(view).map(|[sent, _]| sent);
    let sent = clear + service + unknown + encrypted;
    if sent == 0 {
        return sentence(
            html! { (text("short.none_readable")) },
            html! { (text("short.none_readable_limit")) },
        );
    }
    let values = [
        ("clear", html! { (share(clear, sent)) }),
        ("bytes", html! { (bytes(clear)) }),
        ("encrypted", html! { (share(encrypted, sent)) }),
        ("rest", html! { (share(unknown + service, sent)) }),
    ];
    sentence(say("short.readable", &values), html! { (text("short.readable_limit")) })
}

fn findings(view: &View<'_>) -> Markup {
    let all = &view.snapshot.findings;
    let Some(gravest) = all.first() else {
        let limit = if view.snapshot.coverage.complete {
            msg!("short.no_findings_limit")
        } else {
            msg!("short.partial_limit")
        };
        return sentence(html! { (text("short.no_findings")) }, html! { (text(limit)) });
    };
    let grave = all.iter().filter(|finding| finding.severity >= Severity::Medium).count();
    let values = [
        (
            "count",
            html! { a href="#findings" { (counted(all.len() as u64, text("short.finding"), text("short.findings"))) } },
        ),
        ("severities", html! { (severities_of(all.iter())) }),
        ("gravest", html! { a href="#finding-1" { "“" (gravest.title) "”" } }),
    ];
    let key = if grave > 0 { msg!("short.found_grave") } else { msg!("short.found") };
    sentence(say(key, &values), html! { (text(by_review(all, FOUND_LIMIT))) })
}

/// Messages for findings that nobody, somebody and a person for each has reviewed.
const FOUND_LIMIT: [&str; 3] =
    [msg!("short.found_limit"), msg!("short.found_limit_some"), msg!("short.found_limit_all")];
const WRONG_REVIEW: [&str; 3] =
    [msg!("short.wrong_review"), msg!("short.wrong_review_some"), msg!("short.wrong_review_all")];

fn by_review(findings: &[Finding], [nobody, some, all]: [&'static str; 3]) -> &'static str {
    match finding::open(findings) {
        open if open == findings.len() => nobody,
        0 => all,
        _ => some,
    }
}

/// What the recording and the rules could not see, the gravest first.
fn unseen(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let coverage = &snapshot.coverage;
    let refused: u64 = coverage.frames.refused.values().sum();
    let [.., encrypted] = contents(view);
    let one_sided: Vec<&Device> = devices(snapshot)
        .into_iter()
        .filter(|device| {
            !device.visibility.both_directions || device.visibility.acknowledged_unseen_flows > 0
        })
        .collect();
    html! {
        h3 { (text("short.unseen")) }
        ul {
            @for reason in coverage.incomplete_because.iter().take(REASONS) {
                li { strong { (text("short.partial")) } " " (wire(reason)) }
            }
            @if coverage.incomplete_because.len() > REASONS {
                li { (say("table.rest", &[("count", html! { (coverage.incomplete_because.len() - REASONS) })])) }
            }
            @if let Some([first, last]) = time(snapshot) {
                li { (say("short.only_then", &[("time", html! { (span(last.since(first))) })])) }
            }
            @if encrypted[0] + encrypted[1] > 0 {
                li { (say("short.encrypted", &[("bytes", html! { (bytes(encrypted[0] + encrypted[1])) })])) }
            }
            @if !one_sided.is_empty() {
                li { (say("short.one_sided", &[("count", html! { (counted(one_sided.len() as u64, text("short.device"), text("short.devices"))) })])) }
            }
            @if refused > 0 {
                li { (say("short.refused", &[("count", html! { (counted(refused, text("short.frame"), text("short.frames"))) })])) }
            }
            @if coverage.drops.declared.is_none() { li { (text("short.drops_unknown")) } }
            li { (text("short.other_ways")) }
        }
        p { a href="#unseen" { (text("short.unseen_more")) } }
    }
}

/// What would have to be otherwise for the page to be wrong.
fn wrong(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let tally = Tally::of(&snapshot.destinations);
    let inferred = snapshot.findings.iter().filter(|f| f.level.name() == "inferred").count();
    let not_excluded = open_questions(&snapshot.findings);
    let old = snapshot.coverage.databases.iter().filter_map(|d| d.days_older_than_capture).max();
    html! {
        h3 { (text("short.wrong")) }
        ul {
            li { (text(by_review(&snapshot.findings, WRONG_REVIEW))) }
            @if not_excluded > 0 {
                li { (say("short.wrong_alternatives", &[("count", html! { (not_excluded) })])) }
            }
            @if inferred > 0 {
                li { (say("short.wrong_inferred", &[("count", html! { (inferred) })])) }
            }
            @if tally.disputed[2] + tally.excluded[2] + tally.anywhere[2] > 0 {
                li { (say("short.wrong_places", &[("count", html! { (tally.disputed[2] + tally.excluded[2] + tally.anywhere[2]) })])) }
            }
            @if let Some(days) = old { li { (say("short.wrong_old", &[("days", html! { (days) })])) } }
            li { (text("short.wrong_device")) }
            li { (text("short.wrong_recording")) }
        }
    }
}

/// Findings with another explanation that is not excluded.
fn open_questions(findings: &[Finding]) -> usize {
    let open = |finding: &&Finding| {
        finding.alternatives.iter().any(|alternative| alternative.status != "excluded")
    };
    findings.iter().filter(open).count()
}

/// The strip that stands on every page: nothing here has been reviewed, or how much has.
pub fn review(view: &View<'_>) -> String {
    let findings = &view.snapshot.findings;
    let open = finding::open(findings);
    let count = findings.len() as u64;
    let all = counted(count, text("review.finding"), text("review.findings"));
    match (findings.len(), open) {
        (0, _) => text("review.none").to_owned(),
        (_, 0) => line("review.all", &[("count", &all)]),
        (count, open) if count == open => line("review.nobody", &[("count", &all)]),
        (_, open) => line("review.some", &[("count", &all), ("open", &grouped(open as u64))]),
    }
}
