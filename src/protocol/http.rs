//! HTTP/1.0, 1.1 and, unencrypted, 2 (RFC 9110, RFC 9112, RFC 9113) on any port: who is asked for what, which software asks
//! and answers, which secrets pass readable. Bodies are passed over by their framing (RFC 9112
//! §6), so that what stands in them is never taken for a message.
//!
//! Bounds: a head 32 KiB, a body 4 KiB where it may hold parameters, 64 requests without their
//! answer; 64 different hosts, 64 different notes and 64 other different facts a flow; for HTTP/2
//! 16 KiB of fields and as much of what they refer to, each way. A switch to another protocol (RFC
//! 9110 §7.8, CONNECT, RFC 6455) ends the reading; to HTTP/2 it goes on.

use super::syntax::application::{self, Application};
use super::syntax::framed::Voice;
use super::syntax::header::{self, Authorization, Head, Start};
use super::syntax::hpack::Field;
use super::syntax::http2::Frames;
use super::syntax::parameter;
use super::syntax::stream::{Firsts, Once, Pending, Taken, may_begin_later, pass};
use super::syntax::update;
use super::{
    Content, Dissector, Fact, IdentityKind, NameKind, Next, Over, Prefix, Probe, Session, Subject,
    What,
};
use crate::flow::{Flow, Segment};
use std::collections::VecDeque;

/// HTTP/1 on any port.
pub struct Http;

const VERSION: &[u8] = b"HTTP/1.";
/// How HTTP/2 without TLS begins (RFC 9113 §3.4).
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";
/// Where names are asked for over HTTP by custom (RFC 8484 §4.1).
const DNS_PATH: &[u8] = b"/dns-query";
/// Body kept where it may hold parameters, bytes.
const BODY_BYTES_MAX: usize = 4 * 1024;
/// Longest line with a chunk's size or a trailer field, bytes.
const CHUNK_LINE_BYTES_MAX: usize = 4 * 1024;
/// Requests remembered until their answer comes.
const REQUESTS_MAX: usize = 64;
/// Different hosts said in one flow.
const HOSTS_MAX: usize = 64;
/// Different notes, and other different facts, said in one flow.
const OTHERS_MAX: usize = 64;

impl Dissector for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn rule(&self) -> &'static str {
        "a start line with HTTP/1, or the preface of HTTP/2"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let (first, second) = (seen.first().0, seen.second());
        if first.starts_with(HTTP_2) {
            return Probe::Yes;
        }
        let is_answer =
            !second.is_empty() && (second.starts_with(VERSION) || VERSION.starts_with(second));
        match header::looks_like(first, VERSION) {
            Probe::Yes => Probe::Yes,
            // What was asked is not there from its beginning, or broken, but it is answered.
            _ if is_answer => header::looks_like(second, VERSION),
            Probe::No if flow.initiator_known => {
                let wait = usual_port(flow) && second.is_empty() && first.len() <= BODY_BYTES_MAX;
                if wait { Probe::More } else { Probe::No }
            }
            Probe::No if header::looks_like(seen.newest(), VERSION) == Probe::Yes => {
                Probe::FromHere
            }
            Probe::No if may_begin_later(flow, seen) => Probe::More,
            answer => answer,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Exchange {
            halves: Default::default(),
            hosts: Once::new(HOSTS_MAX),
            others: Firsts::new(OTHERS_MAX),
            application: None,
            upgraded: None,
        })
    }
}

fn usual_port(flow: &Flow) -> bool {
    let sides = [flow.initiator, flow.initiator.other()];
    sides.into_iter().any(|side| matches!(flow.key.port(side), Some(80 | 8080)))
}

struct Exchange {
    halves: [Half; 2],
    hosts: Once,
    others: Firsts,
    /// What runs over it, as the last request that said so has it.
    application: Option<Application>,
    /// Reads what follows a switch to WebSocket, where that is known.
    upgraded: Option<Box<dyn Session>>,
}

