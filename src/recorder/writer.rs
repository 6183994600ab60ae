//! Writes what was fetched into segments, and says in time how far it is.

use super::checkpoint::{Checkpoints, Entry};
use super::fetch::Counter;
use super::sandbox::Protection;
use super::{Message, Order, RecorderError, Report, Settings, State, System, Target, tell};
use crate::base::time::Timestamp;
use crate::case::clock::{Clocks, Disturbance};
use crate::case::journal::{Drops, Event, Journal};
use crate::case::key::RunKey;
use crate::case::pcapng::{self, Interface, Statistics};
use crate::case::segment::Segment;
use crate::case::{CaseError, layout};
use crate::source::live::{Counts, LiveSource};
use crate::source::{Note, Noted, PHASES};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::fs::{self, File};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Time between two checkpoints: shorter than the second that may be lost at most, since it takes
/// time too until one is on the disk.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(750);
/// How often to look whether the clock was set or the machine slept: so exact is what is told.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Most bytes between two checkpoints.
const CHECKPOINT_BYTES: u64 = 8 * 1024 * 1024;
/// The disk is called nearly full when at the present rate it will be within this.
const FULL_SOON: Duration = Duration::from_secs(600);
/// The present rate is that of about so many seconds.
const RATE_SECONDS: f64 = 60.0;

/// One interface as it is described in each segment.
struct Described {
    name: String,
    link: u16,
}

/// See the module.
pub(super) struct Writer {
    target: Target,
    header: Vec<u8>,
    interfaces: Vec<Described>,
    rotate_bytes: u64,
    rotate_after: Option<Duration>,
    keep_free: u64,
    segment: Segment,
    /// The same file, for whoever makes it durable.
    handle: Arc<File>,
    segment_began: (Instant, Timestamp),
    /// What was counted when the segment began, by interface: each file tells its own losses.
    counted_before: Vec<Counts>,
    checkpoints: Checkpoints,
    public_key: String,
    /// Last line of a custody that began before.
    custody: String,
    checkpointed: (Instant, u64),
    clocks: Clocks,
    /// When they were looked at last.
    looked: Clocks,
    comments: Vec<String>,
    /// The present one; each segment says it at its beginning.
    phase: Option<Note>,
    /// Of all segments.
    packets: u64,
    bytes: u64,
    lost: u64,
    free: u64,
    /// Bytes recorded a second ago.
    bytes_before: u64,
    /// Bytes a second, of late.
    rate: f64,
    warned: bool,
    block: Vec<u8>,
}

impl Writer {
    /// Makes everything that will be written to.
    pub fn begin(
        settings: &Settings,
        system: &System,
        sources: &[LiveSource],
        begun: &Clocks,
        empty: &Sender<Vec<u8>>,
    ) -> Result<Writer, RecorderError> {
        let target = settings.target.clone();
        let (mut custody, mut journal) = (String::new(), None);
        if let Target::Case(folder) = &target {
            // It may have begun before the recording.
            custody = crate::case::custody::last(folder)?;
            journal = Some(Journal::create(layout::journal(folder), RunKey::generate()?)?);
        }
        let interfaces: Vec<Described> = settings
            .interfaces
            .iter()
            .zip(sources)
            .map(|(name, source)| Described { name: name.clone(), link: source.link_type })
            .collect();
        let mut header = Vec::new();
        pcapng::section(&mut header, &system.section(&format!("host {}", system.host)));
        for interface in &interfaces {
            let about = Interface {
                name: &interface.name,
                link: interface.link,
                snap_length: settings.options.snap_length,
                filter: &settings.options.filter,
            };
            pcapng::interface(&mut header, &about);
        }
        let public_key = journal.as_ref().map(Journal::public_key).unwrap_or_default();
        let checkpoints = Checkpoints::start(journal, target.lasts(), empty)?;
        let (segment, handle) = begin_segment(&target, 0, &header)?;
        checkpoints.begun(&header);
        let now = Instant::now();
        let rotate_after = Duration::from_secs(settings.rotate_seconds);
        Ok(Writer {
            header,
            rotate_bytes: settings.rotate_bytes,
            rotate_after: (!rotate_after.is_zero()).then_some(rotate_after),
            keep_free: settings.keep_free,
            bytes: segment.bytes,
            segment,
            handle,
            segment_began: (now, begun.wall),
            counted_before: vec![Counts::default(); interfaces.len()],
            interfaces,
            checkpoints,
            public_key,
            custody,
            checkpointed: (now, 0),
            clocks: *begun,
            looked: *begun,
            comments: Vec::new(),
            phase: None,
            packets: 0,
            lost: 0,
            free: free(&target),
            bytes_before: 0,
            rate: 0.0,
            warned: false,
            block: Vec::new(),
            target,
        })
    }

