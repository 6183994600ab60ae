//! What binary protocols share whose messages say how long they are: cutting a stream into
//! messages, finding the next one behind a hole, recognising them, and saying a thing once.
//!
//! Bounds: of a message only its first [`KEPT_BYTES_MAX`] are kept, [`MESSAGES_MAX`] messages are
//! read in a flow, and [`THINGS_MAX`] different notes and as many other facts are said.

use super::super::{
    Announced, Fact, IdentityKind, Next, Prefix, Probe, Session, Subject, UDP, What,
};
use super::stream::{Firsts, Pending, may_begin_later, pass};
use crate::flow::{Flow, Segment, Side};

/// Kept of one message, bytes; the rest of it is passed over.
pub const KEPT_BYTES_MAX: usize = 4 * 1024;
/// Messages read in one flow.
pub const MESSAGES_MAX: usize = 4096;
/// Different notes, and other different facts, said in one flow.
pub const THINGS_MAX: usize = 64;

/// How long the message is that begins with some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// At least this many bytes must be there to tell; more than were there.
    Need(usize),
    /// Bytes of the whole message, at least 1.
    Whole(usize),
    /// No message begins so.
    Broken,
}

impl Size {
    /// Whether `start` goes on with `magic` as far as it is there; `Need` while it is too short.
    #[must_use]
    pub fn of_magic(start: &[u8], magic: &[u8], header: usize) -> Option<Size> {
        let there = start.len().min(magic.len());
        if start[..there] != magic[..there] {
            return Some(Size::Broken);
        }
        (start.len() < header).then_some(Size::Need(header))
    }
}

/// One protocol's messages.
pub trait Grammar: Send {
    /// How long the message is that begins so.
    fn size(&self, start: &[u8]) -> Size;
    /// Reads one message.
    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next;
    /// What the grammar itself keeps, bytes.
    fn held_bytes(&self) -> usize {
        0
    }
}

/// One message.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The sender.
    pub side: Side,
    /// Its bytes, at most [`KEPT_BYTES_MAX`] of them in a stream.
    pub bytes: &'a [u8],
    /// Whether these are all of them.
    pub whole: bool,
}

/// Says facts about one frame, each thing once.
pub struct Voice<'v> {
    said: &'v mut Firsts,
    frame: u64,
    say: &'v mut dyn FnMut(Fact<'_>),
}

impl<'v> Voice<'v> {
    /// A voice for the segment in `frame`.
    pub fn new(said: &'v mut Firsts, frame: u64, say: &'v mut dyn FnMut(Fact<'_>)) -> Self {
        Voice { said, frame, say }
    }

    /// Says a thing, unless it was said before.
    pub fn say(&mut self, what: What, name: &'static str, value: &[u8]) {
        if self.said.is_first(what, name, value) {
            (self.say)(Fact { what, name, value, frame: self.frame });
        }
    }

    /// Something worth showing; nothing where it is empty.
    pub fn note(&mut self, name: &'static str, value: &[u8]) {
        if !value.is_empty() {
            self.say(What::Note, name, value);
        }
    }

    /// What the sender says it is; nothing where it is empty.
    pub fn identity(&mut self, kind: IdentityKind, name: &'static str, value: &[u8]) {
        if !value.is_empty() {
            self.say(What::Identity { subject: Subject::Sender, kind }, name, value);
        }
    }

    /// A readable secret of `length` bytes that belongs to `user`.
    pub fn credential(
        &mut self,
        kind: &'static str,
        length: usize,
        name: &'static str,
        user: &[u8],
    ) {
        if length > 0 {
            self.say(What::Credential { kind, length }, name, user);
        }
    }

    /// Another flow, each time that it is announced.
    pub fn announce(&mut self, announced: Announced, name: &'static str) {
        (self.say)(Fact { what: What::Expect(announced), name, value: &[], frame: self.frame });
    }

    /// A command that anyone on the path can read.
    pub fn control(&mut self, name: &'static str, value: &[u8]) {
        self.say(What::Control, name, value);
    }

    /// The form of the message is that of a nation's own standard.
    pub fn standard(&mut self, key: &'static str, name: &'static str) {
        self.say(What::Standard(key), name, &[]);
    }

    /// A way to a peer is sought through this server.
    pub fn relay(&mut self, name: &'static str, value: &[u8]) {
        self.say(What::Relay, name, value);
    }

    /// Sound or pictures anyone on the path can read.
    pub fn media(&mut self, name: &'static str, value: &[u8]) {
        self.say(What::Media, name, value);
    }
}

/// How much must fit before a flow is said to be of a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// One message header: its fixed bits are many.
    One,
    /// Two messages, of either side.
    Two,
    /// A message of each side.
    Both,
}

