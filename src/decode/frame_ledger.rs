//! The frame ledger: each frame is in exactly one bucket, so that explained + refused = total.

use super::fast::Plain;
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
    /// Puts a frame into its bucket.
    #[inline]
    pub fn count(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) {
        self.seen(frame);
        self.bucket(1, packet);
    }

    /// Counts a frame that came the short way.
    #[inline(always)]
    pub fn count_plain(&mut self, frame: &Frame<'_>, plain: &Plain<'_>) {
        self.seen(frame);
        self.flow += 1;
        if let Some(protocol) = plain.bad_checksum {
            self.bad_checksum(protocol);
        }
    }

    #[inline]
    fn seen(&mut self, frame: &Frame<'_>) {
        self.total += 1;
        self.wire_bytes += u64::from(frame.wire_length);
        self.truncated += u64::from((frame.data.len() as u64) < u64::from(frame.wire_length));
        let times = self.times.get_or_insert([frame.time; 2]);
        *times = [times[0].min(frame.time), times[1].max(frame.time)];
    }

    /// Moves frames whose fragments were put together to the bucket of what they carry.
    pub fn completed(&mut self, frames: u64, packet: &Packet<'_>) {
        self.fragment -= frames;
        self.bucket(frames, packet);
    }

    #[inline]
    fn bucket(&mut self, frames: u64, packet: &Packet<'_>) {
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
