//! Adds the ledger up into a world.

use super::destination::{Destinations, Known};
use super::ends::Ends;
use super::maker::confirm;
use super::{Choice, Claims, Contact, Destination, Device, World, Zone, zone_of};
use crate::attribution::geo::{Geo, Records};
use crate::attribution::ledger::{DeviceKey, Endpoint, Hardware, Ledger};
use crate::attribution::signature::Signatures;
use crate::base::address::Mac;
use crate::base::table::{Map, Set};
use crate::base::time::Timestamp;
use std::cmp::Reverse;
use std::net::IpAddr;

/// Unconfirmed IPv4 addresses behind one hardware address from which on it is taken for a
/// router: devices behind it are then told apart by network address.
const ROUTED_ADDRESSES: usize = 5;

pub(super) struct Builder<'a> {
    pub ledger: &'a Ledger,
    pub geo: &'a Geo,
    pub signatures: &'a Signatures,
    pub choice: &'a Choice,
    pub routed: &'a Set<Mac>,
    pub day: String,
    pub latest: Timestamp,
}

/// A row of the ledger and what it belongs to, as positions.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    /// The number of devices for 0.0.0.0, which is none.
    pub device: usize,
    pub destination: usize,
    pub row: usize,
}

/// Rows by group, in their old order within each: counting is cheaper than comparing.
fn grouped(placed: &[Placed], groups: usize, group: fn(&Placed) -> usize) -> Vec<Placed> {
    let mut starts = vec![0; groups + 1];
    for row in placed {
        starts[group(row) + 1] += 1;
    }
    for index in 1..starts.len() {
        starts[index] += starts[index - 1];
    }
    let mut sorted = placed.to_vec();
    for row in placed {
        let next = &mut starts[group(row)];
        sorted[*next] = *row;
        *next += 1;
    }
    sorted
}

impl World {
    /// Adds up the ledger.
    #[must_use]
    pub fn build(ledger: &Ledger, geo: &Geo, signatures: &Signatures, choice: &Choice) -> World {
        let latest = ledger.rows.iter().map(|row| row.last).max().unwrap_or_default();
        let (year, month, day) = latest.date();
        let routed = routed(ledger);
        let day = format!("{year:04}-{month:02}-{day:02}");
        Builder { ledger, geo, signatures, choice, routed: &routed, day, latest }.build()
    }
}

/// The order of contacts of one device.
fn order(contact: &Contact) -> (Zone, Reverse<u64>, &str) {
    (contact.zone, Reverse(contact.traffic.wire()), &contact.destination)
}

/// Moves the contacts of a device behind the others, each once: they are large.
fn in_order(of_device: &mut Vec<Option<Contact>>, contacts: &mut Vec<Contact>) {
    let mut sorted: Vec<usize> = (0..of_device.len()).collect();
    sorted.sort_unstable_by(|&a, &b| {
        let [a, b] = [a, b].map(|at| of_device[at].as_ref().map(order));
        a.cmp(&b)
    });
    contacts.extend(sorted.into_iter().filter_map(|at| of_device[at].take()));
    of_device.clear();
}

/// Hardware addresses that are taken for routers.
pub(super) fn routed(ledger: &Ledger) -> Set<Mac> {
    let routed = ledger.hardware.iter().filter(|(_, hardware)| is_routed(hardware));
    routed.map(|(&mac, _)| mac).collect()
}

fn is_routed(hardware: &Hardware) -> bool {
    let unconfirmed = hardware
        .addresses()
        .map(|(address, _)| address)
        .filter(|address| address.is_ipv4() && !hardware.confirmed.contains(*address));
    unconfirmed.count() >= ROUTED_ADDRESSES
}

