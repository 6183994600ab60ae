//! When messages begin within a flow that stays open: a packet with payload after a pause. Kept of
//! flows that have lived for a while, so that a channel which opens once and then keeps a pace is
//! seen like one that opens again each time.

use super::brief::{Brief, Kind};
use super::{Cite, Flow, Side};
use crate::base::time::SECOND;
use crate::decode::ip::flag;

/// A packet with payload after a pause this long begins a message, nanoseconds.
pub(super) const PAUSE_MIN: i64 = SECOND;
/// Messages are kept of flows that have lived this long, nanoseconds.
const LIVED_MIN: i64 = 60 * SECOND;
/// Most messages kept of one flow, 32 bytes each; the oldest go first.
pub const MESSAGES_MAX: usize = 64;
/// Most messages kept in one table: 16 MiB in the 64 tables of a run.
pub(super) const TABLE_MESSAGES_MAX: usize = 8192;

/// The beginning of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Its first frame.
    pub cite: Cite,
    /// Payload of that frame, bytes.
    pub bytes: u32,
    /// The sender.
    pub side: Side,
}

/// The latest messages of one flow.
#[derive(Debug, Clone, Default)]
pub(super) struct Messages {
    ring: Vec<Message>,
    /// Position of the oldest, once the ring is full.
    oldest: usize,
}

impl Messages {
    /// Keeps another message if there is room for it; returns how many more are kept than before.
    fn keep(&mut self, message: Message, room: usize) -> usize {
        if self.ring.len() < MESSAGES_MAX && room > 0 {
            self.ring.push(message);
            return 1;
        }
        if let Some(oldest) = self.ring.get_mut(self.oldest) {
            *oldest = message;
            self.oldest = (self.oldest + 1) % self.ring.len();
        }
        0
    }

    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// From the oldest on.
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        let (later, earlier) = self.ring.split_at(self.oldest);
        earlier.iter().chain(later)
    }
}

/// A packet with payload came after a pause: keeps it where it begins a message. `room` is what is
/// left in the table; returns what is taken of it, and whether a message was lost to it.
#[cold]
pub(super) fn begins(flow: &mut Flow, brief: &Brief, room: usize) -> (usize, bool) {
    let begins = match brief.kind {
        // Without new payload it is a keep-alive (RFC 9293 §3.8.4) or sent again.
        Kind::Tcp => {
            let half = &flow.ways[brief.side.index()].half;
            brief.flags & flag::RST == 0 && half.is_new(brief.sequence, brief.payload_length)
        }
        Kind::Udp => true,
        Kind::Other | Kind::Icmp | Kind::Part | Kind::LostPart => false,
    };
    if !begins || brief.seen.since(flow.first) < LIVED_MIN {
        return (0, false);
    }
    let cite = Cite { frame: brief.number, time: brief.time, length: brief.wire_length };
    let message = Message { cite, bytes: brief.payload_length, side: brief.side };
    let messages = flow.rare().messages.get_or_insert_default();
    let lost = room == 0 && messages.len() < MESSAGES_MAX;
    (messages.keep(message, room), lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    #[test]
    fn the_latest_messages_stay_in_their_order_whatever_the_room() {
        let message = |frame| Message {
            cite: Cite { frame, time: Timestamp(frame as i64), length: 60 },
            bytes: 1,
            side: Side::Low,
        };
        let frames = |messages: &Messages| -> Vec<u64> {
            messages.iter().map(|message| message.cite.frame).collect()
        };
        let mut messages = Messages::default();
        let kept: usize = (1..=100).map(|frame| messages.keep(message(frame), 9)).sum();
        assert_eq!(kept, MESSAGES_MAX);
        assert_eq!(frames(&messages), (37..=100).collect::<Vec<_>>());
        let mut messages = Messages::default();
        for (frame, room) in [(1, 1), (2, 1), (3, 0), (4, 0), (5, 0)] {
            messages.keep(message(frame), room);
        }
        assert_eq!(frames(&messages), [4, 5]);
        assert_eq!(Messages::default().keep(message(1), 0), 0, "no room at all");
    }
}
