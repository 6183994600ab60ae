//! One direction of a TCP connection: which bytes were delivered once, which were sent again,
//! which are missing, and the payload in order for whoever reads it.

use super::{Cite, Segment};

/// Most holes remembered in one direction. Beyond it the oldest is given up, so that late
/// arrivals into it count as sent again.
const HOLES_MAX: usize = 32;
/// Payload held back in one direction until what precedes it arrives, bytes.
pub const HELD_BYTES_MAX: usize = 64 * 1024;
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
    disorder: Option<Box<Disorder>>,
}

/// What a direction with missing or early segments needs.
#[derive(Debug, Clone, Default)]
struct Disorder {
    holes: Vec<(u32, u32)>,
    /// Bytes in holes that were given up.
    abandoned: u64,
    held: Vec<Held>,
    held_bytes: usize,
}

#[derive(Debug, Clone)]
struct Held {
    sequence: u32,
    cite: Cite,
    data: Box<[u8]>,
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
        let Some(disorder) = &self.disorder else { return 0 };
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
            if sequence.wrapping_sub(self.high) < JUMP_MAX {
                let disorder = self.disorder.get_or_insert_default();
                if disorder.holes.len() == HOLES_MAX {
                    let (from, to) = disorder.holes.remove(0);
                    disorder.abandoned += u64::from(to.wrapping_sub(from));
                }
                disorder.holes.push((self.high, sequence));
            }
            self.high = end;
            return Added { new_bytes: end.wrapping_sub(sequence) };
        }
        let mut new_bytes = 0;
        if is_before(self.high, end) {
            new_bytes += end.wrapping_sub(self.high);
            self.high = end;
        }
        let Some(Disorder { holes, .. }) = self.disorder.as_deref_mut() else {
            return Added { new_bytes };
        };
        let mut index = 0;
        while index < holes.len() {
            let (from, to) = holes[index];
            let start = if is_before(from, sequence) { sequence } else { from };
            let stop = if is_before(end, to) { end } else { to };
            if !is_before(start, stop) {
                index += 1;
                continue;
            }
            new_bytes += stop.wrapping_sub(start);
            holes.remove(index);
            for rest in [(stop, to), (from, start)] {
                if is_before(rest.0, rest.1) {
                    holes.insert(index, rest);
                }
            }
            index += 1;
        }
        Added { new_bytes }
    }

    /// Hands out `segment` and whatever it makes complete, in order. `length` is the payload on
    /// the wire, of which the capture may hold less. Returns false when no more is wanted.
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
        if seen >= length.max(1) {
            return true;
        }
        let data = segment.data.get(seen as usize..).unwrap_or(&[]);
        // What the capture cut off is missing before the next piece.
        self.next = self.next.wrapping_add(data.len() as u32);
        if !data.is_empty() && !give(&Segment { data, ..segment }) {
            return false;
        }
        self.release(segment, give)
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
        let base = self.next;
        let disorder = self.disorder.get_or_insert_default();
        let distance = |held: &Held| held.sequence.wrapping_sub(base);
        let place = disorder.held.partition_point(|h| distance(h) < sequence.wrapping_sub(base));
        let known = disorder.held.get(place);
        if known.is_some_and(|h| h.sequence == sequence && h.data.len() >= segment.data.len()) {
            return true;
        }
        disorder.held_bytes += segment.data.len();
        disorder
            .held
            .insert(place, Held { sequence, cite: segment.cite(), data: segment.data.into() });
        if disorder.held_bytes > HELD_BYTES_MAX { self.give_up_gap(segment, give) } else { true }
    }

    /// Hands out held pieces that have become contiguous.
    fn release(
        &mut self,
        segment: Segment<'_>,
        give: &mut dyn FnMut(&Segment<'_>) -> bool,
    ) -> bool {
        while let Some(disorder) = &mut self.disorder
            && let Some(held) = disorder.held.first()
        {
            let ahead = held.sequence.wrapping_sub(self.next);
            if ahead != 0 && ahead < JUMP_MAX {
                break;
            }
            let held = disorder.held.remove(0);
            disorder.held_bytes -= held.data.len();
            let seen = self.next.wrapping_sub(held.sequence) as usize;
            let data = held.data.get(seen..).unwrap_or(&[]);
            if data.is_empty() {
                continue;
            }
            self.next = self.next.wrapping_add(data.len() as u32);
            if !give(&held.cite.segment(data, 0, &segment)) {
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
        let Some(disorder) = self.disorder.as_mut().filter(|d| !d.held.is_empty()) else {
            return true;
        };
        let held = disorder.held.remove(0);
        disorder.held_bytes -= held.data.len();
        let gap = u64::from(held.sequence.wrapping_sub(self.next));
        self.next = held.sequence.wrapping_add(held.data.len() as u32);
        give(&held.cite.segment(&held.data, gap, &like)) && self.release(like, give)
    }

    /// Payload held back, bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.disorder.as_ref().map_or(0, |disorder| disorder.held_bytes)
    }

    pub(super) fn holds(&self) -> bool {
        self.disorder.as_ref().is_some_and(|disorder| !disorder.held.is_empty())
    }

    /// Forgets held payload: nobody wants it any more.
    pub(super) fn drop_held(&mut self) {
        if let Some(disorder) = &mut self.disorder {
            disorder.held = Vec::new();
            disorder.held_bytes = 0;
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
            let segment = Segment {
                side: Side::Low,
                data,
                frame: 1,
                time: Timestamp(0),
                wire_length: 0,
                gap: 0,
                datagram: false,
            };
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
    fn goes_on_behind_a_gap_that_never_fills() {
        let big = vec![b'x'; HELD_BYTES_MAX];
        let (out, gaps, _) =
            run(&[(10, b""), (10, b"ab"), (20, &big), (20 + big.len() as u32, b"cd")]);
        assert_eq!(gaps, 8);
        assert!(out.starts_with(b"abxx") && out.ends_with(b"xcd"));
    }
}
