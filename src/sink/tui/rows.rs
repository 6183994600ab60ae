//! The lists of the screen: which rows a filter leaves, in which order.

use super::feed::Update;
use super::filter::{Amount, Field, Filter, Row};
use super::history::History;
use super::words::NOT_YET;
use crate::attribution::record::FlowRecord;
use crate::attribution::world::{Contact, Destination, Device, Party, Traffic, Zone};
use crate::base::address::Spelled;
use crate::base::table::Map;
use crate::finding::{Finding, Severity};
use crate::snapshot::{Coverage, Numbers, Snapshot};
use std::cmp::Reverse;
use std::sync::Arc;

/// A list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Contacts with the internet, for the overview.
    Who,
    /// Devices.
    Devices,
    /// Destinations.
    Destinations,
    /// Contacts.
    Contacts,
    /// Flows.
    Flows,
    /// Findings.
    Findings,
}

/// All lists, by their number.
pub const LISTS: [List; 6] =
    [List::Who, List::Devices, List::Destinations, List::Contacts, List::Flows, List::Findings];

impl List {
    /// Headings by which it can be sorted; the first is the usual one.
    pub fn sorts(self) -> &'static [&'static str] {
        match self {
            List::Who => &["bytes", "sent", "received", "device", "last"],
            List::Devices => &["bytes", "sent", "received", "sent/s", "device"],
            List::Destinations => &["bytes", "sent", "received", "destination"],
            List::Contacts => &["bytes", "sent", "received", "device", "destination", "last"],
            List::Flows => &["last", "bytes", "sent", "received", "device"],
            List::Findings => &["severity", "device", "destination"],
        }
    }
}

/// What is told beside the snapshot itself: worked out once for each.
pub struct Model {
    /// What it is about.
    pub update: Update,
    worst: Map<(Arc<str>, Arc<str>), Severity>,
    /// By device: worst finding, and contacts with the internet.
    of_device: Vec<(Option<Severity>, u32)>,
    /// By destination: worst finding, and devices.
    of_destination: Vec<(Option<Severity>, u32)>,
    /// Destinations on the internet, by their ids.
    destinations: Map<Arc<str>, u32>,
    /// Findings by severity, lowest first.
    pub severities: [usize; 4],
}

/// The worst finding about either end of a contact: that about a service is told of who offers it.
fn worst_of(worst: &Map<(Arc<str>, Arc<str>), Severity>, contact: &Contact) -> Option<Severity> {
    let of = |device: &Arc<str>, to: &Arc<str>| worst.get(&(device.clone(), to.clone())).copied();
    let (device, to) = (&contact.device, &contact.destination);
    of(device, to).max(of(to, device))
}

impl Model {
    /// Works it out.
    pub fn new(update: Update) -> Model {
        let snapshot = &update.snapshot;
        let mut worst: Map<(Arc<str>, Arc<str>), Severity> = Map::default();
        let mut severities = [0; 4];
        let mut of_device = vec![(None, 0); snapshot.devices.len()];
        let devices = snapshot.devices.iter().enumerate();
        let by_id: Map<&str, usize> = devices.map(|(at, device)| (&*device.id, at)).collect();
        for finding in &snapshot.findings {
            severities[finding.severity as usize] += 1;
            let key = (finding.subject.device.clone(), finding.subject.destination.clone());
            let known = worst.entry(key).or_insert(finding.severity);
            *known = (*known).max(finding.severity);
            if let Some(&at) = by_id.get(&*finding.subject.device) {
                of_device[at].0 = of_device[at].0.max(Some(finding.severity));
            }
        }
        let mut of_destination = vec![(None, 0); snapshot.destinations.len()];
        for contact in &snapshot.contacts {
            let severity = match worst.is_empty() {
                true => None,
                false => worst_of(&worst, contact),
            };
            if let Some((_, count)) = of_device.get_mut(contact.device_index) {
                *count += u32::from(contact.zone == Zone::Internet);
            }
            if let Some((known, count)) = of_destination.get_mut(contact.destination_index) {
                *known = severity.max(*known);
                *count += 1;
            }
        }
        drop(by_id);
        let internet = snapshot.destinations.iter().enumerate();
        let internet = internet.filter(|(_, to)| to.zone == Zone::Internet);
        let destinations = internet.map(|(at, to)| (to.id.clone(), at as u32)).collect();
        Model { update, worst, of_device, of_destination, destinations, severities }
    }