/// Recognises messages by `size` alone, so `size` must look at every fixed field.
#[must_use]
pub fn probe(
    flow: &Flow,
    seen: &Prefix<'_>,
    size: impl Fn(&[u8]) -> Size,
    demand: Demand,
) -> Probe {
    let datagram = flow.key.protocol == UDP;
    let first = seen.first().0;
    if datagram && !first.is_empty() && seen.second().is_empty() {
        // The same as below in short, since most datagrams that are asked about are the first.
        return match size(first) {
            Size::Whole(length) if length != first.len() => Probe::No,
            Size::Broken | Size::Need(_) => Probe::No,
            Size::Whole(_) if demand == Demand::One => Probe::Yes,
            Size::Whole(_) => Probe::More,
        };
    }
    let counts = [seen.first().0, seen.second()].map(|bytes| count(bytes, datagram, &size, demand));
    let enough = |counts: [usize; 2]| match demand {
        Demand::One => counts[0] + counts[1] > 0,
        Demand::Two => counts[0] + counts[1] > 1,
        Demand::Both => counts[0] > 0 && counts[1] > 0,
    };
    match counts {
        [Some(first), Some(second)] if enough([first, second]) => Probe::Yes,
        [Some(_), Some(_)] => Probe::More,
        _ if datagram || !may_begin_later(flow, seen) => Probe::No,
        // The capture began in the middle: a later segment that holds nothing but whole
        // messages will do.
        _ => match count_whole(seen.newest(), &size) {
            Some(whole) if whole >= if demand == Demand::One { 1 } else { 2 } => Probe::FromHere,
            _ => Probe::More,
        },
    }
}

/// Message headers that follow one another in `bytes`, at most two; `None` where one is broken.
/// A datagram must be one message exactly.
fn count(
    mut bytes: &[u8],
    datagram: bool,
    size: &impl Fn(&[u8]) -> Size,
    demand: Demand,
) -> Option<usize> {
    let mut found = 0;
    while !bytes.is_empty() && found < 2 && (found == 0 || demand == Demand::Two) {
        match size(bytes) {
            Size::Broken | Size::Whole(0) => return None,
            Size::Need(_) if datagram => return None,
            Size::Need(_) => break,
            Size::Whole(length) if datagram && length != bytes.len() => return None,
            Size::Whole(length) => {
                found += 1;
                bytes = bytes.get(length..).unwrap_or_default();
            }
        }
    }
    Some(found)
}

/// Messages in bytes that end where a message ends.
fn count_whole(mut bytes: &[u8], size: &impl Fn(&[u8]) -> Size) -> Option<usize> {
    let mut found = 0;
    while !bytes.is_empty() {
        let Size::Whole(length @ 1..) = size(bytes) else {
            return None;
        };
        bytes = bytes.get(length..)?;
        found += 1;
    }
    Some(found)
}

/// Whether either end of the flow has one of `ports`.
#[must_use]
pub fn on_port(flow: &Flow, ports: &[u16]) -> bool {
    let sides = [flow.initiator, flow.initiator.other()];
    sides.into_iter().any(|side| flow.key.port(side).is_some_and(|port| ports.contains(&port)))
}

