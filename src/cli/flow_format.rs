//! Which spelling `phonehome flows` writes, and where to.

use super::flows::{Flows, Sort};
use super::output;
use crate::sink::flows::{Csv, Eve, Jsonl, Spelling, Zeek};
use anyhow::{Context, bail};
use clap::ValueEnum;
use std::io::{self, BufWriter, Write};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line, with our own names: nothing is left out
    Jsonl,
    /// Zeek's conn, dns, http and ssl logs as JSON, in a folder
    Zeek,
    /// Suricata's EVE JSON: flow, dns, tls, http, mqtt, quic, dhcp, anomaly
    Eve,
    /// A table for spreadsheets; no cell can be a formula
    Csv,
    /// A table for DuckDB, pandas and the like
    #[cfg(feature = "parquet")]
    Parquet,
}

/// The writer that the arguments ask for.
pub fn spelling(args: &Flows) -> anyhow::Result<Box<dyn Spelling>> {
    if args.sort == Sort::First && matches!(args.format, Format::Zeek | Format::Eve) {
        bail!("--sort first: events of this format come as they happen and cannot be sorted");
    }
    if args.format == Format::Zeek {
        let Some(folder) = &args.output else {
            bail!("--format zeek writes several files: say with --output DIR where to");
        };
        for log in Zeek::LOGS {
            output::check(&folder.join(log), &args.files)?;
        }
        let zeek = Zeek::create(folder).with_context(|| output::unwritable(folder))?;
        return Ok(Box::new(zeek));
    }
    let out: Box<dyn Write + Send> = match &args.output {
        Some(path) => Box::new(output::create(path, &args.files)?),
        None => Box::new(io::stdout()),
    };
    let out = BufWriter::new(out);
    Ok(match args.format {
        Format::Eve => Box::new(Eve::new(out)),
        Format::Csv => Box::new(Csv::new(out)),
        #[cfg(feature = "parquet")]
        Format::Parquet => Box::new(crate::sink::flows::Parquet::new(out)?),
        Format::Jsonl | Format::Zeek => Box::new(Jsonl::new(out)),
    })
}