    /// A destination on the internet.
    pub fn destination_called(&self, id: &str) -> Option<&Destination> {
        let at = *self.destinations.get(id)?;
        self.snapshot().destinations.get(at as usize)
    }

    /// How much by now.
    pub fn numbers(&self) -> &Numbers {
        &self.update.numbers
    }

    /// What was inspected by now.
    pub fn coverage(&self) -> &Coverage {
        self.numbers().coverage.as_deref().unwrap_or(&self.snapshot().coverage)
    }

    /// A device, also one that is not looked up yet.
    pub fn device(&self, at: usize) -> Option<&Device> {
        self.snapshot().device(&self.numbers().fresh, at)
    }

    /// Likewise a destination.
    pub fn destination(&self, at: usize) -> Option<&Destination> {
        self.snapshot().destination(&self.numbers().fresh, at)
    }

    /// Likewise a contact.
    pub fn contact(&self, at: usize) -> Option<&Contact> {
        self.snapshot().contact(&self.numbers().fresh, at)
    }

    /// Whether a device came after the snapshot.
    pub fn is_fresh_device(&self, at: usize) -> bool {
        at >= self.snapshot().devices.len()
    }

    /// Whether a destination came after the snapshot, so that nothing is said of whose it is.
    pub fn is_fresh(&self, at: usize) -> bool {
        at >= self.snapshot().destinations.len()
    }

    /// The worst finding about a device, and its contacts with the internet.
    pub fn of_device(&self, at: usize) -> (Option<Severity>, usize) {
        let (worst, count) = self.of_device.get(at).copied().unwrap_or_default();
        let fresh = self.numbers().fresh.contacts.iter();
        let mine = |one: &&Arc<Contact>| one.device_index == at && one.zone == Zone::Internet;
        (worst, count as usize + fresh.filter(mine).count())
    }

    /// The worst finding about a destination, and its devices.
    pub fn of_destination(&self, at: usize) -> (Option<Severity>, usize) {
        let (worst, count) = self.of_destination.get(at).copied().unwrap_or_default();
        let fresh = self.numbers().fresh.contacts.iter();
        (worst, count as usize + fresh.filter(|one| one.destination_index == at).count())
    }

    /// What is said of whose a destination is and where, unless nobody has looked yet.
    pub fn told(&self, at: usize, say: impl Fn(&Destination) -> String) -> String {
        match self.destination(at) {
            Some(to) if self.is_fresh(at) && to.zone == Zone::Internet => NOT_YET.to_owned(),
            Some(to) => say(to),
            None => String::new(),
        }
    }

    /// How long ago, in capture time, names, places and findings were looked up.
    pub fn age(&self) -> i64 {
        let Numbers { now, looked, .. } = self.numbers();
        now.since(*looked).max(0)
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        &self.update.snapshot
    }

    /// The worst finding about a contact.
    pub fn worst(&self, contact: &Contact) -> Option<Severity> {
        worst_of(&self.worst, contact)
    }

    /// Positions of the rows that a filter leaves, in order.
    pub fn order(
        &self,
        list: List,
        filter: &Filter,
        (sort, turned): (usize, bool),
        history: &History,
    ) -> Vec<u32> {
        let sort = list.sorts()[sort % list.sorts().len()];
        let numbers = self.numbers();
        let all = |count: usize| 0..count as u32;
        let mut rows: Vec<u32> = match list {
            List::Who => all(numbers.contacts.len())
                .filter(|&row| {
                    self.contact(row as usize).is_some_and(|one| one.zone == Zone::Internet)
                        && self.passes(filter, row as usize)
                })
                .collect(),
            List::Contacts => all(numbers.contacts.len())
                .filter(|&row| self.passes(filter, row as usize))
                .collect(),
            List::Devices => {
                let count = numbers.devices.len();
                let some = self.of_contacts(filter, count, |c| c.device_index);
                let passes =
                    |row: usize| some[row] || filter.passes(&DeviceRow { model: self, row });
                all(count).filter(|&row| passes(row as usize)).collect()
            }
            List::Destinations => {
                let count = numbers.destinations.len();
                let some = self.of_contacts(filter, count, |c| c.destination_index);
                all(count).filter(|&row| some[row as usize]).collect()
            }
            List::Flows => all(self.update.flows.len())
                .filter(|&row| {
                    filter.is_empty() || filter.passes(&FlowRow(&self.update.flows[row as usize]))
                })
                .collect(),
            List::Findings => self.findings(filter),
        };
        self.sort(list, sort, &mut rows, history);
        if turned {
            rows.reverse();
        }
        rows
    }

