//! `phonehome count`.

use super::work::Run;
use super::{Failure, input, reading};
use crate::attribution::geo::Geo;
use crate::engine::{Depth, Settings};
use crate::sink::counts;
use clap::Args;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// See the module.
#[derive(Debug, Args)]
pub struct Count {
    /// Capture files, or - for standard input; several are read as one, in the order of capture time
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    run: Run,
}

/// Counts.
pub fn run(args: &Count) -> Result<u8, Failure> {
    let settings = Settings { depth: Depth::Flows, ..args.run.settings() };
    let sources = input::open(&args.files, false)?;
    let (outcome, endings) = reading::walk(sources, settings, &Geo::default(), None);
    let mut out = BufWriter::new(io::stdout().lock());
    let (flows, evicted) = (outcome.sums.flows_created, outcome.sums.losses.flows_evicted);
    counts::write(&outcome.frames, flows, evicted, &mut out).map_err(anyhow::Error::from)?;
    out.flush().map_err(anyhow::Error::from)?;
    Ok(if input::complain(&endings) { 3 } else { 0 })
}
