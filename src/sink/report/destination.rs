//! The table of a device's internet destinations: names, owners, amounts, networks, places.

use super::View;
use super::words::{amount, counted, destination_title, frames, grouped, wire};
use crate::attribution::geo::CountryCode;
use crate::attribution::signature::Kind;
use crate::attribution::world::{
    Claim, Contact, Destination, Device, Host, Level, NameSeen, Party, Remote, Service, Traffic,
};
use crate::base::frame::Spelling;
use crate::sink::html::{Heading, boxed, head};
use crate::sink::messages::{line, say, text};
use maud::{Markup, html};

/// Names of one destination shown.
const HOSTS_MAX: usize = 20;
/// Groups of addresses of one name shown.
const GROUPS_MAX: usize = 8;
/// Services of one name shown.
const SERVICES_MAX: usize = 8;
/// Addresses of one group shown.
const ADDRESSES_MAX: usize = 4;

pub fn table(view: &View<'_>, device: &Device, contacts: &[&Contact]) -> Markup {
    let snapshot = view.snapshot;
    let room = view.room();
    // The bound is on rows, and every destination has one for itself and one for each name.
    let mut rows = 0;
    let shown = contacts
        .iter()
        .take_while(|contact| {
            rows += 1 + contact.hosts.len().min(HOSTS_MAX);
            rows <= room
        })
        .count()
        .max(1);
    view.took(rows.min(room));
    let mut rest = Traffic::default();
    contacts.iter().skip(shown).for_each(|contact| rest.add(&contact.traffic));
    let table = html! {
        table.wide {
            caption {
                span { (say("destination.internet_destinations_most_bytes_first", &[("title", html! { (wire(&device.title())) })])) }
            }
            (head(&[
                Heading::Words(text("destination.destination_names_goes")),
                Heading::Number(text("destination.sent")),
                Heading::Number(text("destination.received")),
                Heading::Words(text("destination.whose_service")),
                Heading::Words(text("destination.readable_on_way")),
                Heading::Words(text("destination.address_whose_network")),
                Heading::Words(text("destination.where_databases_place")),
            ]))
            @for contact in contacts.iter().take(shown) {
                (rows_of(view, contact, &snapshot.destinations[contact.destination_index]))
            }
            @if contacts.len() > shown { (rest_row(contacts.len() - shown, 1, &rest, 4)) }
        }
    };
    boxed(text("destination.label"), table)
}

/// The sum of the rows that a table does not show.
pub fn rest_row(count: usize, before: usize, sum: &Traffic, behind: usize) -> Markup {
    let [sent, received] = sum.delivered_bytes;
    html! {
        tbody {
            tr {
                th scope="row" colspan=(before) { (say("destination.more_all_json", &[("count", html! { (grouped(count as u64)) })])) }
                td.number { (amount(sent)) }
                td.number { (amount(received)) }
                td colspan=(behind) {}
            }
        }
    }
}

fn rows_of(view: &View<'_>, contact: &Contact, destination: &Destination) -> Markup {
    let spelling = view.snapshot.spelling();
    let rest = contact.hosts.get(HOSTS_MAX..).unwrap_or_default();
    html! {
        tbody {
            (sum_row(view, contact, destination))
            @for host in contact.hosts.iter().take(HOSTS_MAX) { (host_rows(host, destination, spelling)) }
            @if !rest.is_empty() {
                @let mut sum = Traffic::default();
                @let () = rest.iter().for_each(|host| sum.add(&host.traffic));
                tr {
                    th.inner scope="row" { (say("destination.more_names_all_json", &[("rest", html! { (rest.len()) })])) }
                    td.number { (amount(sum.delivered_bytes[0])) }
                    td.number { (amount(sum.delivered_bytes[1])) }
                    td colspan="4" {}
                }
            }
        }
    }
}

fn sum_row(view: &View<'_>, contact: &Contact, destination: &Destination) -> Markup {
    let way = |way: usize| {
        html! {
            strong { (amount(contact.traffic.delivered_bytes[way])) }
            @if contact.missed_bytes[way] > 0 {
                br; small { (say("destination.not_captured", &[("bytes", html! { (amount(contact.missed_bytes[way])) })])) }
            }
        }
    };
    html! {
        tr.sum {
            th scope="rowgroup" { strong { (destination_title(destination)) } }
            td.number { (way(0)) }
            td.number { (way(1)) }
            td { (owners(contact, destination)) }
            td colspan="3" { (say("destination.first_seen_last_utc", &[("first", html! { (view.clock.moment(contact.first)) }), ("last", html! { (view.clock.moment(contact.last)) })])) }
        }
    }
}

/// Addresses that databases say the same of.
type Group<'a> = Vec<&'a Remote>;

fn groups<'a>(host: &Host, destination: &'a Destination) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let remotes = destination.remotes.iter();
    for remote in remotes.filter(|remote| host.is_at(remote.address)) {
        let same = groups.iter_mut().find(|group| {
            group[0].countries == remote.countries && group[0].networks == remote.networks
        });
        match same {
            Some(group) => group.push(remote),
            None => groups.push(vec![remote]),
        }
    }
    groups
}

