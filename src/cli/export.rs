//! `phonehome export`.

use super::{Failure, Knowledge, Progress, Run, complain, open, output, parse_device, parse_key};
use crate::analysis::Analysis;
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::Choice;
use crate::canary;
use crate::engine::Engine;
use crate::sink::stix;
use clap::{Args, ValueEnum};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// See the module.
#[derive(Debug, Args)]
pub struct Export {
    /// Capture files, - for standard input, or the folder of one case
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The format
    #[arg(long, value_enum)]
    format: Format,
    /// Write here instead of to standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show only this device, by hardware or network address, with a name if given; repeatable
    #[arg(long, value_name = "[NAME=]MAC|IP", value_parser = parse_device)]
    device: Vec<(Option<String>, DeviceKey)>,
    /// Leave out a device, such as the lab's own phone; repeatable
    #[arg(long, value_name = "MAC|IP", value_parser = parse_key)]
    exclude: Vec<DeviceKey>,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// STIX 2.1: observed data, indicators and notes, which MISP reads too
    Stix,
}

pub fn run(args: &Export) -> Result<u8, Failure> {
    let mut sources = open(&args.files, false)?;
    let (signatures, geo) = args.knowledge.load()?;
    let canary = canary::run(&signatures, &geo);
    let engine = Engine::new(args.run.settings(), &geo, None);
    let progress = Progress::new();
    let outcome = engine.read(&mut sources, &mut |sources| progress.tick(sources));
    drop(progress);
    let endings = sources.finish();
    let choice = Choice { devices: args.device.clone(), exclude: args.exclude.clone(), here: None };
    let analysis = Analysis {
        signatures: &signatures,
        geo: &geo,
        canary,
        choice,
        fail_on: None,
        hashed: false,
    };
    let snapshot = analysis.snapshot(&outcome, &endings);
    let mut out: Box<dyn Write> = match &args.output {
        Some(path) => Box::new(output::create(path, &args.files)?),
        None => Box::new(io::stdout()),
    };
    let Format::Stix = args.format;
    let mut buffered = BufWriter::new(&mut out);
    stix::write(&snapshot, &mut buffered).map_err(anyhow::Error::from)?;
    buffered.flush().map_err(anyhow::Error::from)?;
    drop(buffered);
    complain(&endings);
    Ok(snapshot.exit_code())
}
