//! What the ledger adds up to at one moment: devices, destinations, and contacts between them,
//! with places, networks and operators. Built when asked; reads the ledger and never changes it.

use super::geo::{Asn, Country, Geo};
pub use super::ledger::Traffic;
use super::ledger::{DeviceKey, Endpoint, Hardware, Ledger, NameSource, Named, Row};
use super::names::registrable;
use super::signature::{Confidence, Found, Kind, Operator, Ownership, Signatures};
use super::{oui, reach};
use crate::base::address::{Mac, Scope, network, scope};
use crate::base::table::Set;
use crate::base::text::safe;
use crate::base::time::Timestamp;

use crate::protocol::port::transport;
use crate::protocol::{IdentityKind, Label};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Unconfirmed IPv4 addresses behind one hardware address from which on it is taken for a
/// router: devices behind it are then told apart by network address.
const ROUTED_ADDRESSES: usize = 5;

/// How sure a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The bytes say it.
    Shown,
    /// A sourced signature says whose it is.
    Attributed,
    /// Likely, and no more.
    Inferred,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Shown => "shown",
            Level::Attributed => "attributed",
            Level::Inferred => "inferred",
        }
    }
}

/// Text from the wire: printable, with the raw bytes beside it where they differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct WireText {
    /// Escaped and printable.
    pub text: String,
    /// The bytes in base64, where they are not the text itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

impl From<&[u8]> for WireText {
    fn from(bytes: &[u8]) -> WireText {
        let text = safe(bytes);
        let raw = (text.as_bytes() != bytes).then(|| STANDARD.encode(bytes));
        WireText { text, raw }
    }
}

/// A name with its source and the frame that says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NameSeen {
    /// The name.
    #[serde(flatten)]
    pub name: WireText,
    /// `sni`, `host`, `dns`, `cert`, `dns-other` or `file`.
    pub source: &'static str,
    /// The frame; 0 for the capture file's own table.
    pub frame: u64,
    /// The address has other names too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub several: bool,
    /// Another name that DNS gave this device for the same address, and its frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_says: Option<(WireText, u64)>,
}

/// Where a contact goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Zone {
    /// Out of the test network.
    Internet,
    /// To another device on the test network.
    Private,
    /// To many at once: broadcast and multicast.
    Group,
}

/// An address of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddressSeen {
    /// The address.
    pub address: IpAddr,
    /// First packet from it.
    pub first: Timestamp,
    /// Last flow begun from it.
    pub last: Timestamp,
}

/// Something a device said about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentitySeen {
    /// `host_name`, `vendor_class`, `product` or `service`.
    pub kind: &'static str,
    /// What the protocol calls it.
    pub fact: &'static str,
    /// As it was said.
    #[serde(flatten)]
    pub value: WireText,
    /// Where.
    pub frame: u64,
}

/// Who made a device, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Maker {
    /// Signature id, where a signature knows the maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Name for people.
    pub name: String,
    /// `dhcp` or `oui`. An OUI names the maker of the network chip, often not of the device.
    pub by: &'static str,
}

/// What the tap could see of a device. Claims of absence need both directions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Visibility {
    /// Flows, apart from those to groups.
    pub flows: u64,
    /// Of these, with packets of one direction only.
    pub one_sided_flows: u64,
    /// Flows in which data was acknowledged that the capture does not hold.
    pub acknowledged_unseen_flows: u64,
    /// Packets of both directions were seen.
    pub both_directions: bool,
    /// Nothing but broadcast and multicast was seen of it.
    pub group_only: bool,
    /// It asked for its address with DHCP in this capture.
    pub dhcp: bool,
    /// It asked for names.
    pub dns: bool,
    /// It used IPv6.
    pub ipv6: bool,
    /// First packet.
    pub first: Option<Timestamp>,
    /// Silent since.
    pub last: Option<Timestamp>,
}

