//! Keeps what facts and flows add up to: who talked to whom under which name and how much, what
//! devices said about themselves, what was evidence. It decides nothing that needs the whole
//! capture; [`super::World`] does that when asked.

mod ahead;
mod asked;
mod facts;
mod hardware;
mod mark;
mod named;
mod notes;
mod row;
mod shown;
mod sides;
mod traffic;

pub(super) use ahead::GLANCES_MAX;
pub use asked::{AllAsked, Asked};
pub use hardware::{Details, DeviceKey, Hardware, Identity, Sight};
pub use mark::{Evidence, Mark};
pub use named::{NameSource, Named};
pub(super) use notes::Notes;
pub use row::{EVIDENCE_MAX, FlowRef, Marked, Row, Share, add};
pub use shown::Shown;
pub use sides::Sides;
pub use traffic::Traffic;

use super::announced::{Expectations, Expected};
use super::forwarded;
use super::names::{Answered, Answers, NameId, Names};
use super::on_link::{Holds, OnLink};
use super::pace::Paced;
use crate::base::address::{Mac, Scope, hash_words, words};
use crate::base::table::{BuildHasher, Map, Set};
use crate::decode::Tunnels;
use crate::flow::{Cite, Flow, Head, Side};
use crate::protocol::unknown::Class;
use crate::protocol::{Content, Label, Method, NameKind};
use hashbrown::HashTable;
use notes::Live;
use row::RowKey;
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

/// Most rows (device, remote, name, service) unless a run says otherwise. A row takes about 500
/// bytes here, and several KiB in what is built of it when the flow table is gone.
pub const ROWS_MAX: usize = 1 << 16;
/// Most single flows remembered in all rows, for exact filters and references; 56 bytes each.
pub const FLOW_REFS_MAX: usize = 1 << 19;
/// Most ends of tunnels remembered; beyond that no filter is exact.
const TUNNEL_ENDS_MAX: usize = 65_536;
/// Most flows with an even pace remembered in all rows; each takes 24 bytes a message and 100 more.
const PACED_MAX: usize = 4096;
/// Most devices, by hardware or network address.
pub const DEVICES_MAX: usize = 65_536;
/// Most internet addresses kept of one hardware address, each way: more than a device has of its
/// own, before it is known to have them.
const INTERNET_MAX: usize = 8;

/// One end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Hardware address, for ends on the test network.
    pub mac: Option<Mac>,
    /// Network address.
    pub address: IpAddr,
}

impl Hash for Endpoint {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_words(self.address, state);
        self.mac.hash(state);
    }
}

/// Over what nearly always tells rows apart; comparing does the rest.
#[inline]
fn row_hash(
    hasher: &BuildHasher,
    local: IpAddr,
    remote: IpAddr,
    port: Option<u16>,
    name: Option<(NameId, NameSource)>,
) -> u64 {
    let mut state = hasher.build_hasher();
    let [[here, here_low], [there, there_low]] = [words(local), words(remote)];
    state.write_u64(here);
    state.write_u64(there);
    if here_low | there_low != 0 {
        state.write_u64(here_low);
        state.write_u64(there_low);
    }
    let port = port.map_or(0, |port| 1 + u64::from(port));
    let name = name.map_or(0, |(name, _)| 1 + u64::from(name.number()));
    state.write_u64(port << 33 | name);
    state.finish()
}

impl Row {
    fn hash(&self, hasher: &BuildHasher) -> u64 {
        let name = self.name.map(|named| (named.name, named.source));
        row_hash(hasher, self.local.address, self.remote.address, self.port, name)
    }
}

/// The port of the service that a flow is for, as seen by `local`.
fn service_port(flow: &Flow, local: Side) -> Option<u16> {
    let port = flow.key.port(local.other())?;
    let asked = flow.initiator_known && flow.initiator == local;
    if asked { Some(port) } else { flow.service_port() }
}

