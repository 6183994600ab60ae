//! `phonehome compare`: recordings, or phases of one, against each other.

use super::reading::Reading;
use super::{Failure, complain};
use crate::base::text::safe;
use crate::sink::compare::{self, Comparison, Profile, Side, is_one_device};
use crate::snapshot::Snapshot;
use anyhow::{Context, bail};
use clap::Args;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

const DELIVERED: &str = "payload with the internet, each byte once (delivered bytes).";
const BY_PHASE: &str = "payload with the internet as it passed by, packets that were sent again \
                        included. Protocols and findings are not told by phase.";

#[derive(Debug, Args)]
pub struct Compare {
    /// Captures or cases: the first is compared with each of the others
    #[arg(value_name = "INPUT", required_unless_present = "left", conflicts_with_all = ["left", "right"])]
    inputs: Vec<PathBuf>,
    /// Repeats of one state, a recording each: their spread is the noise floor
    #[arg(long, value_name = "INPUT", num_args = 1.., requires = "right")]
    left: Vec<PathBuf>,
    /// Repeats of the other state
    #[arg(long, value_name = "INPUT", num_args = 1.., requires = "left")]
    right: Vec<PathBuf>,
    /// Compare a phase of one recording; with --against. Each time it came is a repeat
    #[arg(long, value_name = "PHASE", requires = "against", conflicts_with = "left")]
    phase: Option<String>,
    /// The phase that it is compared with
    #[arg(long, value_name = "PHASE", requires = "phase")]
    against: Option<String>,
    /// Write the comparison as JSON to standard output
    #[arg(long)]
    json: bool,
    /// Write a self-contained HTML page
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Exit with 1 when anything is new, gone or changed
    #[arg(long)]
    fail_on_difference: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Compares.
pub fn run(args: &Compare) -> Result<u8, Failure> {
    let comparison = match (&args.phase, &args.against) {
        (Some(phase), Some(against)) => phases(args, [phase, against])?,
        _ => recordings(args)?,
    };
    if let Some(path) = &args.report {
        std::fs::write(path, compare::page(&comparison))
            .with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    write(args, &comparison, &mut out)?;
    Ok(match (comparison.complete(), comparison.differs() && args.fail_on_difference) {
        (false, _) => 3,
        (true, true) => 1,
        (true, false) => 0,
    })
}

fn write(args: &Compare, comparison: &Comparison, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.json {
        serde_json::to_writer_pretty(&mut *out, comparison)?;
        writeln!(out)?;
    } else {
        compare::write(comparison, out)?;
    }
    out.flush()?;
    Ok(())
}

fn recordings(args: &Compare) -> Result<Comparison, Failure> {
    let sides: Vec<(String, &[PathBuf])> = if args.left.is_empty() {
        if args.inputs.len() < 2 {
            let error = anyhow::anyhow!("give at least two recordings, or --phase and --against");
            return Err(error.into());
        }
        let name = |path: &PathBuf| safe(path.as_os_str().as_encoded_bytes());
        args.inputs.iter().map(|path| (name(path), std::slice::from_ref(path))).collect()
    } else {
        vec![("left".to_owned(), &args.left), ("right".to_owned(), &args.right)]
    };
    let known = args.reading.known()?;
    // Whether devices need not be told apart is known only when all are read; what a recording
    // leaves behind is small either way.
    let mut read: Vec<(String, Vec<[Profile; 2]>)> = Vec::new();
    let mut one_device = true;
    for (name, files) in sides {
        let mut runs = Vec::new();
        for file in files {
            let (snapshot, endings) =
                args.reading.snapshot(&known, std::slice::from_ref(file), None)?;
            complain(&endings);
            one_device &= is_one_device(&[&snapshot]);
            runs.push([false, true].map(|one| Profile::of(&snapshot, one)));
        }
        read.push((name, runs));
    }
    let sides = read.into_iter().map(|(name, runs)| Side {
        name,
        runs: runs.into_iter().map(|[each, one]| if one_device { one } else { each }).collect(),
    });
    Ok(Comparison::of(sides.collect(), DELIVERED))
}

fn phases(args: &Compare, names: [&String; 2]) -> anyhow::Result<Comparison> {
    let [input] = &args.inputs[..] else {
        bail!("--phase compares within one recording; give one");
    };
    let known = args.reading.known()?;
    let files = std::slice::from_ref(input);
    let (snapshot, endings) =
        args.reading.snapshot(&known, files, None).map_err(|failure| failure.error)?;
    complain(&endings);
    let mut sides = Vec::new();
    for name in names {
        let runs = Profile::of_phase(&snapshot, name);
        if runs.is_empty() {
            bail!("{}: has no phase {name:?}; {}", input.display(), phases_of(&snapshot));
        }
        sides.push(Side { name: format!("phase {name}"), runs });
    }
    Ok(Comparison::of(sides, BY_PHASE))
}

fn phases_of(snapshot: &Snapshot) -> String {
    let mut known: Vec<&str> = snapshot.phases.iter().filter_map(|phase| phase.phase).collect();
    known.sort_unstable();
    known.dedup();
    match known[..] {
        [] => "it has none".to_owned(),
        _ => format!("it has {}", known.join(", ")),
    }
}
