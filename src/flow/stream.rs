//! One direction of a TCP connection: which bytes were delivered once, which were sent again,
//! which are missing, and the payload in order for whoever reads it.

use super::{Cite, Segment};
use std::collections::VecDeque;

/// Most holes remembered in one direction. Beyond it the oldest is given up, so that late
/// arrivals into it count as sent again.
const HOLES_MAX: usize = 32;
/// Payload held back in one direction until what precedes it arrives, bytes, with what it takes to
/// remember each piece.
pub const HELD_BYTES_MAX: usize = 64 * 1024;
/// Payload kept behind the point that was handed out, bytes: a copy that comes again is held
/// against it, as far back as that.
const TAIL_BYTES: usize = 2048;
/// A sequence number further ahead than this is not a gap but another stream's or a mistake:
/// larger than any window (RFC 7323 allows 1 GiB).
const JUMP_MAX: u32 = 1 << 30;

/// One direction. Small, since every packet touches it; what only disorder needs is apart.
#[derive(Debug, Clone, Default)]
pub struct Half {
    /// Sequence number behind the furthest byte seen.
    high: u32,
    /// Sequence number of the next byte to hand out.
    next: u32,
    started: bool,
    /// The other side acknowledged bytes that were never seen.
    pub(super) acknowledged_unseen: bool,
    /// Segments whose bytes differ from those that an earlier one had at the same place.
    pub(super) conflicts: u32,
    kept: Option<Box<Kept>>,
}

/// What a direction keeps while somebody reads it, and for as long as bytes are missing. One line of
/// memory, since most directions say little and all of them in order.
#[derive(Debug, Clone, Default)]
struct Kept {
    disorder: Option<Box<Disorder>>,
    tail: Tail,
}

const _: () = assert!(size_of::<Kept>() <= 56);

/// What a direction with missing or early segments needs.
#[derive(Debug, Clone, Default)]
struct Disorder {
    holes: Vec<(u32, u32)>,
    /// Bytes in holes that were given up.
    abandoned: u64,
    held: VecDeque<Held>,
    held_bytes: usize,
}

/// Bytes of a tail that lie where the tail does.
const SHORT_BYTES: usize = 46;

/// What was handed out last; its end is the next byte to hand out.
#[derive(Debug, Clone)]
enum Tail {
    Short(u8, [u8; SHORT_BYTES]),
    Long(Vec<u8>),
}

impl Default for Tail {
    fn default() -> Tail {
        Tail::Short(0, [0; SHORT_BYTES])
    }
}

impl Tail {
    fn bytes(&self) -> &[u8] {
        match self {
            Tail::Short(length, bytes) => &bytes[..usize::from(*length)],
            Tail::Long(bytes) => bytes,
        }
    }

    /// Memory it takes beyond its own, bytes.
    fn held_bytes(&self) -> usize {
        match self {
            Tail::Short(..) => 0,
            Tail::Long(bytes) => bytes.capacity(),
        }
    }

    fn push(&mut self, data: &[u8]) {
        match self {
            Tail::Short(length, bytes) => {
                let before = usize::from(*length);
                let end = before + data.len();
                if let Some(room) = bytes.get_mut(before..end) {
                    room.copy_from_slice(data);
                    *length = end as u8;
                    return;
                }
                let mut long = Vec::with_capacity(room(end));
                if data.len() < TAIL_BYTES {
                    long.extend_from_slice(&bytes[..before]);
                }
                long.extend_from_slice(last(data));
                *self = Tail::Long(long);
            }
            Tail::Long(bytes) => {
                if data.len() >= TAIL_BYTES {
                    bytes.clear();
                } else if bytes.len() + data.len() > 2 * TAIL_BYTES {
                    bytes.drain(..bytes.len() - TAIL_BYTES);
                }
                let data = last(data);
                if bytes.len() + data.len() > bytes.capacity() {
                    bytes.reserve_exact(room(bytes.len() + data.len()) - bytes.len());
                }
                bytes.extend_from_slice(data);
            }
        }
    }
}

