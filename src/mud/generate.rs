//! Makes a MUD file of what a device was seen doing, and notes for the person who reviews it.

use super::DNS_CONTROLLER;
use super::seen::{Counts, Observed, Peer, Port, Seen, Way};
use crate::attribution::world::Zone;
use crate::base::frame::Spelling;
use crate::base::text::is_host_name;
use crate::base::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Something that a person must look at before the file is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Name of the entry that it is about; empty for the whole file.
    pub entry: String,
    /// What to look at.
    pub text: String,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The file.
    pub file: Value,
    /// What to review.
    pub notes: Vec<Note>,
    /// Entries in it.
    pub entries: usize,
}

/// How an entry names the other end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Name(String),
    Address(IpAddr),
    Controller(&'static str),
    LocalNetworks,
}

impl Named {
    fn of(peer: &Peer, port: Port, observed: &Observed) -> Named {
        match (peer.zone, peer.names.first()) {
            (Zone::Internet, Some(name)) if is_host_name(name) => Named::Name(name.clone()),
            (Zone::Private, _) if observed.resolvers.contains(&peer.address) => match port {
                Port::Remote(53 | 853) => Named::Controller(DNS_CONTROLLER),
                _ => Named::LocalNetworks,
            },
            // Without a port the whole local network would be open.
            (Zone::Private, _) if port != Port::None => Named::LocalNetworks,
            _ => Named::Address(peer.address),
        }
    }
}

/// One entry of both lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    v6: bool,
    named: Named,
    protocol: u8,
    port: Port,
    begun_here: Option<bool>,
}

/// What stands behind an entry.
#[derive(Default)]
struct Behind {
    counts: Counts,
    addresses: Vec<IpAddr>,
    weak_names: Vec<String>,
    names: Vec<String>,
    labels: Vec<&'static str>,
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Makes the file. `moment` is the end of the capture: the file says that it was last updated then.
#[must_use]
pub fn generate(
    observed: &Observed,
    seen: &BTreeMap<Seen, Counts>,
    url: Option<&str>,
    moment: Timestamp,
    inputs: usize,
) -> Generated {
    let mut entries: BTreeMap<Entry, Behind> = BTreeMap::new();
    for (seen, counts) in seen {
        let Seen { peer, protocol, port, begun_here, label } = seen;
        let tcp = *protocol == crate::protocol::TCP;
        let entry = Entry {
            v6: peer.address.is_ipv6(),
            named: Named::of(peer, *port, observed),
            protocol: *protocol,
            port: *port,
            // Access lists can tell who began for TCP alone.
            begun_here: begun_here.filter(|_| tcp),
        };
        let behind = entries.entry(entry).or_default();
        if behind.counts.flows == 0 {
            behind.counts.frames = counts.frames;
        }
        behind.counts.flows += counts.flows;
        for way in 0..2 {
            behind.counts.packets[way] += counts.packets[way];
        }
        behind.counts.frames[0] = behind.counts.frames[0].min(counts.frames[0]);
        push(&mut behind.addresses, peer.address);
        push(&mut behind.labels, label);
        for name in &peer.weak_names {
            push(&mut behind.weak_names, name.clone());
        }
        for name in &peer.names {
            push(&mut behind.names, name.clone());
        }
    }
    let mut lists: BTreeMap<(Way, bool), Vec<Value>> = BTreeMap::new();
    let mut notes = Vec::new();
    let placeholder = format!("https://{}.invalid/mud.json", host_of(observed));
    if url.is_none() {
        let text = format!("mud-url is a place-holder ({placeholder}): set the manufacturer's own");
        notes.push(Note { entry: String::new(), text });
    }
    notes.push(Note {
        entry: String::new(),
        text: "the file holds what was seen in this capture; updates, alarms, resets and other \
               regions may need more"
            .to_owned(),
    });
    let spelling = Spelling::of(inputs);
    for (number, (entry, behind)) in (1..).zip(&entries) {
        let name = format!("e{number:04}");
        notes.extend(entry.notes(&name, behind, spelling));
        for (index, way) in Way::BOTH.into_iter().enumerate() {
            if behind.counts.packets[index] > 0 {
                let list = lists.entry((way, entry.v6)).or_default();
                list.push(entry.ace(&name, way));
            }
        }
    }
    let entries = entries.len();
    let file = file(observed, url.unwrap_or(&placeholder), moment, lists);
    Generated { file, notes, entries }
}

fn host_of(observed: &Observed) -> String {
    let id = observed.mac.map_or_else(|| observed.id.clone(), |mac| mac.to_string());
    let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    id.chars().map(kept).collect()
}

fn list_name(observed: &Observed, way: Way, v6: bool) -> String {
    let family = if v6 { "v6" } else { "v4" };
    format!("mud-{}-{family}-{}", host_of(observed), way.name())
}

fn file(
    observed: &Observed,
    url: &str,
    moment: Timestamp,
    lists: BTreeMap<(Way, bool), Vec<Value>>,
) -> Value {
    let seconds = moment.to_string();
    let seconds = seconds.split('.').next().unwrap_or_default();
    // At most 60 characters (RFC 8520 §3.9).
    let info: String = observed.title.chars().take(60).collect();
    let mut mud = json!({
        "mud-version": 1,
        "mud-url": url,
        "last-update": format!("{seconds}Z"),
        "cache-validity": 48,
        "is-supported": true,
        "systeminfo": info,
    });
    for way in Way::BOTH {
        let names = lists.keys().filter(|(of, _)| *of == way);
        let names = names.map(|&(_, v6)| json!({"name": list_name(observed, way, v6)}));
        let names: Vec<Value> = names.collect();
        if !names.is_empty() {
            mud[format!("{}-policy", way.name())] = json!({"access-lists": {"access-list": names}});
        }
    }
    let acls = lists.into_iter().map(|((way, v6), aces)| {
        json!({
            "name": list_name(observed, way, v6),
            "type": if v6 { "ipv6-acl-type" } else { "ipv4-acl-type" },
            "aces": {"ace": aces},
        })
    });
    let acls: Vec<Value> = acls.collect();
    json!({"ietf-mud:mud": mud, "ietf-access-control-list:acls": {"acl": acls}})
}

impl Entry {
    fn ace(&self, name: &str, way: Way) -> Value {
        let mut matches = Map::new();
        let (family, bits) = if self.v6 { ("ipv6", 128) } else { ("ipv4", 32) };
        let far = if way == Way::FromDevice { "destination" } else { "source" };
        let mut network = Map::from_iter([("protocol".to_owned(), json!(self.protocol))]);
        match &self.named {
            Named::Name(host) => {
                let short = if way == Way::FromDevice { "dst" } else { "src" };
                network.insert(format!("ietf-acldns:{short}-dnsname"), json!(host));
            }
            Named::Address(address) => {
                network
                    .insert(format!("{far}-{family}-network"), json!(format!("{address}/{bits}")));
            }
            Named::Controller(urn) => {
                matches.insert("ietf-mud:mud".to_owned(), json!({"controller": urn}));
            }
            Named::LocalNetworks => {
                matches.insert("ietf-mud:mud".to_owned(), json!({"local-networks": [null]}));
            }
        }
        matches.insert(family.to_owned(), Value::Object(network));
        let remote_side = match way {
            Way::FromDevice => ["destination-port", "source-port"],
            Way::ToDevice => ["source-port", "destination-port"],
        };
        let mut transport = Map::new();
        match self.port {
            Port::Remote(port) => {
                transport
                    .insert(remote_side[0].to_owned(), json!({"operator": "eq", "port": port}));
            }
            Port::Local(port) => {
                transport
                    .insert(remote_side[1].to_owned(), json!({"operator": "eq", "port": port}));
            }
            Port::Icmp(messages) => {
                let (kind, code) = messages[usize::from(way == Way::ToDevice)];
                matches.insert("icmp".to_owned(), json!({"type": kind, "code": code}));
            }
            Port::None => {}
        }
        if let Some(here) = self.begun_here {
            let by = if here { Way::FromDevice } else { Way::ToDevice };
            transport.insert("ietf-mud:direction-initiated".to_owned(), json!(by.name()));
        }
        let layer = match self.protocol {
            crate::protocol::TCP => Some("tcp"),
            crate::protocol::UDP => Some("udp"),
            _ => None,
        };
        if let Some(layer) = layer.filter(|_| !transport.is_empty()) {
            matches.insert(layer.to_owned(), Value::Object(transport));
        }
        json!({"name": name, "matches": matches, "actions": {"forwarding": "accept"}})
    }

