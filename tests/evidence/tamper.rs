//! Bytes, lengths, lines and files of sealed cases are changed; two cases are mixed.

use super::{Random, commands, files, foreign_holds, quick, rounds, seal, sealed};
use phonehome::case::verify;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tempfile::TempDir;

/// A sealed case of its own, to be changed and put right again.
struct Victim {
    _folder: TempDir,
    bag: PathBuf,
    commands: Option<String>,
    files: Vec<(PathBuf, Vec<u8>)>,
    random: Random,
}

impl Victim {
    fn copy(bag: &Path, seed: u64) -> Victim {
        let folder = quick();
        let own = folder.path().join("one-sealed");
        for (path, bytes) in files(bag) {
            let to = own.join(path.strip_prefix(bag).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, bytes).unwrap();
        }
        let random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed + 1).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let victim = Victim {
            commands: commands(&own),
            files: files(&own),
            bag: own,
            _folder: folder,
            random,
        };
        victim.holds();
        victim
    }

    fn holds(&self) {
        assert!(verify::verify(&self.bag, None, None).holds);
        let foreign = self.commands.as_ref().is_none_or(|c| foreign_holds(&self.bag, c));
        assert!(foreign, "VERIFY.txt finds fault with a case that nobody changed");
    }

    fn noticed(&self, what: &dyn Fn() -> String) {
        assert!(!verify::verify(&self.bag, None, None).holds, "we did not notice: {}", what());
        let foreign = self.commands.as_ref().is_some_and(|c| foreign_holds(&self.bag, c));
        assert!(!foreign, "VERIFY.txt did not notice: {}", what());
    }

    fn with(&self, path: &Path, good: &[u8], bad: &[u8], what: &dyn Fn() -> String) {
        if good != bad {
            fs::write(path, bad).unwrap();
            self.noticed(what);
            fs::write(path, good).unwrap();
        }
    }

    fn flip(&mut self, round: usize) {
        // Small files as often as large ones.
        let (path, good) = &self.files[round % self.files.len()];
        let (at, flip) = (self.random.below(good.len()), 1 + self.random.below(255) as u8);
        let mut bad = good.clone();
        bad[at] ^= flip;
        self.with(path, good, &bad, &|| format!("{}: byte {at} ^ {flip}", path.display()));
    }

    fn reshape(&mut self, round: usize) {
        let count = self.files.len();
        let (path, good) = &self.files[self.random.below(count)];
        let (other, foreign) = &self.files[self.random.below(count)];
        let name = |what: &str| format!("{what}: {}, {}", path.display(), other.display());
        let lines: Vec<&[u8]> = good.split_inclusive(|&byte| byte == b'\n').collect();
        let [a, b] = [0; 2].map(|_| self.random.below(lines.len()));
        match round % 10 {
            0..4 => {
                let length = self.random.below(good.len());
                self.with(path, good, &good[..length], &|| name(&format!("cut to {length}")));
            }
            4 => {
                let mut moved = lines.clone();
                moved.swap(a, b);
                self.with(path, good, &moved.concat(), &|| name(&format!("lines {a} and {b}")));
            }
            5 => {
                let mut twice = lines.clone();
                twice.insert(b, lines[a]);
                self.with(path, good, &twice.concat(), &|| name(&format!("line {a} twice")));
            }
            6 => {
                let mut less = lines.clone();
                less.remove(a);
                self.with(path, good, &less.concat(), &|| name(&format!("without line {a}")));
            }
            7 => {
                fs::remove_file(path).unwrap();
                self.noticed(&|| name("removed"));
                fs::write(path, good).unwrap();
            }
            8 => {
                let folder = other.parent().unwrap();
                let added = folder.join(format!("{:03}.x{round}", self.random.below(1000)));
                fs::write(&added, good).unwrap();
                self.noticed(&|| name("added once more"));
                fs::remove_file(added).unwrap();
            }
            _ if good != foreign => {
                fs::write(path, foreign).unwrap();
                fs::write(other, good).unwrap();
                self.noticed(&|| name("swapped"));
                fs::write(path, good).unwrap();
                fs::write(other, foreign).unwrap();
            }
            _ => {}
        }
    }

    /// Takes some files of another case; false where that gives one of the two cases.
    fn splice(&mut self, other: &BTreeMap<PathBuf, Vec<u8>>) -> bool {
        let mut taken = Vec::new();
        let mut kept = false;
        for (path, good) in &self.files {
            let Some(foreign) = other.get(path.strip_prefix(&self.bag).unwrap()) else { continue };
            let cut = self.random.below(4);
            let bytes = match cut {
                0 | 1 => foreign.clone(),
                // A head of one and a tail of the other.
                2 if good.len() > 2 && foreign.len() > 2 => {
                    let at = self.random.below(good.len().min(foreign.len()));
                    [&good[..at], &foreign[at..]].concat()
                }
                _ => good.clone(),
            };
            kept |= bytes != *foreign;
            if bytes != *good {
                taken.push((path, good, bytes));
            }
        }
        if taken.is_empty() || !kept {
            return false;
        }
        taken.iter().for_each(|(path, _, bytes)| fs::write(path, bytes).unwrap());
        self.noticed(&|| format!("{:?}", taken.iter().map(|(path, ..)| path).collect::<Vec<_>>()));
        taken.iter().for_each(|(path, good, _)| fs::write(path, good).unwrap());
        true
    }
}

/// Does something so often, several at a time, each to a case of its own.
fn often(bag: &Path, count: usize, what: &str, act: impl Fn(&mut Victim, usize) + Sync) {
    let (began, next) = (Instant::now(), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (next, act) = (&next, &act);
            scope.spawn(move || {
                let mut victim = Victim::copy(bag, thread as u64);
                loop {
                    let round = next.fetch_add(1, Ordering::Relaxed);
                    if round >= count {
                        break;
                    }
                    act(&mut victim, round);
                }
                victim.holds();
            });
        }
    });
    println!("{what}: {count} in {:.0} s, all noticed by both", began.elapsed().as_secs_f64());
}

#[test]
fn single_bytes() {
    let folder = sealed();
    let bag = folder.path().join("one-sealed");
    often(&bag, rounds(100_000), "bytes changed", |victim, round| victim.flip(round));
}

#[test]
fn lengths_lines_and_files() {
    let folder = sealed();
    let bag = folder.path().join("one-sealed");
    let what = "truncations, reorders, duplications, removals, additions";
    often(&bag, rounds(10_000), what, |victim, round| victim.reshape(round));
}

#[test]
fn two_cases_mixed() {
    let folder = sealed();
    let at = folder.path();
    // By the same person with the same key, of the same capture: only the case is another.
    seal(at, "two", &["meter.pcap"]);
    let (bag, second) = (at.join("one-sealed"), at.join("two-sealed"));
    let other: BTreeMap<PathBuf, Vec<u8>> = files(&second)
        .into_iter()
        .map(|(path, bytes)| (path.strip_prefix(&second).unwrap().to_owned(), bytes))
        .collect();
    often(&bag, rounds(1000), "splices of two cases", |victim, _| {
        let spliced = (0..20).any(|_| victim.splice(&other));
        assert!(spliced);
    });
}
