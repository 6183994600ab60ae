//! `phonehome capture`, and the parts of it that `watch` shares: flags to a running recorder.

use super::Failure;
use super::control::{self, Control, Experiment, Wish};
use super::following::Following;
use super::knowledge::Knowledge;
use crate::analysis::Moment;
use crate::base::text::safe;
use crate::base::time::Timestamp;
use crate::case::layout;
use crate::engine;
use crate::labels::Labels;
use crate::live::{Follower, Recorder};
use crate::plan::Plan;
use crate::recorder::{Protection, Report, Settings, Target, protect_analysis};
use crate::snapshot::Snapshot;
use crate::source::live::{Options, SNAP_LENGTH};
use crate::source::{Finished, PHASES, Segments};
use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where packets come from and where they are recorded.
#[derive(Debug, Args)]
pub struct Recording {
    /// Interface to record, or `any`; repeatable. `phonehome interfaces` lists them
    #[arg(long, short, value_name = "NAME")]
    pub interface: Vec<String>,
    /// Record into a new case: frames in segments beside a signed journal
    #[arg(long, value_name = "DIR", conflicts_with = "write")]
    pub case: Option<PathBuf>,
    /// Record into this file, which must not exist yet. Without --case and --write only the last
    /// minutes are kept, and nothing remains at the end
    #[arg(long, value_name = "FILE.pcapng")]
    pub write: Option<PathBuf>,
    /// Record only packets that match, in libpcap's filter language
    #[arg(long, short, value_name = "EXPRESSION", default_value = "")]
    pub filter: String,
    /// Most bytes kept of a packet
    #[arg(long, value_name = "BYTES", default_value_t = SNAP_LENGTH, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    pub snap_length: u32,
    /// Only packets for this machine
    #[arg(long)]
    pub no_promiscuous: bool,
    /// Hand over each packet as it comes; it loses packets at high rates
    #[arg(long)]
    pub immediate: bool,
    /// Room in the system for packets that wait to be fetched, MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=2047))]
    pub buffer: u32,
    /// Begin a new segment at this size, MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub rotate_size: u64,
    /// Begin a new segment after so many minutes
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=527_040))]
    pub rotate_time: Option<u64>,
    /// Stop before less than this is free on the disk, MiB
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub keep_free: u64,
    /// Stop after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<u64>,
    /// Carry out a plan: a name of `phonehome plan list`, or a file
    #[arg(long, value_name = "NAME|FILE", value_parser = |name: &str| crate::plan::find(name))]
    pub plan: Option<Plan>,
}

/// Segments of the temporary ring, and their size: with the one being written half a GiB.
const RING_SEGMENTS: usize = 8;
const RING_SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

impl Recording {
    /// What the recorder is told.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let target = match (&self.case, &self.write) {
            (Some(folder), _) => Target::Case(folder.clone()),
            (None, Some(file)) => Target::File(file.clone()),
            (None, None) => {
                let base = control::temporary();
                control::private(&base)?;
                let folder = base.join(format!("ring-{}", std::process::id()));
                Target::Ring { folder, segments: RING_SEGMENTS }
            }
        };
        let rotate_bytes = match target {
            Target::Ring { .. } => RING_SEGMENT_BYTES,
            Target::Case(_) | Target::File(_) => self.rotate_size * 1024 * 1024,
        };
        Ok(Settings {
            interfaces: self.interface.clone(),
            options: Options {
                filter: self.filter.clone(),
                snap_length: self.snap_length,
                promiscuous: !self.no_promiscuous,
                immediate: self.immediate,
                buffer_bytes: self.buffer * 1024 * 1024,
            },
            target,
            rotate_bytes,
            rotate_seconds: self.rotate_time.unwrap_or(0) * 60,
            keep_free: self.keep_free * 1024 * 1024,
        })
    }

    /// What steers it beside the operator.
    pub fn experiment(&self) -> Experiment {
        Experiment { duration: self.duration, plan: self.plan.clone(), ask: None }
    }

    /// Interfaces as they are shown.
    pub fn shown(&self) -> Vec<String> {
        self.interface.iter().map(|name| safe(name.as_bytes())).collect()
    }
}