    fn notes(&self, name: &str, behind: &Behind, spelling: Spelling) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut note = |text: String| notes.push(Note { entry: name.to_owned(), text });
        let Behind { counts, addresses, weak_names, names, labels } = behind;
        let frame = spelling.one(counts.frames[0]);
        let spoken = labels.join(", ");
        if counts.flows == 1 {
            note(format!("seen once ({spoken}, frame {frame}): rare, and kept for that"));
        }
        match &self.named {
            Named::Address(address)
                if crate::attribution::world::zone(*address) == Zone::Internet =>
            {
                let mut text = format!(
                    "an address without a name that the device asked for ({spoken}, frame {frame}): \
                     it may change, and only this address is open"
                );
                if !weak_names.is_empty() {
                    text.push_str(&format!("; others call it {}", weak_names.join(", ")));
                }
                if !names.is_empty() {
                    text.push_str(&format!("; {} cannot be resolved", names.join(", ")));
                }
                note(text);
            }
            Named::LocalNetworks => {
                let seen: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
                note(format!(
                    "opens this port to the whole local network; it was seen with {} ({spoken})",
                    seen.join(", ")
                ));
            }
            Named::Name(host) if names.len() > 1 => note(format!(
                "{host} is what the device asked for; in the flow it said {}",
                names.iter().filter(|name| *name != host).cloned().collect::<Vec<_>>().join(", ")
            )),
            _ => {}
        }
        if matches!(labels[..], [.., "stun" | "rtp" | "rtcp" | "pppp" | "unknown"])
            && matches!(self.port, Port::Remote(port) | Port::Local(port) if port > 1023)
        {
            note(format!(
                "{spoken} at port {}: such ports are often chosen anew each time; this one alone is \
                 open, and nothing wider was made of it",
                match self.port {
                    Port::Remote(port) | Port::Local(port) => port,
                    _ => 0,
                }
            ));
        }
        if self.port == Port::None {
            note(format!("protocol {} without ports: the address alone limits it", self.protocol));
        }
        for (index, way) in Way::BOTH.into_iter().enumerate() {
            if counts.packets[index] == 0 {
                note(format!("nothing was seen {}: that way stays closed", way.name()));
            }
        }
        if self.protocol == crate::protocol::TCP && self.begun_here.is_none() {
            note("who began was not seen: both may".to_owned());
        }
        notes
    }
}
