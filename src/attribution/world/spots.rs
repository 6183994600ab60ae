//! Where in a world the cells of a tally belong, by the world's own rules; and what came after the
//! world was built: it has its place at once, with its address and no word of whose it is.

use super::build::{Builder, routed};
use super::{
    Choice, Contact, Destination, Device, DeviceFacts, Host, Party, Remote, Signs, Sources,
    Traffic, Visibility, WireText, Zone, device_id, zone_of,
};
use crate::attribution::geo::Geo;
use crate::attribution::ledger::{DeviceKey, Ledger};
use crate::attribution::names::NameId;
use crate::attribution::signature::Signatures;
use crate::attribution::tally::{Change, Key};
use crate::base::address::Mac;
use crate::base::table::{Map, Set};
use crate::base::time::Timestamp;
use hashbrown::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;

/// Most contacts that are shown before they were looked up; the rest are counted.
const FRESH_MAX: usize = 4096;
/// Most addresses that are shown of one of them.
const ADDRESSES_MAX: usize = 64;
const NOWHERE: u32 = u32::MAX;

/// Positions among the devices, destinations and contacts of a world, those that came later behind
/// the others; [`u32::MAX`] where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Whose traffic it is.
    pub device: u32,
    /// The device at the other end, where that is on the test network too.
    pub peer: u32,
    /// Where it goes.
    pub destination: u32,
    /// The contact of both.
    pub contact: u32,
}

impl Spot {
    /// In no sum.
    pub const NOWHERE: Spot =
        Spot { device: NOWHERE, peer: NOWHERE, destination: NOWHERE, contact: NOWHERE };
}

/// What came after a world was built, and is not looked up yet.
#[derive(Debug, Clone, Default)]
pub struct Fresh {
    /// Their positions are behind those of the world.
    pub devices: Vec<Arc<Device>>,
    /// Likewise.
    pub destinations: Vec<Arc<Destination>>,
    /// Likewise.
    pub contacts: Vec<Arc<Contact>>,
    /// Pairs of ends that there was no room for.
    pub more: u64,
}

/// A destination, an address of it, and a name that it had there.
type Known = (u32, IpAddr, Option<NameId>);

/// See the module.
#[derive(Default)]
pub struct Spots {
    cells: Map<Key, Spot>,
    devices: Map<DeviceKey, u32>,
    destinations: Map<(Zone, Arc<str>), u32>,
    known: Set<Known>,
    contacts: Map<(u32, u32), u32>,
    routed: Set<Mac>,
    /// The ledger has no room for more: what is not in it will not be looked up either.
    is_full: bool,
    /// Ids of devices and of destinations, by position.
    ids: [Vec<Arc<str>>; 2],
    /// Devices, destinations and contacts that were looked up.
    counts: [usize; 3],
    /// What came since.
    pub fresh: Arc<Fresh>,
}

/// What turns ends into ids.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// What is where.
    pub geo: &'a Geo,
    /// Who is who.
    pub signatures: &'a Signatures,
    /// Which devices are shown.
    pub choice: &'a Choice,
}

impl<'a> Rules<'a> {
    fn builder(self, ledger: &'a Ledger, routed: &'a Set<Mac>) -> Builder<'a> {
        let Rules { geo, signatures, choice } = self;
        let (day, latest) = (String::new(), Timestamp::default());
        Builder { ledger, geo, signatures, choice, routed, day, latest }
    }
}

