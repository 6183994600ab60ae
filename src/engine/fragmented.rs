//! The way of IP fragments through the engine: held until their datagram is whole, then counted
//! as frames of its flow; what never gets whole is a flow of fragments between its addresses.
//! Fragments pass one at a time and in order, because which partition they belong to is known
//! only when they are whole. Whether others have waited too long is looked at with each of them.

use super::batch::{Batch, brief, payload};
use crate::base::table::BuildHasher;
use crate::base::time::Timestamp;
use crate::decode::fragments::{FragmentLosses, Fragments, Part, Released, Taken, payload_length};
use crate::decode::{Body, FrameLedger, Ip, Packet, Transport, decode};
use crate::flow::Brief;
use crate::source::Frame;

/// Fragments that wait for others, of all partitions.
#[derive(Default)]
pub(super) struct FragmentStage {
    fragments: Fragments,
    /// Frames that moved from one bucket to another when their datagram was whole.
    pub frames: FrameLedger,
}

impl FragmentStage {
    pub fn losses(&self) -> FragmentLosses {
        self.fragments.losses
    }

    /// Takes the frame at `index` of a chunk, which is a fragment.
    pub fn frame(
        &mut self,
        index: u32,
        frame: &Frame<'_>,
        seen: Timestamp,
        hasher: &BuildHasher,
        batch: &mut Batch,
    ) {
        while let Some(released) = self.fragments.expired(seen) {
            release(index, &released, hasher, batch);
        }
        let packet = decode(frame);
        if let Body::Ip(ip) = &packet.body {
            let part = Part::of(frame, ip, seen);
            self.fragment(index, frame, &packet, ip, &[part], hasher, batch);
        }
    }

    /// Gives up all that wait: the capture has ended.
    pub fn finish(&mut self, hasher: &BuildHasher, batch: &mut Batch) {
        while let Some(released) = self.fragments.oldest() {
            release(0, &released, hasher, batch);
        }
    }

    /// Takes a fragment that came in `parts`, the last of which is `frame`.
    #[expect(clippy::too_many_arguments, reason = "it calls itself with what it was given")]
    fn fragment(
        &mut self,
        index: u32,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        parts: &[Part],
        hasher: &BuildHasher,
        batch: &mut Batch,
    ) {
        let mut give_up = |released| release(index, &released, hasher, batch);
        match self.fragments.take(packet, ip, parts, &mut give_up) {
            Taken::Held => {}
            Taken::Unusable => {
                let mut ip = *ip;
                let payload_length = payload_length(&ip);
                ip.transport = Transport::None { payload_length };
                count(index, parts, packet, &ip, true, hasher, batch);
            }
            Taken::Whole(whole, mut parts) => {
                let packet = whole.packet(&mut parts);
                self.frames.completed(parts.len() as u64, &packet);
                match &packet.body {
                    Body::Ip(ip) if ip.fragment => {
                        self.fragment(index, frame, &packet, ip, &parts, hasher, batch);
                    }
                    Body::Ip(ip) => {
                        let earlier = parts.len().saturating_sub(1);
                        count(index, &parts[..earlier], &packet, ip, false, hasher, batch);
                        let seen = parts.last().map_or(frame.time, |last| last.seen);
                        let brief = brief(frame, seen, &packet, ip, hasher);
                        batch.put_together(index, &packet, brief, payload(ip));
                    }
                    body => batch.aside(index, body, &packet, frame.time),
                }
            }
        }
    }
}

/// Counts what was given up as packets of flows without ports.
fn release(index: u32, released: &Released, hasher: &BuildHasher, batch: &mut Batch) {
    for part in &released.parts {
        if let Some(ip) = released.ip(part) {
            count(index, &[*part], &released.packet, &ip, true, hasher, batch);
        }
    }
}

/// Counts frames of a flow, without what they carry.
fn count(
    index: u32,
    parts: &[Part],
    packet: &Packet<'_>,
    ip: &Ip<'_>,
    lost: bool,
    hasher: &BuildHasher,
    batch: &mut Batch,
) {
    for part in parts {
        let whole = brief(&part.frame(), part.seen, packet, ip, hasher);
        batch.put_together(index, packet, Brief::of_part(part, &whole, lost), &[]);
    }
}
