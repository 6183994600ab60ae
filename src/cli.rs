//! Flags to ready-made objects.

#[cfg(feature = "live")]
mod capture;
mod case;
mod config;
mod compare;
mod check;
#[cfg(feature = "live")]
mod control;
#[cfg(feature = "live")]
mod doctor;
mod init;
mod key;
mod mud;
mod output;
#[cfg(feature = "live")]
mod live_screen;
mod explain;
mod export;
mod extract;
mod flow_format;
mod pdf;
mod plan;
mod reading;
mod replay;
mod shell;
mod report;
mod shown;
mod signatures;
mod watch;

use crate::analysis::Analysis;
use crate::attribution::geo::Geo;
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::Choice;
use crate::attribution::{Signatures, oui};
use crate::base::address::Mac;
use crate::canary;
use crate::case::layout;
use crate::engine::{Engine, FLOWS_MAX, Records, Settings};
use crate::finding::Severity;
use crate::flow::FLOW_BYTES;
use crate::labels::Labels;
use crate::sink::{annex, counts, flows, json, report as page, summary};
use crate::snapshot::Snapshot;
use crate::source::file::Ending;
use crate::source::{Finished, Segments, SourceError, Sources};
use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use flow_format::Format;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What does this device send, how much, to whom, in which country, under whose law — and which
/// packets prove it?
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// Take settings out of this file, with the words of the flags; `phonehome init` writes one
    #[arg(long, global = true, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  findings at or above --fail-on, or a rule of check fails
  2  wrong usage
  3  an input was damaged or could not be read, or coverage is incomplete; the result is partial
     (3 wins over 1), or a rule of check is not decided
  4  nothing could be read
  5  a case, a signature or an example does not hold what it promises

