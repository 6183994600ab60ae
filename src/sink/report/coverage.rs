//! What was inspected, and what was not: nothing found is not nothing there.

use super::View;
use super::words::{ROWS_MAX, counted, day, device_link, grouped, tally, total, wire};
use crate::attribution::pack;
use crate::attribution::world::{Device, Service, Traffic, Zone};
use crate::sink::html::{Heading, boxed, head};
use crate::sink::messages::{line, msg, say, text};
use crate::snapshot::{Coverage, DatabaseShown, LossesShown, Snapshot};
use maud::{Markup, html};

pub fn not_seen(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let coverage = &snapshot.coverage;
    html! {
        section id="unseen" {
            h2 { (text("coverage.what_not_seen")) }
            p { (text("coverage.where_something_does_not_appear")) }
            (visibility(view))
            h3 { (text("coverage.content_not_read")) }
            (unread(snapshot))
            h3 { (text("coverage.frames_not_understood_or_are")) }
            (missing(coverage))
            (left_out(snapshot))
            h3 { (text("coverage.limits_this_run")) }
            (losses(&snapshot.losses))
        }
    }
}

fn visibility(view: &View<'_>) -> Markup {
    let snapshot = view.snapshot;
    let devices = &snapshot.devices;
    let table = html! {
        table {
            caption { span { (text("coverage.what_recording_could_see_each")) } }
            (head(&[
                Heading::Words(text("coverage.device")),
                Heading::Words(text("coverage.directions")),
                Heading::Number(text("coverage.conversations")),
                Heading::Number(text("coverage.these_one_sided")),
                Heading::Number(text("coverage.with_data_missing")),
                Heading::Words(text("coverage.seen_asking_its_address_dhcp")),
                Heading::Words(text("coverage.seen_asking_names_dns")),
                Heading::Words(text("coverage.ipv6")),
                Heading::Words(text("coverage.first_seen_silent_since_utc")),
            ]))
            tbody {
                @for device in devices.iter().take(ROWS_MAX) { (visibility_row(view, device)) }
            }
        }
    };
    html! {
        @if !devices.is_empty() {
            (boxed(text("coverage.label_visibility"), table))
            p {
                small { (text("coverage.one_sided_packets_one_way")) }
            }
        }
        @if devices.len() > ROWS_MAX { p { (say("coverage.more_devices_json", &[("count", html! { (devices.len() - ROWS_MAX) })])) } }
    }
}

fn visibility_row(view: &View<'_>, device: &Device) -> Markup {
    let seen = &device.visibility;
    let yes = |is: bool| text(if is { msg!("coverage.yes") } else { msg!("coverage.no") });
    html! {
        tr {
            th scope="row" { (device_link(view.snapshot, &device.id)) }
            td {
                @if seen.group_only { strong { (text("coverage.only_broadcast_multicast")) } }
                @else if seen.both_directions { (text("coverage.both")) }
                @else { strong { (text("coverage.one_only")) } }
            }
            td.number { (grouped(seen.flows)) }
            td.number { (grouped(seen.one_sided_flows)) }
            td.number { (grouped(seen.acknowledged_unseen_flows)) }
            td { (yes(seen.dhcp)) }
            td { (yes(seen.dns)) }
            td { (yes(seen.ipv6)) }
            td {
                @match (seen.first, seen.last) {
                    (Some(first), Some(last)) => (view.clock.moments(first, last)),
                    _ => (text("coverage.no_conversation")),
                }
            }
        }
    }
}

fn unread(snapshot: &Snapshot) -> Markup {
    let sum = |wanted: fn(&Service) -> bool| {
        let mut sum = Traffic::default();
        let contacts = snapshot.contacts.iter().filter(|contact| contact.zone == Zone::Internet);
        let services = contacts.flat_map(|contact| contact.services.iter());
        services.filter(|service| wanted(service)).for_each(|service| sum.add(&service.traffic));
        sum.delivered_bytes
    };
    let encrypted = sum(|service| service.content == "encrypted");
    let unknown = sum(|service| service.content == "unknown");
    let secrets = snapshot.coverage.decryption_secrets;
    html! {
        ul {
            li { (say("coverage.encrypted_with_internet_sent_received", &[("sent", html! { (total(encrypted[0])) }), ("received", html! { (total(encrypted[1])) })])) }
            li { (say("coverage.protocols_not_recognised_with_internet", &[("sent", html! { (total(unknown[0])) }), ("received", html! { (total(unknown[1])) })])) }
            @if secrets > 0 {
                li { (say("coverage.recording_holds_with_keys_decryption", &[("secrets", html! { (counted(secrets, text("unit.block"), text("unit.blocks"))) })])) }
            }
        }
    }
}

