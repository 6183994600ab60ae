//! A device under test, and to whom it sent how much.

use super::{Page, WIDTH, fit};
use crate::attribution::world::{Behind, Contact, Destination, Device, Host, Level, Remote, Zone};
use crate::base::text::{bytes, shorten};
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Destinations shown for a device; the rest is summed and told.
const DESTINATIONS_MAX: usize = 20;
/// Hosts shown for a destination; the rest is summed and told.
const HOSTS_MAX: usize = 8;
/// Most words of a device about itself.
const SAID_MAX: usize = 4;

impl Page {
    pub fn device(&mut self, snapshot: &Snapshot, index: usize, device: &Device) {
        self.title(&shorten(&device.title(), WIDTH));
        let mut about = vec![device.id.to_string()];
        match &device.maker {
            Some(maker) if maker.by == "oui" => {
                about.push(format!("network chip registered to {}", maker.name));
            }
            Some(maker) => {
                let how = if maker.by == "dhcp" { "in DHCP" } else { "of itself" };
                about.push(format!("maker {} (by what it says {how})", maker.name));
            }
            None if device.mac_is_local => {
                about.push("address is made up by the device".to_owned())
            }
            None => about.push("maker not known".to_owned()),
        }
        let addresses: Vec<String> =
            device.addresses.iter().take(4).map(|seen| seen.address.to_string()).collect();
        if !addresses.is_empty() {
            about.push(addresses.join(", "));
        }
        self.wrap(2, &about.join(" · "));
        self.identity(device);
        self.behind(device);
        self.visibility(device);
        let contacts: Vec<&Contact> =
            snapshot.contacts.iter().filter(|contact| contact.device_index == index).collect();
        let internet: Vec<&Contact> =
            contacts.iter().copied().filter(|c| c.zone == Zone::Internet).collect();
        if internet.is_empty() {
            self.line("  Nothing to or from the internet was seen.");
        } else {
            let [sent, received] = device.internet.delivered_bytes;
            let text = format!(
                "With the internet: {} of payload sent, {} received.",
                bytes(sent),
                bytes(received)
            );
            self.wrap(2, &text);
            self.line("");
            self.line(
                "    HOST                                      SENT  RECEIVED  WHERE    CONTENT",
            );
        }
        for contact in internet.iter().take(DESTINATIONS_MAX) {
            self.contact(contact, &snapshot.destinations[contact.destination_index]);
        }
        if internet.len() > DESTINATIONS_MAX {
            let rest = &internet[DESTINATIONS_MAX..];
            let [sent, received] = sum(rest);
            let text = format!(
                "… and {} more destinations: {} sent, {} received; all are in --json",
                rest.len(),
                bytes(sent),
                bytes(received)
            );
            self.wrap(2, &text);
        }
        self.nearby(snapshot, &contacts);
    }

    /// What a device says about itself, beyond the name in the title.
    /// What is reached through a device, and so falls to it.
    fn behind(&mut self, device: &Device) {
        let mut behind: Vec<String> = device.behind.iter().take(4).map(Behind::spoken).collect();
        if behind.is_empty() {
            return;
        }
        if device.behind.len() > behind.len() {
            behind.push(format!("{} more in --json", device.behind.len() - behind.len()));
        }
        let text = format!("Behind it, and told as its own: {}.", behind.join("; "));
        self.wrap(2, &text);
    }

    fn identity(&mut self, device: &Device) {
        let mut said: Vec<String> = Vec::new();
        let mut more = BTreeSet::new();
        for identity in &device.identities {
            let text = format!("{} ({})", shorten(&identity.value.text, 60), identity.fact);
            if identity.kind == "service" || said.contains(&text) {
                continue;
            }
            if identity.is_for_machines() || said.len() == SAID_MAX {
                more.insert(text);
            } else {
                said.push(text);
            }
        }
        if said.is_empty() {
            return;
        }
        if !more.is_empty() {
            said.push(format!("{} more in --json", more.len()));
        }
        self.wrap(2, &format!("It says of itself: {}.", said.join("; ")));
    }

