//! QUIC on any port, by its long header: versions 1 and 2, their drafts, and the versions Google
//! and Facebook used before them. The hellos in its Initial packets are read, of which the pieces
//! may come in any order over several datagrams; nothing else can be decrypted.
//!
//! Documents: RFC 9000 §17.2 (version 1); RFC 9369 (version 2); RFC 8999 (what all versions have in
//! common); RFC 9001 §5 (keys of Initial packets).
//! Bounds: 32 KiB of handshake a side, the keys of three connection IDs, the first 64 datagrams.

use super::syntax::hello::{Carrier, ClientHello, ServerHello};
use super::syntax::initial::{Keys, crypto, number};
use super::syntax::known::Known;
use super::syntax::pieces::Pieces;
use super::{Common, Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, What};
use crate::base::bytes::Reader;
use crate::flow::{Flow, Segment, Side};
use std::sync::Arc;

/// QUIC.
pub struct Quic;

const LONG_HEADER: u8 = 0x80;
const FIXED_BIT: u8 = 0x40;
/// Longest connection ID, bytes (RFC 9000 §17.2).
const CONNECTION_ID_BYTES_MAX: u8 = 20;
/// A client's first datagram is at least this long (RFC 9000 §14.1), bytes.
const FIRST_BYTES_MIN: usize = 1200;

impl Dissector for Quic {
    fn name(&self) -> &'static str {
        "quic"
    }

    fn rule(&self) -> &'static str {
        "a long header with a known version"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        // Long headers, and the flags of Google's first versions.
        &[(0x01, 0x3f), (0x80, 0xff)]
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        match version(seen.first().0).or_else(|| version(seen.second())) {
            Some(_) => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        Box::new(Initials {
            dns_port: flow.service_port() == Some(DNS_PORT),
            version: None,
            client: None,
            keys: Vec::new(),
            sides: Default::default(),
            client_said: false,
            server_said: false,
            datagrams: 0,
            known: None,
        })
    }
}

/// Datagrams looked at; hellos come with the first few, also after a Retry or a negotiation.
const DATAGRAMS_MAX: u32 = 64;
/// Connection IDs that keys are made of: the client's first, the one after a Retry, one to spare.
const KEYS_MAX: usize = 3;
/// Names asked for over QUIC (RFC 9250 §4.1), and its drafts.
const DNS_ALPN: &[u8] = b"doq";
/// RFC 9250 §4.1.1.
const DNS_PORT: u16 = 853;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

struct Initials {
    dns_port: bool,
    version: Option<u32>,
    /// Who sent the hello, once one was read.
    client: Option<Side>,
    /// Of client and server, for each connection ID.
    keys: Vec<[Keys; 2]>,
    sides: [Pieces; 2],
    client_said: bool,
    server_said: bool,
    datagrams: u32,
    /// What other flows showed.
    known: Option<Arc<Known>>,
}

impl Session for Initials {
    fn join(&mut self, common: &Common) {
        self.known = Some(common.known.clone());
    }

    fn held_bytes(&self) -> usize {
        let keys = self.keys.capacity() * size_of::<[Keys; 2]>();
        self.sides.iter().map(Pieces::held_bytes).sum::<usize>() + keys
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        self.datagrams += 1;
        // The first datagram may be one that only the other side's answer explained.
        if let Some(version) = version(segment.data) {
            if self.version.is_none_or(|known| known == 0 && version != 0) {
                self.version = Some(version);
                let value = name(version);
                let value = value.as_bytes();
                say(Fact { what: What::Note, name: "quic.version", value, frame: segment.frame });
            }
            self.packets(segment.data, segment.side);
            self.hellos(segment.frame, say);
        }
        let done = self.client_said && self.server_said || self.datagrams >= DATAGRAMS_MAX;
        if done { Next::Done } else { Next::More }
    }
}

impl Initials {
    /// Several packets may stand in one datagram (RFC 9000 §12.2).
    fn packets(&mut self, datagram: &[u8], side: Side) {
        let mut rest = datagram;
        while let Some(packet) = Long::read(rest) {
            if packet.initial {
                self.initial(&packet, side);
            }
            rest = &rest[packet.bytes.len()..];
        }
    }