fn missing(coverage: &Coverage) -> Markup {
    let refused: u64 = coverage.frames.refused.values().sum();
    html! {
        ul {
            li {
                (say("coverage.not_understood", &[("frames", html! { (counted(refused, text("unit.frame"), text("unit.frames"))) })]))
                @if refused > 0 { (tally(&coverage.frames.refused)) }
            }
            li {
                (text("coverage.part_lost_while_recording"))
                @match coverage.drops.declared {
                    Some(0) => (text("coverage.part_none_by_the_recording")),
                    Some(drops) => { (say("coverage.recording_s_own_word", &[("drops", html! { strong { (counted(drops, text("unit.packet"), text("unit.packets"))) } })])) }
                    None => (text("coverage.part_the_recording_does_not")),
                }
            }
            li { (say("coverage.cut_short_while_recording", &[("truncated", html! { (counted(coverage.truncated, text("unit.frame"), text("unit.frames"))) })])) }
            @if coverage.duplicates.frames > 0 {
                li { (say("coverage.seen_twice_as_on_mirror", &[("duplicates", html! { (counted(coverage.duplicates.frames, text("unit.frame"), text("unit.frames"))) })])) }
            }
            @if coverage.conflicting_segments > 0 {
                li { (say("coverage.tcp_segments_say_something_else", &[("conflicting_segments", html! { (grouped(coverage.conflicting_segments)) })])) }
            }
            @if !coverage.stopped.is_empty() {
                li { (say("coverage.transport_headers_could_not_read", &[("stopped", html! { (tally(&coverage.stopped)) })])) }
            }
            @if !coverage.checksum_bad.is_empty() {
                li { (say("coverage.checksums_do_not_fit_often", &[("checksum_bad", html! { (tally(&coverage.checksum_bad)) })])) }
            }
        }
    }
}

fn left_out(snapshot: &Snapshot) -> Markup {
    html! {
        @if !snapshot.left_out.is_empty() {
            h3 { (text("coverage.devices_left_out_whoever_ran")) }
            ul {
                @for left in snapshot.left_out.iter().take(ROWS_MAX) {
                    @let [sent, received] = left.internet.delivered_bytes;
                    li { (say("coverage.with_internet_sent_received", &[("id", html! { code { (wire(&left.id)) } }), ("reason", html! { (left.reason) }), ("sent", html! { (total(sent)) }), ("received", html! { (total(received)) })])) }
                }
                @if snapshot.left_out.len() > ROWS_MAX {
                    li { (say("coverage.more_json", &[("count", html! { (snapshot.left_out.len() - ROWS_MAX) })])) }
                }
            }
        }
    }
}

fn losses(losses: &LossesShown) -> Markup {
    let ledger = &losses.ledger;
    let all = [
        (losses.flows_evicted, text("coverage.loss_flows_evicted")),
        (losses.gaps_given_up, text("coverage.loss_gaps_given_up")),
        (losses.flows_unread, text("coverage.loss_flows_unread")),
        (losses.datagrams_evicted, text("coverage.loss_datagrams_evicted")),
        (losses.datagrams_contradictory, text("coverage.loss_datagrams_contradictory")),
        (losses.dissector_faults, text("coverage.loss_dissector_faults")),
        (losses.file_names, text("coverage.loss_file_names")),
        (ledger.flows_without_contact, text("coverage.loss_flows_without_contact")),
        (ledger.names, text("coverage.loss_names")),
        (ledger.answers, text("coverage.loss_answers")),
        (ledger.devices, text("coverage.loss_devices")),
        (ledger.identities, text("coverage.loss_identities")),
        (ledger.announcements, text("coverage.loss_announcements")),
        (ledger.addresses, text("coverage.loss_addresses")),
        (ledger.paces, text("coverage.loss_paces")),
    ];
    let lost: Vec<_> = all.iter().filter(|(count, _)| *count > 0).collect();
    html! {
        @if lost.is_empty() {
            p { (text("coverage.no_table_full_nothing_thrown")) }
        } @else {
            ul { @for (count, what) in lost { li { (grouped(*count)) " " (what) } } }
        }
    }
}

pub fn inspected(snapshot: &Snapshot) -> Markup {
    html! {
        section id="inspected" {
            h2 { (text("coverage.what_inspected")) }
            (frames(&snapshot.coverage))
        }
    }
}

