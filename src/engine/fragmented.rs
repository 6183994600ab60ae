//! The way of IP fragments through the engine: held until their datagram is whole, then counted
//! as frames of its flow; what never gets whole is a flow of fragments between its addresses.
//! Whether others have waited too long is looked at with each fragment.

use super::batch::{Job, payload};
use super::front::brief;
use crate::base::table::BuildHasher;
use crate::base::time::Timestamp;
use crate::decode::fragments::{FragmentLosses, Fragments, Part, Released, Taken, payload_length};
use crate::decode::{Body, FrameLedger, Ip, Packet, Transport};
use crate::flow::{Brief, Sight};
use crate::source::Frame;

/// Fragments that wait for others, of all partitions: which one they belong to is known only when
/// they are whole.
#[derive(Default)]
pub(super) struct FragmentStage {
    fragments: Fragments,
}

/// Where a fragment is taken from and what it leads to goes.
pub(super) struct Context<'a> {
    /// Position of its frame in the chunk.
    pub index: u32,
    pub frame: Frame<'a>,
    pub hasher: &'a BuildHasher,
    pub frames: &'a mut FrameLedger,
    pub job: &'a mut Job,
}

impl FragmentStage {
    pub fn losses(&self) -> FragmentLosses {
        self.fragments.losses
    }

    /// Takes a frame that is a fragment.
    pub fn frame(
        &mut self,
        seen: Timestamp,
        (packet, ip): (&Packet<'_>, &Ip<'_>),
        context: &mut Context<'_>,
    ) {
        while let Some(released) = self.fragments.expired(seen) {
            context.release(&released);
        }
        let part = Part::of(&context.frame, ip, seen);
        self.fragment(packet, ip, &[part], context);
    }

    /// Gives up all that wait: the capture has ended.
    pub fn finish(&mut self, context: &mut Context<'_>) {
        while let Some(released) = self.fragments.oldest() {
            context.release(&released);
        }
    }

    /// Takes a fragment that came in `parts`, the last of which is the frame in turn.
    fn fragment(
        &mut self,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        parts: &[Part],
        context: &mut Context<'_>,
    ) {
        let mut give_up = |released| context.release(&released);
        match self.fragments.take(packet, ip, parts, &mut give_up) {
            Taken::Held => {}
            Taken::Unusable => {
                let mut ip = *ip;
                let payload_length = payload_length(&ip);
                ip.transport = Transport::None { payload_length };
                context.count(parts, packet, &ip, true);
            }
            Taken::Whole(whole, mut parts) => {
                let packet = whole.packet(&mut parts);
                context.frames.completed(parts.len() as u64, &packet);
                match &packet.body {
                    Body::Ip(ip) if ip.fragment => self.fragment(&packet, ip, &parts, context),
                    Body::Ip(ip) => context.whole(&parts, &packet, ip),
                    body => context.job.aside(body, &packet, &context.frame),
                }
            }
        }
    }
}

impl Context<'_> {
    /// Counts the frames of a packet that was put together; what it carries comes with the last.
    fn whole(&mut self, parts: &[Part], packet: &Packet<'_>, ip: &Ip<'_>) {
        let Some((last, earlier)) = parts.split_last() else { return };
        self.count(earlier, packet, ip, false);
        let brief = brief(&self.frame, last.seen, packet, ip, self.hasher);
        let sight = Sight::of(ip, &brief);
        self.job.put_together(self.index, packet, (brief, sight), payload(ip));
    }

    /// Counts what was given up as packets of flows without ports.
    fn release(&mut self, released: &Released) {
        for part in &released.parts {
            if let Some(ip) = released.ip(part) {
                self.count(&[*part], &released.packet, &ip, true);
            }
        }
    }

    /// Counts frames of a flow, without what they carry.
    fn count(&mut self, parts: &[Part], packet: &Packet<'_>, ip: &Ip<'_>, lost: bool) {
        for part in parts {
            let whole = brief(&part.frame(), part.seen, packet, ip, self.hasher);
            let brief = Brief::of_part(part, &whole, lost);
            self.job.put_together(self.index, packet, (brief, Sight::default()), &[]);
        }
    }
}
