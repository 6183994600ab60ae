//! Captures from interfaces: two network namespaces with a wire between them, packets sent with
//! tcpreplay, recorded by the program as a user runs it.

#![cfg(all(target_os = "linux", feature = "live"))]

mod common;

use common::network::Wire;
use common::recording::Running;
use phonehome::base::time::Timestamp;
use phonehome::case::clock::Clocks;
use phonehome::case::journal::{self, Event};
use phonehome::case::layout;
use phonehome::source::FileSource;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_phonehome");

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

fn frames(path: &Path) -> (u64, Option<Timestamp>, bool) {
    let mut source = FileSource::open(path, false).unwrap();
    let (mut count, mut last) = (0, None);
    while let Some(frame) = source.next_frame() {
        (count, last) = (count + 1, Some(frame.time));
    }
    (count, last, source.finish().damage.is_none())
}

/// Holds every checkpoint of a journal against the segments, as a reader would by hand.
fn check_case(case: &Path) -> Vec<journal::Entry> {
    let (entries, broken) = journal::read(&layout::journal(case)).unwrap();
    assert_eq!(broken, None);
    let mut checkpoints = 0;
    for entry in &entries {
        let Event::Checkpoint { segment, bytes, sha256, .. } = &entry.event else { continue };
        let mut data = std::fs::read(layout::segments(case).join(segment)).unwrap();
        assert!(data.len() as u64 >= *bytes, "{segment} has fewer bytes than its checkpoint");
        data.truncate(*bytes as usize);
        assert_eq!(&phonehome::base::text::hex(&Sha256::digest(&data)), sha256);
        checkpoints += 1;
    }
    assert!(checkpoints > 0);
    entries
}

