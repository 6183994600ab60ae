//! What the screen knows beside the snapshot itself: worked out once for each, in one walk over it.

use super::feed::Update;
use super::filter::Filter;
use super::ranks::Ranks;
use super::sieve::Sieve;
use super::words::NOT_YET;
use crate::attribution::world::{Contact, Destination, Device, Zone};
use crate::base::table::{BuildHasher, Map};
use crate::finding::{Finding, Severity};
use crate::snapshot::{Coverage, Numbers, Snapshot};
use hashbrown::HashTable;
use std::hash::BuildHasher as _;
use std::sync::Arc;

/// What is told of a snapshot without asking the operator what to show.
pub struct Facts {
    /// By contact: worst finding about either end of it.
    of_contact: Vec<Option<Severity>>,
    /// By device: worst finding, and contacts with the internet.
    of_device: Vec<(Option<Severity>, u32)>,
    /// By destination: worst finding, and devices.
    of_destination: Vec<(Option<Severity>, u32)>,
    /// By finding: the contact that it is about.
    subjects: Vec<Option<u32>>,
    pairs: Map<(u32, u32), Pair>,
    /// Worst findings about ends that the snapshot does not have.
    others: Map<(Arc<str>, Arc<str>), Severity>,
    ends: Ends,
    /// Findings by severity, lowest first.
    pub severities: [usize; 4],
    /// Devices by their titles.
    pub titles: Ranks,
    /// Destinations by their ids.
    pub ids: Ranks,
}

/// An update with the facts of its snapshot: all that a picture needs.
#[derive(Clone)]
pub struct Ready {
    pub(super) update: Update,
    facts: Arc<Facts>,
    /// What a filter leaves of the snapshot.
    pub(super) sieve: Sieve,
}

impl Ready {
    /// The update itself.
    #[must_use]
    pub fn update(&self) -> &Update {
        &self.update
    }

    /// Works out what is not known from before, also what the filter says that is set by now.
    #[must_use]
    pub(super) fn of(update: Update, before: Option<&Ready>, filter: &Filter) -> Ready {
        let of_same = before.filter(|one| Arc::ptr_eq(&one.update.snapshot, &update.snapshot));
        let facts = of_same.map(|one| one.facts.clone());
        let facts = facts.unwrap_or_else(|| Arc::new(Facts::of(&update.snapshot)));
        let same = of_same.filter(|one| {
            Arc::ptr_eq(&one.update.flows, &update.flows) && one.sieve.filter() == filter
        });
        if let Some(same) = same {
            return Ready { update, facts, sieve: same.sieve.clone() };
        }
        let mut sieve = Sieve::from(filter.clone());
        let mut model = Model(Ready { update, facts, sieve: Sieve::default() });
        sieve.fill(&model);
        model.0.sieve = sieve;
        model.0
    }
}

/// What is shown: a snapshot, how much by now, and the facts of both.
pub struct Model(pub Ready);

/// Positions by ids, without a copy of these.
struct Ids {
    hasher: BuildHasher,
    table: HashTable<u32>,
}

impl Ids {
    fn new<T>(all: &[T], id: impl Fn(&T) -> &str) -> Ids {
        let hasher = BuildHasher::default();
        let mut table = HashTable::with_capacity(all.len());
        let hash = |at: u32| hasher.hash_one(id(&all[at as usize]));
        for at in 0..all.len() as u32 {
            table.insert_unique(hash(at), at, |&at| hash(at));
        }
        Ids { hasher, table }
    }

    /// All that are called so; `id` tells how one is.
    fn called<'a>(
        &'a self,
        wanted: &'a str,
        id: impl Fn(usize) -> &'a str + 'a,
    ) -> impl Iterator<Item = usize> + 'a {
        let found = self.table.iter_hash(self.hasher.hash_one(wanted));
        found.map(|&at| at as usize).filter(move |&at| id(at) == wanted)
    }
}

/// What is known of a device with a destination.
#[derive(Clone, Copy)]
struct Pair {
    severity: Severity,
    contact: Option<u32>,
}

/// Devices and destinations by their ids.
struct Ends {
    devices: Ids,
    destinations: Ids,
}

impl Ends {
    fn device(&self, snapshot: &Snapshot, id: &str) -> Option<usize> {
        let devices = &snapshot.devices;
        // The first of several, as a search would find.
        self.devices.called(id, |at| &devices[at].id).min()
    }

    /// In whatever zone.
    fn destinations<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        id: &'a str,
    ) -> impl Iterator<Item = usize> + 'a {
        self.destinations.called(id, |at| &snapshot.destinations[at].id)
    }

    /// The pairs of a device so called with destinations so called.
    fn pairs(&self, snapshot: &Snapshot, device: &str, to: &str, mut tell: impl FnMut((u32, u32))) {
        if let Some(device) = self.device(snapshot, device) {
            self.destinations(snapshot, to).for_each(|to| tell((device as u32, to as u32)));
        }
    }
}

