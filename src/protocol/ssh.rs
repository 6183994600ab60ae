//! SSH (RFC 4253 §4.2) on any port: the software both sides name before encryption begins.
//!
//! Bounds: a line 255 bytes; 64 KiB a flow, or until both have named theirs.

use super::syntax::stream::{Pending, Taken};
use super::{
    Content, Dissector, Fact, IdentityKind, Next, Prefix, Probe, Session, Subject, TCP, What,
};
use crate::flow::{Flow, Segment};

/// SSH over TCP.
pub struct Ssh;

/// Protocol versions: 1.99 is a 2.0 that understands 1 (RFC 4253 §5.1), 1.5 is the old one.
const VERSIONS: [&[u8]; 3] = [b"SSH-2.0-", b"SSH-1.99-", b"SSH-1.5-"];
/// Longest identification with its line end, bytes.
const LINE_BYTES_MAX: usize = 255;
/// Read in one flow, bytes.
const FLOW_BYTES_MAX: usize = 64 * 1024;

impl Dissector for Ssh {
    fn name(&self) -> &'static str {
        "ssh"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        if flow.key.protocol != TCP {
            return Probe::No;
        }
        // A server may write lines of its own first, and a client may speak first.
        match (looks_like(seen.first().0), looks_like(seen.second())) {
            (Probe::Yes, _) => Probe::Yes,
            (_, Probe::Yes) if !seen.second().is_empty() => Probe::Yes,
            (answer, _) => answer,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Identification { sides: Default::default(), named: [false; 2], bytes: 0 })
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
    /// The side has identified itself, or no longer can.
    named: [bool; 2],
    bytes: usize,
}

impl Session for Identification {
    fn held_bytes(&self) -> usize {
        self.sides.iter().map(Pending::held_bytes).sum()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let index = segment.side.index();
        let mut data = segment.data;
        self.bytes += data.len();
        self.named[index] |= segment.gap > 0;
        while !self.named[index] {
            match self.sides[index].line(&mut data, LINE_BYTES_MAX) {
                Taken::Whole(line) => {
                    let line = line.trim_ascii_end();
                    let Some(version) = VERSIONS.iter().find(|v| line.starts_with(v)) else {
                        continue;
                    };
                    self.named[index] = true;
                    let what =
                        What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
                    let value = &line[version.len()..];
                    if !value.is_empty() {
                        say(Fact { what, name: "ssh.software", value, frame: segment.frame });
                    }
                }
                Taken::TooLong => {}
                Taken::More => break,
            }
        }
        let done = self.named == [true; 2] || self.bytes >= FLOW_BYTES_MAX;
        if done { Next::Done } else { Next::More }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_tcp, flow};
    use super::*;
    use crate::flow::Side;

    #[test]
    fn both_sides_name_their_software() {
        let pieces = [
            (Side::High, &b"SSH-2.0-dropbear_2019.78\r\n"[..]),
            (Side::Low, b"SSH-1.99-OpenSSH_9.6 comment\n\0\0binary"),
        ];
        let (label, said) = converse_tcp(&flow(TCP, 40_000, 2222), &pieces);
        assert_eq!((label.protocol, label.content), ("ssh", Content::Encrypted));
        let values: Vec<_> = said.iter().map(|said| &said.value[..]).collect();
        assert_eq!(values, [&b"dropbear_2019.78"[..], b"OpenSSH_9.6 comment"]);
    }

    #[test]
    fn near_misses_are_not_ssh() {
        for bytes in [&b"SSH-3.0-x\r\n"[..], b"SSH/2.0\r\n", b"ssh-2.0-x\r\n"] {
            let (label, _) = converse_tcp(&flow(TCP, 40_000, 2222), &[(Side::High, bytes)]);
            assert_eq!(label.protocol, "unknown", "{bytes:?}");
        }
    }
}
