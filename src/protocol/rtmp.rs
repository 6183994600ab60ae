//! RTMP on any port: pictures sent to a platform, readable; the name they are published under is a
//! secret that opens the channel.
//!
//! Documents: Adobe's RTMP specification 1.0 §5.2, §5.3, §7.2.
//!
//! Fixed: version 3 and the four zeroes of the handshake on port 1935, 40 bits; elsewhere the
//! server's version as well.
//! Bounds: 4 KiB behind the client's handshake.

use super::syntax::framed::{THINGS_MAX, Voice, is_printable, on_port, u16_be};
use super::syntax::stream::{Firsts, pass};
use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session};
use crate::flow::{Flow, Segment, Side};

/// RTMP.
pub struct Rtmp;

const PORTS: [u16; 1] = [1935];
/// Version, then two messages of 1536 bytes.
const HANDSHAKE_BYTES: u64 = 1 + 2 * 1536;
const KEPT_BYTES_MAX: usize = 4 * 1024;

impl Dissector for Rtmp {
    fn name(&self) -> &'static str {
        "rtmp"
    }

    fn rule(&self) -> &'static str {
        "version 3 and zeroes of the handshake"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(3, 3)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let (first, second) = (seen.of(flow.initiator), seen.of(flow.initiator.other()));
        let fits = |(at, byte): (usize, &u8)| match at {
            0 => *byte == 3,
            5..=8 => *byte == 0,
            _ => true,
        };
        if !first.iter().take(9).enumerate().all(fits) {
            return Probe::No;
        }
        match (first.len(), second.first()) {
            (_, Some(version)) if *version != 3 => Probe::No,
            (..9, _) => Probe::More,
            _ if on_port(flow, &PORTS) => Probe::Yes,
            (1537.., Some(_)) => Probe::Yes,
            _ => Probe::More,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        Box::new(Commands {
            client: flow.initiator,
            passing: HANDSHAKE_BYTES,
            kept: Vec::new(),
            said: Firsts::new(THINGS_MAX),
        })
    }
}

struct Commands {
    client: Side,
    /// Bytes of the handshake to come.
    passing: u64,
    /// What the client sends behind it.
    kept: Vec<u8>,
    said: Firsts,
}

impl Session for Commands {
    fn held_bytes(&self) -> usize {
        self.kept.capacity()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if segment.side != self.client {
            return Next::More;
        }
        if segment.gap > 0 {
            return Next::Done;
        }
        let mut data = segment.data;
        pass(&mut data, &mut self.passing);
        let room = KEPT_BYTES_MAX - self.kept.len();
        self.kept.extend_from_slice(&data[..data.len().min(room)]);
        let voice = &mut Voice::new(&mut self.said, segment.frame, say);
        let published = read(&self.kept, voice);
        if published || self.kept.len() == KEPT_BYTES_MAX { Next::Done } else { Next::More }
    }
}

/// Says what the commands hold; true once something is published or played, the last of interest.
fn read(bytes: &[u8], voice: &mut Voice<'_>) -> bool {
    if let Some(connect) = connect(bytes) {
        for (key, name) in [(&b"\0\x03app\x02"[..], "rtmp.app"), (b"\0\x05tcUrl\x02", "rtmp.url")] {
            if let Some(value) = text_behind(&connect, key) {
                voice.note(name, value);
            }
        }
    }
    // Command, transaction, null, name.
    for (command, publishes) in [(&b"\x02\0\x07publish\0"[..], true), (b"\x02\0\x04play\0", false)]
    {
        let at = bytes.windows(command.len()).position(|part| part == command);
        let Some(rest) = at.and_then(|at| bytes.get(at + command.len() + 8..)) else {
            continue;
        };
        if let [5, 2, high, low, name @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if name.len() < length {
                return false;
            }
            if publishes {
                voice.credential("rtmp stream key", length, "rtmp.publish", &[]);
                voice.media("rtmp.media", b"published");
            } else {
                voice.media("rtmp.media", b"played");
            }
            return true;
        }
    }
    false
}

/// The first message, without the one-byte headers that stand every 128 bytes (§5.3.1); `None`
/// until it is whole.
fn connect(bytes: &[u8]) -> Option<Vec<u8>> {
    let [head, _, _, _, 0, high, low, 0x14, ..] = *bytes else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let chunks = length.div_ceil(128).max(1);
    let wire = bytes.get(12..12 + length + chunks - 1)?;
    (head >> 6 == 0).then(|| {
        wire.chunks(129).flat_map(|chunk| &chunk[..chunk.len().min(128)]).copied().collect()
    })
}

fn text_behind<'a>(bytes: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(key.len()).position(|part| part == key)? + key.len();
    let length = usize::from(u16_be(bytes, at)?);
    bytes.get(at + 2..at + 2 + length).filter(|text| is_printable(text))
}

#[cfg(test)]
mod tests {
    use super::super::What;
    use super::super::testing::{converse, converse_tcp, flow, values};
    use super::*;
    use crate::protocol::TCP;

    #[test]
    fn a_published_stream() {
        let mut hello = vec![0; HANDSHAKE_BYTES as usize];
        hello[0] = 3;
        let body = b"\x02\0\x07connect\0\x3f\xf0\0\0\0\0\0\0\x03\0\x03app\x02\0\x04live\0\x05tcUrl\x02\0\x14rtmp://a.example/liv\0\0\x09";
        let connect =
            [&b"\x03\0\0\0\0\0"[..], &[body.len() as u8, 0x14, 0, 0, 0, 0], body].concat();
        let publish = b"\x43\0\0\0\0\0\x20\x14\x02\0\x07publish\0\0\0\0\0\0\0\0\0\x05\x02\0\x06secret\x02\0\x04live";
        let pieces = [
            (Side::Low, &hello[..]),
            (Side::High, &b"\x03server"[..]),
            (Side::Low, &connect),
            (Side::Low, &publish[..]),
        ];
        let on_port = converse_tcp(&flow(TCP, 50_000, 1935), &pieces);
        let off_port = converse(&flow(TCP, 50_000, 5_123), false, &pieces);
        for (label, said) in [on_port, off_port] {
            assert_eq!((label.protocol, label.content), ("rtmp", Content::Clear));
            assert_eq!(values(&said, "rtmp.app"), [b"live"]);
            assert_eq!(values(&said, "rtmp.url"), [b"rtmp://a.example/liv"]);
            let kind = "rtmp stream key";
            let secret = said.iter().find(|said| said.name == "rtmp.publish").unwrap();
            assert_eq!(secret.what, What::Credential { kind, length: 6 });
            assert!(secret.value.is_empty());
        }
        let (label, _) = converse_tcp(
            &flow(TCP, 50_000, 1935),
            &[(Side::Low, b"\x03\0\0\x16\x11\xe0\0\0\0\x01")],
        );
        assert_eq!(label.frame, 0, "by its port at most");
    }
}
