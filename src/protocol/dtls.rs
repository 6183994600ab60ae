//! DTLS 1.0 to 1.3 (RFC 4347, RFC 6347, RFC 9147) on any UDP port: the same hellos as in TLS, cut
//! into pieces that fit datagrams, and asked for a second time with a cookie.
//!
//! Bounds: four unfinished messages a side of 32 KiB each, the first 256 datagrams.

use super::syntax::certificate::{self, Asked};
use super::syntax::cipher;
use super::syntax::hello::{Carrier, ClientHello, ServerHello};
use super::syntax::pieces::Pieces;
use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, What};
use crate::base::bytes::Reader;
use crate::flow::{Flow, Segment};

/// DTLS.
pub struct Dtls;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
const CERTIFICATE: u8 = 11;

/// Datagrams looked at; a handshake takes about a dozen, more when they are lost.
const DATAGRAMS_MAX: u32 = 256;
/// Messages of one side that are put together at a time.
const MESSAGES_MAX: usize = 4;
/// DNS over DTLS (RFC 8094 §3.1).
const DNS_PORT: u16 = 853;

impl Dissector for Dtls {
    fn name(&self) -> &'static str {
        "dtls"
    }

    fn rule(&self) -> &'static str {
        "a record header with a known version"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let fits = is_dtls(seen.first().0) || is_dtls(seen.second());
        if fits { Probe::Yes } else { Probe::No }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        Box::new(Handshake {
            dns_port: flow.service_port() == Some(DNS_PORT),
            sides: Default::default(),
            client_said: false,
            asked: None,
            certificate_said: false,
            encrypted: [false; 2],
            datagrams: 0,
        })
    }
}

/// Records whose lengths fill the datagram, or which the capture has cut behind the first's header.
/// A hello says itself that it is one; of encrypted records two bytes of version, a small epoch and
/// the length must fit.
pub(super) fn is_dtls(datagram: &[u8]) -> bool {
    let mut reader = Reader::new(datagram);
    let Some(first) = Record::read(&mut reader) else {
        return false;
    };
    let begins = first.kind == HANDSHAKE && first.epoch == 0 && {
        let piece = Piece::read(&mut Reader::new(first.body));
        piece.is_some_and(|piece| matches!(piece.kind, 0..=HELLO_VERIFY_REQUEST | CERTIFICATE))
    };
    while !reader.is_empty() {
        if Record::read(&mut reader).is_none() {
            return false;
        }
    }
    begins || first.epoch <= EPOCH_MAX && first.body.len() >= ENCRYPTED_BYTES_MIN
}

/// Keys are rarely made anew.
const EPOCH_MAX: u16 = 16;
/// An explicit nonce or an authentication tag at least (RFC 5288 §3, RFC 6655 §3).
const ENCRYPTED_BYTES_MIN: usize = 8;

/// RFC 6347 §4.1.
struct Record<'a> {
    kind: u8,
    epoch: u16,
    body: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Record<'a>> {
        let kind =
            reader.u8().filter(|kind| matches!(kind, CHANGE_CIPHER_SPEC..=APPLICATION_DATA))?;
        // 0x0100 is OpenSSL's before there was an RFC.
        reader.u16().filter(|version| matches!(version, 0xfefc..=0xfeff | 0x0100))?;
        let epoch = reader.u16()?;
        reader.skip(6)?;
        let length = reader.u16()?;
        let body = reader.take(usize::from(length))?;
        (!body.is_empty()).then_some(Record { kind, epoch, body })
    }
}

/// A piece of a handshake message (RFC 6347 §4.2.2).
struct Piece<'a> {
    kind: u8,
    length: usize,
    sequence: u16,
    offset: usize,
    data: &'a [u8],
}

impl<'a> Piece<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Piece<'a>> {
        let kind = reader.u8()?;
        let length = reader.u24()? as usize;
        let sequence = reader.u16()?;
        let offset = reader.u24()? as usize;
        let count = reader.u24()? as usize;
        let data = reader.take(count)?;
        (offset + count <= length).then_some(Piece { kind, length, sequence, offset, data })
    }
}

struct Handshake {
    dns_port: bool,
    sides: [Vec<Message>; 2],
    client_said: bool,
    asked: Option<Box<[u8]>>,
    certificate_said: bool,
    encrypted: [bool; 2],
    datagrams: u32,
}

/// A message that is not whole yet.
struct Message {
    kind: u8,
    sequence: u16,
    length: usize,
    pieces: Pieces,
}

impl Session for Handshake {
    fn held_bytes(&self) -> usize {
        let messages = self.sides.iter().flatten();
        messages.map(|message| message.pieces.held_bytes() + size_of::<Message>()).sum()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        self.datagrams += 1;
        let mut reader = Reader::new(segment.data);
        while let Some(record) = Record::read(&mut reader) {
            match (record.kind, record.epoch) {
                (HANDSHAKE, 0) => self.handshake(segment, record.body, say),
                (ALERT, 0) => alert(record.body, segment.frame, say),
                (CHANGE_CIPHER_SPEC, _) => {}
                _ => self.encrypted[segment.side.index()] = true,
            }
        }
        let done = self.encrypted == [true; 2] || self.datagrams >= DATAGRAMS_MAX;
        if done { Next::Done } else { Next::More }
    }
}

fn alert(body: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    if let [1 | 2, number] = *body
        && let Some(name) = cipher::alert(number)
    {
        say(Fact { what: What::Note, name: "tls.alert", value: name.as_bytes(), frame });
    }
}

