//! The summary for people: what left, to whom, how we know, and what was not seen. At most 80
//! columns; colour only where asked for.

use crate::attribution::pack;
use crate::attribution::world::{Behind, Contact, Destination, Device, Host, Level, Remote, Zone};
use crate::base::frame::{self, Spelling};
use crate::base::text::{bytes, shorten, span};
use crate::finding::{Counted, Finding, Severity};
use crate::snapshot::Snapshot;
use std::fmt::Write as _;
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a line.
const WIDTH: usize = 80;
/// Inputs described; the rest is counted and told.
const INPUTS_MAX: usize = 12;
/// Inputs for which the proof of a finding is shown; the rest is counted and told.
const PROOFS_MAX: usize = 4;
/// Deciding frames shown for each of them.
const FRAMES_MAX: usize = 8;
/// Destinations shown for a device; the rest is summed and told.
const DESTINATIONS_MAX: usize = 20;
/// Hosts shown for a destination; the rest is summed and told.
const HOSTS_MAX: usize = 8;
/// Findings shown in full; the rest is counted and told.
const FINDINGS_MAX: usize = 40;

struct Page {
    text: String,
    colour: bool,
}

/// Writes the summary.
///
/// # Errors
/// When the output cannot be written.
pub fn write(snapshot: &Snapshot, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { text: String::new(), colour };
    page.head(snapshot);
    for (index, device) in snapshot.devices.iter().enumerate() {
        if device.role == "device" {
            page.device(snapshot, index, device);
        }
    }
    page.others(snapshot);
    page.findings(snapshot);
    page.coverage(snapshot);
    out.write_all(page.text.as_bytes())
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// A paragraph, broken at spaces, every line after `indent` spaces.
    fn wrap(&mut self, indent: usize, text: &str) {
        self.wrap_hanging(indent, indent, text);
    }

    fn wrap_hanging(&mut self, first: usize, indent: usize, text: &str) {
        let mut line = " ".repeat(first);
        let mut empty = true;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if !empty && line.width() + 1 + word.width() > WIDTH {
                self.line(&line);
                line = " ".repeat(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            // A word longer than a line is cut into pieces; nothing of it is left out.
            for character in word.chars() {
                if line.width() + character.width().unwrap_or(0) > WIDTH {
                    self.line(&line);
                    line = " ".repeat(indent);
                }
                line.push(character);
            }
            empty = false;
        }
        self.line(&line);
    }

    fn title(&mut self, text: &str) {
        let text = self.paint(text, "1");
        self.text.push('\n');
        self.line(&text);
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn head(&mut self, snapshot: &Snapshot) {
        let several = snapshot.inputs.len() > 1;
        for (index, input) in snapshot.inputs.iter().take(INPUTS_MAX).enumerate() {
            let place = if several { format!("File {}: ", index + 1) } else { String::new() };
            let format = if input.format.is_empty() { "not read" } else { &input.format };
            self.wrap(0, &format!("{place}{} — {format}", input.path));
            let frames = format!("{} frames, {} on the wire", input.frames, bytes(input.bytes));
            match (input.first, input.last) {
                (Some(first), Some(last)) => {
                    let [from, to] = [first, last].map(|t| t.to_string()[..19].replace('T', " "));
                    self.wrap(
                        0,
                        &format!("{frames}, {from} to {to} UTC ({})", span(last.since(first))),
                    );
                }
                _ => self.wrap(0, &frames),
            }
        }
        if several {
            let more = snapshot.inputs.len().saturating_sub(INPUTS_MAX);
            let more =
                if more > 0 { format!("… and {more} more files. ") } else { String::new() };
            let coverage = &snapshot.coverage;
            let (frames, wire) = (coverage.frames.total, bytes(coverage.wire_bytes));
            self.wrap(0, &format!("{more}All together: {frames} frames, {wire} on the wire"));
        }
        if !snapshot.coverage.complete {
            for reason in &snapshot.coverage.incomplete_because {
                let text = format!("PARTIAL RESULT: {reason}");
                self.wrap_hanging(0, 4, &text);
            }
        }
    }

    fn device(&mut self, snapshot: &Snapshot, index: usize, device: &Device) {
        self.title(&shorten(&device.title(), WIDTH));
        let mut about = vec![device.id.to_string()];
        match &device.maker {
            Some(maker) if maker.by == "oui" => {
                about.push(format!("network chip registered to {}", maker.name));
            }
            Some(maker) => about.push(format!("maker {} (by what it says in DHCP)", maker.name)),
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
    fn identity(&mut self, device: &Device) {
        let mut said: Vec<String> = Vec::new();
        for identity in &device.identities {
            let text = format!("{} ({})", shorten(&identity.value.text, 60), identity.fact);
            if identity.kind != "service" && !said.contains(&text) {
                said.push(text);
            }
        }
        if said.is_empty() {
            return;
        }
        let more = said.len().saturating_sub(4);
        said.truncate(4);
        if more > 0 {
            said.push(format!("{more} more in --json"));
        }
        self.wrap(2, &format!("It says of itself: {}.", said.join("; ")));
    }

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

    fn others(&mut self, snapshot: &Snapshot) {
        let gateways: Vec<String> = snapshot
            .devices
            .iter()
            .filter(|device| device.role == "gateway")
            .map(|device| {
                let own = if device.internet.wire_bytes == [0, 0] {
                    String::new()
                } else {
                    let [sent, received] = device.internet.delivered_bytes;
                    format!(", itself {} sent, {} received", bytes(sent), bytes(received))
                };
                format!("{}{own}", device.title())
            })
            .collect();
        if gateways.is_empty() && snapshot.left_out.is_empty() {
            return;
        }
        self.title("Not devices under test");
        if !gateways.is_empty() {
            let text =
                format!("Gateways (they forward the packets of others): {}", gateways.join("; "));
            self.wrap(2, &text);
        }
        for left in &snapshot.left_out {
            let [sent, received] = left.internet.delivered_bytes;
            let text = format!(
                "{}: {}; with the internet {} sent, {} received",
                left.id,
                left.reason,
                bytes(sent),
                bytes(received)
            );
            self.wrap(2, &text);
        }
    }

    fn findings(&mut self, snapshot: &Snapshot) {
        self.title("Findings (nobody has reviewed them yet)");
        if snapshot.findings.is_empty() {
            let text = if snapshot.coverage.complete {
                "None of the checks found anything in what was inspected. That is not a clean \
                 bill: see what was inspected below."
            } else {
                "None, but the result is partial: see above and below."
            };
            self.wrap(2, text);
        }
        for finding in snapshot.findings.iter().take(FINDINGS_MAX) {
            self.finding(finding, snapshot.inputs.len() > 1);
        }
        if snapshot.findings.len() > FINDINGS_MAX {
            let more = snapshot.findings.len() - FINDINGS_MAX;
            self.wrap(2, &format!("… and {more} more findings; all are in --json"));
        }
    }

    fn finding(&mut self, finding: &Finding, several: bool) {
        let (shape, code) = match finding.severity {
            Severity::High => ("[!!!]", "1;31"),
            Severity::Medium => ("[!! ]", "31"),
            Severity::Low => ("[!  ]", "33"),
            Severity::Info => ("[i  ]", "36"),
        };
        let mark = self.paint(shape, code);
        let (severity, level) = (finding.severity.name(), finding.level.name());
        let head = format!("{} ({}, {severity}, {level})", finding.title, finding.id);
        // The mark takes the place of the indent; wrapped with the text it would be cut at its spaces.
        let mut lines = Page { text: String::new(), colour: false };
        lines.wrap(8, &head);
        self.line(&format!("  {mark} {}", lines.text.trim()));
        self.wrap(8, &finding.may_say);
        for counted in finding.traffic.iter().take(PROOFS_MAX) {
            self.wrap(8, &proof(finding, counted, several));
        }
        if finding.traffic.is_empty() {
            self.wrap(8, "No frame is counted.");
        }
        let more = finding.traffic.len().saturating_sub(PROOFS_MAX);
        if more > 0 {
            self.wrap(8, &format!("… and proof in {more} more files: see --json."));
        }
        self.wrap(8, &format!("Does not show: {}.", finding.does_not_show.join("; ")));
    }

    fn coverage(&mut self, snapshot: &Snapshot) {
        let coverage = &snapshot.coverage;
        self.title("What was inspected");
        let frames = &coverage.frames;
        let refused: u64 = frames.refused.values().sum();
        let mut text = format!(
            "Frames: {} read = {} explained + {refused} refused",
            frames.total, frames.explained
        );
        if refused > 0 {
            let reasons: Vec<String> =
                frames.refused.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            let _ = write!(text, " ({})", reasons.join(", "));
        }
        let kinds: Vec<String> =
            frames.explained_by.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let _ = write!(text, ". Explained: {}.", kinds.join(", "));
        self.wrap(2, &text);
        let drops = match coverage.drops.declared {
            Some(drops) => format!("{drops} by the capture's own word"),
            None => "the capture does not say".to_owned(),
        };
        let mut text = format!("Lost packets: {drops}. Cut frames: {}.", coverage.truncated);
        if coverage.duplicates.frames > 0 {
            let frames = coverage.duplicates.frames;
            let _ = write!(text, " Frames seen twice, as on a mirror port: {frames}.");
        }
        if coverage.conflicting_segments > 0 {
            let _ = write!(
                text,
                " TCP segments that say something else than an earlier copy: {}.",
                coverage.conflicting_segments
            );
        }
        for (what, counts) in [
            ("Checksums that do not fit", &coverage.checksum_bad),
            ("Headers not read", &coverage.stopped),
        ] {
            if !counts.is_empty() {
                let counts: Vec<String> =
                    counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
                let _ = write!(text, " {what}: {}.", counts.join(", "));
            }
        }
        self.wrap(2, &text);
        let losses = &snapshot.losses;
        let datagrams = losses.datagrams_evicted + losses.datagrams_contradictory;
        let unread = losses.gaps_given_up + losses.flows_unread;
        let lost = losses.flows_evicted
            + datagrams
            + unread
            + losses.dissector_faults
            + losses.ledger.total();
        if lost > 0 {
            let text = format!(
                "Bounds reached: {} flows ended early, {datagrams} fragmented packets given up, \
                 {unread} streams not read to their end, {} dissector faults, {} other entries not \
                 kept; details in --json.",
                losses.flows_evicted,
                losses.dissector_faults,
                losses.ledger.total()
            );
            self.wrap(2, &text);
        }
        let signatures = &coverage.signatures;
        self.wrap(
            2,
            &format!("Signatures: {} files, {}.", signatures.count, &signatures.sha256[..12]),
        );
        for text in pack::spoken(&signatures.packs, &signatures.disabled) {
            self.wrap(2, &text);
        }
        for database in &coverage.databases {
            let build = database.about.build.to_string();
            let mut text = format!(
                "Country and network database: {}, of {}, {}.",
                database.about.name,
                &build[..10],
                &database.about.sha256[..12]
            );
            if let Some(days) = database.days_older_than_capture {
                let _ = write!(text, " It is {days} days older than the capture.");
            }
            self.wrap(2, &text);
        }
        if coverage.databases.is_empty() {
            self.line("  Country and network database: none loaded.");
        }
        let state = if coverage.canary.passed { "passed" } else { "FAILED" };
        self.wrap(2, &format!("Self-test {state}: {}.", coverage.canary.says));
        self.wrap(
            2,
            "A country is where a database places an address, not where data is kept. Encrypted \
             content was not read.",
        );
    }
}

/// The frames of one input by which a finding can be checked.
fn proof(finding: &Finding, counted: &Counted, several: bool) -> String {
    let refs = finding.refs.iter().filter(|reference| reference.input == counted.input);
    let deciding: Vec<u64> = refs.map(|r| frame::base(r.input) + r.frame).collect();
    let shown = &deciding[..deciding.len().min(FRAMES_MAX)];
    let mut proof = match (shown.is_empty(), several) {
        (false, _) => {
            format!("Proof: frames {}", Spelling::of(1 + usize::from(several)).all(shown))
        }
        (true, true) => format!("More in file {}", counted.input + 1),
        (true, false) => "Proof".to_owned(),
    };
    if deciding.len() > FRAMES_MAX {
        proof.push_str(", …");
    }
    let _ = write!(proof, "; {} frames counted.", counted.frames);
    match (&counted.wireshark_filter, counted.no_filter_because) {
        (Some(filter), _) if filter.len() <= 600 => {
            let _ = write!(proof, " Wireshark: {filter}");
        }
        (Some(_), _) => proof.push_str(" The Wireshark filter is long: see --json."),
        (None, because) => {
            let _ = write!(proof, " No filter: {}.", because.unwrap_or("not possible"));
        }
    }
    proof
}

fn sum(contacts: &[&Contact]) -> [u64; 2] {
    contacts.iter().fold([0, 0], |[sent, received], contact| {
        let [s, r] = contact.traffic.delivered_bytes;
        [sent + s, received + r]
    })
}

/// Exactly `width` columns: padded, or cut with `…`.
fn fit(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut columns = 0;
    let whole = text.width() <= width;
    let room = if whole { width } else { width - 1 };
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if columns + wide > room {
            break;
        }
        out.push(character);
        columns += wide;
    }
    if !whole {
        out.push('…');
        columns += 1;
    }
    out + &" ".repeat(width - columns)
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
