//! The table of a device's internet destinations: names, owners, amounts, networks, places.

use super::words::{
    ROWS_MAX, amount, boxed, counted, destination_title, frames, grouped, moments, wire,
};
use crate::attribution::signature::Kind;
use crate::attribution::world::{
    Claim, Contact, Destination, Device, Level, NameSeen, Party, Remote, Service, Traffic, WireText,
};
use crate::snapshot::Snapshot;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Names of one destination shown.
const NAMES_MAX: usize = 12;
/// Groups of addresses of one destination shown.
const GROUPS_MAX: usize = 12;
/// Services of one contact shown.
const SERVICES_MAX: usize = 8;
/// Addresses of one group shown.
const ADDRESSES_MAX: usize = 4;

pub fn table(snapshot: &Snapshot, device: &Device, contacts: &[&Contact]) -> Markup {
    let mut rest = Traffic::default();
    contacts
        .iter()
        .skip(ROWS_MAX)
        .for_each(|contact| rest.add(&contact.traffic));
    let table = html! {
        table.wide {
            caption { "Internet destinations of " (wire(&device.title())) ", most bytes first" }
            thead {
                tr {
                    th scope="col" { "Destination, and where its names come from" }
                    th scope="col" { "Whose service" }
                    th.number scope="col" { "Sent" }
                    th.number scope="col" { "Received" }
                    th scope="col" { "Readable on the way?" }
                    th scope="col" { "First and last seen (UTC)" }
                    th scope="col" { "Address, and whose network" }
                    th scope="col" { "Where databases place it" }
                }
            }
            @for contact in contacts.iter().take(ROWS_MAX) {
                (rows(snapshot, contact, &snapshot.destinations[contact.destination_index]))
            }
            @if contacts.len() > ROWS_MAX {
                (rest_row(contacts.len() - ROWS_MAX, 2, &rest, 4))
            }
        }
    };
    html! {
        (boxed("Internet destinations", table))
    }
}

/// The sum of the rows that a table does not show.
pub fn rest_row(count: usize, before: usize, sum: &Traffic, behind: usize) -> Markup {
    let [sent, received] = sum.delivered_bytes;
    html! {
        tbody {
            tr {
                th scope="row" colspan=(before) {
                    (grouped(count as u64)) " more; all in --json"
                }
                td.number { (amount(sent)) }
                td.number { (amount(received)) }
                td colspan=(behind) {}
            }
        }
    }
}

/// Addresses that databases say the same of.
struct Group<'a> {
    remotes: Vec<&'a Remote>,
    traffic: Traffic,
}

fn groups(destination: &Destination) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for remote in &destination.remotes {
        let same = groups.iter_mut().find(|group| {
            let first = group.remotes[0];
            first.countries == remote.countries && first.networks == remote.networks
        });
        let group = match same {
            Some(group) => group,
            None => {
                groups.push(Group {
                    remotes: Vec::new(),
                    traffic: Traffic::default(),
                });
                let last = groups.len() - 1;
                &mut groups[last]
            }
        };
        group.remotes.push(remote);
        group.traffic.add(&remote.traffic);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.traffic.wire_bytes.iter().sum::<u64>()));
    groups
}

fn rows(snapshot: &Snapshot, contact: &Contact, destination: &Destination) -> Markup {
    let groups = groups(destination);
    let hidden = groups.len().saturating_sub(GROUPS_MAX);
    let span = groups.len().min(GROUPS_MAX).max(1) + usize::from(hidden > 0);
    let devices = snapshot
        .contacts
        .iter()
        .filter(|other| other.destination_index == contact.destination_index);
    let shared = devices.take(2).count() > 1;
    let several = groups.len() > 1;
    html! {
        tbody {
            @for (index, group) in groups.iter().take(GROUPS_MAX).enumerate() {
                tr {
                    @if index == 0 { (contact_cells(contact, destination, span)) }
                    td { (addresses(group, several, shared)) }
                    td { (places(group)) }
                }
            }
            @if hidden > 0 {
                tr {
                    td colspan="2" { (hidden) " more groups of addresses; all in --json" }
                }
            }
        }
    }
}