phonehome never contacts a device or a destination and opens no network connection.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what a capture shows leaving, to whom, where, and which packets prove it
    #[command(after_help = "Examples:\n  phonehome analyze captures/camera.pcapng\n  \
        phonehome analyze week.pcap.gz --device camera=00:00:5e:00:53:0a --report camera.html\n  \
        zstd -dc week.pcap.zst | phonehome analyze - --json > week.json\n  \
        phonehome analyze ring_*.pcap.gz --report week.html")]
    Analyze(Box<Analyze>),
    /// Make a page for people: what left, to whom, where, what was found, and what was not seen
    #[command(
        after_help = "Examples:\n  phonehome report captures/camera.pcapng -o camera.html\n  \
        phonehome report week.pcap.gz -o week.html --tz Europe/Amsterdam --map --here NL\n  \
        phonehome report kitchen-camera -o kitchen.html --pdf kitchen.pdf"
    )]
    Report(Box<report::Report>),
    /// Say what is new, gone or changed between recordings, and how far repeats alone differ
    #[command(
        after_help = "Examples:\n  phonehome compare captures/camera.pcapng captures/sensor.pcapng\n  \
        phonehome compare --left old1.pcap old2.pcap old3.pcap --right new1.pcap new2.pcap new3.pcap\n\n\
        Between phases that were noted while a case was recorded:\n  \
        phonehome compare --phase idle --against motion kitchen-camera --report motion.html\n\n\
        Exit codes: 0 done, 1 with --fail-on-difference and a difference, 3 a recording is partial."
    )]
    Compare(Box<compare::Compare>),
    /// Write one record a flow, for other programs
    #[command(after_help = "Examples:\n  phonehome flows captures/camera.pcapng | jq .sni\n  \
        phonehome flows week.pcap.gz --format zeek --output zeek-logs\n  \
        phonehome flows captures/camera.pcapng --format eve --output eve.json\n  \
        phonehome flows captures/camera.pcapng --format csv --sort first > flows.csv")]
    Flows(FlowsArgs),
    /// Write what a capture shows in a format for exchange: STIX 2.1
    #[command(after_help = "Examples:\n  \
        phonehome export captures/camera.pcapng --format stix > camera.stix.json\n  \
        phonehome export week.pcap.gz --format stix --output week.stix.json")]
    Export(export::Export),
    /// Take packets out of captures: of a finding, device, destination, phase or time
    #[command(after_help = extract::EXAMPLES)]
    Extract(extract::Extract),
    /// Make a MUD file (RFC 8520) of what a device does, or hold a capture against one
    #[command(subcommand)]
    Mud(mud::MudCommand),
    /// Show a capture on a screen while it is replayed: who gets what, on which evidence
    #[command(after_help = "Examples:\n  phonehome watch captures/camera.pcapng\n  \
        phonehome watch week.pcap.gz --speed 60 --here NL\n  \
        phonehome watch ring_*.pcap.gz --speed max --device camera=00:00:5e:00:53:0a\n\n\
        On the screen ? lists the keys, q quits. NO_COLOR is respected.")]
    Watch(Box<watch::Watch>),
    /// Show a finished capture, or a folder of them, on a screen
    #[command(after_help = "Examples:\n  phonehome browse captures/camera.pcapng\n  \
        phonehome browse kitchen-camera --here NL")]
    Browse(watch::Browse),
    /// Count frames, bytes and flows, and look no further
    #[command(after_help = "Example:\n  phonehome count captures/camera.pcapng")]
    Count(Count),
    /// Record from an interface without a screen: findings and summaries as lines of JSON
    #[cfg(feature = "live")]
    #[command(after_help = "Examples:\n  phonehome capture -i eth1 --case kitchen-camera\n  \
        phonehome capture -i eth1 --write week.pcapng --rotate-time 60 --duration 604800\n\n\
        Signals: SIGINT and SIGTERM end the recording in good order, SIGHUP begins a new segment,\n\
        SIGUSR1 prints a summary now.")]
    Capture(Box<capture::Capture>),
    /// Note a moment, or a phase of the experiment, in a capture that runs
    #[cfg(feature = "live")]
    #[command(after_help = "Examples:\n  phonehome mark \"motion in front of the lens\"\n  \
        phonehome mark --phase idle")]
    Mark(capture::Mark),
    /// Find out what stands in the way of a good capture, and what mends it
    #[cfg(feature = "live")]
    #[command(after_help = "Examples:\n  phonehome doctor\n  \
        phonehome doctor -i eth1 --device 00:11:22:33:44:55\n\n\
        Exit codes: 0 nothing is bad, 1 something is.")]
    Doctor(doctor::Doctor),
    /// Say what a finding means, why it matters, when it is wrong, and how to verify it by hand
    #[command(after_help = "Example:\n  phonehome explain svc.upnp-hole")]
    Explain(explain::Explain),
    /// Hold a capture against a policy, a standard or a vendor's declaration: pass, fail, not decided
    #[command(after_help = check::EXAMPLES)]
    Check(Box<check::Check>),
    /// Check, explain and export the facts about who runs which host
    #[command(subcommand)]
    Signatures(signatures::SignaturesCommand),
    /// Make, check and seal cases: evidence that others can check without phonehome
    #[command(subcommand)]
    Case(case::CaseCommand),
    /// Make and show keys that sign cases
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// List, show and check plans of experiments
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// List the interfaces that can be captured from
    #[cfg(feature = "live")]
    #[command(after_help = "Example:\n  phonehome interfaces")]
    Interfaces,
    /// The recorder; started by capture and watch
    #[cfg(feature = "live")]
    #[command(hide = true)]
    Record,
    /// Write a file of settings to fill in, every word commented out
    #[command(after_help = "Examples:\n  phonehome init\n  \
        phonehome --config phonehome.toml analyze captures/camera.pcapng\n\n\
        No file is read unless --config names it, so that one command gives one result everywhere.")]
    Init(init::Init),
    /// Print completions for a shell
    #[command(after_help = "Examples:\n  phonehome completions bash > phonehome.bash\n  \
        phonehome completions zsh > _phonehome\n  phonehome completions fish > phonehome.fish")]
    Completions(shell::Completions),
    /// Write manual pages
    #[cfg(feature = "man")]
    #[command(after_help = "Example:\n  phonehome man manual")]
    Man(shell::Man),
    /// Show which databases and signatures are loaded, and how old they are
    #[command(subcommand)]
    Data(DataCommand),
}

#[derive(Debug, Args)]
struct Knowledge {
    /// Use this MMDB file (GeoLite2, DB-IP, IPinfo) instead of the embedded database; repeatable
    #[arg(long = "geo", value_name = "FILE.mmdb", conflicts_with = "no_geo")]
    geo: Vec<PathBuf>,
    /// Load no country and network database
    #[arg(long)]
    no_geo: bool,
    /// Add the signatures of a folder to those embedded; repeatable
    #[arg(long = "signatures", value_name = "DIR", conflicts_with = "no_signatures")]
    signatures: Vec<PathBuf>,
    /// Load no signatures
    #[arg(long)]
    no_signatures: bool,
}

