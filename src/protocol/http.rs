//! HTTP/1.0, 1.1 and, unencrypted, 2 on any port: who is asked for what, which software asks and
//! answers, which secrets pass readable. Bodies are passed over by their framing (RFC 9112 §6), so
//! that what stands in them is never taken for a message.
//!
//! Documents: RFC 9110, RFC 9112, RFC 9113; RFC 6455 (WebSocket); what runs over it as
//! `syntax/application.rs` says.
//! Bounds: a head 32 KiB, a body 4 KiB where it may hold parameters, 64 requests without their
//! answer; the beginning of sound and pictures as `syntax/moving.rs` says; 64 different hosts, 64
//! different notes and 64 other different facts a flow; for HTTP/2 16 KiB of fields and as much of
//! what they refer to, each way. A switch to another protocol (RFC 9110 §7.8, CONNECT, RFC 6455)
//! ends the reading; to HTTP/2 it goes on.

mod fields;
mod framing;
mod message;

use super::syntax::application::{self, Application};
use super::syntax::handshake::{HANDSHAKE, Handshake};
use super::syntax::header::{self, Parted, Start};
use super::syntax::http2::Frames;
use super::syntax::stream::{Firsts, Once, Taken, may_begin_later, pass};
use super::{Common, Content, Dissector, Fact, NameKind, Next, Over, Prefix, Probe, Session, What};
use crate::flow::{Flow, Segment};
use fields::as_head;
use framing::{Asked, Half, State, after_line, framing};
use message::{may_hold_parameters, moving};

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
            noted: true,
        })
    }
}

fn usual_port(flow: &Flow) -> bool {
    let sides = [flow.initiator, flow.initiator.other()];
    sides.into_iter().any(|side| matches!(flow.key.port(side), Some(80 | 8080)))
}

/// What goes through a proxy's tunnel: that it is TLS, and the client's fingerprints. Names,
/// certificates and how good the encryption is are those of another than this flow's server.
struct Beyond {
    tls: Handshake,
    begun: bool,
}

impl Beyond {
    fn start() -> Box<dyn Session> {
        Box::new(Beyond { tls: Handshake::new(false), begun: false })
    }
}

impl Session for Beyond {
    fn held_bytes(&self) -> usize {
        self.tls.held_bytes()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        match segment.data.first() {
            None => return Next::More,
            Some(_) if self.begun => {}
            Some(&HANDSHAKE) => {
                self.begun = true;
                let what = What::Carries("tls");
                say(Fact { what, name: "http.carries", value: b"tls", frame: segment.frame });
            }
            Some(_) => return Next::Done,
        }
        self.tls.feed(segment, &mut |fact| match fact.what {
            What::Fingerprint(_) | What::Alpn { .. } | What::Note => say(fact),
            What::Name(NameKind::Sni | NameKind::SniOuter) => {
                say(Fact { what: What::Note, ..fact });
            }
            _ => {}
        })
    }
}

struct Exchange {
    halves: [Half; 2],
    hosts: Once,
    others: Firsts,
    /// What runs over it, as the last request that said so has it.
    application: Option<Application>,
    /// Reads what follows a switch to WebSocket, where that is known.
    upgraded: Option<Box<dyn Session>>,
    /// Somebody takes notes.
    noted: bool,
}

impl Session for Exchange {
    fn held_bytes(&self) -> usize {
        let half = |half: &Half| {
            half.line.held_bytes()
                + half.body.as_ref().map_or(0, Vec::capacity)
                + half.frames.as_ref().map_or(0, |frames| frames.held_bytes())
                + half.moving.as_ref().map_or(0, |moving| moving.held_bytes())
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

    fn join(&mut self, common: &Common) {
        self.noted = common.notes;
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
                    let piece = pass(&mut data, &mut left);
                    half.keep_body(piece);
                    self.watch(half, piece, frame, say);
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
                State::UntilClose => {
                    self.watch(half, data, frame, say);
                    break;
                }
                State::Lost => break,
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
        let start = header::start(head, VERSION);
        let head = &Parted::of(head);
        match start {
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
                let documented = head.field("content-type").is_some_and(application::is_document);
                half.body = (documented || may_hold_parameters(head)).then(Vec::new);
                half.moving = moving(head, half.state);
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
                    self.upgraded = Some(Beyond::start());
                    return Next::More;
                }
                half.state = match (asked, code) {
                    (Some(Asked::Head), _) | (_, 204 | 304) => State::Head,
                    _ => framing(head).unwrap_or(State::UntilClose),
                };
                let documented = head.field("content-type").is_some_and(application::is_document);
                half.body = documented.then(Vec::new);
                half.moving = moving(head, half.state);
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
            let parted = &Parted::of(&head);
            match header::start(&head, VERSION) {
                Some(Start::Request(method, target)) => {
                    self.request(method, target, parted, segment.frame, say);
                }
                Some(Start::Response(_)) => self.response(parted, segment.frame, say),
                None => {}
            }
        });
        let other = &self.halves[segment.side.other().index()].frames;
        let is_lost = |frames: &Frames| frames.is_lost();
        let over = frames.is_lost() && other.as_deref().is_none_or(is_lost);
        if over { Next::Done } else { Next::More }
    }
}

fn upgrades_to(head: &Parted<'_>, wanted: &[u8]) -> bool {
    head.field("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests;
