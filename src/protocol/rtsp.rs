//! RTSP 1.0 and 2.0 on any port: which camera is asked for which sound and pictures (SDP), with
//! which secret, and the flows that carry them.
//!
//! Documents: RFC 2326, RFC 7826; RFC 8866 (SDP).
//! Bounds: a head 32 KiB, a session description 16 KiB, 64 different notes and 64 other different
//! facts a flow. Media inside the connection (RFC 2326 §10.12) is passed over by its length; after
//! 64 KiB of it nothing new is expected: it begins only when PLAY or RECORD was answered, behind
//! everything read here.

use super::syntax::announce;
use super::syntax::header::{self, Head, SignIn, Start};
use super::syntax::parameter;
use super::syntax::stream::{Firsts, Pending, Taken, may_begin_later, pass};
use super::{
    Content, Dissector, Fact, IdentityKind, NameKind, Next, Over, Prefix, Probe, Session, Subject,
    What,
};
use crate::flow::{Flow, Segment, Side};
use std::net::IpAddr;

/// RTSP over TCP.
pub struct Rtsp;

/// Versions of RTSP 1.0, and of 2.0, without their last digit.
const VERSIONS: [&[u8]; 2] = [b"RTSP/1.", b"RTSP/2."];
/// Begins a piece of media inside the connection: dollar, channel, two bytes of length.
const DOLLAR: u8 = b'$';
const INTERLEAVED_HEADER_BYTES: usize = 4;
/// Channels are taken two by two, a stream each; more than these are not believed after a gap.
const CHANNELS_LIKELY: u8 = 16;
/// Session description kept, bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Media inside the connection after which the flow is done, bytes.
const INTERLEAVED_BYTES_MAX: u64 = 64 * 1024;
/// Different notes, and other different facts, said in one flow.
const THINGS_MAX: usize = 64;

const SIGN_IN: SignIn = SignIn {
    field: "rtsp.authorization",
    basic: "rtsp basic",
    bearer: "rtsp bearer token",
    digest_user: "rtsp.digest_user",
};

impl Dissector for Rtsp {
    fn name(&self) -> &'static str {
        "rtsp"
    }

    fn rule(&self) -> &'static str {
        "a start line with RTSP/1 or RTSP/2"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        header::FIRST_BYTES
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let newest = seen.newest();
        match looks_like(seen.first().0) {
            Probe::No if seen.second().starts_with(b"RTSP/") => looks_like(seen.second()),
            Probe::No if flow.initiator_known => Probe::No,
            Probe::No if looks_like(newest) == Probe::Yes => Probe::FromHere,
            Probe::No if usual_port(flow) && looks_like_media(newest) => Probe::FromHere,
            Probe::No if may_begin_later(flow, seen) => Probe::More,
            answer => answer,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        Box::new(Control {
            ends: [Side::Low, Side::High].map(|side| flow.key.address(side)),
            halves: Default::default(),
            said: Firsts::new(THINGS_MAX),
            interleaved: 0,
        })
    }
}

fn looks_like(bytes: &[u8]) -> Probe {
    match VERSIONS.map(|version| header::looks_like(bytes, version)) {
        [Probe::Yes, _] | [_, Probe::Yes] => Probe::Yes,
        [Probe::No, Probe::No] => Probe::No,
        _ => Probe::More,
    }
}

fn usual_port(flow: &Flow) -> bool {
    let sides = [flow.initiator, flow.initiator.other()];
    sides.into_iter().any(|side| matches!(flow.key.port(side), Some(554 | 8554)))
}

/// Pieces of RTP (RFC 3550 §5.1: version 2) inside the connection, one behind the other up to the
/// end: a stream that was running before the capture began.
fn looks_like_media(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let &[DOLLAR, channel, high, low, version, ..] = rest {
        let end = INTERLEAVED_HEADER_BYTES + usize::from(u16::from_be_bytes([high, low]));
        if channel >= CHANNELS_LIKELY || version >> 6 != 2 || end <= INTERLEAVED_HEADER_BYTES {
            return false;
        }
        match rest.get(end..) {
            Some([]) => return true,
            Some(behind) => rest = behind,
            // The last one may go on in the next segment, if there was one before it.
            None => return rest.len() < bytes.len(),
        }
    }
    false
}

