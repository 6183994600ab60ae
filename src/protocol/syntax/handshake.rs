//! The handshake of TLS (RFC 5246, RFC 8446) over a stream, for flows of its own and for those that
//! come to it by a command.
//!
//! Bounds: at most 64 KiB a side are put together.

use super::super::{Common, Fact, Next, Session, VALUE_BYTES_MAX, Weakness, What};
use super::certificate::{self, Asked, Certificate};
use super::cipher;
use super::hello::{self, Carrier, ClientHello, ServerHello};
use super::known::Known;
use super::preamble::Begun;
use crate::base::bytes::Reader;
use crate::flow::{Segment, Side};
use std::sync::Arc;

/// Kinds of records (RFC 8446 §5.1).
pub const CHANGE_CIPHER_SPEC: u8 = 20;
/// An alert.
pub const ALERT: u8 = 21;
/// Handshake messages.
pub const HANDSHAKE: u8 = 22;
/// What is encrypted.
pub const APPLICATION_DATA: u8 = 23;

/// Kinds of handshake messages (RFC 8446 §4).
pub const CLIENT_HELLO: u8 = 1;
/// The server's answer.
pub const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// The application protocol of DNS over TLS (IANA registry of ALPN identifiers).
const DNS_ALPN: &[u8] = b"dot";

/// A session that is fed the records of both sides.
#[derive(Default)]
pub struct Handshake {
    sides: [Half; 2],
    /// The flow goes to the port for names, and nothing was said of it yet.
    dns_port: bool,
    /// The first hello is the one that counts: one after a retry (RFC 8446 §4.1.4) offers less.
    client_hello_seen: bool,
    begun: bool,
    /// Who sent the first hello, and the name asked for in it.
    client: Option<Side>,
    asked: Option<Box<[u8]>>,
    certificate_seen: bool,
    /// The server chose a key that both sides know.
    shared_key: bool,
    /// What is wrong with the server's certificate, until the client goes on in spite of it.
    problems: String,
    /// What other flows showed.
    known: Option<Arc<Known>>,
    /// What was said before, where it was another protocol; bytes of it still to come, by side.
    before: Option<Begun>,
}

#[derive(Default)]
struct Half {
    /// Bytes of a record header or handshake message that is not whole yet.
    record: Vec<u8>,
    message: Vec<u8>,
    encrypted: bool,
    /// Encrypted, but it is still waited for data.
    awaited: bool,
    total: usize,
}

impl Session for Handshake {
    fn held_bytes(&self) -> usize {
        self.sides.iter().map(|half| half.record.capacity() + half.message.capacity()).sum()
    }

    fn join(&mut self, common: &Common) {
        self.known = Some(common.known.clone());
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let data = match &mut self.before {
            Some(before) => before.pass(segment.side, segment.data),
            None => segment.data,
        };
        if data.is_empty() && !segment.data.is_empty() {
            return Next::More;
        }
        let segment = &Segment { data, ..*segment };
        let half = &mut self.sides[segment.side.index()];
        half.total += segment.data.len();
        if segment.gap > 0 || half.total > VALUE_BYTES_MAX {
            // The other side may still have something to say.
            half.encrypted = true;
        }
        // Mostly a segment ends with a record, and nothing is copied.
        let mut kept = std::mem::take(&mut half.record);
        let bytes = joined(&mut kept, segment.data);
        let Some(old) = self.old_hello(bytes, (segment.side, segment.frame), say) else {
            keep(&mut kept, segment.data, 0);
            self.sides[segment.side.index()].record = kept;
            return Next::More;
        };
        let mut reader = Reader::new(&bytes[old..]);
        let mut whole = 0;
        while !self.sides[segment.side.index()].encrypted {
            let Some((kind, fragment)) = record(&mut reader) else {
                break;
            };
            whole = reader.position();
            let half = &mut self.sides[segment.side.index()];
            match kind {
                HANDSHAKE if half.awaited => {}
                HANDSHAKE => self.handshake(segment, fragment, say),
                ALERT if !half.awaited => alert(fragment, segment.frame, say),
                CHANGE_CIPHER_SPEC
                    if self.client == Some(segment.side) && !self.problems.is_empty() =>
                {
                    half.awaited = true;
                }
                _ => {
                    half.encrypted = true;
                    if kind == APPLICATION_DATA && half.awaited {
                        self.accepted(segment.frame, say);
                    }
                }
            }
        }
        let half = &mut self.sides[segment.side.index()];
        if !half.encrypted {
            keep(&mut kept, segment.data, old + whole);
            half.record = kept;
        }
        if self.sides.iter().all(|half| half.encrypted) { Next::Done } else { Next::More }
    }
}

/// What was kept and what came now, in one piece.
fn joined<'a>(kept: &'a mut Vec<u8>, data: &'a [u8]) -> &'a [u8] {
    if kept.is_empty() {
        return data;
    }
    kept.extend_from_slice(data);
    kept
}

/// Keeps what is left of the same behind its first `whole` bytes.
fn keep(kept: &mut Vec<u8>, data: &[u8], whole: usize) {
    if kept.is_empty() {
        kept.extend_from_slice(&data[whole..]);
    } else {
        kept.drain(..whole);
    }
}

fn record<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let kind = reader.u8()?;
    let _version = reader.u16()?;
    let length = reader.u16()?;
    Some((kind, reader.take(usize::from(length))?))
}

impl Handshake {
    /// Of a flow that is TLS from its start; with `dns_port`, one to the port for names.
    #[must_use]
    pub fn new(dns_port: bool) -> Handshake {
        Handshake { dns_port, ..Handshake::default() }
    }

    /// Of a flow that was something else before.
    #[must_use]
    pub fn behind(before: Begun) -> Handshake {
        Handshake { before: Some(before), ..Handshake::default() }
    }

