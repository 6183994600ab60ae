//! The frame ledger: each frame is in exactly one bucket, so that explained + refused = total.

use super::{Body, Ip, Packet, Refusal};
use crate::base::time::Timestamp;
use crate::source::Frame;
use std::collections::BTreeMap;

/// Every frame, in exactly one bucket.
#[derive(Debug, Default, Clone)]
pub struct FrameLedger {
    /// Frames read.
    pub total: u64,
    /// Packets with a valid IP header, fragments apart.
    pub flow: u64,
    /// Fragments that were not put together.
    pub fragment: u64,
    /// Known protocols that are not IP, by name.
    pub other: BTreeMap<&'static str, u64>,
    /// Not explained, by reason.
    pub refused: BTreeMap<Refusal, u64>,
    /// Packets whose transport header could not be read, by reason. They count as flow.
    pub stopped: BTreeMap<&'static str, u64>,
    /// Checksums that do not fit, by protocol; often left to the network card.
    pub checksum_bad: BTreeMap<&'static str, u64>,
    /// Frames of which the capture holds less than was on the wire.
    pub truncated: u64,
    /// Sum of lengths on the wire.
    pub wire_bytes: u64,
    /// Earliest and latest capture time.
    pub times: Option<[Timestamp; 2]>,
}

impl FrameLedger {
    /// Counts a frame and puts it into its bucket.
    pub fn count(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) {
        let captured = frame.data.len() as u32;
        self.seen(std::iter::once((frame.time, captured, frame.wire_length)));
        self.bucket(1, packet);
    }

    /// Puts a frame that came the short way into its bucket; `bad_checksum` is the transport whose
    /// checksum does not fit.
    #[inline(always)]
    pub fn bucket_plain(&mut self, bad_checksum: Option<&'static str>) {
        self.flow += 1;
        if let Some(protocol) = bad_checksum {
            self.bad_checksum(protocol);
        }
    }

    /// Counts frames, whatever they hold, each by its capture time, bytes captured, and length on the
    /// wire.
    #[inline]
    pub fn seen(&mut self, frames: impl Iterator<Item = (Timestamp, u32, u32)>) {
        let (mut total, mut wire_bytes, mut truncated) = (0, 0, 0);
        let [mut first, mut last] = [i64::MAX, i64::MIN];
        for (time, captured, wire_length) in frames {
            total += 1;
            wire_bytes += u64::from(wire_length);
            truncated += u64::from(captured < wire_length);
            (first, last) = (first.min(time.0), last.max(time.0));
        }
        if total > 0 {
            self.total += total;
            self.wire_bytes += wire_bytes;
            self.truncated += truncated;
            let [first, last] = [Timestamp(first), Timestamp(last)];
            let times = self.times.get_or_insert([first, last]);
            *times = [times[0].min(first), times[1].max(last)];
        }
    }

    /// Moves frames whose fragments were put together to the bucket of what they carry.
    pub fn completed(&mut self, frames: u64, packet: &Packet<'_>) {
        self.fragment -= frames;
        self.bucket(frames, packet);
    }

    /// Puts frames into the bucket of what they carry.
    #[inline]
    pub fn bucket(&mut self, frames: u64, packet: &Packet<'_>) {
        match &packet.body {
            Body::Ip(ip) => {
                if ip.fragment {
                    self.fragment += frames;
                } else {
                    self.flow += frames;
                }
                self.faults(ip);
            }
            Body::Arp(_) => *self.other.entry("arp").or_default() += frames,
            Body::Other(name) | Body::Told(name, _) => {
                *self.other.entry(name).or_default() += frames
            }
            Body::Refused(refusal) => *self.refused.entry(*refusal).or_default() += frames,
        }
    }

    #[inline]
    fn faults(&mut self, ip: &Ip<'_>) {
        if let Some(stopped) = ip.stopped {
            *self.stopped.entry(stopped.name()).or_default() += 1;
        }
        if let Some(protocol) = ip.bad_checksum {
            self.bad_checksum(protocol);
        }
    }

    #[cold]
    fn bad_checksum(&mut self, protocol: &'static str) {
        *self.checksum_bad.entry(protocol).or_default() += 1;
    }

    /// Frames explained.
    #[must_use]
    pub fn explained(&self) -> u64 {
        self.flow + self.fragment + self.other.values().sum::<u64>()
    }

    /// Buckets of explained frames, by the keys of the JSON form.
    #[must_use]
    pub fn explained_by(&self) -> BTreeMap<String, u64> {
        let mut by: BTreeMap<String, u64> =
            self.other.iter().map(|(name, &count)| ((*name).to_owned(), count)).collect();
        for (name, count) in [("flow", self.flow), ("fragment", self.fragment)] {
            if count > 0 {
                by.insert(name.to_owned(), count);
            }
        }
        by
    }

    /// Refused frames, by the keys of the JSON form.
    #[must_use]
    pub fn refused_by(&self) -> BTreeMap<String, u64> {
        self.refused.iter().map(|(reason, &count)| (reason.to_string(), count)).collect()
    }
}
