//! The lists, held against the plain way to make them: every row asked every time, texts compared as texts.

use super::super::feed::Update;
use super::super::fields::{ContactRow, DeviceRow, FindingRow, FlowRow};
use super::super::filter::Filter;
use super::super::history::History;
use super::super::model::{Model, Ready};
use super::super::rows::{LISTS, List};
use super::super::sieve::Sieve;
use super::fixture;
use crate::attribution::world::{Contact, Fresh, Host, Traffic, Zone};
use crate::base::time::Timestamp;
use crate::finding::Severity;
use crate::snapshot::{ContactNow, DeviceNow, Numbers};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

const FILTERS: [&str; 26] = [
    "",
    "a",
    "tuya",
    "-tuya -amazon",
    "example out>100",
    "192.168",
    "::",
    "53",
    "443 tls",
    "port:443",
    "-port:443",
    "dest:e",
    "dest:no-such-name",
    "addr:1.",
    "addr:host",
    "net:AS1",
    "country:NL",
    "law:US",
    "operator:a -law:CN",
    "zone:private",
    "party:unknown sev:info",
    "sev:low",
    "finding:cloud",
    "device:02 in>1k",
    "bytes>1k flows<9 packets>2",
    "unknown",
];

fn worst(model: &Model, contact: &Contact) -> Option<Severity> {
    let (device, to) = (&contact.device, &contact.destination);
    let findings = model.snapshot().findings.iter().filter(|finding| {
        let subject = &finding.subject;
        (&subject.device, &subject.destination) == (device, to)
            || (&subject.device, &subject.destination) == (to, device)
    });
    findings.map(|finding| finding.severity).max()
}

/// The plain way.
fn plain(model: &Model, list: List, filter: &Filter, sort: &str, history: &History) -> Vec<u32> {
    let (snapshot, numbers) = (model.snapshot(), model.numbers());
    let contact = |row: usize| {
        let contact = model.contact(row).unwrap();
        filter.is_empty() || filter.passes(&ContactRow { model, row, contact })
    };
    let some = |of: &dyn Fn(&Contact) -> usize, at: usize| {
        let mut all = 0..numbers.contacts.len();
        filter.is_empty() || all.any(|row| of(model.contact(row).unwrap()) == at && contact(row))
    };
    let count = match list {
        List::Who | List::Contacts => numbers.contacts.len(),
        List::Devices => numbers.devices.len(),
        List::Destinations => numbers.destinations.len(),
        List::Flows => model.update().flows.len(),
        List::Findings => snapshot.findings.len(),
    };
    let by_ends: HashMap<(&str, &str), usize> = snapshot
        .contacts
        .iter()
        .enumerate()
        .map(|(row, one)| ((&*one.device, &*one.destination), row))
        .collect();
    let passes = |row: usize| match list {
        List::Who => model.contact(row).unwrap().zone == Zone::Internet && contact(row),
        List::Contacts => contact(row),
        List::Devices => {
            some(&|one| one.device_index, row) || filter.passes(&DeviceRow { model, row })
        }
        List::Destinations => some(&|one| one.destination_index, row),
        List::Flows => filter.passes(&FlowRow(&model.update().flows[row])),
        List::Findings => {
            let finding = &snapshot.findings[row];
            let (device, to) = (&*finding.subject.device, &*finding.subject.destination);
            let row = by_ends.get(&(device, to)).or_else(|| by_ends.get(&(to, device)));
            let contact = row.map(|&row| {
                let contact = model.contact(row).unwrap();
                ContactRow { model, row, contact }
            });
            filter.passes(&FindingRow { finding, contact })
        }
    };
    let mut rows: Vec<u32> = (0..count).filter(|&row| passes(row)).map(|row| row as u32).collect();
    let amount = |traffic: &Traffic| {
        Reverse(match sort {
            "sent" => traffic.delivered_bytes[0],
            "received" => traffic.delivered_bytes[1],
            _ => traffic.wire(),
        })
    };
    let title = |at: usize| model.device(at).unwrap().title();
    rows.sort_by_key(|&row| {
        let row = row as usize;
        let (mut text, mut zone, mut gateway, mut number, mut frame) =
            (String::new(), None, false, Reverse(0), 0);
        match (list, sort) {
            (List::Who | List::Contacts, "device") => {
                text = title(model.contact(row).unwrap().device_index);
            }
            (List::Who | List::Contacts, "destination") => {
                text = model.contact(row).unwrap().destination.to_string();
            }
            (List::Who | List::Contacts, "last") => {
                number = Reverse(numbers.contacts[row].last.0 as u64);
            }
            (List::Who | List::Contacts, _) => number = amount(&numbers.contacts[row].traffic),
            (List::Devices, "device") => text = title(row),
            (List::Devices, "sent/s") => {
                let id = &model.device(row).unwrap().id;
                number = Reverse(history.rate(Some(id))[0] as u64);
            }
            (List::Devices, _) => {
                gateway = model.device(row).unwrap().role == "gateway";
                number = amount(&numbers.devices[row].internet);
            }
            (List::Destinations, "destination") => {
                text = model.destination(row).unwrap().id.to_string();
            }
            (List::Destinations, _) => {
                zone = Some(model.destination(row).unwrap().zone);
                number = amount(&numbers.destinations[row]);
            }
            (List::Flows, _) => {
                let flow = &model.update().flows[row];
                frame = flow.frames[0];
                match sort {
                    "device" => text = flow.device.clone(),
                    "sent" => number = Reverse(flow.delivered_bytes[0]),
                    "received" => number = Reverse(flow.delivered_bytes[1]),
                    "bytes" => number = Reverse(flow.wire_bytes.iter().sum()),
                    _ => number = Reverse(flow.last.0 as u64),
                }
            }
            (List::Findings, "device") => text = snapshot.findings[row].subject.device.to_string(),
            (List::Findings, "destination") => {
                text = snapshot.findings[row].subject.destination.to_string();
            }
            (List::Findings, _) => {}
        }
        (text, gateway, zone, number, frame)
    });
    rows
}