impl Spots {
    /// Of a world that was built from this ledger.
    #[must_use]
    pub fn of(
        ledger: &Ledger,
        rules: Rules<'_>,
        (devices, destinations, contacts): (&[Device], &[Destination], &[Contact]),
    ) -> Spots {
        let routed = routed(ledger);
        let builder = rules.builder(ledger, &routed);
        let numbered = |at: usize| at as u32;
        let mut spots = Spots {
            devices: devices.iter().enumerate().map(|(at, one)| (one.key, numbered(at))).collect(),
            destinations: destinations
                .iter()
                .enumerate()
                .map(|(at, one)| ((one.zone, one.id.clone()), numbered(at)))
                .collect(),
            contacts: contacts
                .iter()
                .enumerate()
                .map(|(at, one)| {
                    let ends = (numbered(one.device_index), numbered(one.destination_index));
                    (ends, numbered(at))
                })
                .collect(),
            ids: [
                devices.iter().map(|one| one.id.clone()).collect(),
                destinations.iter().map(|one| one.id.clone()).collect(),
            ],
            counts: [devices.len(), destinations.len(), contacts.len()],
            is_full: ledger.is_full(),
            ..Spots::default()
        };
        let mut of_row = vec![NOWHERE; ledger.rows.len()];
        for (at, contact) in contacts.iter().enumerate() {
            contact.rows.iter().for_each(|&row| of_row[row] = numbered(at));
        }
        spots.cells.reserve(ledger.rows.len());
        spots.known.reserve(ledger.rows.len());
        for (row, &at) in ledger.rows.iter().zip(&of_row) {
            let key = Key::of(row);
            let Entry::Vacant(cell) = spots.cells.entry(key) else { continue };
            let zone = zone_of(row.remote);
            let device = |end| spots.devices.get(&builder.device_of(end)).copied();
            let peer = (zone == Zone::Private).then(|| device(key.remote)).flatten();
            let mut spot = Spot { peer: peer.unwrap_or(NOWHERE), ..Spot::NOWHERE };
            let is_shown = match contacts.get(at as usize) {
                Some(contact) => {
                    spot.device = numbered(contact.device_index);
                    spot.destination = numbered(contact.destination_index);
                    spot.contact = at;
                    true
                }
                None => {
                    let local = builder.device_of(row.local);
                    spot.device = device(key.local).unwrap_or(NOWHERE);
                    let is_shown = builder.left_out(local).is_none();
                    if is_shown {
                        let id: Arc<str> = builder.destination_of(row, zone).into();
                        let known = spots.destinations.get(&(zone, id)).copied();
                        spot.destination = known.unwrap_or(NOWHERE);
                    }
                    is_shown
                }
            };
            if is_shown {
                spots.known.insert((spot.destination, row.remote.address, key.name));
            }
            cell.insert(spot);
        }
        spots.routed = routed;
        spots
    }