impl Facts {
    /// Works them out: beside the screen, since that takes longer than a picture where there is much.
    pub fn of(snapshot: &Snapshot) -> Facts {
        let ends = Ends {
            devices: Ids::new(&snapshot.devices, |one| &one.id),
            destinations: Ids::new(&snapshot.destinations, |to| &to.id),
        };
        let mut pairs: Map<(u32, u32), Pair> = Map::default();
        let mut others: Map<(Arc<str>, Arc<str>), Severity> = Map::default();
        let mut severities = [0; 4];
        let mut of_device = vec![(None, 0); snapshot.devices.len()];
        for Finding { subject, severity, .. } in &snapshot.findings {
            severities[*severity as usize] += 1;
            if let Some(at) = ends.device(snapshot, &subject.device) {
                let known: &mut Option<Severity> = &mut of_device[at].0;
                *known = (*known).max(Some(*severity));
            }
            let (device, to) = (&subject.device, &subject.destination);
            let mut is_own = false;
            let mut tell = |pair| {
                is_own = true;
                let known =
                    pairs.entry(pair).or_insert(Pair { severity: *severity, contact: None });
                known.severity = known.severity.max(*severity);
            };
            // Also the other way round: that about a service is told of who offers it.
            ends.pairs(snapshot, device, to, &mut tell);
            ends.pairs(snapshot, to, device, &mut tell);
            if !is_own {
                let known = others.entry((device.clone(), to.clone())).or_insert(*severity);
                *known = (*known).max(*severity);
            }
        }
        let mut of_destination = vec![(None, 0); snapshot.destinations.len()];
        let mut of_contact = vec![None; snapshot.contacts.len()];
        for (row, contact) in snapshot.contacts.iter().enumerate() {
            let key = (contact.device_index as u32, contact.destination_index as u32);
            let severity = pairs.get_mut(&key).map(|pair| {
                pair.contact = Some(row as u32);
                pair.severity
            });
            of_contact[row] = severity;
            if let Some((_, count)) = of_device.get_mut(contact.device_index) {
                *count += u32::from(contact.zone == Zone::Internet);
            }
            if let Some((known, count)) = of_destination.get_mut(contact.destination_index) {
                *known = severity.max(*known);
                *count += 1;
            }
        }
        let subject = |Finding { subject, .. }: &Finding| {
            let met = |device: &str, to: &str| {
                let mut last = None;
                ends.pairs(snapshot, device, to, |pair| {
                    last = last.max(pairs.get(&pair).and_then(|pair| pair.contact));
                });
                last
            };
            let (device, to) = (&subject.device, &subject.destination);
            met(device, to).or_else(|| met(to, device))
        };
        let subjects = snapshot.findings.iter().map(subject).collect();
        let titles: Vec<String> = snapshot.devices.iter().map(|device| device.title()).collect();
        let ids: Vec<&str> = snapshot.destinations.iter().map(|to| &*to.id).collect();
        Facts {
            of_contact,
            of_device,
            of_destination,
            subjects,
            pairs,
            others,
            ends,
            severities,
            titles: Ranks::of(&titles),
            ids: Ranks::of(&ids),
        }
    }

    /// The worst finding about a contact that came after the snapshot, between ends so called.
    fn worst(&self, snapshot: &Snapshot, contact: &Contact) -> Option<Severity> {
        let (device, to) = (&contact.device, &contact.destination);
        let known = (contact.device_index < snapshot.devices.len()).then_some(contact.device_index);
        let known = known.into_iter().flat_map(|device| {
            let to = self.ends.destinations(snapshot, to);
            to.filter_map(move |to| Some(self.pairs.get(&(device as u32, to as u32))?.severity))
        });
        let of = |device: &Arc<str>, to: &Arc<str>| {
            self.others.get(&(device.clone(), to.clone())).copied()
        };
        known.max().max(of(device, to)).max(of(to, device))
    }
}

impl Model {
    /// What it is about.
    pub fn update(&self) -> &Update {
        &self.0.update
    }

    /// What was worked out of the snapshot.
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// A destination on the internet, by its id.
    pub fn destination_called(&self, id: &str) -> Option<&Destination> {
        let all = &self.snapshot().destinations;
        let mut called = self.facts().ends.destinations(self.snapshot(), id).map(|at| &all[at]);
        called.find(|to| to.zone == Zone::Internet)
    }

    /// Where the first destination of that id is, in whatever zone.
    pub fn position_called(&self, id: &str) -> Option<usize> {
        self.facts().ends.destinations(self.snapshot(), id).min()
    }

    /// A device of the snapshot, by its id.
    pub fn device_called(&self, id: &str) -> Option<&Device> {
        let at = self.facts().ends.device(self.snapshot(), id)?;
        self.snapshot().devices.get(at)
    }

    /// The contact that a finding is about.
    pub fn subject(&self, finding: usize) -> Option<usize> {
        self.facts().subjects.get(finding).copied().flatten().map(|row| row as usize)
    }

    /// How much by now.
    pub fn numbers(&self) -> &Numbers {
        &self.update().numbers
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
        let (worst, count) = self.facts().of_device.get(at).copied().unwrap_or_default();
        let fresh = self.numbers().fresh.contacts.iter();
        let mine = |one: &&Arc<Contact>| one.device_index == at && one.zone == Zone::Internet;
        (worst, count as usize + fresh.filter(mine).count())
    }

    /// The worst finding about a destination, and its devices.
    pub fn of_destination(&self, at: usize) -> (Option<Severity>, usize) {
        let (worst, count) = self.facts().of_destination.get(at).copied().unwrap_or_default();
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
        &self.update().snapshot
    }

    /// The worst finding about either end of a contact.
    pub fn worst(&self, row: usize) -> Option<Severity> {
        let later = || self.facts().worst(self.snapshot(), self.contact(row)?);
        self.facts().of_contact.get(row).copied().unwrap_or_else(later)
    }
}
