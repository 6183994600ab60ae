//! How operators, laws, networks and places are spoken of: the same words as in the summary, and
//! as much doubt.

use super::model::Model;
use crate::attribution::place::{Place, is_spread, place};
use crate::attribution::world::{Contact, Destination, Device, Zone};
use crate::base::text::{bytes, shorten};
use crate::base::time::{SECOND, Timestamp};
use std::fmt::Write;

/// Said where nothing was looked up yet: not that nothing is known.
pub const NOT_YET: &str = "not looked up yet";

/// Behind what is older than the numbers around it: as of when it is.
pub fn as_of(model: &Model) -> String {
    match model.age() > SECOND {
        true => format!(", as of {} UTC", clock(model.numbers().looked)),
        false => String::new(),
    }
}

/// The places of a destination, each once, most traffic first.
pub fn places(destination: &Destination) -> String {
    match destination.zone {
        Zone::Private => return "test network".to_owned(),
        Zone::Group => return "broadcast".to_owned(),
        Zone::Internet => {}
    }
    let spread = is_spread(destination);
    let mut seen: Vec<(Place, u64)> = Vec::new();
    for remote in destination.remotes.iter().take(REMOTES_MAX) {
        let place = place(remote, spread);
        match seen.iter_mut().find(|(other, _)| *other == place) {
            Some((_, wire)) => *wire += remote.traffic.wire(),
            None => seen.push((place, remote.traffic.wire())),
        }
    }
    seen.sort_by_key(|(_, wire)| std::cmp::Reverse(*wire));
    let all: Vec<String> = seen.iter().take(3).map(|(place, _)| place.short()).collect();
    let more = if seen.len() > 3 || destination.remotes.len() > REMOTES_MAX { ", …" } else { "" };
    if all.is_empty() { "?".to_owned() } else { all.join(", ") + more }
}

/// Addresses looked at for the few words on a row; the page of a destination lists them all.
const REMOTES_MAX: usize = 64;