    fn passes(&self, filter: &Filter, row: usize) -> bool {
        let passes = |contact| filter.passes(&ContactRow { model: self, row, contact });
        filter.is_empty() || self.contact(row).is_some_and(passes)
    }

    /// A device or destination is shown when one of its contacts is.
    fn of_contacts(
        &self,
        filter: &Filter,
        count: usize,
        owner: impl Fn(&Contact) -> usize,
    ) -> Vec<bool> {
        let mut some = vec![filter.is_empty(); count];
        if !filter.is_empty() {
            for row in 0..self.numbers().contacts.len() {
                let owner = self.contact(row).map_or(usize::MAX, &owner);
                if let Some(some) = some.get_mut(owner).filter(|some| !**some) {
                    *some = self.passes(filter, row);
                }
            }
        }
        some
    }

    fn findings(&self, filter: &Filter) -> Vec<u32> {
        let snapshot = self.snapshot();
        let all = 0..snapshot.findings.len() as u32;
        if filter.is_empty() {
            return all.collect();
        }
        let contacts = snapshot.contacts.iter().enumerate();
        let contacts: Map<(&str, &str), (usize, &Contact)> = contacts
            .map(|(row, contact)| ((&*contact.device, &*contact.destination), (row, contact)))
            .collect();
        all.filter(|&row| {
            let finding = &snapshot.findings[row as usize];
            let subject = &finding.subject;
            let (device, to) = (&*subject.device, &*subject.destination);
            let turned = || contacts.get(&(to, device));
            let contact = contacts.get(&(device, to)).or_else(turned);
            filter.passes(&FindingRow {
                finding,
                contact: contact.map(|&(row, contact)| ContactRow { model: self, row, contact }),
            })
        })
        .collect()
    }

    fn sort(&self, list: List, sort: &str, rows: &mut [u32], history: &History) {
        let (snapshot, numbers) = (self.snapshot(), self.numbers());
        let title = |at: usize| self.device(at).map(|device| device.title()).unwrap_or_default();
        let amount = |traffic: &Traffic| {
            let [sent, received] = traffic.delivered_bytes;
            Reverse(match sort {
                "sent" => sent,
                "received" => received,
                _ => traffic.wire(),
            })
        };
        match (list, sort) {
            (List::Who | List::Contacts, "device" | "destination") => {
                rows.sort_by_cached_key(|&row| match (self.contact(row as usize), sort) {
                    (Some(contact), "device") => title(contact.device_index),
                    (Some(contact), _) => contact.destination.to_string(),
                    (None, _) => String::new(),
                });
            }
            (List::Who | List::Contacts, "last") => {
                rows.sort_by_cached_key(|&row| Reverse(numbers.contacts[row as usize].last));
            }
            (List::Who | List::Contacts, _) => {
                rows.sort_by_cached_key(|&row| amount(&numbers.contacts[row as usize].traffic));
            }
            (List::Devices, "device") => {
                rows.sort_by_cached_key(|&row| title(row as usize));
            }
            (List::Devices, "sent/s") => rows.sort_by_cached_key(|&row| {
                let id = self.device(row as usize).map(|device| &*device.id);
                Reverse(id.map_or(0, |id| history.rate(Some(id))[0] as u64))
            }),
            // Gateways stay last: what passes through them is not theirs.
            (List::Devices, _) => rows.sort_by_cached_key(|&row| {
                let role = self.device(row as usize).map(|device| device.role);
                (role == Some("gateway"), amount(&numbers.devices[row as usize].internet))
            }),
            (List::Destinations, "destination") => {
                rows.sort_by(|&a, &b| {
                    let id = |row: u32| self.destination(row as usize).map(|to| &to.id);
                    id(a).cmp(&id(b))
                });
            }
            (List::Destinations, _) => rows.sort_by_cached_key(|&row| {
                let zone = self.destination(row as usize).map(|to| to.zone);
                (zone, amount(&numbers.destinations[row as usize]))
            }),
            (List::Flows, _) => {
                let flows = &self.update.flows;
                rows.sort_by_cached_key(|&row| {
                    let flow = &flows[row as usize];
                    let [sent, received] = flow.delivered_bytes;
                    let number = match sort {
                        "sent" => sent as i64,
                        "received" => received as i64,
                        "bytes" => flow.wire_bytes.iter().sum::<u64>() as i64,
                        "device" => 0,
                        _ => flow.last.0,
                    };
                    let device = if sort == "device" { flow.device.clone() } else { String::new() };
                    (device, Reverse(number), flow.frames[0])
                });
            }
            (List::Findings, "device") => rows.sort_by(|&a, &b| {
                let device = |row: u32| &snapshot.findings[row as usize].subject.device;
                device(a).cmp(device(b))
            }),
            (List::Findings, "destination") => rows.sort_by(|&a, &b| {
                let to = |row: u32| &snapshot.findings[row as usize].subject.destination;
                to(a).cmp(to(b))
            }),
            (List::Findings, _) => {}
        }
    }

