//! TFTP requests over UDP on any port: firmware and configuration fetched without any protection.
//! The transfer itself goes from another port and is another flow, which the request announces.
//!
//! Documents: RFC 1350 §5, RFC 2347.
//!
//! Fixed: an operation, a printable name, one of three modes and zeroes: 60 bits and more.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, is_printable, probe};
use super::syntax::update;
use super::{Announced, Content, Dissector, Next, Over, Prefix, Probe, Session, UDP, What};
use crate::flow::{Flow, FlowKey};

/// TFTP.
pub struct Tftp;

impl Dissector for Tftp {
    fn name(&self) -> &'static str {
        "tftp"
    }

    fn rule(&self) -> &'static str {
        "operation, name and mode"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0, 0)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        Framed::start(Messages { key: flow.key })
    }
}

/// Whether it writes, and the file.
fn request(datagram: &[u8]) -> Option<(bool, &[u8])> {
    let [0, operation @ (1 | 2), rest @ ..] = datagram else {
        return None;
    };
    let mut texts = rest.split(|&byte| byte == 0);
    let (file, mode) = (texts.next()?, texts.next()?);
    let known = [&b"octet"[..], b"netascii", b"mail"].iter().any(|m| mode.eq_ignore_ascii_case(m));
    (known && is_printable(file) && rest.ends_with(&[0])).then_some((*operation == 2, file))
}

fn size(datagram: &[u8]) -> Size {
    if request(datagram).is_some() { Size::Whole(datagram.len()) } else { Size::Broken }
}

struct Messages {
    key: FlowKey,
}

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        if let Some((writes, file)) = request(message.bytes) {
            voice.note(if writes { "tftp.write" } else { "tftp.read" }, file);
            if let Some(looks) = update::looks(file).filter(|_| !writes) {
                let what = What::Update { image: looks == update::Looks::Image };
                voice.say(what, "tftp.update", file);
            }
            // The server answers from a port of its own (RFC 1350 §4).
            if let Some(port) = self.key.port(message.side) {
                let announced = Announced {
                    address: self.key.address(message.side),
                    port,
                    peer: Some(self.key.address(message.side.other())),
                    protocol: UDP,
                    label: "tftp",
                    content: Content::Clear,
                };
                voice.announce(announced, "tftp.announced");
            }
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::{UDP, What};

    #[test]
    fn a_file_is_asked_for() {
        let ask = b"\0\x01fw.bin\0octet\0blksize\x00512\0";
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &[(Side::Low, ask)]);
        assert_eq!(label.protocol, "tftp");
        assert_eq!(values(&said, "tftp.read"), [b"fw.bin"]);
        let put = b"\0\x02log.txt\0netascii\0";
        let pieces = [(Side::Low, &ask[..]), (Side::Low, put)];
        let (_, both) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(values(&both, "tftp.write"), [b"log.txt"]);
        let announced = said.iter().find_map(|said| match said.what {
            What::Expect(announced) => Some((announced.port, announced.label)),
            _ => None,
        });
        assert_eq!(announced, Some((50_000, "tftp")));
        for other in [&b"\0\x01fw.bin\0octal\0"[..], b"\0\x03\0\x01data", b"\0\x01fw\0octet"] {
            let (label, _) = converse_datagrams_here(&flow(UDP, 50_000, 69), &[(Side::Low, other)]);
            assert_eq!(label.frame, 0, "by its port at most");
        }
    }
}
