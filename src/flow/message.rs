//! When messages begin within a flow that stays open: a packet with payload after a pause. Kept of
//! flows that have lived for a while, so that a channel which opens once and then keeps a pace is
//! seen like one that opens again each time.

use super::brief::{Brief, Kind};
use super::{Cite, Flow, Marks, Side};
use crate::base::time::SECOND;
use crate::decode::ip::flag;

/// A packet with payload after a pause this long begins a message, nanoseconds.
pub(super) const PAUSE_MIN: i64 = SECOND;
/// Messages are kept of flows that have lived this long, nanoseconds.
pub(super) const LIVED_MIN: i64 = 60 * SECOND;
/// Most messages kept of one flow, 32 bytes each; the oldest go first.
pub const MESSAGES_MAX: usize = 64;
/// Most flows in one table whose messages are kept: 16 MiB of messages in the 64 tables of a run.
/// By flow, since a few messages of each of many flows would show no pace in any.
pub(super) const TABLE_FLOWS_MAX: usize = 128;

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
    fn keep(&mut self, message: Message) {
        if self.ring.len() < MESSAGES_MAX {
            self.ring.push(message);
        } else {
            self.ring[self.oldest] = message;
            self.oldest = (self.oldest + 1) % MESSAGES_MAX;
        }
    }

    /// From the oldest on.
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        let (later, earlier) = self.ring.split_at(self.oldest);
        earlier.iter().chain(later)
    }
}

/// A packet with payload came after a pause: keeps it where it begins a message of a flow that has
/// lived for long.
#[cold]
pub(super) fn begins(flow: &mut Flow, brief: &Brief) {
    // Of those whose messages are kept that is known, and their beginning lies far.
    if !flow.marks.has(Marks::MESSAGES) && !has_lived(flow) {
        return;
    }
    let begins = match brief.kind {
        // Without new payload it is a keep-alive (RFC 9293 §3.8.4) or sent again.
        Kind::Tcp => {
            let half = &flow.ways[brief.side.index()].half;
            brief.flags & flag::RST == 0 && half.is_new(brief.sequence, brief.payload_length)
        }
        Kind::Udp => true,
        Kind::Other | Kind::Icmp | Kind::Igmp | Kind::Part | Kind::LostPart => false,
    };
    if begins {
        let cite = Cite { frame: brief.number, time: brief.time, length: brief.wire_length };
        let message = Message { cite, bytes: brief.payload_length, side: brief.side };
        flow.marks.set(Marks::MESSAGES, true);
        flow.rare().messages.keep(message);
    }
}

/// Whether a flow is old enough for its messages to be kept.
pub(super) fn has_lived(flow: &Flow) -> bool {
    flow.last.since(flow.first) >= LIVED_MIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    #[test]
    fn the_latest_messages_stay_in_their_order() {
        let mut messages = Messages::default();
        for frame in 1..=100 {
            let cite = Cite { frame, time: Timestamp(frame as i64), length: 60 };
            messages.keep(Message { cite, bytes: 1, side: Side::Low });
        }
        let kept: Vec<u64> = messages.iter().map(|message| message.cite.frame).collect();
        assert_eq!(kept, (37..=100).collect::<Vec<_>>());
    }
}