struct Control {
    /// Addresses of the connection, by side.
    ends: [IpAddr; 2],
    halves: [Half; 2],
    said: Firsts,
    /// Bytes of media passed over.
    interleaved: u64,
}

#[derive(Default)]
struct Half {
    state: State,
    head: Head,
    pending: Pending,
    /// The session description so far, where the body is one.
    description: Option<Vec<u8>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between messages.
    #[default]
    Between,
    Head,
    Body(u64),
    InterleavedHeader,
    Interleaved(u64),
    /// Not known where the next message begins.
    Lost,
}

impl Session for Control {
    fn held_bytes(&self) -> usize {
        let half = |half: &Half| {
            half.pending.held_bytes() + half.description.as_ref().map_or(0, Vec::capacity)
        };
        self.halves.iter().map(half).sum()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let index = segment.side.index();
        let mut half = std::mem::take(&mut self.halves[index]);
        half.miss(segment.gap);
        if half.state == State::Lost {
            half.find_start(segment.data);
        }
        self.run(&mut half, segment, say);
        self.halves[index] = half;
        if self.interleaved >= INTERLEAVED_BYTES_MAX { Next::Done } else { Next::More }
    }
}

impl Control {
    fn run(&mut self, half: &mut Half, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) {
        let mut data = segment.data;
        while let Some(&byte) = data.first() {
            match half.state {
                State::Between => match byte {
                    b'\r' | b'\n' => data = &data[1..],
                    DOLLAR => half.state = State::InterleavedHeader,
                    _ => half.state = State::Head,
                },
                State::Head => self.head(half, &mut data, (segment.side, segment.frame), say),
                State::Body(mut left) => {
                    let piece = pass(&mut data, &mut left);
                    if let Some(description) = &mut half.description {
                        let room = BODY_BYTES_MAX - description.len();
                        description.extend_from_slice(&piece[..piece.len().min(room)]);
                    }
                    half.state = if left > 0 { State::Body(left) } else { State::Between };
                    if left == 0
                        && let Some(description) = half.description.take()
                    {
                        self.description(&description, segment.frame, say);
                    }
                }
                State::InterleavedHeader => {
                    let bytes = half.pending.exactly(&mut data, INTERLEAVED_HEADER_BYTES);
                    let Some(&[_, _, high, low]) = bytes else {
                        break;
                    };
                    self.say(What::Note, "rtsp.interleaved", b"RTP", segment.frame, say);
                    let length = u64::from(u16::from_be_bytes([high, low]));
                    half.state =
                        if length > 0 { State::Interleaved(length) } else { State::Between };
                }
                State::Interleaved(mut left) => {
                    self.interleaved += pass(&mut data, &mut left).len() as u64;
                    half.state = if left > 0 { State::Interleaved(left) } else { State::Between };
                }
                State::Lost => break,
            }
        }
    }

    fn head(
        &mut self,
        half: &mut Half,
        data: &mut &[u8],
        (side, frame): (Side, u64),
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        let mut head = std::mem::take(&mut half.head);
        match head.take(data) {
            Taken::Whole(text) => self.message(half, text, (side, frame), say),
            Taken::TooLong => {
                self.message(half, head.so_far(), (side, frame), say);
                half.state = State::Lost;
            }
            Taken::More => {
                if VERSIONS.iter().all(|version| head.is_hopeless(version)) {
                    half.state = State::Lost;
                }
            }
        }
        half.head = head;
    }