#[derive(Default)]
struct Half {
    state: State,
    head: Head,
    line: Pending,
    /// The beginning of a body that may hold parameters.
    body: Option<Vec<u8>>,
    /// What this side asked and was not answered yet, oldest first.
    asked: VecDeque<Asked>,
    /// From here on it is HTTP/2.
    frames: Option<Box<Frames>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// A body with this many bytes to come.
    Body(u64),
    ChunkSize,
    Chunk(u64),
    /// The line end behind a chunk's data.
    ChunkEnd,
    Trailer,
    UntilClose,
    /// Not known where the next message begins.
    Lost,
}

/// What decides how an answer is framed (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Head,
    Connect,
    Other,
}

impl Session for Exchange {
    fn held_bytes(&self) -> usize {
        let half = |half: &Half| {
            half.line.held_bytes()
                + half.body.as_ref().map_or(0, Vec::capacity)
                + half.frames.as_ref().map_or(0, |frames| frames.held_bytes())
        };
        let upgraded = self.upgraded.as_ref().map_or(0, |session| session.held_bytes());
        self.halves.iter().map(half).sum::<usize>() + upgraded
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if let Some(session) = &mut self.upgraded {
            return session.feed(segment, say);
        }
        let index = segment.side.index();
        // Taken out, so that messages can reach the other half while this one lends them.
        let mut half = std::mem::take(&mut self.halves[index]);
        let next = self.run(&mut half, segment, say);
        self.halves[index] = half;
        next
    }
}

