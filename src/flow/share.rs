//! Flows whose packets come out of several inputs, such as the files of a rotated recording: what
//! each input holds of them, so that every file can be checked by itself.

use super::{Cite, Flow, Side};
use crate::base::frame;
use crate::base::time::Timestamp;
use std::ops::Deref;

/// What one input holds of a flow. Pairs are by [`Side::index`].
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Its first frame there.
    pub cite: Cite,
    /// Number of its last frame there.
    pub last_frame: u64,
    /// Time of its latest packet there.
    pub last: Timestamp,
    /// Frames.
    pub packets: [u64; 2],
    /// Whole frames on the wire, bytes.
    pub wire_bytes: [u64; 2],
    /// Payload, each byte once.
    pub delivered_bytes: [u64; 2],
}

impl Share {
    /// Of a flow that is in one input.
    pub(super) fn whole(flow: &Flow) -> Share {
        let sent = [Side::Low, Side::High].map(|side| flow.sent(side));
        Share {
            cite: flow.cite(),
            last_frame: flow.last_frame(),
            last: flow.last,
            packets: sent.map(|sent| sent.packets),
            wire_bytes: sent.map(|sent| sent.wire_bytes),
            delivered_bytes: sent.map(|sent| sent.delivered_bytes),
        }
    }
}

/// All shares of a flow. Nearly every flow is in one input, and nothing is allocated for it.
pub(super) enum FlowShares<'f> {
    Whole(Share),
    Several(&'f [Share]),
}

impl Deref for FlowShares<'_> {
    type Target = [Share];

    fn deref(&self) -> &[Share] {
        match self {
            FlowShares::Whole(share) => std::slice::from_ref(share),
            FlowShares::Several(shares) => shares,
        }
    }
}

/// One entry an input; their number is that of the inputs at most.
#[derive(Debug, Clone, Default)]
pub(super) struct Shares(Vec<Share>);

impl Shares {
    pub fn all(&self) -> &[Share] {
        &self.0
    }

    /// The one with the latest packet.
    pub fn latest(&self) -> Option<&Share> {
        self.0.iter().max_by_key(|share| share.last)
    }

    /// Begins the entry of the first input, when a packet of a second one comes.
    pub fn begin(&mut self, first: Share) {
        self.0.push(first);
    }

    pub fn add(&mut self, side: Side, cite: Cite, seen: Timestamp, delivered_bytes: u64) {
        let input = frame::input(cite.frame);
        let share = match self.0.iter().position(|share| frame::input(share.cite.frame) == input) {
            Some(at) => &mut self.0[at],
            None => {
                self.0.push(Share {
                    cite,
                    last_frame: cite.frame,
                    last: seen,
                    packets: [0; 2],
                    wire_bytes: [0; 2],
                    delivered_bytes: [0; 2],
                });
                let newest = self.0.len() - 1;
                &mut self.0[newest]
            }
        };
        let way = side.index();
        share.packets[way] += 1;
        share.wire_bytes[way] += u64::from(cite.length);
        share.delivered_bytes[way] += delivered_bytes;
        share.last_frame = share.last_frame.max(cite.frame);
        share.last = share.last.max(seen);
    }
}
