//! `phonehome mud`.

use super::argument::parse_key;
use super::input::complain;
use super::knowledge::Knowledge;
use super::work::Run;
use super::{Failure, input, output, reading};
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::{Choice, World};
use crate::base::file;
use crate::base::frame::Spelling;
use crate::base::time::Timestamp;
use crate::engine::Records;
use crate::mud::{self, Controllers, Observed, Observer, Policy, Verdict};
use crate::source::file::Ending;
use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum MudCommand {
    /// Make a MUD file (RFC 8520) of what a device was seen doing, with notes for its review
    #[command(after_help = "Examples:\n  \
        phonehome mud generate captures/camera.pcapng --device 00:00:5e:00:53:10 -o camera.mud.json\n  \
        phonehome mud generate week.pcap.gz --device 00:00:5e:00:53:10 -o camera.mud.json \\\n    \
        --mud-url https://vendor.example/camera.json\n\n\
        Each kind of conversation has an entry of its own; none is for any remote and any port.\n\
        The notes lie beside the file: camera.mud.json.review.md.")]
    Generate(Generate),
    /// Say what a device was seen doing that its MUD file does not allow
    #[command(after_help = "Example:\n  \
        phonehome mud check camera.mud.json captures/camera.pcapng --device 00:00:5e:00:53:10\n\n\
        Exit codes: 0 all is allowed, 1 something is not, 3 something cannot be decided.")]
    Check(Check),
}

#[derive(Debug, Args)]
pub struct Seen {
    /// Hardware or network address of the device
    #[arg(long, value_name = "MAC|IP", value_parser = parse_key)]
    device: DeviceKey,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
}

#[derive(Debug, Args)]
pub struct Generate {
    /// Capture files, or the folder of one case; they are read twice, so no standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The MUD file
    #[arg(long, short, value_name = "FILE.json")]
    output: PathBuf,
    /// Where the manufacturer publishes it
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    mud_url: Option<String>,
    #[command(flatten)]
    seen: Seen,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The MUD file
    #[arg(value_name = "FILE.json")]
    policy: PathBuf,
    /// Capture files, or the folder of one case; they are read twice, so no standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Which address a controller is that the file names; repeatable
    #[arg(long, value_name = "NAME=IP", value_parser = parse_controller)]
    controller: Vec<(String, IpAddr)>,
    /// Write the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    seen: Seen,
}

fn parse_url(text: &str) -> Result<String, String> {
    match text.strip_prefix("https://") {
        Some(rest) if !rest.is_empty() && text.len() <= 253 && text.is_ascii() => {
            Ok(text.to_owned())
        }
        _ => Err("must begin with https:// and have at most 253 characters (RFC 8520)".to_owned()),
    }
}

fn parse_controller(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text.rsplit_once('=').ok_or("is not NAME=IP")?;
    let address = address.parse().map_err(|_| format!("{address:?} is no network address"))?;
    Ok((name.to_owned(), address))
}

pub fn run(command: &MudCommand) -> Result<u8, Failure> {
    match command {
        MudCommand::Generate(args) => generate(args),
        MudCommand::Check(args) => check(args),
    }
}

/// What the captures show of the device.
fn observe(
    files: &[PathBuf],
    args: &Seen,
) -> Result<(Observed, Observer, Vec<Ending>, Timestamp), Failure> {
    if files.iter().any(|path| path.as_os_str() == "-") {
        return Err(anyhow!("-: the inputs are read twice; give a file").into());
    }
    let (signatures, geo) = args.knowledge.load()?;
    let settings = args.run.settings();
    let (outcome, endings) = reading::walk(input::open(files, false)?, settings, &geo, None);
    let choice = Choice { devices: vec![(None, args.device)], ..Choice::default() };
    let world = World::build(&outcome.ledger, &geo, &signatures, &choice);
    let Some(device) = world.devices.first() else {
        let wanted = crate::attribution::world::device_id(args.device);
        let all = World::build(&outcome.ledger, &geo, &signatures, &Choice::default());
        let ids: Vec<&str> = all.devices.iter().take(12).map(|device| &*device.id).collect();
        return Err(anyhow!("no device {wanted} was seen; there are: {}", ids.join(", ")).into());
    };
    let observed = Observed::of(device);
    let mut observer = Observer::new(observed.clone());
    let records: &mut Records<'_> = &mut observer;
    drop(reading::walk(input::open(files, false)?, settings, &geo, Some(records)));
    let last = endings.iter().filter_map(|ending| ending.times).map(|times| times[1]).max();
    Ok((observed, observer, endings, last.unwrap_or_default()))
}

