//! `phonehome export`.

use super::argument::Gate;
use super::reading::{Read, Reading};
use super::{Failure, input, output};
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
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// STIX 2.1: observed data, indicators and notes, which MISP reads too
    Stix,
}

pub fn run(args: &Export) -> Result<u8, Failure> {
    let known = args.reading.known()?;
    let wanted = args.reading.wanted(Gate::default());
    let Read { snapshot, endings, .. } = args.reading.read(&known, &args.files, wanted)?;
    let mut out: Box<dyn Write> = match &args.output {
        Some(path) => Box::new(output::create(path, &args.files)?),
        None => Box::new(io::stdout()),
    };
    let Format::Stix = args.format;
    let mut buffered = BufWriter::new(&mut out);
    stix::write(&snapshot, &mut buffered).map_err(anyhow::Error::from)?;
    buffered.flush().map_err(anyhow::Error::from)?;
    drop(buffered);
    input::complain(&endings);
    Ok(snapshot.exit_code())
}