    fn message(
        &mut self,
        half: &mut Half,
        head: &[u8],
        (side, frame): (Side, u64),
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        let product = What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
        match VERSIONS.iter().find_map(|version| header::start(head, version)) {
            Some(Start::Request(method, target)) => {
                self.request(method, target, frame, say);
                if let Some(value) = header::field(head, "authorization")
                    && let Some((what, name, user)) = header::sign_in(value, &SIGN_IN)
                {
                    self.say(what, name, &user, frame, say);
                }
                if let Some(value) = header::field(head, "user-agent") {
                    self.say(product, "rtsp.user_agent", value, frame, say);
                }
                if let Some(value) = header::field(head, "transport") {
                    self.announce(value, side, frame, say);
                }
            }
            Some(Start::Response(_)) => {
                if let Some(value) = header::field(head, "server") {
                    self.say(product, "rtsp.server", value, frame, say);
                }
                let challenge = header::field(head, "www-authenticate");
                if let Some(realm) = challenge.and_then(|c| header::quoted(c, b"realm=")) {
                    self.say(What::Note, "rtsp.realm", realm, frame, say);
                }
                // Where the media flows when it is not inside this connection.
                if let Some(value) = header::field(head, "transport") {
                    self.say(What::Note, "rtsp.transport", value, frame, say);
                    self.announce(value, side.other(), frame, say);
                }
            }
            None => {
                half.state = State::Lost;
                return;
            }
        }
        let is_description = header::field(head, "content-type").is_some_and(|kind| {
            kind.get(..15).is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/sdp"))
        });
        half.description = is_description.then(Vec::new);
        // Without a length there is no body (RFC 2326 §4.4).
        let length = header::field(head, "content-length");
        let text = length.map_or(Ok("0"), std::str::from_utf8);
        half.state = match text.ok().and_then(|text| text.parse().ok()) {
            Some(0) => State::Between,
            Some(length) => State::Body(length),
            None => State::Lost,
        };
    }

    fn request(&mut self, method: &[u8], target: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        let shown = [method, b" ", &header::without_secrets(target)].concat();
        self.say(What::Note, "rtsp.request", &shown, frame, say);
        let mut path = target;
        if let Some(url) = header::url(target) {
            path = url.path;
            let host = header::host(url.authority);
            if !host.is_empty() && !header::is_address(host) {
                self.say(What::Name(NameKind::Host), "rtsp.host", host, frame, say);
            }
            if let Some((user, length)) = url.secret() {
                let what = What::Credential { kind: "rtsp url", length };
                self.say(what, "rtsp.url", user, frame, say);
            }
        }
        // Some recorders take user and password as if the path were a query:
        // `/user=admin&password=...`.
        let path = path.strip_prefix(b"/").unwrap_or(path);
        if let Some(secret) = parameter::secret(path, true) {
            let what = What::Credential { kind: "rtsp parameter", length: secret.length };
            self.say(what, "rtsp.parameter", &secret.user, frame, say);
        }
    }

    /// Said as often as it comes: the same ports may be taken again much later.
    fn announce(&self, value: &[u8], client: Side, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        let [client, server] = [client, client.other()].map(|side| self.ends[side.index()]);
        announce::transports(value, client, server, &mut |announced| {
            say(Fact { what: What::Expect(announced), name: "rtsp.announced", value, frame });
        });
    }

    /// Media of a session description (RFC 8866 §5.14, §6.6): `video H264/90000`.
    fn description(&mut self, text: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        let mut media: &[u8] = &[];
        for line in text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
            if let Some(section) = line.strip_prefix(b"m=") {
                let mut words = section.split(|&byte| byte == b' ');
                media = words.next().unwrap_or(section);
                // Types up to 34 need no map, the profile fixes them.
                let encoding = words.nth(2).and_then(static_encoding);
                let value = encoding.map_or(media.to_vec(), |name| [media, b" ", name].concat());
                self.media(media, &value, frame, say);
            } else if let Some(map) = line.strip_prefix(b"a=rtpmap:")
                && let Some(space) = map.iter().position(|&byte| byte == b' ')
            {
                let value = [media, b" ", map[space..].trim_ascii()].concat();
                self.media(media, &value, frame, say);
            }
        }
    }

    fn media(&mut self, media: &[u8], value: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        // Descriptions also announce events and metadata, which are neither sound nor picture.
        let what = match media {
            b"audio" | b"video" | b"image" => What::Media,
            _ => What::Note,
        };
        self.say(what, "rtsp.media", value, frame, say);
    }

    fn say(
        &mut self,
        what: What,
        name: &'static str,
        value: &[u8],
        frame: u64,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        if self.said.is_first(what, name, value) {
            say(Fact { what, name, value, frame });
        }
    }
}

