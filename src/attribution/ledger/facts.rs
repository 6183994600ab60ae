//! What is said in flows: names, descriptions of devices, evidence.

use super::notes::Client;
use super::shown::{self, Shown};
use super::sides::Sides;
use super::{DEVICES_MAX, DeviceKey, EVIDENCE_MAX, Evidence, Identity, Ledger, Mark};
use crate::base::address::{Mac, Scope};
use crate::flow::{Cite, Head, Side};
use crate::protocol::{Fact, FingerprintKind, IdentityKind, Offer, Subject, Weakness, What};

/// Most descriptions kept of one device.
const IDENTITIES_MAX: usize = 64;
/// Longest description kept, bytes.
const IDENTITY_BYTES_MAX: usize = 256;
/// Most other protocols kept of one flow.
const CARRIED_MAX: usize = 4;
/// Most own names kept of one flow.
const FLOW_NAMES_MAX: usize = 64;

impl Ledger {
    /// A frame without IP says what its sender is: the fact's name and value.
    pub fn describes_itself(
        &mut self,
        mac: Mac,
        kind: IdentityKind,
        (name, value): (&'static str, &[u8]),
        frame: u64,
    ) {
        let what = What::Identity { subject: Subject::Sender, kind };
        self.describe(Some(DeviceKey::Mac(mac)), kind, &Fact { what, name, value, frame });
    }

    /// Something was said in a flow by `side`, in the frame `cite`.
    pub fn fact(&mut self, flow: &Head, side: Side, cite: Cite, fact: &Fact<'_>) {
        let evidence = |mark, what: &'static str, length| Evidence {
            mark,
            cite,
            what: what.into(),
            value: shortened(fact.value),
            length,
            kind: None,
        };
        match fact.what {
            What::Query { .. } => {
                if let Some(name) = self.names.intern(fact.value) {
                    let asked = self.asked.of(name);
                    if asked.queries == 0 {
                        asked.first_frame = fact.frame;
                    }
                    asked.queries += 1;
                }
                self.prove(flow, evidence(Mark::Query, "", 0));
            }
            What::Answer { address, .. } => {
                if let Some(name) = self.names.intern(fact.value) {
                    let client = self.endpoint(flow, side.other());
                    // What was the latest word on the address already is among the answers too.
                    if self.answers.learn(client.address, client.mac, address, name, cite) {
                        self.asked.of(name).addresses.insert(address);
                    }
                }
            }
            What::OwnName { address } => {
                if let Some(name) = self.names.intern(fact.value) {
                    self.asked.of(name).addresses.insert(address);
                    let key = sender(&self.sides(flow), side);
                    self.describe(key, IdentityKind::HostName, fact);
                }
            }
            What::Name(kind) => {
                if let Some(name) = self.names.intern(fact.value) {
                    let own = &mut self.notes.of(flow.first_frame).own;
                    let known = own.iter().any(|&(id, k, _)| id == name && k == kind);
                    if !known && own.len() < FLOW_NAMES_MAX {
                        own.push((name, kind, cite));
                    }
                }
            }
            What::Identity { subject: Subject::Sender, kind } => {
                let sides = self.sides(flow);
                self.describe(sender(&sides, side), kind, fact);
                self.show(flow, &sides, side, cite, fact);
                if side == sides.local()
                    && sides.scope(side.other()) == Scope::Internet
                    && tells_apart(kind)
                {
                    self.prove(flow, evidence(Mark::Identifier, fact.name, fact.value.len()));
                }
                if (kind != IdentityKind::Product || is_of_server(fact.name))
                    && let Some(mark) = tells(&sides, side, kind)
                {
                    let told = evidence(mark, fact.name, fact.value.len());
                    self.prove(flow, Evidence { kind: Some(kind), ..told });
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
            What::LinkResolver { resolver } => {
                let known = &mut self.link_resolvers;
                if known.len() < IDENTITIES_MAX && !known.iter().any(|&(r, _)| r == resolver) {
                    known.push((resolver, cite));
                }
            }
            What::Credential { kind, length } => {
                self.prove(flow, evidence(Mark::Credential, kind, length));
            }
            What::Encryption { deprecated } => {
                let mark = if deprecated { Mark::Deprecated } else { Mark::Current };
                let what = String::from_utf8_lossy(fact.value).into_owned().into();
                self.prove(flow, Evidence { what, ..evidence(mark, "", 0) });
            }
            What::Weak(weakness) => {
                let mark = match weakness {
                    Weakness::Cipher => Mark::WeakCipher,
                    Weakness::NoForwardSecrecy => Mark::NoForwardSecrecy,
                    Weakness::Certificate => Mark::Certificate,
                    Weakness::CertificateAccepted => Mark::CertificateAccepted,
                    Weakness::SignIn => Mark::WeakSignIn,
                };
                self.prove(flow, evidence(mark, fact.name, 0));
            }
            What::Update { image } => {
                let what = if image { "image" } else { "likely" };
                self.prove(flow, evidence(Mark::Update, what, 0));
            }
            What::Offers(offer) => {
                let mark = match offer {
                    Offer::EncryptedHello => Mark::EncryptedHello,
                    Offer::PostQuantum => Mark::PostQuantum,
                };
                self.prove(flow, evidence(mark, fact.name, 0));
            }
            What::Media => self.prove(flow, evidence(Mark::Media, fact.name, 0)),
            What::Handover => {
                self.notes.of(flow.first_frame).handed_over = true;
            }
            What::Alpn { settled } => {
                let client = self.client(flow);
                if client.alpn.is_none() || settled && !client.alpn_settled {
                    client.alpn = Some(shortened(fact.value));
                    client.alpn_settled = settled;
                }
            }
            What::Fingerprint(kind) => {
                if kind == FingerprintKind::Ja4 {
                    let key = sender(&self.sides(flow), side);
                    self.describe(key, IdentityKind::Software, fact);
                }
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
                let carried = &mut self.notes.of(flow.first_frame).carried;
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

    /// An end of a flow with the internet said what it is.
    fn show(&mut self, flow: &Head, sides: &Sides, side: Side, cite: Cite, fact: &Fact<'_>) {
        let remote = sides.local().other();
        if sides.scope(remote) != Scope::Internet {
            return;
        }
        let (value, by_remote) = (short(fact.value), side == remote);
        let kept = &mut self.notes.of(flow.first_frame).shown;
        if kept.len() < shown::SHOWN_MAX
            && !kept.iter().any(|other| other.says(fact.name, value, by_remote))
        {
            kept.push(Shown { fact: fact.name, value: value.into(), by_remote, cite });
        }
    }

    fn client(&mut self, flow: &Head) -> &mut Client {
        self.notes.of(flow.first_frame).client.get_or_insert_default()
    }

    fn prove(&mut self, flow: &Head, evidence: Evidence) {
        let kept = &mut self.notes.of(flow.first_frame).evidence;
        if kept.iter().filter(|other| other.mark == evidence.mark).count() < EVIDENCE_MAX {
            kept.push(evidence);
        }
    }

    fn describe(&mut self, key: Option<DeviceKey>, kind: IdentityKind, fact: &Fact<'_>) {
        let Some(key) = key else { return };
        if self.identities.len() >= DEVICES_MAX && !self.identities.contains_key(&key) {
            self.losses.identities += 1;
            return;
        }
        let known = self.identities.entry(key).or_default();
        let value = short(fact.value);
        // Nearly all that is said was said before.
        if known.iter().any(|other| other.kind == kind && *other.value == *value) {
            return;
        }
        if known.len() >= IDENTITIES_MAX {
            self.losses.identities += 1;
            return;
        }
        known.push(Identity { kind, fact: fact.name, value: value.into(), frame: fact.frame });
    }
}

/// Which device a side is, where it is one of the test network.
fn sender(sides: &Sides, side: Side) -> Option<DeviceKey> {
    let end = sides.end(side);
    match (end.mac, sides.scope(side)) {
        (Some(mac), _) => Some(DeviceKey::Mac(mac)),
        (None, Scope::Inside) => Some(DeviceKey::Address(end.address)),
        _ => None,
    }
}

/// Which end says to the test network what a device is: its model and key to anybody, the rest to others than
/// the internet, for that is another question.
fn tells(sides: &Sides, side: Side, kind: IdentityKind) -> Option<Mark> {
    use IdentityKind::{Account, DeviceId, Firmware, Key, Location, Model, Product, Serial};
    // Most descriptions are of programs.
    if !matches!(kind, Model | Serial | DeviceId | Firmware | Location | Account | Key | Product) {
        return None;
    }
    let ends = [sides.local(), sides.local().other()];
    let inside = ends.map(|end| sides.scope(end) != Scope::Internet);
    let counts = matches!(kind, Model | Key) || inside == [true, true];
    let here = side == sides.local();
    (counts && inside[usize::from(!here)]).then_some(match here {
        true => Mark::TellsHere,
        false => Mark::TellsThere,
    })
}

/// Whether a server calls its program so: what clients call theirs is the more common, and proves little.
fn is_of_server(name: &str) -> bool {
    name.ends_with(".server") || name == "ssh.software"
}

/// Whether a description fits one device, place or owner only.
fn tells_apart(kind: IdentityKind) -> bool {
    use IdentityKind::{Account, DeviceId, Location, Mac, Serial};
    matches!(kind, Serial | DeviceId | Mac | Location | Account)
}

fn short(value: &[u8]) -> &[u8] {
    &value[..value.len().min(IDENTITY_BYTES_MAX)]
}

fn shortened(value: &[u8]) -> Box<[u8]> {
    short(value).into()
}
