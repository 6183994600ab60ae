//! TCP: puts messages into segments, with handshake, acknowledgements and end, and loses one
//! segment in a thousand or brings two out of order.

use super::talk::{Message, Messages, Packet, Packets, Timed};
use crate::frame::{ACK, Ends, FIN, PUSH, RESET, SYN, SYN_OPTIONS, Tcp};
use crate::random::Random;
use std::collections::VecDeque;
use std::iter::Peekable;

const SEGMENT: usize = 1_460;
/// How long an acknowledgement may wait for something to travel with (RFC 1122 §4.2.3.2 allows
/// half a second; stacks use 40 ms).
const DELAYED_ACK_US: u64 = 40_000;
/// Acknowledgements of a remote come back together, this many, one round trip after the data: the
/// sender does not wait for each.
const REMOTE_ACKS: usize = 4;
const RETRANSMISSION_US: u64 = 220_000;
const RETRANSMITTED_OF_1000: u64 = 1;
const REORDERED_OF_1000: u64 = 1;
const RESET_OF_1000: u64 = 30;

pub fn stream(
    ends: Ends,
    messages: impl Iterator<Item = Message> + 'static,
    random: &mut Random,
) -> Packets {
    let messages: Messages = Box::new(messages);
    Box::new(Stream {
        ends,
        messages: messages.peekable(),
        queue: VecDeque::new(),
        next: [random.next() as u32, random.next() as u32],
        unacknowledged: 0,
        acknowledgements: Vec::new(),
        round_trip_us: random.long_tail(6_000, 5),
        random: Random::new(random.next()),
        state: State::New,
    })
}

#[derive(PartialEq)]
enum State {
    New,
    Open,
    Ended,
}

struct Stream {
    ends: Ends,
    messages: Peekable<Messages>,
    /// Made, not yet taken.
    queue: VecDeque<Timed>,
    /// Next sequence numbers, [device, remote].
    next: [u32; 2],
    /// Segments since the last acknowledgement.
    unacknowledged: u32,
    /// Of the message being sent: what acknowledgements on their way will confirm.
    acknowledgements: Vec<u32>,
    /// Between the place of recording, which is beside the device, and the remote.
    round_trip_us: u64,
    random: Random,
    state: State,
}

impl Iterator for Stream {
    type Item = Timed;

    fn next(&mut self) -> Option<Timed> {
        while self.queue.is_empty() {
            match self.state {
                State::New => self.open(),
                State::Open => match self.messages.next() {
                    Some(message) => self.send(&message),
                    None => self.close(),
                },
                State::Ended => return None,
            }
        }
        self.queue.pop_front()
    }
}

impl Stream {
    fn open(&mut self) {
        self.push(0, true, SYN, &[]);
        self.push(self.round_trip_us, false, SYN | ACK, &[]);
        self.push(250, true, ACK, &[]);
        self.state = State::Open;
    }

    fn close(&mut self) {
        if self.random.chance(RESET_OF_1000) {
            self.push(30_000, true, RESET | ACK, &[]);
        } else {
            self.push(20_000, true, FIN | ACK, &[]);
            self.push(self.round_trip_us, false, FIN | ACK, &[]);
            self.push(200, true, ACK, &[]);
        }
        self.state = State::Ended;
    }

    fn send(&mut self, message: &Message) {
        let from_device = message.from_device;
        let count = message.bytes.len().div_ceil(SEGMENT);
        for (number, part) in message.bytes.chunks(SEGMENT).enumerate() {
            let last = number + 1 == count;
            let after_us =
                if number == 0 { message.after_us } else { 120 + self.random.below(300) };
            let flags = if last { ACK | PUSH } else { ACK };
            self.push(after_us, from_device, flags, part);
            self.disturb(number > 0);
            self.unacknowledged += 1;
            if self.unacknowledged == 2 && !last {
                self.acknowledge(from_device, false);
            }
        }
        // A soon answer carries the acknowledgement; more from the same side can wait for it.
        let soon = self.messages.peek().filter(|next| next.after_us < DELAYED_ACK_US);
        match soon.map(|next| next.from_device == from_device) {
            Some(false) => {
                self.flush(from_device);
                self.unacknowledged = 0;
            }
            Some(true) if self.unacknowledged < 2 => {}
            _ => self.acknowledge(from_device, true),
        }
    }

    fn acknowledge(&mut self, from_device: bool, now: bool) {
        self.unacknowledged = 0;
        self.acknowledgements.push(self.next[usize::from(!from_device)]);
        if !from_device || now || self.acknowledgements.len() == REMOTE_ACKS {
            self.flush(from_device);
        }
    }

    fn flush(&mut self, from_device: bool) {
        let mut after_us = if from_device { self.round_trip_us } else { 100 };
        for acknowledgement in std::mem::take(&mut self.acknowledgements) {
            self.push(after_us, !from_device, ACK, &[]);
            if let Some(Timed { packet: Packet::Tcp(_, tcp, _), .. }) = self.queue.back_mut() {
                tcp.acknowledgement = acknowledgement;
            }
            after_us = 150;
        }
    }

    /// Sends the last segment again, or lets the one before it overtake it.
    fn disturb(&mut self, has_predecessor: bool) {
        let Some(Timed { packet: Packet::Tcp(ends, tcp, payload), .. }) = self.queue.back() else {
            return;
        };
        if self.random.chance(RETRANSMITTED_OF_1000) {
            let packet = Packet::Tcp(*ends, *tcp, payload.clone());
            self.queue.push_back(Timed { after_us: RETRANSMISSION_US, packet });
        } else if has_predecessor && self.random.chance(REORDERED_OF_1000) {
            let last = self.queue.len() - 1;
            // Times stay, packets change places; an acknowledgement in between may not.
            if let Some([before, after]) = self.queue.make_contiguous().get_mut(last - 1..)
                && before.packet.from() == after.packet.from()
            {
                std::mem::swap(&mut before.packet, &mut after.packet);
            }
        }
    }

    fn push(&mut self, after_us: u64, from_device: bool, flags: u8, payload: &[u8]) {
        let ends = if from_device { self.ends } else { self.ends.turned() };
        let (own, other) = if from_device { (0, 1) } else { (1, 0) };
        let tcp = Tcp {
            sequence: self.next[own],
            acknowledgement: if flags & ACK == 0 { 0 } else { self.next[other] },
            flags,
            options: if flags & SYN == 0 { &[] } else { SYN_OPTIONS },
        };
        let length = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.next[own] = self.next[own].wrapping_add(length);
        let packet = Packet::Tcp(ends, tcp, payload.to_vec());
        self.queue.push_back(Timed { after_us, packet });
    }
}
