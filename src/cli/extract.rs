//! `phonehome extract`.

use super::argument::parse_key;
use super::knowledge::Knowledge;
use super::work::Run;
use super::{Failure, input, output, reading};
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::{Choice, World};
use crate::base::text::safe;
use crate::base::time::Timestamp;
use crate::extract::{self, Annotations, Copied, Wanted};
use crate::finding::{self, View};
use crate::labels::Labels;
use crate::source::PHASES;
use crate::source::file::Ending;
use anyhow::{Context, anyhow};
use clap::Args;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

pub const EXAMPLES: &str = "\
Examples:
  phonehome extract captures/camera.pcapng -o found.pcapng --finding cred.cleartext
  phonehome extract captures/camera.pcapng -o camera-only.pcapng --device 00:00:5e:00:53:10
  phonehome extract ring_*.pcap.gz -o minute.pcapng --to 2026-11-24T11:39:00Z
  phonehome extract kitchen-camera -o idle.pcapng --phase idle --annotate

Choices of different kinds must all fit; of several of one kind, any. Beside the extract lies
its map: which frame of it is which frame of which input. Decryption secrets are never copied.";

/// See the module.
#[derive(Debug, Args)]
pub struct Extract {
    /// Capture files, or the folder of one case; they are read several times, so no standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The extract
    #[arg(long, short, value_name = "FILE.pcapng")]
    output: PathBuf,
    /// Frames that a finding counts: id of a rule, or key of one finding; repeatable
    #[arg(long, value_name = "ID|KEY")]
    finding: Vec<String>,
    /// Frames of a device, by hardware or network address; repeatable
    #[arg(long, value_name = "MAC|IP", value_parser = parse_key)]
    device: Vec<DeviceKey>,
    /// Frames with a destination: its id in the JSON, a host name, or an address; repeatable
    #[arg(long, value_name = "NAME|IP")]
    destination: Vec<String>,
    /// Frames of a phase that was noted while recording; repeatable
    #[arg(long, value_name = "PHASE", value_parser = parse_phase)]
    phase: Vec<&'static str>,
    /// Frames from this moment on (RFC 3339, UTC)
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Frames up to this moment
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Add the ids of findings as packet comments and the names of addresses
    #[arg(long)]
    annotate: bool,
    /// The map of frame numbers; beside the extract unless said otherwise
    #[arg(long, value_name = "FILE.tsv")]
    map: Option<PathBuf>,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
}

fn parse_phase(text: &str) -> Result<&'static str, String> {
    let known = PHASES.into_iter().find(|&phase| phase == text);
    known.ok_or_else(|| format!("is none of {}", PHASES.join(", ")))
}

