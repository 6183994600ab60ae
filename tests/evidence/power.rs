//! A model of power cuts: what a recorder asked of the system is taken down with strace, and made again
//! up to any moment as a disk would hold it. What was written before the last fdatasync is there; of
//! what came after, each sector of 512 bytes is there or not, or reads as zeros.

use super::common::network::Wire;
use super::stops::recovered;
use super::{PROGRAM, Random, capture, rounds};
use phonehome::case::{journal, layout};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const SECTOR: usize = 512;

#[derive(Debug)]
enum Call {
    Write(PathBuf, Vec<u8>),
    /// Begins and ends: what was written when it began is there when it ends.
    Sync(PathBuf, bool),
}

/// Reads what strace took down: `PID call(FD</path>, "\x..", …`, in pieces where threads overlap.
fn calls(trace: &str, case: &Path) -> Vec<Call> {
    let mut open: BTreeMap<&str, PathBuf> = BTreeMap::new();
    let mut all = Vec::new();
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if rest.starts_with("<... fdatasync resumed>") {
            if let Some(path) = open.remove(pid).filter(|_| rest.ends_with("= 0")) {
                all.push(Call::Sync(path, true));
            }
            continue;
        }
        let path = |rest: &str| {
            let path = rest.split_once('<')?.1.split_once('>')?.0;
            let path = String::from_utf8(unescaped(path)).ok()?;
            Path::new(&path).strip_prefix(case).ok().map(Path::to_owned)
        };
        if let Some(rest) = rest.strip_prefix("write(")
            && let Some(path) = path(rest)
        {
            let text = rest.split('"').nth(1).unwrap();
            all.push(Call::Write(path, unescaped(text)));
        } else if let Some(rest) = rest.strip_prefix("fdatasync(")
            && let Some(path) = path(rest)
        {
            all.push(Call::Sync(path.clone(), false));
            if rest.contains("unfinished") {
                open.insert(pid, path);
            } else if rest.ends_with("= 0") {
                all.push(Call::Sync(path, true));
            }
        }
    }
    all
}

/// Bytes that strace spells in hexadecimal, names of files among them.
fn unescaped(text: &str) -> Vec<u8> {
    if !text.contains("\\x") {
        return text.as_bytes().to_vec();
    }
    text.split("\\x").skip(1).map(|hex| u8::from_str_radix(&hex[..2], 16).unwrap()).collect()
}

/// A file as the system has it, and how much of it is surely on the disk.
#[derive(Default)]
struct Stored {
    bytes: Vec<u8>,
    asked: Vec<usize>,
    safe: usize,
}

impl Stored {
    /// As it may be read after the power was cut.
    fn after_cut(&self, random: &mut Random) -> Vec<u8> {
        let length = self.safe + random.below(self.bytes.len() - self.safe + 1);
        let mut left = self.bytes[..length].to_vec();
        let mut at = self.safe;
        while at < length {
            let end = (at / SECTOR + 1) * SECTOR;
            if random.below(2) == 0 {
                left[at..end.min(length)].fill(0);
            }
            at = end;
        }
        left
    }
}

#[test]
fn power_is_cut_at_any_moment() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: strace is not installed");
        return;
    }
    let Some(wire) = Wire::lay("power") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = fs::canonicalize(folder.path()).unwrap();
    let (case, trace) = (at.join("case"), at.join("trace"));
    let mut command = wire.at_b("strace");
    command.args(["-f", "-qq", "-y", "-xx", "-s", "100000000", "-e", "trace=write,fdatasync"]);
    command.arg("-o").arg(&trace);
    command.args([PROGRAM, "capture", "-i", "wire", "--keep-free", "1", "--duration", "9"]);
    command.args(["--rotate-size", "1", "--case"]).arg(&case);
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(1500));
            wire.send(&capture("gateway.pcap"), 2000, Some(12_000));
        });
        command.output().unwrap()
    });
    assert!(layout::journal(&case).exists(), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = calls(&fs::read_to_string(&trace).unwrap(), &case);
    let whole = fs::read(layout::journal(&case)).unwrap();
    let (mut random, began, count) = (Random(99), Instant::now(), rounds(500));
    let (mut lines, mut torn) = (0, 0);
    for round in 0..count {
        let cut = 1 + random.below(calls.len());
        let mut disk: BTreeMap<&Path, Stored> = BTreeMap::new();
        for call in &calls[..cut] {
            match call {
                Call::Write(path, bytes) => disk.entry(path).or_default().bytes.extend(bytes),
                Call::Sync(path, false) => {
                    let stored = disk.entry(path).or_default();
                    stored.asked.push(stored.bytes.len());
                }
                Call::Sync(path, true) => {
                    let stored = disk.entry(path).or_default();
                    stored.safe = stored.safe.max(stored.asked.remove(0));
                }
            }
        }
        let left = at.join(format!("left{round}"));
        fs::create_dir_all(layout::segments(&left)).unwrap();
        let mut promised = 0;
        for (path, stored) in &disk {
            let bytes = stored.after_cut(&mut random);
            torn += usize::from(bytes.len() > stored.safe);
            if *path == Path::new("journal.jsonl") {
                promised = stored.bytes[..stored.safe].iter().filter(|&&b| b == b'\n').count();
                assert!(whole.starts_with(&stored.bytes[..stored.safe]));
            }
            fs::write(left.join(path), bytes).unwrap();
        }
        if promised > 0 {
            recovered(&left);
            let (entries, broken) = journal::read(&layout::journal(&left)).unwrap();
            assert_eq!(broken, None);
            assert!(entries.len() >= promised, "{} lines of {promised}", entries.len());
            lines += promised;
        }
        fs::remove_dir_all(&left).unwrap();
    }
    assert!(calls.len() > 20 && lines > 0, "{}", calls.len());
    println!(
        "power cuts: {count} in {:.0} s among {} calls, {torn} torn files, {lines} lines, none lost",
        began.elapsed().as_secs_f64(),
        calls.len()
    );
}