fn host_rows(host: &Host, destination: &Destination, spelling: Spelling) -> Markup {
    let groups = groups(host, destination);
    let hidden = groups.len().saturating_sub(GROUPS_MAX);
    let span = groups.len().clamp(1, GROUPS_MAX) + usize::from(hidden > 0);
    let [sent, received] = host.traffic.delivered_bytes;
    let cells = html! {
        th.inner scope="row" rowspan=(span) { (name(host, destination, spelling)) }
        td.number rowspan=(span) { (amount(sent)) }
        td.number rowspan=(span) { (amount(received)) }
        td rowspan=(span) { (service(host, destination, spelling)) }
        td rowspan=(span) { (readable(&host.services)) }
    };
    html! {
        @if groups.is_empty() { tr { (cells) td {} td {} } }
        @for (index, group) in groups.iter().take(GROUPS_MAX).enumerate() {
            tr {
                @if index == 0 { (cells) }
                td { (addresses(group)) }
                td { (places(group)) }
            }
        }
        @if hidden > 0 {
            tr { td colspan="2" { (say("destination.more_groups_addresses_all_json", &[("hidden", html! { (hidden) })])) } }
        }
    }
}

fn name(host: &Host, destination: &Destination, spelling: Spelling) -> Markup {
    let Some(name) = &host.name else {
        return html! { (text("destination.no_name")) };
    };
    let seen: Vec<&NameSeen> = destination
        .names
        .iter()
        .filter(|seen| seen.name == *name)
        .filter(|seen| host.sources.iter().any(|source| source.name() == seen.source))
        .collect();
    html! {
        (wire(&name.text)) " "
        small {
            "("
            @for (index, seen) in seen.iter().enumerate() {
                @if index > 0 { "; " }
                (source(seen, spelling))
            }
            ")"
        }
    }
}

fn source(seen: &NameSeen, spelling: Spelling) -> Markup {
    html! {
        (seen.source)
        @if let Some(frame) = frames(spelling, &[seen.frame]) { ", " (frame) }
        @if seen.several { (text("destination.address_has_other_names_too")) }
        @if let Some((other, frame)) = &seen.dns_says { (say("destination.while_dns_said_frame", &[("other", html! { (wire(&other.text)) }), ("frame", html! { (spelling.one(*frame)) })])) }
    }
}

fn owners(contact: &Contact, destination: &Destination) -> Markup {
    let mut claims: Vec<&Claim> = destination.claims.iter().collect();
    claims.dedup_by(|a, b| a.signature == b.signature);
    html! {
        @if claims.is_empty() { (text("destination.not_known_no_signature_lists")) }
        @for claim in claims {
            p {
                a href={ "#operator-" (claim.signature) } { strong { (wire(&claim.name)) } }
                (made_up(claim)) ", " (kind(claim.kind)) ". " (law(claim))
            }
        }
        @match contact.party {
            Party::First => p { (text("destination.device_maker_s_own_service")) },
            Party::Support => p { (text("destination.support_hosting_delivery_names_or")) },
            Party::Third => p { (text("destination.third_party_maker")) },
            Party::Unknown => {}
        }
    }
}

fn service(host: &Host, destination: &Destination, spelling: Spelling) -> Markup {
    let Some(claim) = host.claim.and_then(|index| destination.claims.get(index)) else {
        return html! { (text("destination.not_known")) };
    };
    html! {
        (role(&claim.role)) " "
        small {
            "(" (claim.level.name())
            @if claim.level == Level::Inferred { (text("destination.likely_no_more")) }
            (say("destination.by_basis", &[("basis", html! { (basis(claim)) })]))
            @if let Some(frame) = frames(spelling, &[claim.frame]) { ", " (frame) }
            @if let Some(host) = &claim.host_operator { (say("destination.host_run", &[("host", html! { (wire(host)) })])) }
            @if let Some(region) = &claim.region { (say("destination.stated_region", &[("region", html! { (wire(region)) })])) }
            ")"
        }
    }
}

fn basis(claim: &Claim) -> &str {
    if claim.basis == "address" { text("destination.its_address") } else { claim.basis }
}

/// ` (made up)` for the invented companies of the bundled recordings.
pub fn made_up(claim: &Claim) -> &'static str {
    if claim.fictional { text("destination.part_made_up") } else { "" }
}

fn role(role: &str) -> Markup {
    html! { @if role == "suffix" { (text("destination.some_service")) } @else { (say("destination.service", &[("role", html! { (wire(role)) })])) } }
}

pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Vendor => text("destination.kind_vendor"),
        Kind::Hosting => text("destination.kind_hosting"),
        Kind::Cdn => text("destination.kind_cdn"),
        Kind::Resolver => text("destination.kind_resolver"),
        Kind::Time => text("destination.kind_time"),
        Kind::Relay => text("destination.kind_relay"),
        Kind::Analytics => text("destination.kind_analytics"),
        Kind::Location => text("destination.kind_location"),
    }
}