/// Who operates it and under which law: `Exempla Vision (law XX)`.
pub fn operator(destination: &Destination) -> String {
    match destination.zone {
        Zone::Private => return "a device here".to_owned(),
        Zone::Group => return "all who listen".to_owned(),
        Zone::Internet => {}
    }
    let mut seen: Vec<String> = Vec::new();
    for claim in &destination.claims {
        let text = match &claim.operator {
            Some(operator) => {
                let law = operator.head_office.as_deref().unwrap_or("?");
                format!("{} (law {law})", claim.name)
            }
            None => format!("{} (law ?)", claim.name),
        };
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    if seen.is_empty() { "operator not established".to_owned() } else { seen.join(", ") }
}

/// The laws of its operators, `?` where one is not established.
pub fn laws(destination: &Destination) -> Vec<&str> {
    let mut seen = Vec::new();
    for claim in &destination.claims {
        let law = claim.operator.as_ref().and_then(|o| o.head_office.as_deref()).unwrap_or("?");
        if !seen.contains(&law) {
            seen.push(law);
        }
    }
    seen
}

/// Whose networks its addresses are in: `AS4777 Asia Pacific Network…`.
pub fn networks(destination: &Destination) -> String {
    if destination.zone != Zone::Internet {
        return "-".to_owned();
    }
    let mut seen: Vec<(u64, &str)> = Vec::new();
    for asn in destination.remotes.iter().take(REMOTES_MAX).flat_map(|remote| &remote.networks) {
        if !seen.iter().any(|(number, _)| *number == asn.number) {
            seen.push((asn.number, &asn.organisation));
        }
    }
    match seen[..] {
        [] => "network not known".to_owned(),
        [(number, holder)] => format!("AS{number} {}", shorten(holder, 40)),
        [(number, holder), ..] => {
            format!("AS{number} {} and {} more", shorten(holder, 24), seen.len() - 1)
        }
    }
}

/// How a device reads to people: its best name; without one, its address alone.
pub fn device(device: &Device) -> String {
    let title = device.title();
    match title.strip_prefix("mac:").or(title.strip_prefix("ip:")) {
        Some(address) if title == *device.id => address.to_owned(),
        _ => title,
    }
}

/// The names of those who operate it, where signatures know; and their laws.
pub fn operator_and_law(destination: &Destination) -> (Option<String>, String) {
    let mut names: Vec<&str> = Vec::new();
    for claim in &destination.claims {
        if !names.contains(&claim.name.as_str()) {
            names.push(&claim.name);
        }
    }
    let laws = laws(destination);
    let law = if laws.is_empty() { "?".to_owned() } else { laws.join("/") };
    ((!names.is_empty()).then(|| names.join(", ")), law)
}

/// The same for the row of a list, where there is no room to say that an address has no name.
pub fn destination_short(model: &Model, at: usize) -> String {
    let name = destination(model, at);
    name.strip_suffix(" (no name)").map_or_else(|| name.clone(), str::to_owned)
}

/// How a destination reads to people.
pub fn destination(model: &Model, at: usize) -> String {
    let Some(destination) = model.destination(at) else { return String::new() };
    match (destination.id.strip_prefix("net:"), &destination.remotes[..]) {
        (Some(_), [only]) => format!("{} (no name)", only.address),
        (Some(network), _) => format!("{network} (no name)"),
        (None, _) if destination.zone == Zone::Private => {
            let device = model.device_called(&destination.id);
            device.map_or_else(|| destination.id.to_string(), self::device)
        }
        (None, _) => destination.id.to_string(),
    }
}

/// The other end of a finding, by the name that it has in the lists.
pub fn subject(model: &Model, id: &str) -> String {
    let device = || model.device_called(id).map(self::device);
    let to = model.position_called(id).map(|at| destination_short(model, at));
    to.or_else(device).unwrap_or_else(|| id.to_owned())
}

/// What the tap could see of a device, and whether that is all of it.
pub fn sight(device: &Device) -> (&'static str, bool) {
    let seen = &device.visibility;
    if seen.group_only {
        ("BROADCAST ONLY", false)
    } else if !seen.both_directions {
        ("ONE WAY ONLY", false)
    } else if seen.acknowledged_unseen_flows > 0 {
        ("DATA MISSING", false)
    } else {
        ("both ways", true)
    }
}

/// What is spoken, and what anyone on the path can read: the worst first.
pub fn content(contact: &Contact) -> &'static str {
    let has = |content: &str| contact.services.iter().any(|service| service.content == content);
    ["clear", "unknown", "encrypted", "service"].into_iter().find(|c| has(c)).unwrap_or("")
}

/// `tls tcp/443, dns udp/53`.
pub fn services(contact: &Contact) -> String {
    let mut out = String::new();
    for service in contact.services.iter().take(4) {
        if !out.is_empty() {
            out.push_str(", ");
        }
        let _ = write!(out, "{} {}", service.protocol, service.proto);
        if let Some(port) = service.port {
            let _ = write!(out, "/{port}");
        }
        if service.method == "port" {
            out.push_str(" (by port alone)");
        }
    }
    if contact.services.len() > 4 {
        let _ = write!(out, " and {} more", contact.services.len() - 4);
    }
    out
}

/// Time of day, UTC.
pub fn clock(time: Timestamp) -> String {
    time.to_string()[11..19].to_owned()
}

/// Date and time, UTC.
pub fn moment(time: Timestamp) -> String {
    time.to_string()[..19].replace('T', " ")
}

/// `12 kB/s`, and nothing at all for nothing.
pub fn rate(bytes_a_second: f64) -> String {
    match bytes_a_second as u64 {
        0 => "-".to_owned(),
        rate => format!("{}/s", bytes(rate)),
    }
}

/// Digits in groups of three.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_rates() {
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(rate(0.4), "-");
        assert_eq!(rate(1500.0), "1.5 kB/s");
    }
}
