//! What a screen shows between two snapshots: how much by now, and who came since. Kept in pages, so
//! that a copy costs what changed.

use super::{Coverage, InterruptionShown, MarkShown, Snapshot};
use crate::attribution::world::{Contact, Destination, Device, Fresh, Traffic};
use crate::base::time::Timestamp;
use std::ops::Index;
use std::sync::Arc;

/// Entries of a page.
const PAGE: usize = 128;

/// A list whose copies share what is the same.
#[derive(Debug, Clone)]
pub struct Pages<T> {
    pages: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Pages<T> {
        Pages { pages: Vec::new(), len: 0 }
    }
}

impl<T: Clone> FromIterator<T> for Pages<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Pages<T> {
        let mut all = all.into_iter();
        let mut pages = Pages::default();
        loop {
            let page: Vec<T> = all.by_ref().take(PAGE).collect();
            if page.is_empty() {
                return pages;
            }
            pages.len += page.len();
            pages.pages.push(Arc::new(page));
        }
    }
}

impl<T: Clone + Default> Pages<T> {
    /// Makes it so long with what is nothing yet.
    pub fn grow(&mut self, len: usize) {
        while self.len < len {
            if self.len.is_multiple_of(PAGE) {
                self.pages.push(Arc::default());
            }
            let room = PAGE - self.len % PAGE;
            let more = room.min(len - self.len);
            if let Some(page) = self.pages.last_mut() {
                let page = Arc::make_mut(page);
                page.resize(page.len() + more, T::default());
            }
            self.len += more;
        }
    }
}

impl<T: Clone> Pages<T> {
    /// An entry to be changed: its page is copied where others have it too.
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        Arc::make_mut(self.pages.get_mut(at / PAGE)?).get_mut(at % PAGE)
    }
}

impl<T> Pages<T> {
    /// Entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flat_map(|page| page.iter())
    }
}

impl<T> Index<usize> for Pages<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.pages[at / PAGE][at % PAGE]
    }
}

/// How much a device exchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceNow {
    /// With the internet.
    pub internet: Traffic,
    /// With devices on the test network.
    pub private: Traffic,
    /// Broadcast and multicast.
    pub group: Traffic,
    /// Silent since.
    pub last: Option<Timestamp>,
}

/// How much a contact exchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContactNow {
    /// Frames and bytes.
    pub traffic: Traffic,
    /// Flows.
    pub flows: u64,
    /// The latest packet; of a flow that turned out to be another's it may be that one's.
    pub last: Timestamp,
}

/// What the operator and the recorder noted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// The phase that the newest frames are in.
    pub phase: Option<&'static str>,
    /// Phases, marks and steps of the clock, in the order of time, as they are shown.
    pub all: Vec<(Timestamp, String)>,
    /// When nothing could be recorded, and why.
    pub gaps: Vec<(Timestamp, Option<Timestamp>, String)>,
}

