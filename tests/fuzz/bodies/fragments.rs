//! IP fragments in any order, overlapping, contradictory, in tunnels that are fragments
//! themselves: every frame is explained or refused, and counted in exactly one flow.

use super::packets::{ethernet, v4, v6};
use phonehome::attribution::geo::Geo;
use phonehome::attribution::record::FlowRecord;
use phonehome::base::time::Timestamp;
use phonehome::engine::{Engine, Job, Records, Settings};
use phonehome::source::{Chunk, Frame};
use serde_json::Value;

const EVENTS_MAX: usize = 1500;
const FRAMES_A_CHUNK: usize = 256;
const MORE: u16 = 0x2000;

/// One fragment. Control bits: 1 IPv6, 2 more follow, 4 another byte than the others have there,
/// 8 in a tunnel whose packet is in two fragments, 16 their order turned, 32 only the first of
/// them, 64 long, 128 a long time passes.
struct Event {
    control: u8,
    which: u8,
    offset: u16,
    length: u8,
}

impl Event {
    fn has(&self, bit: u8) -> bool {
        self.control & bit != 0
    }

    /// The fragment as an IP packet.
    fn packet(&self) -> Vec<u8> {
        let mut length = usize::from(self.length);
        if self.has(64) {
            length *= 16;
        }
        if self.has(2) {
            length &= !7;
        }
        let start = usize::from(self.offset) * 8;
        let byte = |at: usize| (at as u8).wrapping_add((at >> 8) as u8) ^ self.which;
        let mut payload: Vec<u8> = (start..start + length).map(byte).collect();
        // The ports and the length of a UDP header.
        let header = [4, 0, 0, 53, 0, 64, 0, 0];
        payload.iter_mut().zip(header.iter().skip(start)).for_each(|(byte, &value)| *byte = value);
        if self.has(4)
            && let Some(last) = payload.last_mut()
        {
            *last ^= 0x55;
        }
        let more = u16::from(self.has(2));
        let ends = [self.which & 3, 9];
        let identification = u16::from(self.which >> 2);
        if self.has(1) {
            let place = ((self.offset << 3) | more).to_be_bytes();
            let mut extended = vec![17, 0, place[0], place[1], 0, 0, 0, self.which >> 2];
            extended.extend(payload);
            v6(ends, 44, &extended)
        } else {
            v4(ends, 17, identification, (more * MORE) | self.offset, &payload)
        }
    }

    fn frames(&self, number: u16) -> Vec<Vec<u8>> {
        let packet = self.packet();
        if !self.has(8) {
            return vec![ethernet(&packet)];
        }
        // IP in IP, cut where the length of a piece may end.
        let protocol = if self.has(1) { 41 } else { 4 };
        let cut = (packet.len() / 2).max(8) & !7;
        let (first, second) = packet.split_at(cut.min(packet.len()));
        let outer = |place, piece| ethernet(&v4([20, 21], protocol, number, place, piece));
        let mut frames = vec![outer(MORE, first), outer((cut / 8) as u16, second)];
        if self.has(16) {
            frames.swap(0, 1);
        }
        frames.truncate(if self.has(32) { 1 } else { 2 });
        frames
    }
}

/// Five bytes an event.
pub fn run(data: &[u8]) {
    let geo = Geo::default();
    let (mut packets, mut wire_bytes) = (0, 0);
    let mut take = |record: FlowRecord| {
        let record = serde_json::to_value(record).expect("a record is JSON");
        let sum = |key: &str| {
            record[key]
                .as_array()
                .map_or(0, |pair| pair.iter().filter_map(Value::as_u64).sum::<u64>())
        };
        packets += sum("packets");
        wire_bytes += sum("wire_bytes");
    };
    let take: &mut Records<'_> = &mut take;
    let mut engine = Engine::new(Settings::default(), &geo, Some(take));
    let (mut number, mut sent_bytes, mut time) = (0, 0, 0);
    let mut chunk = Chunk::default();
    let mut job = Job::default();
    let mut work = |chunk: Chunk| {
        job.replace(chunk);
        engine.job(&mut job);
    };
    for (event, bytes) in data.chunks_exact(5).take(EVENTS_MAX).enumerate() {
        let event_number = event as u16;
        let event = Event {
            control: bytes[0],
            which: bytes[1],
            offset: u16::from_be_bytes([bytes[2], bytes[3]]) & 0x1fff,
            length: bytes[4],
        };
        time += if event.has(128) { 25_000_000_000 } else { 1000 };
        for data in event.frames(event_number) {
            number += 1;
            let wire_length = data.len() as u32;
            sent_bytes += u64::from(wire_length);
            chunk.push(&Frame { number, time: Timestamp(time), wire_length, link: 1, data: &data });
        }
        if chunk.len() >= FRAMES_A_CHUNK {
            work(std::mem::take(&mut chunk));
        }
    }
    work(chunk);
    let frames = engine.finish().frames;
    let refused: u64 = frames.refused_by().values().sum();
    assert_eq!(frames.total, number);
    assert_eq!(frames.explained() + refused, frames.total, "{frames:?}");
    assert_eq!(packets, frames.flow + frames.fragment, "{frames:?}");
    if packets == number {
        assert_eq!(wire_bytes, sent_bytes);
    }
}
