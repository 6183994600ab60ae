//! Conversations, their near misses, and holes in them.

use super::*;
use crate::flow::Side;
use crate::protocol::testing::{Said, converse, converse_anywhere, converse_tcp, flow, segment};
use crate::protocol::{NameKind, TCP};

const LOGIN: &[u8] = b"POST /login?lang=en&pwd=12345 HTTP/1.1\r\nhost: Cam.example:8080\r\n\
    User-Agent: test/1\r\nAuthorization: Basic YWRtaW46c2VjcmV0\r\n\
    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 25\r\n\r\n\
    user=root&password=abcdef";
const SECOND: &[u8] = b"GET /a HTTP/1.1\r\nHost: other.example\r\n\r\n\
    GET /a HTTP/1.1\r\nHost: other.example\r\n\r\n";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nServer: cam/2\r\nTransfer-Encoding: chunked\r\n\r\n\
    5;x=y\r\nGET /\r\n0\r\nTrailer: 1\r\n\r\n";
const VIDEO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 3\r\n\r\nabc\
    HTTP/1.1 304 Not Modified\r\nServer: cam/3\r\nContent-Length: 9\r\n\r\n";

fn client() -> Flow {
    flow(TCP, 40_000, 8081)
}

fn values<'a>(said: &'a [Said], name: &str) -> Vec<&'a [u8]> {
    said.iter().filter(|said| said.name == name).map(|said| &said.value[..]).collect()
}

#[test]
fn a_conversation_says_hosts_products_and_secrets() {
    let pieces =
        [(Side::Low, LOGIN), (Side::High, CHUNKED), (Side::Low, SECOND), (Side::High, VIDEO)];
    let (label, said) = converse_anywhere(&client(), &pieces);
    assert_eq!((label.protocol, label.content), ("http", Content::Clear));
    assert_eq!(values(&said, "http.host"), [&b"Cam.example"[..], b"other.example"]);
    assert_eq!(values(&said, "http.request"), [&b"POST /login?lang&pwd"[..], b"GET /a"]);
    assert_eq!(values(&said, "http.user_agent"), [b"test/1"]);
    assert_eq!(values(&said, "http.server"), [b"cam/2", b"cam/3"]);
    assert_eq!(values(&said, "http.media"), [b"video/mp4"]);
    let secrets: Vec<_> = said
        .iter()
        .filter_map(|said| match said.what {
            What::Credential { kind, length } => Some((kind, length, &said.value[..])),
            _ => None,
        })
        .collect();
    let expected: [(&str, usize, &[u8]); 3] =
        [("http parameter", 5, b""), ("http basic", 6, b"admin"), ("http parameter", 6, b"root")];
    assert_eq!(secrets, expected);
    assert!(said.iter().all(|said| !said.value.windows(6).any(|w| w == b"secret")));
}

fn frame(kind: u8, flags: u8, content: &[u8]) -> Vec<u8> {
    let head = [0, 0, content.len() as u8, kind, flags, 0, 0, 0, 1];
    [&head[..], content].concat()
}

/// HEADERS with references into the static table and literals (RFC 7541 appendix A, §6.2).
fn ask_and_answer() -> [Vec<u8>; 2] {
    let ask = b"\x83\x86\x44\x0a/dns-query\x41\x0bcam.example\x7a\x06test/1";
    let answer = b"\x88\x76\x05cam/2\x5f\x09video/mp4";
    let settings = frame(4, 0, &[]);
    [[&settings[..], &frame(1, 4, ask)].concat(), [&settings[..], &frame(1, 4, answer)].concat()]
}

#[test]
fn http_2_by_prior_knowledge_and_by_upgrade() {
    let [ask, answer] = ask_and_answer();
    let ask = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &ask[..]].concat();
    let upgrade = b"GET / HTTP/1.1\r\nHost: cam.example\r\nUpgrade: h2c\r\n\r\n";
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n";
    let switched = [&switch[..], &answer].concat();
    let known: [(Side, &[u8]); 2] = [(Side::Low, &ask), (Side::High, &answer)];
    let asked: [(Side, &[u8]); 3] =
        [(Side::Low, upgrade), (Side::High, &switched), (Side::Low, &ask)];
    for pieces in [&known[..], &asked] {
        let (label, said) = converse_anywhere(&client(), pieces);
        assert_eq!(label.protocol, "http");
        assert_eq!(values(&said, "http.version"), [b"2"]);
        assert_eq!(values(&said, "http.host"), [b"cam.example"]);
        assert_eq!(values(&said, "http.user_agent"), [b"test/1"]);
        assert_eq!(values(&said, "http.server"), [b"cam/2"]);
        assert_eq!(values(&said, "http.media"), [b"video/mp4"]);
        assert!(said.iter().any(|said| said.what == What::DnsOver("http")));
    }
}