/// Room for a tail of so many bytes, in few steps: most grow once. What is up to the second step comes
/// out of the allocator's cache.
fn room(bytes: usize) -> usize {
    match bytes {
        0..=128 => 128,
        129..=1024 => 1024,
        _ => 2 * TAIL_BYTES,
    }
}

fn last(data: &[u8]) -> &[u8] {
    &data[data.len().saturating_sub(TAIL_BYTES)..]
}

#[derive(Debug, Clone)]
struct Held {
    sequence: u32,
    cite: Cite,
    data: Box<[u8]>,
}

impl Disorder {
    /// Takes the bytes from `sequence` to `end` out of the holes; returns how many lay in them.
    fn fill(&mut self, sequence: u32, end: u32) -> u32 {
        let mut filled = 0;
        let mut index = 0;
        while index < self.holes.len() {
            let (from, to) = self.holes[index];
            let start = if is_before(from, sequence) { sequence } else { from };
            let stop = if is_before(end, to) { end } else { to };
            if !is_before(start, stop) {
                index += 1;
                continue;
            }
            filled += stop.wrapping_sub(start);
            match (is_before(from, start), is_before(stop, to)) {
                (false, false) => {
                    self.holes.remove(index);
                    continue;
                }
                (true, false) => self.holes[index].1 = start,
                (false, true) => self.holes[index].0 = stop,
                (true, true) => {
                    self.holes[index].1 = start;
                    index += 1;
                    self.holes.insert(index, (stop, to));
                }
            }
            index += 1;
        }
        filled
    }

    /// Gives up the oldest holes: beyond the bound, and those that lie so far behind `high` that
    /// nothing can fill them and comparing sequence numbers would mean nothing.
    fn give_up_holes(&mut self, high: u32) {
        while let Some(&(from, to)) = self.holes.first()
            && (self.holes.len() > HOLES_MAX || high.wrapping_sub(from) > 2 * JUMP_MAX)
        {
            self.abandoned += u64::from(to.wrapping_sub(from));
            self.holes.remove(0);
        }
    }
}

impl Held {
    fn cost(&self) -> usize {
        self.data.len() + size_of::<Held>()
    }
}

impl Cite {
    /// Payload that came in this frame, of the side and kind of `like`.
    fn segment<'a>(self, data: &'a [u8], gap: u64, like: &Segment<'_>) -> Segment<'a> {
        Segment {
            side: like.side,
            data,
            frame: self.frame,
            time: self.time,
            wire_length: self.length,
            gap,
            datagram: like.datagram,
        }
    }
}

/// What one segment added.
pub(super) struct Added {
    /// Bytes not seen before.
    pub new_bytes: u32,
}

fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

impl Half {
    fn disorder(&self) -> Option<&Disorder> {
        self.kept.as_ref()?.disorder.as_deref()
    }

    fn disorder_mut(&mut self) -> Option<&mut Disorder> {
        self.kept.as_mut()?.disorder.as_deref_mut()
    }

    fn need_disorder(&mut self) -> &mut Disorder {
        self.kept.get_or_insert_default().disorder.get_or_insert_default()
    }

    /// Notes the sequence number of a SYN: payload starts behind it.
    pub(super) fn synchronise(&mut self, sequence: u32) {
        if !self.started {
            self.started = true;
            self.high = sequence.wrapping_add(1);
            self.next = self.high;
        }
    }

    /// Bytes that must have been sent but were not captured.
    pub(super) fn missed(&self) -> u64 {
        let Some(disorder) = self.disorder() else { return 0 };
        let open = disorder.holes.iter().map(|&(from, to)| u64::from(to.wrapping_sub(from)));
        disorder.abandoned + open.sum::<u64>()
    }

    /// Notes what the other side acknowledged.
    #[inline]
    pub(super) fn acknowledge(&mut self, acknowledgment: u32, fin_sent: bool) {
        let ahead = acknowledgment.wrapping_sub(self.high);
        if self.started && ahead > u32::from(fin_sent) && ahead < JUMP_MAX {
            self.acknowledged_unseen = true;
        }
    }

