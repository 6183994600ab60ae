//! Recorders that are killed, and disks that are full or broken, at any moment.

use super::common::network::Wire;
use super::common::recording::Running;
use super::{PROGRAM, Random, capture, quick, rounds, run};
use phonehome::case::clock::Clocks;
use phonehome::case::journal::{self, Event};
use phonehome::case::{layout, verify};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Recorders at once: they mostly wait.
const AT_ONCE: usize = 6;
/// What may stand behind the last checkpoint, bytes.
const TAIL_BYTES: u64 = 8 * 1024 * 1024;

/// Holds a case against what is promised of an interrupted one; gives its checkpoints.
pub fn recovered(case: &Path) -> usize {
    let before = super::files(case);
    let report = verify::verify(case, None, None);
    assert!(report.holds, "{report:?}");
    let (entries, _) = journal::read(&layout::journal(case)).unwrap();
    let (mut checkpoints, mut at) = (0, (String::new(), 0));
    for entry in entries {
        if let Event::Checkpoint { segment, bytes, .. } = entry.event {
            (checkpoints, at) = (checkpoints + 1, (segment, bytes));
        }
    }
    if checkpoints > 0 {
        let length = fs::metadata(layout::segments(case).join(&at.0)).unwrap().len();
        assert!(length >= at.1 && length - at.1 <= TAIL_BYTES, "{length} {at:?}");
    }
    assert!(super::files(case) == before, "a check changes nothing");
    checkpoints
}

/// Does something at so many wires at once, until it was done so often.
fn at_wires(tag: &str, count: usize, act: impl Fn(&Wire, usize) + Sync) -> bool {
    let next = AtomicUsize::new(0);
    let wires: Option<Vec<Wire>> =
        (0..AT_ONCE.min(count)).map(|number| Wire::lay(&format!("{tag}{number}"))).collect();
    let Some(wires) = wires else { return false };
    thread::scope(|scope| {
        for wire in &wires {
            let (next, act) = (&next, &act);
            scope.spawn(move || {
                loop {
                    let round = next.fetch_add(1, Ordering::Relaxed);
                    if round >= count {
                        break;
                    }
                    act(wire, round);
                }
            });
        }
    });
    true
}

#[test]
fn killed_at_any_moment() {
    // In memory: a disk that many write to may take seconds to say that a checkpoint is durable, and
    // what a killed program had written is not lost on either.
    let folder = quick();
    let (began, count) = (Instant::now(), rounds(1000));
    let (checkpoints, longest) = (AtomicUsize::new(0), AtomicI64::new(0));
    let done = at_wires("kill", count, |wire, round| {
        let mut random = Random(0x1234_5678 + round as u64 * 0x9e37_79b9);
        let case = folder.path().join(format!("case{round}"));
        let mut running = Running::start(wire, &["--case", case.to_str().unwrap()]);
        let killed = thread::scope(|scope| {
            scope.spawn(|| wire.send(&capture("gateway.pcap"), 4000, Some(6000)));
            thread::sleep(Duration::from_millis(20 + random.below(1800) as u64));
            // The recorder alone, or first who reads: alone it would go on.
            if random.below(2) == 0 {
                Running::signal(running.child.id(), "-KILL");
            }
            Running::signal(running.recorder, "-KILL");
            Clocks::now()
        });
        running.child.wait().unwrap();
        // A recorder outlives whoever reads: it ends by itself.
        let gone = Path::new("/proc").join(running.recorder.to_string());
        (0..100)
            .take_while(|_| gone.exists())
            .for_each(|_| thread::sleep(Duration::from_millis(50)));
        checkpoints.fetch_add(recovered(&case), Ordering::Relaxed);
        let (entries, _) = journal::read(&layout::journal(&case)).unwrap();
        if let Some(last) = entries.last() {
            let tail = killed.monotonic - last.clocks.monotonic;
            longest.fetch_max(tail, Ordering::Relaxed);
            // A checkpoint is due every second; on a busy machine it has to wait for its turn.
            assert!(tail < 2_000_000_000, "{tail} ns behind the last line");
        }
        fs::remove_dir_all(&case).unwrap();
    });
    if done {
        println!(
            "recorders killed: {count} in {:.0} s, {} checkpoints, none lost; the last line was at most \
             {:.2} s old",
            began.elapsed().as_secs_f64(),
            checkpoints.into_inner(),
            longest.into_inner() as f64 / 1e9
        );
    }
}

#[test]
fn a_full_or_broken_disk() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: strace, which plays the broken disk, is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, &["key", "new", "lab.key"], 0);
    let (began, count) = (Instant::now(), rounds(100).max(4));
    let hit = AtomicUsize::new(0);
    let done = at_wires("disk", count, |wire, round| {
        let mut random = Random(0xabcd_ef01 + round as u64 * 0x9e37_79b9);
        let name = format!("case{round}");
        let case = at.join(&name);
        let call = ["write", "fdatasync"][random.below(2)];
        let error = if call == "write" { ["ENOSPC", "EIO"][random.below(2)] } else { "EIO" };
        let first = 1 + random.below(if call == "write" { 12 } else { 6 });
        let paths = [layout::journal(&case), layout::segment(&case, 0)];
        let mut command = wire.at_b("strace");
        command.args(["-f", "-qq", "-o", "/dev/null"]);
        let inject = format!("inject={call}:error={error}:when={first}+");
        command.args(["-e", &format!("trace={call}"), "-e", &inject]);
        for path in &paths {
            command.arg("-P").arg(path);
        }
        command.args([PROGRAM, "capture", "-i", "wire", "--keep-free", "1", "--duration", "4"]);
        command.arg("--case").arg(&case).arg("--rotate-size").arg("1");
        let output = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(700));
                wire.send(&capture("gateway.pcap"), 1000, Some(2500));
            });
            command.output().unwrap()
        });
        let code = output.status.code();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let whole =
            String::from_utf8_lossy(&output.stdout).contains("\"type\":\"end\"") && code == Some(0);
        assert!(!whole, "{call} {error} {first}: {said}");
        hit.fetch_add(1, Ordering::Relaxed);
        if !layout::journal(&case).exists()
            || journal::read(&layout::journal(&case)).unwrap().0.is_empty()
        {
            // It could not even begin, and said so.
            return;
        }
        recovered(&case);
        let sealed = super::phonehome(at, &["case", "seal", &name, "--key", "lab.key"]);
        // 4: there is not one packet in it.
        assert!(matches!(sealed.status.code(), Some(0 | 4)), "{sealed:?}");
        if sealed.status.success() {
            run(at, &["case", "verify", &format!("{name}-sealed")], 0);
        }
    });
    if done {
        println!(
            "disks full or broken: {} in {:.0} s, none called a success",
            hit.into_inner(),
            began.elapsed().as_secs_f64()
        );
    }
}
