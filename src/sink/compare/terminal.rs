//! A comparison for people, as lines of text.

use super::{Comparison, FACTOR, Item, Kind, Pair, Seen, Side, range};
use crate::base::text::{bytes, shorten};
use std::io::{self, Write};

/// Rows of one list; the rest is counted and in the JSON.
const ROWS: usize = 40;

/// Writes it.
///
/// # Errors
/// When it cannot be written.
pub fn write(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    for (at, side) in comparison.sides.iter().enumerate() {
        about(side, at, out)?;
    }
    for pair in &comparison.pairs {
        let names = [pair.left, pair.right].map(|at| &comparison.sides[at].name);
        writeln!(out, "\n{} against {}", names[0], names[1])?;
        differences(pair, out)?;
    }
    writeln!(out, "\nAmounts: {}", comparison.amounts)
}

fn about(side: &Side, at: usize, out: &mut dyn Write) -> io::Result<()> {
    let count = side.runs.len();
    let word = if count == 1 { "recording" } else { "recordings" };
    writeln!(out, "{}. {} ({count} {word})", at + 1, side.name)?;
    for run in side.runs.iter().take(ROWS) {
        let complete = if run.complete { "" } else { ", PARTIAL" };
        writeln!(out, "     {}: {:.1} s, {} frames{complete}", run.name, run.seconds, run.frames)?;
    }
    if count > ROWS {
        writeln!(out, "     {} more in --json", count - ROWS)?;
    }
    Ok(())
}

fn differences(pair: &Pair, out: &mut dyn Write) -> io::Result<()> {
    if pair.new.is_empty() && pair.gone.is_empty() && pair.changed.is_empty() {
        writeln!(out, "  No difference.")?;
    }
    list("New", "Only in the second", &pair.new, &pair.new_withdrawn_because, out)?;
    list("Gone", "Only in the first", &pair.gone, &pair.gone_withdrawn_because, out)?;
    list("Changed", "", &pair.changed, &[], out)?;
    if pair.smaller > 0 {
        writeln!(
            out,
            "  Differ by no more than repeats do, or by less than {FACTOR} times without \
                       repeats: {}.",
            pair.smaller
        )?;
    }
    writeln!(out, "  The same in both: {}.", pair.same)?;
    writeln!(out, "  {}", pair.statistics)
}

/// `withdrawn` says why the items only differ in what was recorded, as far as one can tell.
fn list(
    title: &str,
    weaker: &str,
    items: &[Item],
    withdrawn: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    if withdrawn.is_empty() {
        writeln!(out, "  {title} ({})", items.len())?;
    } else {
        writeln!(
            out,
            "  {weaker} ({}); not called {}, because",
            items.len(),
            title.to_lowercase()
        )?;
        for why in withdrawn.iter().take(ROWS) {
            writeln!(out, "      {why}")?;
        }
        if withdrawn.len() > ROWS {
            writeln!(out, "      and {} reasons more in --json", withdrawn.len() - ROWS)?;
        }
    }
    for item in items.iter().take(ROWS) {
        writeln!(out, "    {:<11} {}", item.key.kind.name(), shorten(&item.key.what, 60))?;
        if !item.key.device.is_empty() {
            writeln!(out, "                of {}", item.key.device)?;
        }
        for said in words(item) {
            writeln!(out, "                {said}")?;
        }
    }
    if items.len() > ROWS {
        writeln!(out, "    {} more in --json", items.len() - ROWS)?;
    }
    Ok(())
}

/// What differs of an item, a line each.
pub fn words(item: &Item) -> Vec<String> {
    let mut lines = Vec::new();
    if item.key.kind != Kind::Finding {
        for (way, [a, b]) in ["sent", "received"].into_iter().zip(ways(&item.left, &item.right)) {
            if range(a) != range(b) {
                lines.push(format!("{way} {} -> {}{}", span(a), span(b), ratio(a, b)));
            }
        }
    }
    if item.left.of.max(item.right.of) > 1 {
        let seen = |side: &Seen| format!("{} of {}", side.runs, side.of);
        lines.push(format!("seen in {} -> {}", seen(&item.left), seen(&item.right)));
    }
    lines.extend(item.note.clone());
    if let (Some(p), Some(holm)) = (item.p, item.p_holm) {
        lines.push(format!("p {p:.3}, corrected {holm:.3}"));
    }
    lines
}

fn ways<'a>(left: &'a Seen, right: &'a Seen) -> [[&'a [u64]; 2]; 2] {
    [[&left.sent, &right.sent], [&left.received, &right.received]]
}

/// One amount, or least and most of the repeats.
fn span(values: &[u64]) -> String {
    match range(values) {
        [low, high] if low == high => bytes(low),
        [low, high] => format!("{} to {}", bytes(low), bytes(high)),
    }
}

/// The ratio of single amounts; of repeats their ranges say more.
fn ratio(left: &[u64], right: &[u64]) -> String {
    match (left, right) {
        ([a], [b]) if *a > 0 && *b > 0 => format!(" ({:.2} times)", *b as f64 / *a as f64),
        _ => String::new(),
    }
}
