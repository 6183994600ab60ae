//! Keeps what facts and flows add up to: who talked to whom under which name and how much, what
//! devices said about themselves, what was evidence. It decides nothing that needs the whole
//! capture; [`super::World`] does that when asked.

use super::announced::{Expectations, Expected};
use super::forwarded::Forwarded;
use super::names::{Answered, Answers, NameId, Names};
use super::pace::Paced;
use crate::base::address::{Mac, Scope, scope};
use crate::base::frame;
use crate::base::table::{BuildHasher, Map, Set};
use crate::base::time::Timestamp;
use crate::decode::Tunnels;
use crate::flow::{self, Cite, Flow, Head, Sent, Side};
use crate::protocol::unknown::Class;
use crate::protocol::{
    Content, Fact, FingerprintKind, IdentityKind, Label, Method, NameKind, Subject, Weakness, What,
};
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::net::IpAddr;

/// Most rows (device, remote, name, service) unless a run says otherwise. A row takes about 500
/// bytes here, and several KiB in what is built of it when the flow table is gone.
pub const ROWS_MAX: usize = 1 << 16;
/// Most single flows remembered in all rows, for exact filters and references; 56 bytes each.
pub const FLOW_REFS_MAX: usize = 1 << 19;
/// Most ends of tunnels remembered; beyond that no filter is exact.
const TUNNEL_ENDS_MAX: usize = 65_536;
/// Payload from which on a flow that mostly sends is an upload, bytes: half a minute of the least
/// that moving pictures take, 128 kbit/s.
const UPLOAD_BYTES_MIN: u64 = 480_000;
/// Most flows with an even pace remembered in all rows; each takes 24 bytes a message and 100 more.
const PACED_MAX: usize = 4096;
/// Most devices, by hardware or network address.
pub const DEVICES_MAX: usize = 65_536;
/// Most descriptions kept of one device.
const IDENTITIES_MAX: usize = 64;
/// Longest description kept, bytes.
const IDENTITY_BYTES_MAX: usize = 256;
/// Most pieces of evidence kept of one kind in one row.
pub const EVIDENCE_MAX: usize = 64;
/// Most other protocols kept of one flow.
const CARRIED_MAX: usize = 4;
/// Most own names kept of one flow.
const FLOW_NAMES_MAX: usize = 64;

/// Where a name comes from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameSource {
    /// The flow's own TLS server name.
    Sni,
    /// The flow's own HTTP host.
    Host,
    /// A DNS answer that the device itself received before.
    Dns,
    /// The server's certificate.
    Certificate,
    /// A DNS answer that another device received.
    DnsOther,
    /// The capture file's own name table.
    File,
}

impl serde::Serialize for NameSource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl NameSource {
    /// The word for it in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            NameSource::Sni => "sni",
            NameSource::Host => "host",
            NameSource::Dns => "dns",
            NameSource::Certificate => "cert",
            NameSource::DnsOther => "dns-other",
            NameSource::File => "file",
        }
    }
}

/// A name with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: NameId,
    /// Where it comes from.
    pub source: NameSource,
    /// The frame that says it; number 0 for the file's own table.
    pub cite: Cite,
    /// The address has other names too, so this one is a guess.
    pub several: bool,
}

/// One end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Hardware address, for ends on the test network.
    pub mac: Option<Mac>,
    /// Network address.
    pub address: IpAddr,
}

/// What a row adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RowKey {
    local: Endpoint,
    remote: Endpoint,
    name: Option<(NameId, NameSource)>,
    protocol: u8,
    port: Option<u16>,
    label: &'static str,
    method: Method,
    content: Content,
}

/// Over what nearly always tells rows apart; comparing does the rest.
fn row_hash(
    hasher: &BuildHasher,
    local: &Endpoint,
    remote: &Endpoint,
    port: Option<u16>,
    name: Option<(NameId, NameSource)>,
) -> u64 {
    hasher.hash_one((local.address, remote.address, port, name.map(|(name, _)| name)))
}

/// The port of the service that a flow is for, as seen by `local`.
fn service_port(flow: &Flow, local: Side) -> Option<u16> {
    let port = flow.key.port(local.other())?;
    let asked = flow.initiator_known && flow.initiator == local;
    if asked { Some(port) } else { flow.service_port() }
}

