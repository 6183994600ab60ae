//! One section a device: who it is, how much it sent and received, and with whom.

use super::View;
use super::destination;
use super::words::{ROWS_MAX, amount, counted, device_link, frames, total, wire};
use crate::attribution::world::{
    Contact, Device, IdentitySeen, Maker, Service, Told, Traffic, Zone,
};
use crate::base::frame::Spelling;
use crate::sink::html::{Heading, boxed, head};
use crate::sink::messages::{line, msg, say, text};
use maud::{Markup, html};

/// Descriptions and addresses of one device shown; all are in the JSON.
const DETAILS_MAX: usize = 24;

pub fn sections(view: &View<'_>) -> Markup {
    let devices = &view.snapshot.devices;
    html! {
        @if devices.is_empty() { p { (text("device.no_device_seen")) } }
        @for (index, device) in devices.iter().enumerate().take(ROWS_MAX) {
            (section(view, index, device))
        }
        @if devices.len() > ROWS_MAX { (rest(&devices[ROWS_MAX..])) }
    }
}

fn rest(devices: &[Device]) -> Markup {
    let mut sum = Traffic::default();
    devices.iter().for_each(|device| sum.add(&device.internet));
    let [sent, received] = sum.delivered_bytes;
    html! {
        p { (say("device.which_together_sent_internet_received", &[("devices", html! { (counted(devices.len() as u64, text("unit.more_device"), text("unit.more_devices"))) }), ("sent", html! { (total(sent)) }), ("received", html! { (total(received)) })])) }
    }
}

fn section(view: &View<'_>, index: usize, device: &Device) -> Markup {
    let internet = view.internet(index);
    let [sent, received] = device.internet.delivered_bytes;
    html! {
        section.device id={ "device-" (index) } {
            h3 {
                (wire(&device.title()))
                @if device.role == "gateway" { (text("device.part_gateway_not_a_device")) }
            }
            @if device.role == "gateway" {
                p { (text("device.forwards_packets_others_only_what")) }
            }
            (limits(device))
            (who(device, view.snapshot.spelling()))
            @if internet.is_empty() {
                p {
                    (text("device.part_nothing")) @if device.role == "gateway" { (text("device.part_of_its_own")) }
                    (text("device.part_to_or_from_the"))
                }
            } @else {
                p.headline { (say("device.with_internet", &[("sent", html! { strong { (say("device.sent_2", &[("sent", html! { (total(sent)) })])) } }), ("received", html! { strong { (say("device.received_2", &[("received", html! { (total(received)) })])) } })])) }
                (destination::table(view, device, &internet))
            }
            (nearby(view, index, device))
        }
    }
}

/// Said before any number, because it limits all of them.
fn limits(device: &Device) -> Markup {
    let seen = &device.visibility;
    let mut limits = Vec::new();
    if seen.group_only {
        limits.push(text("device.limit_group").to_owned());
    } else if !seen.both_directions {
        limits.push(text("device.limit_way").to_owned());
    }
    if seen.acknowledged_unseen_flows > 0 {
        let many = counted(
            seen.acknowledged_unseen_flows,
            text("unit.conversation"),
            text("unit.conversations"),
        );
        limits.push(line("device.limit_unseen", &[("many", &many)]));
    }
    html! {
        @if !limits.is_empty() {
            p.limit { strong { (text("device.part_limited_view")) } (limits.join("; ")) "." }
        }
    }
}