impl Exchange {
    fn run(
        &mut self,
        half: &mut Half,
        segment: &Segment<'_>,
        say: &mut dyn FnMut(Fact<'_>),
    ) -> Next {
        let frame = segment.frame;
        let mut data = segment.data;
        if let Some(frames) = &mut half.frames {
            frames.miss(segment.gap);
            return self.frames(half, data, segment, say);
        }
        half.miss(segment.gap);
        if half.state == State::Lost {
            half.find_start(data);
        }
        while !data.is_empty() {
            match half.state {
                State::Head => {
                    if self.head(half, &mut data, segment, say) == Next::Done {
                        return Next::Done;
                    }
                    if half.frames.is_some() {
                        return self.frames(half, data, segment, say);
                    }
                    if let Some(session) = &mut self.upgraded {
                        return session.feed(&Segment { data, gap: 0, ..*segment }, say);
                    }
                }
                State::Body(mut left) | State::Chunk(mut left) => {
                    half.keep_body(pass(&mut data, &mut left));
                    half.state = match half.state {
                        State::Body(_) if left > 0 => State::Body(left),
                        State::Body(_) => {
                            self.parameters(half, frame, say);
                            State::Head
                        }
                        _ if left > 0 => State::Chunk(left),
                        _ => State::ChunkEnd,
                    };
                }
                State::ChunkSize | State::ChunkEnd | State::Trailer => {
                    let line = half.line.line(&mut data, CHUNK_LINE_BYTES_MAX);
                    let state = match line {
                        Taken::More => break,
                        Taken::TooLong => State::Lost,
                        Taken::Whole(line) => after_line(half.state, line.trim_ascii()),
                    };
                    half.state = state;
                    if state == State::Head {
                        self.parameters(half, frame, say);
                    }
                }
                State::UntilClose | State::Lost => break,
            }
        }
        Next::More
    }

    fn head(
        &mut self,
        half: &mut Half,
        data: &mut &[u8],
        segment: &Segment<'_>,
        say: &mut dyn FnMut(Fact<'_>),
    ) -> Next {
        let mut head = std::mem::take(&mut half.head);
        let next = match head.take(data) {
            Taken::Whole(text) => self.message(half, text, segment, say),
            Taken::TooLong => {
                let next = self.message(half, head.so_far(), segment, say);
                // Where it ends, and how its body is framed, is not known.
                half.state = State::Lost;
                next
            }
            Taken::More => {
                if head.is_hopeless(VERSION) && !head.so_far().starts_with(HTTP_2) {
                    half.state = State::Lost;
                }
                Next::More
            }
        };
        half.head = head;
        next
    }

    fn message(
        &mut self,
        half: &mut Half,
        head: &[u8],
        segment: &Segment<'_>,
        say: &mut dyn FnMut(Fact<'_>),
    ) -> Next {
        if head.starts_with(HTTP_2) {
            self.say(What::Note, "http.version", b"2", segment.frame, say);
            half.frames = Some(Box::new(Frames::behind_preface()));
            let other = &mut self.halves[segment.side.other().index()];
            other.frames.get_or_insert_default();
            return Next::More;
        }
        match header::start(head, VERSION) {
            Some(Start::Request(method, target)) => {
                self.request(method, target, head, segment.frame, say);
                if half.asked.len() == REQUESTS_MAX {
                    half.asked.clear();
                }
                half.asked.push_back(match method {
                    b"HEAD" => Asked::Head,
                    b"CONNECT" => Asked::Connect,
                    _ => Asked::Other,
                });
                half.state = framing(head).unwrap_or(State::Head);
                let documented =
                    header::field(head, "content-type").is_some_and(application::is_document);
                half.body = (documented || may_hold_parameters(head)).then(Vec::new);
                Next::More
            }
            Some(Start::Response(code)) => {
                self.response(head, segment.frame, say);
                let asked = match code {
                    // Interim answers precede the one that counts (RFC 9110 §15.2).
                    100 | 102..=199 => return Next::More,
                    _ => self.halves[segment.side.other().index()].asked.pop_front(),
                };
                if code == 101 && upgrades_to(head, b"h2c") {
                    half.frames = Some(Box::default());
                    return Next::More;
                }
                if code == 101 {
                    self.upgraded = application::websocket(self.application.as_ref());
                    return if self.upgraded.is_some() { Next::More } else { Next::Done };
                }
                if asked == Some(Asked::Connect) && code / 100 == 2 {
                    return Next::Done;
                }
                half.state = match (asked, code) {
                    (Some(Asked::Head), _) | (_, 204 | 304) => State::Head,
                    _ => framing(head).unwrap_or(State::UntilClose),
                };
                let documented =
                    header::field(head, "content-type").is_some_and(application::is_document);
                half.body = documented.then(Vec::new);
                Next::More
            }
            None => {
                half.state = State::Lost;
                Next::More
            }
        }
    }

    /// Lists of fields are written as heads of HTTP/1, so that both are read by the same rules.
    fn frames(
        &mut self,
        half: &mut Half,
        data: &[u8],
        segment: &Segment<'_>,
        say: &mut dyn FnMut(Fact<'_>),
    ) -> Next {
        let Some(frames) = &mut half.frames else {
            return Next::More;
        };
        frames.feed(data, &mut |fields| {
            let head = as_head(&fields);
            match header::start(&head, VERSION) {
                Some(Start::Request(method, target)) => {
                    self.request(method, target, &head, segment.frame, say);
                }
                Some(Start::Response(_)) => self.response(&head, segment.frame, say),
                None => {}
            }
        });
        let other = &self.halves[segment.side.other().index()].frames;
        let is_lost = |frames: &Frames| frames.is_lost();
        let over = frames.is_lost() && other.as_deref().is_none_or(is_lost);
        if over { Next::Done } else { Next::More }
    }

    fn request(
        &mut self,
        method: &[u8],
        target: &[u8],
        head: &[u8],
        frame: u64,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        let url = header::url(target);
        // A proxy is asked for somebody else's name (RFC 9112 §3.2.2, §3.2.3): it does not name
        // the responder of this flow.
        let proxied = method == b"CONNECT" || url.is_some();
        if let Some(url) = url {
            self.say(What::Note, "http.proxy_target", url.authority, frame, say);
            if let Some((user, length)) = url.secret() {
                let what = What::Credential { kind: "http url", length };
                self.say(what, "http.url", user, frame, say);
            }
        } else if method == b"CONNECT" {
            self.say(What::Handover, "http.proxy_target", target, frame, say);
        }
        let voice = &mut Voice::new(&mut self.others, frame, say);
        if let Some(application) = application::of_request(target, head, voice) {
            self.application = Some(application);
        }
        let query = target.iter().position(|&byte| byte == b'?');
        if let Some(at) = query {
            self.secret(&target[at + 1..], true, frame, say);
        }
        let path = &target[..query.unwrap_or(target.len())];
        if path == DNS_PATH {
            say(Fact { what: What::DnsOver("http"), name: "http.dns", value: path, frame });
        }
        if matches!(method, b"GET" | b"HEAD" | b"POST")
            && let Some(looks) = update::looks(path)
        {
            let what = What::Update { image: looks == update::Looks::Image };
            self.say(what, "http.update", path, frame, say);
        }
        let shown = [method, b" ", &header::without_secrets(target)].concat();
        self.say(What::Note, "http.request", &shown, frame, say);
        note_request(method, &header::without_secrets(target), head, frame, say);
        for (name, value) in header::fields(head) {
            if value.is_empty() {
                continue;
            }
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
            let product = What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
            if is("host") {
                let host = header::host(value);
                if self.hosts.is_first("", host) {
                    let foreign = proxied || header::is_address(host);
                    let kind = if foreign { NameKind::Requested } else { NameKind::Host };
                    say(Fact { what: What::Name(kind), name: "http.host", value: host, frame });
                }
            } else if is("user-agent") {
                self.say(product, "http.user_agent", value, frame, say);
            } else if is("authorization") || is("proxy-authorization") {
                self.authorization(value, frame, say);
            } else if is("soapaction") && opens(value) {
                // UPnP Internet Gateway Device (WANIPConnection:2 §2.5.16).
                self.say(What::Opening, "http.soap_action", value, frame, say);
            } else if is("upgrade") {
                self.say(What::Note, "http.upgrade", value, frame, say);
            } else if is("sec-websocket-protocol") {
                self.say(What::Note, "http.websocket_protocol", value, frame, say);
            } else if is("content-type") && (is_moving(value) || starts_with(value, b"image/")) {
                self.say(What::Media, "http.media", value, frame, say);
            }
        }
    }

    fn response(&mut self, head: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        note_response(head, frame, say);
        for (name, value) in header::fields(head) {
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
            if is("server") && !value.is_empty() {
                let product =
                    What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
                self.say(product, "http.server", value, frame, say);
            } else if is("www-authenticate") {
                if let Some(realm) = header::quoted(value, b"realm=") {
                    self.say(What::Note, "http.realm", realm, frame, say);
                }
            } else if is("content-type") && is_moving(value) {
                self.say(What::Media, "http.media", value, frame, say);
            } else if is("sec-websocket-accept") {
                self.say(What::Note, "http.upgraded", b"websocket", frame, say);
            } else if is("sec-websocket-protocol") {
                self.say(What::Note, "http.websocket_settled", value, frame, say);
            }
        }
    }

    fn authorization(&mut self, value: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        let name = "http.authorization";
        match header::authorization(value) {
            Some(Authorization::Basic(user, length)) => {
                let what = What::Credential { kind: "http basic", length };
                self.say(what, name, &user, frame, say);
            }
            Some(Authorization::Bearer(length)) => {
                let what = What::Credential { kind: "http bearer token", length };
                self.say(what, name, &[], frame, say);
            }
            Some(Authorization::Digest(user)) => {
                self.say(What::Note, "http.digest_user", &user, frame, say);
            }
            None => {}
        }
    }

    /// Says the secret in a body that has ended, or of which enough is there.
    fn parameters(&mut self, half: &mut Half, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        if let Some(body) = half.body.take() {
            self.secret(&body, body.len() < BODY_BYTES_MAX, frame, say);
            let voice = &mut Voice::new(&mut self.others, frame, say);
            application::tell(&body, self.application.as_ref(), voice);
        }
    }

    fn secret(&mut self, text: &[u8], whole: bool, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        if let Some(secret) = parameter::secret(text, whole) {
            let what = What::Credential { kind: "http parameter", length: secret.length };
            self.say(what, "http.parameter", &secret.user, frame, say);
        }
    }

    /// Says a thing for the first time in this flow.
    fn say(
        &mut self,
        what: What,
        name: &'static str,
        value: &[u8],
        frame: u64,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        if self.others.is_first(what, name, value) {
            say(Fact { what, name, value, frame });
        }
    }
}

/// Says that a request came, every time, so that whoever tells transactions can put requests and
/// answers together: method, target, version, host and user agent, a line each.
fn note_request(
    method: &[u8],
    target: &[u8],
    head: &[u8],
    frame: u64,
    say: &mut dyn FnMut(Fact<'_>),
) {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let version =
        line.iter().rposition(|&byte| byte == b'/').map_or(&b""[..], |at| &line[at + 1..]);
    let field = |name| header::field(head, name).unwrap_or_default();
    // A folded value has a line end in it, which would begin another line here.
    let parts = [method, target, version, header::host(field("host")), field("user-agent")];
    let value = parts.map(on_one_line).join(&b'\n');
    say(Fact { what: What::Note, name: "http.sent", value: &value, frame });
}

/// The same for an answer: status and content type.
fn note_response(head: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    let Some(Start::Response(code)) = header::start(head, VERSION) else { return };
    let kind = header::field(head, "content-type").unwrap_or_default();
    let value = [code.to_string().as_bytes(), &on_one_line(kind)].join(&b'\n');
    say(Fact { what: What::Note, name: "http.answered", value: &value, frame });
}

fn on_one_line(value: &[u8]) -> Vec<u8> {
    value.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect()
}

impl Half {
    /// Bytes are missing: those inside a body do no harm, any others hide where messages begin.
    fn miss(&mut self, gap: u64) {
        if gap == 0 {
            return;
        }
        self.body = None;
        self.state = match self.state {
            State::Body(left) if left == gap => State::Head,
            State::Body(left) if left > gap => State::Body(left - gap),
            State::Chunk(left) if left == gap => State::ChunkEnd,
            State::Chunk(left) if left > gap => State::Chunk(left - gap),
            State::UntilClose => State::UntilClose,
            _ => {
                self.head.reset();
                self.line.reset();
                self.asked.clear();
                State::Lost
            }
        };
    }

    /// Messages mostly begin where a segment begins.
    fn find_start(&mut self, data: &[u8]) {
        if header::looks_like(data, VERSION) != Probe::No {
            self.head.reset();
            self.line.reset();
            self.state = State::Head;
        }
    }

    fn keep_body(&mut self, piece: &[u8]) {
        if let Some(body) = &mut self.body {
            let room = BODY_BYTES_MAX - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }
}

/// A list of fields of HTTP/2 (RFC 9113 §8.3) as HTTP/1 would write it. What would be a line of its
/// own there becomes a space.
fn as_head(fields: &[Field]) -> Vec<u8> {
    let of = |wanted: &[u8]| {
        let field = fields.iter().find(|field| field.0 == wanted);
        field.map(|field| one_line(&field.1))
    };
    let authority = of(b":authority");
    let first = match (of(b":method"), of(b":path"), of(b":status")) {
        (Some(method), path, _) => {
            let target = path.or_else(|| authority.clone()).unwrap_or_else(|| b"/".to_vec());
            [&method[..], b" ", &target, b" HTTP/1.1\r\n"].concat()
        }
        (None, _, Some(status)) => [b"HTTP/1.1 ", &status[..], b" \r\n"].concat(),
        _ => return Vec::new(),
    };
    let mut head = first;
    let host = authority.into_iter().map(|value| (b"host".to_vec(), value));
    let others = fields.iter().filter(|field| !field.0.starts_with(b":"));
    for (name, value) in host.chain(others.map(|field| (one_line(&field.0), one_line(&field.1)))) {
        head.extend([&name[..], b": ", &value, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    head
}

fn one_line(value: &[u8]) -> Vec<u8> {
    let control = |byte: u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte };
    value.iter().map(|&byte| control(byte)).collect()
}

fn upgrades_to(head: &[u8], wanted: &[u8]) -> bool {
    header::field(head, "upgrade").is_some_and(|value| value.eq_ignore_ascii_case(wanted))
}

/// How the body is framed (RFC 9112 §6.3); `None` when the head does not say.
fn framing(head: &[u8]) -> Option<State> {
    let is_chunked = |value: &[u8]| {
        let last = value.rsplit(|&byte| byte == b',').next().unwrap_or(value);
        last.trim_ascii().eq_ignore_ascii_case(b"chunked")
    };
    let mut length: Option<u64> = None;
    let mut sure = true;
    for (name, value) in header::fields(head) {
        if name.eq_ignore_ascii_case(b"transfer-encoding") && is_chunked(value) {
            return Some(State::ChunkSize);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let read = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            // Two lengths that differ are an attempt to be read in two ways (§6.3).
            sure &= read.is_some() && length.is_none_or(|length| Some(length) == read);
            length = read;
        }
    }
    match length {
        _ if !sure => Some(State::Lost),
        Some(0) => Some(State::Head),
        Some(length) => Some(State::Body(length)),
        None => None,
    }
}

/// What follows a line of the chunked coding (RFC 9112 §7.1).
fn after_line(state: State, line: &[u8]) -> State {
    match state {
        State::ChunkEnd if line.is_empty() => State::ChunkSize,
        State::Trailer if line.is_empty() => State::Head,
        State::Trailer => State::Trailer,
        State::ChunkSize => match chunk_size(line) {
            Some(0) => State::Trailer,
            Some(size) => State::Chunk(size),
            None => State::Lost,
        },
        _ => State::Lost,
    }
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Forms and JSON, and what does not say what it is: many devices leave the type out.
fn may_hold_parameters(head: &[u8]) -> bool {
    let Some(kind) = header::field(head, "content-type") else {
        return true;
    };
    [&b"application/x-www-form-urlencoded"[..], b"application/json", b"text/plain"]
        .iter()
        .any(|wanted| starts_with(kind, wanted))
}

/// Types of sound and moving pictures; multipart/x-mixed-replace is how cameras send JPEG after
/// JPEG. Single images are left out of answers: every web page has some.
fn is_moving(kind: &[u8]) -> bool {
    [&b"video/"[..], b"audio/", b"multipart/x-mixed-replace"]
        .iter()
        .any(|wanted| starts_with(kind, wanted))
}

fn starts_with(value: &[u8], wanted: &[u8]) -> bool {
    value.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted))
}

/// Whether a SOAP action asks a router to open a port.
fn opens(action: &[u8]) -> bool {
    let name = action.rsplit(|&byte| byte == b'#').next().unwrap_or_default();
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    matches!(name, b"AddPortMapping" | b"AddAnyPortMapping")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, converse, converse_anywhere, converse_tcp, flow, segment};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    const LOGIN: &[u8] = b"POST /login?lang=en&pwd=12345 HTTP/1.1\r\nhost: Cam.example:8080\r\n\
        User-Agent: test/1\r\nAuthorization: Basic YWRtaW46c2VjcmV0\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 25\r\n\r\n\
        user=root&password=abcdef";
    const SECOND: &[u8] = b"GET /a HTTP/1.1\r\nHost: other.example\r\n\r\n\
        GET /a HTTP/1.1\r\nHost: other.example\r\n\r\n";
    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nServer: cam/2\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;x=y\r\nGET /\r\n0\r\nTrailer: 1\r\n\r\n";
    const VIDEO: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 3\r\n\r\nabc\
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
        let expected: [(&str, usize, &[u8]); 3] = [
            ("http parameter", 5, b""),
            ("http basic", 6, b"admin"),
            ("http parameter", 6, b"root"),
        ];
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
        [
            [&settings[..], &frame(1, 4, ask)].concat(),
            [&settings[..], &frame(1, 4, answer)].concat(),
        ]
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
        let ask =
            b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n";
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
        let put: &[u8] =
            b"PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100\r\n\r\n0123456789";
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
}