/// The segments of a recording that `finished` says the end of.
pub fn segments(target: &Target, finished: &Finished) -> Segments {
    let (path, oldest) = (target.clone(), target.clone());
    Segments {
        path: Arc::new(move |position| path.segment(position)),
        first: 0,
        oldest: Arc::new(move || match &oldest {
            Target::Ring { folder, .. } => layout::oldest(folder),
            Target::Case(_) | Target::File(_) => 0,
        }),
        finished: finished.clone(),
    }
}

#[derive(Debug, Args)]
pub struct Capture {
    #[command(flatten)]
    recording: Recording,
    /// Seconds between two summaries
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    summary_every: u64,
    /// Write the whole result at the end into this file, as `phonehome analyze --json` would
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,
    #[command(flatten)]
    following: Following,
    #[command(flatten)]
    knowledge: Knowledge,
}

/// One line of output.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Begin {
        interfaces: Vec<String>,
        recording: Option<String>,
        protections: &'a [Protection],
        public_key: &'a str,
    },
    Finding {
        #[serde(flatten)]
        finding: &'a crate::finding::Finding,
    },
    Summary(Summary),
    Gap {
        interface: &'a str,
        from: Timestamp,
        to: Option<Timestamp>,
        reason: &'a str,
    },
    Warning {
        text: &'a str,
    },
    /// The plan asks the operator; `phonehome mark --answer` answers. Null when that is settled.
    Ask {
        question: Option<&'a str>,
    },
    /// The recording ended; `good` where everything that was promised is on the disk.
    End {
        reason: &'a str,
        good: bool,
    },
}

fn pass_on(report: &Report) {
    match report {
        Report::Gap { interface, from, to, reason } => {
            say(&Line::Gap { interface, from: *from, to: *to, reason });
        }
        Report::Warning(text) => say(&Line::Warning { text }),
        Report::End { reason, good } => say(&Line::End { reason, good: *good }),
        Report::Ready { .. } | Report::State(_) => {}
    }
}

/// How things stand.
#[derive(Serialize)]
struct Summary {
    /// Capture time of the newest frame; null while there is none.
    time: Option<Timestamp>,
    recorded: crate::recorder::State,
    analysed_frames: u64,
    /// Recorded, and not analysed yet.
    lag_bytes: u64,
    devices: usize,
    /// On the test network beside the device that was chosen: a person's phone has rights.
    others: Vec<String>,
    destinations: usize,
    findings: BTreeMap<String, usize>,
    complete: bool,
    incomplete_because: Vec<String>,
    /// True in the last one, in which every flow has ended.
    last: bool,
}

fn say(line: &Line<'_>) {
    if let Ok(text) = serde_json::to_string(line) {
        let mut out = io::stdout().lock();
        // Where nobody reads any more, the recording goes on.
        drop(writeln!(out, "{text}").and_then(|()| out.flush()));
    }
}