#[test]
fn pictures_and_sound_are_told_with_codec_size_and_rate() {
    use crate::protocol::syntax::moving::tests::{PICTURE, STREAM};
    let ask = b"GET /live.flv HTTP/1.1\r\nHost: cam.example\r\n\r\n";
    let head = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n").into_bytes();
    let chunk = |data: &[u8]| [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
    let length = format!("Content-Length: {}\r\n", STREAM.len());
    // Live streams end with the connection, or go in chunks; some servers do not know the type.
    let chunked = "Content-Type: video/x-flv\r\nTransfer-Encoding: chunked\r\n";
    for answer in [
        [head("Content-Type: video/x-flv\r\n"), STREAM.to_vec()].concat(),
        [head(chunked), chunk(&STREAM[..40]), chunk(&STREAM[40..])].concat(),
        [head(&length), STREAM.to_vec()].concat(),
        [head("Content-Type: application/octet-stream\r\n"), STREAM.to_vec()].concat(),
    ] {
        let pieces = [(Side::Low, &ask[..]), (Side::High, &answer)];
        let (label, said) = converse_anywhere(&client(), &pieces);
        assert_eq!((label.protocol, label.content), ("http", Content::Clear));
        assert_eq!(values(&said, "http.video"), [b"H.264 1280x720 25/s"]);
        assert_eq!(values(&said, "http.audio"), [b"AAC"]);
        let video = said.iter().find(|said| said.name == "http.video").unwrap();
        assert_eq!(video.what, What::Media);
    }
    let part = [b"--b\r\nContent-Type: image/jpeg\r\n\r\n", PICTURE, b"\r\n--b\r\n"].concat();
    let kind = "Content-Type: multipart/x-mixed-replace; boundary=b\r\n";
    let answer = [head(kind), part.clone()].concat();
    let (_, said) = converse_anywhere(&client(), &[(Side::Low, ask), (Side::High, &answer)]);
    assert_eq!(values(&said, "http.video"), [b"JPEG 640x480"]);
    assert_eq!(values(&said, "http.media"), [b"multipart/x-mixed-replace; boundary=b"]);
    let answer = [head("Content-Type: text/html\r\n"), STREAM.to_vec(), part].concat();
    let (_, said) = converse_anywhere(&client(), &[(Side::Low, ask), (Side::High, &answer)]);
    assert!(said.iter().all(|said| said.what != What::Media), "{said:?}");
}

#[test]
fn fields_cannot_write_lines_of_their_own() {
    let field = |name: &[u8], value: &[u8]| (name.to_vec(), value.to_vec());
    let fields = [
        field(b":path", b"/ HTTP/1.1\r\nHost: a"),
        field(b":method", b"GET"),
        field(b"x\r\nhost: b", b"c\r\nhost: d"),
    ];
    let head = as_head(&fields);
    assert_eq!(head.windows(2).filter(|pair| pair == b"\r\n").count(), 3);
}

#[test]
fn answers_alone_are_enough() {
    let (label, said) = converse_tcp(&client(), &[(Side::High, CHUNKED), (Side::High, VIDEO)]);
    assert_eq!(label.protocol, "http");
    assert_eq!(values(&said, "http.server"), [b"cam/2", b"cam/3"]);
}

#[test]
fn what_stands_in_a_body_or_a_proxy_request_names_nobody() {
    let nested = b"PUT / HTTP/1.1\r\nContent-Length: 38\r\n\r\n\
        GET / HTTP/1.1\r\nHost: inner.example\r\n\r\n\
        GET http://u:pass@far.example/x?a=1 HTTP/1.1\r\nHost: far.example\r\n\r\n\
        GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n";
    let (_, said) = converse_tcp(&client(), &[(Side::Low, nested)]);
    assert_eq!(values(&said, "http.host"), [&b"far.example"[..], b"192.0.2.1"]);
    assert!(said.iter().all(|said| said.what != What::Name(NameKind::Host)));
    assert_eq!(values(&said, "http.proxy_target"), [b"far.example"]);
    assert_eq!(
        values(&said, "http.request"),
        [&b"PUT /"[..], b"GET http://far.example/x?a", b"GET /"]
    );
    assert_eq!(values(&said, "http.url"), [b"u"]);
}

#[test]
fn other_protocols_end_the_reading() {
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n";
    let ask = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n";
    let hidden = b"GET / HTTP/1.1\r\nHost: hidden.example\r\n\r\n";
    let connect = b"CONNECT far.example:443 HTTP/1.1\r\n\r\n";
    let ok = b"HTTP/1.1 200 OK\r\n\r\n";
    for (first, answer) in [(&ask[..], &switch[..]), (connect, ok)] {
        let pieces = [(Side::Low, first), (Side::High, answer), (Side::Low, hidden)];
        let (label, said) = converse_tcp(&client(), &pieces);
        assert_eq!(label.protocol, "http");
        assert!(values(&said, "http.host").is_empty());
        let websocket = first == ask;
        assert_eq!(values(&said, "http.websocket_settled").len(), usize::from(websocket));
        assert_eq!(values(&said, "http.upgraded").len(), usize::from(websocket));
    }
    let (label, said) =
        converse_tcp(&client(), &[(Side::Low, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]);
    assert_eq!((label.protocol, &said[0].value[..]), ("http", &b"2"[..]));
}

#[test]
fn tls_behind_a_proxy_gives_its_fingerprint_and_no_name() {
    let hello = crate::protocol::syntax::handshake::tests::hello(b"far.example", 700);
    let pieces = [
        (Side::Low, &b"CONNECT far.example:443 HTTP/1.1\r\n\r\n"[..]),
        (Side::High, b"HTTP/1.1 200 OK\r\n\r\n"),
        (Side::Low, &hello),
    ];
    let (label, said) = converse_anywhere(&client(), &pieces);
    assert_eq!(label.protocol, "http");
    assert!(said.iter().any(|said| said.what == What::Carries("tls")));
    assert_eq!(values(&said, "tls.ja4").len(), 1);
    assert!(said.iter().all(|said| !matches!(said.what, What::Name(_))), "{said:?}");
}

/// Feeds pieces with the bytes missing before each.
fn with_gaps(pieces: &[(u64, &[u8])]) -> Vec<Vec<u8>> {
    let mut session = Http.start(&client());
    let mut said = Vec::new();
    for &(gap, data) in pieces {
        let piece = Segment { gap, ..segment(Side::Low, data, 1) };
        session.feed(&piece, &mut |fact| {
            if fact.name == "http.host" {
                said.push(fact.value.to_vec());
            }
        });
    }
    said
}

#[test]
fn missing_bytes_hide_only_what_they_must() {
    let put: &[u8] = b"PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100\r\n\r\n0123456789";
    let get: &[u8] = b"GET / HTTP/1.1\r\nHost: b.example\r\n\r\n";
    let tail: &[u8] = b"0123456789GET / HTTP/1.1\r\nHost: b.example\r\n\r\n";
    let both = [b"a.example".to_vec(), b"b.example".to_vec()];
    assert_eq!(with_gaps(&[(0, put), (80, tail)]), both);
    assert_eq!(with_gaps(&[(0, put), (90, get)]), both);
    assert_eq!(with_gaps(&[(0, put), (500, b"noise"), (0, get)]), both);
    assert_eq!(with_gaps(&[(0, put), (500, tail)]), both[..1]);
    assert_eq!(with_gaps(&[(0, &put[..20]), (10, b"example\r\n\r\n"), (0, get)]), both[1..]);
}

#[test]
fn a_running_connection_is_recognised_where_a_message_begins() {
    let mut running = client();
    running.initiator_known = false;
    let pieces = [(Side::Low, &b"\0"[..]), (Side::High, b"tail"), (Side::Low, SECOND)];
    let (label, said) = converse(&running, false, &pieces);
    assert_eq!((label.protocol, label.frame), ("http", 3));
    assert_eq!(values(&said, "http.host"), [b"other.example"]);
    let (label, _) = converse(&client(), false, &pieces);
    assert_eq!(label.protocol, "unknown", "this one was seen from its beginning");
}

#[test]
fn a_broken_request_is_recognised_by_its_answer() {
    let pieces = [(Side::Low, &b"GET HTTP/1.1\r\n\r\n"[..]), (Side::High, CHUNKED)];
    let (label, said) = converse_tcp(&flow(TCP, 40_000, 80), &pieces);
    assert_eq!(label.protocol, "http");
    assert_eq!(values(&said, "http.server"), [b"cam/2"]);
}

#[test]
fn two_lengths_are_not_believed() {
    let text = b"POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\nabcd\
        GET / HTTP/1.1\r\nHost: smuggled.example\r\n\r\n";
    let (_, said) = converse_tcp(&client(), &[(Side::Low, text)]);
    assert_eq!(values(&said, "http.request"), [b"POST /"]);
}

#[test]
fn near_misses_are_not_http() {
    for bytes in [
        &b"OPTIONS rtsp://cam.example/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"[..],
        b"OPTIONS sip:a@example SIP/2.0\r\n\r\n",
        b"EHLO mail.example\r\n",
        b"GETHTTP/1.1\r\n\r\n",
        b"HTTP/1.1 OK\r\n",
    ] {
        let (label, _) = converse_tcp(&flow(TCP, 40_000, 9999), &[(Side::Low, bytes)]);
        assert_ne!(label.protocol, "http", "{bytes:?}");
    }
}