fn law(claim: &Claim) -> Markup {
    html! {
        @match &claim.operator {
            None => (text("destination.part_operator_not_established")),
            Some(operator) => {
                @let office = html! {
                    @match &operator.head_office {
                        _ if claim.fictional => (text("destination.part_no_real_head_office")),
                        Some(country) => { (say("destination.head_office", &[("country", html! { strong { (country) } })])) }
                        None => (text("destination.part_head_office_not_established")),
                    }
                };
                (say("destination.operator", &[("name", wire(&operator.legal_name)), ("office", office)]))
            }
        }
    }
}

/// What is spoken, where the number of the port stands for a guess and is called one.
pub fn service_name(service: &Service) -> String {
    let port = service
        .port
        .map_or(String::new(), |port| line("unit.port", &[("port", &port.to_string())]));
    let carrier = format!("{}{port}", service.proto.to_uppercase());
    match service.method {
        "port" => {
            line("destination.by_port", &[("carrier", &carrier), ("protocol", service.protocol)])
        }
        "none" => carrier,
        _ if service.protocol == service.proto => carrier,
        _ => format!("{}, {carrier}", service.protocol),
    }
}

fn readable(services: &[Service]) -> Markup {
    let more = services.len().saturating_sub(SERVICES_MAX);
    html! {
        ul {
            @for service in services.iter().take(SERVICES_MAX) {
                li {
                    (readable_word(service)) " "
                    @let [sent, received] = service.traffic.delivered_bytes;
                    small {
                        "(" (service_name(service))
                        @if sent + received > 0 { (say("destination.sent_received", &[("sent", html! { (amount(sent)) }), ("received", html! { (amount(received)) })])) }
                        ")"
                    }
                }
            }
            @if more > 0 { li { (say("destination.more_json", &[("more", html! { (more) })])) } }
        }
    }
}

fn readable_word(service: &Service) -> Markup {
    match (service.content, service.traffic.delivered_bytes) {
        (_, [0, 0]) => html! { (text("destination.no_payload")) },
        ("encrypted", _) => html! { (text("destination.encrypted")) },
        ("clear", _) => html! { strong { (text("destination.clear")) } },
        ("service", _) => html! { (text("destination.open_design")) },
        _ if service.looks.is_empty() => html! { (text("destination.not_known")) },
        // An inference from the bytes alone.
        _ => {
            html! { (say("destination.not_known_looks", &[("looks", html! { (service.looks.join(text("destination.and_word"))) })])) }
        }
    }
}

fn addresses(group: &Group<'_>) -> Markup {
    let more = group.len().saturating_sub(ADDRESSES_MAX);
    let networks = &group[0].networks;
    html! {
        @for (index, remote) in group.iter().take(ADDRESSES_MAX).enumerate() {
            @if index > 0 { ", " }
            code { (remote.address.to_string()) }
        }
        @if more > 0 { (say("destination.and", &[("more", html! { (counted(more as u64, text("unit.more_address"), text("unit.more_addresses"))) })])) }
        @if networks.is_empty() { br; (text("destination.part_network_not_known")) }
        @for asn in networks {
            br; "AS" (asn.number) " " (wire(&asn.organisation))
            @if networks.len() > 1 { " " small { "(" (wire(&asn.database)) ")" } }
        }
    }
}

/// Every opinion with its database: a single country where all agree, else all of them.
fn places(group: &Group<'_>) -> Markup {
    let opinions = &group[0].countries;
    let mut codes = Vec::new();
    for opinion in opinions {
        if !codes.contains(&opinion.country) {
            codes.push(opinion.country);
        }
    }
    let by = |code: CountryCode| {
        let of: Vec<&str> = opinions
            .iter()
            .filter(|opinion| opinion.country == code)
            .map(|opinion| &*opinion.database)
            .collect();
        of.join("; ")
    };
    html! {
        @match codes.as_slice() {
            [] => (text("destination.part_no_database_has_it")),
            [code] => { strong { (code) } " " small { "(" (wire(&by(*code))) ")" } }
            codes => {
                (text("destination.part_databases_disagree"))
                @for (index, code) in codes.iter().enumerate() {
                    @if index > 0 { (text("destination.or_word")) }
                    strong { (code) } " " small { "(" (wire(&by(*code))) ")" }
                }
            }
        }
        @for remote in group {
            @for excluded in &remote.excluded {
                br; (say("destination.excluded_why", &[
                    ("excluded", html! { strong { (say("destination.excluded", &[("country", html! { (excluded.country) })])) } }),
                    ("address", html! { code { (remote.address.to_string()) } }),
                    ("farthest", html! { (grouped(excluded.farthest_km)) }),
                    ("country", html! { (excluded.country) }),
                    ("least", html! { (grouped(excluded.least_km)) }),
                ]))
            }
        }
    }
}