impl Builder<'_> {
    fn build(&self) -> World {
        let ends = Ends::of(self);
        let (mut devices, left_out) = self.devices(&ends);
        let (placed, destinations, claims) = self.place(&ends, &devices);
        drop(ends);
        let mut placed = grouped(&placed, destinations.len(), |placed| placed.destination);
        let destinations = self.destinations(&mut placed, destinations, &claims);
        let placed = grouped(&placed, devices.len() + 1, |placed| placed.device);
        let contacts = self.contacts(&placed, &devices, &destinations, &claims);
        confirm(&mut devices, &destinations, &contacts);
        World { devices, destinations, contacts, left_out, claims, latest: self.latest }
    }

    /// Finds out which rows are shown, and where each belongs.
    fn place(&self, ends: &Ends, devices: &[Device]) -> (Vec<Placed>, Vec<Destination>, Claims) {
        let index: Map<DeviceKey, usize> =
            devices.iter().enumerate().map(|(index, device)| (device.key, index)).collect();
        let device = |key: &DeviceKey| index.get(key).copied().unwrap_or(devices.len());
        let shown = |key: &DeviceKey| self.left_out(*key).is_none().then(|| device(key));
        let shown: Vec<Option<usize>> = ends.keys.iter().map(shown).collect();
        let mut placed = Vec::with_capacity(self.ledger.rows.len());
        let mut destinations = Destinations::default();
        let mut known = Known::default();
        let mut claims = Claims::default();
        for (row_index, row) in self.ledger.rows.iter().enumerate() {
            let Some(device) = shown[ends.local[row_index] as usize] else { continue };
            let zone = zone_of(row.remote);
            if let Some(claim) = self.claim(row, zone, &mut known) {
                claims.insert(row_index, claim);
            }
            let peer = ends.remote[row_index];
            let destination = known.destination(row, zone, peer, || {
                destinations.position(zone, &self.destination_of(row, zone))
            });
            placed.push(Placed { device, destination, row: row_index });
        }
        (placed, destinations.all, claims)
    }

    /// Adds destinations up from rows grouped by them, and puts them into their order.
    fn destinations(
        &self,
        placed: &mut [Placed],
        mut destinations: Vec<Destination>,
        claims: &Claims,
    ) -> Vec<Destination> {
        let mut records = Records::default();
        for rows in placed.chunk_by(|a, b| a.destination == b.destination) {
            self.fill(&mut destinations[rows[0].destination], rows, claims, &mut records);
        }
        let mut sorted: Vec<(usize, Destination)> = destinations.into_iter().enumerate().collect();
        sorted.sort_by_cached_key(|(_, destination)| {
            (destination.zone, Reverse(destination.traffic.wire()), destination.id.clone())
        });
        let mut positions = vec![0; sorted.len()];
        for (position, &(before, _)) in sorted.iter().enumerate() {
            positions[before] = position;
        }
        for placed in placed {
            placed.destination = positions[placed.destination];
        }
        sorted.into_iter().map(|(_, destination)| destination).collect()
    }

    /// Contacts from rows grouped by device and, within each, by destination.
    fn contacts(
        &self,
        placed: &[Placed],
        devices: &[Device],
        destinations: &[Destination],
        claims: &Claims,
    ) -> Vec<Contact> {
        let pairs =
            || placed.chunk_by(|a, b| (a.device, a.destination) == (b.device, b.destination));
        let mut contacts: Vec<Contact> = Vec::with_capacity(pairs().count());
        let mut of_device: Vec<Option<Contact>> = Vec::new();
        let mut pairs = pairs().peekable();
        while let Some(rows) = pairs.next() {
            let Placed { device, destination, .. } = rows[0];
            let Some(shown) = devices.get(device) else { break };
            of_device.push(Some(self.contact(
                (device, shown),
                (destination, &destinations[destination]),
                rows,
                claims,
            )));
            if pairs.peek().is_none_or(|next| next[0].device != device) {
                in_order(&mut of_device, &mut contacts);
            }
        }
        contacts
    }

    /// A hardware address names a device, unless it fronts many network addresses.
    pub fn device_of(&self, end: Endpoint) -> DeviceKey {
        match end.mac {
            Some(mac) if !self.routed.contains(&mac) => DeviceKey::Mac(mac),
            Some(mac) if self.is_confirmed(mac, end.address) => DeviceKey::Mac(mac),
            _ => DeviceKey::Address(end.address),
        }
    }

    fn is_confirmed(&self, mac: Mac, address: IpAddr) -> bool {
        self.ledger.hardware.get(&mac).is_some_and(|h| h.confirmed.contains(&address))
    }

    pub fn left_out(&self, key: DeviceKey) -> Option<&'static str> {
        let is = |wanted: &DeviceKey| self.is_device(*wanted, key);
        if self.choice.exclude.iter().any(is) {
            Some("excluded")
        } else if !self.choice.devices.is_empty()
            && !self.choice.devices.iter().any(|(_, wanted)| is(wanted))
        {
            Some("not selected")
        } else {
            None
        }
    }

    /// A device may be asked for by any of its addresses.
    pub fn is_device(&self, wanted: DeviceKey, key: DeviceKey) -> bool {
        match (wanted, key) {
            (DeviceKey::Address(address), DeviceKey::Mac(mac)) => {
                self.ledger.hardware.get(&mac).is_some_and(|h| h.has(address))
            }
            _ => wanted == key,
        }
    }
}
