//! Fetches the packets of one interface and hands them over in blocks. It never waits for the disk
//! as long as there is room between: what does not fit there waits in the system's buffer.

use super::sandbox::with_reopening;
use super::{Block, Emptied, Message, is_set};
use crate::base::time::Timestamp;
use crate::case::clock::Clocks;
use crate::case::pcapng::{PACKET_OVERHEAD, packet};
use crate::source::Change;
use crate::source::live::{Counts, LiveSource, Next};
use crossbeam_channel::Sender;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes after which a block is handed over.
const BLOCK_BYTES: usize = 256 * 1024;
/// Time after which it is handed over, whatever is in it.
const BLOCK_AGE: Duration = Duration::from_millis(40);
/// Packets after which the clock is looked at.
const LOOK_EVERY: u32 = 64;
/// Time between two looks at the state of the interface: well below the 50 ms within which a gap
/// must be known.
const LINK_EVERY: Duration = Duration::from_millis(10);
/// Time between two looks at the counters of the system.
const COUNT_EVERY: Duration = Duration::from_millis(250);
/// Pauses while nothing comes.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(5)];
/// Idle rounds after which the longer pause is made.
const SHORT_PAUSES: u32 = 20;

/// What the system has counted on one interface.
#[derive(Default)]
pub(super) struct Counter {
    received: AtomicU64,
    lost_by_system: AtomicU64,
    lost_by_interface: AtomicU64,
}

impl Counter {
    fn set(&self, counts: Counts) {
        self.received.store(counts.received, Ordering::Relaxed);
        self.lost_by_system.store(counts.lost_by_system, Ordering::Relaxed);
        self.lost_by_interface.store(counts.lost_by_interface, Ordering::Relaxed);
    }

    pub fn get(&self) -> Counts {
        Counts {
            received: self.received.load(Ordering::Relaxed),
            lost_by_system: self.lost_by_system.load(Ordering::Relaxed),
            lost_by_interface: self.lost_by_interface.load(Ordering::Relaxed),
        }
    }
}

/// See the module.
pub(super) struct Fetch {
    pub interface: usize,
    pub source: LiveSource,
    pub counter: Arc<Counter>,
    pub stop: Arc<AtomicBool>,
    pub messages: Sender<Message>,
    pub empty: Emptied,
}

/// The writer is gone: there is nothing left to do.
struct Deaf;

impl Fetch {
    /// Until it is told to stop.
    pub fn run(mut self) {
        let why = self.work().err().map(|Deaf| "the writer ended".to_owned());
        self.counter.set(self.source.counts());
        let interface = self.interface;
        drop(self.messages.send(Message::Ended { interface, why }));
    }

    fn work(&mut self) -> Result<(), Deaf> {
        let mut block = self.block();
        let mut began = Instant::now();
        let (mut looked, mut counted) = (began, began);
        let mut down_since: Option<Timestamp> = None;
        let mut idle = 0;
        let mut until_look = LOOK_EVERY;
        loop {
            let mut pause = None;
            match self.source.fetch() {
                Next::Packet(found) => {
                    idle = 0;
                    let number = self.interface as u32;
                    packet(&mut block.bytes, number, found.time, found.wire_length, found.data);
                    block.packets += 1;
                    until_look -= 1;
                    let full = block.bytes.len() >= BLOCK_BYTES;
                    if until_look > 0 && !full {
                        continue;
                    }
                    until_look = LOOK_EVERY;
                }
                Next::Nothing => {
                    idle += 1;
                    pause = Some(PAUSES[usize::from(idle > SHORT_PAUSES)]);
                }
                Next::Gone(error) => {
                    self.hand_over(&mut block)?;
                    self.counter.set(self.source.counts());
                    let from = down_since.take().unwrap_or_else(|| Clocks::now().wall);
                    if !self.wait_for_return(from, &error.reason)? {
                        return Ok(());
                    }
                }
            }
            let now = Instant::now();
            if block.bytes.len() >= BLOCK_BYTES || now - began >= BLOCK_AGE {
                self.hand_over(&mut block)?;
                began = now;
            }
            if now - looked >= LINK_EVERY {
                looked = now;
                if is_set(&self.stop) {
                    return self.hand_over(&mut block);
                }
                match self.source.link_change() {
                    Some(Change::Down) => {
                        self.hand_over(&mut block)?;
                        let from = Clocks::now().wall;
                        down_since = Some(from);
                        self.gap(from, None, DOWN)?;
                    }
                    Some(Change::Up) => {
                        let to = Clocks::now().wall;
                        self.gap(down_since.take().unwrap_or(to), Some(to), DOWN)?;
                    }
                    None => {}
                }
            }
            if now - counted >= COUNT_EVERY {
                counted = now;
                self.counter.set(self.source.counts());
            }
            if let Some(pause) = pause {
                thread::sleep(pause);
            }
        }
    }

    /// Tries to open the interface again until it is back; false when told to stop before.
    fn wait_for_return(&mut self, from: Timestamp, reason: &str) -> Result<bool, Deaf> {
        self.gap(from, None, reason)?;
        while with_reopening(|| self.source.reopen()).is_err() {
            if is_set(&self.stop) {
                return Ok(false);
            }
            thread::sleep(LINK_EVERY);
        }
        self.gap(from, Some(Clocks::now().wall), reason)?;
        Ok(true)
    }

    fn gap(&self, from: Timestamp, to: Option<Timestamp>, reason: &str) -> Result<(), Deaf> {
        let reason = reason.to_owned();
        let gap = Message::Gap { interface: self.interface, from, to, reason };
        self.messages.send(gap).map_err(|_| Deaf)
    }

    fn block(&self) -> Block {
        let mut bytes = self.empty.try_recv().unwrap_or_default();
        bytes.clear();
        bytes.reserve(BLOCK_BYTES + 2048 + PACKET_OVERHEAD);
        Block { bytes, packets: 0 }
    }

    fn hand_over(&self, block: &mut Block) -> Result<(), Deaf> {
        if block.packets == 0 {
            return Ok(());
        }
        let full = std::mem::replace(block, self.block());
        self.messages.send(Message::Block(full)).map_err(|_| Deaf)
    }
}

/// Said of an interface that was only switched off.
const DOWN: &str = "the interface was down or had no link";
