//! DTLS 1.0 to 1.3 on any UDP port: the same hellos as in TLS, cut into pieces that fit datagrams,
//! and asked for a second time with a cookie.
//!
//! Documents: RFC 4347, RFC 6347, RFC 9147.
//! Bounds: those of `syntax/dtls.rs`.

use super::syntax::dtls::{self, is_dtls};
use super::syntax::handshake::{APPLICATION_DATA, CHANGE_CIPHER_SPEC};
use super::{Content, Dissector, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// DTLS.
pub struct Dtls;

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

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(CHANGE_CIPHER_SPEC, APPLICATION_DATA)]
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let fits = is_dtls(seen.first().0) || is_dtls(seen.second());
        if fits { Probe::Yes } else { Probe::No }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        dtls::session(flow)
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
        record(22, 0, sequence, &body)
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
    fn the_identity_of_a_shared_key_is_read_once() {
        let hello = hello::client_hello(&[0xc0a8], Some(b""), &[]);
        let ask = piece(1, 0, &hello, 0, hello.len());
        let mut body = vec![0xfe, 0xfd];
        body.extend([9; 32]);
        body.extend([0, 0xc0, 0xa8, 0]);
        let take = piece(2, 0, &body, 0, body.len());
        let key = piece(16, 1, b"\0\x08lamp-123", 0, 10);
        let pieces = [(Side::Low, &ask[..]), (Side::High, &take), (Side::Low, &key)];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5684), &pieces);
        assert_eq!(label.protocol, "dtls");
        assert_eq!(value(&said, "tls.psk_identity"), Some(&b"lamp-123"[..]));
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
