//! The lists of the screen: which rows a filter leaves, in which order.

use super::fields::{DestinationRow, DeviceRow, FindingRow, FlowRow};
use super::history::History;
use super::model::Model;
use super::sieve::Sieve;
use crate::attribution::world::{Contact, Traffic, Zone};
use std::cmp::Reverse;

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

impl Model {
    /// Positions of the rows that a filter leaves, in order.
    pub fn order(
        &self,
        list: List,
        sieve: &mut Sieve,
        (sort, turned): (usize, bool),
        history: &History,
    ) -> Vec<u32> {
        let sort = list.sorts()[sort % list.sorts().len()];
        let mut rows = self.passing(list, sieve);
        self.sort(list, sort, &mut rows, history);
        if turned {
            rows.reverse();
        }
        rows
    }

    fn passing(&self, list: List, sieve: &mut Sieve) -> Vec<u32> {
        let numbers = self.numbers();
        let all = |count: usize| 0..count as u32;
        match list {
            List::Who => all(numbers.contacts.len())
                .filter(|&row| {
                    self.contact(row as usize).is_some_and(|one| one.zone == Zone::Internet)
                        && sieve.passes(self, row as usize)
                })
                .collect(),
            List::Contacts => all(numbers.contacts.len())
                .filter(|&row| sieve.passes(self, row as usize))
                .collect(),
            List::Devices => {
                let count = numbers.devices.len();
                let some = self.of_contacts(sieve, count, |c| c.device_index);
                let filter = sieve.filter();
                let passes =
                    |row: usize| some[row] || filter.passes(&DeviceRow { model: self, row });
                all(count).filter(|&row| passes(row as usize)).collect()
            }
            List::Destinations => {
                let count = numbers.destinations.len();
                let some = self.of_contacts(sieve, count, |c| c.destination_index);
                all(count).filter(|&row| some[row as usize]).collect()
            }
            List::Flows => {
                let count = self.update().flows.len();
                all(count).filter(|&row| sieve.passes_flow(self, row as usize)).collect()
            }
            List::Findings => {
                let count = self.snapshot().findings.len();
                all(count).filter(|&row| sieve.passes_finding(self, row as usize)).collect()
            }
        }
    }

    /// A device or destination is shown when one of its contacts is.
    fn of_contacts(
        &self,
        sieve: &mut Sieve,
        count: usize,
        owner: impl Fn(&Contact) -> usize,
    ) -> Vec<bool> {
        let mut some = vec![sieve.filter().is_empty(); count];
        if !sieve.filter().is_empty() {
            for row in 0..self.numbers().contacts.len() {
                let owner = self.contact(row).map_or(usize::MAX, &owner);
                if let Some(some) = some.get_mut(owner).filter(|some| !**some) {
                    *some = sieve.passes(self, row);
                }
            }
        }
        some
    }

    fn sort(&self, list: List, sort: &str, rows: &mut Vec<u32>, history: &History) {
        let (snapshot, numbers) = (self.snapshot(), self.numbers());
        let amount = |traffic: &Traffic| {
            let [sent, received] = traffic.delivered_bytes;
            Reverse(match sort {
                "sent" => sent,
                "received" => received,
                _ => traffic.wire(),
            })
        };
        match (list, sort) {
            (List::Who | List::Contacts, "device") => {
                let titles = self.titles();
                by(rows, |row| self.contact(row).map_or(0, |one| titles(one.device_index)));
            }
            (List::Who | List::Contacts, "destination") => {
                let ids = self.ids();
                by(rows, |row| self.contact(row).map_or(0, |one| ids(one.destination_index)));
            }
            (List::Who | List::Contacts, "last") => {
                by(rows, |row| Reverse(numbers.contacts[row].last));
            }
            (List::Who | List::Contacts, _) => {
                by(rows, |row| amount(&numbers.contacts[row].traffic));
            }
            (List::Devices, "device") => {
                by(rows, self.titles());
            }
            (List::Devices, "sent/s") => by(rows, |row| {
                let id = self.device(row).map(|device| &*device.id);
                Reverse(id.map_or(0, |id| history.rate(Some(id))[0] as u64))
            }),
            // Gateways stay last: what passes through them is not theirs.
            (List::Devices, _) => by(rows, |row| {
                let role = self.device(row).map(|device| device.role);
                (role == Some("gateway"), amount(&numbers.devices[row].internet))
            }),
            (List::Destinations, "destination") => {
                by(rows, self.ids());
            }
            (List::Destinations, _) => by(rows, |row| {
                let zone = self.destination(row).map(|to| to.zone);
                (zone, amount(&numbers.destinations[row]))
            }),
            (List::Flows, _) => {
                let flows = &self.update().flows;
                by(rows, |row| {
                    let flow = &flows[row];
                    let [sent, received] = flow.delivered_bytes;
                    let number = match sort {
                        "sent" => sent as i64,
                        "received" => received as i64,
                        "bytes" => flow.wire_bytes.iter().sum::<u64>() as i64,
                        "device" => 0,
                        _ => flow.last.0,
                    };
                    let device = if sort == "device" { flow.device.as_str() } else { "" };
                    (device, Reverse(number), flow.frames[0])
                });
            }
            (List::Findings, "device") => {
                by(rows, |row| &*snapshot.findings[row].subject.device);
            }
            (List::Findings, "destination") => {
                by(rows, |row| &*snapshot.findings[row].subject.destination);
            }
            (List::Findings, _) => {}
        }
    }

