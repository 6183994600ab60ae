//! One flow as a record, with the field names of DESIGN.md section 4, for programs.

use super::geo::Geo;
use super::ledger::{DeviceKey, Ledger, NameSource, Notes};
use super::world::{NameSeen, WireText, Zone, destination_id, device_id, transport_name, zone_of};
use crate::base::text::{hex, safe};
use crate::base::time::Timestamp;
use crate::decode::Tunnel;
use crate::flow::community_id::community_id;
use crate::flow::{Cite, End, Flow, Head, Sent, Side};
use crate::protocol::unknown::{Class, Look, Measured};
use crate::protocol::{Fact, Label, NameKind};
use serde::Serialize;
use std::borrow::Cow;
use std::net::IpAddr;

/// Hears what happens, in the order of frames.
pub trait Listener: Send {
    /// Whether it still wants records: making one costs more than all else of a flow that ends.
    fn wants(&self) -> bool {
        true
    }
    /// A flow ended.
    fn ended(&mut self, record: FlowRecord);
    /// Something was said in a flow by one side.
    fn said(&mut self, _flow: &Head, _side: Side, _cite: Cite, _fact: &Fact<'_>) {}
    /// The flow of the latest record was added to a row of the ledger; with its kinds of evidence,
    /// as bits of [`super::ledger::Mark`].
    fn placed(&mut self, _flow: &Flow, _row: usize, _marks: u32) {}
}

/// Most want records and nothing else.
impl<F: FnMut(FlowRecord) + Send> Listener for F {
    fn ended(&mut self, record: FlowRecord) {
        self(record);
    }
}

/// Pairs are [initiator → responder, back].
#[derive(Debug, Clone, Serialize)]
pub struct FlowRecord {
    /// IANA keyword in lower case, else the number.
    pub proto: Cow<'static, str>,
    #[serde(skip)]
    pub(crate) protocol: u8,
    /// Where both ends are, by what the flow's hardware addresses are known to hold.
    #[serde(skip)]
    pub zones: [Zone; 2],
    /// Why it ended.
    pub ended_by: &'static str,
    /// The frame that showed it.
    pub ended_at_frame: u64,
    /// Initiator, or the first sender where that is not known.
    pub src: IpAddr,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src_port: Option<u16>,
    /// The other end.
    pub dst: IpAddr,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_port: Option<u16>,
    /// ICMP type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub icmp_type: Option<u8>,
    /// ICMP code.
    #[serde(rename = "code", skip_serializing_if = "Option::is_none")]
    pub icmp_code: Option<u8>,
    /// Whether the beginning was seen.
    pub initiator_known: bool,
    /// Packets.
    pub packets: [u64; 2],
    /// Whole frames, bytes.
    pub wire_bytes: [u64; 2],
    /// IP packets, bytes.
    pub ip_bytes: [u64; 2],
    /// Payload as headers state it, retransmissions included.
    pub payload_bytes: [u64; 2],
    /// Payload, each byte once.
    pub delivered_bytes: [u64; 2],
    /// Payload that must exist but was not captured.
    pub missed_bytes: [u64; 2],
    /// TCP segments that say something else than an earlier copy of the same bytes.
    #[serde(skip_serializing_if = "is_zero")]
    pub conflicts: [u64; 2],
    /// Packets, and bytes on the wire, seen a second time on a mirror port, both sides together.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicates: [u64; 2],
    /// Time of the first packet.
    pub first: Timestamp,
    /// Time of the last packet.
    pub last: Timestamp,
    /// First and last frame; the first identifies the record.
    pub frames: [u64; 2],
    /// State of a TCP connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// What was seen in which order, in Zeek's letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
    /// Round trip of the handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ns: Option<i64>,
    /// VLAN tags, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vlan: Vec<u16>,
    /// Outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tunnel: Vec<TunnelRecord>,
    /// Its protocol, and how that is known.
    pub label: LabelRecord,
    /// What it looks like where its payload was not recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnknownRecord>,
    /// Community ID, version 1.
    pub community_id: String,
    /// Names of the remote end, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameSeen>,
    /// Server name that the flow itself asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// That name stands outside an encrypted hello, or the like of one: perhaps a front's, and so
    /// none of [`FlowRecord::names`] by itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sni_outer: bool,
    /// Application protocol inside encryption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// Fingerprint of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja3: Option<String>,
    /// Fingerprint of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja4: Option<String>,
    /// Over what names are asked for inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_over: Option<&'static str>,
    /// Every host that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http_hosts: Vec<String>,
    /// Id of the device.
    pub device: String,
    /// Id of the destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Opinions on the country of the remote end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<super::geo::Country>,
    /// Opinions on its network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asn: Vec<super::geo::Asn>,
}

/// A tunnel around a flow.
#[derive(Debug, Clone, Serialize)]
pub struct TunnelRecord {
    /// Its kind.
    pub kind: &'static str,
    /// Ends of the outer packet, the one on the initiator's side first.
    pub outer: [IpAddr; 2],
    /// The network that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<u32>,
}

impl TunnelRecord {
    fn all(flow: &Flow) -> Vec<TunnelRecord> {
        let tunnels = flow.tunnels().into_iter().flat_map(|tunnels| tunnels.iter());
        let record = |tunnel: &Tunnel| {
            let mut outer = tunnel.outer;
            if flow.first_sender() != flow.initiator {
                outer.swap(0, 1);
            }
            TunnelRecord { kind: tunnel.kind.name(), outer, network: tunnel.network }
        };
        tunnels.map(record).collect()
    }
}

/// The protocol of a flow.
#[derive(Debug, Clone, Serialize)]
pub struct LabelRecord {
    /// Its name.
    pub protocol: &'static str,
    /// `payload`, `expected`, `port` (a guess by number alone) or `none`.
    pub method: &'static str,
    /// The frame that decided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// `clear`, `encrypted`, `service` or `unknown`.
    pub content: &'static str,
    /// What it goes by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// Other protocols that it is rightly called by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<AlsoRecord>,
}

/// Another protocol of a flow.
#[derive(Debug, Clone, Serialize)]
pub struct AlsoRecord {
    /// Its name.
    pub protocol: &'static str,
    /// `payload`: it goes through the same flow; `expected`: another flow announced it, but the
    /// payload says something else.
    pub method: &'static str,
    /// The frame that shows it.
    pub frame: u64,
}

/// What was measured of a flow whose payload was not recognised.
#[derive(Debug, Clone, Serialize)]
pub struct UnknownRecord {
    /// Hex.
    first_bytes: [String; 2],
    bytes_looked_at: [u16; 2],
    /// Bits a byte; null where there is too little to tell.
    entropy: [Option<f64>; 2],
    pieces: u16,
    piece_bytes: [u16; 2],
    class: &'static str,
    because: &'static str,
}

impl UnknownRecord {
    /// What it looks like: an inference.
    #[must_use]
    pub fn class(&self) -> &'static str {
        self.class
    }

