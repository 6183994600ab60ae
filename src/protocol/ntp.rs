//! NTP (RFC 5905 §7.3, older versions, and control messages of RFC 9327) on port 123: time
//! itself says nothing about a device, so only the version is said. The format has hardly any
//! fixed bits, therefore nothing is recognised off the port.

use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, What};
use crate::flow::{Flow, Segment};

/// NTP.
pub struct Ntp;

const PORT: u16 = 123;
/// Header without extensions and authentication, bytes (RFC 5905 §7.3).
const HEADER_BYTES: usize = 48;
/// Highest stratum with a meaning (RFC 5905 §7.3).
const STRATUM_MAX: u8 = 16;

impl Dissector for Ntp {
    fn name(&self) -> &'static str {
        "ntp"
    }

    fn rule(&self) -> &'static str {
        "port 123, a known version and mode"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let usual_port = flow.key.port(flow.initiator) == Some(PORT)
            || flow.key.port(flow.initiator.other()) == Some(PORT);
        match version(seen.first().0) {
            Some(_) if usual_port => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Version)
    }
}

/// Version of a datagram whose leap indicator, version, mode, stratum and length fit together.
fn version(datagram: &[u8]) -> Option<u8> {
    let &[first, second, ..] = datagram else {
        return None;
    };
    let (version, mode) = (first >> 3 & 7, first & 7);
    let fits = match mode {
        // Extension fields and authentication come in whole words (RFC 7822).
        1..=5 => {
            datagram.len() >= HEADER_BYTES
                && datagram.len().is_multiple_of(4)
                && second <= STRATUM_MAX
        }
        // Control messages (RFC 9327 §2): no leap indicator.
        6 => datagram.len() >= 12 && first >> 6 == 0,
        // Private use (RFC 5905 §7.3): response and more bits stand in its place.
        7 => datagram.len() >= 8,
        _ => false,
    };
    // A version 1 client sets no mode (RFC 1059): too little to go by.
    ((1..=4).contains(&version) && fits).then_some(version)
}

struct Version;

impl Session for Version {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if let Some(version) = version(segment.data) {
            let value = &[b'0' + version];
            say(Fact { what: What::Note, name: "ntp.version", value, frame: segment.frame });
        }
        Next::Done
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse, flow};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    fn read(port: u16, first: u8, length: usize) -> &'static str {
        let mut bytes = vec![0; length];
        bytes[0] = first;
        let (label, said) = converse(&flow(UDP, 50_000, port), true, &[(Side::Low, &bytes)]);
        assert_eq!(said.len(), usize::from(label.frame > 0));
        if label.frame > 0 { label.protocol } else { "" }
    }

    #[test]
    fn datagrams_on_the_port() {
        // Client of version 4, server of version 3 with a key, control.
        for (first, length) in [(0xe3, 48), (0x1c, 68), (0x16, 12)] {
            assert_eq!(read(PORT, first, length), "ntp");
        }
    }

    #[test]
    fn near_misses_are_not_ntp() {
        for (port, first, length) in [
            (124, 0x23, 48),
            (PORT, 0x23, 47),
            (PORT, 0x23, 50),
            (PORT, 0x2b, 48),
            (PORT, 0x20, 48),
        ] {
            assert_eq!(read(port, first, length), "", "{port} {first} {length}");
        }
    }
}