    /// Says who records what, in the journal and to whoever started this.
    pub fn introduce(
        &mut self,
        settings: &Settings,
        system: &System,
        protections: Vec<Protection>,
    ) {
        let begin = Event::Begin {
            journal: 1,
            tool: system.application.clone(),
            host: system.host.clone(),
            system: format!("{} {}", system.system, system.hardware),
            interfaces: settings.interfaces.clone(),
            filter: settings.options.filter.clone(),
            snap_length: settings.options.snap_length,
            public_key: self.public_key.clone(),
            protections: protections
                .iter()
                .map(|protection| (protection.what.clone(), protection.holds))
                .collect(),
            custody: self.custody.clone(),
        };
        // Killed before that, it leaves a journal without a line, which is no case.
        self.checkpoints.say_now(self.entry(begin));
        tell(&Report::Ready { protections, public_key: self.public_key.clone() });
    }

    fn say(&self, event: Event) {
        self.checkpoints.say(self.entry(event));
    }

    fn entry(&self, event: Event) -> Entry {
        Entry { clocks: self.clocks, event, after: None, said: None }
    }

    /// Writes until it is told to stop or cannot go on. Returns the exit code.
    pub fn run(
        mut self,
        inbox: &Receiver<Message>,
        empty: &Sender<Vec<u8>>,
        counters: &[Arc<Counter>],
        stop: &AtomicBool,
    ) -> u8 {
        let mut failure = None;
        let mut reason = None;
        let mut running = counters.len();
        while running > 0 {
            let due = CHECKPOINT_EVERY.saturating_sub(self.checkpointed.0.elapsed());
            let received = inbox.recv_timeout(due.min(LOOK_EVERY));
            self.note_disturbance();
            let written = match received {
                Ok(Message::Block(block)) if failure.is_some() => {
                    self.lost += block.packets;
                    Ok(())
                }
                Ok(Message::Block(block)) => {
                    let written = self.segment.write(&block.bytes, block.packets);
                    let used = match written {
                        Ok(()) => {
                            self.packets += block.packets;
                            self.bytes += block.bytes.len() as u64;
                            // Until the disk is asked again.
                            self.free = self.free.saturating_sub(block.bytes.len() as u64);
                            self.checkpoints.written(block.bytes)
                        }
                        Err(_) => {
                            self.lost += block.packets;
                            Some(block.bytes)
                        }
                    };
                    drop(used.map(|bytes| empty.try_send(bytes)));
                    written
                }
                Ok(Message::Order(Order::Stop(why))) => {
                    reason.get_or_insert(why);
                    stop.store(true, Ordering::Relaxed);
                    Ok(())
                }
                Ok(Message::Order(Order::Rotate)) => self.rotate(counters),
                Ok(Message::Order(order)) => self.note(order, counters),
                Ok(Message::Gap { interface, from, to, reason }) => {
                    self.gap(interface, from, to, reason);
                    Ok(())
                }
                Ok(Message::Ended { interface, why }) => {
                    running -= 1;
                    if let Some(why) = why {
                        let name = &self.interfaces[interface].name;
                        self.warn(format!("{name}: is no longer recorded: {why}"));
                    }
                    Ok(())
                }
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let went_on = written.and_then(|()| self.keep_time(counters));
            if let Err(error) = went_on
                && failure.is_none()
            {
                stop.store(true, Ordering::Relaxed);
                self.warn(error.to_string());
                failure = Some(error);
            }
            if self.free < self.keep_free && reason.is_none() && failure.is_none() {
                let left = crate::base::text::bytes(self.free);
                reason = Some(format!("the disk is nearly full: {left} are left"));
                stop.store(true, Ordering::Relaxed);
            }
        }
        let reason = match &failure {
            Some(error) => error.to_string(),
            None => reason.unwrap_or_else(|| "no interface is left".to_owned()),
        };
        self.end(counters, failure, reason)
    }

    fn end(mut self, counters: &[Arc<Counter>], failure: Option<CaseError>, reason: String) -> u8 {
        self.clocks = Clocks::now();
        let last = self.checkpoint(counters);
        let segment = layout::segment_name(self.segment.position);
        self.say(Event::Sealed { segment });
        self.say(Event::End { reason: reason.clone() });
        let said = self.checkpoints.finish();
        let good = failure.is_none() && last.is_ok() && said.is_ok();
        tell(&Report::End { reason, good });
        if good { 0 } else { 3 }
    }

    /// Checkpoints and rotates where it is time.
    fn keep_time(&mut self, counters: &[Arc<Counter>]) -> Result<(), CaseError> {
        let (then, bytes) = self.checkpointed;
        let elapsed = then.elapsed();
        if elapsed < CHECKPOINT_EVERY && self.bytes - bytes < CHECKPOINT_BYTES {
            return Ok(());
        }
        self.clocks = Clocks::now();
        if elapsed >= CHECKPOINT_EVERY {
            self.look_at_disk(elapsed);
        }
        self.checkpoint(counters)?;
        let old = self.rotate_after.is_some_and(|age| self.segment_began.0.elapsed() >= age);
        if old || self.segment.bytes >= self.rotate_bytes {
            self.rotate(counters)?;
        }
        Ok(())
    }

    /// Looks often whether the clock was set or the machine slept, so that it is told as it was,
    /// before what was received since.
    fn note_disturbance(&mut self) {
        let before = std::mem::replace(&mut self.looked, Clocks::now());
        let Disturbance { step, sleep } = self.looked.since(&before);
        if step.is_none() && sleep.is_none() {
            return;
        }
        self.clocks = self.looked;
        let to = self.looked.wall;
        if let Some(step) = step {
            self.say(Event::ClockStep { nanoseconds: step.to_string() });
            let direction = if step > 0 { "forward" } else { "back" };
            let by = crate::base::text::span(step.abs());
            let text = format!("the clock was set {direction} by {by}");
            self.comments.push(Note { time: to, what: Noted::Clock(text.clone()) }.comment());
            self.warn(text);
        }
        if sleep.is_some() {
            // By the clock as it is now.
            let from = Timestamp(to.0 - (self.looked.boot - before.boot));
            let reason = "the machine slept".to_owned();
            let what = Noted::Gap { from, interface: None, why: reason.clone() };
            self.comments.push(Note { time: to, what }.comment());
            self.say(Event::Gap { interface: String::new(), from, to, reason: reason.clone() });
            tell(&Report::Gap { interface: String::new(), from, to: Some(to), reason });
        }
    }

    fn look_at_disk(&mut self, elapsed: Duration) {
        self.free = free(&self.target);
        let now = (self.bytes - self.bytes_before) as f64 / elapsed.as_secs_f64();
        self.bytes_before = self.bytes;
        // A short burst is no reason for alarm.
        self.rate += (now - self.rate) / RATE_SECONDS;
        let a_second = self.rate;
        let room = self.free.saturating_sub(self.keep_free) as f64;
        let soon = room < a_second * FULL_SOON.as_secs_f64() || self.free < 2 * self.keep_free;
        if soon && !self.warned && self.target.lasts() {
            let left = crate::base::text::bytes(self.free);
            let seconds = room / a_second.max(1.0);
            let span = crate::base::text::span((seconds.min(1e9) * 1e9) as i64);
            self.warn(format!("{left} are left on the disk: full in {span} at this rate"));
        }
        self.warned = soon;
    }

    fn counts(&self, counters: &[Arc<Counter>]) -> Vec<Counts> {
        counters.iter().map(|counter| counter.get()).collect()
    }

    fn drops(&self, counters: &[Arc<Counter>]) -> Drops {
        let counts = self.counts(counters);
        Drops {
            kernel: counts.iter().map(|count| count.lost_by_system).sum(),
            interface: counts.iter().map(|count| count.lost_by_interface).sum(),
            own: self.lost,
        }
    }

    /// Writes the statistics and says how far the segment is.
    fn checkpoint(&mut self, counters: &[Arc<Counter>]) -> Result<(), CaseError> {
        let mut block = std::mem::take(&mut self.block);
        block.clear();
        let comments = std::mem::take(&mut self.comments);
        let counts = self.counts(counters);
        for (index, (count, before)) in counts.iter().zip(&self.counted_before).enumerate() {
            let received = count.received - before.received;
            let lost = count.lost_by_system - before.lost_by_system;
            let statistics = Statistics {
                interface: index as u32,
                time: self.clocks.wall,
                start: self.segment_began.1,
                received,
                lost_by_interface: count.lost_by_interface - before.lost_by_interface,
                lost_by_system: lost + if index == 0 { self.lost } else { 0 },
                delivered: received.saturating_sub(lost),
                comments: if index == 0 { &comments } else { &[] },
            };
            pcapng::statistics(&mut block, &statistics);
        }
        let written = self.segment.write(&block, 0);
        match &written {
            Ok(()) => {
                self.bytes += block.len() as u64;
                drop(self.checkpoints.written(block.clone()));
            }
            // They are said with the next.
            Err(_) => self.comments = comments,
        }
        self.block = block;
        self.checkpointed = (Instant::now(), self.bytes);
        let drops = self.drops(counters);
        let checkpoint = Event::Checkpoint {
            segment: layout::segment_name(self.segment.position),
            bytes: self.segment.bytes,
            packets: self.segment.packets,
            // Filled in behind, where it is made.
            sha256: String::new(),
            drops,
        };
        let after = Some(self.handle.clone());
        self.checkpoints.say(Entry { after, ..self.entry(checkpoint) });
        tell(&Report::State(State {
            time: self.clocks.wall,
            packets: self.packets,
            bytes: self.bytes,
            drops,
            received: counts.iter().map(|count| count.received).sum(),
            free: self.free,
            segment: self.segment.position as u64,
        }));
        written
    }

    fn rotate(&mut self, counters: &[Arc<Counter>]) -> Result<(), CaseError> {
        self.clocks = Clocks::now();
        self.checkpoint(counters)?;
        self.say(Event::Sealed { segment: layout::segment_name(self.segment.position) });
        self.counted_before = self.counts(counters);
        let position = self.segment.position + 1;
        let (segment, handle) = begin_segment(&self.target, position, &self.header)?;
        self.bytes += segment.bytes;
        self.checkpoints.begun(&self.header);
        (self.segment, self.handle) = (segment, handle);
        self.segment_began = (Instant::now(), self.clocks.wall);
        if let Some(phase) = &self.phase {
            self.comments.push(phase.comment());
            self.checkpoint(counters)?;
        }
        if let Target::Ring { segments, .. } = &self.target
            && let Some(oldest) = position.checked_sub(*segments)
        {
            drop(fs::remove_file(self.target.segment(oldest)));
        }
        Ok(())
    }

    /// Notes something at this place of the segment, so that the frames behind it are known.
    fn note(&mut self, order: Order, counters: &[Arc<Counter>]) -> Result<(), CaseError> {
        self.clocks = Clocks::now();
        let packets = self.segment.packets;
        let time = self.clocks.wall;
        match order {
            Order::Phase(phase) => {
                let Some(&phase) = PHASES.iter().find(|&&known| known == phase) else {
                    self.warn(format!("{phase:?} is no phase"));
                    return Ok(());
                };
                let note = Note { time, what: Noted::Phase(phase) };
                self.comments.push(note.comment());
                self.phase = Some(note);
                self.say(Event::Phase { phase: phase.to_owned(), packets });
            }
            Order::Mark(text) => {
                let note = Note { time, what: Noted::Mark(text.clone()) };
                self.comments.push(note.comment());
                self.say(Event::Mark { text, packets });
            }
            Order::Label { device, label } => {
                self.comments.push(format!("{time} label: {device} = {label}"));
                self.say(Event::Label { device, label });
            }
            Order::Rotate | Order::Stop(_) => return Ok(()),
        }
        self.checkpoint(counters)
    }

    fn gap(&mut self, interface: usize, from: Timestamp, to: Option<Timestamp>, reason: String) {
        let interface = self.interfaces[interface].name.clone();
        if let Some(to) = to {
            let what = Noted::Gap { from, interface: Some(interface.clone()), why: reason.clone() };
            self.comments.push(Note { time: to, what }.comment());
            let (interface, reason) = (interface.clone(), reason.clone());
            self.clocks = Clocks::now();
            self.say(Event::Gap { interface, from, to, reason });
        }
        tell(&Report::Gap { interface, from, to, reason });
    }

    fn warn(&self, text: String) {
        self.say(Event::Warning { text: text.clone() });
        tell(&Report::Warning(text));
    }
}

/// Bytes free where a recording goes; unlimited where the system cannot tell.
fn free(target: &Target) -> u64 {
    rustix::fs::statvfs(target.folder()).map_or(u64::MAX, |disk| disk.f_bavail * disk.f_frsize)
}

fn begin_segment(
    target: &Target,
    position: usize,
    header: &[u8],
) -> Result<(Segment, Arc<File>), CaseError> {
    let path = target.segment(position);
    let mut segment = Segment::create_at(path.clone(), position, false)?;
    segment.write(header, 0)?;
    let handle = segment.handle().map_err(CaseError::system(&path, "cannot be written"))?;
    Ok((segment, Arc::new(handle)))
}
