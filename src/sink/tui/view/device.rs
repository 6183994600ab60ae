//! The page of a device.

use crate::attribution::world::{Contact, Device, Zone};
use crate::base::text::bytes;
use crate::finding::{self, Finding};
use crate::sink::tui::app::App;
use crate::sink::tui::doc::Doc;
use crate::sink::tui::theme::Theme;
use crate::sink::tui::words;
use crate::standard::{Clause, Verdict};
use std::cmp::Reverse;

/// Rows of one kind on the page; the lists have them all.
const ROWS_MAX: usize = 40;

/// Makes it.
pub fn page(app: &App, width: u16) -> Doc {
    let mut page = Doc::new(width, app.theme);
    let Some((at, model)) = app.device().zip(app.model.as_ref()) else {
        page.text(0, "This device is not seen any more.");
        return page;
    };
    let (snapshot, numbers) = (model.snapshot(), model.numbers());
    let Some(device) = model.device(at) else { return page };
    page.title(&device.title());
    page.field("id", &device.id);
    if model.is_fresh_device(at) {
        page.field("all else", words::NOT_YET);
    } else {
        page.field("role", device.role);
        page.field("maker", &maker(device));
    }
    let told = [("type", &device.kind), ("model", &device.model), ("firmware", &device.firmware)];
    for (name, told) in told.into_iter().filter_map(|(name, told)| Some((name, told.as_ref()?))) {
        page.field(name, &format!("{} (so it says: {})", told.value.text, told.fact));
    }
    let addresses: Vec<String> =
        device.addresses.iter().take(ROWS_MAX).map(|seen| seen.address.to_string()).collect();
    page.field("addresses", &if addresses.is_empty() { "-".into() } else { addresses.join(", ") });
    for said in device.identities.iter().take(ROWS_MAX) {
        let frame = snapshot.spelling().one(said.frame);
        let text = format!("{} ({}, frame {frame})", said.value.text, said.fact);
        page.field("says of itself", &text);
    }
    for one in device.behind.iter().take(ROWS_MAX) {
        let frame = snapshot.spelling().one(one.frame);
        page.field("behind it", &format!("{}, frame {frame}; told as its own", one.spoken()));
    }
    if !model.is_fresh_device(at) {
        page.field("seen of it", &(visibility(device) + &words::as_of(model)));
    }
    page.title("How much");
    for (name, traffic) in [
        ("internet", &numbers.devices[at].internet),
        ("test network", &numbers.devices[at].private),
        ("broadcast", &numbers.devices[at].group),
    ] {
        let [sent, received] = traffic.delivered_bytes.map(bytes);
        let [out, back] = traffic.packets.map(words::grouped);
        let text = format!(
            "{sent} of payload sent, {received} received; {out} packets sent, {back} received"
        );
        page.field(name, &text);
    }
    let [sent, received] = app.history.rate(Some(&device.id)).map(words::rate);
    page.field("now", &format!("{sent} sent, {received} received, with the internet"));
    contacts(app, &mut page, at);
    let about = |finding: &&Finding| finding.subject.device == device.id;
    let findings: Vec<&Finding> = snapshot.findings.iter().filter(about).collect();
    let standing = finding::standing(findings.iter().copied());
    let standing = standing.map_or(String::new(), |said| format!("; {said}"));
    let as_of = words::as_of(model);
    page.title(&format!("Findings ({}){standing}{as_of}", findings.len()));
    if findings.is_empty() {
        page.text(2, "None of the checks found anything. That is not a clean bill.");
    }
    for finding in findings.iter().take(ROWS_MAX) {
        let text = format!(
            "{} {} ({}, {}): {}",
            Theme::shape(finding.severity),
            finding.title,
            finding.severity.name(),
            finding.level.name(),
            finding.subject.destination
        );
        page.styled(2, &text, app.theme.severity(finding.severity));
    }
    if findings.len() > ROWS_MAX {
        page.text(2, &format!("… and {} more: view 7 has them all", findings.len() - ROWS_MAX));
    }
    clauses(app, &mut page, &device.id);
    page
}

