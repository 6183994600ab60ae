//! The front of the walk: decodes the frames of a chunk and puts fragments together, in the order
//! of frames.

use super::SLICE;
use super::batch::{Job, payload};
use super::fragmented::{Context, FragmentStage};
use super::phases::Phases;
use super::timeline::{Change, Timeline};
use crate::base::table::BuildHasher;
use crate::base::time::Timestamp;
use crate::decode::fragments::FragmentLosses;
use crate::decode::{Body, FrameLedger, Ip, Packet, decode};
use crate::flow::{Brief, Recent, Sight};
use crate::source::{Chunk, Frame};
use std::ops::Range;

/// See the module.
pub(super) struct Front {
    hasher: BuildHasher,
    recent: Recent,
    fragments: FragmentStage,
    pub frames: FrameLedger,
    pub phases: Phases,
    pub timeline: Option<Timeline>,
    /// Phases of the job in hand, for the timeline.
    changes: Vec<Change>,
    /// Parts that jobs are split into.
    workers: usize,
    /// Number of the last frame.
    pub last: u64,
}

impl Front {
    pub fn new(workers: usize, timeline: bool) -> Front {
        Front {
            hasher: BuildHasher::default(),
            recent: Recent::default(),
            fragments: FragmentStage::default(),
            frames: FrameLedger::default(),
            phases: Phases::default(),
            timeline: timeline.then(Timeline::default),
            changes: Vec::new(),
            workers,
            last: 0,
        }
    }

    pub fn fragment_losses(&self) -> FragmentLosses {
        self.fragments.losses()
    }

    /// Decodes every frame of a job.
    pub fn decode(&mut self, job: &mut Job) {
        let frames = 0..job.frames();
        self.decode_some(job, frames);
    }

    /// Decodes some frames of a job, which are those behind the last ones.
    pub fn decode_some(&mut self, job: &mut Job, frames: Range<usize>) {
        job.begin(self.workers);
        self.changes.clear();
        self.changed(job);
        // The job is written to while its frames are read.
        let chunk = std::mem::take(&mut job.common.chunk);
        let earlier = chunk.notes().partition_point(|(before, _)| *before < frames.start);
        let whole = frames.end == chunk.len();
        let mut start = frames.start;
        for (before, note) in &chunk.notes()[earlier..] {
            let number = match chunk.frames(*before..frames.end.max(*before)).next() {
                Some((frame, _)) => frame.number,
                None if whole => 0,
                None => break,
            };
            self.run(&chunk, start..*before, job);
            start = *before;
            self.phases.note(note, number, &self.frames);
            self.changed(job);
        }
        self.run(&chunk, start..frames.end, job);
        if whole && let Some(last) = chunk.len().checked_sub(1) {
            self.last = chunk.frame(last).number;
        }
        job.common.chunk = chunk;
        job.split();
        if let Some(timeline) = &mut self.timeline {
            timeline.take(&job.parts, &self.changes, &job.common.asides);
        }
    }

    /// Decodes frames of the same phase.
    fn run(&mut self, chunk: &Chunk, frames: Range<usize>, job: &mut Job) {
        self.frames.seen(chunk.sizes(frames.clone()));
        for start in frames.clone().step_by(SLICE) {
            let earlier = job.packets();
            for index in start..frames.end.min(start + SLICE) {
                if let Some(bad_checksum) = job.plain(chunk, index, &self.hasher) {
                    self.frames.bucket_plain(bad_checksum);
                    let macs = || job.last().map_or([None; 2], Brief::macs);
                    self.phases.count(|| (chunk.frame(index), macs()));
                } else {
                    self.decode_slowly(chunk, index, job);
                }
            }
            job.look_back(earlier, &mut self.recent);
        }
    }

    /// Remembers which phase the next packet is in.
    fn changed(&mut self, job: &Job) {
        if let Some(phase) = self.phases.phases.len().checked_sub(1) {
            self.changes.push((job.common.places(), phase));
        }
    }

    #[inline(never)]
    fn decode_slowly(&mut self, chunk: &Chunk, index: usize, job: &mut Job) {
        let (frame, seen, index) = (&chunk.frame(index), chunk.seen(index), index as u32);
        let packet = decode(frame);
        self.frames.bucket(1, &packet);
        self.phases.count(|| (*frame, [packet.source_mac, packet.destination_mac]));
        match &packet.body {
            Body::Ip(ip) if ip.fragment => {
                let Front { fragments, frames, hasher, .. } = self;
                let mut context = Context { index, frame: *frame, hasher, frames, job };
                fragments.frame(seen, (&packet, ip), &mut context);
            }
            Body::Ip(ip) => {
                job.neighbour(ip, &packet, frame.time);
                let brief = brief(frame, seen, &packet, ip, &self.hasher);
                let sight = Sight::of(ip, &brief);
                let around = job.surroundings(&packet);
                job.packet(index, frame, payload(ip), (brief, sight), around);
            }
            body => job.aside(body, &packet, frame),
        }
    }

    /// Gives up the fragments that still wait: the capture has ended.
    pub fn finish(&mut self, job: &mut Job) {
        job.begin(self.workers);
        let Front { fragments, frames, hasher, .. } = self;
        let frame = Frame {
            number: self.last,
            time: Timestamp::default(),
            wire_length: 0,
            link: 0,
            data: &[],
        };
        fragments.finish(&mut Context { index: 0, frame, hasher, frames, job });
        job.look_back(0, &mut self.recent);
        job.split();
    }
}

/// The account of a packet.
pub(super) fn brief(
    frame: &Frame<'_>,
    seen: Timestamp,
    packet: &Packet<'_>,
    ip: &Ip<'_>,
    hasher: &BuildHasher,
) -> Brief {
    let macs = [packet.source_mac, packet.destination_mac];
    Brief::of(frame, seen, ip, macs, (&packet.vlans, &packet.tunnels), hasher)
}