    /// What a row is known by, whatever its place.
    pub fn key(&self, list: List, row: u32) -> String {
        let (snapshot, row) = (self.snapshot(), row as usize);
        match list {
            List::Who | List::Contacts => {
                let mark = |contact: &Contact| fresh(self.is_fresh(contact.destination_index));
                self.contact(row)
                    .map(|one| format!("{} {}{}", one.device, one.destination, mark(one)))
            }
            List::Devices => self.device(row).map(|device| device.id.to_string()),
            List::Destinations => self
                .destination(row)
                .map(|to| format!("{:?} {}{}", to.zone, to.id, fresh(self.is_fresh(row)))),
            List::Flows => self.update.flows.get(row).map(|flow| flow.frames[0].to_string()),
            List::Findings => snapshot.findings.get(row).map(|finding| finding.key.clone()),
        }
        .unwrap_or_default()
    }

    /// Whether a row holds the text that is searched for.
    pub fn holds(&self, list: List, row: u32, filter: &Filter) -> bool {
        let (snapshot, row) = (self.snapshot(), row as usize);
        match list {
            List::Who | List::Contacts => self
                .contact(row)
                .is_some_and(|contact| filter.passes(&ContactRow { model: self, row, contact })),
            List::Devices => filter.passes(&DeviceRow { model: self, row }),
            List::Destinations => filter.passes(&DestinationRow { model: self, row }),
            List::Flows => {
                self.update.flows.get(row).is_some_and(|flow| filter.passes(&FlowRow(flow)))
            }
            List::Findings => snapshot
                .findings
                .get(row)
                .is_some_and(|finding| filter.passes(&FindingRow { finding, contact: None })),
        }
    }
}

/// What tells a destination that is not looked up yet from one of the same domain that is.
fn fresh(is_fresh: bool) -> &'static str {
    if is_fresh { " new" } else { "" }
}

struct DeviceRow<'a> {
    model: &'a Model,
    row: usize,
}

impl Row for DeviceRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let Some(device) = self.model.device(self.row) else { return false };
        match field {
            Field::Device => {
                wanted(&device.id)
                    || device.label.as_deref().is_some_and(&mut *wanted)
                    || device.maker.as_ref().is_some_and(|maker| wanted(&maker.name))
                    || device.identities.iter().any(|said| wanted(&said.value.text))
            }
            Field::Address => {
                device.addresses.iter().any(|seen| wanted(&Spelled(seen.address).to_string()))
            }
            _ => false,
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        let flows = self.model.device(self.row)?.visibility.flows;
        let numbers = &self.model.numbers().devices;
        self::amount(&numbers[self.row].internet, Some(flows), amount)
    }
}

struct DestinationRow<'a> {
    model: &'a Model,
    row: usize,
}

impl Row for DestinationRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let Some(to) = self.model.destination(self.row) else { return false };
        match field {
            Field::Destination => {
                wanted(&to.id) || to.names.iter().any(|seen| wanted(&seen.name.text))
            }
            Field::Operator => to.claims.iter().any(|claim| {
                wanted(&claim.name)
                    || claim.operator.as_ref().is_some_and(|operator| {
                        wanted(&operator.legal_name)
                            || operator.parents.iter().any(|parent| wanted(parent))
                    })
            }),
            Field::Law => super::words::laws(to).into_iter().any(wanted),
            Field::Country => to
                .remotes
                .iter()
                .flat_map(|remote| &remote.countries)
                .any(|opinion| wanted(opinion.country.as_str())),
            Field::Network => {
                // Neighbours are mostly in the same network, and a number costs a format.
                let mut before = None;
                to.remotes.iter().flat_map(|remote| &remote.networks).any(|asn| {
                    let same = before.replace(asn.number) == Some(asn.number);
                    !same && (wanted(&asn.organisation) || wanted(&format!("AS{}", asn.number)))
                })
            }
            Field::Address => {
                to.remotes.iter().any(|remote| wanted(&Spelled(remote.address).to_string()))
            }
            Field::Zone => wanted(zone(to.zone)),
            _ => false,
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        self::amount(&self.model.numbers().destinations[self.row], None, amount)
    }
}

