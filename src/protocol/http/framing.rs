//! Where messages end (RFC 9112 §6, §7): what a side is in the middle of.

use super::{BODY_BYTES_MAX, VERSION};
use crate::protocol::Probe;
use crate::protocol::syntax::header::{self, Head, Parted};
use crate::protocol::syntax::http2::Frames;
use crate::protocol::syntax::moving::Moving;
use crate::protocol::syntax::stream::Pending;
use std::collections::VecDeque;

/// One direction.
#[derive(Default)]
pub struct Half {
    pub state: State,
    pub head: Head,
    pub line: Pending,
    /// The beginning of a body that may hold parameters.
    pub body: Option<Vec<u8>>,
    /// Looks at pictures and sound in a body.
    pub moving: Option<Box<Moving>>,
    /// What this side asked and was not answered yet, oldest first.
    pub asked: VecDeque<Asked>,
    /// From here on it is HTTP/2.
    pub frames: Option<Box<Frames>>,
}

/// What comes next.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub enum State {
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
pub enum Asked {
    Head,
    Connect,
    Other,
}

impl Half {
    /// Bytes are missing: those inside a body do no harm, any others hide where messages begin.
    pub fn miss(&mut self, gap: u64) {
        if gap == 0 {
            return;
        }
        self.body = None;
        self.moving = None;
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
    pub fn find_start(&mut self, data: &[u8]) {
        if header::looks_like(data, VERSION) != Probe::No {
            self.head.reset();
            self.line.reset();
            self.state = State::Head;
        }
    }

    pub fn keep_body(&mut self, piece: &[u8]) {
        if let Some(body) = &mut self.body {
            let room = BODY_BYTES_MAX - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }
}

/// How the body is framed (RFC 9112 §6.3); `None` when the head does not say.
pub fn framing(head: &Parted<'_>) -> Option<State> {
    let is_chunked = |value: &[u8]| {
        let last = value.rsplit(|&byte| byte == b',').next().unwrap_or(value);
        last.trim_ascii().eq_ignore_ascii_case(b"chunked")
    };
    let mut length: Option<u64> = None;
    let mut sure = true;
    for &(name, value) in &head.fields {
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
pub fn after_line(state: State, line: &[u8]) -> State {
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