    /// Length of a hello in the form of SSL 2.0 at the very front; `None` while it is not whole.
    fn old_hello(
        &mut self,
        bytes: &[u8],
        (side, frame): (Side, u64),
        say: &mut dyn FnMut(Fact<'_>),
    ) -> Option<usize> {
        let mut whole = 0;
        if !self.begun
            && let [high @ 0x80..=0x81, rest @ ..] = bytes
        {
            let length = rest.first().map(|low| usize::from(high & 1) << 8 | usize::from(*low));
            let body = length.and_then(|length| bytes.get(2..2 + length))?;
            if let Some(hello) = ClientHello::read_old(body) {
                self.client_hello_seen = true;
                self.client = Some(side);
                hello.say(Carrier::Tcp, frame, self.known.as_deref(), say);
            }
            whole = 2 + body.len();
        }
        self.begun = true;
        Some(whole)
    }

    fn client_hello(
        &mut self,
        body: &[u8],
        (side, frame): (Side, u64),
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        if std::mem::replace(&mut self.client_hello_seen, true) {
            return;
        }
        let Some(hello) = ClientHello::read(body, Carrier::Tcp) else {
            return;
        };
        hello.say(Carrier::Tcp, frame, self.known.as_deref(), say);
        if let Some(before) = &self.before {
            before.say(frame, say);
        }
        self.client = Some(side);
        self.asked = hello.server_name.map(Into::into);
        let what = What::DnsOver("tls");
        if hello.alpn.contains(&DNS_ALPN) {
            say(Fact { what, name: "tls.dns", value: b"application protocol dot", frame });
        } else if self.dns_port {
            say(Fact { what, name: "tls.dns", value: b"port 853", frame });
        }
    }

    fn handshake(&mut self, segment: &Segment<'_>, fragment: &[u8], say: &mut dyn FnMut(Fact<'_>)) {
        let side = segment.side.index();
        let mut kept = std::mem::take(&mut self.sides[side].message);
        let mut reader = Reader::new(joined(&mut kept, fragment));
        let mut whole = 0;
        while let Some((kind, body)) = handshake_message(&mut reader) {
            whole = reader.position();
            match kind {
                CLIENT_HELLO => self.client_hello(body, (segment.side, segment.frame), say),
                SERVER_HELLO => {
                    if let Some(hello) = ServerHello::read(body) {
                        hello.say(segment.frame, say);
                        self.shared_key = cipher::is_pre_shared(hello.cipher);
                        // From here on TLS 1.3 is encrypted, both ways.
                        if hello.version >= 0x0304 {
                            self.sides.iter_mut().for_each(|half| half.encrypted = true);
                        }
                    }
                }
                CERTIFICATE => self.certificate(segment, body, say),
                CLIENT_KEY_EXCHANGE if self.shared_key && self.client == Some(segment.side) => {
                    hello::say_key_name(body, segment.frame, say);
                }
                SERVER_HELLO_DONE => self.sides[side].encrypted = true,
                _ => {}
            }
        }
        keep(&mut kept, fragment, whole);
        self.sides[side].message = kept;
    }

    /// The client's own certificate names no server, but tells it from others.
    fn certificate(&mut self, segment: &Segment<'_>, body: &[u8], say: &mut dyn FnMut(Fact<'_>)) {
        if self.client == Some(segment.side) {
            certificate::say_print(body, segment.frame, say);
            return;
        }
        if std::mem::replace(&mut self.certificate_seen, true) {
            return;
        }
        let (frame, time) = (segment.frame, segment.time);
        let asked = Asked { frame, time, name: self.asked.as_deref() };
        let read = certificate::first(body).and_then(|der| match &self.known {
            Some(known) => known.certificate(der),
            None => Certificate::read(der).map(Arc::new),
        });
        self.problems = read.map(|read| read.say(&asked, say)).unwrap_or_default();
    }

    fn accepted(&mut self, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        let problems = std::mem::take(&mut self.problems);
        let what = What::Weak(Weakness::CertificateAccepted);
        say(Fact { what, name: "tls.certificate_accepted", value: problems.as_bytes(), frame });
    }
}

/// What ended or hindered the handshake (RFC 8446 §6); an encrypted alert is longer.
fn alert(fragment: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    if let [1 | 2, number] = *fragment
        && let Some(name) = cipher::alert(number)
    {
        say(Fact { what: What::Note, name: "tls.alert", value: name.as_bytes(), frame });
    }
}

fn handshake_message<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let kind = reader.u8()?;
    let length = reader.u24()?;
    Some((kind, reader.take(length as usize)?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::CLIENT_HELLO;

    /// A handshake message in a record.
    pub fn record_of(kind: u8, message: &[u8]) -> Vec<u8> {
        let length = (message.len() as u32).to_be_bytes();
        let message = [&[kind][..], &length[1..], message].concat();
        [&[22, 3, 1][..], &(message.len() as u16).to_be_bytes(), &message].concat()
    }

    /// A ClientHello for `name` with `padding` bytes of padding extension (RFC 7685).
    pub fn hello(name: &[u8], padding: usize) -> Vec<u8> {
        let short = |n: usize| (n as u16).to_be_bytes();
        let mut extensions = [0, 0].to_vec();
        extensions.extend(short(name.len() + 5));
        extensions.extend(short(name.len() + 3));
        extensions.push(0);
        extensions.extend(short(name.len()));
        extensions.extend(name);
        extensions.extend([0, 21]);
        extensions.extend(short(padding));
        extensions.extend(vec![0; padding]);
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend(short(extensions.len()));
        body.extend(extensions);
        record_of(CLIENT_HELLO, &body)
    }
}