/// All flows of one local end with one remote under one name, for one service.
#[derive(Debug, Clone)]
pub struct Row {
    /// The end on the test network.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
    /// The best name, as the flows of the row have it.
    pub name: Option<Named>,
    /// A different name that DNS gave the device for the address.
    pub disagrees: Option<(NameId, Cite)>,
    /// IANA protocol number.
    pub protocol: u8,
    /// Port of the service.
    pub port: Option<u16>,
    /// Protocol label; its frame is that of the first flow.
    pub label: Label,
    /// Whether the local end began any of the flows.
    pub begun_here: bool,
    /// Whether the remote end began any of the flows.
    pub begun_there: bool,
    /// What the local end sent, and what it received.
    pub totals: [Sent; 2],
    /// Payload bytes that must exist but were not captured, sent and received.
    pub missed: [u64; 2],
    /// Frames seen a second time on a mirror port: packets, and bytes on the wire.
    pub duplicates: [u64; 2],
    /// Number of flows.
    pub flows: u64,
    /// Flows of which only one direction was seen.
    pub one_sided: u64,
    /// Flows in which data was acknowledged that the capture does not hold.
    pub acknowledged_unseen: u64,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// First and last frame.
    pub frames: [u64; 2],
    /// Smallest handshake round trip between the tap and the remote, nanoseconds.
    pub round_trip: Option<i64>,
    /// The single flows, in the order in which they ended.
    pub flow_refs: Vec<FlowRef>,
    /// By input, where there are several.
    shares: Vec<Share>,
    /// What flows of unknown content look like, as bits of [`Class`].
    pub classes: u8,
    /// Flows not remembered singly because of the bound.
    pub flow_refs_lost: u64,
    /// Whether any flow has fragments.
    pub fragments: bool,
    /// Whether any flow is carried in a tunnel.
    pub tunnelled: bool,
    /// Flows that stay open and in which messages keep a pace.
    pub paced: Option<Box<Vec<Paced>>>,
    /// What else was seen.
    pub evidence: Vec<Evidence>,
    /// Pieces of evidence by the bit of their mark.
    evidence_kept: [u8; MARKS],
    /// Evidence not kept because of the bound.
    pub evidence_lost: u64,
}

/// One flow of a row, as far as one input holds it.
#[derive(Debug, Clone)]
pub struct FlowRef {
    /// The first frame.
    pub cite: Cite,
    /// Number of the last frame.
    pub last_frame: u64,
    /// The flow began in another input.
    pub continues: bool,
    /// Port of the local and of the remote end.
    pub ports: Option<[u16; 2]>,
    /// Partly made of fragments.
    pub fragments: bool,
    /// Kinds of evidence in it, as bits of [`Mark`].
    pub marks: u32,
    /// What it counts, where it bears marks and so may be counted alone.
    pub marked: Option<Box<Marked>>,
}

/// The counts of a single flow.
#[derive(Debug, Clone, Copy)]
pub struct Marked {
    /// Time of the last packet.
    pub last: Timestamp,
    /// What the local end sent, and what it received.
    pub traffic: Traffic,
}

/// What one input holds of a row.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Position of the input.
    pub input: usize,
    /// What the local end sent, and what it received.
    pub traffic: Traffic,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
}

/// Bytes one way and the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Traffic {
    /// Frames, sent and received.
    pub packets: [u64; 2],
    /// Whole frames on the wire, bytes, sent and received.
    pub wire_bytes: [u64; 2],
    /// Payload, each byte once, sent and received.
    pub delivered_bytes: [u64; 2],
}

impl Traffic {
    /// From counters as seen by one side.
    #[must_use]
    pub fn of(totals: &[Sent; 2]) -> Traffic {
        let pick = |field: fn(&Sent) -> u64| [field(&totals[0]), field(&totals[1])];
        Traffic {
            packets: pick(|sent| sent.packets),
            wire_bytes: pick(|sent| sent.wire_bytes),
            delivered_bytes: pick(|sent| sent.delivered_bytes),
        }
    }

    /// What one input holds of a flow, as seen by `local`.
    fn of_share(share: &flow::Share, local: Side) -> Traffic {
        let turn = |ways: [u64; 2]| [ways[local.index()], ways[local.other().index()]];
        Traffic {
            packets: turn(share.packets),
            wire_bytes: turn(share.wire_bytes),
            delivered_bytes: turn(share.delivered_bytes),
        }
    }

    /// Wire bytes both ways.
    #[must_use]
    pub fn wire(&self) -> u64 {
        self.wire_bytes.iter().sum()
    }

    /// Adds another.
    pub fn add(&mut self, other: &Traffic) {
        for way in 0..2 {
            self.packets[way] += other.packets[way];
            self.wire_bytes[way] += other.wire_bytes[way];
            self.delivered_bytes[way] += other.delivered_bytes[way];
        }
    }

    /// The same seen from the other end.
    #[must_use]
    pub fn turned(&self) -> Traffic {
        let turn = |[a, b]: [u64; 2]| [b, a];
        Traffic {
            packets: turn(self.packets),
            wire_bytes: turn(self.wire_bytes),
            delivered_bytes: turn(self.delivered_bytes),
        }
    }
}

/// Kinds of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Mark {
    /// A readable secret.
    Credential = 1,
    /// A deprecated version of an encryption protocol.
    Deprecated = 2,
    /// A name was asked for.
    Query = 4,
    /// Sound or pictures.
    Media = 8,
    /// A version of an encryption protocol that is not deprecated.
    Current = 16,
    /// Names are asked for inside encryption.
    DnsOver = 32,
    /// The local end told an internet address what tells it, its place or its owner from others.
    Identifier = 64,
    /// A readable command.
    Control = 128,
    /// A router was asked to let the internet in.
    Opening = 256,
    /// The form of a nation's own standard.
    Standard = 512,
    /// A way to a peer was sought through a server.
    Relay = 1024,
    /// An internet address began it, and the local end answered with data, or took data over TCP.
    Inbound = 2048,
    /// Messages keep a pace within the flow.
    Paced = 4096,
    /// A cipher suite that must not be used any more.
    WeakCipher = 8192,
    /// Keys that one long-lived secret opens.
    NoForwardSecrecy = 16_384,
    /// Something is wrong with the server's certificate.
    Certificate = 32_768,
    /// The client sent data in spite of that.
    CertificateAccepted = 65_536,
    /// A program for a device was asked for readable.
    Update = 131_072,
    /// A connection is tried as the bots of a known family do.
    Bot = 262_144,
    /// Much was sent, and little received.
    Upload = 524_288,
}

