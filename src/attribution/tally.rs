//! Who exchanged how much with whom up to now, kept beside the ledger and brought up to date at a cost
//! that follows what changed: the ledger's rows that flows were added to, and the live flows that had
//! packets. It knows two ends and the name between them, and nothing of what that means.

use super::Ledger;
use super::ledger::{Endpoint, NameSource, Row, Traffic};
use super::names::NameId;
use crate::base::address::Mac;
use crate::base::table::BuildHasher;
use crate::base::time::Timestamp;
use crate::flow::Flow;
use hashbrown::HashTable;
use std::hash::{BuildHasher as _, Hash, Hasher};
use std::net::IpAddr;

/// No cell.
const NONE: u32 = u32::MAX;
/// Most cells, about 250 bytes each.
const CELLS_MAX: usize = 1 << 18;

/// What is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The end on the test network.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
    /// The best name, but for those that a capture file declares: the ledger learns them last.
    pub name: Option<NameId>,
}

/// In few pieces: keys are hashed by the hundred thousand.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (self.local.address, self.remote.address) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                state.write_u64(u64::from(local.to_bits()) << 32 | u64::from(remote.to_bits()));
            }
            ends => ends.hash(state),
        }
        let mac = self
            .local
            .mac
            .map_or(0, |Mac([a, b, c, d, e, f])| u64::from_be_bytes([0, 1, a, b, c, d, e, f]));
        state.write_u64(mac);
        self.name.hash(state);
    }
}

impl Key {
    /// What a row adds up.
    #[must_use]
    pub fn of(row: &Row) -> Key {
        let name = row.name.filter(|named| named.source != NameSource::File);
        Key { local: row.local, remote: row.remote, name: name.map(|named| named.name) }
    }
}

/// How much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Frames and bytes, as the local end sees them.
    pub traffic: Traffic,
    /// Flows.
    pub flows: u64,
}

impl Count {
    /// Puts another amount in the place of an earlier one that this holds.
    pub fn replace(&mut self, before: &Count, now: &Count) {
        replace(&mut self.traffic, &before.traffic, &now.traffic);
        self.flows = (self.flows + now.flows).saturating_sub(before.flows);
    }
}

/// Puts another amount in the place of an earlier one that a sum holds.
pub fn replace(sum: &mut Traffic, before: &Traffic, now: &Traffic) {
    let each = |sum: &mut [u64; 2], before: [u64; 2], now: [u64; 2]| {
        for way in 0..2 {
            sum[way] = (sum[way] + now[way]).saturating_sub(before[way]);
        }
    };
    each(&mut sum.packets, before.packets, now.packets);
    each(&mut sum.wire_bytes, before.wire_bytes, now.wire_bytes);
    each(&mut sum.delivered_bytes, before.delivered_bytes, now.delivered_bytes);
}

/// What became of a cell since it was last heard of.
#[derive(Debug)]
pub struct Change<'a> {
    /// Its position, which another may have once it is empty.
    pub at: usize,
    /// What it is about.
    pub key: &'a Key,
    /// It was not heard of before.
    pub is_new: bool,
    /// What was heard last.
    pub before: Count,
    /// What it holds now; no flow means that it is gone.
    pub now: Count,
    /// The latest packet.
    pub last: Timestamp,
}

struct Cell {
    key: Key,
    count: Count,
    heard: Count,
    last: Timestamp,
    is_new: bool,
    is_listed: bool,
}

/// What a row of the ledger had added to its cell.
struct Counted {
    cell: u32,
    count: Count,
}

/// What a live flow had added to its cell.
#[derive(Clone)]
struct Place {
    /// Which flow it was; no frame has the number 0.
    first_frame: u64,
    cell: u32,
    traffic: Traffic,
}

const EMPTY: Place = Place {
    first_frame: 0,
    cell: NONE,
    traffic: Traffic { packets: [0; 2], wire_bytes: [0; 2], delivered_bytes: [0; 2] },
};

/// See the module. Beside its cells it takes 64 bytes a row and 64 a live flow.
#[derive(Default)]
pub struct Tally {
    /// There were more cells than are kept: the sums are too small.
    pub is_short: bool,
    cells: Vec<Cell>,
    index: HashTable<u32>,
    hasher: BuildHasher,
    free: Vec<u32>,
    rows: Vec<Counted>,
    /// By partition and position in its table.
    places: Vec<Vec<Place>>,
    changed: Vec<u32>,
}

impl Tally {
    /// Keeps room for so many cells in all, so that the index is not made anew while they come.
    pub fn expect(&mut self, cells: usize) {
        let Tally { cells: known, index, hasher, .. } = self;
        let more = cells.min(CELLS_MAX).saturating_sub(known.len());
        index.reserve(more, |&at| hasher.hash_one(known[at as usize].key));
    }

    /// Takes a row of the ledger as it is now. Rows go before flows: a flow that ended is in both
    /// until its place is looked at.
    pub fn row(&mut self, ledger: &Ledger, at: usize) {
        let Some(row) = ledger.rows.get(at) else { return };
        if self.rows.len() <= at {
            let nothing = || Counted { cell: NONE, count: Count::default() };
            self.rows.resize_with(at + 1, nothing);
        }
        // What a row is about never changes.
        let cell = match self.rows[at].cell {
            NONE => self.cell(&Key::of(row)),
            known => known,
        };
        let now = Count { traffic: Traffic::of(&row.totals), flows: row.flows };
        let before = std::mem::replace(&mut self.rows[at], Counted { cell, count: now }).count;
        self.count(cell, &before, &now, row.last);
    }

