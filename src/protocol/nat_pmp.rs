//! NAT-PMP and PCP, UDP 5351: a device asks the router to open a port to it from the internet.
//! They have few fixed bits: off the port an answer has to repeat what was asked, 60 bits and more.
//!
//! Documents: RFC 6886 §3 (NAT-PMP); RFC 6887 §7 and §11 (PCP).
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, on_port, probe, u16_be,
};
use super::{Content, Dissector, Next, Over, Prefix, Probe, Session, TCP, UDP, What};
use crate::flow::Flow;

/// NAT-PMP and PCP.
pub struct NatPmp;

const PORTS: [u16; 1] = [5351];

impl Dissector for NatPmp {
    fn name(&self) -> &'static str {
        "nat-pmp"
    }

    fn rule(&self) -> &'static str {
        "a known operation and length; off port 5351 also its answer"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0, 0), (2, 2)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        if on_port(flow, &PORTS) {
            return probe(flow, seen, size, Demand::One);
        }
        let (ask, answer) = (seen.first().0, seen.second());
        match probe(flow, seen, size, Demand::Both) {
            Probe::Yes if answers(ask, answer) || answers(answer, ask) => Probe::Yes,
            Probe::Yes | Probe::No => Probe::No,
            other => other,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(datagram: &[u8]) -> Size {
    let fits = match *datagram {
        // Address; mapping of UDP or TCP; their answers (RFC 6886 §3.2, §3.3).
        [0, 0] => true,
        [0, 1 | 2, 0, 0, ..] => datagram.len() == 12,
        [0, 128, ..] => datagram.len() == 12 || datagram.len() == 8,
        [0, 129 | 130, ..] => datagram.len() == 16 || datagram.len() == 8,
        // PCP: announce, map, peer; the top bit in answers (RFC 6887 §7.1).
        [2, operation, 0, ..] if operation & 0x7f <= 2 => {
            datagram.len() >= 24 && datagram.len() <= 1100 && datagram.len().is_multiple_of(4)
        }
        _ => false,
    };
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

/// Whether an answer is one to a mapping that was asked for: it repeats the inner port (RFC 6886
/// §3.3) or the nonce (RFC 6887 §11.2).
fn answers(ask: &[u8], answer: &[u8]) -> bool {
    let ([version @ (0 | 2), operation @ (1 | 2), ..], [same, answered, ..]) = (ask, answer) else {
        return false;
    };
    let repeated = if *version == 0 { (4..6, 8..10) } else { (24..36, 24..36) };
    let repeated = [ask.get(repeated.0), answer.get(repeated.1)];
    version == same
        && operation | 0x80 == *answered
        && repeated[0].is_some()
        && repeated[0] == repeated[1]
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        let asked = match *bytes {
            [0, operation @ (1 | 2), ..] => {
                let protocol = if operation == 1 { UDP } else { TCP };
                u16_be(bytes, 4).zip(u16_be(bytes, 6)).map(|ports| (protocol, ports))
            }
            // Map: nonce of 12, protocol, three zeroes, inner and outer port (§11.1).
            [2, 1, ..] => {
                let protocol = bytes.get(36).copied().unwrap_or_default();
                u16_be(bytes, 40).zip(u16_be(bytes, 42)).map(|ports| (protocol, ports))
            }
            _ => None,
        };
        if let Some((protocol, (inner, outer))) = asked {
            let protocol = match protocol {
                TCP => "tcp",
                UDP => "udp",
                _ => "other",
            };
            let asked = format!("{protocol} {inner} as {outer}");
            voice.say(What::Opening, "nat_pmp.open", asked.as_bytes());
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;

    #[test]
    fn a_mapping_of_pcp_is_known_by_its_nonce() {
        let mut ask = [0; 60];
        ask[..2].copy_from_slice(&[2, 1]);
        ask[24..36].fill(7);
        (ask[36], ask[41], ask[43]) = (6, 80, 81);
        let mut answer = ask;
        answer[1] = 0x81;
        let pieces = [(Side::Low, &ask[..]), (Side::High, &answer)];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "nat-pmp");
        assert_eq!(values(&said, "nat_pmp.open"), [b"tcp 80 as 81"]);
    }

    #[test]
    fn an_opened_port_is_said() {
        let ask = b"\0\x02\0\0\x02\x2a\x1f\x90\0\0\x0e\x10";
        let (label, said) = converse_datagrams_here(&flow(UDP, 50_000, 5351), &[(Side::Low, ask)]);
        assert_eq!((label.protocol, label.frame), ("nat-pmp", 1));
        assert_eq!(values(&said, "nat_pmp.open"), [b"tcp 554 as 8080"]);
        let udp = b"\0\x01\0\0\x02\x2b\x1f\x91\0\0\x0e\x10";
        let two = [(Side::Low, &ask[..]), (Side::Low, udp)];
        let (_, said) = converse_datagrams_here(&flow(UDP, 50_000, 5351), &two);
        assert_eq!(values(&said, "nat_pmp.open"), [&b"tcp 554 as 8080"[..], b"udp 555 as 8081"]);
        let (label, _) = converse_datagrams(&flow(UDP, 50_000, 5_123), &[(Side::Low, ask)]);
        assert_eq!(label.protocol, "unknown");
        // Result, epoch, both ports, lifetime.
        let answer = b"\0\x82\0\0\0\0\0\x09\x02\x2a\x1f\x90\0\0\x0e\x10";
        let pieces = [(Side::Low, &ask[..]), (Side::High, answer)];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "nat-pmp");
        assert_eq!(values(&said, "nat_pmp.open"), [b"tcp 554 as 8080"]);
        let mut other = *answer;
        other[9] = 0x2b;
        let pieces = [(Side::Low, &ask[..]), (Side::High, &other)];
        let (label, _) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "unknown", "the answer to something else");
        let (label, _) =
            converse_datagrams_here(&flow(UDP, 50_000, 5351), &[(Side::Low, &ask[..11])]);
        assert_eq!(label.frame, 0);
    }
}