/// What the bounds of the ledger cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Losses {
    /// Flows that are in no contact because there were too many, or too many devices.
    pub flows_without_contact: u64,
    /// Names not kept.
    pub names: u64,
    /// DNS answers not kept.
    pub answers: u64,
    /// Devices not kept.
    pub devices: u64,
    /// Descriptions of devices not kept.
    pub identities: u64,
    /// Announcements of flows forgotten before their time was over.
    pub announcements: u64,
    /// Addresses of the network itself not kept.
    pub addresses: u64,
    /// Long flows whose messages, or whose even pace, there was no room to keep.
    pub paces: u64,
}

/// See the module.
#[derive(Default, Clone)]
pub struct Ledger {
    /// All names.
    pub names: Names,
    pub(super) answers: Answers,
    pub(super) notes: Live,
    expectations: Expectations,
    row_index: HashTable<u32>,
    hasher: BuildHasher,
    /// All rows, in the order in which they began.
    pub rows: Vec<Row>,
    rows_max: RowsMax,
    flow_refs: usize,
    /// Counts of flows that bear marks: apart, since most flows bear none.
    marked: Vec<Marked>,
    paced: usize,
    shown: usize,
    /// By hardware address; no output iterates it without sorting.
    pub hardware: Map<Mac, Hardware>,
    /// What devices said about themselves; no output iterates it without sorting.
    pub identities: Map<DeviceKey, Vec<Identity>>,
    /// Name servers that the network gave to a device, with the frame that says so.
    pub resolvers: BTreeMap<Mac, Vec<(IpAddr, Cite)>>,
    /// Name servers that the network gave to all devices, with the frame that says so.
    pub link_resolvers: Vec<(IpAddr, Cite)>,
    /// Names asked for, or that devices give to their own addresses.
    pub asked: AllAsked,
    /// Addresses of the internet's range that are at home here.
    pub on_link: OnLink,
    file_names: Map<IpAddr, NameId>,
    tunnel_ends: Set<IpAddr>,
    tunnel_ends_lost: bool,
    losses: Losses,
}

#[derive(Clone)]
struct RowsMax(usize);

impl Default for RowsMax {
    fn default() -> RowsMax {
        RowsMax(ROWS_MAX)
    }
}

impl Ledger {
    /// A ledger of at most so many rows.
    #[must_use]
    pub fn of_rows(rows_max: usize) -> Ledger {
        Ledger { rows_max: RowsMax(rows_max), ..Ledger::default() }
    }

    /// Keeps room for the rows of so many flows, so that the index is not made anew while they come.
    pub fn expect(&mut self, flows: usize) {
        let room = self.rows_max.0.saturating_sub(self.rows.len()).min(flows);
        let (rows, hasher) = (&self.rows, &self.hasher);
        self.row_index.reserve(room, |&index| rows[index as usize].hash(hasher));
    }

    /// Takes the notes of a live flow over from the ledger of which this is a copy.
    pub fn lend(&mut self, original: &Ledger, flow: &Flow) {
        if let Some(notes) = original.notes.all.get(&flow.first_frame) {
            self.notes.all.insert(flow.first_frame, notes.clone());
        }
    }