    /// Takes all rows from here on that were not taken yet.
    pub fn new_rows(&mut self, ledger: &Ledger) {
        (self.rows.len()..ledger.rows.len()).for_each(|at| self.row(ledger, at));
    }

    /// Takes what is in a place of a partition's table now. A flow whose latest packet is older than
    /// `since` is known already. With `again` it is asked anew whose each flow is.
    pub fn place(
        &mut self,
        ledger: &Ledger,
        (partition, at): (usize, usize),
        flow: Option<&Flow>,
        (since, again): (Timestamp, bool),
    ) {
        if self.places.len() <= partition {
            self.places.resize_with(partition + 1, Vec::new);
        }
        let places = &mut self.places[partition];
        if places.len() <= at {
            places.resize(at + 1, EMPTY);
        }
        let Some(flow) = flow else {
            if places[at].first_frame != 0 {
                let gone = std::mem::replace(&mut places[at], EMPTY);
                self.take_out(&gone);
            }
            return;
        };
        // Fragments that were given up come late, with the time at which they came.
        if flow.last < since && !again && !flow.has_fragments() {
            return;
        }
        let known = &places[at];
        let is_known = known.first_frame == flow.first_frame;
        let before = known.clone();
        let (key, local) = ledger.whose(flow);
        let sent = [flow.sent(local), flow.sent(local.other())];
        let traffic = Traffic::of(&sent);
        let flows = 1;
        let stays = is_known && before.cell != NONE && self.cells[before.cell as usize].key == key;
        let cell = if stays {
            let counted = Count { traffic: before.traffic, flows };
            self.count(before.cell, &counted, &Count { traffic, flows }, flow.last);
            before.cell
        } else {
            let cell = self.cell(&key);
            self.count(cell, &Count::default(), &Count { traffic, flows }, flow.last);
            self.take_out(&before);
            cell
        };
        self.places[partition][at] = Place { first_frame: flow.first_frame, cell, traffic };
    }

    fn take_out(&mut self, gone: &Place) {
        if gone.cell != NONE {
            let before = Count { traffic: gone.traffic, flows: 1 };
            self.count(gone.cell, &before, &Count::default(), Timestamp(i64::MIN));
        }
    }

    fn count(&mut self, at: u32, before: &Count, now: &Count, last: Timestamp) {
        let Some(cell) = self.cells.get_mut(at as usize) else { return };
        cell.last = cell.last.max(last);
        if before == now {
            return;
        }
        cell.count.replace(before, now);
        if !std::mem::replace(&mut cell.is_listed, true) {
            self.changed.push(at);
        }
    }

    fn cell(&mut self, key: &Key) -> u32 {
        let Tally { cells, index, hasher, free, .. } = self;
        let hash = hasher.hash_one(key);
        if let Some(&at) = index.find(hash, |&at| cells[at as usize].key == *key) {
            return at;
        }
        let cell = Cell {
            key: *key,
            count: Count::default(),
            heard: Count::default(),
            last: Timestamp(i64::MIN),
            is_new: true,
            is_listed: false,
        };
        let at = match free.pop() {
            Some(at) => {
                cells[at as usize] = cell;
                at
            }
            None if cells.len() >= CELLS_MAX => {
                self.is_short = true;
                return NONE;
            }
            None => {
                cells.push(cell);
                cells.len() as u32 - 1
            }
        };
        index.insert_unique(hash, at, |&at| hasher.hash_one(cells[at as usize].key));
        at
    }

    /// Tells what changed since it was told last, in the order of changing.
    pub fn tell(&mut self, mut hear: impl FnMut(Change<'_>)) {
        for at in std::mem::take(&mut self.changed) {
            let cell = &mut self.cells[at as usize];
            cell.is_listed = false;
            if cell.count != cell.heard {
                hear(Change {
                    at: at as usize,
                    key: &cell.key,
                    is_new: cell.is_new,
                    before: cell.heard,
                    now: cell.count,
                    last: cell.last,
                });
                cell.is_new = false;
                cell.heard = cell.count;
            }
            self.forget_empty(at);
        }
    }

    /// Tells everything, as if nothing was told before.
    pub fn tell_all(&mut self, hear: impl FnMut(Change<'_>)) {
        self.changed.clear();
        for (at, cell) in self.cells.iter_mut().enumerate() {
            cell.is_new = true;
            cell.heard = Count::default();
            cell.is_listed = cell.count.flows > 0;
            if cell.is_listed {
                self.changed.push(at as u32);
            }
        }
        self.tell(hear);
    }

    /// An empty cell is used again: its flow turned out to be another's.
    fn forget_empty(&mut self, at: u32) {
        let Tally { cells, index, hasher, free, .. } = self;
        let cell = &cells[at as usize];
        if cell.count.flows > 0 {
            return;
        }
        let hash = hasher.hash_one(cell.key);
        if let Ok(found) = index.find_entry(hash, |&known| known == at) {
            found.remove();
            free.push(at);
        }
    }
}

impl Ledger {
    /// Whose a live flow is, if it ended now, and which of its sides is at home.
    fn whose(&self, flow: &Flow) -> (Key, crate::flow::Side) {
        let sides = self.sides_of(flow);
        let name = self.best_name(&sides, self.notes.get(&flow.first_frame));
        let name = name.filter(|named| named.source != NameSource::File);
        let key =
            Key { local: sides.here(), remote: sides.there(), name: name.map(|named| named.name) };
        (key, sides.local())
    }
}