fn contact_cells(contact: &Contact, destination: &Destination, span: usize) -> Markup {
    let way = |way: usize| {
        html! {
            (amount(contact.traffic.delivered_bytes[way]))
            @if contact.missed_bytes[way] > 0 {
                br; small { "and " (amount(contact.missed_bytes[way])) " not captured" }
            }
        }
    };
    html! {
        th scope="row" rowspan=(span) { (names(destination)) }
        td rowspan=(span) { (owners(contact, destination)) }
        td.number rowspan=(span) { (way(0)) }
        td.number rowspan=(span) { (way(1)) }
        td rowspan=(span) { (readable(&contact.services)) }
        td rowspan=(span) { (moments(contact.first, contact.last)) }
    }
}

fn names(destination: &Destination) -> Markup {
    let mut by_name: BTreeMap<&WireText, Vec<&NameSeen>> = BTreeMap::new();
    for seen in &destination.names {
        by_name.entry(&seen.name).or_default().push(seen);
    }
    let more = by_name.len().saturating_sub(NAMES_MAX);
    html! {
        strong { (destination_title(destination)) }
        @if !by_name.is_empty() {
            ul {
                @for (name, seen) in by_name.iter().take(NAMES_MAX) {
                    li {
                        (wire(&name.text)) " "
                        small {
                            "("
                            @for (index, seen) in seen.iter().enumerate() {
                                @if index > 0 { "; " }
                                (source(seen))
                            }
                            ")"
                        }
                    }
                }
                @if more > 0 { li { (more) " more names in --json" } }
            }
        }
    }
}

fn source(seen: &NameSeen) -> Markup {
    html! {
        (seen.source)
        @if let Some(frame) = frames(&[seen.frame]) { ", " (frame) }
        @if seen.several { ", the address has other names too" }
        @if let Some((other, frame)) = &seen.dns_says {
            ", while DNS said " (wire(&other.text)) ", frame " (frame)
        }
    }
}

fn owners(contact: &Contact, destination: &Destination) -> Markup {
    let groups: Vec<&[Claim]> = destination
        .claims
        .chunk_by(|a, b| a.signature == b.signature)
        .collect();
    html! {
        @if groups.is_empty() { "Not known: no signature lists it. Operator not established." }
        @for claims in groups { (owner(claims)) }
        @match contact.party {
            Party::First => p { "The device maker's own service." },
            Party::Support => p { "Support: hosting, delivery, names or time." },
            Party::Third => p { "A third party to the maker." },
            Party::Unknown => {}
        }
    }
}

fn owner(claims: &[Claim]) -> Markup {
    let claim = &claims[0];
    html! {
        p {
            a href={ "#operator-" (claim.signature) } { strong { (wire(&claim.name)) } }
            (made_up(claim)) ", " (kind(claim.kind))
        }
        ul {
            @for claim in claims {
                li {
                    (role(&claim.role))
                    " " small {
                        "(" (claim.level.name())
                        @if claim.level == Level::Inferred { ": likely, no more" }
                        ", by " (basis(claim))
                        @if let Some(frame) = frames(&[claim.frame]) { ", " (frame) }
                        @if let Some(host) = &claim.host_operator { "; host run by " (wire(host)) }
                        @if let Some(region) = &claim.region { "; stated region " (wire(region)) }
                        ")"
                    }
                }
            }
        }
        p { (law(claim)) }
    }
}

fn basis(claim: &Claim) -> &str {
    if claim.basis == "address" {
        "its address"
    } else {
        claim.basis
    }
}

/// ` (made up)` for the invented companies of the bundled recordings.
pub fn made_up(claim: &Claim) -> &'static str {
    if claim.fictional { " (made up)" } else { "" }
}

fn role(role: &str) -> Markup {
    html! { @if role == "suffix" { "some service" } @else { (wire(role)) " service" } }
}

pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Vendor => "device vendor",
        Kind::Hosting => "hosting: the landlord, not who rents",
        Kind::Cdn => "content delivery for others",
        Kind::Resolver => "public name server",
        Kind::Time => "time server",
        Kind::Relay => "relay between others",
        Kind::Analytics => "usage statistics for others",
    }
}

fn law(claim: &Claim) -> Markup {
    html! {
        @match &claim.operator {
            None => "Operator not established.",
            Some(operator) => {
                "Operator: " (wire(&operator.legal_name)) ", "
                @match &operator.head_office {
                    _ if claim.fictional => "no real head office",
                    Some(country) => { "head office in " strong { (country) } }
                    None => "head office not established",
                }
                "."
            }
        }
    }
}

/// What is spoken, where the number of the port stands for a guess and is called one.
pub fn service_name(service: &Service) -> String {
    let port = service
        .port
        .map_or(String::new(), |port| format!(" port {port}"));
    let carrier = format!("{}{port}", service.proto.to_uppercase());
    match service.method {
        "port" => format!("{carrier}, by port alone perhaps {}", service.protocol),
        "none" => carrier,
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
                        @if sent + received > 0 {
                            ": " (amount(sent)) " sent, " (amount(received)) " received"
                        }
                        ")"
                    }
                }
            }
            @if more > 0 { li { (more) " more in --json" } }
        }
    }
}

fn readable_word(service: &Service) -> Markup {
    match (service.content, service.traffic.delivered_bytes) {
        (_, [0, 0]) => html! { "no payload" },
        ("encrypted", _) => html! { "encrypted" },
        ("clear", _) => html! { strong { "in clear" } },
        ("service", _) => html! { "open by design" },
        _ => html! { "not known" },
    }
}

fn addresses(group: &Group<'_>, several: bool, shared: bool) -> Markup {
    let more = group.remotes.len().saturating_sub(ADDRESSES_MAX);
    let networks = &group.remotes[0].networks;
    let [sent, received] = group.traffic.delivered_bytes;
    html! {
        @for (index, remote) in group.remotes.iter().take(ADDRESSES_MAX).enumerate() {
            @if index > 0 { ", " }
            code { (remote.address.to_string()) }
        }
        @if more > 0 { " and " (counted(more as u64, "more address", "more addresses")) }
        @if networks.is_empty() { br; "Network not known." }
        @for asn in networks {
            br; "AS" (asn.number) " " (wire(&asn.organisation))
            @if networks.len() > 1 { " " small { "(" (wire(&asn.database)) ")" } }
        }
        @if several {
            br; small {
                (amount(sent)) " sent, " (amount(received)) " received"
                @if shared { ", all devices" }
            }
        }
    }
}

/// Every opinion with its database: a single country where all agree, else all of them.
fn places(group: &Group<'_>) -> Markup {
    let opinions = &group.remotes[0].countries;
    let mut codes: Vec<&str> = Vec::new();
    for opinion in opinions {
        if !codes.contains(&opinion.country.as_str()) {
            codes.push(&opinion.country);
        }
    }
    let by = |code: &str| {
        let of: Vec<&str> = opinions
            .iter()
            .filter(|opinion| opinion.country == code)
            .map(|opinion| opinion.database.as_str())
            .collect();
        of.join("; ")
    };
    html! {
        @match codes.as_slice() {
            [] => "Not known: no database has it.",
            [code] => { strong { (code) } " " small { "(" (wire(&by(code))) ")" } }
            codes => {
                "Databases disagree: "
                @for (index, code) in codes.iter().enumerate() {
                    @if index > 0 { " or " }
                    strong { (code) } " " small { "(" (wire(&by(code))) ")" }
                }
            }
        }
        @for remote in &group.remotes {
            @for excluded in &remote.excluded {
                br; strong { (excluded.country) " is excluded" } " for "
                code { (remote.address.to_string()) } ": its answers come too fast. It is at most "
                (grouped(excluded.farthest_km)) " km away, " (excluded.country) " at least "
                (grouped(excluded.least_km)) " km."
            }
        }
    }
}