/// Numbers that look drawn.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn traffic(&mut self) -> Traffic {
        // Few different amounts, so that many are the same.
        let mut pair = || [self.below(4) as u64 * 700, self.below(3) as u64 * 900];
        Traffic { packets: pair(), wire_bytes: pair(), delivered_bytes: pair() }
    }
}

/// A snapshot of parts of the one made by hand, put together anew, and who came since.
fn drawn(seed: u64) -> (Update, Update) {
    let mut draw = Drawn(seed);
    let mut update = fixture::update(&str::to_owned);
    let mut snapshot = fixture::snapshot(&str::to_owned);
    let (devices, destinations) = (snapshot.devices.clone(), snapshot.destinations.clone());
    let (contacts, findings) = (snapshot.contacts.clone(), snapshot.findings.clone());
    let names = ["b", "a", "example", "a-name-that-is-long-1", "a-name-that-is-long-0", "Tuya"];
    let device = |draw: &mut Drawn, at: usize| {
        let mut device = draw.one(&devices);
        device.id = format!("mac:02:00:00:00:00:{at:02x}").into();
        device.role = draw.one(&["device", "device", "gateway"]);
        device.label = (draw.below(2) > 0).then(|| draw.one(&names).to_owned());
        (device.internet, device.private) = (draw.traffic(), draw.traffic());
        device
    };
    let destination = |draw: &mut Drawn, at: usize| {
        let mut to = draw.one(&destinations);
        to.zone = draw.one(&[Zone::Internet, Zone::Internet, Zone::Private, Zone::Group]);
        to.id = format!("{}{}", draw.one(&names), at / 2).into();
        // One that is a device too, as a service on the test network is.
        if at < 3 {
            (to.zone, to.id) = (Zone::Private, format!("mac:02:00:00:00:00:{at:02x}").into());
        }
        to.traffic = draw.traffic();
        to
    };
    snapshot.devices = (0..12).map(|at| device(&mut draw, at)).collect();
    snapshot.destinations = (0..20).map(|at| destination(&mut draw, at)).collect();
    snapshot.destinations.sort_by(|a, b| (a.zone, &a.id).cmp(&(b.zone, &b.id)));
    snapshot.destinations.dedup_by(|a, b| (a.zone, &a.id) == (b.zone, &b.id));
    let mut all_devices = snapshot.devices.clone();
    let mut all_destinations = snapshot.destinations.clone();
    all_devices.extend((0..3).map(|at| device(&mut draw, 100 + at)));
    all_destinations.extend((0..6).map(|at| destination(&mut draw, 10 + 3 * at)));
    let contact = |draw: &mut Drawn, (device_index, destination_index): (usize, usize)| {
        let (device, to) = (&all_devices[device_index], &all_destinations[destination_index]);
        let mut contact = draw.one(&contacts);
        (contact.device, contact.destination) = (device.id.clone(), to.id.clone());
        contact.zone = to.zone;
        contact.services = draw.one(&contacts).services;
        contact.party = draw.one(&contacts).party;
        contact.hosts = (0..draw.below(3))
            .map(|_| Host {
                name: (!to.names.is_empty() && draw.below(2) > 0).then(|| draw.one(&to.names).name),
                addresses: match &to.remotes[..] {
                    [] => Vec::new(),
                    some => vec![draw.one(some).address],
                },
                ..contacts[0].hosts[0].clone()
            })
            .collect();
        (contact.device_index, contact.destination_index) = (device_index, destination_index);
        (contact.traffic, contact.flows) = (draw.traffic(), draw.below(20) as u64);
        contact.last = Timestamp(draw.below(5) as i64);
        contact
    };
    let (known, known_to) = (snapshot.devices.len(), snapshot.destinations.len());
    let mut ends: Vec<(usize, usize)> =
        (0..80).map(|_| (draw.below(known), draw.below(known_to))).collect();
    ends.sort_unstable();
    ends.dedup();
    snapshot.contacts = ends.iter().map(|&ends| contact(&mut draw, ends)).collect();
    snapshot.findings = (0..60)
        .map(|at| {
            let mut finding = draw.one(&findings);
            finding.key = format!("{at:016x}");
            finding.severity = draw.one(&findings).severity;
            let (device, to) =
                (draw.one(&all_devices).id.clone(), draw.one(&all_destinations).id.clone());
            finding.subject.device = if draw.below(4) > 0 { device.clone() } else { to.clone() };
            finding.subject.destination = if draw.below(4) > 0 { to } else { device };
            finding
        })
        .collect();
    let snapshot = Arc::new(snapshot);
    let numbers = Arc::new(Numbers::of(&snapshot));
    (update.snapshot, update.numbers) = (snapshot.clone(), numbers.clone());
    // Later there is more of some, and somebody came.
    let mut later = (*numbers).clone();
    for at in (0..later.contacts.len()).step_by(3) {
        later.contacts.get_mut(at).unwrap().traffic = draw.traffic();
    }
    let new = |known: usize, all: usize, draw: &mut Drawn| match draw.below(3) {
        0 => draw.below(known),
        _ => known + draw.below(all - known),
    };
    let fresh: Vec<Contact> = (0..15)
        .map(|_| {
            let ends = (
                new(known, all_devices.len(), &mut draw),
                new(known_to, all_destinations.len(), &mut draw),
            );
            contact(&mut draw, ends)
        })
        .collect();
    later.devices.grow(all_devices.len());
    for (at, device) in all_devices.iter().enumerate().skip(known) {
        *later.devices.get_mut(at).unwrap() = DeviceNow::from(device);
    }
    later.destinations.grow(all_destinations.len());
    for (at, to) in all_destinations.iter().enumerate().skip(known_to) {
        *later.destinations.get_mut(at).unwrap() = to.traffic;
    }
    later.contacts.grow(snapshot.contacts.len() + fresh.len());
    for (at, one) in fresh.iter().enumerate() {
        *later.contacts.get_mut(snapshot.contacts.len() + at).unwrap() = ContactNow::from(one);
    }
    later.fresh = Arc::new(Fresh {
        devices: all_devices[known..].iter().cloned().map(Arc::new).collect(),
        destinations: all_destinations[known_to..].iter().cloned().map(Arc::new).collect(),
        contacts: fresh.into_iter().map(Arc::new).collect(),
        more: 0,
    });
    let next = Update { numbers: Arc::new(later), ..update.clone() };
    (update, next)
}