fn who(device: &Device, spelling: Spelling) -> Markup {
    let more_said = device.identities.len().saturating_sub(DETAILS_MAX);
    let more_addresses = device.addresses.len().saturating_sub(DETAILS_MAX);
    html! {
        dl.facts {
            @if let Some(label) = &device.label { dt { (text("device.name_given_user")) } dd { (wire(label)) } }
            @if let Some(mac) = device.mac {
                dt { (text("device.hardware_address")) }
                dd {
                    code { (mac.to_string()) }
                    @if device.mac_is_local { (text("device.part_made_up_by_the")) }
                }
            }
            dt { (text("device.maker")) }
            dd {
                (maker(device))
                @if let Some(maker) = &device.maker { (evidence(maker, spelling)) }
            }
            @for (name, told) in [(msg!("device.type"), &device.kind), (msg!("device.model"), &device.model), (msg!("device.firmware"), &device.firmware)] {
                @if let Some(told) = told { dt { (text(name)) } dd { (so_it_says(told, spelling)) } }
            }
            @if !device.addresses.is_empty() {
                dt { (text("device.addresses")) }
                dd {
                    @for (index, seen) in device.addresses.iter().take(DETAILS_MAX).enumerate() {
                        @if index > 0 { ", " }
                        code title={ (say("device.seen", &[("first", html! { (seen.first.to_string()) }), ("last", html! { (seen.last.to_string()) })])) } {
                            (seen.address.to_string())
                        }
                    }
                    @if more_addresses > 0 { (say("device.more_json", &[("more_addresses", html! { (more_addresses) })])) }
                }
            }
            @if !device.identities.is_empty() {
                dt { (text("device.said_about_itself")) }
                dd {
                    ul {
                        @for said in device.identities.iter().take(DETAILS_MAX) { li { (identity(said, spelling)) } }
                        @if more_said > 0 { li { (say("device.more_json_2", &[("more_said", html! { (more_said) })])) } }
                    }
                }
            }
            @if !device.behind.is_empty() {
                dt { (text("device.behind")) }
                dd {
                    (text("device.behind_how"))
                    ul {
                        @for one in device.behind.iter().take(DETAILS_MAX) {
                            li { (one.spoken()) " " (say("unit.at_frame", &[("frame", html! { (spelling.one(one.frame)) })])) }
                        }
                    }
                }
            }
            @if !device.resolvers.is_empty() {
                dt { (text("device.name_servers_given")) }
                dd {
                    @for (index, (address, frame)) in device.resolvers.iter().enumerate() {
                        @if index > 0 { ", " }
                        code { (address.to_string()) } " " (say("unit.at_frame", &[("frame", html! { (spelling.one(*frame)) })]))
                    }
                }
            }
        }
    }
}

fn maker(device: &Device) -> Markup {
    html! {
        @match &device.maker {
            Some(maker) if maker.by == "said" => {
                (say("device.maker_said", &[("maker", html! { (wire(&maker.name)) })]))
                @if let Some(oui) = &device.oui { (say("device.network_chip_registered", &[("oui", html! { (wire(oui)) })])) }
            }
            Some(maker) if maker.by == "dhcp" => {
                (say("device.maker_by_dhcp", &[("maker", wire(&maker.name))]))
                @if let Some(oui) = &device.oui { (say("device.network_chip_registered", &[("oui", html! { (wire(oui)) })])) }
            }
            Some(maker) => {
                @if maker.vendor.is_some() { (say("device.perhaps", &[("maker", html! { (wire(&maker.name)) })])) } @else { (text("device.maker_not_known")) }
                (text("device.part_its_hardware_address_is"))
                (wire(device.oui.as_deref().unwrap_or(&maker.name)))
                (text("device.part_that_is_often_only"))
            }
            None => (text("device.maker_none")),
        }
    }
}

/// How sure the maker is, and what speaks for it.
fn evidence(maker: &Maker, spelling: Spelling) -> Markup {
    let confidence = match maker.confidence {
        "high" => text("device.maker_high"),
        "medium" => text("device.maker_medium"),
        _ => text("device.maker_low"),
    };
    html! {
        br;
        (confidence)
        ul {
            @for one in &maker.evidence {
                li { (wire(&one.text)) @if let Some(frame) = frames(spelling, &[one.frame]) { " (" (frame) ")" } }
            }
        }
    }
}

fn so_it_says(told: &Told, spelling: Spelling) -> Markup {
    html! {
        (wire(&told.value.text)) " (" (told.fact)
        @if let Some(frame) = frames(spelling, &[told.frame]) { ", " (frame) }
        ")"
        @if told.several { (text("device.told_several")) }
    }
}

