//! Classic pcap, microseconds, Ethernet, written as a stream.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Time of the first frame: 14 November 2023, in seconds since 1970.
const START_S: u64 = 1_700_000_000;
const SNAP_LENGTH: u32 = 262_144;

pub struct Pcap {
    out: BufWriter<File>,
    packets: u64,
    bytes: u64,
    last_us: u64,
}

impl Pcap {
    pub fn create(path: &Path) -> io::Result<Pcap> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, SNAP_LENGTH, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Pcap { out, packets: 0, bytes: 24, last_us: 0 })
    }

    /// Writes a frame `time_us` after the start; times never go back.
    pub fn frame(&mut self, time_us: u64, frame: &[u8]) -> io::Result<()> {
        debug_assert!(time_us >= self.last_us, "{time_us} after {}", self.last_us);
        self.last_us = time_us;
        let length = frame.len() as u32;
        let seconds = (START_S + time_us / 1_000_000) as u32;
        for word in [seconds, (time_us % 1_000_000) as u32, length, length] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(frame)?;
        self.packets += 1;
        self.bytes += 16 + u64::from(length);
        Ok(())
    }

    /// Size of the file so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Packets and size of the file.
    pub fn finish(mut self) -> io::Result<(u64, u64)> {
        self.out.flush()?;
        Ok((self.packets, self.bytes))
    }
}