fn write(path: &Path, text: &str, inputs: &[PathBuf]) -> anyhow::Result<()> {
    let mut file = output::create(path, inputs)?;
    file.write_all(text.as_bytes()).with_context(|| output::unwritable(path))
}

fn generate(args: &Generate) -> Result<u8, Failure> {
    let (observed, observer, endings, last) = observe(&args.files, &args.seen)?;
    if observer.lost > 0 {
        return Err(anyhow!(
            "too many kinds of conversation for one description: {} more flows",
            observer.lost
        )
        .into());
    }
    let url = args.mud_url.as_deref();
    let made = mud::generate(&observed, &observer.seen, url, last, endings.len());
    let text = serde_json::to_string_pretty(&made.file).map_err(anyhow::Error::from)?;
    write(&args.output, &format!("{text}\n"), &args.files)?;
    let mut review = args.output.clone().into_os_string();
    review.push(".review.md");
    let review = PathBuf::from(review);
    let mut notes = format!("# To review before {} is used\n\n", output::shown(&args.output));
    for note in &made.notes {
        let about = if note.entry.is_empty() { "the file" } else { &note.entry };
        notes.push_str(&format!("- {about}: {}\n", note.text));
    }
    write(&review, &notes, &args.files)?;
    println!("{}: {} entries for {}", output::shown(&args.output), made.entries, observed.id);
    println!("{}: {} notes to review", output::shown(&review), made.notes.len());
    Ok(if complain(&endings) { 3 } else { 0 })
}

fn check(args: &Check) -> Result<u8, Failure> {
    let shown = output::shown(&args.policy);
    let text = file::text(&args.policy, mud::FILE_BYTES_MAX).map_err(anyhow::Error::from)?;
    let policy = Policy::read(&text).with_context(|| shown.clone())?;
    let (observed, observer, endings, _) = observe(&args.files, &args.seen)?;
    let mut controllers = Controllers::new();
    for (name, address) in &args.controller {
        controllers.entry(name.clone()).or_default().push(*address);
    }
    let violations = mud::check(&policy, &observed, &observer.seen, &controllers);
    let mut out = io::stdout().lock();
    let spelling = Spelling::of(endings.len());
    if args.json {
        let result = serde_json::json!({
            "device": observed.id,
            "kinds_of_conversation": observer.seen.len(),
            "not_looked_at": observer.lost,
            "violations": violations,
        });
        serde_json::to_writer_pretty(&mut out, &result).map_err(anyhow::Error::from)?;
        writeln!(out).map_err(anyhow::Error::from)?;
    } else {
        for violation in &violations {
            let frames = spelling.all(&violation.frames);
            writeln!(out, "{}", violation.told(&frames)).map_err(anyhow::Error::from)?;
        }
        writeln!(
            out,
            "{}: {} of {} kinds of conversation are not plainly allowed",
            observed.id,
            violations.len(),
            observer.seen.len()
        )
        .map_err(anyhow::Error::from)?;
    }
    let any = |verdict| violations.iter().any(|violation| violation.verdict == verdict);
    let partial = complain(&endings) || observer.lost > 0 || any(Verdict::NotDecided);
    Ok(match (partial, any(Verdict::Violation)) {
        (true, _) => 3,
        (false, true) => 1,
        (false, false) => 0,
    })
}
