//! `phonehome watch -i`: a recorder, the analysis of what it records, and the screen.

use super::Failure;
use super::capture::{Recording, check, others, segments, shown_path};
use super::control::{self, Control, Experiment};
use super::doctor::remove_ring;
use super::following::Following;
use super::knowledge::Knowledge;
use super::watch::ScreenArgs;
use crate::analysis::Moment;
use crate::base::text::safe;
use crate::labels::Labels;
use crate::live::{Follower, Recorder, Story};
use crate::recorder::{Order, Protection, protect_analysis};
use crate::sink::tui::{self, Command, State, Status, Update};
use crate::source::Finished;
use anyhow::Context;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How often the screen is told what is new: as often as there are snapshots.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Segments whose frames the screen can fetch.
const SEGMENTS_SHOWN: usize = 1024;

/// What the threads share.
struct Shared {
    control: Control,
    interfaces: Vec<String>,
    recording: Option<String>,
    protections: Vec<Protection>,
    latest: Mutex<Option<Moment>>,
    labels: Labels,
    read: Arc<AtomicU64>,
    warnings: Mutex<Vec<String>>,
}

/// Records, analyses and shows until the operator leaves or a signal comes.
pub fn run(
    recording: &Recording,
    following: &Following,
    screen: &ScreenArgs,
    knowledge: &Knowledge,
) -> Result<u8, Failure> {
    check(recording)?;
    let known = knowledge.known()?;
    let settings = recording.settings()?;
    let paths = (0..SEGMENTS_SHOWN).map(|at| settings.target.segment(at)).collect();
    let options = screen.options(paths, following.shown.here.clone())?;
    let recorder = Recorder::start(&settings, |_| {}).map_err(Failure::unreadable)?;
    let finished = Finished::default();
    let kept = settings.target.lasts().then(|| shown_path(&settings.target));
    let experiment: Experiment = recording.experiment();
    let control = Control::start(recorder, finished.clone(), experiment, kept.as_deref())?;
    let mut protections = control.story().protections;
    protections.extend(protect_analysis(&[
        &settings.target.folder(),
        &Control::folder(),
        &control::temporary(),
        // Exported views are written there.
        Path::new("."),
    ]));
    control.ready();
    let labels = Labels::default();
    let read: Arc<AtomicU64> = Arc::default();
    let follower = Follower {
        analysis: following.analysis(&known),
        settings: following.settings(),
        labels: labels.clone(),
        read: read.clone(),
        is_watched: true,
    };
    let shared = Shared {
        control,
        interfaces: recording.shown(),
        recording: kept,
        protections,
        latest: Mutex::default(),
        labels,
        read,
        warnings: Mutex::default(),
    };
    let segments = segments(&settings.target, &finished);
    let (tell, updates) = bounded(1);
    let (order, commands) = unbounded();
    let (result, end) = thread::scope(|scope| {
        let shared = &shared;
        let analysis = scope.spawn(move || {
            let mut keep = |view: Moment| *lock(&shared.latest) = Some(view);
            let end = catch_unwind(AssertUnwindSafe(|| follower.run(segments, &mut keep)));
            if end.is_err() {
                // A fault of the analysis must not end the recording.
                let text = "the analysis failed; the recording goes on".to_owned();
                lock(&shared.warnings).push(text);
            }
            end.ok()
        });
        scope.spawn(move || shared.obey(&commands));
        let teller = scope.spawn(move || {
            while !analysis.is_finished() {
                shared.tell(&tell, State::Recording);
                thread::sleep(TELL_EVERY);
            }
            let end = analysis.join().ok().flatten();
            let code = end.as_ref().map(|view| view.snapshot.exit_code());
            if let Some(view) = end {
                *lock(&shared.latest) = Some(view);
            }
            if code.is_none() {
                // Recording goes on, and so does what can still be told of it.
                while shared.control.story().end.is_none() {
                    shared.tell(&tell, State::Recording);
                    thread::sleep(TELL_EVERY);
                }
            }
            let by_signal = shared.control.was_signalled();
            shared.tell(&tell, State::Ended);
            while !by_signal && shared.tell(&tell, State::Ended) {
                thread::sleep(TELL_EVERY);
            }
            code
        });
        let result = tui::run(updates, order, options);
        drop(shared.control.order(&Order::Stop("the operator left".to_owned())));
        (result, teller.join().ok().flatten())
    });
    let story = shared.control.wait()?;
    remove_ring(&settings.target);
    result.context("the terminal cannot be used")?;
    let path = shown_path(&settings.target);
    if settings.target.lasts() {
        let packets = story.state.packets;
        writeln!(io::stdout(), "recorded: {path} ({packets} packets)")
            .map_err(anyhow::Error::from)?;
    }
    let good = story.end.is_some_and(|(_, good)| good);
    Ok(end.filter(|_| good).unwrap_or(3))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Tells the screen how things are; false when it is gone. A screen that is slow misses some.
    fn tell(&self, tell: &Sender<Update>, state: State) -> bool {
        use crossbeam_channel::TrySendError;
        let update = {
            let latest = lock(&self.latest);
            let Some(view) = &*latest else { return true };
            Update {
                snapshot: view.snapshot.clone(),
                numbers: view.numbers.clone(),
                flows: view.flows.clone(),
                status: Arc::new(self.status(view, state)),
            }
        };
        !matches!(tell.try_send(update), Err(TrySendError::Disconnected(_)))
    }

    fn status(&self, view: &Moment, state: State) -> Status {
        let Story { state: recorded, gaps, mut warnings, end, .. } = self.control.story();
        warnings.extend(lock(&self.warnings).iter().cloned());
        warnings.extend(end.map(|(reason, _)| format!("recording ended: {reason}")));
        let others = others(&view.snapshot);
        warnings.extend(others.iter().map(|other| {
            format!("{other} is on the test network too: a person's phone has rights")
        }));
        let gaps = gaps.into_iter().map(|(interface, from, to, reason)| {
            let interface = safe(interface.as_bytes());
            let place = if interface.is_empty() { "all interfaces" } else { &interface };
            (from, to, format!("{place}: {reason}"))
        });
        let lag_bytes = recorded.bytes.saturating_sub(self.read.load(Ordering::Relaxed));
        // Where all was read, silence is seen too: rates go down, and the clock goes on.
        let now =
            if lag_bytes == 0 { view.numbers.now.max(recorded.time) } else { view.numbers.now };
        Status {
            state,
            inputs: self.interfaces.clone(),
            recording: self.recording.clone(),
            now,
            packets: recorded.packets,
            bytes: recorded.bytes,
            drops: [recorded.drops.kernel, recorded.drops.interface, recorded.drops.own],
            lag_bytes,
            disk_free: (recorded.free < u64::MAX).then_some(recorded.free),
            phase: view.numbers.notes.phase.map(str::to_owned),
            marks: view.numbers.notes.all.clone(),
            gaps: gaps.collect(),
            protections: self
                .protections
                .iter()
                .map(|protection| (protection.what.clone(), protection.holds))
                .collect(),
            warnings: warnings.iter().map(|text| safe(text.as_bytes())).collect(),
            ask: self.control.question().map(|text| safe(text.as_bytes())),
        }
    }

    /// Does what the operator wants, until the screen is gone.
    fn obey(&self, commands: &Receiver<Command>) {
        for command in commands {
            let order = match command {
                Command::Mark(text) => Order::Mark(text),
                Command::Phase(phase) => Order::Phase(phase),
                Command::Label { device, label } => {
                    self.labels.set(&device, &label);
                    Order::Label { device, label }
                }
                Command::Answer(text) => {
                    self.control.answer(text);
                    continue;
                }
                // A live capture has the speed of the world.
                Command::Speed(_) => continue,
                Command::Quit => return,
            };
            drop(self.control.order(&order));
        }
    }
}