/// Kinds of evidence.
const MARKS: usize = 20;

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its kind.
    pub mark: Mark,
    /// The deciding frame.
    pub cite: Cite,
    /// What it is called: kind of secret, protocol version.
    pub what: String,
    /// Who or what it concerns, as bytes from the wire, shortened; never a secret.
    pub value: Box<[u8]>,
    /// Length of the secret, bytes.
    pub length: usize,
}

/// What one flow has said so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Notes {
    pub dns: Option<Answered>,
    pub own: Vec<(NameId, NameKind, Cite)>,
    pub client: Option<Box<Client>>,
    pub evidence: Vec<Evidence>,
    /// The flow was handed over to another protocol.
    pub handed_over: bool,
    /// Another flow announced this one before it began.
    expected: Option<Expected>,
    /// Protocols that go through the flow beside the one it is called by, each with a frame.
    carried: Vec<(&'static str, u64)>,
}

/// What a client's hello says of it, beside the name. Apart, since most flows have none.
#[derive(Debug, Default, Clone)]
pub(super) struct Client {
    pub alpn: Option<Box<[u8]>>,
    alpn_settled: bool,
    pub ja3: Option<Box<[u8]>>,
    pub ja4: Option<Box<[u8]>>,
    /// Names are asked for inside: over what.
    pub dns_over: Option<&'static str>,
}

/// What is known of a hardware address.
#[derive(Debug, Default, Clone)]
pub struct Hardware {
    /// Addresses on the test network that it sent from, with first and last sight, in order.
    pub addresses: Vec<(IpAddr, [Timestamp; 2])>,
    /// Addresses it claimed by ARP or was given by DHCP: surely its own.
    pub confirmed: Set<IpAddr>,
    /// Different internet addresses it sent from, counted up to a few.
    pub internet: Vec<IpAddr>,
    /// Packets for the internet were sent to it.
    pub is_next_hop: bool,
    /// Addresses that it sent from with a hop limit no router has counted down.
    pub(super) own_hops: Vec<IpAddr>,
    /// What may be behind it.
    pub(super) forwarded: Vec<Forwarded>,
}

/// Which device something was said about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceKey {
    /// By hardware address.
    Mac(Mac),
    /// By network address, where the capture is routed.
    Address(IpAddr),
}

/// One description of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What it describes.
    pub kind: IdentityKind,
    /// What the protocol calls it.
    pub fact: &'static str,
    /// As it was on the wire.
    pub value: Box<[u8]>,
    /// Where.
    pub frame: u64,
}

/// How often and where a name was asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Questions.
    pub queries: u64,
    /// Frame of the first.
    pub first_frame: u64,
    /// Addresses that were answered.
    pub addresses: std::collections::BTreeSet<IpAddr>,
}

/// What the bounds of the ledger cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Losses {
    /// Flows that are in no contact because there were too many.
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
    /// Messages of long flows, and flows with an even pace, that there was no room for.
    pub paces: u64,
}

/// See the module.
#[derive(Default, Clone)]
pub struct Ledger {
    /// All names.
    pub names: Names,
    pub(super) answers: Answers,
    pub(super) notes: Map<u64, Notes>,
    expectations: Expectations,
    row_index: HashTable<u32>,
    hasher: BuildHasher,
    /// All rows, in the order in which they began.
    pub rows: Vec<Row>,
    rows_max: RowsMax,
    flow_refs: usize,
    paced: usize,
    /// By hardware address; no output iterates it without sorting.
    pub hardware: Map<Mac, Hardware>,
    /// What devices said about themselves.
    pub identities: BTreeMap<DeviceKey, Vec<Identity>>,
    /// Name servers that the network gave to a device, with the frame that says so.
    pub resolvers: BTreeMap<Mac, Vec<(IpAddr, Cite)>>,
    /// Names asked for, or that devices give to their own addresses.
    pub asked: BTreeMap<NameId, Asked>,
    file_names: Map<IpAddr, NameId>,
    tunnel_ends: Set<IpAddr>,
    tunnel_ends_lost: bool,
    losses: Losses,
}

/// Which side of a flow is on the test network. Where both or neither are, the side that began.
#[must_use]
pub fn local_side(flow: &Head) -> Side {
    let initiator = flow.initiator;
    let scopes = [initiator, initiator.other()].map(|side| scope(flow.key.address(side)));
    match scopes {
        [Scope::Internet | Scope::Group, Scope::Inside | Scope::Loopback]
        | [Scope::Group, Scope::Internet] => initiator.other(),
        _ => initiator,
    }
}

