//! Flags to ready-made objects.

mod analyze;
mod argument;
#[cfg(feature = "live")]
mod capture;
mod case;
mod config;
mod compare;
mod count;
mod check;
#[cfg(feature = "live")]
mod control;
#[cfg(feature = "live")]
mod doctor;
mod init;
mod input;
mod key;
mod knowledge;
mod mud;
mod output;
#[cfg(feature = "live")]
mod leave;
#[cfg(feature = "live")]
mod live_screen;
mod explain;
mod export;
mod extract;
mod flow_format;
mod flows;
mod following;
mod pdf;
mod plan;
mod reading;
mod replay;
mod shell;
mod report;
mod shown;
mod signatures;
mod watch;
mod work;

use crate::source::SourceError;
use clap::{Parser, Subcommand};
use std::io;
use std::path::PathBuf;

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
    Analyze(Box<analyze::Analyze>),
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
    Flows(flows::Flows),
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
    Count(count::Count),
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
    Data(knowledge::DataCommand),
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
        Command::Analyze(args) => analyze::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Flows(args) => flows::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Extract(args) => extract::run(&args),
        Command::Mud(command) => mud::run(&command),
        Command::Watch(args) => watch::watch(&args),
        Command::Browse(args) => watch::browse(&args),
        Command::Count(args) => count::run(&args),
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
            use crate::recorder::RecorderError;
            crate::recorder::run().map_err(|error| match &error {
                RecorderError::Live(live) => {
                    Failure::unreadable(anyhow::anyhow!("{live}\n       mend: {}", live.mend()))
                }
                _ => Failure::unreadable(error.into()),
            })
        }
        Command::Init(args) => init::run(&args),
        Command::Completions(args) => shell::completions(&args),
        #[cfg(feature = "man")]
        Command::Man(args) => shell::man(&args),
        Command::Data(command) => knowledge::data(&command),
    }
}