impl Handshake {
    fn handshake(&mut self, segment: &Segment<'_>, body: &[u8], say: &mut dyn FnMut(Fact<'_>)) {
        let side = segment.side;
        let mut reader = Reader::new(body);
        while let Some(piece) = Piece::read(&mut reader) {
            let wanted = match piece.kind {
                CLIENT_HELLO => !self.client_said,
                CERTIFICATE => !self.certificate_said,
                kind => kind == SERVER_HELLO,
            };
            if !wanted {
                continue;
            }
            if piece.data.len() == piece.length {
                self.message(piece.kind, piece.data, segment, say);
                continue;
            }
            let messages = &mut self.sides[side.index()];
            let same = |message: &Message| {
                (message.kind, message.sequence, message.length)
                    == (piece.kind, piece.sequence, piece.length)
            };
            let at = messages.iter().position(same).unwrap_or_else(|| {
                // The oldest has had its time.
                if messages.len() == MESSAGES_MAX {
                    messages.remove(0);
                }
                let Piece { kind, sequence, length, .. } = piece;
                messages.push(Message { kind, sequence, length, pieces: Pieces::default() });
                messages.len() - 1
            });
            messages[at].pieces.put(piece.offset, piece.data);
            if messages[at].pieces.beginning().len() >= piece.length {
                let whole = messages.remove(at);
                self.message(piece.kind, &whole.pieces.beginning()[..piece.length], segment, say);
            }
        }
    }

    fn message(
        &mut self,
        kind: u8,
        body: &[u8],
        segment: &Segment<'_>,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        let frame = segment.frame;
        match kind {
            // The one that comes back with the cookie offers the same.
            CLIENT_HELLO => {
                let Some(hello) = ClientHello::read(body, Carrier::Datagrams) else {
                    return;
                };
                self.client_said = true;
                self.asked = hello.server_name.map(Into::into);
                hello.say(Carrier::Datagrams, frame, say);
                if self.dns_port {
                    let what = What::DnsOver("dtls");
                    say(Fact { what, name: "tls.dns", value: b"port 853", frame });
                }
            }
            SERVER_HELLO => {
                if let Some(hello) = ServerHello::read(body).filter(|hello| !hello.retry) {
                    hello.say(frame, say);
                }
            }
            _ => {
                self.certificate_said = true;
                let asked = Asked { frame, time: segment.time, name: self.asked.as_deref() };
                certificate::say(body, &asked, say);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::hello::tests as hello;
    use super::super::testing::{Said, converse, converse_datagrams, flow};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    fn record(kind: u8, epoch: u8, number: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16).to_be_bytes();
        let head = [kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, number];
        [&head[..], &length, body].concat()
    }

    /// A record with bytes `from..to` of a message.
    fn piece(kind: u8, sequence: u8, message: &[u8], from: usize, to: usize) -> Vec<u8> {
        let three = |n: usize| [0, (n >> 8) as u8, n as u8];
        let head = [&[kind][..], &three(message.len()), &[0, sequence]].concat();
        let body = [&head[..], &three(from), &three(to - from), &message[from..to]].concat();
        record(HANDSHAKE, 0, sequence, &body)
    }

    fn client(cookie: &[u8]) -> Vec<u8> {
        hello::client_hello(&[0xc0ae], Some(cookie), &hello::server_name(b"coap.example"))
    }

    fn server() -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([9; 32]);
        body.extend([0, 0xc0, 0xae, 0]);
        body
    }

    fn value<'a>(said: &'a [Said], name: &str) -> Option<&'a [u8]> {
        said.iter().find(|said| said.name == name).map(|said| &said.value[..])
    }

    #[test]
    fn hellos_whole_and_in_pieces_with_a_cookie() {
        let (first, second) = (client(b""), client(b"cookie"));
        let whole = piece(1, 0, &first, 0, first.len());
        let verify = piece(3, 0, &[0xfe, 0xff, 2, 1, 2], 0, 5);
        let again = piece(1, 1, &second, 0, second.len());
        let answer = piece(2, 1, &server(), 0, 38);
        let head = piece(1, 0, &first, 0, 40);
        let tail = piece(1, 0, &first, 30, first.len());
        let asked = [
            (Side::Low, &whole[..]),
            (Side::High, &verify),
            (Side::Low, &again),
            (Side::High, &answer),
        ];
        let cut = [(Side::Low, &head[..]), (Side::Low, &tail), (Side::High, &answer)];
        for pieces in [&asked[..], &cut] {
            let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5684), pieces);
            assert_eq!((label.protocol, label.content), ("dtls", Content::Encrypted));
            assert_eq!(value(&said, "tls.sni"), Some(&b"coap.example"[..]));
            assert_eq!(value(&said, "tls.version"), Some(&b"DTLS 1.2"[..]));
            assert_eq!(
                value(&said, "tls.cipher"),
                Some(&b"TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"[..])
            );
            assert!(value(&said, "tls.ja4").is_some_and(|ja4| ja4.starts_with(b"dd2d010100_")));
        }
    }

    #[test]
    fn a_running_connection_is_known_by_its_records() {
        let records = [record(23, 1, 7, &[5; 40]), record(23, 1, 8, &[6; 30])].concat();
        let (label, said) = converse(&flow(UDP, 50_000, 9999), true, &[(Side::Low, &records)]);
        assert_eq!((label.protocol, said.len()), ("dtls", 0));
    }

    #[test]
    fn near_misses_are_not_dtls() {
        let good = record(23, 1, 7, &[5; 40]);
        let mut version = good.clone();
        version[2] = 0xf0;
        let longer = [&good[..], &[1]].concat();
        for bytes in [&version[..], &good[..good.len() - 1], &longer, b"\x16\xfe\xfd"] {
            let (label, _) = converse(&flow(UDP, 50_000, 9999), true, &[(Side::Low, bytes)]);
            assert_eq!(label.protocol, "unknown");
        }
    }
}