impl Half {
    /// Bytes are missing: those inside a body or media do no harm.
    fn miss(&mut self, gap: u64) {
        if gap == 0 {
            return;
        }
        self.description = None;
        self.state = match self.state {
            State::Body(left) | State::Interleaved(left) if left == gap => State::Between,
            State::Body(left) if left > gap => State::Body(left - gap),
            State::Interleaved(left) if left > gap => State::Interleaved(left - gap),
            _ => {
                self.head.reset();
                self.pending.reset();
                State::Lost
            }
        };
    }

    /// Messages and pieces of media mostly begin where a segment begins.
    fn find_start(&mut self, data: &[u8]) {
        let media = matches!(data, [DOLLAR, channel, ..] if *channel < CHANNELS_LIKELY);
        if media || looks_like(data) != Probe::No {
            self.head.reset();
            self.pending.reset();
            self.state = State::Between;
        }
    }
}

/// Encodings that have a fixed number (RFC 3551 §6).
fn static_encoding(number: &[u8]) -> Option<&'static [u8]> {
    Some(match number {
        b"0" => b"PCMU/8000",
        b"3" => b"GSM/8000",
        b"8" => b"PCMA/8000",
        b"9" => b"G722/8000",
        b"14" => b"MPA/90000",
        b"26" => b"JPEG/90000",
        b"32" => b"MPV/90000",
        b"33" => b"MP2T/90000",
        b"34" => b"H263/90000",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, converse, converse_anywhere, converse_tcp, flow, segment};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    const DESCRIBE: &[u8] =
        b"DESCRIBE rtsp://cam.example:554/live?token=12 RTSP/1.0\r\nCSeq: 2\r\n\
        User-Agent: player/1\r\nAuthorization: Basic YWRtaW46c2VjcmV0\r\n\r\n";
    const DESCRIPTION: &[u8] = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nServer: cam/2\r\n\
        Content-Type: application/sdp\r\nContent-Length: 72\r\n\r\n\
        v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 0 RTP/AVP 8\r\n";
    const DIGEST: &[u8] = b"PLAY rtsp://192.0.2.1/live RTSP/1.0\r\nCSeq: 3\r\n\
        Authorization: Digest username=\"viewer\", realm=\"cam\"\r\n\r\n";
    const PLAYING: &[u8] = b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n\
        $\0\0\x06RTSP/1$\x01\0\0RTSP/1.0 200 OK\r\nServer: later\r\n\r\n";

    fn client() -> Flow {
        flow(TCP, 40_000, 8554)
    }

    fn of<'a>(said: &'a [Said], name: &str) -> Vec<&'a [u8]> {
        said.iter().filter(|said| said.name == name).map(|said| &said.value[..]).collect()
    }

    #[test]
    fn a_conversation_says_host_media_and_secrets() {
        let pieces = [
            (Side::Low, DESCRIBE),
            (Side::High, DESCRIPTION),
            (Side::Low, DIGEST),
            (Side::High, PLAYING),
        ];
        let (label, said) = converse_anywhere(&client(), &pieces);
        assert_eq!((label.protocol, label.content), ("rtsp", Content::Clear));
        assert_eq!(of(&said, "rtsp.host"), [b"cam.example"]);
        assert_eq!(
            of(&said, "rtsp.media"),
            [&b"video"[..], b"video H264/90000", b"audio PCMA/8000"]
        );
        assert_eq!(of(&said, "rtsp.digest_user"), [b"viewer"]);
        assert_eq!(of(&said, "rtsp.server"), [&b"cam/2"[..], b"later"]);
        let shown =
            [&b"DESCRIBE rtsp://cam.example:554/live?token"[..], b"PLAY rtsp://192.0.2.1/live"];
        assert_eq!(of(&said, "rtsp.request"), shown);
        let secrets: Vec<_> = said
            .iter()
            .filter(|said| matches!(said.what, What::Credential { .. }))
            .map(|said| (said.what, &said.value[..]))
            .collect();
        let expected: [(What, &[u8]); 2] = [
            (What::Credential { kind: "rtsp parameter", length: 2 }, b""),
            (What::Credential { kind: "rtsp basic", length: 6 }, b"admin"),
        ];
        assert_eq!(secrets, expected);
    }

    #[test]
    fn media_outside_the_connection_is_announced() {
        let ask =
            b"SETUP rtsp://cam/1 RTSP/1.0\r\nTransport: RTP/AVP;unicast;client_port=50-51\r\n\r\n";
        let answer = b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP;unicast;client_port=50-51;\
            source=192.0.2.9;server_port=60\r\n\r\n";
        let (_, said) = converse_tcp(&client(), &[(Side::Low, ask), (Side::High, answer)]);
        let announced = said.iter().filter_map(|said| match said.what {
            What::Expect(one) => Some(format!("{}:{} {}", one.address, one.port, one.label)),
            _ => None,
        });
        let (client, reports) = ("10.0.0.1:50 rtp", "10.0.0.1:51 rtcp");
        let expected = [client, reports, client, reports, "192.0.2.9:60 rtp"];
        assert_eq!(announced.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn secrets_in_urls_are_found_and_not_shown() {
        let text =
            b"OPTIONS rtsp://root:pw@cam.example/user=a&password=xyz&channel=1 RTSP/1.0\r\n\r\n";
        let (_, said) = converse_tcp(&client(), &[(Side::Low, text)]);
        assert_eq!(of(&said, "rtsp.url"), [b"root"]);
        assert_eq!(of(&said, "rtsp.parameter"), [b"a"]);
        assert!(said.iter().all(|said| !said.value.windows(2).any(|w| w == b"pw" || w == b"xy")));
    }

    #[test]
    fn much_media_ends_the_reading_and_gaps_inside_it_do_no_harm() {
        let mut session = Rtsp.start(&client());
        let mut feed = |gap, data: &[u8]| {
            let piece = Segment { gap, ..segment(Side::High, data, 1) };
            let mut said = Vec::new();
            let next = session.feed(&piece, &mut |fact| said.push(fact.value.to_vec()));
            (next, said)
        };
        assert_eq!(feed(0, PLAYING).0, Next::More);
        assert_eq!(feed(0, b"$\0\x10\0half").0, Next::More);
        let (_, said) = feed(0x1000 - 8, b"tailRTSP/1.0 200 OK\r\nServer: again\r\n\r\n");
        assert_eq!(said, [b"again"]);
        let media = [&b"$\0\xff\xff"[..], &[0; 0xffff]].concat();
        assert_eq!(feed(7, b"\0\0noise").0, Next::More);
        assert_eq!(feed(0, &media).0, Next::Done);
    }

    #[test]
    fn a_running_stream_is_recognised_on_its_port() {
        let media = b"$\0\0\x05\x80abcd$\x01\0\x04\x80abc";
        let mut running = flow(TCP, 40_000, 554);
        running.initiator_known = false;
        let pieces = [(Side::High, &b"half a frame"[..]), (Side::High, media)];
        let (label, said) = converse(&running, false, &pieces);
        assert_eq!((label.protocol, label.frame), ("rtsp", 2));
        assert_eq!(of(&said, "rtsp.interleaved"), [b"RTP"]);
        assert!(!looks_like_media(b"$\0\0\x05\x40abcd"), "another version");
        assert!(!looks_like_media(b"$\0\0\x09\x80abcd"), "one that is cut");
    }

    #[test]
    fn near_misses_are_not_rtsp() {
        for bytes in [
            &b"OPTIONS rtsp://cam.example/ HTTP/1.1\r\n\r\n"[..],
            b"OPTIONS rtsp://cam.example/ RTSP/3.0\r\n\r\n",
            b"RTSP/1.0200 OK\r\n",
            b"$\0\0\x04abcd",
        ] {
            let (label, _) = converse_tcp(&client(), &[(Side::Low, bytes)]);
            assert_ne!(label.protocol, "rtsp", "{bytes:?}");
        }
    }
}
