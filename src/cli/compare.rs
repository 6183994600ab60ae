//! `phonehome compare`: recordings, or phases of one, against each other.

use super::argument::Gate;
use super::knowledge::Known;
use super::reading::{Hashing, Read, Reading, Wanted};
use super::{Failure, input, output};
use crate::base::text::safe;
use crate::engine::Records;
use crate::sink::compare::{self, Amounts, Comparison, PhasedFlows, Profile, Side, is_one_device};
use crate::snapshot::Snapshot;
use anyhow::{Context, anyhow};
use clap::Args;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

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
    hashing: Hashing,
    #[command(flatten)]
    reading: Reading,
}

/// Compares.
pub fn run(args: &Compare) -> Result<u8, Failure> {
    if let Some(path) = &args.report {
        output::check(path, inputs(args))?;
    }
    let comparison = match (&args.phase, &args.against) {
        (Some(phase), Some(against)) => phases(args, [phase, against])?,
        _ => recordings(args)?,
    };
    if let Some(path) = &args.report {
        let mut file = output::create(path, inputs(args))?;
        file.write_all(compare::page(&comparison).as_bytes())
            .with_context(|| output::unwritable(path))?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    write(args, &comparison, &mut out)?;
    Ok(match (comparison.complete(), comparison.differs() && args.fail_on_difference) {
        (false, _) => 3,
        (true, true) => 1,
        (true, false) => 0,
    })
}

/// All that is read.
fn inputs(args: &Compare) -> impl Iterator<Item = &PathBuf> {
    args.inputs.iter().chain(&args.left).chain(&args.right)
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
            let error = anyhow!("give at least two recordings, or --phase and --against");
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
    let mut profiles: Vec<(String, Vec<[Profile; 2]>)> = Vec::new();
    let mut one_device = true;
    for (name, files) in sides {
        let mut runs = Vec::new();
        for file in files {
            let Read { snapshot, .. } = read(args, &known, file, None)?;
            one_device &= is_one_device(&[&snapshot]);
            runs.push([false, true].map(|one| Profile::of(&snapshot, one)));
        }
        profiles.push((name, runs));
    }
    let sides = profiles.into_iter().map(|(name, runs)| Side {
        name,
        runs: runs.into_iter().map(|[each, one]| if one_device { one } else { each }).collect(),
    });
    Ok(Comparison::of(sides.collect(), Amounts::Delivered))
}

fn read<'r>(
    args: &Compare,
    known: &'r Known,
    file: &PathBuf,
    records: Option<&'r mut Records<'r>>,
) -> Result<Read, Failure> {
    let wanted = Wanted {
        hashed: !args.hashing.no_hash,
        timeline: args.phase.is_some(),
        records,
        ..args.reading.wanted(Gate::default())
    };
    let read = args.reading.read(known, std::slice::from_ref(file), wanted)?;
    input::complain(&read.endings);
    Ok(read)
}

fn phases(args: &Compare, names: [&String; 2]) -> Result<Comparison, Failure> {
    let [input] = &args.inputs[..] else {
        return Err(anyhow!("--phase compares within one recording; give one").into());
    };
    let known = args.reading.known()?;
    let mut flows = PhasedFlows::default();
    let records: &mut Records<'_> = &mut flows;
    let Read { snapshot, .. } = read(args, &known, input, Some(records))?;
    let mut sides = Vec::new();
    for name in names {
        let runs = Profile::of_phase(&snapshot, name, &flows);
        if runs.is_empty() {
            let has = phases_of(&snapshot);
            return Err(anyhow!("{}: has no phase {name:?}; {has}", output::shown(input)).into());
        }
        sides.push(Side { name: format!("phase {name}"), runs });
    }
    Ok(Comparison::of(sides, Amounts::ByPhase))
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