/// A session that cuts a flow into messages.
pub struct Framed {
    halves: [Half; 2],
    grammar: Box<dyn Grammar>,
    said: Firsts,
    messages: usize,
}

#[derive(Default)]
struct Half {
    pending: Pending,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    /// Bytes of the message to keep, and bytes behind them to pass over.
    Body(usize, u64),
    Passing(u64),
    /// Not known where the next message begins.
    Lost,
}

impl Framed {
    /// The session that a dissector starts.
    #[must_use]
    pub fn start(grammar: impl Grammar + 'static) -> Box<dyn Session> {
        Box::new(Framed {
            halves: Default::default(),
            grammar: Box::new(grammar),
            said: Firsts::new(THINGS_MAX),
            messages: 0,
        })
    }

    fn read(&mut self, message: &Message<'_>, frame: u64, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        self.messages += 1;
        let next = self.grammar.read(message, &mut Voice::new(&mut self.said, frame, say));
        let enough = self.said.is_full() || self.messages >= MESSAGES_MAX;
        if enough { Next::Done } else { next }
    }

    fn stream(
        &mut self,
        half: &mut Half,
        segment: &Segment<'_>,
        say: &mut dyn FnMut(Fact<'_>),
    ) -> Next {
        let (side, mut data) = (segment.side, segment.data);
        half.miss(segment.gap);
        if half.state == State::Lost
            && count_whole(data, &|start: &[u8]| self.grammar.size(start)).is_some()
        {
            half.state = State::Header;
        }
        let mut needed = 1;
        loop {
            // Most messages lie whole in one segment and need no copy.
            if half.state == State::Header
                && half.pending.waiting().is_empty()
                && let Size::Whole(length @ 1..=KEPT_BYTES_MAX) = self.grammar.size(data)
                && let Some((bytes, behind)) = data.split_at_checked(length)
            {
                data = behind;
                let message = Message { side, bytes, whole: true };
                if self.read(&message, segment.frame, say) == Next::Done {
                    return Next::Done;
                }
                continue;
            }
            match half.state {
                State::Header => {
                    let Some(bytes) = half.pending.exactly(&mut data, needed) else {
                        break;
                    };
                    let kept = bytes.to_vec();
                    match self.grammar.size(&kept) {
                        Size::Need(more) if more > kept.len() && more <= KEPT_BYTES_MAX => {
                            needed = more;
                        }
                        Size::Whole(length) if length >= kept.len() => {
                            let keep = length.min(KEPT_BYTES_MAX).max(kept.len());
                            half.state = State::Body(keep, (length - keep) as u64);
                            needed = 1;
                        }
                        _ => {
                            half.pending.reset();
                            half.state = State::Lost;
                            continue;
                        }
                    }
                    half.pending.put_back(kept);
                }
                State::Body(keep, behind) => {
                    let Some(bytes) = half.pending.exactly(&mut data, keep) else {
                        break;
                    };
                    half.state = if behind > 0 { State::Passing(behind) } else { State::Header };
                    let message = Message { side, bytes, whole: behind == 0 };
                    if self.read(&message, segment.frame, say) == Next::Done {
                        return Next::Done;
                    }
                }
                State::Passing(mut left) => {
                    pass(&mut data, &mut left);
                    if left > 0 {
                        half.state = State::Passing(left);
                        break;
                    }
                    half.state = State::Header;
                }
                State::Lost => break,
            }
        }
        Next::More
    }
}

impl Session for Framed {
    fn held_bytes(&self) -> usize {
        let halves: usize = self.halves.iter().map(|half| half.pending.held_bytes()).sum();
        halves + self.grammar.held_bytes()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if segment.datagram {
            let message = Message { side: segment.side, bytes: segment.data, whole: true };
            return match self.grammar.size(segment.data) {
                Size::Whole(_) => self.read(&message, segment.frame, say),
                _ => Next::More,
            };
        }
        let index = segment.side.index();
        // Taken out, so that the grammar can be used while this half lends its bytes.
        let mut half = std::mem::take(&mut self.halves[index]);
        let next = self.stream(&mut half, segment, say);
        self.halves[index] = half;
        next
    }
}

impl Half {
    /// Bytes are missing: inside what is passed over they do no harm.
    fn miss(&mut self, gap: u64) {
        self.state = match self.state {
            state if gap == 0 => state,
            State::Passing(left) if left == gap => State::Header,
            State::Passing(left) if left > gap => State::Passing(left - gap),
            _ => {
                self.pending.reset();
                State::Lost
            }
        };
    }
}

/// Little-endian numbers, as most vendors write them; `None` beyond the end.
#[must_use]
pub fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The same of two bytes.
#[must_use]
pub fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// The same in network order.
#[must_use]
pub fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    u16_le(bytes, at).map(u16::swap_bytes)
}

