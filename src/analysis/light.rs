//! What is known between two snapshots of a capture that is watched: bytes, times, coverage, and who
//! came since, at a price that follows what changed. Names, places, operators and findings stay as
//! the latest snapshot has them.

use super::{Analysis, interruption, mark};
use crate::attribution::tally::{Change, Tally, replace};
use crate::attribution::world::{Rules, Spot, Spots, Traffic, Zone, zone_of};
use crate::base::time::Timestamp;
use crate::engine::{Engine, Outcome, Phases};
use crate::snapshot::{ContactNow, DeviceNow, Notes, Numbers, Snapshot};
use crate::source::file::Ending;
use std::sync::Arc;

/// Rows of the ledger that flows were added to, each once.
#[derive(Debug, Default)]
pub struct Touched {
    rows: Vec<u32>,
    is_in: Vec<bool>,
}

impl Touched {
    /// A flow was added to a row.
    pub fn add(&mut self, row: usize) {
        if self.is_in.len() <= row {
            self.is_in.resize(row + 1, false);
        }
        if !std::mem::replace(&mut self.is_in[row], true) {
            self.rows.push(row as u32);
        }
    }

    fn take(&mut self, mut hear: impl FnMut(usize)) {
        for row in self.rows.drain(..) {
            self.is_in[row as usize] = false;
            hear(row as usize);
        }
    }
}

/// See the module.
#[derive(Default)]
pub struct Light {
    tally: Tally,
    spots: Spots,
    /// Where each cell of the tally belongs.
    placed: Vec<Spot>,
    numbers: Numbers,
    /// Capture time up to which live flows were looked at.
    since: Timestamp,
    /// How much was noted when it was made into words.
    noted: [usize; 3],
}

impl Analysis<'_> {
    fn rules(&self) -> Rules<'_> {
        Rules { geo: self.geo, signatures: self.signatures, choice: &self.choice }
    }

    /// Where everything is in the snapshot of an outcome, for [`Light::adopt`].
    #[must_use]
    pub fn spots(&self, outcome: &Outcome, snapshot: &Snapshot) -> Spots {
        let Snapshot { devices, destinations, contacts, .. } = snapshot;
        Spots::of(&outcome.ledger, self.rules(), (devices, destinations, contacts))
    }
}

impl Light {
    /// Goes on from a newer snapshot of the same engine, of which `spots` are; `looked` is the
    /// capture time of it. What came since is behind it then.
    pub fn adopt(
        &mut self,
        engine: &Engine<'_>,
        analysis: &Analysis<'_>,
        (snapshot, spots, looked): (&Snapshot, Spots, Timestamp),
        touched: &mut Touched,
    ) {
        self.spots = spots;
        self.numbers.looked = looked;
        self.numbers.devices = snapshot
            .devices
            .iter()
            .map(|device| DeviceNow { last: device.visibility.last, ..DeviceNow::default() })
            .collect();
        self.numbers.destinations =
            snapshot.destinations.iter().map(|_| Traffic::default()).collect();
        self.numbers.contacts = snapshot
            .contacts
            .iter()
            .map(|contact| ContactNow { last: contact.last, ..ContactNow::default() })
            .collect();
        self.count(engine, touched, true);
        let Light { tally, spots, placed, numbers, .. } = self;
        placed.clear();
        let mut take =
            |change: Change<'_>| take(engine, analysis, (spots, placed, numbers), &change);
        tally.tell_all(&mut take);
    }

    /// The numbers now.
    pub fn look(
        &mut self,
        engine: &Engine<'_>,
        analysis: &Analysis<'_>,
        endings: &[Ending],
        touched: &mut Touched,
    ) -> Arc<Numbers> {
        self.count(engine, touched, false);
        let Light { tally, spots, placed, numbers, .. } = self;
        let mut take =
            |change: Change<'_>| take(engine, analysis, (spots, placed, numbers), &change);
        tally.tell(&mut take);
        numbers.fresh = spots.fresh.clone();
        numbers.now = engine.now();
        let coverage = analysis.coverage(engine.frames(), &engine.sums(), engine.phases(), endings);
        numbers.coverage = Some(Arc::new(coverage));
        let Phases { phases, marks, interruptions, .. } = engine.phases();
        let noted = [phases.len(), marks.len(), interruptions.len()];
        if self.noted != noted {
            self.noted = noted;
            let phases: Vec<_> = phases.iter().map(|phase| (phase.began, phase.name)).collect();
            let marks: Vec<_> = marks.iter().map(mark).collect();
            let interruptions: Vec<_> = interruptions.iter().map(interruption).collect();
            numbers.notes = Arc::new(Notes::of(&phases, &marks, &interruptions));
        }
        Arc::new(numbers.clone())
    }

    /// Whether there is too much to keep beside the ledger, so that the numbers are too small.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.tally.is_short
    }

    fn count(&mut self, engine: &Engine<'_>, touched: &mut Touched, again: bool) {
        let ledger = engine.ledger();
        if again {
            self.tally.expect(ledger.rows.len() + engine.sums().flows_live as usize);
        }
        self.tally.new_rows(ledger);
        touched.take(|row| self.tally.row(ledger, row));
        let now = engine.now();
        engine.tally(&mut self.tally, (self.since, again));
        // Packets of the same moment may still come.
        self.since = now;
    }
}

/// Brings one change to where it belongs.
fn take(
    engine: &Engine<'_>,
    analysis: &Analysis<'_>,
    (spots, placed, numbers): (&mut Spots, &mut Vec<Spot>, &mut Numbers),
    change: &Change<'_>,
) {
    if change.is_new {
        let spot = spots.find(engine.ledger(), analysis.rules(), change);
        if placed.len() <= change.at {
            placed.resize(change.at + 1, Spot::NOWHERE);
        }
        placed[change.at] = spot;
    }
    let zone = zone_of(change.key.remote);
    let is_lone = zone == Zone::Private && placed[change.at].peer == Spot::NOWHERE.peer;
    if is_lone {
        placed[change.at].peer = spots.peer(engine.ledger(), analysis.rules(), change);
    }
    if change.is_new || is_lone {
        let [devices, destinations, contacts] = spots.counts();
        numbers.devices.grow(devices);
        numbers.destinations.grow(destinations);
        numbers.contacts.grow(contacts);
    }
    let spot = placed[change.at];
    let (before, now) = (&change.before.traffic, &change.now.traffic);
    if let Some(device) = numbers.devices.get_mut(spot.device as usize) {
        let sum = match zone {
            Zone::Internet => &mut device.internet,
            Zone::Private => &mut device.private,
            Zone::Group => &mut device.group,
        };
        replace(sum, before, now);
        device.last = device.last.max(Some(change.last));
    }
    if let Some(peer) = numbers.devices.get_mut(spot.peer as usize) {
        let before = if is_lone { Traffic::default() } else { before.turned() };
        replace(&mut peer.private, &before, &now.turned());
        peer.last = peer.last.max(Some(change.last));
    }
    if let Some(sum) = numbers.destinations.get_mut(spot.destination as usize) {
        replace(sum, before, now);
    }
    if let Some(contact) = numbers.contacts.get_mut(spot.contact as usize) {
        replace(&mut contact.traffic, before, now);
        contact.flows = (contact.flows + change.now.flows).saturating_sub(change.before.flows);
        contact.last = contact.last.max(change.last);
    }
}