    /// Whether the first sequence number was this one, of a direction without payload.
    pub(super) fn begins_at(&self, sequence: u32) -> bool {
        self.started && self.high == sequence.wrapping_add(1)
    }

    /// Whether a segment goes beyond all that was seen.
    pub(super) fn is_new(&self, sequence: u32, length: u32) -> bool {
        !self.started || is_before(self.high, sequence.wrapping_add(length))
    }

    /// Counts a segment of `length` bytes at `sequence`.
    #[inline]
    pub(super) fn count(&mut self, sequence: u32, length: u32) -> Added {
        if !self.started {
            self.started = true;
            self.high = sequence;
            self.next = sequence;
        }
        let end = sequence.wrapping_add(length);
        if sequence == self.high {
            self.high = end;
            return Added { new_bytes: length };
        }
        self.count_disordered(sequence, end)
    }

    #[cold]
    fn count_disordered(&mut self, sequence: u32, end: u32) -> Added {
        if is_before(self.high, sequence) {
            let before = std::mem::replace(&mut self.high, end);
            if sequence.wrapping_sub(before) < JUMP_MAX {
                let disorder = self.need_disorder();
                disorder.holes.push((before, sequence));
                disorder.give_up_holes(end);
            }
            return Added { new_bytes: end.wrapping_sub(sequence) };
        }
        let mut new_bytes = 0;
        if is_before(self.high, end) {
            new_bytes += end.wrapping_sub(self.high);
            self.high = end;
        }
        let high = self.high;
        if let Some(disorder) = self.disorder_mut() {
            disorder.give_up_holes(high);
            new_bytes += disorder.fill(sequence, end);
            disorder.give_up_holes(high);
        }
        Added { new_bytes }
    }

    /// Hands out `segment` and whatever it makes complete, in order. `length` is the payload on
    /// the wire, of which the capture may hold less. Returns false when no more is wanted. Of two
    /// copies of a byte the first counts; that they differ is noted.
    pub(super) fn hand_out(
        &mut self,
        sequence: u32,
        length: u32,
        segment: Segment<'_>,
        give: &mut dyn FnMut(&Segment<'_>) -> bool,
    ) -> bool {
        let ahead = sequence.wrapping_sub(self.next);
        if ahead != 0 && ahead < JUMP_MAX {
            return self.hold(sequence, segment, give);
        }
        let seen = self.next.wrapping_sub(sequence);
        if seen > 0 {
            self.compare_with_tail(seen as usize, segment.data);
        }
        if seen >= length.max(1) {
            return true;
        }
        // What the capture cut off is missing before the next piece.
        let mut rest = segment.data.get(seen as usize..).unwrap_or(&[]);
        self.compare_with_held(self.next, rest);
        while !rest.is_empty() {
            // What is held back came first.
            let held = self.disorder().and_then(|disorder| disorder.held.front());
            let clear = held.map_or(rest.len(), |h| h.sequence.wrapping_sub(self.next) as usize);
            let data = &rest[..clear.min(rest.len())];
            let from = self.next;
            if !data.is_empty() && !self.pass_on(&Segment { data, ..segment }, give) {
                return false;
            }
            if !self.release(segment, give) {
                return false;
            }
            rest = rest.get(self.next.wrapping_sub(from) as usize..).unwrap_or(&[]);
        }
        true
    }

    /// Hands out a piece and moves behind it. Where that was the last one that is wanted, nothing
    /// of it is kept.
    fn pass_on(&mut self, piece: &Segment<'_>, give: &mut dyn FnMut(&Segment<'_>) -> bool) -> bool {
        self.next = self.next.wrapping_add(piece.data.len() as u32);
        if !give(piece) {
            return false;
        }
        self.kept.get_or_insert_default().tail.push(piece.data);
        true
    }

    /// Holds bytes that begin `back` before the next one to hand out against what was there.
    fn compare_with_tail(&mut self, back: usize, data: &[u8]) {
        let tail = self.kept.as_ref().map_or(&[][..], |kept| kept.tail.bytes());
        let kept = back.min(tail.len());
        let old = &tail[tail.len() - kept..];
        let new = data.get(back - kept..).unwrap_or(&[]);
        if old.iter().zip(new).any(|(old, new)| old != new) {
            self.conflicts = self.conflicts.saturating_add(1);
        }
    }