/// Runs a capture without a screen.
pub fn run(args: &Capture) -> Result<u8, Failure> {
    check(&args.recording)?;
    let known = args.knowledge.known()?;
    let settings = args.recording.settings()?;
    // Made before the right to make it anywhere is given up.
    let create = |path: &PathBuf| {
        std::fs::File::create_new(path).with_context(|| format!("{}", path.display()))
    };
    let json = args.json.as_ref().map(create).transpose()?;
    let recorder = Recorder::start(&settings, pass_on).map_err(Failure::unreadable)?;
    let finished = Finished::default();
    let segments = segments(&settings.target, &finished);
    let recording = settings.target.lasts().then(|| shown_path(&settings.target));
    let experiment = Experiment {
        ask: Some(Box::new(|question| say(&Line::Ask { question }))),
        ..args.recording.experiment()
    };
    let control = Control::start(recorder, finished, experiment, recording.as_deref())?;
    let mut protections = control.story().protections;
    protections.extend(protect_analysis(&[
        &settings.target.folder(),
        &Control::folder(),
        &control::temporary(),
    ]));
    say(&Line::Begin {
        interfaces: args.recording.shown(),
        recording,
        protections: &protections,
        public_key: &control.story().public_key,
    });
    control.ready();
    let read: Arc<AtomicU64> = Arc::default();
    let follower = Follower {
        analysis: args.following.analysis(&known),
        settings: engine::Settings { timeline: args.json.is_some(), ..args.following.settings() },
        labels: Labels::default(),
        read: read.clone(),
        is_watched: false,
    };
    let every = Duration::from_secs(args.summary_every);
    let latest: Mutex<Option<Moment>> = Mutex::default();
    let mut known: std::collections::BTreeSet<String> = Default::default();
    let mut summarised = Instant::now();
    let end = std::thread::scope(|scope| {
        scope.spawn(|| {
            control.each_status(|| {
                let latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(view) = &*latest {
                    say(&Line::Summary(summary(view, &control, &read, false)));
                }
            });
        });
        let mut show = |view: Moment| {
            new_findings(&view, &mut known);
            if summarised.elapsed() >= every {
                summarised = Instant::now();
                say(&Line::Summary(summary(&view, &control, &read, false)));
            }
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
        };
        // A fault of the analysis must not end the recording.
        let end = catch_unwind(AssertUnwindSafe(|| follower.run(segments, &mut show)));
        control.no_more_status();
        end
    });
    if end.is_err() {
        say(&Line::Warning { text: "the analysis failed; the recording goes on" });
    }
    let last = end.as_ref().ok().map(|end| {
        new_findings(end, &mut known);
        Line::Summary(summary(end, &control, &read, true))
    });
    let story = control.wait()?;
    super::doctor::remove_ring(&settings.target);
    last.as_ref().map(say);
    let Ok(end) = end else {
        let path = shown_path(&settings.target);
        return Err(anyhow::anyhow!("the analysis failed; the recording in {path} is whole").into());
    };
    if let Some(file) = json {
        let mut file = io::BufWriter::new(file);
        crate::sink::json::write(&end.snapshot, &mut file).map_err(anyhow::Error::from)?;
        file.flush().map_err(anyhow::Error::from)?;
    }
    let good = story.end.is_some_and(|(_, good)| good);
    Ok(if good { end.snapshot.exit_code() } else { 3 })
}

/// Where a recording is, as it is shown.
pub fn shown_path(target: &Target) -> String {
    let path = match target {
        Target::Case(folder) | Target::Ring { folder, .. } => folder,
        Target::File(path) => path,
    };
    safe(path.as_os_str().as_encoded_bytes())
}

fn new_findings(view: &Moment, known: &mut std::collections::BTreeSet<String>) {
    for finding in &view.snapshot.findings {
        if !known.contains(&*finding.key) {
            known.insert(finding.key.to_string());
            say(&Line::Finding { finding });
        }
    }
}

/// Devices on the test network that are not the one that was chosen, nor left out by name.
pub fn others(snapshot: &Snapshot) -> Vec<String> {
    let others = snapshot.left_out.iter().filter(|other| other.reason == "not selected");
    others.map(|other| other.id.to_string()).take(OTHERS_MAX).collect()
}

fn summary(view: &Moment, control: &Control, read: &AtomicU64, last: bool) -> Summary {
    let snapshot = &view.snapshot;
    let recorded = control.story().state;
    let mut findings = BTreeMap::new();
    for finding in &snapshot.findings {
        *findings.entry(finding.severity.name().to_owned()).or_default() += 1;
    }
    Summary {
        time: (snapshot.coverage.frames.total > 0).then_some(view.numbers.now),
        recorded,
        analysed_frames: snapshot.coverage.frames.total,
        lag_bytes: recorded.bytes.saturating_sub(read.load(Ordering::Relaxed)),
        devices: snapshot.devices.len(),
        others: others(snapshot),
        destinations: snapshot.destinations.len(),
        findings,
        complete: snapshot.coverage.complete,
        incomplete_because: snapshot.coverage.incomplete_because.clone(),
        last,
    }
}