/// How the work is done; none of it changes the result.
#[derive(Debug, Clone, Args)]
struct Run {
    /// Threads to work with; the result is the same with any number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Most memory for live flows, MiB; when it is full the flows that would time out first are
    /// ended early, counted and shown
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    flow_memory: Option<u32>,
}

impl Run {
    fn settings(&self) -> Settings {
        let flows = |mib: u32| (mib as usize * 1024 * 1024) / FLOW_BYTES;
        Settings {
            threads: self.threads.into(),
            flows_max: self.flow_memory.map_or(FLOWS_MAX, flows),
            ..Settings::default()
        }
    }
}

#[derive(Debug, Args)]
struct Analyze {
    /// Capture files (pcap or pcapng, plain, gzip or zstd), or - for standard input; several are
    /// read as one, in the order of capture time. Or the folder of one case
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the whole result as one JSON document to standard output
    #[arg(long)]
    json: bool,
    /// Print nothing but errors; the exit code tells
    #[arg(long, short)]
    quiet: bool,
    /// Write a self-contained HTML page
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Show only this device, by hardware or network address, with a name if given; repeatable
    #[arg(long, value_name = "[NAME=]MAC|IP", value_parser = parse_device)]
    device: Vec<(Option<String>, DeviceKey)>,
    /// Leave out a device, such as the lab's own phone; repeatable
    #[arg(long, value_name = "MAC|IP", value_parser = parse_key)]
    exclude: Vec<DeviceKey>,
    /// Country of the test network (ISO 3166-1, two letters): countries that the round-trip time
    /// excludes are then said to be excluded
    #[arg(long, value_name = "COUNTRY", value_parser = parse_country)]
    here: Option<String>,
    /// Do not compute the SHA-256 of the capture for --json and --report
    #[arg(long)]
    no_hash: bool,
    /// Exit with 1 when a finding has at least this severity
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// Say what the traffic says to the rules of a policy: a file, or gdpr-transfers, ndaa-889,
    /// no-third-party, local-only; repeatable. `phonehome check` makes an exit code of it
    #[arg(long, value_name = "FILE|NAME")]
    policy: Vec<PathBuf>,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOn {
    Info,
    Low,
    Medium,
    High,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            FailOn::Info => Severity::Info,
            FailOn::Low => Severity::Low,
            FailOn::Medium => Severity::Medium,
            FailOn::High => Severity::High,
        }
    }
}

#[derive(Debug, Args)]
struct FlowsArgs {
    /// Capture files, or - for standard input; several are read as one, in the order of capture time
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Spelling of the records (docs/formats.md)
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Write here instead of to standard output; with --format zeek a folder, which is needed
    #[arg(long, short, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// Order of the records: as flows end (streams), or by first frame (needs memory for all)
    #[arg(long, value_enum, default_value_t = Sort::Ended)]
    sort: Sort,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    Ended,
    First,
}

#[derive(Debug, Args)]
struct Count {
    /// Capture files, or - for standard input; several are read as one, in the order of capture time
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Print what is loaded
    #[command(after_help = "Example:\n  phonehome data status")]
    Status(Knowledge),
}

/// A failure with its exit code.
pub struct Failure {
    /// What happened.
    pub error: anyhow::Error,
    /// Exit code.
    pub code: u8,
}

impl Failure {
    /// Nothing could be read.
    #[cfg(feature = "live")]
    fn unreadable(error: anyhow::Error) -> Failure {
        Failure { error, code: 4 }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        let code = match error.downcast_ref::<SourceError>() {
            Some(_) => 4,
            None => 2,
        };
        Failure { error, code }
    }
}

/// A reader that closes the pipe has had enough: that is a normal end.
#[must_use]
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
            || cause
                .downcast_ref::<serde_json::Error>()
                .is_some_and(|e| e.io_error_kind() == Some(io::ErrorKind::BrokenPipe))
    })
}

/// Reads arguments, and the settings that they name.
///
/// # Errors
/// When the settings cannot be used. Wrong arguments end the process.
pub fn parse(arguments: impl Iterator<Item = std::ffi::OsString>) -> Result<Cli, Failure> {
    config::parse(arguments.collect())
}