/// Something on the test network.
#[derive(Debug, Clone, Serialize)]
pub struct Device {
    /// Stable id: `mac:…` or `ip:…`.
    pub id: String,
    #[serde(skip)]
    key: DeviceKey,
    /// Hardware address.
    #[serde(serialize_with = "as_text", skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The user's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `device`, or `gateway`: it forwards packets of others, so that what it sends is not its own.
    pub role: &'static str,
    /// Registrant of the hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oui: Option<String>,
    /// The hardware address is locally administered: it has no registrant.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mac_is_local: bool,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker: Option<Maker>,
    /// Its addresses over time.
    pub addresses: Vec<AddressSeen>,
    /// What it said about itself.
    pub identities: Vec<IdentitySeen>,
    /// Name servers that the network gave it, with the frame.
    pub resolvers: Vec<(IpAddr, u64)>,
    /// Traffic with the internet, sent and received.
    pub internet: Traffic,
    /// Traffic with devices on the test network.
    pub private: Traffic,
    /// Broadcast and multicast.
    pub group: Traffic,
    /// What the tap could see of it.
    pub visibility: Visibility,
}

impl Device {
    /// The best name for people: the user's label, a host name, or the id.
    #[must_use]
    pub fn title(&self) -> String {
        let said = |kind: IdentityKind| {
            self.identities.iter().find(|i| i.kind == kind.name()).map(|i| i.value.text.clone())
        };
        self.label
            .clone()
            .or_else(|| said(IdentityKind::HostName))
            .unwrap_or_else(|| self.id.clone())
    }
}

fn as_text<T: ToString, S: serde::Serializer>(v: &Option<T>, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(&v.as_ref().map(ToString::to_string).unwrap_or_default())
}

/// What a signature says of a destination, and what that rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Signature id.
    pub signature: String,
    /// Name for people.
    pub name: String,
    /// Vendor, hosting, resolver, …
    pub kind: Kind,
    /// What the service does.
    pub role: String,
    /// The pattern that matched.
    pub pattern: String,
    /// Who operates the host, where it is another than the signature's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_operator: Option<String>,
    /// Region that the name or the signature's source states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The name or address that was matched.
    pub matched: WireText,
    /// Where that name comes from, or `address`.
    pub basis: &'static str,
    /// The frame that says the name.
    pub frame: u64,
    /// How sure this is: never surer than the name.
    pub level: Level,
    /// Where the fact is stated.
    pub source: String,
    /// How the fact is known.
    pub confidence: Confidence,
    /// When its source was read.
    pub checked: String,
    /// The company and its law, where established.
    pub operator: Option<Operator>,
    /// Dated facts about the company.
    pub ownership: Vec<Ownership>,
    /// Made up for the bundled captures.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fictional: bool,
}

/// A country that a database names but the round-trip time excludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excluded {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Least distance from the test network's country, kilometres.
    pub least_km: u64,
    /// The farthest the remote can be, kilometres.
    pub farthest_km: u64,
}

/// One address outside the test network.
#[derive(Debug, Clone, Serialize)]
pub struct Remote {
    /// The address.
    pub address: IpAddr,
    /// Opinions on its country.
    pub countries: Vec<Country>,
    /// Whose network it is.
    pub networks: Vec<Asn>,
    /// Smallest handshake round trip, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_ns: Option<i64>,
    /// Countries named above that the round trip excludes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Excluded>,
    /// Traffic, seen from the devices.
    pub traffic: Traffic,
}

/// Remotes that belong together: under one registrable domain, or without a name in one network.
#[derive(Debug, Clone, Serialize)]
pub struct Destination {
    /// Stable id: the registrable domain, `net:` with the network, a device id, or `group:`.
    pub id: String,
    /// Where it is.
    pub zone: Zone,
    /// Every name with its source.
    pub names: Vec<NameSeen>,
    /// Every address.
    pub remotes: Vec<Remote>,
    /// Whose it is.
    pub claims: Vec<Claim>,
    /// Traffic, seen from the devices.
    pub traffic: Traffic,
}

impl Destination {
    /// The different countries that databases name for its addresses.
    #[must_use]
    pub fn country_codes(&self) -> Vec<&str> {
        let all = self.remotes.iter().flat_map(|remote| &remote.countries);
        distinct(all.map(|opinion| opinion.country.as_str()))
    }