#[test]
fn a_live_run_and_the_analysis_of_its_recording_give_the_same_bytes() {
    let Some(wire) = Wire::lay("same") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (case, json) = (folder.path().join("case"), folder.path().join("live.json"));
    let arguments = ["--case", case.to_str().unwrap(), "--json", json.to_str().unwrap()];
    let running = Running::start(&wire, &arguments);
    wire.send(&captures().join("gateway.pcap"), 2000, None);
    // A second segment, in the middle of flows.
    Running::signal(running.child.id(), "-HUP");
    pause(300);
    wire.send(&captures().join("meter.pcap"), 2000, None);
    pause(300);
    let (code, lines) = running.stop();
    assert_eq!(code, 0, "{lines:?}");
    let last = lines.last().unwrap();
    assert_eq!((&last["type"], &last["last"]), (&"summary".into(), &true.into()));
    let sent: u64 =
        ["gateway.pcap", "meter.pcap"].map(|name| frames(&captures().join(name)).0).iter().sum();
    assert_eq!(last["analysed_frames"], sent);
    assert_eq!(last["recorded"]["packets"], sent);
    let told = lines.iter().filter(|line| line["type"] == "finding").count() as u64;
    let live = std::fs::read_to_string(&json).unwrap();
    let parsed: Value = serde_json::from_str(&live).unwrap();
    assert!(told >= parsed["findings"].as_array().unwrap().len() as u64 && told > 0);
    assert_eq!(parsed["inputs"].as_array().unwrap().len(), 2, "two segments");
    let offline = Command::new(PROGRAM)
        .args(["analyze", "--json", "--no-hash", case.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(live == String::from_utf8(offline.stdout).unwrap(), "live and offline differ");
    check_case(&case);
}

#[test]
fn the_recorder_has_given_up_what_it_does_not_need() {
    let Some(wire) = Wire::lay("rights") else { return };
    let running = Running::start(&wire, &[]);
    for (pid, permitted) in [(running.recorder, 1u64 << 13), (running.child.id(), 0)] {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().last().unwrap().to_owned()
        };
        let number = |name: &str| u64::from_str_radix(&field(name), 16).unwrap();
        assert_eq!(number("CapEff:"), 0, "{pid}");
        assert_eq!(number("CapPrm:") & !permitted, 0, "{pid}");
        assert_eq!(field("NoNewPrivs:"), "1", "{pid}");
        assert_eq!(field("Seccomp:"), "2", "{pid}");
    }
    let base =
        std::env::temp_dir().join(format!("phonehome-{}", rustix::process::getuid().as_raw()));
    let ring = base.join(format!("ring-{}", running.child.id()));
    assert!(ring.is_dir());
    assert_eq!(running.stop().0, 3, "nothing was seen, which is not complete");
    assert!(!ring.exists(), "the temporary ring is removed");
}

#[test]
fn marks_stand_in_journal_and_comments_and_shift_no_frame() {
    let Some(wire) = Wire::lay("marks") else { return };
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    let running = Running::start(&wire, &["--case", case.to_str().unwrap()]);
    let pid = running.child.id().to_string();
    let mark = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        let output = command.arg("mark").args(arguments).args(["--pid", &pid]).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(mark(&["--phase", "idle"]).0, 0);
    wire.send(&captures().join("meter.pcap"), 2000, Some(50));
    let (code, says) = mark(&["lens covered \u{1b}[31m"]);
    assert_eq!(code, 0);
    assert!(says.starts_with("noted at 20"), "{says}");
    assert_eq!(mark(&["--phase", "asleep"]).0, 2);
    wire.send(&captures().join("meter.pcap"), 2000, Some(50));
    pause(300);
    running.stop();
    let entries = check_case(&case);
    let noted: Vec<String> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Mark { text, packets } => Some(format!("{text} {packets}")),
            Event::Phase { phase, packets } => Some(format!("{phase} {packets}")),
            _ => None,
        })
        .collect();
    assert_eq!(noted[0], "idle 0");
    assert!(noted[1].starts_with("lens covered \u{1b}[31m "), "{noted:?}");
    let segment = layout::segment(&case, 0);
    assert_eq!(frames(&segment).0, 100);
    let bytes = std::fs::read(&segment).unwrap();
    let comment = b"mark: lens covered";
    assert!(bytes.windows(comment.len()).any(|window| window == comment));
    if let Some(counted) = common::network::run("tshark", &["-r", segment.to_str().unwrap()]) {
        assert_eq!(String::from_utf8_lossy(&counted.stdout).lines().count(), 100);
    }
    // Nothing is ever overwritten.
    let again = wire.at_b(PROGRAM).args(["capture", "-i", "wire", "--case"]).arg(&case).output();
    let again = again.unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists already"));
}

fn mark(pid: u32, arguments: &[&str]) -> bool {
    let mut command = Command::new(PROGRAM);
    command.arg("mark").args(arguments).args(["--pid", &pid.to_string()]);
    command.output().unwrap().status.success()
}

#[test]
fn a_plan_is_carried_out_and_its_phases_add_up() {
    let Some(wire) = Wire::lay("plan") else { return };
    let folder = tempfile::tempdir().unwrap();
    let [case, plan, json] = ["case", "plan.toml", "out.json"].map(|name| folder.path().join(name));
    let text = "name = \"short\"\n[[step]]\nphase = \"power-on\"\nminutes = 1\n\
        control = \"negative\"\nask = \"Cover the lens.\"\n";
    std::fs::write(&plan, text).unwrap();
    let [case, plan, json] = [&case, &plan, &json].map(|path| path.to_str().unwrap());
    let arguments = ["--case", case, "--plan", plan, "--json", json];
    let running = Running::start(&wire, &arguments);
    let pid = running.child.id();
    wire.send(&captures().join("meter.pcap"), 2000, Some(30));
    pause(400);
    assert!(mark(pid, &["--answer", "done at once"]), "the plan asks from its beginning");
    pause(400);
    assert!(!mark(pid, &["--answer"]), "nothing is asked any more");
    wire.send(&captures().join("meter.pcap"), 2000, Some(20));
    pause(300);
    // The new segment is in the same phase.
    Running::signal(pid, "-HUP");
    pause(300);
    assert!(mark(pid, &["--phase", "idle"]));
    wire.send(&captures().join("meter.pcap"), 2000, Some(10));
    pause(300);
    let (code, lines) = running.stop();
    assert_eq!(code, 0, "{lines:?}");
    let asked: Vec<&Value> = lines.iter().filter(|line| line["type"] == "ask").collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        (&asked[0]["question"], &asked[1]["question"]),
        (&"Cover the lens.".into(), &Value::Null)
    );
    let result: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let phases = result["phases"].as_array().unwrap();
    let named: Vec<_> =
        phases.iter().map(|p| (&p["phase"], p["frames"].as_u64().unwrap())).collect();
    assert_eq!(named, [(&Value::Null, 30), (&"power-on".into(), 20), (&"idle".into(), 10)]);
    let all: u64 = phases.iter().map(|phase| phase["wire_bytes"].as_u64().unwrap()).sum();
    assert_eq!(all, result["coverage"]["wire_bytes"]);
    let marks: Vec<_> = result["marks"].as_array().unwrap().iter().map(|m| &m["text"]).collect();
    assert_eq!(marks, ["done: Cover the lens. Answer: done at once", "negative control"]);
}