/// Runs a command; returns the exit code.
///
/// # Errors
/// When nothing could be done.
pub fn run(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
        Command::Analyze(args) => analyze(&args),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Flows(args) => write_flows(&args),
        Command::Export(args) => export::run(&args),
        Command::Extract(args) => extract::run(&args),
        Command::Mud(command) => mud::run(&command),
        Command::Watch(args) => watch::watch(&args),
        Command::Browse(args) => watch::browse(&args),
        Command::Count(args) => count(&args),
        #[cfg(feature = "live")]
        Command::Capture(args) => capture::run(&args),
        #[cfg(feature = "live")]
        Command::Mark(args) => capture::mark(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Signatures(command) => signatures::run(&command),
        Command::Case(command) => case::run(&command),
        Command::Key(command) => key::run(&command),
        Command::Plan(command) => plan::run(&command),
        #[cfg(feature = "live")]
        Command::Interfaces => capture::interfaces(),
        #[cfg(feature = "live")]
        Command::Doctor(args) => doctor::run(&args),
        #[cfg(feature = "live")]
        Command::Record => {
            crate::recorder::run().map_err(|error| Failure::unreadable(error.into()))
        }
        Command::Init(args) => init::run(&args),
        Command::Completions(args) => shell::completions(&args),
        #[cfg(feature = "man")]
        Command::Man(args) => shell::man(&args),
        Command::Data(DataCommand::Status(knowledge)) => status(&knowledge),
    }
}

fn parse_key(text: &str) -> Result<DeviceKey, String> {
    if let Ok(mac) = text.parse::<Mac>() {
        return Ok(DeviceKey::Mac(mac));
    }
    text.parse::<IpAddr>()
        .map(DeviceKey::Address)
        .map_err(|_| format!("{text:?} is neither a hardware address nor a network address"))
}

fn parse_device(text: &str) -> Result<(Option<String>, DeviceKey), String> {
    match text.split_once('=') {
        Some((name, address)) => {
            let name = crate::base::text::safe(name.as_bytes());
            Ok((Some(name), parse_key(address)?))
        }
        None => Ok((None, parse_key(text)?)),
    }
}

fn parse_country(text: &str) -> Result<String, String> {
    let code = text.to_ascii_uppercase();
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(code)
    } else {
        Err(format!("{text:?} is not a country code of two letters"))
    }
}

impl Knowledge {
    fn load(&self) -> anyhow::Result<(Signatures, Geo)> {
        let mut signatures =
            if self.no_signatures { Signatures::default() } else { Signatures::embedded()? };
        for folder in &self.signatures {
            signatures.add_folder(folder)?;
        }
        let mut geo = match (self.no_geo, self.geo.is_empty()) {
            (false, true) => Geo::embedded(),
            _ => Geo::default(),
        };
        for file in &self.geo {
            geo.add_file(file)?;
        }
        Ok((signatures, geo))
    }
}

/// A progress bar on standard error, where that is a terminal; gone when dropped.
struct Progress(ProgressBar);