    /// Number of devices, destinations and contacts, those that came later included.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let [devices, destinations, contacts] = self.counts;
        let Fresh { devices: d, destinations: t, contacts: c, .. } = &*self.fresh;
        [devices + d.len(), destinations + t.len(), contacts + c.len()]
    }

    /// The devices of both ends, as far as they are known.
    fn ends(&self, builder: &Builder<'_>, key: &Key, zone: Zone) -> Spot {
        let device = |end| self.devices.get(&builder.device_of(end)).copied().unwrap_or(NOWHERE);
        let peer = if zone == Zone::Private { device(key.remote) } else { NOWHERE };
        Spot { device: device(key.local), peer, ..Spot::NOWHERE }
    }

    /// Where a cell belongs that is heard of for the first time.
    pub fn find(&mut self, ledger: &Ledger, rules: Rules<'_>, change: &Change<'_>) -> Spot {
        let key = change.key;
        if let Some(&spot) = self.cells.get(key) {
            return spot;
        }
        if self.is_full {
            return Spot::NOWHERE;
        }
        let routed = std::mem::take(&mut self.routed);
        let spot = self.place(&rules.builder(ledger, &routed), key, change);
        self.routed = routed;
        spot
    }

    fn place(&mut self, builder: &Builder<'_>, key: &Key, change: &Change<'_>) -> Spot {
        let zone = zone_of(key.remote);
        let mut spot = self.ends(builder, key, zone);
        let local = builder.device_of(key.local);
        if builder.left_out(local).is_some() {
            return Spot { device: NOWHERE, ..spot };
        }
        if self.fresh.contacts.len() >= FRESH_MAX {
            Arc::make_mut(&mut self.fresh).more += 1;
            return spot;
        }
        let is_somebody = local != DeviceKey::Address(IpAddr::from([0, 0, 0, 0]));
        if spot.device == NOWHERE && is_somebody {
            spot.device = self.device(local, change.last);
        }
        let name = key.name.map(|name| builder.ledger.names.get(name));
        let id: Arc<str> = builder.destination_at(key.remote, key.name, zone).into();
        spot.destination = self.destination(zone, id, key);
        if spot.device != NOWHERE {
            spot.contact = self.contact(&spot, zone, key, name, change);
        }
        spot
    }

    /// The device at the other end of a cell, once it is known that there is one: it has answered, or
    /// was heard otherwise.
    pub fn peer(&mut self, ledger: &Ledger, rules: Rules<'_>, change: &Change<'_>) -> u32 {
        let remote = change.key.remote;
        let is_heard = change.now.traffic.packets[1] > 0
            || remote.mac.is_some_and(|mac| ledger.hardware.contains_key(&mac));
        let is_out = self.is_full && !self.cells.contains_key(change.key);
        if zone_of(remote) != Zone::Private || !is_heard || is_out {
            return NOWHERE;
        }
        let routed = std::mem::take(&mut self.routed);
        let builder = rules.builder(ledger, &routed);
        let peer = builder.device_of(remote);
        let known = match builder.left_out(peer) {
            Some(_) => NOWHERE,
            None => self.device(peer, change.last),
        };
        self.routed = routed;
        known
    }

    fn device(&mut self, key: DeviceKey, seen: Timestamp) -> u32 {
        if let Some(&known) = self.devices.get(&key) {
            return known;
        }
        let at = self.ids[0].len() as u32;
        let device = Device::fresh(key, seen);
        self.ids[0].push(device.id.clone());
        Arc::make_mut(&mut self.fresh).devices.push(Arc::new(device));
        self.devices.insert(key, at);
        at
    }

    /// One that was looked up only where this very address was, under this very name: what else is
    /// called by the same domain may be another's.
    fn destination(&mut self, zone: Zone, id: Arc<str>, key: &Key) -> u32 {
        let address = key.remote.address;
        let looked_up = self.counts[1] as u32;
        if let Some(&known) = self.destinations.get(&(zone, id.clone())) {
            let is_same =
                zone != Zone::Internet || self.known.contains(&(known, address, key.name));
            if known < looked_up && is_same {
                return known;
            }
            if known >= looked_up {
                let fresh = Arc::make_mut(&mut self.fresh);
                let to = Arc::make_mut(&mut fresh.destinations[(known - looked_up) as usize]);
                let is_there = to.remotes.iter().any(|remote| remote.address == address);
                if !is_there && to.remotes.len() < ADDRESSES_MAX {
                    to.remotes.push(Remote::fresh(address));
                }
                return known;
            }
        }
        let at = self.ids[1].len() as u32;
        self.ids[1].push(id.clone());
        Arc::make_mut(&mut self.fresh).destinations.push(Arc::new(Destination {
            id: id.clone(),
            zone,
            names: Vec::new(),
            remotes: vec![Remote::fresh(address)],
            claims: Vec::new(),
            traffic: Traffic::default(),
        }));
        self.destinations.insert((zone, id), at);
        at
    }

    fn contact(
        &mut self,
        spot: &Spot,
        zone: Zone,
        key: &Key,
        name: Option<&[u8]>,
        change: &Change<'_>,
    ) -> u32 {
        let host = || Host {
            name: name.map(WireText::from),
            sources: Sources::default(),
            addresses: vec![key.remote.address],
            claim: None,
            services: Arc::new([]),
            traffic: Traffic::default(),
        };
        let ends = (spot.device, spot.destination);
        let looked_up = self.counts[2] as u32;
        if let Some(&known) = self.contacts.get(&ends) {
            if let Some(at) = known.checked_sub(looked_up) {
                let fresh = Arc::make_mut(&mut self.fresh);
                let contact = Arc::make_mut(&mut fresh.contacts[at as usize]);
                if contact.hosts.len() < ADDRESSES_MAX {
                    contact.hosts.push(host());
                }
            }
            return known;
        }
        let [devices, destinations] = &self.ids;
        let device = devices[spot.device as usize].clone();
        let destination = destinations[spot.destination as usize].clone();
        let fresh = Arc::make_mut(&mut self.fresh);
        let at = looked_up + fresh.contacts.len() as u32;
        fresh.contacts.push(Arc::new(Contact {
            device,
            destination,
            zone,
            party: Party::Unknown,
            services: Arc::new([]),
            hosts: vec![host()],
            traffic: Traffic::default(),
            missed_bytes: [0; 2],
            flows: 0,
            first: change.last,
            last: change.last,
            frames: [0; 2],
            rows: Vec::new(),
            signs: Signs::default(),
            device_index: spot.device as usize,
            destination_index: spot.destination as usize,
        }));
        self.contacts.insert(ends, at);
        at
    }
}

impl Device {
    /// One of which nothing is known but that it is there.
    fn fresh(key: DeviceKey, seen: Timestamp) -> Device {
        let mac = match key {
            DeviceKey::Mac(mac) => Some(mac),
            DeviceKey::Address(_) => None,
        };
        let visibility =
            Visibility { first: Some(seen), last: Some(seen), ..Visibility::default() };
        DeviceFacts {
            id: device_id(key).into(),
            key,
            mac,
            label: None,
            role: "device",
            oui: None,
            mac_is_local: mac.is_some_and(Mac::is_local),
            maker: None,
            kind: None,
            model: None,
            firmware: None,
            addresses: Vec::new(),
            identities: Vec::new(),
            behind: Vec::new(),
            resolvers: Vec::new(),
            internet: Traffic::default(),
            private: Traffic::default(),
            group: Traffic::default(),
            visibility,
        }
        .into()
    }
}

impl Remote {
    fn fresh(address: IpAddr) -> Remote {
        Remote {
            address,
            countries: Vec::new(),
            networks: Vec::new(),
            round_trip_ns: None,
            excluded: Vec::new(),
            traffic: Traffic::default(),
        }
    }
}
