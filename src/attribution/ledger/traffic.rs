//! Frames and bytes one way and the other.

use crate::flow::{self, Sent, Side};

/// Bytes one way and the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Traffic {
    /// Frames, sent and received.
    pub packets: [u64; 2],
    /// Whole frames on the wire, bytes, sent and received.
    pub wire_bytes: [u64; 2],
    /// Payload, each byte once, sent and received.
    pub delivered_bytes: [u64; 2],
}

impl Traffic {
    /// From counters as seen by one side.
    #[must_use]
    pub fn of(totals: &[Sent; 2]) -> Traffic {
        let pick = |field: fn(&Sent) -> u64| [field(&totals[0]), field(&totals[1])];
        Traffic {
            packets: pick(|sent| sent.packets),
            wire_bytes: pick(|sent| sent.wire_bytes),
            delivered_bytes: pick(|sent| sent.delivered_bytes),
        }
    }

    /// What one input holds of a flow, as seen by `local`.
    pub(super) fn of_share(share: &flow::Share, local: Side) -> Traffic {
        let turn = |ways: [u64; 2]| [ways[local.index()], ways[local.other().index()]];
        Traffic {
            packets: turn(share.packets),
            wire_bytes: turn(share.wire_bytes),
            delivered_bytes: turn(share.delivered_bytes),
        }
    }

    /// Wire bytes both ways.
    #[must_use]
    pub fn wire(&self) -> u64 {
        self.wire_bytes.iter().sum()
    }

    /// Adds another.
    pub fn add(&mut self, other: &Traffic) {
        for way in 0..2 {
            self.packets[way] += other.packets[way];
            self.wire_bytes[way] += other.wire_bytes[way];
            self.delivered_bytes[way] += other.delivered_bytes[way];
        }
    }

    /// The same seen from the other end.
    #[must_use]
    pub fn turned(&self) -> Traffic {
        let turn = |[a, b]: [u64; 2]| [b, a];
        Traffic {
            packets: turn(self.packets),
            wire_bytes: turn(self.wire_bytes),
            delivered_bytes: turn(self.delivered_bytes),
        }
    }
}