    /// The order of the titles of all devices, those that came after the snapshot included.
    fn titles(&self) -> impl Fn(usize) -> u64 {
        let (known, ranks) = (&self.snapshot().devices, &self.facts().titles);
        let new = self.numbers().fresh.devices.iter().map(|device| device.title());
        let new = ranks.places_of(&new.collect::<Vec<_>>(), |at| known[at].title());
        move |at| ranks.place(at).or_else(|| new.get(at - known.len()).copied()).unwrap_or(0)
    }

    /// The order of the ids of all destinations.
    fn ids(&self) -> impl Fn(usize) -> u64 {
        let (known, ranks) = (&self.snapshot().destinations, &self.facts().ids);
        let new: Vec<&str> = self.numbers().fresh.destinations.iter().map(|to| &*to.id).collect();
        let new = ranks.places_of(&new, |at| &*known[at].id);
        move |at| ranks.place(at).or_else(|| new.get(at - known.len()).copied()).unwrap_or(0)
    }

    /// Whether a row is known by this key, without making its own.
    pub fn is_known_by(&self, list: List, row: u32, key: &str) -> bool {
        let row = row as usize;
        match list {
            List::Who | List::Contacts => self.contact(row).is_some_and(|one| {
                let mark = fresh(self.is_fresh(one.destination_index));
                let (device, to) = (&*one.device, &*one.destination);
                key.len() == device.len() + 1 + to.len() + mark.len()
                    && is_joined(key, [device, " ", to, mark])
            }),
            List::Devices => self.device(row).is_some_and(|device| *device.id == *key),
            List::Destinations => self.destination(row).is_some_and(|to| {
                is_joined(key, [zone_key(to.zone), " ", &to.id, fresh(self.is_fresh(row))])
            }),
            List::Flows => {
                let flow = self.update().flows.get(row);
                flow.is_some_and(|flow| key.parse() == Ok(flow.frames[0]))
            }
            List::Findings => {
                self.snapshot().findings.get(row).is_some_and(|finding| finding.key == *key)
            }
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
                .map(|to| format!("{} {}{}", zone_key(to.zone), to.id, fresh(self.is_fresh(row)))),
            List::Flows => self.update().flows.get(row).map(|flow| flow.frames[0].to_string()),
            List::Findings => snapshot.findings.get(row).map(|finding| finding.key.clone()),
        }
        .unwrap_or_default()
    }

    /// Whether a row holds the text that is searched for.
    pub fn holds(&self, list: List, row: u32, sieve: &mut Sieve) -> bool {
        let (snapshot, row) = (self.snapshot(), row as usize);
        let filter = sieve.filter();
        match list {
            List::Who | List::Contacts => sieve.passes(self, row),
            List::Devices => filter.passes(&DeviceRow { model: self, row }),
            List::Destinations => filter.passes(&DestinationRow { model: self, row }),
            List::Flows => {
                self.update().flows.get(row).is_some_and(|flow| filter.passes(&FlowRow(flow)))
            }
            List::Findings => snapshot
                .findings
                .get(row)
                .is_some_and(|finding| filter.passes(&FindingRow { finding, contact: None })),
        }
    }
}

/// Brings rows that stand as they are numbered into the order of a key; those of one key stay so.
fn by<K: Ord>(rows: &mut Vec<u32>, key: impl Fn(usize) -> K) {
    let mut keyed: Vec<(K, u32)> = rows.iter().map(|&row| (key(row as usize), row)).collect();
    keyed.sort_unstable();
    rows.clear();
    rows.extend(keyed.into_iter().map(|(_, row)| row));
}

/// What a zone is called in the key of a row.
pub fn zone_key(zone: Zone) -> &'static str {
    match zone {
        Zone::Internet => "Internet",
        Zone::Private => "Private",
        Zone::Group => "Group",
    }
}

/// Whether a text is these parts, one behind the other.
fn is_joined<const N: usize>(text: &str, parts: [&str; N]) -> bool {
    let rest = parts.into_iter().try_fold(text, |rest, part| rest.strip_prefix(part));
    rest.is_some_and(str::is_empty)
}

/// What tells a destination that is not looked up yet from one of the same domain that is.
fn fresh(is_fresh: bool) -> &'static str {
    if is_fresh { " new" } else { "" }
}
