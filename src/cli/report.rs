//! `phonehome report`: captures or a case to a page for people, and to paper.

use super::argument::Gate;
use super::pdf;
use super::reading::{Hashing, Reading, Wanted};
use super::{Failure, input, output};
use crate::base::text::safe;
use crate::case::event::Event;
use crate::case::{journal, layout};
use crate::sink::report::{self, Options, TimeZone};
use anyhow::Context;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Report {
    /// Capture files (pcap or pcapng, plain, gzip or zstd), or - for standard input; several are
    /// read as one, in the order of capture time. Or the folder of one case
    #[arg(required = true, value_name = "INPUT")]
    files: Vec<PathBuf>,
    /// Write the page here
    #[arg(long, short, value_name = "FILE.html", required_unless_present = "pdf")]
    output: Option<PathBuf>,
    /// Print it to a PDF, by an installed Chromium, which is kept from the network
    #[arg(long, value_name = "FILE.pdf")]
    pdf: Option<PathBuf>,
    /// Show local time beside UTC; an IANA zone such as Europe/Amsterdam
    #[arg(long, value_name = "ZONE", value_parser = TimeZone::named)]
    tz: Option<TimeZone>,
    /// Add a map of the world
    #[arg(long)]
    map: bool,
    #[command(flatten)]
    gate: Gate,
    #[command(flatten)]
    hashing: Hashing,
    #[command(flatten)]
    reading: Reading,
}

/// Makes it; the exit code is that of `analyze`.
pub fn run(args: &Report) -> Result<u8, Failure> {
    for path in args.output.iter().chain(&args.pdf) {
        output::check(path, &args.files)?;
    }
    let known = args.reading.known()?;
    let wanted =
        Wanted { hashed: !args.hashing.no_hash, timeline: true, ..args.reading.wanted(args.gate) };
    let read = args.reading.read(&known, &args.files, wanted)?;
    let options = Options {
        zone: args.tz.clone(),
        map: args.map,
        here: args.reading.shown.here.clone(),
        notes: notes(&args.files),
    };
    let page = report::page_with(&read.snapshot, &options);
    if let Some(path) = &args.output {
        let mut file = output::create(path, &args.files)?;
        file.write_all(page.as_bytes()).with_context(|| output::unwritable(path))?;
    }
    if let Some(path) = &args.pdf {
        let last = read.snapshot.inputs.iter().filter_map(|input| input.last).max();
        pdf::print(&page, last.unwrap_or_default(), path)?;
    }
    input::complain(&read.endings);
    let code = read.snapshot.exit_code();
    read.forget(known);
    Ok(code)
}

/// Notes that people signed into the case, as far as its chain holds.
fn notes(files: &[PathBuf]) -> Vec<String> {
    let Some(parts) = input::case(files) else { return Vec::new() };
    let mut notes = Vec::new();
    let mut take = |entry: journal::Entry| {
        if let Event::Note { text } = entry.event {
            notes.push(safe(text.as_bytes()));
        }
    };
    let custody: &Path = &layout::custody(&parts);
    // A case without custody has no such file; what is wrong with one is for `case verify` to say.
    let _ = journal::walk(custody, journal::Book::Custody, &mut take);
    notes
}