struct ContactRow<'a> {
    model: &'a Model,
    row: usize,
    contact: &'a Contact,
}

impl Row for ContactRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let (contact, model) = (self.contact, self.model);
        let services = &contact.services;
        match field {
            Field::Device => DeviceRow { model, row: contact.device_index }.has(field, wanted),
            // Only what this device met of the destination.
            Field::Destination => {
                wanted(&contact.destination)
                    || contact.hosts.iter().flat_map(|h| &h.name).any(|name| wanted(&name.text))
            }
            Field::Address => contact
                .hosts
                .iter()
                .flat_map(|host| &host.addresses)
                .any(|&address| wanted(&Spelled(address).to_string())),
            Field::Protocol => {
                services.iter().any(|service| wanted(service.protocol) || wanted(&service.proto))
            }
            Field::Port => services
                .iter()
                .any(|service| service.port.is_some_and(|port| wanted(&port.to_string()))),
            Field::Content => services.iter().any(|service| wanted(service.content)),
            Field::Party => wanted(party(contact.party)),
            Field::Severity => {
                self.model.worst(contact).is_some_and(|severity| wanted(severity.name()))
            }
            Field::Finding | Field::Level => false,
            Field::Operator | Field::Law | Field::Country | Field::Network | Field::Zone => {
                DestinationRow { model, row: contact.destination_index }.has(field, wanted)
            }
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        let now = &self.model.numbers().contacts[self.row];
        self::amount(&now.traffic, Some(now.flows), amount)
    }
}

struct FlowRow<'a>(&'a FlowRecord);

impl Row for FlowRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let flow = self.0;
        match field {
            Field::Device => wanted(&flow.device),
            Field::Destination => {
                flow.destination.as_deref().is_some_and(&mut *wanted)
                    || flow.names.iter().any(|seen| wanted(&seen.name.text))
            }
            Field::Country => flow.countries.iter().any(|opinion| wanted(opinion.country.as_str())),
            Field::Network => flow
                .asn
                .iter()
                .any(|asn| wanted(&asn.organisation) || wanted(&format!("AS{}", asn.number))),
            Field::Address => {
                [flow.src, flow.dst].into_iter().any(|end| wanted(&Spelled(end).to_string()))
            }
            Field::Protocol => wanted(flow.label.protocol) || wanted(&flow.proto),
            Field::Port => {
                [flow.src_port, flow.dst_port].iter().flatten().any(|p| wanted(&p.to_string()))
            }
            Field::Content => wanted(flow.label.content),
            _ => false,
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        let flow = self.0;
        Some(match amount {
            Amount::Bytes => flow.wire_bytes.iter().sum(),
            Amount::Sent => flow.delivered_bytes[0],
            Amount::Received => flow.delivered_bytes[1],
            Amount::Flows => 1,
            Amount::Packets => flow.packets.iter().sum(),
        })
    }
}

struct FindingRow<'a> {
    finding: &'a Finding,
    contact: Option<ContactRow<'a>>,
}

impl Row for FindingRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let finding = self.finding;
        match field {
            Field::Severity => wanted(finding.severity.name()),
            Field::Level => wanted(finding.level.name()),
            Field::Finding => wanted(finding.id) || wanted(finding.title),
            Field::Device if wanted(&finding.subject.device) => true,
            Field::Destination if wanted(&finding.subject.destination) => true,
            _ => self.contact.as_ref().is_some_and(|contact| contact.has(field, wanted)),
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        self.contact.as_ref()?.amount(amount)
    }
}

fn amount(traffic: &Traffic, flows: Option<u64>, amount: Amount) -> Option<u64> {
    match amount {
        Amount::Bytes => Some(traffic.wire()),
        Amount::Sent => Some(traffic.delivered_bytes[0]),
        Amount::Received => Some(traffic.delivered_bytes[1]),
        Amount::Flows => flows,
        Amount::Packets => Some(traffic.packets.iter().sum()),
    }
}

/// The word for a zone.
pub fn zone(zone: Zone) -> &'static str {
    match zone {
        Zone::Internet => "internet",
        Zone::Private => "private",
        Zone::Group => "group",
    }
}

/// The word for a party.
pub fn party(party: Party) -> &'static str {
    match party {
        Party::First => "first",
        Party::Support => "support",
        Party::Third => "third",
        Party::Unknown => "unknown",
    }
}