pub fn run(args: &Extract) -> Result<u8, Failure> {
    let wanted = Wanted {
        findings: args.finding.clone(),
        devices: args.device.clone(),
        destinations: args.destination.clone(),
        phases: args.phase.clone(),
        from: args.from,
        to: args.to,
    };
    if wanted.is_empty() && !args.annotate {
        return Err(anyhow!(
            "say what to take: --finding, --device, --destination, --phase, --from or --to; or \
             --annotate for all of it with comments"
        )
        .into());
    }
    if args.files.iter().any(|path| path.as_os_str() == "-") {
        return Err(anyhow!("-: an extract reads its inputs several times; give a file").into());
    }
    let map = args.map.clone().unwrap_or_else(|| {
        let mut name = args.output.clone().into_os_string();
        name.push(".map.tsv");
        name.into()
    });
    let sources = input::open(&args.files, true)?;
    let (signatures, geo) = args.knowledge.load()?;
    let (outcome, endings) = reading::walk(sources, args.run.settings(), &geo, None);
    // Those that could not be read are complained about at the end.
    let readable = endings.iter().enumerate().filter(|(_, ending)| !ending.format.is_empty());
    let paths: Vec<(usize, PathBuf)> =
        readable.map(|(input, ending)| (input, ending.path.clone())).collect();
    if args.output == map {
        return Err(anyhow!("{}: extract and map cannot be one file", output::shown(&map)).into());
    }
    let choice = Choice::default();
    let mut world = World::build(&outcome.ledger, &geo, &signatures, &choice);
    if input::case(&args.files).is_some() {
        Labels::of_case(&args.files[0]).name(&mut world.devices);
    }
    let view = View::new(&outcome.ledger, &world, false).in_periods(outcome.phases.periods());
    let rows = extract::rows(&view, &wanted).map_err(anyhow::Error::from)?;
    let annotations = args
        .annotate
        .then(|| Annotations::of(&finding::run(&view), &world.contacts, &world.devices));
    let frames = match &rows {
        Some(rows) => {
            let settings = args.run.settings();
            let mut again = || input::open(&args.files, false);
            Some(extract::frames(rows, settings, &geo, &mut again)?)
        }
        None => None,
    };
    let unlisted = outcome.ledger.losses().flows_without_contact;
    let inputs = || paths.iter().map(|(_, path)| path).chain(&args.files);
    output::check(&map, inputs())?;
    let out = BufWriter::new(output::create(&args.output, inputs())?);
    let mut map_out = BufWriter::new(output::create(&map, inputs())?);
    head(&mut map_out, &endings).with_context(|| output::unwritable(&map))?;
    let copied =
        extract::copy(&paths, &wanted, frames.as_ref(), annotations.as_ref(), out, map_out)
            .map_err(anyhow::Error::from)?;
    tell(&copied, &args.output, &map, unlisted);
    if copied.frames == 0 {
        say_why_empty(&wanted, &view);
    }
    Ok(if input::complain(&endings) { 3 } else { 0 })
}

/// An empty extract is easily taken for silence.
fn say_why_empty(wanted: &Wanted, view: &View<'_>) {
    let mut noted: Vec<&str> = view.periods.iter().filter_map(|period| period.name).collect();
    noted.sort_unstable();
    noted.dedup();
    let phases = match (wanted.phases.is_empty(), noted.is_empty()) {
        (true, _) => String::new(),
        (false, true) => "; no phase was noted in this recording".to_owned(),
        (false, false) => format!("; phases that were noted: {}", noted.join(", ")),
    };
    eprintln!("phonehome: no frame fits all that was asked for{phases}");
}

/// What the numbers in the map are about.
fn head(out: &mut impl Write, endings: &[Ending]) -> std::io::Result<()> {
    writeln!(out, "# phonehome {}: frames of an extract", env!("CARGO_PKG_VERSION"))?;
    for (index, ending) in endings.iter().enumerate() {
        let path = safe(ending.path.as_os_str().as_encoded_bytes());
        let sha256 = ending.sha256.as_deref().unwrap_or("not known");
        writeln!(out, "# input {}: {path}, SHA-256 {sha256}", index + 1)?;
    }
    Ok(())
}

fn tell(copied: &Copied, extract: &Path, map: &Path, unlisted: u64) {
    let Copied { frames, wire_bytes, secrets, others, comments, comments_lost } = *copied;
    println!("{}: {frames} frames, {wire_bytes} bytes on the wire", output::shown(extract));
    println!("{}: which frame is which", output::shown(map));
    if comments > 0 {
        println!("{comments} frames have comments");
    }
    if comments_lost > 0 {
        println!(
            "{comments_lost} comments are missing: simple packet blocks have no place for them"
        );
    }
    if secrets > 0 {
        println!("{secrets} blocks of decryption secrets were left out");
    }
    if others > 0 {
        println!("{others} blocks without packets were left out");
    }
    if unlisted > 0 {
        eprintln!(
            "phonehome: {unlisted} flows are in no contact because there were too many; their \
             frames are not in the extract (a larger --flow-memory makes room)"
        );
    }
}
