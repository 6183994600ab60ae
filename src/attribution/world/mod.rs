//! What the ledger adds up to at one moment: devices, destinations, and contacts between them,
//! with places, networks and operators. Built when asked; reads the ledger and never changes it.

use super::forwarded::Forwarded;
use super::geo::{Asn, Country, CountryCode};
pub use super::ledger::Traffic;
use super::ledger::{DeviceKey, Endpoint, NameSource, Named};
use super::names::registrable;
use crate::base::address::{Mac, Scope, Spelled, network, scope};
use crate::base::text::safe;
use crate::base::time::Timestamp;
use crate::protocol::IdentityKind;
use crate::protocol::port::transport;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

mod build;
mod claim;
mod contact;
mod destination;
mod device;
mod ends;
mod kind;
mod maker;
mod signs;
mod spots;

pub use claim::{Claim, ClaimFact, Claims};
pub use signs::{Signs, is_answered, is_in_vain};
pub use spots::{Fresh, Rules, Spot, Spots};

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
    /// What it describes, by [`IdentityKind::name`].
    pub kind: &'static str,
    /// What the protocol calls it.
    pub fact: &'static str,
    /// As it was said.
    #[serde(flatten)]
    pub value: WireText,
    /// Where.
    pub frame: u64,
}

impl IdentitySeen {
    /// Whether only machines compare it: nobody calls a device so.
    #[must_use]
    pub fn is_for_machines(&self) -> bool {
        let kinds = [IdentityKind::Software, IdentityKind::Beginning, IdentityKind::Key];
        kinds.map(IdentityKind::name).contains(&self.kind)
    }
}

/// Who made a device, and how that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Maker {
    /// Signature id, where a signature knows the maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Name for people.
    pub name: String,
    /// `dhcp`, `said`, `oui` or `software`. An OUI names the maker of the network chip, often not of the device.
    pub by: &'static str,
    /// `high`, `medium` or `low`.
    pub confidence: &'static str,
    /// All that speaks for it.
    pub evidence: Vec<MakerEvidence>,
}

/// What speaks for a maker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MakerEvidence {
    /// `dhcp`, `said`, `oui`, `software` or `destination`.
    pub by: &'static str,
    /// In words.
    pub text: String,
    /// Where it was said; 0 for a hardware address, which is in every frame.
    pub frame: u64,
}

/// What a device says that it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// As it was said; of a type, our word for it.
    #[serde(flatten)]
    pub value: WireText,
    /// What the protocol calls it.
    pub fact: &'static str,
    /// Where.
    pub frame: u64,
    /// It says other things too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub several: bool,
}

impl Told {
    /// The first description of a kind.
    fn first(identities: &[IdentitySeen], kind: IdentityKind) -> Option<Told> {
        let mut all = identities.iter().filter(|said| said.kind == kind.name());
        let first = all.next()?;
        let several = all.any(|other| other.value != first.value);
        Some(Told { value: first.value.clone(), fact: first.fact, frame: first.frame, several })
    }
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

/// What is reached through a device: nothing but its packets, under the hardware address of the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Behind {
    /// Its network address; that of the device itself where they share one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Its hardware address.
    #[serde(serialize_with = "as_text", skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// What shows it.
    pub by: String,
    /// Its flows.
    pub flows: u64,
    /// The first frame that shows it.
    pub frame: u64,
}

impl Behind {
    fn of(forwarded: &Forwarded) -> Behind {
        let Forwarded { address, mac, hops, flows, frame } = *forwarded;
        let by = match mac {
            Some(_) => "an address was asked for in its name".to_owned(),
            None => format!("hop limit {hops}, as one more router leaves it"),
        };
        Behind { address, mac, by, flows, frame }
    }

    /// How it is spoken of.
    #[must_use]
    pub fn spoken(&self) -> String {
        let address = self.address.map(|address| Spelled(address).to_string());
        let name = address.or_else(|| self.mac.map(|mac| mac.to_string())).unwrap_or_default();
        format!("{name} ({})", self.by)
    }
}

/// A device. What is known of it lies apart, so that a list of very many needs no large piece of
/// memory at once.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Device(Box<DeviceFacts>);

impl From<DeviceFacts> for Device {
    fn from(facts: DeviceFacts) -> Device {
        Device(Box::new(facts))
    }
}

impl Deref for Device {
    type Target = DeviceFacts;

    fn deref(&self) -> &DeviceFacts {
        &self.0
    }
}

impl DerefMut for Device {
    fn deref_mut(&mut self) -> &mut DeviceFacts {
        &mut self.0
    }
}