impl Progress {
    fn new() -> Progress {
        let shown = io::stderr().is_terminal();
        let bar = if shown { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Progress(bar)
    }

    fn tick(&self, sources: &Sources) {
        let (read, size) = sources.progress();
        if let Some(size) = size {
            self.0.set_length(size);
        }
        self.0.set_position(read);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn open(files: &[PathBuf], hashed: bool) -> anyhow::Result<Sources> {
    if let [folder] = files
        && layout::is_recording(&layout::parts(folder))
    {
        let parts = layout::parts(folder);
        let received = layout::received(&parts);
        return match received.is_empty() {
            true => Ok(Sources::follow(recorded(&parts))),
            false => Ok(Sources::open(&received, hashed)?),
        };
    }
    Sources::check(files)?;
    Ok(Sources::open(files, hashed)?)
}

/// The segments of a recording that is read as it is now.
fn recorded(folder: &Path) -> Segments {
    let folder = folder.to_owned();
    let finished = Finished::default();
    finished.set();
    let oldest = layout::oldest(&layout::segments(&folder));
    Segments {
        path: Arc::new(move |position| layout::segment(&folder, position)),
        first: oldest,
        oldest: Arc::new(move || oldest),
        finished,
    }
}

/// Says on standard error, a line an input, what was not read; whether there was such.
fn complain(endings: &[Ending]) -> bool {
    let complaints: Vec<String> = endings.iter().filter_map(Ending::complaint).collect();
    complaints.iter().for_each(|complaint| eprintln!("phonehome: {complaint}"));
    !complaints.is_empty()
}

fn analyze(args: &Analyze) -> Result<u8, Failure> {
    let policies = check::policies(&args.policy)?;
    let hashed = !args.no_hash && (args.json || args.report.is_some());
    let mut sources = open(&args.files, hashed)?;
    let (signatures, geo) = args.knowledge.load()?;
    let canary = canary::run(&signatures, &geo);
    let settings = Settings { timeline: args.report.is_some(), ..args.run.settings() };
    let engine = Engine::new(settings, &geo, None);
    let progress = Progress::new();
    let outcome = engine.read(&mut sources, &mut |sources| progress.tick(sources));
    drop(progress);
    let endings = sources.finish();
    let fail_on = args.fail_on.map(FailOn::severity);
    let choice = Choice {
        devices: args.device.clone(),
        exclude: args.exclude.clone(),
        here: args.here.clone(),
    };
    let analysis = Analysis { signatures: &signatures, geo: &geo, canary, choice, fail_on, hashed };
    let mut snapshot = analysis.snapshot(&outcome, &endings);
    if let [folder] = &args.files[..]
        && layout::is_recording(&layout::parts(folder))
    {
        Labels::of_case(folder).apply(&mut snapshot);
    }
    check::judge(&policies, &mut snapshot);
    show(args, &snapshot)?;
    complain(&endings);
    let code = snapshot.exit_code();
    // The process ends here. To give back every string and row one by one would only take time.
    std::mem::forget((snapshot, outcome, signatures, geo));
    Ok(code)
}

fn show(args: &Analyze, snapshot: &Snapshot) -> anyhow::Result<()> {
    if let Some(path) = &args.report {
        let options = page::Options { here: args.here.clone(), ..page::Options::default() };
        std::fs::write(path, page::page_with(snapshot, &options))
            .with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    let stdout = io::stdout();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let mut out = BufWriter::new(stdout.lock());
    if args.json {
        json::write(snapshot, &mut out)?;
    } else if !args.quiet {
        summary::write(snapshot, colour, &mut out)?;
        annex::write(snapshot, &mut out)?;
    }
    out.flush()?;
    Ok(())
}

fn write_flows(args: &FlowsArgs) -> Result<u8, Failure> {
    let mut sources = open(&args.files, false)?;
    let (_, geo) = args.knowledge.load()?;
    let order = match args.sort {
        Sort::Ended => flows::Order::Ended,
        Sort::First => flows::Order::First,
    };
    let mut writer = flows::Writer::new(flow_format::spelling(args)?, order);
    let progress = Progress::new();
    let records: &mut Records<'_> = &mut writer;
    let engine = Engine::new(args.run.settings(), &geo, Some(records));
    let _ = engine.read(&mut sources, &mut |sources| progress.tick(sources));
    drop(progress);
    writer.finish().map_err(anyhow::Error::from)?;
    Ok(if complain(&sources.finish()) { 3 } else { 0 })
}

fn count(args: &Count) -> Result<u8, Failure> {
    let mut sources = open(&args.files, false)?;
    let geo = Geo::default();
    let settings = Settings { dissect: false, ..args.run.settings() };
    let progress = Progress::new();
    let outcome =
        Engine::new(settings, &geo, None).read(&mut sources, &mut |sources| progress.tick(sources));
    drop(progress);
    let mut out = BufWriter::new(io::stdout().lock());
    let (flows, evicted) = (outcome.sums.flows_created, outcome.sums.losses.flows_evicted);
    counts::write(&outcome.frames, flows, evicted, &mut out).map_err(anyhow::Error::from)?;
    out.flush().map_err(anyhow::Error::from)?;
    Ok(if complain(&sources.finish()) { 3 } else { 0 })
}

fn status(knowledge: &Knowledge) -> Result<u8, Failure> {
    let (signatures, geo) = knowledge.load()?;
    println!("signatures: {} files, SHA-256 {}", signatures.len(), signatures.sha256());
    for about in geo.about() {
        println!("database: {}, built {}, SHA-256 {}", about.name, about.build, about.sha256);
    }
    println!("hardware addresses: {}", oui::about());
    Ok(0)
}