    /// One that was not measured, for pictures of the screen.
    #[cfg(test)]
    pub(crate) fn made_up(class: &'static str) -> UnknownRecord {
        UnknownRecord {
            first_bytes: Default::default(),
            bytes_looked_at: [0; 2],
            entropy: [None; 2],
            pieces: 0,
            piece_bytes: [0; 2],
            class,
            because: "made up",
        }
    }

    fn of(class: Class, looked: &Measured, sides: [Side; 2]) -> UnknownRecord {
        UnknownRecord {
            first_bytes: sides.map(|side| hex(looked.first(side))),
            bytes_looked_at: sides.map(|side| looked.bytes[side.index()]),
            entropy: sides.map(|side| looked.entropy(side)),
            pieces: looked.pieces,
            piece_bytes: looked.piece_bytes,
            class: class.name(),
            because: looked.because,
        }
    }
}

/// Every host that was asked for in HTTP and its likes, in order, also those that are no name of
/// the responder.
fn asked_hosts(ledger: &Ledger, notes: Option<&Notes>) -> Vec<String> {
    let own = notes.into_iter().flat_map(|notes| &notes.own);
    let hosts = own.filter(|(_, kind, _)| matches!(kind, NameKind::Host | NameKind::Requested));
    hosts.map(|&(name, _, _)| safe(ledger.names.get(name))).collect()
}

/// The name outside an encrypted hello.
fn outer_name(ledger: &Ledger, notes: Option<&Notes>) -> Option<String> {
    let mut own = notes?.own.iter();
    let (name, ..) = own.find(|(_, kind, _)| *kind == NameKind::SniOuter)?;
    Some(safe(ledger.names.get(*name)))
}

impl FlowRecord {
    /// IANA protocol number.
    #[must_use]
    pub fn protocol_number(&self) -> u8 {
        self.protocol
    }

