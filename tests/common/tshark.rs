//! Asks tshark which frames a display filter selects.

use super::places::skipped;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

/// As a finding promises: with the defaults, and without putting fragments and segments together.
pub const PREFERENCES: [&[&str]; 2] =
    [&[], &["-o", "ip.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]];

/// Whether there is a tshark; says so where there is none.
pub fn is_there() -> bool {
    let there = Command::new("tshark").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        skipped("no tshark");
    }
    there
}

fn tshark(capture: &Path, preferences: &[&str]) -> Command {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(capture).args(preferences);
    command
}

/// The numbers of the frames that a filter selects.
pub fn frames(capture: &Path, preferences: &[&str], filter: &str) -> Result<BTreeSet<u64>, String> {
    let mut command = tshark(capture, preferences);
    let output =
        command.args(["-Y", filter, "-T", "fields", "-e", "frame.number"]).output().unwrap();
    // tshark fails for a damaged capture after it has shown what comes before the damage, and so
    // does phonehome; a filter that it does not understand is another matter.
    if output.stdout.is_empty() && !output.status.success() {
        return Err(complaint(&output));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(|line| line.parse().unwrap()).collect())
}

/// How many frames each filter selects, in one reading of the capture.
pub fn counts(
    capture: &Path,
    preferences: &[&str],
    filters: &[String],
) -> Result<Vec<u64>, String> {
    assert!(filters.iter().all(|filter| !filter.contains(',')), "commas separate the filters");
    let mut command = tshark(capture, preferences);
    command.arg("-q");
    for filter in filters {
        command.arg("-z").arg(format!("io,stat,0,{filter}"));
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // One table a filter, with one line for the whole time: | 0.0 <> 37.3 | frames | bytes |
    let mut counts: Vec<u64> = text
        .lines()
        .filter(|line| line.contains("<>"))
        .map(|line| line.split('|').nth(2).unwrap().trim().parse().unwrap())
        .collect();
    // Tables come in the reverse order of their filters.
    counts.reverse();
    if counts.len() == filters.len() {
        return Ok(counts);
    }
    // A capture without duration has a table without a line: ask for the frames themselves.
    filters.iter().map(|f| frames(capture, preferences, f).map(|set| set.len() as u64)).collect()
}

fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let about_root = |line: &&str| !line.contains("Running as user");
    text.lines().filter(about_root).collect::<Vec<_>>().join(" ")
}