    /// The different networks of its addresses: number and holder.
    #[must_use]
    pub fn networks(&self) -> Vec<(u64, &str)> {
        let all = self.remotes.iter().flat_map(|remote| &remote.networks);
        distinct(all.map(|asn| (asn.number, asn.organisation.as_str())))
    }

    /// Whether it has a name from any source.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.names.is_empty()
    }
}

fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

/// What is spoken in a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// `tcp`, `udp`, … or an IANA protocol number.
    pub proto: String,
    /// Port of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Protocol.
    pub protocol: &'static str,
    /// `payload`, `expected`, `port` (a guess by number alone) or `none`.
    pub method: &'static str,
    /// `clear`, `encrypted`, `service` or `unknown`.
    pub content: &'static str,
    /// Traffic.
    pub traffic: Traffic,
}

/// Relation of a destination to the maker of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The device's own maker.
    First,
    /// Hosting, delivery, names, time.
    Support,
    /// Analytics, relays and the like of others.
    Third,
    /// Not known; never guessed.
    Unknown,
}

/// The part of a contact that goes by one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Host {
    /// The name; absent where none is known.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub name: Option<WireText>,
    /// Where the name comes from, best first.
    pub sources: BTreeSet<NameSource>,
    /// Its addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// Position among the destination's `claims` of what a signature says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<usize>,
    /// What is spoken.
    pub services: Vec<Service>,
    /// Traffic.
    pub traffic: Traffic,
}

/// A device with a destination.
#[derive(Debug, Clone, Serialize)]
pub struct Contact {
    /// Device id.
    pub device: String,
    /// Destination id.
    pub destination: String,
    /// Where it goes.
    pub zone: Zone,
    /// Relation to the device's maker.
    pub party: Party,
    /// What is spoken, all names together.
    pub services: Vec<Service>,
    /// The names it goes by, most traffic first.
    pub hosts: Vec<Host>,
    /// Traffic.
    pub traffic: Traffic,
    /// Payload bytes that must exist but were not captured, sent and received.
    pub missed_bytes: [u64; 2],
    /// Number of flows.
    pub flows: u64,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// First and last frame.
    pub frames: [u64; 2],
    /// Rows of the ledger.
    #[serde(skip)]
    pub rows: Vec<usize>,
    /// Position in [`World::devices`].
    #[serde(skip)]
    pub device_index: usize,
    /// Position in [`World::destinations`].
    #[serde(skip)]
    pub destination_index: usize,
}

/// A device that the user left out.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// Device id.
    pub id: String,
    /// `excluded` or `not selected`.
    pub reason: &'static str,
    /// Its traffic with the internet.
    pub internet: Traffic,
}

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Devices to show, with names; all where empty.
    pub devices: Vec<(Option<String>, DeviceKey)>,
    /// Devices to leave out.
    pub exclude: Vec<DeviceKey>,
    /// Country of the test network, ISO 3166-1 alpha-2.
    pub here: Option<String>,
}

/// See the module.
#[derive(Debug, Default, Serialize)]
pub struct World {
    /// By internet bytes, most first, gateways last.
    pub devices: Vec<Device>,
    /// By bytes, most first.
    pub destinations: Vec<Destination>,
    /// By device, then zone, then bytes.
    pub contacts: Vec<Contact>,
    /// Devices that the user left out.
    pub left_out: Vec<LeftOut>,
    /// Whose remote each row of the ledger goes to, where a signature knows.
    #[serde(skip)]
    pub row_claims: BTreeMap<usize, Claim>,
}

struct Builder<'a> {
    ledger: &'a Ledger,
    geo: &'a Geo,
    signatures: &'a Signatures,
    choice: &'a Choice,
    routed: Set<Mac>,
    day: String,
}

impl World {
    /// Adds up the ledger.
    #[must_use]
    pub fn build(ledger: &Ledger, geo: &Geo, signatures: &Signatures, choice: &Choice) -> World {
        let latest = ledger.rows.iter().map(|row| row.last).max().unwrap_or_default();
        let (year, month, day) = latest.date();
        let routed = ledger.hardware.iter().filter(|(_, hardware)| is_routed(hardware));
        Builder {
            ledger,
            geo,
            signatures,
            choice,
            routed: routed.map(|(&mac, _)| mac).collect(),
            day: format!("{year:04}-{month:02}-{day:02}"),
        }
        .build()
    }
}

