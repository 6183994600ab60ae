//! The page of a destination: whose it is and how that is known, where it is and who doubts it.

use crate::attribution::place;
use crate::attribution::world::{Claim, Contact, Remote, Zone};
use crate::base::text::{bytes, span};
use crate::sink::tui::app::App;
use crate::sink::tui::doc::Doc;
use crate::sink::tui::words;

/// Rows of one kind on the page; the rest is counted.
const ROWS_MAX: usize = 40;

/// Makes it.
pub fn page(app: &App, width: u16) -> Doc {
    let mut page = Doc::new(width, app.theme);
    let Some((at, model)) = app.destination().zip(app.model.as_ref()) else {
        page.text(0, "This destination is not seen any more.");
        return page;
    };
    let (snapshot, numbers) = (model.snapshot(), model.numbers());
    let Some(to) = model.destination(at) else { return page };
    let is_outside = to.zone == Zone::Internet;
    let [sent, received] = numbers.destinations[at].delivered_bytes.map(bytes);
    page.title(&words::destination(model, at));
    page.field("payload", &format!("{sent} sent to it, {received} received from it"));
    if is_outside {
        page.field("operator", &model.told(at, words::operator));
        page.field("network", &model.told(at, words::networks));
        page.field("place", &model.told(at, words::places));
        page.title("Whose it is, and how that is known");
        if model.is_fresh(at) {
            page.text(2, "It came after names, places and findings were looked up last.");
        } else if to.claims.is_empty() {
            page.text(2, "No signature knows whose this is: operator not established.");
        }
        to.claims.iter().take(ROWS_MAX).for_each(|claim| whose(app, &mut page, claim));
    }
    page.title(&format!("Names ({})", to.names.len()));
    for seen in to.names.iter().take(ROWS_MAX) {
        let frame = match seen.frame {
            0 => "the file's own table".to_owned(),
            frame => format!("frame {}", snapshot.spelling().one(frame)),
        };
        let several = if seen.several { "; the address has other names too" } else { "" };
        let dns = seen.dns_says.as_ref().map(|(name, _)| format!("; DNS said {}", name.text));
        let dns = dns.unwrap_or_default();
        page.text(2, &format!("{} by {}, {frame}{several}{dns}", seen.name.text, seen.source));
    }
    more(&mut page, to.names.len());
    let as_of = words::as_of(model);
    page.title(&format!("Addresses ({}){as_of}", to.remotes.len()));
    for remote in to.remotes.iter().take(ROWS_MAX) {
        let [sent, received] = remote.traffic.delivered_bytes.map(bytes);
        match model.is_fresh(at) {
            true => page.text(2, &remote.address.to_string()),
            false => {
                page.text(2, &format!("{}: {sent} sent, {received} received", remote.address));
            }
        }
        if is_outside && !model.is_fresh(at) {
            place(app, &mut page, remote, place::is_spread(to));
        }
    }
    more(&mut page, to.remotes.len());
    let contacts: Vec<(usize, &Contact)> = (0..numbers.contacts.len())
        .filter_map(|row| Some((row, model.contact(row)?)))
        .filter(|(_, contact)| contact.destination_index == at)
        .collect();
    page.title(&format!("Which devices ({})", contacts.len()));
    for &(row, contact) in contacts.iter().take(ROWS_MAX) {
        let Some(device) = model.device(contact.device_index) else { continue };
        let now = &numbers.contacts[row];
        let [sent, received] = now.traffic.delivered_bytes.map(bytes);
        let text = format!(
            "{}: {sent} sent, {received} received; {}; {}; {} to {} UTC",
            device.title(),
            words::services(contact),
            words::content(contact),
            words::moment(contact.first),
            words::clock(now.last)
        );
        page.text(2, &text);
    }
    more(&mut page, contacts.len());
    if is_outside {
        page.title("To keep in mind");
        page.text(
            2,
            "A country is where a database places an address, not where data is kept. The head \
             office says under whose law a company stands; it does not say that anybody asked for \
             the data.",
        );
    }
    page
}

fn whose(app: &App, page: &mut Doc, claim: &Claim) {
    let made_up = if claim.fictional { " (made up for this recording)" } else { "" };
    let text = format!(
        "{}{made_up}: {} service; {} by {}, {}",
        claim.name,
        claim.role,
        claim.level.name(),
        claim.basis,
        claim.matched.text
    );
    page.text(2, &text);
    match &claim.operator {
        Some(operator) => {
            let office = match &operator.head_office {
                Some(_) if claim.fictional => "no real head office".to_owned(),
                Some(country) => format!("head office in {country}"),
                None => "head office not established".to_owned(),
            };
            let parents = match &operator.parents[..] {
                [] => String::new(),
                parents => format!("; controlled by {}", parents.join(", ")),
            };
            let text = format!(
                "{}, {office}{parents}. Source: {}, read {}",
                operator.legal_name, operator.source, operator.checked
            );
            page.text(4, &text);
            if let Some(country) = operator.head_office.as_ref().filter(|_| !claim.fictional) {
                law(app, page, country);
            }
        }
        None => page.text(4, "operator not established"),
    }
    let (how, source, read) = (claim.confidence.name(), &claim.source, &claim.checked);
    let text = format!("pattern {} ({how}: {source}, read {read})", claim.pattern);
    page.styled(4, &text, app.theme.dim());
    for fact in claim.ownership.iter().take(ROWS_MAX) {
        let date = fact.date.as_deref().map(|date| format!("{date}: ")).unwrap_or_default();
        page.text(4, &format!("{date}{} ({}, read {})", fact.fact, fact.source, fact.checked));
    }
}

/// What stands beside the findings about the law of a head office; part of none of them.
fn law(app: &App, page: &mut Doc, country: &str) {
    let Some(model) = &app.model else { return };
    let all = &model.snapshot().annex.jurisdictions;
    let Some(known) = all.iter().find(|one| one.country == country) else { return };
    for law in &known.access_laws {
        page.text(4, &format!("law of {country}: {}, {}: {}", law.title, law.article, law.says));
        page.styled(6, &format!("{}, read {}", law.source, law.checked), app.theme.dim());
    }
    if let Some(reason) = &known.not_researched {
        page.text(4, &format!("law of {country}: access laws not researched: {reason}"));
    }
    page.text(4, &format!("EU transfer decision: {}", known.transfer));
}

fn place(app: &App, page: &mut Doc, remote: &Remote, spread: bool) {
    page.text(4, &place::place(remote, spread).long());
    for opinion in &remote.countries {
        page.styled(4, &format!("{} says {}", opinion.database, opinion.country), app.theme.dim());
    }
    for asn in &remote.networks {
        page.styled(4, &format!("AS{} {}", asn.number, asn.organisation), app.theme.dim());
    }
    if let Some(round_trip) = remote.round_trip_ns {
        page.text(4, &format!("round trip {}", span(round_trip)));
    }
    for excluded in &remote.excluded {
        let text = format!(
            "{} is excluded by the round-trip time: whatever answers is at most {} km away, {} \
             needed",
            excluded.country, excluded.farthest_km, excluded.least_km
        );
        page.styled(4, &text, app.theme.warn());
    }
}

fn more(page: &mut Doc, all: usize) {
    if all > ROWS_MAX {
        page.text(2, &format!("… and {} more; all are in --json", all - ROWS_MAX));
    }
}