fn identity(said: &IdentitySeen, spelling: Spelling) -> Markup {
    let kind = match said.kind {
        "host_name" => text("device.part_host_name"),
        "vendor_class" => text("device.part_vendor_class"),
        "device_id" => text("device.part_device_id"),
        other => other,
    };
    html! {
        (kind) ": " (wire(&said.value.text)) " (" (said.fact)
        @if let Some(frame) = frames(spelling, &[said.frame]) { ", " (frame) }
        ")"
    }
}

/// A contact on the test network as seen from one of its ends.
struct Near<'a> {
    peer: Markup,
    begun_here: bool,
    traffic: Traffic,
    contact: &'a Contact,
}

fn near<'a>(view: &View<'a>, index: usize, device: &Device) -> Vec<Near<'a>> {
    let own = view.begun.get(&index).into_iter().flatten().copied();
    let own = own.filter(|contact| contact.zone != Zone::Internet).map(|contact| Near {
        peer: peer(view, contact),
        begun_here: true,
        traffic: contact.traffic,
        contact,
    });
    let others = view.answered.get(&*device.id).into_iter().flatten().copied();
    let others = others.filter(|contact| contact.device_index != index).map(|contact| Near {
        peer: device_link(view.snapshot, &contact.device),
        begun_here: false,
        traffic: contact.traffic.turned(),
        contact,
    });
    own.chain(others).collect()
}

fn peer(view: &View<'_>, contact: &Contact) -> Markup {
    match contact.destination.strip_prefix("group:") {
        Some(address) => {
            html! { (say("device.many_at_once", &[("address", html! { code { (address) } })])) }
        }
        None => device_link(view.snapshot, &contact.destination),
    }
}

/// Neighbours and groups, apart from the internet. The device's own totals also count what it
/// exchanged with devices that the user left out, which have no row.
fn nearby(view: &View<'_>, index: usize, device: &Device) -> Markup {
    let rows = near(view, index, device);
    if rows.is_empty() {
        return html! {};
    }
    let mut told = Traffic::default();
    rows.iter().filter(|n| n.contact.zone == Zone::Private).for_each(|n| told.add(&n.traffic));
    let untold =
        |way: usize| device.private.delivered_bytes[way].saturating_sub(told.delivered_bytes[way]);
    let room = view.room();
    view.took(rows.len().min(room));
    let mut rest = Traffic::default();
    rows.iter().skip(room).for_each(|near| rest.add(&near.traffic));
    let table = html! {
        table.small {
            (head(&[
                Heading::Words(text("device.with")),
                Heading::Words(text("device.who_spoke_first")),
                Heading::Number(text("device.sent")),
                Heading::Number(text("device.received")),
                Heading::Words(text("device.spoken")),
                Heading::Words(text("device.first_last_seen_utc")),
            ]))
            tbody {
                @for near in rows.iter().take(room) {
                    @let [sent, received] = near.traffic.delivered_bytes;
                    tr {
                        th scope="row" { (near.peer) }
                        td { (text(if near.begun_here { msg!("device.this_device") } else { msg!("device.other") })) }
                        td.number { (amount(sent)) }
                        td.number { (amount(received)) }
                        td { (spoken(&near.contact.services)) }
                        td { (view.clock.moments(near.contact.first, near.contact.last)) }
                    }
                }
            }
            @if rows.len() > room {
                (destination::rest_row(rows.len() - room, 2, &rest, 2))
            }
        }
    };
    html! {
        h4 { (text("device.on_test_network")) }
        (boxed(text("device.label_near"), table))
        @if untold(0) + untold(1) > 0 {
            p { (say("device.with_devices_left_out_this", &[("sent", html! { (total(untold(0))) }), ("received", html! { (total(untold(1))) })])) }
        }
    }
}

fn spoken(services: &[Service]) -> String {
    let mut words: Vec<String> = services.iter().map(destination::service_name).collect();
    words.dedup();
    let more = words.len().saturating_sub(4);
    words.truncate(4);
    if more > 0 {
        words.push(line("device.more_services", &[("count", &more.to_string())]));
    }
    words.join("; ")
}
