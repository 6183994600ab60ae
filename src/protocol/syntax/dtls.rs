//! Records and handshakes of DTLS, for flows of its own and for those that it shares with STUN.
//!
//! Bounds: four unfinished messages a side of 32 KiB each, the first 256 datagrams.

use super::super::{Fact, Next, Session, What};
use super::certificate::{self, Asked, Certificate};
use super::cipher;
use super::hello::{self, Carrier, ClientHello, ServerHello};
use super::pieces::Pieces;
use crate::base::bytes::Reader;
use crate::flow::{Flow, Segment};

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
const CERTIFICATE: u8 = 11;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// Datagrams looked at; a handshake takes about a dozen, more when they are lost.
const DATAGRAMS_MAX: u32 = 256;
/// Messages of one side that are put together at a time.
const MESSAGES_MAX: usize = 4;
/// DNS over DTLS (RFC 8094 §3.1).
const DNS_PORT: u16 = 853;

/// A session that is fed the datagrams of a flow.
pub fn session(flow: &Flow) -> Box<dyn Session> {
    Box::new(Handshake {
        dns_port: flow.service_port() == Some(DNS_PORT),
        sides: Default::default(),
        client_said: false,
        asked: None,
        certificate_said: false,
        shared_key: false,
        encrypted: [false; 2],
        datagrams: 0,
    })
}

/// Records whose lengths fill the datagram, or which the capture has cut behind the first's header.
/// A hello says itself that it is one; of encrypted records two bytes of version, a small epoch and
/// the length must fit.
pub fn is_dtls(datagram: &[u8]) -> bool {
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
    /// The server took a cipher suite with keys that both had before.
    shared_key: bool,
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
                CLIENT_KEY_EXCHANGE => self.shared_key,
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
                hello.say(Carrier::Datagrams, frame, None, say);
                if self.dns_port {
                    let what = What::DnsOver("dtls");
                    say(Fact { what, name: "tls.dns", value: b"port 853", frame });
                }
            }
            SERVER_HELLO => {
                if let Some(hello) = ServerHello::read(body).filter(|hello| !hello.retry) {
                    hello.say(frame, say);
                    self.shared_key = cipher::is_pre_shared(hello.cipher);
                }
            }
            CLIENT_KEY_EXCHANGE => {
                self.shared_key = false;
                hello::say_key_name(body, frame, say);
            }
            _ => {
                self.certificate_said = true;
                let asked = Asked { frame, time: segment.time, name: self.asked.as_deref() };
                if let Some(certificate) = certificate::first(body).and_then(Certificate::read) {
                    certificate.say(&asked, say);
                }
            }
        }
    }
}
