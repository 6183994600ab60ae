//! What a device was seen doing, in the terms of an access list: with whom, by which protocol, at
//! which port, and who began.

use crate::attribution::record::{FlowRecord, Listener};
use crate::attribution::world::{Device, Zone};
use crate::base::address::Mac;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Most different entries; more are no description of a device any more.
const SEEN_MAX: usize = 65_536;

/// Whom it is about: the addresses of the device, and the resolvers that the network gave it.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Its id in flow records.
    pub id: String,
    /// Its addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// Resolvers.
    pub resolvers: BTreeSet<IpAddr>,
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// What it is called.
    pub title: String,
}

impl Observed {
    /// From what the world knows of it.
    #[must_use]
    pub fn of(device: &Device) -> Observed {
        Observed {
            id: device.id.to_string(),
            addresses: device.addresses.iter().map(|seen| seen.address).collect(),
            resolvers: device.resolvers.iter().map(|(address, _)| *address).collect(),
            mac: device.mac,
            title: device.title(),
        }
    }
}

/// Which way packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Sent by the device.
    FromDevice,
    /// Received by it.
    ToDevice,
}

impl Way {
    /// Both.
    pub const BOTH: [Way; 2] = [Way::FromDevice, Way::ToDevice];

    /// The word for it in a MUD file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Way::FromDevice => "from-device",
            Way::ToDevice => "to-device",
        }
    }
}

/// The other end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Where it is.
    pub zone: Zone,
    /// Names that the device itself asked for or told, best first: of DNS, SNI and Host.
    pub names: Vec<String>,
    /// Names from elsewhere: certificates, answers that others got. They open nothing.
    pub weak_names: Vec<String>,
}

/// What tells the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// A port of the other end.
    Remote(u16),
    /// A port of the device.
    Local(u16),
    /// ICMP type and code, of what the device sends and of what it receives.
    Icmp([(u8, u8); 2]),
    /// The protocol has no ports, or they could not be read.
    None,
}

/// One kind of conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// With whom.
    pub peer: Peer,
    /// IANA protocol number.
    pub protocol: u8,
    /// By which port.
    pub port: Port,
    /// Whether the device began; `None` where the beginning was not seen.
    pub begun_here: Option<bool>,
    /// What is spoken.
    pub label: &'static str,
}

/// How much of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Flows.
    pub flows: u64,
    /// Packets sent and received by the device.
    pub packets: [u64; 2],
    /// First frame of the first flow, and last of the last.
    pub frames: [u64; 2],
}

/// Listens to flows and keeps those of one device.
pub struct Observer {
    of: Observed,
    /// What was seen.
    pub seen: BTreeMap<Seen, Counts>,
    /// Flows that there was no room for.
    pub lost: u64,
}

impl Observer {
    /// Of one device.
    #[must_use]
    pub fn new(of: Observed) -> Observer {
        Observer { of, seen: BTreeMap::new(), lost: 0 }
    }

    /// Whose ends of the flow are the device's: initiator first.
    fn is_ours(&self, record: &FlowRecord) -> [bool; 2] {
        let [source, destination] =
            [record.src, record.dst].map(|end| self.of.addresses.contains(&end));
        if source || destination {
            return [source, destination];
        }
        // Before it has an address, a device sends from the unspecified one.
        let ours = record.device == self.of.id;
        [ours && record.src.is_unspecified(), false]
    }
}

impl Listener for Observer {
    fn ended(&mut self, record: FlowRecord) {
        let here = match self.is_ours(&record) {
            [true, false] => 0,
            [false, true] => 1,
            _ => return,
        };
        let seen = Seen::of(&record, here);
        if !self.seen.contains_key(&seen) && self.seen.len() >= SEEN_MAX {
            self.lost += 1;
            return;
        }
        let counts = self.seen.entry(seen).or_default();
        let packets = [record.packets[here], record.packets[1 - here]];
        if counts.flows == 0 {
            counts.frames = record.frames;
        }
        counts.flows += 1;
        counts.frames[1] = counts.frames[1].max(record.frames[1]);
        counts.frames[0] = counts.frames[0].min(record.frames[0]);
        for (sum, count) in counts.packets.iter_mut().zip(packets) {
            *sum += count;
        }
    }
}

/// The type of the answer, where requests and answers are one flow.
fn answer(protocol: u8, kind: u8) -> u8 {
    match (protocol, kind) {
        (1, 8) => 0,
        (1, 0) => 8,
        (1, 13) => 14,
        (1, 17) => 18,
        (58, 128) => 129,
        (58, 129) => 128,
        _ => kind,
    }
}

impl Seen {
    /// A record, seen from the end `here` of it.
    fn of(record: &FlowRecord, here: usize) -> Seen {
        let ends = [record.src, record.dst];
        let ports = [record.src_port, record.dst_port];
        let protocol = record.protocol_number();
        let port = match (ports[here], ports[1 - here]) {
            (Some(local), Some(remote)) => {
                let asked = here == 0;
                let remote_serves = match record.initiator_known {
                    true => asked,
                    false => remote <= local,
                };
                if remote_serves { Port::Remote(remote) } else { Port::Local(local) }
            }
            _ => match record.icmp_type.zip(record.icmp_code) {
                Some((kind, code)) => {
                    let answer = (answer(protocol, kind), code);
                    let both = [(kind, code), answer];
                    Port::Icmp(if here == 0 { both } else { [both[1], both[0]] })
                }
                None => Port::None,
            },
        };
        let of_source = |wanted: &[&str]| {
            let mut names = Vec::new();
            for source in wanted {
                for name in record.names.iter().filter(|name| name.source == *source) {
                    let name = name.name.text.to_ascii_lowercase();
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
            names
        };
        Seen {
            peer: Peer {
                address: ends[1 - here],
                zone: record.zones[1 - here],
                names: of_source(&["dns", "sni", "host"]),
                weak_names: of_source(&["cert", "dns-other", "file"]),
            },
            protocol,
            port,
            begun_here: record.initiator_known.then_some(here == 0),
            label: record.label.protocol,
        }
    }
}
