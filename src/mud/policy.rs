//! Reads a MUD file (RFC 8520 with RFC 8519): the entries of its two policies in their order. What
//! is not understood of an entry is kept by name, so that nothing is called allowed or forbidden by
//! it.

use super::seen::Way;
use crate::base::text::safe;
use serde_json::{Map, Value};
use std::net::IpAddr;

/// Longest file read, bytes.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON; says line and column.
    #[error("is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Not what RFC 8520 asks for.
    #[error("{place}: {reason}")]
    Shape {
        /// Where in the document.
        place: String,
        /// What is wrong there.
        reason: String,
    },
}

fn shape(place: &str, reason: impl Into<String>) -> PolicyError {
    // Names in the file are anybody's.
    let safe = |text: &str| safe(text.as_bytes());
    PolicyError::Shape { place: safe(place), reason: safe(&reason.into()) }
}

/// One entry.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ace {
    pub list: String,
    pub name: String,
    pub v6: bool,
    pub accept: bool,
    pub protocol: Option<u8>,
    /// Networks of the sender and of the receiver.
    pub networks: [Option<(IpAddr, u8)>; 2],
    /// Names of the sender and of the receiver.
    pub names: [Option<String>; 2],
    /// Ports of the sender and of the receiver.
    pub ports: [Option<Ports>; 2],
    /// `tcp` or `udp` where ports or who began are given.
    pub transport: Option<&'static str>,
    pub initiated: Option<Way>,
    pub icmp: [Option<u8>; 2],
    pub local_networks: bool,
    pub controllers: Vec<String>,
    /// Names of what was not understood.
    pub unknown: Vec<String>,
}

/// Which ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    Range(u16, u16),
    Not(u16),
}

impl Ports {
    pub fn has(self, port: u16) -> bool {
        match self {
            Ports::Range(low, high) => (low..=high).contains(&port),
            Ports::Not(other) => port != other,
        }
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(super) from: Vec<Ace>,
    pub(super) to: Vec<Ace>,
}

impl Policy {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not JSON, or not a MUD file.
    pub fn read(text: &str) -> Result<Policy, PolicyError> {
        let document: Value = serde_json::from_str(text)?;
        let mud = document
            .get("ietf-mud:mud")
            .ok_or_else(|| shape("the document", "has no member ietf-mud:mud"))?;
        if mud.get("mud-version").and_then(Value::as_u64) != Some(1) {
            return Err(shape("ietf-mud:mud", "mud-version is not 1"));
        }
        let acls = document.pointer("/ietf-access-control-list:acls/acl");
        let acls = acls.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let policy = |way: Way| -> Result<Vec<Ace>, PolicyError> {
            let key = format!("{}-policy", way.name());
            let Some(policy) = mud.get(&key) else { return Ok(Vec::new()) };
            let names = policy.pointer("/access-lists/access-list").and_then(Value::as_array);
            let names = names.ok_or_else(|| shape(&key, "names no access list"))?;
            let mut aces = Vec::new();
            for name in names {
                let name = name.get("name").and_then(Value::as_str);
                let name = name.ok_or_else(|| shape(&key, "an access list has no name"))?;
                let same = |acl: &&Value| acl.get("name").and_then(Value::as_str) == Some(name);
                let acl = acls.iter().find(same).ok_or_else(|| {
                    shape(&key, format!("there is no access list {name:?} in the file"))
                })?;
                list(name, acl, &mut aces)?;
            }
            Ok(aces)
        };
        Ok(Policy { from: policy(Way::FromDevice)?, to: policy(Way::ToDevice)? })
    }

