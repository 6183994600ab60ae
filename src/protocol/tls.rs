//! TLS (RFC 5246, RFC 8446): what both sides say before encryption begins: both hellos, alerts
//! and, up to TLS 1.2, the server's certificate. Handshake messages may span records and segments;
//! at most 64 KiB a side is put together. On port 853, or where both sides settle on `dot`, it is
//! DNS over TLS (RFC 7858).

use super::syntax::certificate::{self, Asked};
use super::syntax::cipher;
use super::syntax::hello::{self, Carrier, ClientHello, ServerHello};
use super::{
    Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, VALUE_BYTES_MAX, Weakness, What,
};
use crate::base::bytes::Reader;
use crate::flow::{Flow, Segment, Side};

/// TLS over TCP on any port.
pub struct Tls;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// DNS over TLS (RFC 7858 §3.1).
const DNS_PORT: u16 = 853;
/// The application protocol that says so (IANA registry of ALPN identifiers).
const DNS_ALPN: &[u8] = b"dot";

impl Dissector for Tls {
    fn name(&self) -> &'static str {
        "tls"
    }

    fn rule(&self) -> &'static str {
        "a record header with a hello"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        match (looks_like_record(seen.first().0), looks_like_record(seen.second())) {
            (Probe::Yes, _) | (_, Probe::Yes) => Probe::Yes,
            (Probe::More, _) => Probe::More,
            _ if is_client_hello(seen.newest()) => Probe::FromHere,
            _ if may_begin_later(seen) => Probe::More,
            _ => Probe::No,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        let dns_port = flow.service_port() == Some(DNS_PORT);
        Box::new(Handshake { dns_port, ..Handshake::default() })
    }
}

/// The longest conversation in text, or with a SOCKS proxy, after which TLS is still waited for,
/// bytes a side (RFC 2595, RFC 3207: a greeting and a few commands; RFC 1928).
const PREAMBLE_BYTES_MAX: usize = 2048;

/// Mail and other servers begin in text and change to TLS on a command, proxies after a request;
/// likewise directories, databases and remote desktops, whose commands are not text.
fn may_begin_later(seen: &Prefix<'_>) -> bool {
    let (first, _) = seen.first();
    let text =
        |bytes: &[u8]| bytes.iter().all(|b| matches!(b, b'\r' | b'\n' | b'\t' | 0x20..=0x7e));
    let proxied = matches!(first, [4, 1, ..] | [5, 1..=8, ..]);
    let short = |bytes: &[u8]| bytes.len() <= PREAMBLE_BYTES_MAX;
    let binary = match first {
        // LDAP (RFC 4511 §4.14), PostgreSQL's request for encryption, TPKT (RFC 1006) of RDP, and
        // what a MySQL server greets with.
        [0x30, 12..=100, 2, 1, ..] | [0, 0, 0, 8, 4, 210, 22, 47, ..] | [3, 0, 0, ..=64, ..] => {
            true
        }
        [_, 0, 0, 0, 10, ..] => true,
        _ => false,
    };
    short(first)
        && short(seen.second())
        && (proxied || binary || text(first) && text(seen.second()))
}

/// A whole record header with a ClientHello behind it whose lengths agree.
fn is_client_hello(bytes: &[u8]) -> bool {
    let [HANDSHAKE, 3, 0..=4, high, low, CLIENT_HELLO, 0, a, b, 3, 0..=4, ..] = *bytes else {
        return false;
    };
    u16::from_be_bytes([a, b]).checked_add(4).is_some_and(|n| n <= u16::from_be_bytes([high, low]))
}

/// A handshake record that begins with a hello, or an old hello in SSL 2.0 form, or midstream
/// records whose lengths follow each other.
fn looks_like_record(bytes: &[u8]) -> Probe {
    if let [0x80..=0x81, _, CLIENT_HELLO, 3, 0..=3, ..] = bytes {
        // RFC 5246 appendix E.2: a hello that old servers understand too.
        return Probe::Yes;
    }
    let expected: [&dyn Fn(u8) -> bool; 6] =
        [&|b| b == HANDSHAKE, &|b| b == 3, &|b| b <= 4, &|b| b <= 0x40, &|_| true, &|b| {
            b == CLIENT_HELLO || b == SERVER_HELLO
        }];
    for (index, fits) in expected.iter().enumerate() {
        match bytes.get(index) {
            Some(&byte) if fits(byte) => {}
            Some(_) => return looks_like_midstream(bytes),
            None => return Probe::More,
        }
    }
    Probe::Yes
}