#[derive(Debug, Args)]
pub struct Mark {
    /// What happens now
    #[arg(required_unless_present_any = ["phase", "answer"])]
    text: Option<String>,
    /// Answer the question that the plan asks; empty for "done"
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["text", "phase"], num_args = 0..=1, default_missing_value = "")]
    answer: Option<String>,
    /// Enter a phase of the experiment instead: factory, power-on, setup, idle, use, motion, update,
    /// outage, reset, after
    #[arg(long, value_name = "PHASE", value_parser = PHASES, conflicts_with = "text")]
    phase: Option<String>,
    /// The capture that is meant, by the process that `phonehome capture` or `watch` runs in, where
    /// several run
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
}

/// Most devices pointed out.
const OTHERS_MAX: usize = 32;

/// Longest mark, bytes.
const MARK_BYTES_MAX: usize = 1000;

/// Notes a moment in a capture that runs elsewhere.
pub fn mark(args: &Mark) -> Result<u8, Failure> {
    let text = args.text.as_ref().or(args.answer.as_ref());
    if text.is_some_and(|text| text.len() > MARK_BYTES_MAX) {
        return Err(anyhow::anyhow!("a mark has at most {MARK_BYTES_MAX} bytes").into());
    }
    let wish = match (&args.phase, &args.answer, &args.text) {
        (Some(phase), ..) => Wish::Phase(phase.clone()),
        (None, Some(answer), _) => Wish::Answer(answer.clone()),
        (None, None, text) => Wish::Mark(text.clone().unwrap_or_default()),
    };
    let answer = control::send(args.pid, &wish)?;
    writeln!(io::stdout(), "noted at {answer}").map_err(anyhow::Error::from)?;
    Ok(0)
}

/// Lists interfaces.
pub fn interfaces() -> Result<u8, Failure> {
    let list = crate::source::live::interfaces()
        .map_err(|error| Failure::unreadable(anyhow::Error::from(error)))?;
    if list.is_empty() {
        return Err(Failure::unreadable(anyhow::anyhow!(
            "no interface can be captured from; capturing needs root or the capability net_raw"
        )));
    }
    let mut out = io::stdout().lock();
    for interface in list {
        let state = match (interface.up, interface.running) {
            (false, _) => "down",
            (true, false) => "no link",
            (true, true) => "up",
        };
        let kind = match (interface.loopback, interface.wireless) {
            (true, _) => "loopback",
            (_, true) => "wireless",
            _ => "",
        };
        let name = safe(interface.name.as_bytes());
        let traffic = traffic(&interface.name).unwrap_or_default();
        let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
        let description = safe(interface.description.as_bytes());
        let about: Vec<&str> =
            [kind, &description].into_iter().filter(|part| !part.is_empty()).collect();
        writeln!(
            out,
            "{name:<16} {state:<8} {traffic:<34} {}  {}",
            addresses.join(" "),
            about.join(", ")
        )
        .map_err(anyhow::Error::from)?;
    }
    Ok(0)
}

/// What an interface has carried since it exists.
fn traffic(interface: &str) -> Option<String> {
    let folder = Path::new("/sys/class/net").join(interface).join("statistics");
    let number = |name: &str| -> Option<u64> {
        std::fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
    };
    let [received, sent] = ["rx_bytes", "tx_bytes"].map(number);
    let bytes = crate::base::text::bytes;
    Some(format!("received {}, sent {}", bytes(received?), bytes(sent?)))
}

/// Refuses early what the recorder would refuse late.
pub fn check(recording: &Recording) -> anyhow::Result<()> {
    if recording.interface.is_empty() {
        bail!("name an interface with -i; `phonehome interfaces` lists them");
    }
    if let Some(path) = &recording.write
        && path.exists()
    {
        bail!("{}: exists already; a recording never overwrites anything", path.display());
    }
    if let Some(folder) = &recording.case {
        let journal = layout::journal(folder);
        if journal.exists() {
            bail!("{}: exists already; a recording never overwrites anything", journal.display());
        }
        folder.parent().filter(|parent| *parent != Path::new("")).map_or(Ok(()), |parent| {
            parent.metadata().map(drop).with_context(|| parent.display().to_string())
        })?;
    }
    Ok(())
}