#[test]
fn every_list_is_as_the_plain_way_makes_it() {
    let mut all = vec![fixture::update(&str::to_owned)];
    for seed in 0..12 {
        let (first, later) = drawn(seed);
        all.extend([first, later]);
    }
    let mut history = History::default();
    let (mut compared, mut severe) = (0, 0);
    let mut before: Option<Ready> = None;
    let mut sieves: Vec<Sieve> = Vec::new();
    for (at, update) in all.into_iter().enumerate() {
        let ids = update.snapshot.devices.iter().map(|device| &device.id);
        let now = update.numbers.devices.iter().map(|now| now.internet.delivered_bytes);
        history.add(Timestamp(0), Timestamp(at as i64 * 5_000_000_000), ids.zip(now));
        let ready = Ready::of(update, before.as_ref(), &Filter::default());
        // As on the screen, what is remembered of a filter lasts as long as the snapshot.
        let snapshot = &ready.update.snapshot;
        if !before.is_some_and(|before| Arc::ptr_eq(&before.update.snapshot, snapshot)) {
            sieves = FILTERS.map(|text| Filter::parse(text).unwrap().into()).into();
        }
        before = Some(ready.clone());
        // And half of them are asked beforehand, as is done beside the screen.
        let model = Model(ready);
        if at % 2 == 0 {
            sieves.iter_mut().for_each(|sieve| sieve.fill(&model));
        }
        for row in 0..model.numbers().contacts.len() {
            let worst = worst(&model, model.contact(row).unwrap());
            assert_eq!(model.worst(row), worst);
            severe += usize::from(worst.is_some());
        }
        for list in LISTS {
            for (sort, name) in list.sorts().iter().enumerate() {
                for (text, sieve) in FILTERS.iter().zip(&mut sieves) {
                    let filter = Filter::parse(text).unwrap();
                    let mut expected = plain(&model, list, &filter, name, &history);
                    let found = model.order(list, sieve, (sort, false), &history);
                    assert_eq!(found, expected, "{list:?} by {name}, filter {text:?}, update {at}");
                    expected.reverse();
                    let turned = model.order(list, sieve, (sort, true), &history);
                    assert_eq!(turned, expected, "{list:?} by {name}, turned, filter {text:?}");
                    compared += usize::from(!text.is_empty() && !found.is_empty());
                    for row in found {
                        let key = model.key(list, row);
                        assert!(model.is_known_by(list, row, &key), "{key}");
                        assert!(!model.is_known_by(list, row, &format!("{key}x")), "{key}");
                    }
                }
            }
        }
    }
    assert!(compared > 3_000 && severe > 100, "{compared} {severe}");
}