/// The service manager's end of the socket.
struct Manager(std::os::unix::net::UnixDatagram);

impl Manager {
    fn told(&self) -> Option<String> {
        let mut text = [0; 200];
        let length = self.0.recv(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text[..length]).into_owned())
    }
}

#[test]
fn a_service_manager_is_told_and_a_status_can_be_asked_for() {
    let Some(wire) = Wire::lay("notify") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = Manager(std::os::unix::net::UnixDatagram::bind(&path).unwrap());
    manager.0.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let case = folder.path().join("case");
    // As tools/systemd/phonehome@.service runs it.
    let environment = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "200000"),
        ("XDG_RUNTIME_DIR", folder.path().to_str().unwrap()),
    ];
    let case_option = ["--case", case.to_str().unwrap()];
    let options = ["--rotate-time", "60", "--summary-every", "600"];
    let arguments = [&case_option[..], &options[..]].concat();
    let mut running = Running::start_with(&wire, &arguments, &environment);
    let first: Vec<String> = (0..4).map(|_| manager.told().unwrap()).collect();
    assert_eq!(first, ["READY=1\nSTATUS=recording", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
    wire.send(&captures().join("meter.pcap"), 2000, Some(10));
    pause(500);
    Running::signal(running.child.id(), "-USR1");
    pause(300);

    // A recorder that hangs is no reason to say that all is well.
    Running::signal(running.recorder, "-STOP");
    let stopped = Instant::now();
    manager.0.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    while manager.told().is_some() {
        assert!(stopped.elapsed() < Duration::from_secs(8), "it still says that all is well");
    }
    manager.0.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    Running::signal(running.recorder, "-CONT");
    assert_eq!(manager.told().as_deref(), Some("WATCHDOG=1"));

    Running::signal(running.child.id(), "-TERM");
    let lines: Vec<Value> =
        running.lines.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(running.child.wait().unwrap().code(), Some(0), "{lines:?}");
    let summaries = lines.iter().filter(|line| line["type"] == "summary").count();
    assert_eq!(summaries, 2, "the one that was asked for, and the last: {lines:?}");
    manager.0.set_nonblocking(true).unwrap();
    let rest: Vec<String> = std::iter::from_fn(|| manager.told()).collect();
    let (last, before) = rest.split_last().unwrap();
    assert_eq!(last, "STOPPING=1");
    assert!(before.iter().all(|text| text == "WATCHDOG=1"), "{before:?}");
    let (count, _, is_whole) = frames(&layout::segment(&case, 0));
    assert_eq!((count, is_whole), (10, true));
    check_case(&case);
}

/// What an analysis of a case says later.
fn shown(case: &Path) -> Value {
    let mut command = Command::new(PROGRAM);
    let output = command.args(["analyze", "--json", "--no-hash"]).arg(case).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Switches the other end off and on, and holds the recorded gaps against that.
fn gaps(tag: &str, cycles: usize) {
    let Some(wire) = Wire::lay(tag) else { return };
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    let running = Running::start(&wire, &["--case", case.to_str().unwrap()]);
    let mut truth = Vec::new();
    for cycle in 0..cycles {
        let before = Clocks::now().wall;
        wire.switch("down");
        let down = [before, Clocks::now().wall];
        pause(60 + cycle as u64 % 7 * 10);
        let before = Clocks::now().wall;
        wire.switch("up");
        let up = [before, Clocks::now().wall];
        truth.push((down, up));
        pause(60);
    }
    wire.send(&captures().join("meter.pcap"), 2000, Some(50));
    pause(200);
    let (_, lines) = running.stop();
    let recorded: Vec<(Timestamp, Timestamp)> = check_case(&case)
        .iter()
        .filter_map(|entry| match entry.event {
            Event::Gap { from, to, .. } => Some((from, to)),
            _ => None,
        })
        .collect();
    assert_eq!(recorded.len(), cycles, "{lines:?}");
    // Told within 50 ms; a busy test machine is given twice that.
    let within = 100_000_000;
    let mut late = Vec::new();
    for ((from, to), (down, up)) in recorded.iter().zip(&truth) {
        assert!(from.since(down[0]) >= 0 && from.since(down[1]) < within, "{from} {down:?}");
        assert!(to.since(up[0]) >= 0 && to.since(up[1]) < within, "{to} {up:?}");
        late.extend([from.since(down[1]).max(0), to.since(up[1]).max(0)]);
    }
    late.sort_unstable();
    let (half, most) = (late[late.len() / 2], late.last().unwrap());
    let over = late.iter().filter(|&&late| late > 50_000_000).count();
    println!("{cycles} gaps: half told within {half} ns, all within {most} ns, {over} over 50 ms");
    // The recording itself says so to whoever analyses it later.
    let shown = shown(&case);
    assert_eq!(shown["interruptions"].as_array().unwrap().len(), cycles);
    assert_eq!(shown["interruptions"][0]["interface"], "wire");
    assert_eq!(shown["coverage"]["complete"], true, "a device without a link says nothing");
    assert_eq!(frames(&layout::segment(&case, 0)).0, 50, "it records again afterwards");
}

#[test]
fn every_gap_is_recorded() {
    gaps("gaps", 10);
}

#[test]
#[ignore = "a minute; `make test-long`"]
fn every_gap_of_200_is_recorded() {
    gaps("gaps200", 200);
}

/// Waits for the first checkpoint with packets: a busy machine takes its time.
fn await_checkpoint(case: &Path) {
    let patience = Instant::now() + Duration::from_secs(30);
    let has_packets = |entry: &journal::Entry| matches!(entry.event, Event::Checkpoint { bytes, .. } if bytes > 4096);
    while !journal::read(&layout::journal(case)).is_ok_and(|(all, _)| all.iter().any(has_packets)) {
        assert!(Instant::now() < patience, "no checkpoint");
        pause(20);
    }
}

/// Kills the recorder while packets come in, and looks at what is left.
fn killed(tag: &str, rounds: u64) {
    let Some(wire) = Wire::lay(tag) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut most = 0;
    for round in 0..rounds {
        let case = folder.path().join(format!("case{round}"));
        let mut running = Running::start(&wire, &["--case", case.to_str().unwrap()]);
        let ended = AtomicBool::new(false);
        let last = thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    wire.send(&captures().join("gateway.pcap"), 5000, Some(2_000));
                }
            });
            await_checkpoint(&case);
            pause(round * 37 % 700);
            Running::signal(running.recorder, "-KILL");
            ended.store(true, Ordering::Relaxed);
            Clocks::now().wall
        });
        let rest: Vec<String> = running.lines.by_ref().map_while(Result::ok).collect();
        assert_eq!(running.child.wait().unwrap().code(), Some(3), "{rest:?}");
        check_case(&case);
        let segment = layout::segment(&case, 0);
        let (count, newest, _) = frames(&segment);
        assert!(count > 0);
        let missing = last.since(newest.unwrap());
        assert!(missing < 1_000_000_000, "{missing} ns are missing");
        most = most.max(missing);
        if let Some(seen) = common::network::run("capinfos", &["-Mc", segment.to_str().unwrap()]) {
            let text = String::from_utf8_lossy(&seen.stdout).into_owned();
            assert!(text.contains("Number of packets"), "{text}");
        }
        std::fs::remove_dir_all(&case).unwrap();
    }
    println!("killed {rounds} times: at most {most} ns are missing");
}

