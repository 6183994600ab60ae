//! `phonehome report`: captures or a case to a page for people, and to paper.

use super::pdf;
use super::reading::Reading;
use super::{FailOn, Failure, complain};
use crate::base::text::safe;
use crate::case::event::Event;
use crate::case::{journal, layout};
use crate::sink::report::{self, Options, TimeZone};
use anyhow::Context;
use clap::Args;
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
    /// Exit with 1 when a finding has at least this severity
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    reading: Reading,
}

/// Makes it; the exit code is that of `analyze`.
pub fn run(args: &Report) -> Result<u8, Failure> {
    let known = args.reading.known()?;
    let (snapshot, endings) = args.reading.snapshot(&known, &args.files, args.fail_on)?;
    let options = Options {
        zone: args.tz.clone(),
        map: args.map,
        here: args.reading.here.clone(),
        notes: notes(&args.files),
    };
    let page = report::page_with(&snapshot, &options);
    if let Some(path) = &args.output {
        std::fs::write(path, &page)
            .with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    if let Some(path) = &args.pdf {
        pdf::print(&page, path)?;
    }
    complain(&endings);
    let code = snapshot.exit_code();
    // The process ends here. To give back every string and row one by one would only take time.
    std::mem::forget((snapshot, known));
    Ok(code)
}

/// Notes that people signed into the case, as far as its chain holds.
fn notes(files: &[PathBuf]) -> Vec<String> {
    let [folder] = files else { return Vec::new() };
    if !layout::is_recording(&layout::parts(folder)) {
        return Vec::new();
    }
    let mut notes = Vec::new();
    let mut take = |entry: journal::Entry| {
        if let Event::Note { text } = entry.event {
            notes.push(safe(text.as_bytes()));
        }
    };
    let custody: &Path = &layout::custody(&layout::parts(folder));
    // A case without custody has no such file; what is wrong with one is for `case verify` to say.
    let _ = journal::walk(custody, journal::Book::Custody, &mut take);
    notes
}