/// Program, signatures and databases, with their hashes.
pub fn knowledge(snapshot: &Snapshot) -> Markup {
    let coverage = &snapshot.coverage;
    let signatures = &coverage.signatures;
    html! {
        h3 { (text("coverage.with_what")) }
        dl.facts {
            dt { (text("coverage.tool")) }
            dd { (snapshot.tool.name) " " (snapshot.tool.version) }
            dt { (text("coverage.signatures")) }
            dd {
                (say("coverage.signature_files", &[("files", html! { (counted(signatures.count as u64, text("unit.file"), text("unit.files"))) }), ("version", html! { (signatures.version) })]))
                @if let Some(checked) = &signatures.checked { (say("coverage.sources_last_read", &[("checked", html! { (checked) })])) }
                br; (say("coverage.hash", &[("hash", html! { code { (signatures.sha256) } })]))
                @for said in pack::spoken(&signatures.packs, &signatures.disabled) { br; (said) }
            }
            dt { (text("coverage.countries_networks")) }
            dd {
                @if coverage.databases.is_empty() { (text("coverage.no_database_loaded")) }
                @for database in &coverage.databases { (about_database(database)) }
            }
            dt { (text("coverage.hardware_addresses")) }
            dd { (coverage.oui) }
            dt { (text("coverage.self_test")) }
            dd {
                strong { (text(if coverage.canary.passed { msg!("coverage.passed") } else { msg!("coverage.failed") })) }
                @if coverage.canary.passed { ": " (coverage.canary.says) "." }
                @if !coverage.canary.missing.is_empty() {
                    ": " (coverage.canary.missing.join(", ")) "."
                }
            }
        }
        (credits(coverage))
    }
}

fn frames(coverage: &Coverage) -> Markup {
    let refused: u64 = coverage.frames.refused.values().sum();
    let row = |name: &str, count: u64| {
        let name = match name {
            "flow" => text("coverage.kind_flow").to_owned(),
            "fragment" => text("coverage.kind_fragment").to_owned(),
            other => other.replace('_', " "),
        };
        html! { tr { th scope="row" { (name) } td.number { (grouped(count)) } } }
    };
    let table = html! {
        table.small {
            caption { span { (text("coverage.every_frame_counted_exactly_one")) } }
            (head(&[
                Heading::Words(text("coverage.kind")),
                Heading::Number(text("coverage.frames")),
            ]))
            tbody {
                @for (name, count) in &coverage.frames.explained_by { (row(name, *count)) }
                @for (name, count) in &coverage.frames.refused {
                    (row(&line("coverage.kind_refused", &[("name", name)]), *count))
                }
            }
            tfoot { (row(text("coverage.kind_all"), coverage.frames.total)) }
        }
    };
    html! {
        p { (say("coverage.read_explained_not_understood_on", &[("frames", html! { (counted(coverage.frames.total, text("unit.frame"), text("unit.frames"))) }), ("explained", html! { (grouped(coverage.frames.explained)) }), ("refused", html! { (grouped(refused)) }), ("wire_bytes", html! { (total(coverage.wire_bytes)) })])) }
        (boxed(text("coverage.label_frames"), table))
    }
}

fn about_database(database: &DatabaseShown) -> Markup {
    html! {
        p {
            (say("coverage.database_of", &[("name", wire(&database.about.name)), ("day", html! { (day(database.about.build)) })]))
            @if let Some(days) = database.days_older_than_capture { (say("coverage.addresses_may_have_moved_since", &[("days", html! { strong { (say("coverage.days_older_than_recording", &[("days", html! { (days) })])) } })])) }
            br; (say("coverage.hash", &[("hash", html! { code { (database.about.sha256) } })]))
        }
    }
}

/// As NOTICE asks; only where the embedded database was used.
fn credits(coverage: &Coverage) -> Markup {
    let embedded = coverage.databases.iter().any(|d| d.about.name == "phonehome-geo");
    html! {
        @if embedded {
            h3 { (text("coverage.credits")) }
            p {
                // Its licence asks for this link; nothing is loaded unless somebody follows it.
                a href="https://db-ip.com" rel="noreferrer" { (text("coverage.ip_geolocation_db_ip")) }
                ". Also contains data of the Number \
                 Resource Organization (https://www.nro.net) and of Route Views \
                 (https://www.routeviews.org), as compiled by ip-location-db \
                 (https://github.com/sapics/ip-location-db); distances between countries with \
                 data of GeoNames (https://www.geonames.org) and Natural Earth \
                 (https://www.naturalearthdata.com). Changed by phonehome, without warranty; \
                 CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/), Natural Earth public \
                 domain. Details in the file NOTICE."
            }
        }
    }
}