/// The same in network order.
#[must_use]
pub fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    u32_le(bytes, at).map(u32::swap_bytes)
}

/// Text in a field of fixed width, without what fills it up.
#[must_use]
pub fn padded(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    field[..end].trim_ascii()
}

/// Whether these are printable ASCII characters, and at least one.
#[must_use]
pub fn is_printable(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::segment;
    use super::*;

    /// One byte of length, `!` first.
    struct Bang;

    fn size(start: &[u8]) -> Size {
        match *start {
            [b'!', length, ..] => Size::Whole(2 + usize::from(length) * 64),
            [b'!'] | [] => Size::Need(2),
            _ => Size::Broken,
        }
    }

    impl Grammar for Bang {
        fn size(&self, start: &[u8]) -> Size {
            size(start)
        }
        fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
            voice.note("bang", message.bytes.get(2..4).unwrap_or(b"--"));
            if message.whole { Next::More } else { Next::Done }
        }
    }

    fn read(pieces: &[(u64, &[u8])]) -> Vec<Vec<u8>> {
        let mut session = Framed::start(Bang);
        let mut said = Vec::new();
        for &(gap, data) in pieces {
            let piece = Segment { gap, ..segment(Side::Low, data, 1) };
            session.feed(&piece, &mut |fact| said.push(fact.value.to_vec()));
            assert!(session.held_bytes() <= 2 * KEPT_BYTES_MAX);
        }
        said
    }

    #[test]
    fn messages_are_found_however_they_are_cut_and_behind_holes() {
        let one = |text: &[u8; 2]| [&b"!\x01"[..], text, &[0; 62]].concat();
        let both = [one(b"aa"), b"!\0".to_vec(), one(b"bb")].concat();
        let expected = [b"aa".to_vec(), b"--".to_vec(), b"bb".to_vec()];
        for length in 1..both.len() {
            let cut: Vec<(u64, &[u8])> = both.chunks(length).map(|piece| (0, piece)).collect();
            assert_eq!(read(&cut), expected, "{length}");
        }
        // A hole in a message loses it; the next segment that is whole messages goes on.
        let (a, b) = (one(b"aa"), one(b"bb"));
        assert_eq!(read(&[(0, &a[..10]), (5, b"!junk"), (0, &b)]), [b"bb"]);
        // A hole in what is passed over loses nothing.
        let long = [&b"!\xff"[..], b"ll", &[0; 4096]].concat();
        let mut session = Framed::start(Bang);
        let mut said = 0;
        session.feed(&segment(Side::Low, &long, 1), &mut |_| said += 1);
        assert_eq!(said, 1);
    }

    #[test]
    fn demands_are_kept() {
        let whole = |bytes| count(bytes, true, &size, Demand::One);
        assert_eq!(whole(b"!\0"), Some(1));
        assert_eq!(whole(b"!\0!"), None);
        assert_eq!(whole(b"!"), None);
        assert_eq!(count(b"!\0!\0x", false, &size, Demand::Two), Some(2));
        assert_eq!(count(b"!\0x", false, &size, Demand::Two), None);
        assert_eq!(count(b"!\0!", false, &size, Demand::Two), Some(1));
    }
}