/// Clauses of standards against which its traffic speaks; that it does not is no word for it.
fn clauses(app: &App, page: &mut Doc, device: &str) {
    let Some(model) = &app.model else { return };
    let refuted = |clause: &&Clause| {
        let mut verdicts = clause.devices.iter();
        verdicts.any(|one| *one.device == *device && one.verdict == Verdict::Refuted)
    };
    let all: Vec<&Clause> = model.snapshot().annex.clauses.iter().filter(refuted).collect();
    if all.is_empty() {
        return;
    }
    page.title(&format!("Clauses of standards that its traffic refutes ({})", all.len()));
    for clause in all.iter().take(ROWS_MAX) {
        page.text(2, &format!("{} {}: {}", clause.title, clause.clause, clause.says));
    }
    if all.len() > ROWS_MAX {
        page.text(2, &format!("… and {} more; all are in --json", all.len() - ROWS_MAX));
    }
}

fn contacts(app: &App, page: &mut Doc, at: usize) {
    let Some(model) = &app.model else { return };
    let numbers = model.numbers();
    let mut all: Vec<(usize, &Contact)> = (0..numbers.contacts.len())
        .filter_map(|row| Some((row, model.contact(row)?)))
        .filter(|(_, contact)| contact.device_index == at)
        .collect();
    let wire = |row: usize| Reverse(numbers.contacts[row].traffic.wire());
    all.sort_by_key(|&(row, contact)| (contact.zone, wire(row)));
    let internet = all.iter().filter(|(_, contact)| contact.zone == Zone::Internet).count();
    page.title(&format!("Whom it talks to ({internet} on the internet, {} in all)", all.len()));
    for &(row, contact) in all.iter().take(ROWS_MAX) {
        let to = contact.destination_index;
        let [sent, received] = numbers.contacts[row].traffic.delivered_bytes.map(bytes);
        let name = words::destination(model, to);
        let way = match contact.zone {
            Zone::Internet => format!(
                "{name} → {} → {} → {}",
                model.told(to, words::operator),
                model.told(to, words::networks),
                model.told(to, words::places)
            ),
            Zone::Private | Zone::Group => format!("{name} ({})", model.told(to, words::places)),
        };
        let services = words::services(contact);
        let content = words::content(contact);
        page.text(2, &format!("{way}: {sent} sent, {received} received; {services}; {content}"));
    }
    if all.len() > ROWS_MAX {
        page.text(2, &format!("… and {} more: view 5 has them all", all.len() - ROWS_MAX));
    }
}

fn maker(device: &Device) -> String {
    match &device.maker {
        Some(maker) if maker.by == "oui" => format!("network chip registered to {}", maker.name),
        Some(maker) => {
            let how = if maker.by == "dhcp" { "in DHCP" } else { "of itself" };
            format!("{} (by what it says {how}; confidence {})", maker.name, maker.confidence)
        }
        None if device.mac_is_local => "address is made up by the device".to_owned(),
        None => "not known".to_owned(),
    }
}

fn visibility(device: &Device) -> String {
    let seen = &device.visibility;
    let ways = match (seen.group_only, seen.both_directions) {
        (true, _) => "ONLY BROADCAST AND MULTICAST",
        (false, true) => "both directions",
        (false, false) => "ONLY ONE DIRECTION",
    };
    let mut parts = vec![ways.to_owned()];
    for (flows, what) in [
        (seen.one_sided_flows, "one-sided"),
        (seen.acknowledged_unseen_flows, "with data acknowledged that the capture does not hold"),
    ] {
        if flows > 0 {
            parts.push(format!("{flows} of {} flows {what}", seen.flows));
        }
    }
    for (seen, name) in [(seen.dhcp, "DHCP"), (seen.dns, "DNS"), (seen.ipv6, "IPv6")] {
        parts.push(format!("{name} {}", if seen { "seen" } else { "not seen" }));
    }
    if let Some(last) = seen.last {
        parts.push(format!("silent since {} UTC", words::clock(last)));
    }
    parts.join("; ")
}