/// An end of a flow. Hardware addresses count only for ends on the test network: that of a
/// remote is the gateway's.
#[must_use]
pub fn endpoint(flow: &Head, side: Side) -> Endpoint {
    let address = flow.key.address(side);
    let inside = scope(address) == Scope::Inside;
    Endpoint { mac: flow.macs[side.index()].filter(|mac| inside && !mac.is_group()), address }
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

    /// Takes the names that a capture file gives to addresses.
    pub fn declare<'n>(&mut self, names: impl Iterator<Item = &'n (IpAddr, Box<[u8]>)>) {
        for (address, name) in names {
            if let Some(id) = self.names.intern(name) {
                self.file_names.entry(*address).or_insert(id);
            }
        }
    }

    /// An ARP message: whose address is whose.
    pub fn arp(&mut self, mac: Mac, address: IpAddr, time: Timestamp) {
        if mac.is_group() || mac.is_zero() || scope(address) != Scope::Inside {
            return;
        }
        if let Some(hardware) = self.hardware(mac)
            && !address.is_unspecified()
        {
            hardware.confirmed.insert(address);
            hardware.saw(address, time);
        }
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

    /// A flow began.
    pub fn opened(&mut self, flow: &Head, tunnels: Option<&Tunnels>) {
        let local = local_side(flow);
        self.note_hardware(flow);
        if let Some(tunnels) = tunnels {
            self.note_tunnels(tunnels);
        }
        if let Some(expected) = self.expectations.of(flow) {
            self.notes.entry(flow.first_frame).or_default().expected = Some(expected);
        }
        if self.answers.is_empty() {
            return;
        }
        let ends = [endpoint(flow, local), endpoint(flow, local.other())];
        let dns = self.answers.find(ends[0].address, ends[0].mac, ends[1].address);
        if dns.is_some() {
            self.notes.entry(flow.first_frame).or_default().dns = dns;
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

    fn note_hardware(&mut self, flow: &Head) {
        let sender = flow.first_sender;
        let address = flow.key.address(sender);
        if let Some(mac) = flow.macs[sender.index()].filter(|mac| !mac.is_group()) {
            let time = flow.first;
            if let Some(hardware) = self.hardware(mac) {
                match scope(address) {
                    Scope::Inside if !address.is_unspecified() => hardware.saw(address, time),
                    Scope::Internet
                        if hardware.internet.len() < 4 && !hardware.internet.contains(&address) =>
                    {
                        hardware.internet.push(address);
                    }
                    _ => {}
                }
            }
        }
        let towards = flow.key.address(sender.other());
        let next_hop = flow.macs[sender.other().index()].filter(|mac| !mac.is_group());
        if let Some(mac) = next_hop.filter(|_| scope(towards) == Scope::Internet)
            && let Some(hardware) = self.hardware(mac)
        {
            hardware.is_next_hop = true;
        }
    }

    /// Something was said in a flow by `side`, in the frame `cite`.
    pub fn fact(&mut self, flow: &Head, side: Side, cite: Cite, fact: &Fact<'_>) {
        let evidence = |mark, what: &str, length| Evidence {
            mark,
            cite,
            what: what.to_owned(),
            value: shortened(fact.value),
            length,
        };
        match fact.what {
            What::Query { .. } => {
                if let Some(name) = self.names.intern(fact.value) {
                    let asked = self.asked.entry(name).or_default();
                    if asked.queries == 0 {
                        asked.first_frame = fact.frame;
                    }
                    asked.queries += 1;
                }
                self.prove(flow, evidence(Mark::Query, "", 0));
            }
            What::Answer { address, .. } => {
                if let Some(name) = self.names.intern(fact.value) {
                    self.asked.entry(name).or_default().addresses.insert(address);
                    let client = endpoint(flow, side.other());
                    self.answers.learn(client.address, client.mac, address, name, cite);
                }
            }
            What::OwnName { address } => {
                if let Some(name) = self.names.intern(fact.value) {
                    self.asked.entry(name).or_default().addresses.insert(address);
                    let key = self.sender(flow, side);
                    self.describe(key, IdentityKind::HostName, fact);
                }
            }
            What::Name(kind) => {
                if let Some(name) = self.names.intern(fact.value) {
                    let own = &mut self.notes.entry(flow.first_frame).or_default().own;
                    let known = own.iter().any(|&(id, k, _)| id == name && k == kind);
                    if !known && own.len() < FLOW_NAMES_MAX {
                        own.push((name, kind, cite));
                    }
                }
            }
            What::Identity { subject: Subject::Sender, kind } => {
                let key = self.sender(flow, side);
                self.describe(key, kind, fact);
                if side == local_side(flow)
                    && scope(flow.key.address(side.other())) == Scope::Internet
                    && tells_apart(kind)
                {
                    self.prove(flow, evidence(Mark::Identifier, fact.name, fact.value.len()));
                }
            }
            What::Identity { subject: Subject::Hardware(mac), kind } => {
                self.note_requester(flow, side, mac, fact.frame);
                self.describe(Some(DeviceKey::Mac(mac)), kind, fact);
            }
            What::Lease { client, address } => {
                if let Some(hardware) = self.hardware(client) {
                    hardware.confirmed.insert(address);
                }
            }
            What::Resolver { client, resolver } => {
                let known = self.resolvers.entry(client).or_default();
                if known.len() < IDENTITIES_MAX && !known.iter().any(|&(r, _)| r == resolver) {
                    known.push((resolver, cite));
                }
            }
            What::Credential { kind, length } => {
                self.prove(flow, evidence(Mark::Credential, kind, length));
            }
            What::Encryption { deprecated } => {
                let mark = if deprecated { Mark::Deprecated } else { Mark::Current };
                self.prove(flow, evidence(mark, &String::from_utf8_lossy(fact.value), 0));
            }
            What::Weak(weakness) => {
                let mark = match weakness {
                    Weakness::Cipher => Mark::WeakCipher,
                    Weakness::NoForwardSecrecy => Mark::NoForwardSecrecy,
                    Weakness::Certificate => Mark::Certificate,
                    Weakness::CertificateAccepted => Mark::CertificateAccepted,
                };
                self.prove(flow, evidence(mark, fact.name, 0));
            }
            What::Update { image } => {
                let what = if image { "image" } else { "likely" };
                self.prove(flow, evidence(Mark::Update, what, 0));
            }
            What::Media => self.prove(flow, evidence(Mark::Media, fact.name, 0)),
            What::Handover => {
                self.notes.entry(flow.first_frame).or_default().handed_over = true;
            }
            What::Alpn { settled } => {
                let client = self.client(flow);
                if client.alpn.is_none() || settled && !client.alpn_settled {
                    client.alpn = Some(shortened(fact.value));
                    client.alpn_settled = settled;
                }
            }
            What::Fingerprint(kind) => {
                let client = self.client(flow);
                let kept = match kind {
                    FingerprintKind::Ja3 => &mut client.ja3,
                    FingerprintKind::Ja4 => &mut client.ja4,
                };
                kept.get_or_insert_with(|| shortened(fact.value));
            }
            What::DnsOver(over) => {
                self.client(flow).dns_over.get_or_insert(over);
                self.prove(flow, evidence(Mark::DnsOver, over, 0));
            }
            What::Expect(announced) => self.expectations.announce(announced, cite),
            What::Control => self.prove(flow, evidence(Mark::Control, fact.name, 0)),
            What::Opening => self.prove(flow, evidence(Mark::Opening, fact.name, 0)),
            What::Standard(key) => self.prove(flow, evidence(Mark::Standard, key, 0)),
            What::Relay => self.prove(flow, evidence(Mark::Relay, fact.name, 0)),
            What::Carries(label) => {
                let carried = &mut self.notes.entry(flow.first_frame).or_default().carried;
                if carried.len() < CARRIED_MAX && !carried.iter().any(|(known, _)| *known == label)
                {
                    carried.push((label, fact.frame));
                }
            }
            What::Note => {}
        }
    }

    /// A hub or repeater asks for addresses in the name of what is behind it.
    fn note_requester(&mut self, flow: &Head, side: Side, named: Mac, frame: u64) {
        let asks = side == flow.initiator && flow.key.address(side).is_unspecified();
        let sender = flow.macs[side.index()].filter(|sender| asks && *sender != named);
        if let Some(sender) = sender
            && let Some(hardware) = self.hardware.get_mut(&sender)
        {
            hardware.asked_for(named, frame);
        }
    }

    /// With which hop limits hardware addresses send on the test network.
    fn note_hops(&mut self, flow: &Flow, head: &Head) {
        let sides = [Side::Low, Side::High];
        if sides.iter().any(|&side| scope(flow.key.address(side)) == Scope::Group) {
            return;
        }
        for side in sides.into_iter().filter(|&side| flow.sent(side).packets > 0) {
            let end = endpoint(head, side);
            if let Some(mac) = end.mac.filter(|_| !end.address.is_unspecified())
                && let Some(hardware) = self.hardware.get_mut(&mac)
            {
                hardware.sent_from(end.address, flow.hops[side.index()], flow.first_frame);
            }
        }
    }

    fn client(&mut self, flow: &Head) -> &mut Client {
        self.notes.entry(flow.first_frame).or_default().client.get_or_insert_default()
    }

    fn prove(&mut self, flow: &Head, evidence: Evidence) {
        let kept = &mut self.notes.entry(flow.first_frame).or_default().evidence;
        if kept.iter().filter(|other| other.mark == evidence.mark).count() < EVIDENCE_MAX {
            kept.push(evidence);
        }
    }

    fn sender(&self, flow: &Head, side: Side) -> Option<DeviceKey> {
        let end = endpoint(flow, side);
        match (end.mac, scope(end.address)) {
            (Some(mac), _) => Some(DeviceKey::Mac(mac)),
            (None, Scope::Inside) => Some(DeviceKey::Address(end.address)),
            _ => None,
        }
    }

    fn describe(&mut self, key: Option<DeviceKey>, kind: IdentityKind, fact: &Fact<'_>) {
        let Some(key) = key else { return };
        if self.identities.len() >= DEVICES_MAX && !self.identities.contains_key(&key) {
            self.losses.identities += 1;
            return;
        }
        let known = self.identities.entry(key).or_default();
        let value = shortened(fact.value);
        if known.iter().any(|other| other.kind == kind && other.value == value) {
            return;
        }
        if known.len() >= IDENTITIES_MAX {
            self.losses.identities += 1;
            return;
        }
        known.push(Identity { kind, fact: fact.name, value, frame: fact.frame });
    }

    /// All names of a flow, best first, each with its source.
    pub(super) fn names_of(&self, flow: &Head, notes: Option<&Notes>) -> Vec<Named> {
        let mut all: Vec<Named> = Vec::new();
        if let Some(notes) = notes {
            for &(name, kind, cite) in &notes.own {
                let source = match kind {
                    NameKind::Sni => NameSource::Sni,
                    NameKind::Host => NameSource::Host,
                    NameKind::Certificate => NameSource::Certificate,
                    NameKind::SniOuter | NameKind::Requested => continue,
                };
                all.push(Named { name, source, cite, several: false });
            }
            if let Some(dns) = notes.dns {
                let source = if dns.own { NameSource::Dns } else { NameSource::DnsOther };
                all.push(Named { name: dns.name, source, cite: dns.cite, several: dns.several });
            }
        }
        let remote = flow.key.address(local_side(flow).other());
        if let Some(&name) = self.file_names.get(&remote) {
            all.push(Named {
                name,
                source: NameSource::File,
                cite: Cite::default(),
                several: true,
            });
        }
        all.sort_by_key(|named| named.source);
        all
    }

    /// Reads a little of what is known of the hardware addresses of a flow that began, for the same
    /// purpose as [`Ledger::glance_at_row`].
    #[must_use]
    pub fn glance_at_ends(&self, flow: &Head) -> u64 {
        let known = flow.macs.iter().flatten().filter_map(|mac| self.hardware.get(mac));
        known.fold(0, |sum, hardware| {
            let latest = hardware.addresses.first().map_or(0, |(_, [_, latest])| latest.0 as u64);
            sum ^ latest ^ hardware.internet.len() as u64
        })
    }

    /// Reads a little of the row that a flow will probably be added to, if nothing is known of the
    /// flow's name; the sum means nothing. Asked for many flows before any is added, so that the
    /// memory of all is fetched at once.
    #[must_use]
    pub fn glance_at_row(&self, flow: &Flow) -> u64 {
        let head = flow.head();
        let local = local_side(&head);
        let ends = [endpoint(&head, local), endpoint(&head, local.other())];
        let hash = row_hash(&self.hasher, &ends[0], &ends[1], service_port(flow, local), None);
        let guess = self.row_index.find(hash, |_| true);
        guess.map_or(0, |&index| {
            let row = &self.rows[index as usize];
            row.flows ^ row.totals[0].packets ^ row.frames[0] ^ row.flow_refs.len() as u64
        })
    }

    /// The label of a flow that ends, from that which its payload or port gives: with what other
    /// flows announced, and without a claim on content that was handed over.
    #[must_use]
    pub fn settled(&self, flow: &Flow, label: Label) -> Label {
        let notes = self.notes.get(&flow.first_frame);
        if notes.is_some_and(|notes| notes.handed_over) {
            return Label { content: Content::Unknown, ..label };
        }
        self.expected(flow).map_or(label, |expected| expected.settle(label))
    }

    /// What another flow announced of this one: before it began is nearer than since.
    fn expected(&self, flow: &Flow) -> Option<Expected> {
        let before = self.notes.get(&flow.first_frame).and_then(|notes| notes.expected);
        before.or_else(|| self.expectations.of(&flow.head()))
    }

    /// Other protocols that a flow is rightly called by, beside its settled label: what else goes
    /// through it, and what was announced where its payload says another thing.
    pub(super) fn other_labels(
        &self,
        flow: &Flow,
        label: &Label,
    ) -> Vec<(&'static str, Method, u64)> {
        let notes = self.notes.get(&flow.first_frame);
        let carried = notes.into_iter().flat_map(|notes| &notes.carried);
        let carried = carried.map(|&(label, frame)| (label, Method::Payload, frame));
        let announced = self.expected(flow).map(|expected| expected.label());
        let announced = announced.map(|(label, frame)| (label, Method::Expected, frame));
        carried.chain(announced).filter(|(other, ..)| *other != label.protocol).collect()
    }

    /// A flow ended: adds it to its row, under its settled label, with what it looks
    /// like where that is not known. Returns the position of the row and the flow's kinds of
    /// evidence, as bits of [`Mark`]; `None` where there was no room for a row.
    pub fn closed(
        &mut self,
        flow: &Flow,
        label: Label,
        class: Option<Class>,
    ) -> Option<(usize, u32)> {
        let notes = self.notes.remove(&flow.first_frame);
        let head = flow.head();
        let local = local_side(&head);
        let remote = local.other();
        self.note_hops(flow, &head);
        let name = self.names_of(&head, notes.as_ref()).first().copied();
        let ends = [endpoint(&head, local), endpoint(&head, remote)];
        let port = service_port(flow, local);
        let key = RowKey {
            local: ends[0],
            remote: ends[1],
            name: name.map(|named| (named.name, named.source)),
            protocol: flow.key.protocol,
            port,
            label: label.protocol,
            method: label.method,
            content: label.content,
        };
        let disagrees = name.filter(|n| n.source <= NameSource::Host).and_then(|named| {
            let dns = notes.as_ref()?.dns.filter(|dns| dns.own)?;
            let agrees =
                self.answers.agrees(ends[0].address, ends[0].mac, ends[1].address, named.name)?;
            (!agrees).then_some((dns.name, dns.cite))
        });
        let hash = row_hash(&self.hasher, &key.local, &key.remote, key.port, key.name);
        let rows = &self.rows;
        let found = self.row_index.find(hash, |&index| rows[index as usize].key() == key);
        let index = match found {
            Some(&index) => index as usize,
            None if self.rows.len() >= self.rows_max.0 => {
                self.losses.flows_without_contact += 1;
                return None;
            }
            None => {
                let new = self.rows.len() as u32;
                self.rows.push(Row::new(&key, name, label, flow));
                let (rows, hasher) = (&self.rows, &self.hasher);
                let rehash = |&index: &u32| {
                    let RowKey { local, remote, port, name, .. } = rows[index as usize].key();
                    row_hash(hasher, &local, &remote, port, name)
                };
                self.row_index.insert_unique(hash, new, rehash);
                self.rows.len() - 1
            }
        };
        let room = FLOW_REFS_MAX - self.flow_refs;
        let row = &mut self.rows[index];
        row.disagrees = row.disagrees.or(disagrees);
        row.classes |= class.map_or(0, |class| class as u8);
        if let (Some(mine), Some(new)) = (&mut row.name, name) {
            mine.several |= new.several;
        }
        let mut paced = Paced::of(flow, local);
        if self.paced >= PACED_MAX {
            self.losses.paces += u64::from(paced.take().is_some());
        }
        self.paced += usize::from(paced.is_some());
        let (remembered, marks) = row.add(flow, local, notes.unwrap_or_default(), paced, room);
        self.flow_refs += remembered;
        Some((index, marks))
    }

    /// What the bounds cost.
    #[must_use]
    pub fn losses(&self) -> Losses {
        Losses {
            names: self.names.lost,
            answers: self.answers.lost,
            announcements: self.expectations.lost,
            ..self.losses
        }
    }
}

/// Whether a description fits one device, place or owner only.
fn tells_apart(kind: IdentityKind) -> bool {
    use IdentityKind::{Account, DeviceId, Location, Mac, Serial};
    matches!(kind, Serial | DeviceId | Mac | Location | Account)
}

fn shortened(value: &[u8]) -> Box<[u8]> {
    value[..value.len().min(IDENTITY_BYTES_MAX)].into()
}

impl Hardware {
    fn saw(&mut self, address: IpAddr, time: Timestamp) {
        match self.place(address) {
            Ok(at) => {
                let [_, latest] = &mut self.addresses[at].1;
                *latest = time.max(*latest);
            }
            // A device has few addresses; what has more is a router, and further ones change
            // nothing.
            Err(at) if self.addresses.len() < 64 => {
                self.addresses.insert(at, (address, [time, time]));
            }
            Err(_) => {}
        }
    }

    /// Whether it sent from an address.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        self.place(address).is_ok()
    }

    fn place(&self, address: IpAddr) -> Result<usize, usize> {
        self.addresses.binary_search_by_key(&address, |&(address, _)| address)
    }
}

impl Row {
    /// What makes it the row of its flows.
    fn key(&self) -> RowKey {
        RowKey {
            local: self.local,
            remote: self.remote,
            name: self.name.map(|named| (named.name, named.source)),
            protocol: self.protocol,
            port: self.port,
            label: self.label.protocol,
            method: self.label.method,
            content: self.label.content,
        }
    }

    fn new(key: &RowKey, name: Option<Named>, label: Label, flow: &Flow) -> Row {
        Row {
            local: key.local,
            remote: key.remote,
            name,
            disagrees: None,
            protocol: key.protocol,
            port: key.port,
            label,
            begun_here: false,
            begun_there: false,
            totals: [Sent::default(); 2],
            missed: [0; 2],
            duplicates: [0; 2],
            flows: 0,
            one_sided: 0,
            acknowledged_unseen: 0,
            first: flow.first,
            last: flow.last,
            frames: [flow.first_frame, flow.last_frame()],
            round_trip: None,
            flow_refs: Vec::new(),
            shares: Vec::new(),
            classes: 0,
            flow_refs_lost: 0,
            fragments: false,
            tunnelled: false,
            paced: None,
            evidence: Vec::new(),
            evidence_kept: [0; MARKS],
            evidence_lost: 0,
        }
    }

    /// Adds a flow; returns how many of its shares, at most `room`, are remembered singly, and its
    /// marks.
    fn add(
        &mut self,
        flow: &Flow,
        local: Side,
        notes: Notes,
        paced: Option<Paced>,
        room: usize,
    ) -> (usize, u32) {
        let remote = local.other();
        let totals = [flow.sent(local), flow.sent(remote)];
        let shares = &*flow.shares();
        self.add_shares(shares, local);
        for (sum, sent) in self.totals.iter_mut().zip(totals) {
            add(sum, &sent);
        }
        for (way, side) in [local, remote].into_iter().enumerate() {
            self.missed[way] += flow.missed_bytes(side);
            let [packets, bytes] = flow.duplicates(side);
            self.duplicates[0] += packets;
            self.duplicates[1] += bytes;
        }
        self.flows += 1;
        self.one_sided += u64::from(totals.iter().any(|sent| sent.packets == 0));
        self.acknowledged_unseen +=
            u64::from(flow.acknowledged_unseen(local) || flow.acknowledged_unseen(remote));
        self.begun_here |= flow.initiator_known && flow.initiator == local;
        self.begun_there |= flow.initiator_known && flow.initiator == remote;
        let [first, last] = self.frames;
        self.frames = [
            frame::earlier((first, self.first), (flow.first_frame, flow.first)),
            frame::later((last, self.last), (flow.last_frame(), flow.last)),
        ];
        self.first = self.first.min(flow.first);
        self.last = self.last.max(flow.last);
        self.fragments |= flow.has_fragments();
        self.tunnelled |= flow.tunnels().is_some();
        let measured = flow.round_trip(remote);
        self.round_trip = [self.round_trip, measured].into_iter().flatten().min();
        let mut marks = notes.evidence.iter().fold(0, |bits, evidence| bits | evidence.mark as u32);
        if is_inbound(flow, local) {
            marks |= Mark::Inbound as u32;
        }
        if let Some(paced) = paced {
            marks |= Mark::Paced as u32;
            self.paced.get_or_insert_default().push(paced);
        }
        if flow.knocks_by_address(local) {
            marks |= Mark::Bot as u32;
        }
        if is_upload(totals) {
            marks |= Mark::Upload as u32;
        }
        for evidence in notes.evidence {
            let kept = &mut self.evidence_kept[(evidence.mark as u32).trailing_zeros() as usize];
            if usize::from(*kept) < EVIDENCE_MAX {
                *kept += 1;
                self.evidence.push(evidence);
            } else {
                self.evidence_lost += 1;
            }
        }
        if shares.len() > room {
            self.flow_refs_lost += 1;
            return (0, marks);
        }
        // Most rows have one flow; the growth of a vector would keep room for four.
        if self.flow_refs.is_empty() {
            self.flow_refs.reserve_exact(shares.len());
        }
        let ports = flow.key.port(local).zip(flow.key.port(remote)).map(|(l, r)| [l, r]);
        for share in shares {
            let traffic = Traffic::of_share(share, local);
            self.flow_refs.push(FlowRef {
                cite: share.cite,
                last_frame: share.last_frame,
                continues: share.cite.frame != flow.first_frame,
                ports,
                fragments: flow.has_fragments(),
                marks,
                marked: (marks != 0).then(|| Box::new(Marked { last: share.last, traffic })),
            });
        }
        (shares.len(), marks)
    }

    /// The first frames of the flows that are remembered singly.
    pub fn beginnings(&self) -> impl Iterator<Item = Cite> {
        self.flow_refs.iter().filter(|flow| !flow.continues).map(|flow| flow.cite)
    }

    /// Whether an input holds anything of the row.
    #[must_use]
    pub fn is_in(&self, input: usize) -> bool {
        match self.shares[..] {
            [] => frame::input(self.frames[0]) == input,
            _ => self.shares.iter().any(|share| share.input == input),
        }
    }

    /// What each input holds of the row.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        match self.shares[..] {
            [] => vec![self.whole()],
            _ => self.shares.clone(),
        }
    }

    fn whole(&self) -> Share {
        let input = frame::input(self.frames[0]);
        Share { input, traffic: Traffic::of(&self.totals), first: self.first, last: self.last }
    }

    /// Counts by input only once there is a second one.
    fn add_shares(&mut self, shares: &[flow::Share], local: Side) {
        if self.shares.is_empty() {
            let here = frame::input(self.frames[0]);
            if shares.iter().all(|share| frame::input(share.cite.frame) == here) {
                return;
            }
            if self.flows > 0 {
                self.shares.push(self.whole());
            }
        }
        for share in shares {
            let input = frame::input(share.cite.frame);
            let traffic = Traffic::of_share(share, local);
            let (first, last) = (share.cite.time, share.last);
            match self.shares.iter_mut().find(|known| known.input == input) {
                Some(known) => {
                    known.traffic.add(&traffic);
                    known.first = known.first.min(first);
                    known.last = known.last.max(last);
                }
                None => self.shares.push(Share { input, traffic, first, last }),
            }
        }
    }

    /// Whether these are ICMP messages, which display filters cannot tell from quotes in them.
    #[must_use]
    pub fn is_icmp(&self) -> bool {
        matches!(self.protocol, 1 | 58)
    }

    /// Whether the content is readable, encrypted or open by design.
    #[must_use]
    pub fn content(&self) -> Content {
        self.label.content
    }
}