#[test]
fn what_a_killed_recorder_leaves_can_be_read() {
    killed("killed", 3);
}

#[test]
#[ignore = "ten minutes; `make test-long`"]
fn what_a_recorder_killed_200_times_leaves_can_be_read() {
    killed("killed200", 200);
}

#[test]
fn a_recording_outlives_whoever_reads_it() {
    let Some(wire) = Wire::lay("alone") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alone.pcapng");
    let mut running = Running::start(&wire, &["--write", file.to_str().unwrap()]);
    Running::signal(running.child.id(), "-KILL");
    running.child.wait().unwrap();
    wire.send(&captures().join("meter.pcap"), 2000, Some(50));
    pause(300);
    Running::signal(running.recorder, "-TERM");
    let gone = format!("/proc/{}", running.recorder);
    let patience = Instant::now() + Duration::from_secs(10);
    while Path::new(&gone).exists() && Instant::now() < patience {
        pause(20);
    }
    assert!(!Path::new(&gone).exists());
    assert_eq!(frames(&file), (50, frames(&file).1, true));
}

#[test]
fn an_interface_that_is_pulled_and_comes_back_is_recorded_again() {
    let Some(wire) = Wire::lay("pulled") else { return };
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    let running = Running::start(&wire, &["--case", case.to_str().unwrap()]);
    wire.send(&captures().join("meter.pcap"), 2000, Some(20));
    pause(200);
    wire.pull();
    pause(300);
    wire.lay_again();
    pause(300);
    wire.send(&captures().join("meter.pcap"), 2000, Some(30));
    pause(300);
    let (code, lines) = running.stop();
    assert_eq!(code, 0, "{lines:?}");
    let gaps = lines.iter().filter(|line| line["type"] == "gap" && !line["to"].is_null()).count();
    assert!(gaps >= 1, "{lines:?}");
    assert_eq!(frames(&layout::segment(&case, 0)).0, 50);
    check_case(&case);
}