    fn initial(&mut self, packet: &Long<'_>, side: Side) {
        let from_server = self.client.is_some_and(|client| client != side);
        let index = usize::from(from_server);
        let open = |keys: &[Keys; 2]| keys[index].open(packet.bytes, packet.number_at);
        let mut frames = self.keys.iter().find_map(open);
        if frames.is_none() && !from_server && self.keys.len() < KEYS_MAX {
            // Keys follow from the ID that the client chose first (RFC 9001 §5.2), or from the one
            // that a Retry gave it.
            for version in Keys::versions(packet.version) {
                let keys = Keys::pair(version, packet.connection_id);
                frames = keys.as_ref().and_then(open);
                if let Some(keys) = keys.filter(|_| frames.is_some()) {
                    self.keys.push(keys);
                    break;
                }
            }
        }
        let Some(frames) = frames else {
            return;
        };
        if !from_server {
            self.client = Some(side);
        }
        let pieces = &mut self.sides[side.index()];
        // What precedes a frame that is not known was read.
        let _ = crypto(&frames, &mut |offset, data| pieces.put(offset, data));
    }

    fn hellos(&mut self, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        let Some(client) = self.client else {
            return;
        };
        if let Some(body) = message(self.sides[client.index()].beginning(), CLIENT_HELLO)
            && !self.client_said
        {
            self.client_said = true;
            if let Some(hello) = ClientHello::read(body, Carrier::Quic) {
                hello.say(Carrier::Quic, frame, self.known.as_deref(), say);
                let what = What::DnsOver("quic");
                if hello.alpn.iter().any(|name| name.starts_with(DNS_ALPN)) {
                    say(Fact { what, name: "tls.dns", value: b"application protocol doq", frame });
                } else if self.dns_port {
                    say(Fact { what, name: "tls.dns", value: b"port 853", frame });
                }
            }
        }
        if let Some(body) = message(self.sides[client.other().index()].beginning(), SERVER_HELLO)
            && !self.server_said
        {
            self.server_said = true;
            if let Some(hello) = ServerHello::read(body) {
                hello.say(frame, say);
            }
        }
    }
}

/// The body of a whole handshake message at the beginning.
fn message(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != kind {
        return None;
    }
    let length = reader.u24()?;
    reader.take(length as usize)
}

/// A packet with a long header that says where it ends.
struct Long<'a> {
    version: u32,
    initial: bool,
    /// The destination's.
    connection_id: &'a [u8],
    bytes: &'a [u8],
    /// Where the packet number begins.
    number_at: usize,
}

impl<'a> Long<'a> {
    fn read(bytes: &'a [u8]) -> Option<Long<'a>> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        let version = reader.u32()?;
        let kind = kind(first, version);
        if first & LONG_HEADER == 0 || kind == RETRY {
            return None;
        }
        let connection_id = reader.nested_u8()?.rest();
        reader.nested_u8()?;
        if kind == INITIAL {
            let token = number(&mut reader)?;
            reader.skip(usize::try_from(token).ok()?)?;
        }
        let length = usize::try_from(number(&mut reader)?).ok()?;
        let number_at = reader.position();
        let bytes = bytes.get(..number_at.checked_add(length)?)?;
        Some(Long { version, initial: kind == INITIAL, connection_id, bytes, number_at })
    }
}

const INITIAL: u8 = 0;
const RETRY: u8 = 3;

/// The type of a long header packet; RFC 9369 §3.2 turns the types by one.
fn kind(first: u8, version: u32) -> u8 {
    let turned = matches!(version, 0x6b33_43cf | 0x709a_50c4 | 0xff02_0000..=0xff02_00ff);
    (first >> 4 & 3).wrapping_sub(u8::from(turned)) & 3
}