fn is_routed(hardware: &Hardware) -> bool {
    let unconfirmed = hardware
        .addresses
        .keys()
        .filter(|address| address.is_ipv4() && !hardware.confirmed.contains(*address));
    unconfirmed.count() >= ROUTED_ADDRESSES
}

/// The stable id of a device.
#[must_use]
pub fn device_id(key: DeviceKey) -> String {
    match key {
        DeviceKey::Mac(mac) => format!("mac:{mac}"),
        DeviceKey::Address(address) => format!("ip:{address}"),
    }
}

/// The stable id of the destination that a remote belongs to.
#[must_use]
pub fn destination_id(name: Option<&[u8]>, address: IpAddr) -> String {
    match name {
        Some(name) => registrable(name).map_or_else(|| safe(name), |d| safe(d.as_bytes())),
        None => format!("net:{}", network(address)),
    }
}

/// How sure a name is that a row goes by.
#[must_use]
pub fn name_level(named: &Named) -> Level {
    match named.source {
        NameSource::Sni | NameSource::Host | NameSource::Certificate => Level::Attributed,
        NameSource::Dns if !named.several => Level::Attributed,
        NameSource::Dns | NameSource::DnsOther | NameSource::File => Level::Inferred,
    }
}

/// The name of a transport protocol: IANA keyword in lower case, else the number.
#[must_use]
pub fn transport_name(protocol: u8) -> String {
    transport(protocol).map_or_else(|| protocol.to_string(), str::to_owned)
}

