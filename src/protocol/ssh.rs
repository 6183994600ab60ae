//! SSH (RFC 4253 §4.2, §7.1) on any port: the software both sides name before encryption begins,
//! and the ways of exchanging keys that each offers.
//!
//! Bounds: a line 255 bytes, an offer 8 KiB; 64 KiB a flow, or until both have made theirs.

use super::syntax::stream::{Pending, Taken};
use super::{
    Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, Subject, What,
};
use crate::base::bytes::Reader;
use crate::flow::{Flow, Segment};

/// SSH over TCP.
pub struct Ssh;

/// Protocol versions: 1.99 is a 2.0 that understands 1 (RFC 4253 §5.1), 1.5 is the old one.
const VERSIONS: [&[u8]; 3] = [b"SSH-2.0-", b"SSH-1.99-", b"SSH-1.5-"];
/// Longest identification with its line end, bytes.
const LINE_BYTES_MAX: usize = 255;
/// Longest packet with an offer, bytes; real ones have one or two thousand.
const OFFER_BYTES_MAX: usize = 8 * 1024;
/// Read in one flow, bytes.
const FLOW_BYTES_MAX: usize = 64 * 1024;

impl Dissector for Ssh {
    fn name(&self) -> &'static str {
        "ssh"
    }

    fn rule(&self) -> &'static str {
        "a version line SSH-2.0 or its like"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        // A server may write lines of its own first, and a client may speak first.
        match (looks_like(seen.first().0), looks_like(seen.second())) {
            (Probe::Yes, _) => Probe::Yes,
            (_, Probe::Yes) if !seen.second().is_empty() => Probe::Yes,
            (answer, _) => answer,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Identification { sides: Default::default(), states: Default::default(), bytes: 0 })
    }
}

fn looks_like(bytes: &[u8]) -> Probe {
    if VERSIONS.iter().any(|version| bytes.starts_with(version)) {
        Probe::Yes
    } else if VERSIONS.iter().any(|version| version.starts_with(bytes)) {
        Probe::More
    } else {
        Probe::No
    }
}

struct Identification {
    sides: [Pending; 2],
    states: [State; 2],
    bytes: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Lines,
    /// The length of the packet behind the line (RFC 4253 §6).
    Length,
    /// The packet, of this many bytes.
    Offer(usize),
    Done,
}

impl Session for Identification {
    fn held_bytes(&self) -> usize {
        self.sides.iter().map(Pending::held_bytes).sum()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let index = segment.side.index();
        let mut data = segment.data;
        self.bytes += data.len();
        if segment.gap > 0 {
            self.states[index] = State::Done;
        }
        let pending = &mut self.sides[index];
        loop {
            let next = match self.states[index] {
                State::Lines => match pending.line(&mut data, LINE_BYTES_MAX) {
                    Taken::Whole(line) => named(line.trim_ascii_end(), segment.frame, say),
                    Taken::TooLong => State::Lines,
                    Taken::More => break,
                },
                State::Length => {
                    let Some(length) = pending.exactly(&mut data, 4) else { break };
                    match Reader::new(length).u32().map(|length| length as usize) {
                        Some(length) if length <= OFFER_BYTES_MAX => State::Offer(length),
                        _ => State::Done,
                    }
                }
                State::Offer(length) => {
                    let Some(packet) = pending.exactly(&mut data, length) else { break };
                    if let Some(value) = key_exchanges(packet) {
                        let (what, name) = (What::Note, "ssh.key_exchange");
                        say(Fact { what, name, value, frame: segment.frame });
                    }
                    State::Done
                }
                State::Done => break,
            };
            self.states[index] = next;
        }
        let done = self.states == [State::Done; 2] || self.bytes >= FLOW_BYTES_MAX;
        if done { Next::Done } else { Next::More }
    }
}

/// Says the software that a line names. Version 1 goes on in another way.
fn named(line: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) -> State {
    let Some(version) = VERSIONS.iter().find(|version| line.starts_with(version)) else {
        return State::Lines;
    };
    let what = What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
    let value = &line[version.len()..];
    if !value.is_empty() {
        say(Fact { what, name: "ssh.software", value, frame });
    }
    if line.starts_with(VERSIONS[2]) { State::Done } else { State::Length }
}

/// The first list in SSH_MSG_KEXINIT (RFC 4253 §7.1), names with commas between.
fn key_exchanges(packet: &[u8]) -> Option<&[u8]> {
    const KEXINIT: u8 = 20;
    let mut reader = Reader::new(packet);
    reader.skip(1)?;
    if reader.u8()? != KEXINIT {
        return None;
    }
    reader.skip(16)?;
    let length = reader.u32()?;
    reader.take(length as usize).filter(|list| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_anywhere, converse_tcp, flow};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    #[test]
    fn both_sides_name_their_software() {
        let pieces = [
            (Side::High, &b"SSH-2.0-dropbear_2019.78\r\n"[..]),
            (Side::Low, b"SSH-1.99-OpenSSH_9.6 comment\n\0\0binary"),
        ];
        let (label, said) = converse_anywhere(&flow(TCP, 40_000, 2222), &pieces);
        assert_eq!((label.protocol, label.content), ("ssh", Content::Encrypted));
        let values: Vec<_> = said.iter().map(|said| &said.value[..]).collect();
        assert_eq!(values, [&b"dropbear_2019.78"[..], b"OpenSSH_9.6 comment"]);
    }

    #[test]
    fn both_sides_offer_key_exchanges() {
        let offer = |list: &[u8]| {
            let mut packet = vec![4, 20];
            packet.extend([7; 16]);
            packet.extend((list.len() as u32).to_be_bytes());
            packet.extend(list);
            packet.extend([0; 9]);
            [&(packet.len() as u32).to_be_bytes()[..], &packet].concat()
        };
        let client = [&b"SSH-2.0-x\r\n"[..], &offer(b"sntrup761x25519-sha512,ecdh")].concat();
        let server = [&b"SSH-2.0-y\r\n"[..], &offer(b"diffie-hellman-group1-sha1")].concat();
        let pieces: [(Side, &[u8]); 2] = [(Side::Low, &client), (Side::High, &server)];
        let (_, said) = converse_tcp(&flow(TCP, 40_000, 22), &pieces);
        let offers = said.iter().filter(|said| said.name == "ssh.key_exchange");
        let values: Vec<_> = offers.map(|said| &said.value[..]).collect();
        assert_eq!(values, [&b"sntrup761x25519-sha512,ecdh"[..], b"diffie-hellman-group1-sha1"]);
        let long = b"SSH-2.0-x\r\n\xff\xff\xff\xff\x04\x14rest";
        let (_, said) = converse_tcp(&flow(TCP, 40_000, 22), &[(Side::Low, long)]);
        assert_eq!(said.len(), 1);
    }

    #[test]
    fn near_misses_are_not_ssh() {
        for bytes in [&b"SSH-3.0-x\r\n"[..], b"SSH/2.0\r\n", b"ssh-2.0-x\r\n"] {
            let (label, _) = converse_tcp(&flow(TCP, 40_000, 2222), &[(Side::High, bytes)]);
            assert_eq!(label.protocol, "unknown", "{bytes:?}");
        }
    }
}