/// The version in a datagram that is QUIC; 0 for version negotiation.
fn version(datagram: &[u8]) -> Option<u32> {
    let first = *datagram.first()?;
    if first & LONG_HEADER == 0 {
        return early_google(datagram);
    }
    let mut reader = Reader::new(datagram);
    reader.skip(1)?;
    let version = reader.u32()?;
    match version {
        0 => negotiation(&mut reader).then_some(0),
        // Q044 to Q049: both lengths of connection IDs in one byte, each 0 or 8.
        0x5130_3434..=0x5130_3439 => {
            let lengths = reader.u8()?;
            let known = |length| length == 0 || length == 5;
            (known(lengths >> 4) && known(lengths & 15) && reader.rest().len() > 12)
                .then_some(version)
        }
        _ if is_known(version) => {
            let fits = first & FIXED_BIT != 0 && packet(first, version, &mut reader).is_some();
            fits.then_some(version)
        }
        // Versions that exist to be refused (RFC 9000 §15).
        _ if version & 0x0f0f_0f0f == 0x0a0a_0a0a => {
            connection_ids(&mut reader)?;
            (datagram.len() >= FIRST_BYTES_MIN).then_some(version)
        }
        _ => None,
    }
}

fn is_known(version: u32) -> bool {
    matches!(
        version,
        1 | 0x6b33_43cf           // RFC 9000, RFC 9369
        | 0xff00_0001..=0xff00_0022 // drafts 1 to 34 of RFC 9000
        | 0xff02_0000..=0xff02_00ff // drafts of RFC 9369
        | 0x709a_50c4             // the number of RFC 9369 while it was a draft
        | 0x5130_3530..=0x5130_3539 // Google's Q050 to Q059
        | 0x5430_3530..=0x5430_3539 // Google's T050 to T059
        | 0xface_b000..=0xface_b00f // Facebook's
    )
}

/// Destination and source connection ID (RFC 9000 §17.2).
fn connection_ids(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..2 {
        let length = reader.u8()?;
        if length > CONNECTION_ID_BYTES_MAX {
            return None;
        }
        reader.skip(usize::from(length))?;
    }
    Some(())
}

/// The rest of a long header packet: an Initial has a token and a length (RFC 9000 §17.2.2), 0-RTT
/// and Handshake a length, Retry neither. The capture may have cut the datagram behind it.
fn packet(first: u8, version: u32, reader: &mut Reader<'_>) -> Option<()> {
    connection_ids(reader)?;
    let kind = kind(first, version);
    // Google's early ones have no token; their length cannot be told from it.
    if version >> 24 == 0x51 || version >> 24 == 0x54 {
        return (reader.rest().len() >= 16).then_some(());
    }
    if kind == RETRY {
        // Its integrity tag (RFC 9001 §5.8).
        return (reader.rest().len() >= 16).then_some(());
    }
    if kind == INITIAL {
        let token = number(reader)?;
        reader.skip(usize::try_from(token).ok()?)?;
    }
    // A packet number and a sample for header protection at least (RFC 9001 §5.4.2).
    let length = number(reader)?;
    (20..=65_535).contains(&length).then_some(())
}

/// Version negotiation (RFC 8999 §6): the connection IDs and a list of versions, of which one at
/// least must be known, since the format has no other mark.
fn negotiation(reader: &mut Reader<'_>) -> bool {
    let lists_known = |reader: &mut Reader<'_>| -> Option<bool> {
        connection_ids(reader)?;
        let mut known = false;
        while !reader.is_empty() {
            let version = reader.u32()?;
            known |= is_known(version) || version & 0xffff_0000 == 0x5130_0000;
        }
        Some(known)
    };
    lists_known(reader).unwrap_or(false)
}

/// Google's versions up to Q043: flags, connection ID, and the version where the flags say so.
fn early_google(datagram: &[u8]) -> Option<u32> {
    const HAS_VERSION: u8 = 0x01;
    const IS_RESET: u8 = 0x02;
    const HAS_CONNECTION_ID: u8 = 0x08;
    let mut reader = Reader::new(datagram);
    let flags = reader.u8()?;
    if flags & HAS_VERSION == 0 || flags & IS_RESET != 0 || flags & 0xc0 != 0 {
        return None;
    }
    if flags & HAS_CONNECTION_ID != 0 {
        reader.skip(8)?;
    }
    let version = reader.u32()?;
    let [q, zero, tens, ones] = version.to_be_bytes();
    let fits = q == b'Q' && zero == b'0' && matches!(tens, b'0'..=b'4') && ones.is_ascii_digit();
    fits.then_some(version)
}