/// Encrypted records of a connection whose beginning the capture does not hold: two whole headers
/// must fit.
fn looks_like_midstream(bytes: &[u8]) -> Probe {
    let record = |at: usize| -> Option<usize> {
        let header = bytes.get(at..at + 5)?;
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let fits = matches!(header[0], CHANGE_CIPHER_SPEC..=APPLICATION_DATA)
            && header[1] == 3
            && (1..=4).contains(&header[2])
            && (1..=16_384 + 2048).contains(&length);
        fits.then_some(at + 5 + length)
    };
    match bytes {
        [CHANGE_CIPHER_SPEC..=APPLICATION_DATA, 3, 1..=4, ..] => match record(0) {
            Some(next) if bytes.len() >= next + 5 => {
                if record(next).is_some() {
                    Probe::Yes
                } else {
                    Probe::No
                }
            }
            Some(next) if bytes.len() == next && may_stand_alone(bytes) => Probe::Yes,
            Some(_) => Probe::More,
            None if bytes.len() < 5 => Probe::More,
            None => Probe::No,
        },
        _ => Probe::No,
    }
}

/// A record that the last or only segment of a connection may consist of: data, or the alert that
/// ends it, encrypted or readable (RFC 8446 §6).
fn may_stand_alone(record: &[u8]) -> bool {
    match record {
        [APPLICATION_DATA, ..] => true,
        [ALERT, _, _, 0, 2, level, _] => matches!(level, 1 | 2),
        [ALERT, ..] => (ALERT_BYTES_MIN..=ALERT_BYTES_MAX).contains(&record.len()),
        _ => false,
    }
}

/// An encrypted alert with its header: two bytes and an authentication tag of 16 at least (RFC 8446
/// §5.2; RFC 5246 §6.2.3 with the MAC of the oldest ciphers), padding of 256 at most.
const ALERT_BYTES_MIN: usize = 5 + 2 + 16;
const ALERT_BYTES_MAX: usize = 5 + 2 + 64 + 256;

#[derive(Default)]
struct Handshake {
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
    /// The server took a cipher suite with keys that both had before.
    shared_key: bool,
    /// What is wrong with the server's certificate, until the client goes on in spite of it.
    problems: String,
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

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let half = &mut self.sides[segment.side.index()];
        half.total += segment.data.len();
        if segment.gap > 0 || half.total > VALUE_BYTES_MAX {
            // The other side may still have something to say.
            half.encrypted = true;
        }
        let mut buffer = std::mem::take(&mut half.record);
        buffer.extend_from_slice(segment.data);
        if !self.begun && !self.old_hello(&mut buffer, (segment.side, segment.frame), say) {
            self.sides[segment.side.index()].record = buffer;
            return Next::More;
        }
        let mut reader = Reader::new(&buffer);
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
            buffer.drain(..whole);
            half.record = buffer;
        }
        if self.sides.iter().all(|half| half.encrypted) { Next::Done } else { Next::More }
    }
}

fn record<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let kind = reader.u8()?;
    let _version = reader.u16()?;
    let length = reader.u16()?;
    Some((kind, reader.take(usize::from(length))?))
}

