//! Holds what a device was seen doing against its MUD file. What no entry allows is a violation, told
//! with its frames and with the entry that comes nearest.

use super::DNS_CONTROLLER;
use super::policy::{Ace, Policy};
use super::seen::{Counts, Observed, Port, Seen, Way};
use crate::attribution::world::{Zone, transport_name};
use crate::base::address::Spelled;
use crate::base::text::safe;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What became of a kind of conversation that is not plainly allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No entry allows it, or one forbids it.
    Violation,
    /// It depends on something in an entry that cannot be decided from packets.
    NotDecided,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What became of it.
    pub verdict: Verdict,
    /// `from-device` or `to-device`.
    pub direction: &'static str,
    /// IANA keyword, else number.
    pub proto: String,
    /// The other end.
    pub remote: IpAddr,
    /// Its names as the device knows them.
    pub names: Vec<String>,
    /// Port of the other end, where it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_port: Option<u16>,
    /// Port of the device, where it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_port: Option<u16>,
    /// ICMP type and code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp: Option<(u8, u8)>,
    /// What is spoken.
    pub protocol: &'static str,
    /// Flows.
    pub flows: u64,
    /// Packets that went this way.
    pub packets: u64,
    /// First and last frame of these flows.
    pub frames: [u64; 2],
    /// Why, in words.
    pub because: String,
}

/// Which addresses stand for a controller that a file names.
pub type Controllers = BTreeMap<String, Vec<IpAddr>>;

/// How an entry fits.
enum Fit {
    Yes,
    /// All that can be decided fits.
    Perhaps(String),
    /// What does not fit, and how much does: the nearest is named.
    No(&'static str, u8),
}

/// Everything that the file does not allow.
#[must_use]
pub fn check(
    policy: &Policy,
    observed: &Observed,
    seen: &BTreeMap<Seen, Counts>,
    controllers: &Controllers,
) -> Vec<Violation> {
    let mut known = controllers.clone();
    known.entry(DNS_CONTROLLER.to_owned()).or_default().extend(observed.resolvers.iter().copied());
    let mut violations: Vec<Violation> = Vec::new();
    for (seen, counts) in seen {
        for (index, way) in Way::BOTH.into_iter().enumerate() {
            if counts.packets[index] == 0 {
                continue;
            }
            if let Some((verdict, because)) = judged(policy.aces(way), seen, way, &known) {
                violations.push(seen.violation(verdict, way, counts, index, because));
            }
        }
    }
    violations.sort_by_key(|violation| violation.frames);
    violations
}

/// `None` where it is allowed.
fn judged(
    aces: &[Ace],
    seen: &Seen,
    way: Way,
    controllers: &Controllers,
) -> Option<(Verdict, String)> {
    let mut nearest: Option<(u8, String)> = None;
    let mut perhaps: Option<String> = None;
    for ace in aces.iter().filter(|ace| ace.v6 == seen.peer.address.is_ipv6()) {
        let [name, list] = [&ace.name, &ace.list].map(|text| safe(text.as_bytes()));
        let called = format!("entry \"{name}\" of \"{list}\"");
        match ace.fit(seen, way, controllers) {
            Fit::Yes if ace.accept && perhaps.is_none() => return None,
            Fit::Yes if ace.accept => break,
            Fit::Yes => return Some((Verdict::Violation, format!("{called} forbids it"))),
            Fit::Perhaps(what) => {
                perhaps.get_or_insert(format!("{called} depends on {what}"));
            }
            Fit::No(what, near) if nearest.as_ref().is_none_or(|(best, _)| near > *best) => {
                nearest = Some((near, format!("{called} comes nearest, but {what}")));
            }
            Fit::No(..) => {}
        }
    }
    if let Some(because) = perhaps {
        return Some((Verdict::NotDecided, because));
    }
    let because = match nearest {
        Some((near, nearest)) if near > 0 => format!("no entry allows it; {nearest}"),
        _ => "no entry names this remote".to_owned(),
    };
    Some((Verdict::Violation, because))
}

fn within((network, bits): (IpAddr, u8), address: IpAddr) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let ((a, width), (b, other)) = (number(network), number(address));
    let mask = if bits == 0 { 0 } else { u128::MAX << (128 - u32::from(bits)) };
    width == other && a & mask == b & mask
}