fn name(version: u32) -> String {
    match version {
        0 => "negotiation".to_owned(),
        1 => "1".to_owned(),
        0x6b33_43cf => "2".to_owned(),
        0xff00_0001..=0xff00_0022 => format!("draft-{}", version & 0xff),
        _ => match version.to_be_bytes() {
            text @ [b'Q' | b'T', b'0', ..] => String::from_utf8_lossy(&text).into_owned(),
            _ => format!("0x{version:08x}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::hello::tests as hello;
    use super::super::syntax::initial::tests as initial;
    use super::super::testing::{Said, converse, converse_datagrams, flow};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    /// A CRYPTO frame (RFC 9000 §19.6) with two bytes of offset and of length.
    fn frame(offset: usize, data: &[u8]) -> Vec<u8> {
        let two = |n: usize| (n as u16 | 0x4000).to_be_bytes();
        [&[6][..], &two(offset), &two(data.len()), data].concat()
    }

    /// A sealed Initial of `version` to `id` with keys of `side` that follow from `original`.
    fn sealed(version: u32, original: &[u8], side: usize, id: &[u8], frames: &[u8]) -> Vec<u8> {
        let mut frames = frames.to_vec();
        frames.resize(frames.len().max(1180), 0);
        let mut head = vec![if version == 1 { 0xc1 } else { 0xd1 }];
        head.extend(version.to_be_bytes());
        head.push(id.len() as u8);
        head.extend(id);
        head.extend([0, 0]);
        head.extend(((2 + frames.len() + 16) as u16 | 0x4000).to_be_bytes());
        let keys = Keys::pair(version, original).expect("keys");
        initial::seal(&keys[side], head, 0, &frames)
    }

    fn hello_message() -> Vec<u8> {
        let extensions = [
            hello::server_name(b"cam.example"),
            hello::extension(16, b"\0\x03\x02h3"),
            hello::extension(43, &[2, 3, 4]),
            hello::extension(51, &[0; 1500]),
        ];
        let body = hello::client_hello(&[0x1301], None, &extensions.concat());
        [&[1, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat()
    }

    fn server_message() -> Vec<u8> {
        let mut body = vec![2, 0, 0, 46, 3, 3];
        body.extend([9; 32]);
        body.extend([0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
        body
    }

    fn value<'a>(said: &'a [Said], name: &str) -> Option<&'a [u8]> {
        said.iter().find(|said| said.name == name).map(|said| &said.value[..])
    }

    #[test]
    fn hellos_are_read_in_any_order_of_their_pieces() {
        let hello = hello_message();
        let id: &[u8] = b"original";
        let first = [frame(700, &hello[700..1000]), vec![0, 1], frame(0, &hello[..300])].concat();
        let second = [frame(1000, &hello[1000..]), frame(300, &hello[300..700])].concat();
        for version in [1, 0x6b33_43cf] {
            let first = sealed(version, id, 0, id, &first);
            let answer = sealed(version, id, 1, b"", &frame(0, &server_message()));
            let both = sealed(version, id, 0, id, &second);
            // The client turns to the ID that the server chose; the keys stay (RFC 9001 §5.2).
            let late = sealed(version, id, 0, b"chosen", &second);
            let flight = [(Side::Low, &first[..]), (Side::Low, &both), (Side::High, &answer)];
            let turned = [(Side::Low, &first[..]), (Side::High, &answer), (Side::Low, &late)];
            for pieces in [flight, turned] {
                let (label, said) = converse_datagrams(&flow(UDP, 50_000, 4433), &pieces);
                assert_eq!((label.protocol, label.content), ("quic", Content::Encrypted));
                assert_eq!(value(&said, "tls.sni"), Some(&b"cam.example"[..]));
                assert_eq!(value(&said, "tls.alpn"), Some(&b"h3"[..]));
                assert_eq!(value(&said, "tls.version"), Some(&b"TLS 1.3"[..]));
                let ja4 = value(&said, "tls.ja4").expect("a fingerprint");
                assert!(ja4.starts_with(b"q13d0104h3_"), "{said:?}");
            }
        }
    }

    #[test]
    fn keys_follow_from_the_new_id_after_a_retry() {
        let hello = hello_message();
        let first = sealed(1, b"original", 0, b"original", &frame(0, &hello[..600]));
        let retry = [&b"\xf0\0\0\0\x01\0\x06chosen"[..], &[9; 40]].concat();
        let again = sealed(1, b"chosen", 0, b"chosen", &frame(0, &hello[..900]));
        let rest = sealed(1, b"chosen", 0, b"chosen", &frame(900, &hello[900..]));
        let pieces = [
            (Side::Low, &first[..]),
            (Side::High, &retry),
            (Side::Low, &again),
            (Side::Low, &rest),
        ];
        let (_, said) = converse(&flow(UDP, 50_000, 443), true, &pieces);
        assert_eq!(value(&said, "tls.sni"), Some(&b"cam.example"[..]));
    }

    #[test]
    fn names_asked_for_over_quic() {
        let packet = sealed(1, b"id", 0, b"id", &frame(0, &hello_message()[..900]));
        let rest = sealed(1, b"id", 0, b"id", &frame(900, &hello_message()[900..]));
        let pieces = [(Side::Low, &packet[..]), (Side::Low, &rest)];
        for (port, expected) in [(853, true), (443, false)] {
            let (_, said) = converse(&flow(UDP, 50_000, port), true, &pieces);
            let found = said.iter().any(|said| said.what == What::DnsOver("quic"));
            assert_eq!(found, expected);
        }
    }

    fn read(bytes: &[u8]) -> Option<String> {
        let (label, said) = converse(&flow(UDP, 50_000, 4433), true, &[(Side::Low, bytes)]);
        assert_eq!(said.len(), usize::from(label.protocol == "quic"));
        said.first().map(|said| String::from_utf8_lossy(&said.value).into_owned())
    }

    /// A long header with 8 and 0 bytes of connection ID, no token and a length of 1182.
    fn initial(first: u8, version: u32) -> Vec<u8> {
        let mut bytes = vec![first];
        bytes.extend(version.to_be_bytes());
        bytes.extend([8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x9e]);
        bytes.resize(1200, 7);
        bytes
    }

    #[test]
    fn versions() {
        for (first, version, expected) in [
            (0xc3, 1, "1"),
            (0xd3, 0x6b33_43cf, "2"),
            (0xc3, 0xff00_001d, "draft-29"),
            (0xc3, 0xface_b002, "0xfaceb002"),
            (0xc3, 0x5430_3531, "T051"),
            (0xc3, 0x1a2a_3a4a, "0x1a2a3a4a"),
        ] {
            assert_eq!(read(&initial(first, version)).as_deref(), Some(expected));
        }
        assert_eq!(read(b"\x0d12345678Q039\x01rest").as_deref(), Some("Q039"));
        assert_eq!(read(b"\xc3Q046\x5012345678end").as_deref(), None);
        assert_eq!(read(b"\xc3Q046\x5012345678packet number").as_deref(), Some("Q046"));
        let negotiation = b"\x8a\0\0\0\0\0\x01a\0\0\0\x01\x0a\x0a\x0a\x0a";
        assert_eq!(read(negotiation).as_deref(), Some("negotiation"));
    }

    #[test]
    fn near_misses_are_not_quic() {
        let mut no_fixed_bit = initial(0x83, 1);
        assert_eq!(read(&no_fixed_bit), None);
        no_fixed_bit[0] = 0xc3;
        no_fixed_bit[5] = 21;
        assert_eq!(read(&no_fixed_bit), None, "connection ID too long");
        assert_eq!(read(&initial(0xc3, 3)), None, "no such version");
        assert_eq!(read(&initial(0x43, 1)), None, "short header");
        assert_eq!(read(&initial(0xc3, 0x1a2a_3a4a)[..1199]), None);
        assert_eq!(read(b"\x80\0\0\0\0\0\0\0\0\0\x03"), None);
        assert_eq!(read(b"\x0d12345678X039\x01rest"), None);
    }
}
