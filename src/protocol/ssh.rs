//! SSH on any port: the software both sides name before encryption begins, the ways of exchanging
//! keys that each offers, and the print of the server's key.
//!
//! Documents: RFC 4253 §4.2, §7.1, §8.
//! Bounds: a line 255 bytes, a packet 8 KiB, four of them a side; 64 KiB a flow, or until both have
//! made theirs.

use super::syntax::stream::{Pending, Taken};
use super::{
    Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, Subject, What,
};
use crate::base::bytes::Reader;
use crate::base::text::hex;
use crate::flow::{Flow, Segment};
use sha2::{Digest, Sha256};

/// SSH over TCP.
pub struct Ssh;

/// Protocol versions: 1.99 is a 2.0 that understands 1 (RFC 4253 §5.1), 1.5 is the old one.
const VERSIONS: [&[u8]; 3] = [b"SSH-2.0-", b"SSH-1.99-", b"SSH-1.5-"];
/// Longest identification with its line end, bytes.
const LINE_BYTES_MAX: usize = 255;
/// Longest packet before encryption, bytes; real ones have one or two thousand.
const PACKET_BYTES_MAX: usize = 8 * 1024;
/// Packets read of each side: the offer, groups, keys, and the change to encryption.
const PACKETS_MAX: u8 = 4;
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

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(b'S', b'S')]
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
        Box::<Identification>::default()
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

#[derive(Default)]
struct Identification {
    sides: [Pending; 2],
    states: [State; 2],
    packets: [u8; 2],
    bytes: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Lines,
    /// The length of the packet behind the line (RFC 4253 §6).
    Length,
    /// The packet, of this many bytes.
    Packet(usize),
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
                        Some(length) if length <= PACKET_BYTES_MAX => State::Packet(length),
                        _ => State::Done,
                    }
                }
                State::Packet(length) => {
                    let Some(packet) = pending.exactly(&mut data, length) else { break };
                    self.packets[index] += 1;
                    let more = read(packet, segment.frame, say);
                    let goes_on = more && self.packets[index] < PACKETS_MAX;
                    if goes_on { State::Length } else { State::Done }
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

/// Reads a packet; returns whether another follows before encryption begins.
fn read(packet: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) -> bool {
    if let Some(value) = key_exchanges(packet) {
        say(Fact { what: What::Note, name: "ssh.key_exchange", value, frame });
    }
    if let Some(key) = host_key(packet) {
        let print = hex(&Sha256::digest(key));
        let what = What::Identity { subject: Subject::Sender, kind: IdentityKind::Key };
        say(Fact { what, name: "ssh.host_key_sha256", value: print.as_bytes(), frame });
    }
    matches!(packet.get(1), Some(&(KEXINIT | 30..=49)))
}

const KEXINIT: u8 = 20;

/// The server's key in its answer (RFC 4253 §8, RFC 5656 §4, RFC 4419 §3): a text that begins with the
/// name of the algorithm. What else has the same number does not.
fn host_key(packet: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(packet);
    reader.skip(1)?;
    if !matches!(reader.u8()?, 31 | 33) {
        return None;
    }
    let length = reader.u32()?;
    let key = reader.take(length as usize)?;
    let algorithm = key.get(4..)?;
    [&b"ssh-"[..], b"ecdsa-sha2-"].iter().any(|name| algorithm.starts_with(name)).then_some(key)
}

/// The first list in SSH_MSG_KEXINIT (RFC 4253 §7.1), names with commas between.
fn key_exchanges(packet: &[u8]) -> Option<&[u8]> {
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
    fn the_servers_key_has_a_print_and_groups_have_none() {
        let packet = |kind: u8, text: &[u8]| {
            let mut packet = vec![4, kind];
            packet.extend((text.len() as u32).to_be_bytes());
            packet.extend(text);
            packet.extend([0; 4]);
            [&(packet.len() as u32).to_be_bytes()[..], &packet].concat()
        };
        let offer = [&[0, 0, 0, 22, 4, 20][..], &[7; 16], &[0; 4]].concat();
        let key = b"\0\0\0\x0bssh-ed25519\0\0\0\x04key!";
        for (kind, text, told) in [
            (31, &key[..], true),
            (33, key, true),
            (31, b"\0\x80group of a prime", false),
            (32, key, false),
        ] {
            let server = [&b"SSH-2.0-y\r\n"[..], &offer, &packet(kind, text)].concat();
            let (_, said) = converse_tcp(&flow(TCP, 40_000, 22), &[(Side::High, &server)]);
            let prints: Vec<_> = said.iter().filter(|f| f.name == "ssh.host_key_sha256").collect();
            assert_eq!(prints.len(), usize::from(told), "{kind}");
            if let [print] = prints[..] {
                assert_eq!(print.value, hex(&Sha256::digest(key)).as_bytes());
            }
        }
    }

    #[test]
    fn near_misses_are_not_ssh() {
        for bytes in [&b"SSH-3.0-x\r\n"[..], b"SSH/2.0\r\n", b"ssh-2.0-x\r\n"] {
            let (label, _) = converse_tcp(&flow(TCP, 40_000, 2222), &[(Side::High, bytes)]);
            assert_eq!(label.protocol, "unknown", "{bytes:?}");
        }
    }
}