#[test]
fn several_interfaces_are_recorded_at_once() {
    let Some(wire) = Wire::lay("two") else { return };
    wire.second();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two.pcapng");
    let running = Running::start(&wire, &["-i", "other", "--write", file.to_str().unwrap()]);
    wire.send(&captures().join("meter.pcap"), 2000, Some(20));
    wire.send_by("other", &captures().join("meter.pcap"), 2000, Some(30));
    pause(300);
    let (code, lines) = running.stop();
    assert_eq!(code, 0, "{lines:?}");
    let mut source = FileSource::open(&file, false).unwrap();
    let mut count = 0;
    while source.next_frame().is_some() {
        count += 1;
    }
    assert_eq!(count, 50);
    let names = source.finish().declared.interfaces;
    assert_eq!(names, [b"wire".as_slice().into(), b"other".as_slice().into()]);
}

/// A small disk in memory.
struct Mounted<'a>(&'a str);

impl<'a> Mounted<'a> {
    fn new(at: &'a str, size: &str) -> Mounted<'a> {
        let options = ["-t", "tmpfs", "-o", size, "tmpfs", at];
        assert!(common::network::run("mount", &options).unwrap().status.success());
        Mounted(at)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        common::network::run("umount", &[self.0]);
    }
}

#[test]
fn a_full_disk_ends_the_recording_with_a_whole_file() {
    let Some(wire) = Wire::lay("full") else { return };
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let at = disk.to_str().unwrap();
    let _mounted = Mounted::new(at, "size=6m");
    // With room kept free it ends before; with none it meets the end of the disk itself.
    for (round, keep) in ["2", "0"].into_iter().enumerate() {
        let case = disk.join(format!("case{round}"));
        let arguments = ["--case", case.to_str().unwrap(), "--keep-free", keep];
        let mut running = Running::start(&wire, &arguments);
        wire.send(&captures().join("gateway.pcap"), 20_000, Some(60_000));
        let lines: Vec<String> = running.lines.by_ref().map_while(Result::ok).collect();
        let code = running.child.wait().unwrap().code();
        let end = lines.iter().find(|line| line.contains("\"type\":\"end\"")).unwrap();
        if round == 0 {
            assert!(end.contains("nearly full") && end.contains("\"good\":true"), "{end}");
            assert_eq!(code, Some(0), "{lines:?}");
        } else {
            assert!(end.contains("\"good\":false"), "{end}");
            assert_eq!(code, Some(3), "{lines:?}");
        }
        let (count, _, whole) = frames(&layout::segment(&case, 0));
        assert!(count > 100 && whole, "{count} frames");
        let entries = check_case(&case);
        assert!(round == 1 || matches!(entries.last().unwrap().event, Event::End { .. }));
        std::fs::remove_dir_all(&case).unwrap();
    }
}

/// Some frames of a capture, as a tap would pass them on that does not see the rest.
fn tapped(path: &Path, name: &str, sees: impl Fn(&[u8]) -> bool) {
    let mut source = FileSource::open(&captures().join(name), false).unwrap();
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([0, 0, 4, 0, 1, 0, 0, 0]);
    while let Some(frame) = source.next_frame() {
        if sees(frame.data) {
            let (time, length) = (frame.time.0 / 1000, frame.data.len() as i64);
            for word in [time / 1_000_000, time % 1_000_000, length, length] {
                bytes.extend((word as u32).to_le_bytes());
            }
            bytes.extend(frame.data);
        }
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn doctor_listens_and_says_whether_the_tap_sees_the_device() {
    const GATEWAY: [u8; 6] = [0, 0, 0x5e, 0, 0x53, 0x40];
    let Some(wire) = Wire::lay("doctor") else { return };
    let folder = tempfile::tempdir().unwrap();
    let sent = folder.path().join("sent.pcap");
    let device = "00:00:5e:00:53:40";
    let missing = |frame: &[u8]| frame[..6] == GATEWAY && frame.len() > 200;
    type Sees<'a> = &'a dyn Fn(&[u8]) -> bool;
    let taps: [(&str, Sees<'_>, i32, &str); 7] = [
        (device, &|_| true, 0, "is seen in both directions"),
        (device, &|frame| frame[6..12] == GATEWAY, 1, "only one direction was seen in"),
        (device, &|frame| frame[..6] == GATEWAY, 1, "only one direction was seen in"),
        (device, &|frame| frame[0] & 1 != 0, 1, "only broadcast and multicast were seen"),
        (device, &|frame| !missing(frame), 0, "acknowledged data that was not seen"),
        ("00:00:5e:00:53:01", &|_| true, 1, "it is a router, not a device"),
        (device, &|_| false, 1, "nothing at all was seen"),
    ];
    for (device, sees, code, says) in taps {
        tapped(&sent, "gateway.pcap", sees);
        let output = thread::scope(|scope| {
            let listening = scope.spawn(|| {
                let arguments = ["doctor", "-i", "wire", "--seconds", "5", "--device", device];
                wire.at_b(PROGRAM).args(arguments).output().unwrap()
            });
            pause(1500);
            if frames(&sent).0 > 0 {
                wire.send(&sent, 300, None);
            }
            listening.join().unwrap()
        });
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(says), "{says}: {text}");
        assert_eq!(output.status.code(), Some(code), "{text}");
    }
}

#[test]
fn says_what_cannot_be_recorded() {
    let Some(wire) = Wire::lay("refused") else { return };
    let fails = |arguments: &[&str], says: &str| {
        let output = wire.at_b(PROGRAM).arg("capture").args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains(says), "{text}");
    };
    fails(&["-i", "nosuch0"], "nosuch0: No such device");
    fails(&["-i", "wire", "--filter", "tcp port"], "wire: ");
}
