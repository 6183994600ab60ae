//! `phonehome analyze`.

use super::argument::Gate;
use super::reading::{Hashing, Reading, Wanted};
use super::{Failure, check, input, output};
use crate::sink::{annex, json, report as page, summary};
use crate::snapshot::Snapshot;
use anyhow::Context;
use clap::Args;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

/// See the module.
#[derive(Debug, Args)]
pub struct Analyze {
    /// Capture files (pcap or pcapng, plain, gzip or zstd), or - for standard input; several are
    /// read as one, in the order of capture time. Or the folder of one case
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the whole result as one JSON document to standard output
    #[arg(long)]
    json: bool,
    /// Print nothing but errors; the exit code tells
    #[arg(long, short)]
    quiet: bool,
    /// Write a self-contained HTML page
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Say what the traffic says to the rules of a policy: a file, or gdpr-transfers, ndaa-889,
    /// no-third-party, local-only; repeatable. `phonehome check` makes an exit code of it
    #[arg(long, value_name = "FILE|NAME")]
    policy: Vec<PathBuf>,
    #[command(flatten)]
    gate: Gate,
    #[command(flatten)]
    hashing: Hashing,
    #[command(flatten)]
    reading: Reading,
}

/// Analyses, shows, and says by the exit code how it went.
pub fn run(args: &Analyze) -> Result<u8, Failure> {
    let policies = check::policies(&args.policy)?;
    if let Some(path) = &args.report {
        output::check(path, &args.files)?;
    }
    let known = args.reading.known()?;
    let wanted = Wanted {
        // A summary alone does not hash: it costs more than the analysis.
        hashed: !args.hashing.no_hash && (args.json || args.report.is_some()),
        timeline: args.json || args.report.is_some(),
        ..args.reading.wanted(args.gate)
    };
    let mut read = args.reading.read(&known, &args.files, wanted)?;
    check::judge(&policies, &mut read.snapshot);
    show(args, &read.snapshot)?;
    input::complain(&read.endings);
    let code = read.snapshot.exit_code();
    read.forget(known);
    Ok(code)
}

fn show(args: &Analyze, snapshot: &Snapshot) -> anyhow::Result<()> {
    if let Some(path) = &args.report {
        let here = args.reading.shown.here.clone();
        let page = page::page_with(snapshot, &page::Options { here, ..page::Options::default() });
        let mut file = output::create(path, &args.files)?;
        file.write_all(page.as_bytes()).with_context(|| output::unwritable(path))?;
    }
    let stdout = io::stdout();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let mut out = BufWriter::new(stdout.lock());
    if args.json {
        json::write(snapshot, &mut out)?;
    } else if !args.quiet {
        summary::write(snapshot, colour, &mut out)?;
        annex::write(snapshot, &mut out)?;
    }
    out.flush()?;
    Ok(())
}