impl Handshake {
    /// Takes a hello in the form of SSL 2.0 off the front; false while it is not whole.
    fn old_hello(
        &mut self,
        buffer: &mut Vec<u8>,
        (side, frame): (Side, u64),
        say: &mut dyn FnMut(Fact<'_>),
    ) -> bool {
        if let [high @ 0x80..=0x81, rest @ ..] = &buffer[..] {
            let length = rest.first().map(|low| usize::from(high & 1) << 8 | usize::from(*low));
            let Some(body) = length.and_then(|length| buffer.get(2..2 + length)) else {
                return false;
            };
            if let Some(hello) = ClientHello::read_old(body) {
                self.client_hello_seen = true;
                self.client = Some(side);
                hello.say(Carrier::Tcp, frame, say);
            }
            let whole = 2 + body.len();
            buffer.drain(..whole);
        }
        self.begun = true;
        true
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
        hello.say(Carrier::Tcp, frame, say);
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
        let mut message = std::mem::take(&mut self.sides[side].message);
        message.extend_from_slice(fragment);
        let mut reader = Reader::new(&message);
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
                CLIENT_KEY_EXCHANGE if self.shared_key => {
                    hello::say_key_name(body, segment.frame, say);
                }
                SERVER_HELLO_DONE => self.sides[side].encrypted = true,
                _ => {}
            }
        }
        message.drain(..whole);
        self.sides[side].message = message;
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
        self.problems = certificate::say(body, &asked, say);
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
    use super::super::testing::{Said, converse_anywhere, converse_tcp, flow};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    fn record_of(kind: u8, message: &[u8]) -> Vec<u8> {
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

    fn answer(version: [u8; 2], extensions: &[u8]) -> Vec<u8> {
        let mut body = version.to_vec();
        body.extend([9; 32]);
        body.extend([0, 0x13, 0x01, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        record_of(SERVER_HELLO, &body)
    }

    #[test]
    fn names_the_server_and_the_version() {
        let hello = hello(b"api.example", 3000);
        let new = answer([3, 3], &[0, 43, 0, 2, 3, 4]);
        let (label, said) =
            converse_anywhere(&flow(TCP, 40_000, 8443), &[(Side::Low, &hello), (Side::High, &new)]);
        assert_eq!((label.protocol, label.content), ("tls", Content::Encrypted));
        assert_eq!(said[0].value, b"api.example");
        assert_eq!(value(&said, "tls.version"), b"TLS 1.3");
        let old = answer([3, 1], &[]);
        let (_, said) =
            converse_anywhere(&flow(TCP, 40_000, 443), &[(Side::Low, &hello), (Side::High, &old)]);
        assert_eq!(value(&said, "tls.version"), b"TLS 1.0");
        assert!(said.iter().any(|said| said.what == What::Encryption { deprecated: true }));
    }

    fn value<'a>(said: &'a [Said], name: &str) -> &'a [u8] {
        said.iter().find(|said| said.name == name).map_or(b"", |said| &said.value)
    }

    /// The hello of `openssl s_client -ssl2` of old: SSL 2.0 form, offering TLS 1.0.
    #[test]
    fn an_old_hello_has_a_fingerprint_too() {
        let mut hello = vec![0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16];
        hello.extend([0, 0, 0x2f, 7, 0, 0xc0]);
        hello.extend([5; 16]);
        let answer = answer([3, 1], &[]);
        let pieces: [(Side, &[u8]); 2] = [(Side::Low, &hello), (Side::High, &answer)];
        let (_, said) = converse_tcp(&flow(TCP, 40_000, 443), &pieces);
        assert_eq!(value(&said, "tls.ja4"), b"t10i010000_ba72b8082249_000000000000");
        assert_eq!(value(&said, "tls.version"), b"TLS 1.0");
    }

    #[test]
    fn names_asked_for_inside_and_alerts() {
        let hello = hello(b"dns.example", 10);
        let alert = [21, 3, 3, 0, 2, 2, 40];
        let pieces: [(Side, &[u8]); 2] = [(Side::Low, &hello), (Side::High, &alert)];
        let (label, said) = converse_tcp(&flow(TCP, 40_000, 853), &pieces);
        assert_eq!(label.protocol, "tls");
        assert_eq!(value(&said, "tls.alert"), b"handshake_failure");
        assert!(said.iter().any(|said| said.what == What::DnsOver("tls")));
        let (_, said) = converse_tcp(&flow(TCP, 40_000, 443), &pieces);
        assert!(said.iter().all(|said| said.what != What::DnsOver("tls")));
    }

    #[test]
    fn begins_late_after_a_command_or_a_proxy() {
        let hello = hello(b"mail.example", 10);
        let mail: [(Side, &[u8]); 4] = [
            (Side::High, b"* OK ready\r\n"),
            (Side::Low, b"a STARTTLS\r\n"),
            (Side::High, b"a OK\r\n"),
            (Side::Low, &hello),
        ];
        let proxy: [(Side, &[u8]); 3] =
            [(Side::Low, &[5, 1, 0]), (Side::High, &[5, 0]), (Side::Low, &hello)];
        for conversation in [&mail[..], &proxy[..]] {
            let (label, said) =
                super::super::testing::converse(&flow(TCP, 40_000, 4143), false, conversation);
            assert_eq!(label.protocol, "tls");
            assert_eq!(said[0].value, b"mail.example");
        }
    }

    #[test]
    fn the_alert_that_ends_a_connection_will_do() {
        let encrypted = [&[21, 3, 3, 0, 26][..], &[9; 26]].concat();
        for alert in [&encrypted[..], &[21, 3, 1, 0, 2, 1, 0]] {
            let (label, _) = converse_tcp(&flow(TCP, 40_000, 44_321), &[(Side::Low, alert)]);
            assert_eq!((label.protocol, label.frame > 0), ("tls", true), "{alert:?}");
        }
        for other in [&encrypted[..30], &[21, 3, 1, 0, 2, 3, 0]] {
            let (label, _) = converse_tcp(&flow(TCP, 40_000, 44_321), &[(Side::Low, other)]);
            assert_eq!(label.frame, 0, "{other:?}");
        }
    }

    #[test]
    fn similar_bytes_are_not_tls() {
        for bytes in [&b"\x16\x03\x01\x00\x05\x09rest"[..], b"\x17\x03\x03\xff\xff..", b"\x16\x04"]
        {
            let (label, _) = converse_tcp(&flow(TCP, 40_000, 9999), &[(Side::Low, bytes)]);
            assert_eq!(label.protocol, "unknown", "{bytes:?}");
        }
    }
}