/// Whether the internet began a flow that the local end took part in. An answer without payload
/// may be a refusal.
fn is_inbound(flow: &Flow, local: Side) -> bool {
    let remote = local.other();
    let [sent, received] = [flow.sent(local), flow.sent(remote)];
    let taken = flow.key.protocol == crate::protocol::TCP && received.delivered_bytes > 0;
    flow.initiator_known
        && flow.initiator == remote
        && scope(flow.key.address(remote)) == Scope::Internet
        && flow.key.port(local).is_some()
        && sent.packets > 0
        && (sent.payload_bytes > 0 || taken)
}

/// Whether much was sent and little received.
fn is_upload([sent, received]: [Sent; 2]) -> bool {
    sent.delivered_bytes >= UPLOAD_BYTES_MIN && sent.delivered_bytes / 4 >= received.delivered_bytes
}

/// Adds the counters of one flow to a sum.
pub fn add(sum: &mut Sent, sent: &Sent) {
    sum.packets += sent.packets;
    sum.wire_bytes += sent.wire_bytes;
    sum.ip_bytes += sent.ip_bytes;
    sum.payload_bytes += sent.payload_bytes;
    sum.delivered_bytes += sent.delivered_bytes;
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
            paces,
        } = self;
        flows_without_contact + names + answers + devices + identities + announcements + paces
    }
}