impl Builder<'_> {
    fn build(&self) -> World {
        let mut devices = self.devices();
        let mut destinations: BTreeMap<(Zone, String), (Destination, Vec<usize>)> = BTreeMap::new();
        let mut contacts: BTreeMap<(DeviceKey, Zone, String), Vec<usize>> = BTreeMap::new();
        let mut row_claims = BTreeMap::new();
        for (index, row) in self.ledger.rows.iter().enumerate() {
            let key = self.device_of(row.local);
            let zone = zone(row.remote.address);
            let id = self.destination_of(row, zone);
            let traffic = Traffic::of(&row.totals);
            if let Some(device) = devices.get_mut(&key) {
                device.count(zone, row, &traffic);
            }
            if zone == Zone::Private
                && let Some(peer) = devices.get_mut(&self.device_of(row.remote))
            {
                peer.count(zone, row, &traffic.turned());
            }
            if self.left_out(key).is_some() {
                continue;
            }
            if let Some(claim) = self.claim(row) {
                row_claims.insert(index, claim);
            }
            contacts.entry((key, zone, id.clone())).or_default().push(index);
            destinations
                .entry((zone, id.clone()))
                .or_insert_with(|| (Destination::new(id, zone), Vec::new()))
                .1
                .push(index);
        }
        let mut left_out = Vec::new();
        let mut kept: Vec<Device> = Vec::new();
        for (key, device) in devices {
            match self.left_out(key) {
                Some(reason) => {
                    left_out.push(LeftOut { id: device.id, reason, internet: device.internet });
                }
                None => kept.push(device),
            }
        }
        kept.sort_by_key(|device| {
            let bytes = device.internet.wire();
            (device.role == "gateway", std::cmp::Reverse(bytes), device.id.clone())
        });
        let mut destinations: Vec<Destination> = destinations
            .into_values()
            .map(|(mut destination, rows)| {
                self.fill(&mut destination, &rows, &row_claims);
                destination
            })
            .collect();
        destinations.sort_by_key(|destination| {
            let bytes = destination.traffic.wire();
            (destination.zone, std::cmp::Reverse(bytes), destination.id.clone())
        });
        let contacts = self.contacts(contacts, &kept, &destinations, &row_claims);
        World { devices: kept, destinations, contacts, left_out, row_claims }
    }

    fn contacts(
        &self,
        rows: BTreeMap<(DeviceKey, Zone, String), Vec<usize>>,
        devices: &[Device],
        destinations: &[Destination],
        row_claims: &BTreeMap<usize, Claim>,
    ) -> Vec<Contact> {
        let device_index: BTreeMap<DeviceKey, usize> =
            devices.iter().enumerate().map(|(index, device)| (device.key, index)).collect();
        let destination_index: BTreeMap<(Zone, &str), usize> = destinations
            .iter()
            .enumerate()
            .map(|(index, destination)| ((destination.zone, destination.id.as_str()), index))
            .collect();
        let mut contacts: Vec<Contact> = rows
            .into_iter()
            .filter_map(|((key, zone, id), rows)| {
                let device = *device_index.get(&key)?;
                let destination = *destination_index.get(&(zone, id.as_str()))?;
                Some(self.contact(
                    (device, &devices[device]),
                    (destination, &destinations[destination]),
                    rows,
                    row_claims,
                ))
            })
            .collect();
        contacts.sort_by_key(|contact| {
            let bytes = contact.traffic.wire();
            let order = (contact.device_index, contact.zone, std::cmp::Reverse(bytes));
            (order, contact.destination.clone())
        });
        contacts
    }

    fn contact(
        &self,
        (device_index, device): (usize, &Device),
        (destination_index, destination): (usize, &Destination),
        rows: Vec<usize>,
        row_claims: &BTreeMap<usize, Claim>,
    ) -> Contact {
        let first_row = &self.ledger.rows[rows[0]];
        let all_rows = rows.iter().map(|&index| &self.ledger.rows[index]);
        let mut contact = Contact {
            device: device.id.clone(),
            destination: destination.id.clone(),
            zone: destination.zone,
            party: party(device, destination),
            services: services(all_rows),
            hosts: Vec::new(),
            traffic: Traffic::default(),
            missed_bytes: [0; 2],
            flows: 0,
            first: first_row.first,
            last: first_row.last,
            frames: first_row.frames,
            rows,
            device_index,
            destination_index,
        };
        let mut hosts: BTreeMap<Option<&[u8]>, Vec<usize>> = BTreeMap::new();
        for &index in &contact.rows {
            let row = &self.ledger.rows[index];
            let name = row.name.map(|named| self.ledger.names.get(named.name));
            hosts.entry(name).or_default().push(index);
            contact.traffic.add(&Traffic::of(&row.totals));
            contact.flows += row.flows;
            contact.first = contact.first.min(row.first);
            contact.last = contact.last.max(row.last);
            contact.frames[0] = contact.frames[0].min(row.frames[0]);
            contact.frames[1] = contact.frames[1].max(row.frames[1]);
            for way in 0..2 {
                contact.missed_bytes[way] += row.missed[way];
            }
        }
        contact.hosts = hosts
            .into_iter()
            .map(|(name, rows)| self.host(name, &rows, destination, row_claims))
            .collect();
        contact.hosts.sort_by_key(|host| std::cmp::Reverse(host.traffic.wire()));
        contact
    }

    fn host(
        &self,
        name: Option<&[u8]>,
        rows: &[usize],
        destination: &Destination,
        row_claims: &BTreeMap<usize, Claim>,
    ) -> Host {
        let claim = rows.iter().find_map(|index| row_claims.get(index)).and_then(|claim| {
            destination.claims.iter().position(|other| {
                other.signature == claim.signature && other.pattern == claim.pattern
            })
        });
        let mut host = Host {
            name: name.map(WireText::from),
            sources: BTreeSet::new(),
            addresses: BTreeSet::new(),
            claim,
            services: Vec::new(),
            traffic: Traffic::default(),
        };
        for row in rows.iter().map(|&index| &self.ledger.rows[index]) {
            host.addresses.insert(row.remote.address);
            host.sources.extend(row.name.map(|named| named.source));
            host.traffic.add(&Traffic::of(&row.totals));
        }
        host.services = services(rows.iter().map(|&index| &self.ledger.rows[index]));
        host
    }

    /// A hardware address names a device, unless it fronts many network addresses.
    fn device_of(&self, end: Endpoint) -> DeviceKey {
        match end.mac {
            Some(mac) if !self.routed.contains(&mac) => DeviceKey::Mac(mac),
            Some(mac) if self.is_confirmed(mac, end.address) => DeviceKey::Mac(mac),
            _ => DeviceKey::Address(end.address),
        }
    }

    fn is_confirmed(&self, mac: Mac, address: IpAddr) -> bool {
        self.ledger.hardware.get(&mac).is_some_and(|h| h.confirmed.contains(&address))
    }

    fn left_out(&self, key: DeviceKey) -> Option<&'static str> {
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
    fn is_device(&self, wanted: DeviceKey, key: DeviceKey) -> bool {
        match (wanted, key) {
            (DeviceKey::Address(address), DeviceKey::Mac(mac)) => {
                self.ledger.hardware.get(&mac).is_some_and(|h| h.addresses.contains_key(&address))
            }
            _ => wanted == key,
        }
    }

    fn devices(&self) -> BTreeMap<DeviceKey, Device> {
        let mut keys: BTreeSet<DeviceKey> = BTreeSet::new();
        keys.extend(self.ledger.hardware.keys().map(|&mac| DeviceKey::Mac(mac)));
        for row in &self.ledger.rows {
            keys.insert(self.device_of(row.local));
            if zone(row.remote.address) == Zone::Private && row.totals[1].packets > 0 {
                keys.insert(self.device_of(row.remote));
            }
        }
        keys.retain(|&key| key != DeviceKey::Address(IpAddr::from([0, 0, 0, 0])));
        keys.into_iter().map(|key| (key, self.device(key))).collect()
    }

    fn device(&self, key: DeviceKey) -> Device {
        let ledger = self.ledger;
        let (mac, hardware) = match key {
            DeviceKey::Mac(mac) => (Some(mac), ledger.hardware.get(&mac)),
            DeviceKey::Address(_) => (None, None),
        };
        let identities: Vec<IdentitySeen> = ledger
            .identities
            .get(&key)
            .into_iter()
            .flatten()
            .map(|identity| IdentitySeen {
                kind: identity.kind.name(),
                fact: identity.fact,
                value: WireText::from(&identity.value[..]),
                frame: identity.frame,
            })
            .collect();
        let is_gateway = hardware.is_some_and(|h| h.is_next_hop || !h.internet.is_empty());
        let oui = mac.and_then(oui::registrant);
        let label = self.choice.devices.iter().find(|(_, wanted)| self.is_device(*wanted, key));
        let resolvers = mac.and_then(|mac| ledger.resolvers.get(&mac)).into_iter().flatten();
        let routed = mac.is_some_and(|mac| self.routed.contains(&mac));
        Device {
            id: device_id(key),
            key,
            mac,
            label: label.and_then(|(label, _)| label.clone()),
            role: if is_gateway || routed { "gateway" } else { "device" },
            oui: oui.map(|text| safe(text.as_bytes())),
            mac_is_local: mac.is_some_and(Mac::is_local),
            maker: self.maker(&identities, oui),
            addresses: hardware
                .into_iter()
                .flat_map(|h| &h.addresses)
                .filter(|(address, _)| self.device_of(Endpoint { mac, address: **address }) == key)
                .map(|(&address, &[first, last])| AddressSeen { address, first, last })
                .collect(),
            visibility: Visibility {
                dhcp: identities.iter().any(|identity| identity.fact.starts_with("dhcp.")),
                group_only: true,
                ..Visibility::default()
            },
            identities,
            resolvers: resolvers.map(|&(address, cite)| (address, cite.frame)).collect(),
            internet: Traffic::default(),
            private: Traffic::default(),
            group: Traffic::default(),
        }
    }

    fn maker(&self, identities: &[IdentitySeen], oui: Option<&str>) -> Option<Maker> {
        let said = |kind: IdentityKind| {
            identities
                .iter()
                .find(|identity| identity.kind == kind.name() && identity.fact.starts_with("dhcp."))
                .map(|identity| identity.value.text.as_str())
        };
        let by_dhcp = self
            .signatures
            .by_dhcp(said(IdentityKind::HostName), said(IdentityKind::VendorClass))
            .map(|signature| (signature, "dhcp"));
        let by_oui = || oui.and_then(|oui| self.signatures.by_registrant(oui)).map(|s| (s, "oui"));
        if let Some((signature, by)) = by_dhcp.or_else(by_oui) {
            let vendor = Some(signature.id.clone());
            return Some(Maker { vendor, name: signature.name.clone(), by });
        }
        oui.map(|oui| Maker { vendor: None, name: safe(oui.as_bytes()), by: "oui" })
    }

    fn destination_of(&self, row: &Row, zone: Zone) -> String {
        match zone {
            Zone::Internet => {
                let name = row.name.map(|named| self.ledger.names.get(named.name));
                destination_id(name, row.remote.address)
            }
            Zone::Private => device_id(self.device_of(row.remote)),
            Zone::Group => format!("group:{}", row.remote.address),
        }
    }

    fn fill(
        &self,
        destination: &mut Destination,
        rows: &[usize],
        row_claims: &BTreeMap<usize, Claim>,
    ) {
        let mut names: BTreeMap<(&'static str, Vec<u8>), NameSeen> = BTreeMap::new();
        let mut remotes: BTreeMap<IpAddr, (Traffic, Option<i64>)> = BTreeMap::new();
        let mut claims: Vec<Claim> = Vec::new();
        for (index, row) in rows.iter().map(|&index| (index, &self.ledger.rows[index])) {
            let traffic = Traffic::of(&row.totals);
            destination.traffic.add(&traffic);
            let remote = remotes.entry(row.remote.address).or_default();
            remote.0.add(&traffic);
            remote.1 = [remote.1, row.round_trip].into_iter().flatten().min();
            if let Some(named) = row.name {
                let bytes = self.ledger.names.get(named.name);
                let seen = NameSeen {
                    name: WireText::from(bytes),
                    source: named.source.name(),
                    frame: named.cite.frame,
                    several: named.several,
                    dns_says: row.disagrees.map(|(name, cite)| {
                        (WireText::from(self.ledger.names.get(name)), cite.frame)
                    }),
                };
                let kept =
                    names.entry((named.source.name(), bytes.to_vec())).or_insert(seen.clone());
                kept.several |= seen.several;
                kept.dns_says = kept.dns_says.take().or(seen.dns_says);
            }
            if let Some(claim) = row_claims.get(&index) {
                let known = claims.iter_mut().find(|other| {
                    other.signature == claim.signature && other.pattern == claim.pattern
                });
                match known {
                    Some(other) if claim.level < other.level => *other = claim.clone(),
                    Some(_) => {}
                    None => claims.push(claim.clone()),
                }
            }
        }
        destination.names = names.into_values().collect();
        destination.remotes = remotes
            .into_iter()
            .map(|(address, (traffic, round_trip))| {
                self.remote(destination.zone, address, traffic, round_trip)
            })
            .collect();
        claims.sort_by(|a, b| (&a.signature, &a.pattern).cmp(&(&b.signature, &b.pattern)));
        destination.claims = claims;
    }

    fn remote(&self, zone: Zone, address: IpAddr, traffic: Traffic, rtt: Option<i64>) -> Remote {
        let place = match zone {
            Zone::Internet => self.geo.place(address),
            Zone::Private | Zone::Group => Default::default(),
        };
        let mut excluded = Vec::new();
        if let (Some(here), Some(round_trip)) = (&self.choice.here, rtt) {
            for country in place.country_codes() {
                if let Some(least_km) = reach::excludes(here, country, round_trip) {
                    let farthest_km = reach::farthest_km(round_trip);
                    excluded.push(Excluded { country: country.to_owned(), least_km, farthest_km });
                }
            }
        }
        Remote {
            address,
            countries: place.countries,
            networks: place.networks,
            round_trip_ns: rtt,
            excluded,
            traffic,
        }
    }

    /// Whose remote this is: by the row's name, else by its address.
    fn claim(&self, row: &Row) -> Option<Claim> {
        if zone(row.remote.address) != Zone::Internet {
            return None;
        }
        let by_name = row.name.and_then(|named| {
            let found = self.signatures.by_name(self.ledger.names.get(named.name), &self.day)?;
            Some((found, Some(named)))
        });
        let (found, named): (Found, Option<Named>) = match by_name {
            Some(by_name) => by_name,
            None => (self.signatures.by_address(row.remote.address, &self.day)?, None),
        };
        let claim = self.signatures.claim(found);
        let address = row.remote.address.to_string();
        Some(Claim {
            signature: claim.signature.id.clone(),
            name: claim.signature.name.clone(),
            kind: claim.signature.kind,
            role: claim.role.to_owned(),
            pattern: claim.pattern.to_owned(),
            host_operator: claim.operator.map(str::to_owned),
            region: claim.region.map(str::to_owned),
            matched: match named {
                Some(named) => WireText::from(self.ledger.names.get(named.name)),
                None => WireText::from(address.as_bytes()),
            },
            basis: named.map_or("address", |named| named.source.name()),
            frame: named.map_or(row.frames[0], |named| named.cite.frame),
            level: named.map_or(Level::Attributed, |named| name_level(&named)),
            source: claim.about.source.to_owned(),
            confidence: claim.about.confidence,
            checked: claim.about.checked.to_owned(),
            operator: claim.signature.operator.clone(),
            ownership: claim.signature.ownership.clone(),
            fictional: claim.signature.fictional,
        })
    }
}