    /// Takes the names that a capture file gives to addresses.
    pub fn declare<'n>(&mut self, names: impl Iterator<Item = &'n (IpAddr, Box<[u8]>)>) {
        for (address, name) in names {
            if let Some(id) = self.names.intern(name) {
                self.file_names.entry(*address).or_insert(id);
            }
        }
    }

    /// An address is said to be at a hardware address.
    pub fn holds(&mut self, holds: &Holds) {
        let Holds { mac, address, time, .. } = *holds;
        if mac.is_group() || mac.is_zero() {
            return;
        }
        self.on_link.learn(holds);
        if self.on_link.scope(address, Some(mac)) == Scope::Inside
            && let Some(hardware) = self.hardware(mac)
            && !address.is_unspecified()
        {
            hardware.confirmed.insert(address);
            hardware.saw(address, time);
        }
    }

    /// Which side of a flow is on the test network. Where both or neither are, the side that began.
    #[must_use]
    pub fn local_side(&self, flow: &Head) -> Side {
        self.sides(flow).local()
    }

    /// An end of a flow. Hardware addresses count only for ends on the test network: that of a
    /// remote is the gateway's.
    #[must_use]
    pub fn endpoint(&self, flow: &Head, side: Side) -> Endpoint {
        self.end_of(flow, side)
    }

    /// A frame without IP was sent by this hardware address.
    pub fn sighted(&mut self, mac: Option<Mac>) {
        if let Some(mac) = mac.filter(|mac| !mac.is_group()) {
            self.hardware(mac);
        }
    }

    fn hardware(&mut self, mac: Mac) -> Option<&mut Hardware> {
        if self.hardware.len() >= DEVICES_MAX && !self.hardware.contains_key(&mac) {
            self.losses.devices += 1;
            return None;
        }
        Some(self.hardware.entry(mac).or_default())
    }

    /// Whether a device is known, or can be.
    fn has_room(&self, end: Endpoint) -> bool {
        self.hardware.len() < DEVICES_MAX
            || end.mac.is_none_or(|mac| self.hardware.contains_key(&mac))
    }

    /// A flow began, between these sides.
    pub fn opened(&mut self, flow: &Head, sides: &Sides, tunnels: Option<&Tunnels>) {
        self.note_hardware(flow, sides);
        if let Some(tunnels) = tunnels {
            self.note_tunnels(tunnels);
        }
        if let Some(expected) = self.expectations.of(&flow.key, flow.first) {
            self.notes.of(flow.first_frame).expected = Some(expected);
        }
        if self.answers.is_empty() {
            return;
        }
        let (here, there) = (sides.here(), sides.there());
        let dns = self.answers.find(here.address, here.mac, there.address);
        if dns.is_some() {
            self.notes.of(flow.first_frame).dns = dns;
        }
    }

    fn note_tunnels(&mut self, tunnels: &Tunnels) {
        for tunnel in tunnels.iter() {
            for end in tunnel.outer {
                if self.tunnel_ends.len() < TUNNEL_ENDS_MAX {
                    self.tunnel_ends.insert(end);
                } else {
                    self.tunnel_ends_lost |= !self.tunnel_ends.contains(&end);
                }
            }
        }
    }

    /// Whether an address may be an end of a tunnel, so that packets in that have it too.
    #[must_use]
    pub fn may_be_tunnel_end(&self, address: IpAddr) -> bool {
        self.tunnel_ends_lost || self.tunnel_ends.contains(&address)
    }

    fn note_hardware(&mut self, flow: &Head, sides: &Sides) {
        let sender = flow.first_sender;
        let address = sides.end(sender).address;
        if let Some(mac) = flow.macs[sender.index()].filter(|mac| !mac.is_group()) {
            let time = flow.first;
            if let Some(hardware) = self.hardware(mac) {
                match sides.scope(sender) {
                    Scope::Inside if !address.is_unspecified() => hardware.saw(address, time),
                    Scope::Internet => note_internet(&mut hardware.internet, address),
                    _ => {}
                }
            }
        }
        let towards = sides.end(sender.other()).address;
        let next_hop = flow.macs[sender.other().index()].filter(|mac| !mac.is_group());
        if let Some(mac) = next_hop
            && sides.scope(sender.other()) == Scope::Internet
            && let Some(hardware) = self.hardware(mac)
        {
            note_internet(&mut hardware.hop_to, towards);
        }
    }

    /// With which hop limits hardware addresses send on the test network. Of the ends of a row whole
    /// limits are noted once: most flows say nothing new of them.
    fn note_hops(&mut self, flow: &Flow, sides: &Sides, row: Option<usize>) {
        if [Side::Low, Side::High].iter().any(|&side| sides.scope(side) == Scope::Group) {
            return;
        }
        for (way, side) in [(0, sides.local()), (1, sides.local().other())] {
            if !flow.has_sent(side) {
                continue;
            }
            let hops = flow.hops[side.index()];
            if forwarded::is_whole(hops)
                && let Some(row) = row
                && std::mem::replace(&mut self.rows[row].whole_hops[way], true)
            {
                continue;
            }
            let end = sides.end(side);
            if let Some(mac) = end.mac.filter(|_| !end.address.is_unspecified())
                && let Some(hardware) = self.hardware.get_mut(&mac)
            {
                hardware.sent_from(end.address, hops, flow.first_frame);
            }
        }
    }

    /// All names of a flow, best first, each with its source.
    pub(super) fn names_of(&self, sides: &Sides, notes: Option<&Notes>) -> Vec<Named> {
        let mut all: Vec<Named> = Vec::new();
        self.each_name(sides, notes, |named| all.push(named));
        all.sort_by_key(|named| named.source);
        all
    }

    /// The first of [`Ledger::names_of`].
    pub(super) fn best_name(&self, sides: &Sides, notes: Option<&Notes>) -> Option<Named> {
        let mut best: Option<Named> = None;
        self.each_name(sides, notes, |named| {
            if best.is_none_or(|best| named.source < best.source) {
                best = Some(named);
            }
        });
        best
    }

    fn each_name(&self, sides: &Sides, notes: Option<&Notes>, mut take: impl FnMut(Named)) {
        if let Some(notes) = notes {
            let mut dns = notes.dns;
            for &(name, kind, cite) in &notes.own {
                let source = match kind {
                    NameKind::Sni => NameSource::Sni,
                    NameKind::Host => NameSource::Host,
                    NameKind::Certificate => NameSource::Certificate,
                    NameKind::SniOuter => {
                        // A front is not looked up; of the names that were, the hello picks one.
                        dns = self.told(sides, name).or(dns);
                        continue;
                    }
                    NameKind::Requested => continue,
                };
                take(Named { name, source, cite, several: false });
            }
            if let Some(dns) = dns {
                let source = if dns.own { NameSource::Dns } else { NameSource::DnsOther };
                take(Named { name: dns.name, source, cite: dns.cite, several: dns.several });
            }
        }
        if self.file_names.is_empty() {
            return;
        }
        if let Some(&name) = self.file_names.get(&sides.there().address) {
            take(Named { name, source: NameSource::File, cite: Cite::default(), several: true });
        }
    }

    /// The device's own DNS answer that gives the other end of the flow this name.
    fn told(&self, sides: &Sides, name: NameId) -> Option<Answered> {
        let (here, there) = (sides.here(), sides.there());
        self.answers.told(here.address, here.mac, there.address, name)
    }

    /// The label of a flow that ends, from that which its payload or port gives: with what other
    /// flows announced, and without a claim on content that was handed over.
    #[must_use]
    pub fn settled(&self, flow: &Flow, label: Label) -> Label {
        let notes = self.notes.get(&flow.first_frame);
        if notes.is_some_and(|notes| notes.handed_over) {
            return Label { content: Content::Unknown, ..label };
        }
        self.expected(flow, notes).map_or(label, |expected| expected.settle(label))
    }

    /// What another flow announced of this one: before it began is nearer than since.
    fn expected(&self, flow: &Flow, notes: Option<&Notes>) -> Option<Expected> {
        let before = notes.and_then(|notes| notes.expected);
        before.or_else(|| self.expectations.of(&flow.key, flow.first))
    }

    /// Other protocols that a flow is rightly called by, beside its settled label: what else goes
    /// through it, and what was announced where its payload says another thing.
    pub(super) fn other_labels(
        &self,
        flow: &Flow,
        label: &Label,
    ) -> Vec<(&'static str, Method, u64)> {
        let notes = self.notes.get(&flow.first_frame);
        let carried = notes.iter().flat_map(|notes| &notes.carried);
        let carried = carried.map(|&(label, frame)| (label, Method::Payload, frame));
        let announced = self.expected(flow, notes).map(|expected| expected.label());
        let announced = announced.map(|(label, frame)| (label, Method::Expected, frame));
        carried.chain(announced).filter(|(other, ..)| *other != label.protocol).collect()
    }

    /// A flow ended, between these sides: adds it to its row, under its settled label, with what it
    /// looks like where that is not known. Returns the position of the row and the flow's kinds of
    /// evidence, as bits of [`Mark`]; `None` where there was no room for a row.
    pub fn closed(
        &mut self,
        flow: &Flow,
        sides: &Sides,
        label: Label,
        class: Option<Class>,
    ) -> Option<(usize, u32)> {
        let mut notes = self.notes.all.remove(&flow.first_frame);
        let local = sides.local();
        let (here, there) = (sides.here(), sides.there());
        let name = self.best_name(sides, notes.as_deref());
        let port = service_port(flow, local);
        let key = RowKey {
            local: here,
            remote: there,
            name: name.map(|named| (named.name, named.source)),
            protocol: flow.key.protocol,
            port,
            label: label.protocol,
            method: label.method,
            content: label.content,
        };
        let disagrees = name.filter(|n| n.source <= NameSource::Host).and_then(|named| {
            let dns = notes.as_ref()?.dns.filter(|dns| dns.own)?;
            let agrees = self.answers.agrees(here.address, here.mac, there.address, named.name)?;
            (!agrees).then_some((dns.name, dns.cite))
        });
        let hash = row_hash(&self.hasher, here.address, there.address, key.port, key.name);
        let rows = &self.rows;
        let found = self.row_index.find(hash, |&index| key.is_of(&rows[index as usize]));
        let index = match found {
            Some(&index) => index as usize,
            None if self.rows.len() >= self.rows_max.0 || !self.has_room(here) => {
                self.losses.flows_without_contact += 1;
                self.note_hops(flow, sides, None);
                return None;
            }
            None => {
                let new = self.rows.len() as u32;
                self.rows.push(Row::new(&key, name, label, flow));
                let (rows, hasher) = (&self.rows, &self.hasher);
                let rehash = |&index: &u32| rows[index as usize].hash(hasher);
                self.row_index.insert_unique(hash, new, rehash);
                self.rows.len() - 1
            }
        };
        self.note_hops(flow, sides, Some(index));
        let room = FLOW_REFS_MAX - self.flow_refs;
        let row = &mut self.rows[index];
        // Behind what every flow touches: looked at only where there is something to say.
        if disagrees.is_some() && row.disagrees.is_none() {
            row.disagrees = disagrees;
        }
        row.classes |= class.map_or(0, |class| class as u8);
        if let (Some(mine), Some(new)) = (&mut row.name, name) {
            mine.several |= new.several;
        }
        let mut paced = Paced::of(flow, local);
        if self.paced >= PACED_MAX {
            self.losses.paces += u64::from(paced.take().is_some());
        }
        self.paced += usize::from(paced.is_some());
        let mut nothing = Notes::default();
        let said = notes.as_mut().map_or(&mut nothing, Arc::make_mut);
        let without_name = said.hello_without_name();
        for shown in said.shown.drain(..) {
            if !row.is_news(&shown) {
                continue;
            }
            if self.shown < shown::ALL_SHOWN_MAX {
                self.shown += 1;
                row.shown.push(shown);
            } else {
                self.losses.identities += 1;
            }
        }
        let proof = (&mut said.evidence, without_name);
        let (remembered, marks) = row.add(flow, local, proof, paced, (room, &mut self.marked));
        self.flow_refs += remembered;
        if let Some(notes) = notes {
            self.notes.put_aside(notes);
        }
        Some((index, marks))
    }

    /// What the bounds cost.
    #[must_use]
    pub fn losses(&self) -> Losses {
        Losses {
            names: self.names.lost,
            answers: self.answers.lost,
            announcements: self.expectations.lost,
            addresses: self.on_link.lost,
            ..self.losses
        }
    }
}

/// Few are enough to tell a router by.
fn note_internet(kept: &mut Vec<IpAddr>, address: IpAddr) {
    if kept.len() < INTERNET_MAX && !kept.contains(&address) {
        kept.push(address);
    }
}

impl Losses {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Losses {
            flows_without_contact,
            names,
            answers,
            devices,
            identities,
            announcements,
            addresses,
            paces,
        } = self;
        flows_without_contact
            + names
            + answers
            + devices
            + identities
            + announcements
            + addresses
            + paces
    }
}
