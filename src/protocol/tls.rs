//! TLS: what both sides say before encryption begins: both hellos, alerts and, up to TLS 1.2, the
//! server's certificate. Handshake messages may span records and segments; at most 64 KiB a side is
//! put together. On port 853, or where both sides settle on `dot`, it is DNS over TLS. What began
//! as something else, in text or with a proxy, is looked through for a hello
//! (`syntax/preamble.rs`).
//!
//! Documents: RFC 5246, RFC 8446; RFC 7858 (DNS over TLS); JA3 and JA4 as their authors publish
//! them.
//! Bounds: 64 KiB of handshake a side are put together.

use super::syntax::handshake::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, CLIENT_HELLO, HANDSHAKE, Handshake, SERVER_HELLO,
};
use super::syntax::preamble::{self, Begun};
use super::{Content, Dissector, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// TLS over TCP on any port.
pub struct Tls;

/// DNS over TLS (RFC 7858 §3.1).
const DNS_PORT: u16 = 853;

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
            _ => preamble::probe(seen),
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        Box::new(Handshake::new(flow.service_port() == Some(DNS_PORT)))
    }

    fn start_after(&self, flow: &Flow, seen: &Prefix<'_>) -> Box<dyn Session> {
        let at_once = [seen.first().0, seen.second()].map(looks_like_record).contains(&Probe::Yes);
        match Begun::of(seen).filter(|_| !at_once) {
            Some(before) => Box::new(Handshake::behind(before)),
            None => self.start(flow),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::super::syntax::handshake::tests::{hello, record_of};
    use super::super::testing::{Said, converse_anywhere, converse_tcp, flow};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::{TCP, What};

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

    /// As Tuya's modules begin, towards a server that takes `cipher`.
    fn shared_key(cipher: [u8; 2], identity: &[u8]) -> Vec<Said> {
        let mut ask = vec![3, 3];
        ask.extend([7; 32]);
        ask.extend([&[0, 0, 2][..], &cipher, &[1, 0]].concat());
        let mut take = vec![3, 3];
        take.extend([9; 32]);
        take.extend([&[0][..], &cipher, &[0]].concat());
        let key = [&[0, identity.len() as u8][..], identity].concat();
        let ask = record_of(CLIENT_HELLO, &ask);
        let take = [record_of(SERVER_HELLO, &take), record_of(14, &[])].concat();
        let go = [record_of(16, &key), vec![20, 3, 3, 0, 1, 1]].concat();
        let pieces: [(Side, &[u8]); 3] = [(Side::Low, &ask), (Side::High, &take), (Side::Low, &go)];
        converse_tcp(&flow(TCP, 40_000, 8886), &pieces).1
    }

    #[test]
    fn the_identity_of_a_shared_key_is_read() {
        let tuya = b"\x02BAohbmd6aG91IFR1\x01\x02\x03";
        let said = shared_key([0, 0xae], tuya);
        assert_eq!(value(&said, "tls.psk_identity"), tuya);
        let said = shared_key([0, 0xae], b"meter-17");
        assert_eq!(value(&said, "tls.psk_identity"), b"meter-17");
        // A key exchange of another kind has no identity.
        assert_eq!(value(&shared_key([0, 0x2f], tuya), "tls.psk_identity"), b"");
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
