//! Words, numbers and small pieces that every section of the page uses.

use crate::attribution::country;
use crate::attribution::world::Destination;
use crate::base::frame::Spelling;
use crate::base::text::bytes;
use crate::base::time::Timestamp;
use crate::sink::messages::{line, say, text};
use crate::snapshot::Snapshot;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Rows of one table; the rest is summed and told.
pub const ROWS_MAX: usize = 200;
/// Rows of all tables of devices together, so that the page stays one that a browser can scroll.
pub const ROWS_ALL: usize = 2000;
/// Rows that a table may have when there is no room left.
pub const ROWS_LEAST: usize = 3;
/// Deciding frames of all findings together, and what a finding has when there is no room left.
pub const FRAMES_ALL: usize = 1500;
/// See [`FRAMES_ALL`].
pub const FRAMES_LEAST: usize = 5;
/// Longest display filter that is shown, bytes.
pub const FILTER_MAX: usize = 4096;

/// Digits in groups of three, by a space that does not break (ISO 80000-1 §7.3.1).
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A rounded amount; the exact count is shown on pointing at it.
pub fn amount(count: u64) -> Markup {
    if count < 1000 {
        return html! { (bytes(count)) };
    }
    html! { span title={ (say("table.bytes", &[("count", html! { (grouped(count)) })])) } { (bytes(count)) } }
}

/// A rounded amount with the exact count beside it.
pub fn total(count: u64) -> String {
    match count {
        1 => text("unit.byte").to_owned(),
        0..1000 => line("unit.bytes", &[("count", &count.to_string())]),
        _ => line("unit.rounded", &[("rounded", &bytes(count)), ("count", &grouped(count))]),
    }
}

/// `1 frame`, `2 frames`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// Date and time to the second; exact to the nanosecond for machines.
pub fn moment(time: Timestamp) -> Markup {
    let exact = time.to_string();
    html! { time datetime=(exact) { (exact[..10]) " " (exact[11..19]) } }
}

/// Date and time to the nanosecond.
pub fn exact_moment(time: Timestamp) -> Markup {
    let exact = time.to_string();
    html! { time datetime=(exact) { (exact[..10]) " " (exact[11..29]) } }
}

/// The day alone.
pub fn day(time: Timestamp) -> String {
    time.to_string()[..10].to_owned()
}

/// Text that others chose: it may be written from right to left, and must not reorder what
/// stands around it.
pub fn wire(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// `frame 3`, `frames 3, 4 and 12 more`; nothing for frame 0, which stands for no frame.
pub fn frames(spelling: Spelling, numbers: &[u64]) -> Option<String> {
    const SHOWN: usize = 8;
    let numbers: Vec<u64> = numbers.iter().copied().filter(|&number| number > 0).collect();
    let shown = spelling.all(&numbers[..numbers.len().min(SHOWN)]);
    match numbers.len() {
        0 => None,
        1 => Some(line("unit.frame_number", &[("shown", &shown)])),
        count if count <= SHOWN => Some(line("unit.frame_numbers", &[("shown", &shown)])),
        count => {
            let values = [("shown", &*shown), ("count", &(count - SHOWN).to_string())];
            Some(line("unit.frame_numbers_more", &values))
        }
    }
}

/// Counts by name, with the name in words.
pub fn tally<K: AsRef<str>>(counts: &BTreeMap<K, u64>) -> Markup {
    html! {
        ul {
            @for (name, count) in counts {
                li { (grouped(*count)) " × " (name.as_ref().replace('_', " ")) }
            }
        }
    }
}

/// The page's name for a device, linked to its section.
pub fn device_link(snapshot: &Snapshot, id: &str) -> Markup {
    let Some(index) = snapshot.devices.iter().position(|device| *device.id == *id) else {
        return wire(id);
    };
    let device = &snapshot.devices[index];
    html! {
        @if index < ROWS_MAX {
            a href={ "#device-" (index) } { (wire(&device.title())) }
        } @else {
            (wire(&device.title()))
        }
        @if device.role == "gateway" { (text("table.gateway")) }
    }
}

/// `Brazil (BR)`; the code alone where no name is known.
pub fn country_name(code: &str) -> String {
    let known = country::find(code);
    known.map_or_else(|| code.to_string(), |country| format!("{} ({code})", country.name))
}

/// How a destination reads to people; without a name, by its address or network.
pub fn destination_title(destination: &Destination) -> Markup {
    let addresses = destination.remotes.len();
    match (destination.id.strip_prefix("net:"), &destination.remotes[..]) {
        (Some(_), [only]) => {
            html! { (say("table.no_name", &[("address", html! { (only.address.to_string()) })])) }
        }
        (Some(network), _) => {
            html! { (say("table.no_name_addresses", &[("network", html! { (network) }), ("addresses", html! { (addresses) })])) }
        }
        (None, _) => wire(&destination.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(total(1), "1 byte");
        assert_eq!(total(56_964), "57 kB (56\u{202f}964 bytes)");
        assert_eq!(amount(56_964).0, "<span title=\"56\u{202f}964 bytes\">57 kB</span>");
        assert_eq!(counted(1, "frame", "frames"), "1 frame");
        assert_eq!(frames(Spelling::of(1), &[0]), None);
        assert_eq!(frames(Spelling::of(1), &[4, 5]).as_deref(), Some("frames 4, 5"));
        assert_eq!(frames(Spelling::of(2), &[4]).as_deref(), Some("frame 4 of file 1"));
    }

    #[test]
    fn times_for_people() {
        let time = Timestamp(1_709_210_096_000_000_005);
        assert!(moment(time).0.ends_with(">2024-02-29 12:34:56</time>"));
        assert!(exact_moment(time).0.ends_with(">2024-02-29 12:34:56.000000005</time>"));
        assert_eq!(day(time), "2024-02-29");
    }
}