    /// What the tap could see of a device: the limits first, since they bound every claim.
    fn visibility(&mut self, device: &Device) {
        let seen = &device.visibility;
        let mut view = Vec::new();
        if seen.group_only {
            view.push("ONLY BROADCAST AND MULTICAST".to_owned());
        } else if seen.both_directions {
            view.push("both directions".to_owned());
        } else {
            view.push("ONLY ONE DIRECTION".to_owned());
        }
        for (flows, what) in [
            (seen.one_sided_flows, "one-sided"),
            (
                seen.acknowledged_unseen_flows,
                "with data acknowledged that the capture does not hold",
            ),
        ] {
            if flows > 0 {
                view.push(format!("{flows} of {} flows {what}", seen.flows));
            }
        }
        let used = [(seen.dhcp, "DHCP"), (seen.dns, "DNS"), (seen.ipv6, "IPv6")];
        let yes: Vec<&str> = used.iter().filter(|(seen, _)| *seen).map(|(_, name)| *name).collect();
        let no: Vec<&str> = used.iter().filter(|(seen, _)| !*seen).map(|(_, name)| *name).collect();
        for (names, word) in [(yes, "seen"), (no, "not seen")] {
            if !names.is_empty() {
                view.push(format!("{} {word}", names.join(", ")));
            }
        }
        if let Some(last) = seen.last {
            view.push(format!("silent since {} UTC", &last.to_string()[11..19]));
        }
        self.wrap(2, &format!("Seen of it: {}.", view.join("; ")));
    }

    fn contact(&mut self, contact: &Contact, destination: &Destination) {
        self.wrap_hanging(2, 6, &operator(destination));
        for host in contact.hosts.iter().take(HOSTS_MAX) {
            self.host(host, destination);
        }
        if contact.hosts.len() > HOSTS_MAX {
            let rest = &contact.hosts[HOSTS_MAX..];
            let [sent, received] = rest.iter().fold([0, 0], |[sent, received], host| {
                let [s, r] = host.traffic.delivered_bytes;
                [sent + s, received + r]
            });
            let text = format!(
                "… and {} more hosts: {} sent, {} received; all are in --json",
                rest.len(),
                bytes(sent),
                bytes(received)
            );
            self.wrap(4, &text);
        }
    }

    fn host(&mut self, host: &Host, destination: &Destination) {
        let remotes: Vec<&Remote> =
            destination.remotes.iter().filter(|remote| host.is_at(remote.address)).collect();
        let [sent, received] = host.traffic.delivered_bytes;
        let countries =
            distinct(remotes.iter().flat_map(|r| &r.countries).map(|c| c.country.as_str()));
        let name = match (&host.name, &remotes[..]) {
            (Some(name), _) => name.text.clone(),
            (None, [one]) => format!("{} (no name)", one.address),
            (None, many) => format!("{} addresses without a name", many.len()),
        };
        self.line(&format!(
            "    {} {:>8} {:>9}  {} {}",
            fit(&name, 37),
            bytes(sent),
            bytes(received),
            fit(&countries.join("/"), 8),
            content(host)
        ));
        self.wrap_hanging(8, 8, &details(host, destination, &remotes));
    }

    /// Devices on the test network and groups, apart from the internet.
    fn nearby(&mut self, snapshot: &Snapshot, contacts: &[&Contact]) {
        let private: Vec<&Contact> =
            contacts.iter().copied().filter(|c| c.zone == Zone::Private).collect();
        if !private.is_empty() {
            let names: Vec<&str> = private
                .iter()
                .take(6)
                .map(|contact| snapshot.destinations[contact.destination_index].id.as_ref())
                .collect();
            let more = if private.len() > 6 {
                format!(" and {} more", private.len() - 6)
            } else {
                String::new()
            };
            let [sent, received] = sum(&private);
            let text = format!(
                "On the test network: {} sent to, {} received from {}{more}.",
                bytes(sent),
                bytes(received),
                names.join(", ")
            );
            self.wrap(2, &text);
        }
        let group: Vec<&Contact> =
            contacts.iter().copied().filter(|c| c.zone == Zone::Group).collect();
        if !group.is_empty() {
            let text = format!("Broadcast and multicast: {} sent.", bytes(sum(&group)[0]));
            self.wrap(2, &text);
        }
    }
}