    /// The record of a flow that has ended, before the ledger forgets its notes.
    #[must_use]
    pub fn of(
        flow: &Flow,
        (label, look): (Label, Option<&Look>),
        end: End,
        ended_at_frame: u64,
        ledger: &Ledger,
        geo: &Geo,
    ) -> FlowRecord {
        let notes = ledger.notes.get(&flow.first_frame);
        let [source, destination] = [flow.initiator, flow.initiator.other()];
        let pair =
            |field: fn(&Sent) -> u64| [field(&flow.sent(source)), field(&flow.sent(destination))];
        let sides = ledger.sides_of(flow);
        let names = ledger.names_of(&sides, notes);
        let text = |source: NameSource| {
            let of_source = names.iter().filter(move |named| named.source == source);
            of_source.map(|named| safe(ledger.names.get(named.name)))
        };
        let remote = sides.there();
        let device = match sides.here() {
            end if end.mac.is_some() => {
                end.mac.map_or(DeviceKey::Address(end.address), DeviceKey::Mac)
            }
            end => DeviceKey::Address(end.address),
        };
        let best = names.first().map(|named| ledger.names.get(named.name));
        let on_internet = zone_of(remote) == Zone::Internet;
        let place = if on_internet { geo.place(remote.address) } else { Default::default() };
        let numbers = match flow.icmp() {
            Some((kind, code)) => Some((u16::from(kind), u16::from(code))),
            None => flow.key.port(source).zip(flow.key.port(destination)),
        };
        let client = notes.and_then(|notes| notes.client.as_deref());
        let outer = outer_name(ledger, notes);
        let is_tcp = flow.key.protocol == crate::protocol::TCP;
        FlowRecord {
            proto: transport_name(flow.key.protocol),
            protocol: flow.key.protocol,
            zones: [source, destination].map(|side| zone_of(sides.end(side))),
            ended_by: end.name(),
            ended_at_frame,
            src: flow.key.address(source),
            src_port: flow.key.port(source),
            dst: flow.key.address(destination),
            dst_port: flow.key.port(destination),
            icmp_type: flow.icmp().map(|(kind, _)| kind),
            icmp_code: flow.icmp().map(|(_, code)| code),
            initiator_known: flow.initiator_known,
            packets: pair(|sent| sent.packets),
            wire_bytes: pair(|sent| sent.wire_bytes),
            ip_bytes: pair(|sent| sent.ip_bytes),
            payload_bytes: pair(|sent| sent.payload_bytes),
            delivered_bytes: pair(|sent| sent.delivered_bytes),
            missed_bytes: [flow.missed_bytes(source), flow.missed_bytes(destination)],
            conflicts: [source, destination].map(|side| u64::from(flow.conflicts(side))),
            duplicates: sum(flow.duplicates(source), flow.duplicates(destination)),
            first: flow.first,
            last: flow.last,
            frames: [flow.first_frame, flow.last_frame()],
            state: is_tcp.then(|| flow.tcp.state(source)),
            history: is_tcp.then(|| flow.history.letters(source)),
            rtt_ns: flow.round_trip(destination),
            vlan: flow.vlans().ids().to_vec(),
            tunnel: TunnelRecord::all(flow),
            label: LabelRecord {
                protocol: label.protocol,
                method: label.method.name(),
                frame: (label.frame > 0).then_some(label.frame),
                content: label.content.name(),
                rule: label.rule(),
                also: ledger
                    .other_labels(flow, &label)
                    .into_iter()
                    .map(|(protocol, method, frame)| AlsoRecord {
                        protocol,
                        method: method.name(),
                        frame,
                    })
                    .collect(),
            },
            unknown: look.and_then(|look| {
                let measured = look.measured.as_deref()?;
                Some(UnknownRecord::of(look.class, measured, [source, destination]))
            }),
            community_id: community_id(
                flow.key.protocol,
                flow.key.address(source),
                flow.key.address(destination),
                numbers,
            ),
            sni_outer: outer.is_some(),
            sni: text(NameSource::Sni).next().or(outer),
            alpn: client.and_then(|client| client.alpn.as_deref()).map(safe),
            ja3: client.and_then(|client| client.ja3.as_deref()).map(safe),
            ja4: client.and_then(|client| client.ja4.as_deref()).map(safe),
            dns_over: client.and_then(|client| client.dns_over),
            http_hosts: asked_hosts(ledger, notes),
            device: device_id(device),
            destination: on_internet.then(|| destination_id(best, remote.address)),
            countries: place.countries,
            asn: place.networks,
            names: names
                .iter()
                .map(|named| NameSeen {
                    name: WireText::from(ledger.names.get(named.name)),
                    source: named.source.name(),
                    frame: named.cite.frame,
                    several: named.several,
                    dns_says: None,
                })
                .collect(),
        }
    }
}

fn is_zero(pair: &[u64; 2]) -> bool {
    *pair == [0; 2]
}

fn sum([a, b]: [u64; 2], [c, d]: [u64; 2]) -> [u64; 2] {
    [a + c, b + d]
}
