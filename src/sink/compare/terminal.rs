//! A comparison for people, as lines of text.

use super::{Comparison, FACTOR, Item, Kind, Pair, Seen, Side, range};
use crate::base::text::{bytes, shorten};
use crate::finding::CHECKS;
use crate::sink::messages::{line, msg, text};
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
        let [left, right] = [pair.left, pair.right].map(|at| &*comparison.sides[at].name);
        writeln!(out, "\n{}", line("compare.against", &[("left", left), ("right", right)]))?;
        differences(pair, out)?;
    }
    writeln!(out, "\n{}", line("compare.amounts", &[("amounts", comparison.amounts)]))
}

/// `3 recordings`.
pub fn recordings(count: usize) -> String {
    let word = match count {
        1 => text("compare.recording"),
        _ => text("compare.recordings"),
    };
    format!("{count} {word}")
}

/// How many are not shown.
pub fn rest(all: usize, shown: usize) -> String {
    line("compare.rest", &[("count", &all.saturating_sub(shown).to_string())])
}

fn about(side: &Side, at: usize, out: &mut dyn Write) -> io::Result<()> {
    let count = recordings(side.runs.len());
    let values = [("place", &*(at + 1).to_string()), ("name", &side.name), ("count", &count)];
    writeln!(out, "{}", line("compare.side", &values))?;
    for run in side.runs.iter().take(ROWS) {
        let (seconds, frames) = (format!("{:.1}", run.seconds), run.frames.to_string());
        let values = [("name", &*run.name), ("seconds", &seconds), ("frames", &frames)];
        let partial = match run.complete {
            true => String::new(),
            false => format!(", {}", text("compare.partial").to_uppercase()),
        };
        writeln!(out, "     {}{partial}", line("compare.run", &values))?;
        if !run.devices.is_empty() {
            let devices = shorten(&run.devices.join(", "), 70);
            writeln!(out, "       {}", line("compare.devices", &[("devices", &devices)]))?;
        }
    }
    if side.runs.len() > ROWS {
        writeln!(out, "     {}", rest(side.runs.len(), ROWS))?;
    }
    Ok(())
}

fn differences(pair: &Pair, out: &mut dyn Write) -> io::Result<()> {
    if pair.is_empty() {
        writeln!(out, "  {}", text("compare.none"))?;
    }
    for (titles, items, withdrawn) in lists(pair) {
        list(titles, items, withdrawn, out)?;
    }
    for said in sums(pair) {
        writeln!(out, "  {said}")?;
    }
    Ok(())
}

/// How a list is headed: where it can be claimed, where not, and how the latter is explained.
pub type Titles = [&'static str; 3];

/// New, gone, changed; with why the first two only differ in what was recorded.
pub fn lists(pair: &Pair) -> [(Titles, &[Item], &[String]); 3] {
    [
        (
            [msg!("compare.new"), msg!("compare.only_second"), msg!("compare.not_called_new")],
            &pair.new,
            &pair.new_withdrawn_because,
        ),
        (
            [msg!("compare.gone"), msg!("compare.only_first"), msg!("compare.not_called_gone")],
            &pair.gone,
            &pair.gone_withdrawn_because,
        ),
        ([msg!("compare.changed"); 3], &pair.changed, &[]),
    ]
}

/// What is only counted, and what can be said of chance.
pub fn sums(pair: &Pair) -> Vec<String> {
    let mut sums = Vec::new();
    if pair.smaller > 0 {
        let (count, factor) = (pair.smaller.to_string(), FACTOR.to_string());
        sums.push(line("compare.smaller", &[("factor", &factor), ("count", &count)]));
    }
    sums.push(line("compare.same", &[("count", &pair.same.to_string())]));
    sums.push(pair.statistics.to_owned());
    sums
}

fn list(
    [plain, weaker, not_called]: Titles,
    items: &[Item],
    withdrawn: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let count = items.len().to_string();
    if withdrawn.is_empty() {
        let values = [("title", text(plain)), ("count", &count)];
        writeln!(out, "  {}", line("compare.counted", &values))?;
    } else {
        let values = [("title", text(weaker)), ("count", &count)];
        writeln!(out, "  {}", line(not_called, &values))?;
        for why in withdrawn.iter().take(ROWS) {
            writeln!(out, "      {why}")?;
        }
        if withdrawn.len() > ROWS {
            let more = (withdrawn.len() - ROWS).to_string();
            writeln!(out, "      {}", line("compare.more_reasons", &[("count", &more)]))?;
        }
    }
    for item in items.iter().take(ROWS) {
        writeln!(out, "    {:<11} {}", item.key.kind.name(), shorten(&item.key.what, 60))?;
        if !item.key.device.is_empty() {
            let of = line("compare.of", &[("device", &item.key.device)]);
            writeln!(out, "                {of}")?;
        }
        for said in words(item) {
            writeln!(out, "                {said}")?;
        }
    }
    if items.len() > ROWS {
        writeln!(out, "    {}", rest(items.len(), ROWS))?;
    }
    Ok(())
}

/// What the rule says in plain words whose id a finding's name begins with.
fn title(what: &str) -> Option<&'static str> {
    let id = what.split(": ").next()?;
    CHECKS.iter().find(|check| check.id() == id).map(|check| check.title())
}

/// What differs of an item, a line each.
pub fn words(item: &Item) -> Vec<String> {
    let mut lines = Vec::new();
    if item.key.kind == Kind::Finding {
        lines.extend(title(&item.key.what).map(str::to_owned));
        if item.left.of.max(item.right.of) == 1 {
            let found = |seen: &Seen| match seen.runs {
                0 => text("compare.not_found"),
                _ => text("compare.found"),
            };
            let (from, to) = (found(&item.left), found(&item.right));
            lines.push(line("compare.finding", &[("from", from), ("to", to)]));
        }
    } else {
        let ways = item.left.ways().into_iter().zip(item.right.ways());
        for (key, (a, b)) in [msg!("compare.sent"), msg!("compare.received")].into_iter().zip(ways)
        {
            if range(a) != range(b) {
                let (from, to, ratio) = (span(a), span(b), ratio(a, b));
                lines.push(line(key, &[("from", &from), ("to", &to), ("ratio", &ratio)]));
            }
        }
    }
    if item.left.of.max(item.right.of) > 1 {
        let [left, left_of, right, right_of] =
            [item.left.runs, item.left.of, item.right.runs, item.right.of].map(|n| n.to_string());
        let values =
            [("left", &*left), ("left_of", &left_of), ("right", &right), ("right_of", &right_of)];
        lines.push(line("compare.seen", &values));
    }
    lines.extend(item.note.clone());
    if let (Some(p), Some(holm)) = (item.p, item.p_holm) {
        let (p, holm) = (format!("{p:.3}"), format!("{holm:.3}"));
        lines.push(line("compare.p", &[("p", &p), ("holm", &holm)]));
    }
    lines
}

/// One amount, or least and most of the repeats.
fn span(values: &[u64]) -> String {
    match range(values) {
        [low, high] if low == high => bytes(low),
        [low, high] => line("compare.range", &[("low", &bytes(low)), ("high", &bytes(high))]),
    }
}

/// The ratio of single amounts; of repeats their ranges say more.
fn ratio(left: &[u64], right: &[u64]) -> String {
    match (left, right) {
        ([a], [b]) if *a > 0 && *b > 0 => {
            let factor = format!("{:.2}", *b as f64 / *a as f64);
            line("compare.ratio", &[("factor", &factor)])
        }
        _ => String::new(),
    }
}