fn sum(contacts: &[&Contact]) -> [u64; 2] {
    contacts.iter().fold([0, 0], |[sent, received], contact| {
        let [s, r] = contact.traffic.delivered_bytes;
        [sent + s, received + r]
    })
}

fn distinct<'a>(items: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

/// Who operates a destination, and under which law, where a signature knows.
fn operator(destination: &Destination) -> String {
    let mut parts = vec![destination.id.to_string()];
    for claim in &destination.claims {
        let law = match &claim.operator {
            Some(operator) => match &operator.head_office {
                Some(country) => format!("{}, head office {country}", operator.legal_name),
                None => format!("{}, head office not established", operator.legal_name),
            },
            None => "operator not established".to_owned(),
        };
        let part = format!("{}: {law}", claim.name);
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if destination.claims.is_empty() {
        parts.push("no signature knows whose this is".to_owned());
    }
    parts.join(" — ")
}

/// The worst first: what anyone on the path can read must not hide behind what they cannot.
fn content(host: &Host) -> &'static str {
    let has = |content: &str| host.services.iter().any(|service| service.content == content);
    ["clear", "unknown", "encrypted", "service"].into_iter().find(|c| has(c)).unwrap_or("")
}

/// How the name is known, what the service does, whose network it is, what is spoken.
fn details(host: &Host, destination: &Destination, remotes: &[&Remote]) -> String {
    let mut parts = Vec::new();
    if !host.sources.is_empty() {
        let sources: Vec<&str> = host.sources.iter().map(|source| source.name()).collect();
        let mut seen =
            destination.names.iter().filter(|seen| Some(&seen.name) == host.name.as_ref());
        let named = format!("named by {}", sources.join(" and "));
        parts.push(match seen.find_map(|seen| seen.dns_says.as_ref()) {
            Some((dns, _)) => format!("{named} (DNS said {})", dns.text),
            None => named,
        });
    }
    if let Some(claim) = host.claim.and_then(|index| destination.claims.get(index)) {
        let operator = match &claim.host_operator {
            Some(operator) if *operator != claim.name => format!(" run by {operator}"),
            _ => String::new(),
        };
        let level = if claim.level == Level::Inferred { ", inferred" } else { "" };
        parts.push(format!("{} service{operator}{level}", claim.role));
    }
    let networks = remotes.iter().flat_map(|remote| &remote.networks);
    let networks: Vec<String> = networks
        .map(|asn| format!("AS{} {}", asn.number, shorten(&asn.organisation, 40)))
        .collect();
    let networks = distinct(networks.iter().map(String::as_str));
    parts.push(match networks[..] {
        [] => "network not known".to_owned(),
        [one] => one.to_owned(),
        [one, two] => format!("{one}, {two}"),
        [one, two, ..] => format!("{one}, {two} and {} more", networks.len() - 2),
    });
    for excluded in remotes.iter().flat_map(|remote| &remote.excluded) {
        parts.push(format!(
            "{} is excluded by the round-trip time: whatever answers is at most {} km away, {} \
             needed",
            excluded.country, excluded.farthest_km, excluded.least_km
        ));
    }
    let services: Vec<String> = host
        .services
        .iter()
        .map(|service| {
            let port = service.port.map_or(String::new(), |port| format!("/{port}"));
            let guess = if service.method == "port" { " (by port alone)" } else { "" };
            let looks = match &service.looks[..] {
                [] => String::new(),
                looks => format!(", looks {}", looks.join(" and ")),
            };
            format!("{} {}{port}{guess}{looks}", service.protocol, service.proto)
        })
        .collect();
    let services = distinct(services.iter().map(String::as_str));
    let more = services.len().saturating_sub(4);
    let mut spoken = services[..services.len().min(4)].join(", ");
    if more > 0 {
        let _ = write!(spoken, " and {more} more");
    }
    parts.push(spoken);
    parts.join(" · ")
}