    /// Entries for packets that go this way.
    pub(super) fn aces(&self, way: Way) -> &[Ace] {
        match way {
            Way::FromDevice => &self.from,
            Way::ToDevice => &self.to,
        }
    }
}

fn list(name: &str, acl: &Value, aces: &mut Vec<Ace>) -> Result<(), PolicyError> {
    let place = format!("access list {name:?}");
    let kind = acl.get("type").and_then(Value::as_str).unwrap_or_default();
    let v6 = match kind.rsplit(':').next() {
        Some("ipv4-acl-type") => false,
        Some("ipv6-acl-type") => true,
        _ => return Err(shape(&place, format!("has the type {kind:?}, not one of IPv4 or IPv6"))),
    };
    let entries = acl.pointer("/aces/ace").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let entry_name = entry.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let place = format!("{place}, entry {entry_name:?}");
        let action = entry.pointer("/actions/forwarding").and_then(Value::as_str);
        let accept = match action.map(|action| action.rsplit(':').next().unwrap_or(action)) {
            Some("accept") => true,
            Some("drop" | "reject") => false,
            _ => return Err(shape(&place, "says neither accept, drop nor reject")),
        };
        let mut ace = Ace { list: name.to_owned(), name: entry_name, v6, accept, ..Ace::default() };
        let matches = entry.get("matches").and_then(Value::as_object);
        for (key, value) in matches.into_iter().flatten() {
            let fields = value
                .as_object()
                .ok_or_else(|| shape(&place, format!("{key} is not an object")))?;
            ace.take(key, fields, &place)?;
        }
        aces.push(ace);
    }
    Ok(())
}

fn number<T: TryFrom<u64>>(value: &Value) -> Option<T> {
    value.as_u64().and_then(|number| T::try_from(number).ok())
}

fn network(value: &Value) -> Option<(IpAddr, u8)> {
    let (address, bits) = value.as_str()?.split_once('/')?;
    let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
    (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, bits))
}

fn ports(value: &Value) -> Option<Ports> {
    let port = |key: &str| value.get(key).and_then(number::<u16>);
    if let (Some(low), Some(high)) = (port("lower-port"), port("upper-port")) {
        return Some(Ports::Range(low, high));
    }
    let one = port("port")?;
    match value.get("operator").map_or(Some("eq"), Value::as_str)? {
        "eq" => Some(Ports::Range(one, one)),
        "lte" => Some(Ports::Range(0, one)),
        "gte" => Some(Ports::Range(one, u16::MAX)),
        "neq" => Some(Ports::Not(one)),
        _ => None,
    }
}

impl Ace {
    fn take(
        &mut self,
        key: &str,
        fields: &Map<String, Value>,
        place: &str,
    ) -> Result<(), PolicyError> {
        for (name, value) in fields {
            let short = name.rsplit(':').next().unwrap_or(name);
            let wrong = || shape(place, format!("{key}: {name} has an impossible value: {value}"));
            match (key.rsplit(':').next().unwrap_or(key), short) {
                ("ipv4" | "ipv6", "protocol") => {
                    self.protocol = Some(number(value).ok_or_else(wrong)?);
                }
                ("ipv4", "source-ipv4-network") | ("ipv6", "source-ipv6-network") => {
                    self.networks[0] = Some(network(value).ok_or_else(wrong)?);
                }
                ("ipv4", "destination-ipv4-network") | ("ipv6", "destination-ipv6-network") => {
                    self.networks[1] = Some(network(value).ok_or_else(wrong)?);
                }
                ("ipv4" | "ipv6", "src-dnsname") => {
                    self.names[0] = Some(value.as_str().ok_or_else(wrong)?.to_ascii_lowercase());
                }
                ("ipv4" | "ipv6", "dst-dnsname") => {
                    self.names[1] = Some(value.as_str().ok_or_else(wrong)?.to_ascii_lowercase());
                }
                ("tcp" | "udp", "source-port") => {
                    self.ports[0] = Some(ports(value).ok_or_else(wrong)?)
                }
                ("tcp" | "udp", "destination-port") => {
                    self.ports[1] = Some(ports(value).ok_or_else(wrong)?);
                }
                ("tcp", "direction-initiated") => {
                    let way = Way::BOTH.into_iter().find(|way| value.as_str() == Some(way.name()));
                    self.initiated = Some(way.ok_or_else(wrong)?);
                }
                ("icmp", "type") => self.icmp[0] = Some(number(value).ok_or_else(wrong)?),
                ("icmp", "code") => self.icmp[1] = Some(number(value).ok_or_else(wrong)?),
                ("mud", "local-networks") => self.local_networks = true,
                ("mud", "controller") => {
                    self.controllers.push(value.as_str().ok_or_else(wrong)?.to_owned());
                }
                ("mud", "my-controller") => self.controllers.push("my-controller".to_owned()),
                _ => self.unknown.push(safe(format!("{key} {name}").as_bytes())),
            }
        }
        match key {
            "tcp" => self.transport = Some("tcp"),
            "udp" => self.transport = Some("udp"),
            _ => {}
        }
        Ok(())
    }
}
