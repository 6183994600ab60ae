//! Frames, bytes and flows in a few lines, for `phonehome count`.

use crate::decode::FrameLedger;
use std::io::{self, Write};

/// Writes the counts of a run.
///
/// # Errors
/// When `out` does not take them.
pub fn write(
    frames: &FrameLedger,
    flows: u64,
    evicted: u64,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "frames     {:>15}", frames.total)?;
    writeln!(out, "wire bytes {:>15}", frames.wire_bytes)?;
    writeln!(out, "flows      {flows:>15}")?;
    if evicted > 0 {
        writeln!(out, "  of which {evicted:>15}  ended early, because the table was full")?;
    }
    if let Some([first, last]) = frames.times {
        writeln!(out, "first      {first}")?;
        writeln!(out, "last       {last}")?;
    }
    for (what, buckets) in [("explained", frames.explained_by()), ("refused", frames.refused_by())]
    {
        for (name, count) in buckets {
            writeln!(out, "{what:<10} {count:>15}  {name}")?;
        }
    }
    Ok(())
}