/// What rows speak, most traffic first.
fn services<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<Service> {
    let mut all: BTreeMap<_, Traffic> = BTreeMap::new();
    for row in rows {
        let Label { protocol, method, content, .. } = row.label;
        let key = (row.protocol, row.port, protocol, method.name(), content);
        all.entry(key).or_default().add(&Traffic::of(&row.totals));
    }
    let mut services: Vec<Service> = all
        .into_iter()
        .map(|((proto, port, protocol, method, content), traffic)| Service {
            proto: transport_name(proto),
            port,
            protocol,
            method,
            content: content.name(),
            traffic,
        })
        .collect();
    services.sort_by_key(|service| std::cmp::Reverse(service.traffic.wire()));
    services
}

/// Where an address is, seen from the test network.
#[must_use]
pub fn zone(address: IpAddr) -> Zone {
    match scope(address) {
        Scope::Internet => Zone::Internet,
        Scope::Group => Zone::Group,
        Scope::Inside | Scope::Loopback => Zone::Private,
    }
}

/// An unknown party is never guessed to be a third one.
fn party(device: &Device, destination: &Destination) -> Party {
    let maker = device.maker.as_ref().and_then(|maker| maker.vendor.as_deref());
    let mut party = Party::Unknown;
    for claim in &destination.claims {
        if maker == Some(claim.signature.as_str()) {
            return Party::First;
        }
        party = match claim.kind {
            Kind::Hosting | Kind::Cdn | Kind::Resolver | Kind::Time => Party::Support,
            Kind::Analytics | Kind::Relay => Party::Third,
            Kind::Vendor => party,
        };
    }
    party
}

impl Destination {
    fn new(id: String, zone: Zone) -> Destination {
        Destination {
            id,
            zone,
            names: Vec::new(),
            remotes: Vec::new(),
            claims: Vec::new(),
            traffic: Traffic::default(),
        }
    }
}

impl Device {
    fn count(&mut self, zone: Zone, row: &Row, traffic: &Traffic) {
        match zone {
            Zone::Internet => &mut self.internet,
            Zone::Private => &mut self.private,
            Zone::Group => &mut self.group,
        }
        .add(traffic);
        let seen = &mut self.visibility;
        if zone != Zone::Group {
            seen.flows += row.flows;
            seen.one_sided_flows += row.one_sided;
            seen.acknowledged_unseen_flows += row.acknowledged_unseen;
            seen.group_only = false;
            seen.both_directions |= traffic.packets.iter().all(|&packets| packets > 0);
        }
        seen.dns |= matches!(row.label.protocol, "dns" | "mdns" | "llmnr");
        seen.ipv6 |= row.remote.address.is_ipv6();
        seen.first = Some(seen.first.map_or(row.first, |first| first.min(row.first)));
        seen.last = Some(seen.last.map_or(row.last, |last| last.max(row.last)));
    }
}