/// Something on the test network. What most devices of a flood do not have lies behind pointers.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceFacts {
    /// Stable id: `mac:…` or `ip:…`.
    pub id: Arc<str>,
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
    pub maker: Option<Box<Maker>>,
    /// What sort of thing it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Box<Told>>,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Box<Told>>,
    /// The version of its firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<Box<Told>>,
    /// Its addresses over time.
    pub addresses: Vec<AddressSeen>,
    /// What it said about itself.
    pub identities: Vec<IdentitySeen>,
    /// What is reached through it without being a device of its own here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Behind>,
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

impl DeviceFacts {
    /// The best name for people: the user's label, a host name, or the id.
    #[must_use]
    pub fn title(&self) -> String {
        let said = |kind: IdentityKind| {
            self.identities.iter().find(|i| i.kind == kind.name()).map(|i| i.value.text.clone())
        };
        self.label
            .clone()
            .or_else(|| said(IdentityKind::HostName))
            .unwrap_or_else(|| self.id.as_ref().to_owned())
    }
}

fn as_text<T: ToString, S: serde::Serializer>(v: &Option<T>, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(&v.as_ref().map(ToString::to_string).unwrap_or_default())
}

/// A country that a database names but the round-trip time excludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excluded {
    /// The country.
    pub country: CountryCode,
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
    pub id: Arc<str>,
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
    pub fn country_codes(&self) -> Vec<CountryCode> {
        let all = self.remotes.iter().flat_map(|remote| &remote.countries);
        distinct(all.map(|opinion| opinion.country))
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
    pub proto: Cow<'static, str>,
    /// Port of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Protocol.
    pub protocol: &'static str,
    /// `payload`, `expected`, `port` (a guess by number alone) or `none`.
    pub method: &'static str,
    /// `clear`, `encrypted`, `service` or `unknown`.
    pub content: &'static str,
    /// What flows look like whose payload was not recognised: an inference beside `content`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<&'static str>,
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

/// Where a name comes from, each source once, best first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sources(u8);

impl Sources {
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = NameSource> {
        NameSource::ALL.into_iter().filter(move |&source| self.0 & 1 << source as u8 != 0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<NameSource> for Sources {
    fn from_iter<T: IntoIterator<Item = NameSource>>(sources: T) -> Sources {
        Sources(sources.into_iter().fold(0, |all, source| all | 1 << source as u8))
    }
}

impl Serialize for Sources {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The part of a contact that goes by one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Host {
    /// The name; absent where none is known.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub name: Option<WireText>,
    /// Where the name comes from, best first.
    pub sources: Sources,
    /// Its addresses, in order.
    pub addresses: Vec<IpAddr>,
    /// Position among the destination's `claims` of what a signature says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<usize>,
    /// What is spoken; one list with the contact's where it goes by one name.
    pub services: Arc<[Service]>,
    /// Traffic.
    pub traffic: Traffic,
}

impl Host {
    /// Whether this is one of its addresses.
    #[must_use]
    pub fn is_at(&self, address: IpAddr) -> bool {
        self.addresses.binary_search(&address).is_ok()
    }
}

/// A device with a destination.
#[derive(Debug, Clone, Serialize)]
pub struct Contact {
    /// Device id.
    pub device: Arc<str>,
    /// Destination id.
    pub destination: Arc<str>,
    /// Where it goes.
    pub zone: Zone,
    /// Relation to the device's maker.
    pub party: Party,
    /// What is spoken, all names together.
    pub services: Arc<[Service]>,
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
    /// What there is among them.
    #[serde(skip)]
    pub signs: Signs,
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
    pub id: Arc<str>,
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
    pub claims: Claims,
    /// The newest packet.
    #[serde(skip)]
    pub latest: Timestamp,
}

/// The stable id of a device.
#[must_use]
pub fn device_id(key: DeviceKey) -> String {
    match key {
        DeviceKey::Mac(mac) => format!("mac:{mac}"),
        DeviceKey::Address(address) => format!("ip:{}", Spelled(address)),
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
pub fn transport_name(protocol: u8) -> Cow<'static, str> {
    transport(protocol).map_or_else(|| protocol.to_string().into(), Cow::Borrowed)
}

/// Where an end is, seen from the test network.
#[must_use]
pub fn zone_of(end: Endpoint) -> Zone {
    // Only ends on the test network have a hardware address, whatever range theirs is of.
    if end.mac.is_some() { Zone::Private } else { zone(end.address) }
}

/// Where an address is that nobody on the test network is known to hold.
#[must_use]
pub fn zone(address: IpAddr) -> Zone {
    match scope(address) {
        Scope::Internet => Zone::Internet,
        Scope::Group => Zone::Group,
        Scope::Inside | Scope::Loopback => Zone::Private,
    }
}
