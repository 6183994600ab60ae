//! `phonehome flows`.

use super::flow_format::{self, Format};
use super::knowledge::Knowledge;
use super::work::Run;
use super::{Failure, input, reading};
use crate::engine::Records;
use crate::sink::flows;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// See the module.
#[derive(Debug, Args)]
pub struct Flows {
    /// Capture files, or - for standard input; several are read as one, in the order of capture time
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Spelling of the records (docs/formats.md)
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub format: Format,
    /// Write here instead of to standard output; with --format zeek a folder, which is needed
    #[arg(long, short, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
    /// Order of the records: as flows end (streams), or by first frame (needs memory for all)
    #[arg(long, value_enum, default_value_t = Sort::Ended)]
    pub sort: Sort,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
}

/// Order of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    Ended,
    First,
}

/// Writes them.
pub fn run(args: &Flows) -> Result<u8, Failure> {
    let sources = input::open(&args.files, false)?;
    let (_, geo) = args.knowledge.load()?;
    let order = match args.sort {
        Sort::Ended => flows::Order::Ended,
        Sort::First => flows::Order::First,
    };
    let mut writer = flows::Writer::new(flow_format::spelling(args)?, order);
    let records: &mut Records<'_> = &mut writer;
    let (_, endings) = reading::walk(sources, args.run.settings(), &geo, Some(records));
    let lost = writer.finish().map_err(anyhow::Error::from)?;
    if lost > 0 {
        eprintln!(
            "phonehome: {lost} facts of flows are in no event, because too many were open at once; \
             the flows themselves are all there"
        );
    }
    Ok(if input::complain(&endings) { 3 } else { 0 })
}