    /// Holds bytes at `sequence` against what is held back for the same place.
    fn compare_with_held(&mut self, sequence: u32, data: &[u8]) {
        let Some(disorder) = self.disorder().filter(|disorder| !disorder.held.is_empty()) else {
            return;
        };
        let base = self.next;
        let from = sequence.wrapping_sub(base);
        let start = disorder.held.partition_point(|h| h.sequence.wrapping_sub(base) < from);
        let differs = |held: &Held| {
            let at = held.sequence.wrapping_sub(base);
            let (old_from, new_from) = (from.saturating_sub(at), at.saturating_sub(from));
            let old = held.data.get(old_from as usize..).unwrap_or(&[]);
            let new = data.get(new_from as usize..).unwrap_or(&[]);
            old.iter().zip(new).any(|(old, new)| old != new)
        };
        let end = u64::from(from) + data.len() as u64;
        let overlapping = disorder
            .held
            .range(start.saturating_sub(1)..)
            .take_while(|held| u64::from(held.sequence.wrapping_sub(base)) < end);
        if overlapping.into_iter().any(differs) {
            self.conflicts = self.conflicts.saturating_add(1);
        }
    }

    /// Keeps a segment that came early, until what precedes it arrives or too much is held.
    fn hold(
        &mut self,
        sequence: u32,
        segment: Segment<'_>,
        give: &mut dyn FnMut(&Segment<'_>) -> bool,
    ) -> bool {
        if segment.data.is_empty() {
            return true;
        }
        self.compare_with_held(sequence, segment.data);
        let base = self.next;
        let disorder = self.need_disorder();
        let distance = |held: &Held| held.sequence.wrapping_sub(base);
        let place = disorder.held.partition_point(|h| distance(h) < sequence.wrapping_sub(base));
        let known = disorder.held.get(place);
        if known.is_some_and(|h| h.sequence == sequence && h.data.len() >= segment.data.len()) {
            return true;
        }
        let held = Held { sequence, cite: segment.cite(), data: segment.data.into() };
        disorder.held_bytes += held.cost();
        disorder.held.insert(place, held);
        if disorder.held_bytes > HELD_BYTES_MAX { self.give_up_gap(segment, give) } else { true }
    }

    /// Hands out held pieces that have become contiguous.
    fn release(
        &mut self,
        segment: Segment<'_>,
        give: &mut dyn FnMut(&Segment<'_>) -> bool,
    ) -> bool {
        loop {
            let next = self.next;
            let Some(disorder) = self.disorder_mut() else { break };
            let Some(held) = disorder.held.front() else { break };
            let ahead = held.sequence.wrapping_sub(next);
            if ahead != 0 && ahead < JUMP_MAX {
                break;
            }
            let Some(held) = disorder.held.pop_front() else { break };
            disorder.held_bytes -= held.cost();
            let seen = next.wrapping_sub(held.sequence) as usize;
            let data = held.data.get(seen..).unwrap_or(&[]);
            if data.is_empty() {
                continue;
            }
            if !self.pass_on(&held.cite.segment(data, 0, &segment), give) {
                return false;
            }
        }
        true
    }

    /// Accepts that the bytes before the first held piece will not come, and goes on behind
    /// them. `like` lends side and time.
    pub(super) fn give_up_gap(
        &mut self,
        like: Segment<'_>,
        give: &mut dyn FnMut(&Segment<'_>) -> bool,
    ) -> bool {
        let Some(kept) = &mut self.kept else { return true };
        let Some(disorder) = &mut kept.disorder else { return true };
        let Some(held) = disorder.held.pop_front() else { return true };
        disorder.held_bytes -= held.cost();
        // What was handed out before the gap is not what stands before the piece.
        kept.tail = Tail::default();
        let gap = u64::from(held.sequence.wrapping_sub(self.next));
        self.next = held.sequence;
        let piece = held.cite.segment(&held.data, gap, &like);
        self.pass_on(&piece, give) && self.release(like, give)
    }

    /// Payload kept, bytes.
    #[inline]
    pub(super) fn held_bytes(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| {
            kept.disorder.as_ref().map_or(0, |disorder| disorder.held_bytes)
                + kept.tail.held_bytes()
        })
    }

    /// Forgets what was handed out: later copies of it are not held against it.
    pub(super) fn forget_tail(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.tail = Tail::default();
        }
    }

    pub(super) fn holds(&self) -> bool {
        self.disorder().is_some_and(|disorder| !disorder.held.is_empty())
    }

    /// Forgets held payload: nobody wants it any more. What is missing stays known.
    pub(super) fn drop_held(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        match &mut kept.disorder {
            Some(disorder) if !disorder.holes.is_empty() || disorder.abandoned > 0 => {
                disorder.held = VecDeque::new();
                disorder.held_bytes = 0;
                kept.tail = Tail::default();
            }
            _ => self.kept = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Side;
    use super::*;
    use crate::base::time::Timestamp;

    fn run(pieces: &[(u32, &[u8])]) -> (Vec<u8>, u64, Half) {
        let (mut half, mut out, mut gaps) = (Half::default(), Vec::new(), 0);
        half.synchronise(pieces[0].0.wrapping_sub(1));
        for &(sequence, data) in &pieces[1..] {
            half.count(sequence, data.len() as u32);
            let segment = Segment { data, ..segment() };
            half.hand_out(sequence, data.len() as u32, segment, &mut |piece| {
                out.extend_from_slice(piece.data);
                gaps += piece.gap;
                true
            });
        }
        (out, gaps, half)
    }

    #[test]
    fn orders_across_the_wrap_of_sequence_numbers() {
        let start = u32::MAX - 2;
        let (out, gaps, half) = run(&[
            (start, b""),
            (start.wrapping_add(6), b"gh"),
            (start.wrapping_add(3), b"def"),
            (start, b"abc"),
            (start.wrapping_add(1), b"bcd"),
        ]);
        assert_eq!(out, b"abcdefgh");
        assert_eq!((gaps, half.missed()), (0, 0));
    }

    #[test]
    fn counts_each_byte_once() {
        let mut half = Half::default();
        half.synchronise(99);
        let added: Vec<u32> = [(100, 10), (120, 10), (100, 10), (105, 20), (130, 5)]
            .into_iter()
            .map(|(sequence, length)| half.count(sequence, length).new_bytes)
            .collect();
        assert_eq!(added, [10, 10, 0, 10, 5]);
        assert_eq!(half.missed(), 0);
        half.count(200, 1);
        assert_eq!(half.missed(), 65);
    }

    #[test]
    fn one_segment_may_fill_several_holes() {
        let mut half = Half::default();
        half.synchronise(99);
        for sequence in [110, 130, 150, 170] {
            assert_eq!(half.count(sequence, 10).new_bytes, 10);
        }
        assert_eq!(half.missed(), 40);
        assert_eq!(half.count(100, 80).new_bytes, 40);
        assert_eq!(half.missed(), 0);
    }

    #[test]
    fn holes_stay_few_when_one_is_split_again_and_again() {
        let mut half = Half::default();
        half.synchronise(0);
        half.count(1_000_001, 1);
        for sequence in (3..100_000u32).step_by(2) {
            half.count(sequence, 1);
            assert!(half.disorder().unwrap().holes.len() <= HOLES_MAX);
        }
        // Those given up were below what came later, so every byte is still counted once.
        assert_eq!(half.missed(), 1_000_000 - (100_000u64 - 3).div_ceil(2));
    }

    #[test]
    fn jumps_around_the_whole_sequence_space_keep_counts_sane() {
        let mut half = Half::default();
        half.synchronise(0);
        let mut sequence = 1u32;
        for round in 0..1000u32 {
            sequence = sequence.wrapping_add(JUMP_MAX - 1 - round);
            assert_eq!(half.count(sequence, 7).new_bytes, 7);
            assert!(half.count(sequence.wrapping_sub(JUMP_MAX + 9), 7).new_bytes <= 7);
        }
    }

    #[test]
    fn copies_that_differ_are_noted_and_the_first_counts() {
        // Of what was handed out, of what is held back, and across the end of one piece.
        for pieces in [
            &[(10, &b""[..]), (10, b"abcd"), (12, b"cX"), (14, b"ef")][..],
            &[(10, b""), (12, b"cd"), (12, b"cX"), (10, b"ab"), (14, b"ef")],
            &[(10, b""), (12, b"cdef"), (10, b"abcX")],
            &[(10, b""), (10, b"ab"), (11, b"Xcdef")],
        ] {
            let (out, gaps, half) = run(pieces);
            assert_eq!((&out[..], gaps, half.conflicts), (&b"abcdef"[..], 0, 1), "{pieces:?}");
        }
        let (_, _, same) =
            run(&[(10, b""), (12, b"cd"), (10, b"abc"), (11, b"bcd"), (10, b"abcd")]);
        assert_eq!(same.conflicts, 0);
    }

    #[test]
    fn what_was_handed_out_is_remembered_however_it_grew() {
        let bytes: Vec<u8> = (0..9000u32).map(|at| (at % 251) as u8).collect();
        for size in [1, 7, 45, 46, 47, 128, 129, 1000, 1448, 2047, 2048, 2049, 9000] {
            for total in [46, 47, 128, 129, 1024, 1025, 4096, 4097, 9000] {
                let mut half = Half::default();
                half.synchronise(0);
                let mut hand_out = |from: usize, data: &[u8]| {
                    let segment = Segment { data, ..segment() };
                    half.hand_out(1 + from as u32, data.len() as u32, segment, &mut |_| true);
                    assert!(half.held_bytes() <= 2 * TAIL_BYTES, "{size} {total}");
                    half.conflicts
                };
                for (at, piece) in bytes[..total].chunks(size).enumerate() {
                    hand_out(at * size, piece);
                }
                let from = total.saturating_sub(TAIL_BYTES);
                let mut again = bytes[from..total].to_vec();
                assert_eq!(hand_out(from, &again), 0, "{size} {total}");
                again[0] ^= 1;
                assert_eq!(hand_out(from, &again), 1, "{size} {total}");
            }
        }
    }

    #[test]
    fn nothing_is_kept_of_what_nobody_wants_but_what_is_missing() {
        let (_, _, mut half) = run(&[(10, b""), (10, b"ab"), (20, b"cd")]);
        let data = &b"cdefghij"[..];
        assert!(!half.hand_out(12, 8, Segment { data, ..segment() }, &mut |_| false));
        half.drop_held();
        assert_eq!((half.missed(), half.held_bytes()), (8, 0));
        let (_, _, mut half) = run(&[(10, b""), (10, b"ab")]);
        assert!(!half.hand_out(12, 8, Segment { data, ..segment() }, &mut |_| false));
        half.drop_held();
        assert!(half.kept.is_none());
    }

    #[test]
    fn early_pieces_of_one_byte_are_bounded_too() {
        let mut half = Half::default();
        half.synchronise(0);
        let at = |frame| Segment { data: b"x", frame, ..segment() };
        for sequence in (2..20_000u32).rev() {
            half.count(sequence, 1);
            half.hand_out(sequence, 1, at(1), &mut |_| true);
            assert!(half.held_bytes() <= HELD_BYTES_MAX + 2 * TAIL_BYTES, "{sequence}");
        }
    }

    fn segment() -> Segment<'static> {
        Segment {
            side: Side::Low,
            data: &[],
            frame: 1,
            time: Timestamp(0),
            wire_length: 0,
            gap: 0,
            datagram: false,
        }
    }

    #[test]
    fn goes_on_behind_a_gap_that_never_fills() {
        let big = vec![b'x'; HELD_BYTES_MAX];
        let (out, gaps, _) =
            run(&[(10, b""), (10, b"ab"), (20, &big), (20 + big.len() as u32, b"cd")]);
        assert_eq!(gaps, 8);
        assert!(out.starts_with(b"abxx") && out.ends_with(b"xcd"));
    }
}