impl Notes {
    /// From phases with their beginnings, marks and interruptions.
    #[must_use]
    pub fn of(
        phases: &[(Timestamp, Option<&'static str>)],
        marks: &[MarkShown],
        interruptions: &[InterruptionShown],
    ) -> Notes {
        let noted = marks.iter().map(|mark| (mark.time, mark.text.clone()));
        let entered = phases.iter().filter_map(|&(began, phase)| Some((began, phase?)));
        let entered = entered.map(|(began, phase)| (began, format!("phase {phase}")));
        let set = interruptions.iter().filter(|interruption| !interruption.is_gap());
        let set = set.map(|set| (set.from, set.why.clone()));
        let mut all: Vec<(Timestamp, String)> = noted.chain(entered).chain(set).collect();
        all.sort();
        let gaps = interruptions.iter().filter(|interruption| interruption.is_gap());
        Notes {
            phase: phases.last().and_then(|&(_, phase)| phase),
            all,
            gaps: gaps.map(|gap| (gap.from, Some(gap.to), gap.reason())).collect(),
        }
    }
}

/// See the module. Positions are those of a snapshot; what came since is behind them.
#[derive(Clone, Default)]
pub struct Numbers {
    /// By device.
    pub devices: Pages<DeviceNow>,
    /// By destination, seen from the devices.
    pub destinations: Pages<Traffic>,
    /// By contact.
    pub contacts: Pages<ContactNow>,
    /// Who came since.
    pub fresh: Arc<Fresh>,
    /// What was noted.
    pub notes: Arc<Notes>,
    /// What was inspected, where that is newer than the snapshot.
    pub coverage: Option<Arc<Coverage>>,
    /// Capture time of the numbers.
    pub now: Timestamp,
    /// Capture time of the snapshot: names, places and findings are as of then.
    pub looked: Timestamp,
}

impl From<&Device> for DeviceNow {
    fn from(device: &Device) -> DeviceNow {
        DeviceNow {
            internet: device.internet,
            private: device.private,
            group: device.group,
            last: device.visibility.last,
        }
    }
}

impl From<&Contact> for ContactNow {
    fn from(contact: &Contact) -> ContactNow {
        ContactNow { traffic: contact.traffic, flows: contact.flows, last: contact.last }
    }
}

impl Numbers {
    /// Those of a snapshot itself.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Numbers {
        let now = snapshot.inputs.iter().filter_map(|input| input.last).max().unwrap_or_default();
        Numbers {
            devices: snapshot.devices.iter().map(DeviceNow::from).collect(),
            destinations: snapshot.destinations.iter().map(|to| to.traffic).collect(),
            contacts: snapshot.contacts.iter().map(ContactNow::from).collect(),
            fresh: Arc::default(),
            notes: Arc::new(snapshot.notes()),
            coverage: None,
            now,
            looked: now,
        }
    }
}

impl Snapshot {
    /// A device by its position, also one that came since.
    #[must_use]
    pub fn device<'a>(&'a self, fresh: &'a Fresh, at: usize) -> Option<&'a Device> {
        let later = || fresh.devices.get(at - self.devices.len()).map(|one| &**one);
        self.devices.get(at).or_else(later)
    }

    /// Likewise a destination.
    #[must_use]
    pub fn destination<'a>(&'a self, fresh: &'a Fresh, at: usize) -> Option<&'a Destination> {
        let later = || fresh.destinations.get(at - self.destinations.len()).map(|one| &**one);
        self.destinations.get(at).or_else(later)
    }

    /// Likewise a contact.
    #[must_use]
    pub fn contact<'a>(&'a self, fresh: &'a Fresh, at: usize) -> Option<&'a Contact> {
        let later = || fresh.contacts.get(at - self.contacts.len()).map(|one| &**one);
        self.contacts.get(at).or_else(later)
    }

    /// What was noted.
    #[must_use]
    pub fn notes(&self) -> Notes {
        let phases: Vec<_> = self.phases.iter().map(|phase| (phase.began, phase.phase)).collect();
        Notes::of(&phases, &self.marks, &self.interruptions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_what_did_not_change() {
        let mut pages: Pages<u64> = (0..300).collect();
        pages.grow(700);
        let before = pages.clone();
        *pages.get_mut(130).unwrap() += 1000;
        *pages.get_mut(699).unwrap() = 7;
        assert!(pages.get_mut(700).is_none());
        assert_eq!((before[130], pages[130], before[699], pages[699]), (130, 1130, 0, 7));
        let shared = pages.pages.iter().zip(&before.pages).filter(|(a, b)| Arc::ptr_eq(a, b));
        assert_eq!((shared.count(), pages.pages.len(), pages.len()), (4, 6, 700));
        assert_eq!(pages.iter().count(), 700);
        assert_eq!(
            pages.iter().take(130).copied().collect::<Vec<_>>(),
            (0..130).collect::<Vec<_>>()
        );
    }
}