impl Ace {
    fn fit(&self, seen: &Seen, way: Way, controllers: &Controllers) -> Fit {
        let far = usize::from(way == Way::FromDevice);
        let mut perhaps = self.unknown.join(", ");
        let peer = &seen.peer;
        if let Some(network) = self.networks[far]
            && !within(network, peer.address)
        {
            return Fit::No("another address", 0);
        }
        if let Some(name) = &self.names[far]
            && !peer.names.contains(name)
        {
            return Fit::No("another name", 0);
        }
        if self.local_networks && peer.zone != Zone::Private {
            return Fit::No("it is for the local network", 0);
        }
        for controller in &self.controllers {
            match controllers.get(controller) {
                Some(addresses) if addresses.contains(&peer.address) => {}
                Some(addresses) if !addresses.is_empty() => {
                    return Fit::No("another controller", 0);
                }
                _ => perhaps = format!("which address is {}", safe(controller.as_bytes())),
            }
        }
        if self.networks[1 - far].is_some() {
            // Networks of the device itself are no matter of its behaviour.
            perhaps = "the network that the device is in".to_owned();
        }
        let named = u8::from(
            self.networks[far].is_some()
                || self.names[far].is_some()
                || self.local_networks
                || !self.controllers.is_empty(),
        );
        let transport = self.transport.map(|name| if name == "tcp" { 6 } else { 17 });
        if self.protocol.or(transport).is_some_and(|protocol| protocol != seen.protocol)
            || transport.is_some_and(|protocol| protocol != seen.protocol)
        {
            return Fit::No("it is for another protocol", named);
        }
        let (remote, local) = match seen.port {
            Port::Remote(port) => (Some(port), None),
            Port::Local(port) => (None, Some(port)),
            Port::Icmp(_) | Port::None => (None, None),
        };
        for (ports, port) in [(self.ports[far], remote), (self.ports[1 - far], local)] {
            match (ports, port) {
                (Some(ports), Some(port)) if !ports.has(port) => {
                    return Fit::No("it is for another port", named + u8::from(named > 0));
                }
                // Which port the other side of a service takes changes each time.
                (Some(_), None) => return Fit::No("it is for a port of the other end", named),
                _ => {}
            }
        }
        if let Port::Icmp(messages) = seen.port {
            let (kind, code) = messages[1 - far];
            if self.icmp[0].is_some_and(|wanted| wanted != kind)
                || self.icmp[1].is_some_and(|wanted| wanted != code)
            {
                return Fit::No("it is for another kind of message", named);
            }
        }
        match (self.initiated, seen.begun_here) {
            (Some(by), Some(here)) if (by == Way::FromDevice) != here => {
                return Fit::No("the other end must begin", named + u8::from(named > 0));
            }
            (Some(_), None) => perhaps = "who began, which was not seen".to_owned(),
            _ => {}
        }
        if perhaps.is_empty() { Fit::Yes } else { Fit::Perhaps(perhaps) }
    }
}

impl Seen {
    fn violation(
        &self,
        verdict: Verdict,
        way: Way,
        counts: &Counts,
        index: usize,
        because: String,
    ) -> Violation {
        let (mut remote_port, mut local_port, mut icmp) = (None, None, None);
        match self.port {
            Port::Remote(port) => remote_port = Some(port),
            Port::Local(port) => local_port = Some(port),
            Port::Icmp(messages) => icmp = Some(messages[index]),
            Port::None => {}
        }
        Violation {
            verdict,
            direction: way.name(),
            proto: transport_name(self.protocol).into_owned(),
            remote: self.peer.address,
            names: self.peer.names.clone(),
            remote_port,
            local_port,
            icmp,
            protocol: self.label,
            flows: counts.flows,
            packets: counts.packets[index],
            frames: counts.frames,
            because,
        }
    }
}

impl Violation {
    /// In words, for people; `frames` spells frame numbers.
    #[must_use]
    pub fn told(&self, frames: &str) -> String {
        let verdict = match self.verdict {
            Verdict::Violation => "not allowed",
            Verdict::NotDecided => "not decided",
        };
        let names = match &self.names[..] {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        };
        let remote = Spelled(self.remote);
        let port = match (self.remote_port, self.local_port, self.icmp) {
            (Some(port), ..) => format!(" port {port}"),
            (_, Some(port), _) => format!(", device's port {port}"),
            (.., Some((kind, code))) => format!(" type {kind} code {code}"),
            _ => String::new(),
        };
        let counted = |count: u64, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {word}s"),
        };
        let (packets, flows) = (counted(self.packets, "packet"), counted(self.flows, "flow"));
        let towards = if self.direction == "from-device" { "to" } else { "from" };
        format!(
            "{verdict}: {} {towards} {remote}{names}{port}, {}: {packets} in {flows}, frames \
             {frames}\n    {}",
            self.proto, self.protocol, self.because
        )
    }
}
