//! Several inputs are one run: whatever a recording was split into, in whatever order the parts
//! are given, the result is that of the whole; and what is wrong with one input is told of that.

mod common;

use common::program::{Outcome, phonehome, phonehome_fed};
use common::{places, truth, tshark};
use phonehome::base::frame::{self, INPUTS_MAX, base};
use phonehome::base::time::{SECOND, Timestamp};
use phonehome::source::{Chunk, FileSource, Sources};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use truth::{number, rows, text, texts};

const DONE: Option<i32> = Some(0);
const USAGE: Option<i32> = Some(2);
const PARTIAL: Option<i32> = Some(3);
const NOTHING_READ: Option<i32> = Some(4);

#[derive(Clone)]
struct Record {
    time: Timestamp,
    wire_length: u32,
    data: Vec<u8>,
}

/// The frames of a bundled capture, by time: a file split from it must not depend on where its
/// clock stepped back.
fn records(capture: &Path) -> Vec<Record> {
    let mut source = FileSource::open(capture, false).unwrap();
    let mut records = Vec::new();
    while let Some(frame) = source.next_frame() {
        assert_eq!(frame.link, 1, "{}: Ethernet is written below", capture.display());
        let (time, wire_length, data) = (frame.time, frame.wire_length, frame.data.to_vec());
        records.push(Record { time, wire_length, data });
    }
    records.sort_by_key(|record| record.time);
    records
}

/// A pcap file in nanoseconds.
fn pcap<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.extend(word.to_le_bytes());
    }
    for Record { time, wire_length, data } in records {
        let [seconds, rest] = [time.0 / SECOND, time.0 % SECOND].map(|part| part as u32);
        for word in [seconds, rest, data.len() as u32, *wire_length] {
            out.extend(word.to_le_bytes());
        }
        out.extend(data);
    }
    out
}

/// Frames of one moment stay together: which of two files has the first one is not recorded.
fn moments(records: &[Record]) -> Vec<&[Record]> {
    records.chunk_by(|a, b| a.time == b.time).collect()
}

fn parts<'r>(
    records: &'r [Record],
    count: usize,
    part_of: impl Fn(usize, &'r Record) -> usize,
) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<&Record>> = vec![Vec::new(); count];
    for (index, moment) in moments(records).into_iter().enumerate() {
        parts[part_of(index, &moment[0])].extend(moment);
    }
    parts.into_iter().map(pcap).collect()
}

/// By turns, by time and by size.
fn splits(records: &[Record]) -> [Vec<Vec<u8>>; 3] {
    let first = records[0].time;
    let lasts = records[records.len() - 1].time.since(first) + 1;
    let bytes: usize = records.iter().map(|record| record.data.len()).sum();
    let before = |wanted: &Record| {
        records.iter().take_while(|r| r.time < wanted.time).map(|r| r.data.len()).sum::<usize>()
    };
    [
        parts(records, 3, |index, _| index % 3),
        parts(records, 4, |_, record| (record.time.since(first) * 4 / lasts) as usize),
        parts(records, 3, |_, record| before(record) * 3 / bytes),
    ]
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn write_all(folder: &TempDir, parts: &[Vec<u8>]) -> Vec<PathBuf> {
    let named = parts.iter().enumerate();
    named.map(|(index, part)| write(folder, &format!("part{index}"), part)).collect()
}

fn args(verb: &[&str], paths: &[PathBuf]) -> Vec<OsString> {
    let verb = verb.iter().map(OsString::from);
    verb.chain(paths.iter().map(|path| path.clone().into_os_string())).collect()
}

fn analyze(paths: &[PathBuf]) -> Outcome {
    phonehome(&args(&["analyze", "--json", "--no-hash"], paths))
}

fn flows(options: &[&str], paths: &[PathBuf]) -> Value {
    let mut verb = vec!["flows"];
    verb.extend(options);
    let outcome = phonehome(&args(&verb, paths));
    assert_eq!(outcome.code, DONE, "{}", outcome.stderr);
    let lines = outcome.text().lines().map(|line| serde_json::from_str(line).unwrap());
    Moments::of(paths).in_place_of_frames(Value::Array(lines.collect()))
}

/// When each frame of each input was captured.
struct Moments(Vec<Vec<String>>);

impl Moments {
    fn of(paths: &[PathBuf]) -> Moments {
        let times = |path: &PathBuf| records(path).iter().map(|r| r.time.to_string()).collect();
        Moments(paths.iter().map(times).collect())
    }

    /// Numbers differ with the input that a frame is in; the moment of the frame does not.
    fn in_place_of_frames(&self, value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let named = fields.into_iter().map(|(name, value)| {
                    let is_frame = ["frame", "frames", "first_frame", "ended_at_frame"]
                        .contains(&name.as_str())
                        && !value.is_object();
                    let has_frame = ["dns_says", "resolvers"].contains(&name.as_str());
                    let value = match is_frame || has_frame {
                        true => self.moments(value),
                        false => self.in_place_of_frames(value),
                    };
                    (name, value)
                });
                named.collect()
            }
            Value::Array(items) => {
                items.into_iter().map(|item| self.in_place_of_frames(item)).collect()
            }
            other => other,
        }
    }

    fn moments(&self, value: Value) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.moments(item)).collect(),
            Value::Number(number) => {
                let number = number.as_u64().unwrap();
                let times = &self.0[frame::input(number)];
                // None: no frame, or the one behind the last.
                let index = frame::within(number).checked_sub(1);
                json!(index.and_then(|index| times.get(index as usize)))
            }
            other => other,
        }
    }
}

/// Everything that must not depend on how the recording is split: all but the inputs, and per
/// finding the sums over them.
fn result(document: &Value, paths: &[PathBuf]) -> Value {
    let mut kept = document.clone();
    for finding in kept["findings"].as_array_mut().unwrap() {
        let mut sums = [0; 5];
        for counted in rows(&finding["traffic"]) {
            sums[0] += number(&counted["frames"]);
            for way in 0..2 {
                sums[1 + way] += number(&counted["wire_bytes"][way]);
                sums[3 + way] += number(&counted["delivered_bytes"][way]);
            }
        }
        finding["traffic"] = json!(sums);
        for reference in finding["refs"].as_array_mut().unwrap() {
            let reference = reference.as_object_mut().unwrap();
            let input = number(&reference.remove("input").unwrap()) as usize;
            reference["frame"] = json!(base(input) + number(&reference["frame"]));
        }
    }
    kept.as_object_mut().unwrap().remove("inputs");
    Moments::of(paths).in_place_of_frames(kept)
}

fn json_of(paths: &[PathBuf]) -> Value {
    let outcome = analyze(paths);
    assert_eq!(outcome.code, DONE, "{}", outcome.stderr);
    outcome.json()
}

#[test]
fn parts_give_the_result_of_the_whole_in_any_order() {
    for capture in places::whole_devices() {
        let folder = tempfile::tempdir().unwrap();
        let records = records(&capture);
        let whole = [write(&folder, "whole", &pcap(&records))];
        let (expected, expected_flows) = (result(&json_of(&whole), &whole), flows(&[], &whole));
        assert!(!rows(&expected_flows).is_empty());
        for split in splits(&records) {
            let mut paths = write_all(&folder, &split);
            for _ in 0..paths.len() {
                let document = json_of(&paths);
                let what = capture.display().to_string();
                assert_same(&result(&document, &paths), &expected, &what);
                assert_same(&flows(&[], &paths), &expected_flows, &what);
                check_inputs(&document, &paths);
                // Each part is once the first, and the order is mostly a wrong one.
                paths.rotate_left(1);
            }
        }
    }
}

/// Fails with the first place where two results differ; all of them would fill pages.
fn assert_same(result: &Value, expected: &Value, what: &str) {
    if let Some(difference) = difference(result, expected, "") {
        panic!("{what}: {difference}");
    }
}

fn difference(a: &Value, b: &Value, place: &str) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| difference(value, &b[key], &format!("{place}.{key}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(index, (a, b))| difference(a, b, &format!("{place}[{index}]")))
        }
        _ => (a != b).then(|| format!("{place}: {a}, not {b}")),
    }
}

/// Each input has its own counts, in the order of the command line.
fn check_inputs(document: &Value, paths: &[PathBuf]) {
    let inputs = rows(&document["inputs"]);
    assert_eq!(inputs.len(), paths.len());
    for (input, path) in inputs.iter().zip(paths) {
        assert_eq!(text(&input["path"]), path.to_str().unwrap());
        let own = records(path);
        assert_eq!(number(&input["frames"]), own.len() as u64);
        let bytes: u64 = own.iter().map(|record| u64::from(record.wire_length)).sum();
        assert_eq!(number(&input["bytes"]), bytes);
        let time = |record: Option<&Record>| record.map(|record| record.time.to_string());
        assert_eq!(input["first"], json!(time(own.first())));
        assert_eq!(input["last"], json!(time(own.last())));
    }
}

#[test]
fn the_first_frame_order_of_flows_does_not_depend_on_the_order_of_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths =
        write_all(&folder, &splits(&records(&places::of_project("captures/camera.pcapng")))[0]);
    let sorted = |paths: &[PathBuf]| flows(&["--sort", "first"], paths);
    let expected = sorted(&paths);
    let firsts: Vec<String> = rows(&expected).iter().map(|record| text(&record["first"])).collect();
    assert!(firsts.is_sorted());
    paths.reverse();
    assert_same(&sorted(&paths), &expected, "reversed");
}

/// Holds the filters of a run against tshark; returns how many there are in each input.
fn check_filters(paths: &[PathBuf], all_preferences: &[&[&str]]) -> Vec<usize> {
    let document = json_of(paths);
    let mut asked: Vec<Vec<(String, u64)>> = vec![Vec::new(); paths.len()];
    for finding in rows(&document["findings"]) {
        let refs = rows(&finding["refs"]);
        let counted = rows(&finding["traffic"]);
        let has_entry = |r: &Value| counted.iter().any(|counted| counted["input"] == r["input"]);
        assert!(refs.iter().all(has_entry), "{finding}");
        for counted in counted {
            assert!(number(&counted["frames"]) > 0, "{finding}");
            let Some(filter) = counted["wireshark_filter"].as_str() else { continue };
            let here = refs.iter().filter(|r| r["input"] == counted["input"]);
            let deciding: Vec<String> =
                here.map(|r| format!("frame.number == {}", r["frame"])).collect();
            let asked = &mut asked[number(&counted["input"]) as usize];
            asked.push((filter.to_owned(), number(&counted["frames"])));
            if !deciding.is_empty() {
                let both = format!("({filter}) && ({})", deciding.join(" || "));
                asked.push((both, deciding.len() as u64));
            }
        }
    }
    for (path, asked) in paths.iter().zip(&asked).filter(|(_, asked)| !asked.is_empty()) {
        let (filters, frames): (Vec<String>, Vec<u64>) = asked.iter().cloned().unzip();
        for preferences in all_preferences {
            let counts = tshark::counts(path, preferences, &filters).unwrap();
            assert_eq!(counts, frames, "{}: {filters:#?}", path.display());
        }
    }
    asked.iter().map(Vec::len).collect()
}

#[test]
fn filters_select_the_frames_counted_in_each_input() {
    if !tshark::is_there() {
        return;
    }
    let names = ["camera.pcapng", "gateway.pcap", "sensor.pcapng", "meter.pcap"];
    let captures = names.map(|name| places::of_project(&format!("captures/{name}")));
    let filters = check_filters(&captures, &tshark::PREFERENCES);
    assert!(filters.iter().all(|&count| count > 0), "{filters:?}");
}

#[test]
fn filters_select_the_frames_of_flows_that_cross_files() {
    if !tshark::is_there() {
        return;
    }
    for capture in places::whole_devices() {
        let records = records(&capture);
        let folder = tempfile::tempdir().unwrap();
        // One set of preferences: starting tshark takes longer than all else here.
        let defaults = &tshark::PREFERENCES[..1];
        let whole = check_filters(&[write(&folder, "whole", &pcap(&records))], defaults);
        for split in splits(&records) {
            let parts = check_filters(&write_all(&folder, &split), defaults);
            assert!(parts.iter().sum::<usize>() >= whole[0], "{parts:?}, {whole:?} in the whole");
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn packed_and_plain_parts_and_standard_input_mix() {
    use sha2::Digest;
    let folder = tempfile::tempdir().unwrap();
    let records = records(&places::of_project("captures/camera.pcapng"));
    let split = &splits(&records)[0];
    let whole = [write(&folder, "whole", &pcap(&records))];
    let expected = result(&json_of(&whole), &whole);
    let mixed = [split[0].clone(), gzip(&split[1]), zstd::encode_all(&split[2][..], 3).unwrap()];
    let paths = write_all(&folder, &mixed);
    let hashes: Vec<String> =
        mixed.iter().map(|part| phonehome::base::text::hex(&sha2::Sha256::digest(part))).collect();
    for fed in 0..4 {
        let on_disk = &paths;
        let mut paths = paths.clone();
        let outcome = if fed < 3 {
            paths[fed] = "-".into();
            phonehome_fed(&args(&["analyze", "--json"], &paths), &mixed[fed])
        } else {
            phonehome(&args(&["analyze", "--json"], &paths))
        };
        assert_eq!(outcome.code, DONE, "{}", outcome.stderr);
        let document = outcome.json();
        let what = format!("{fed} at standard input");
        assert_same(&result(&document, on_disk), &expected, &what);
        let inputs = rows(&document["inputs"]);
        let said: Vec<String> = inputs.iter().map(|input| text(&input["sha256"])).collect();
        assert_eq!(said, hashes);
        let packing = [", ns", ", gzip", ", zstd"];
        for (input, packing) in inputs.iter().zip(packing) {
            assert!(text(&input["format"]).contains(packing), "{input}");
        }
    }
}

#[test]
fn what_is_wrong_with_one_input_is_told_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(&places::of_project("captures/camera.pcapng"));
    let split = &splits(&records)[1];
    let [first, last] = [write(&folder, "first", &split[0]), write(&folder, "last", &split[2])];
    let both = records_in(&split[0]) + records_in(&split[2]);
    let cut = split[1][..split[1].len() - 1].to_vec();
    let cases = [
        ("cut", Some(cut), records_in(&split[1]) - 1, "cut short"),
        ("half", Some(gzip(&split[1])[..100].to_vec()), 0, "offset "),
        ("text", Some(b"no capture".to_vec()), 0, "neither pcap nor pcapng"),
        ("missing", None, 0, "No such file"),
    ];
    for (name, bytes, frames, says) in cases {
        let bad = folder.path().join(name);
        bytes.inspect(|bytes| fs::write(&bad, bytes).unwrap());
        let paths = [first.clone(), bad.clone(), last.clone()];
        let outcome = analyze(&paths);
        assert_eq!(outcome.code, PARTIAL, "{name}: {}", outcome.stderr);
        let line = outcome.stderr.trim_end();
        let told = line.starts_with(&format!("phonehome: {}: ", bad.display()));
        assert!(told && line.contains(says) && line.lines().count() == 1, "{line}");
        let document = outcome.json();
        assert_eq!(number(&document["coverage"]["frames"]["total"]), both + frames, "{name}");
        let inputs = rows(&document["inputs"]);
        assert!(text(&inputs[1]["damage"]["reason"]).len() > 5, "{name}: {}", inputs[1]);
        assert!(inputs[0]["damage"].is_null() && inputs[2]["damage"].is_null());
        assert_eq!(number(&inputs[1]["frames"]), frames);
        let because = texts(&document["coverage"]["incomplete_because"]);
        assert!(because[0].starts_with("file 2, ") && because[0].contains(says), "{because:?}");
        let flows = phonehome(&args(&["flows"], &paths));
        assert_eq!(flows.code, PARTIAL, "{name}");
        assert!(!flows.stdout.is_empty() && flows.stderr.contains(says), "{name}");
    }
    let neither = [folder.path().join("missing"), folder.path().join("text")];
    for verb in ["analyze", "flows"] {
        let outcome = phonehome(&args(&[verb], &neither));
        assert_eq!(outcome.code, NOTHING_READ);
        assert!(outcome.stdout.is_empty());
        for path in &neither {
            assert!(outcome.stderr.contains(path.to_str().unwrap()), "{}", outcome.stderr);
        }
    }
}

fn records_in(pcap: &[u8]) -> u64 {
    let mut at = 24;
    let mut count = 0;
    while at < pcap.len() {
        at += 16 + u32::from_le_bytes(pcap[at + 8..at + 12].try_into().unwrap()) as usize;
        count += 1;
    }
    count
}

#[test]
fn one_file_twice_or_too_many_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let one = write(&folder, "one", &fs::read(places::of_project("captures/meter.pcap")).unwrap());
    let dotted = folder.path().join(".").join("one");
    let mut cases = vec![vec![one.clone(), one.clone()], vec![one.clone(), dotted]];
    cases.push(vec!["-".into(), one.clone(), "-".into()]);
    cases.push(vec!["missing".into(), "missing".into()]);
    #[cfg(unix)]
    {
        let linked = folder.path().join("linked");
        std::os::unix::fs::symlink(&one, &linked).unwrap();
        cases.push(vec![linked, one]);
    }
    for paths in cases {
        for verb in ["analyze", "flows"] {
            let outcome = phonehome(&args(&[verb], &paths));
            assert_eq!(outcome.code, USAGE, "{paths:?}: {}", outcome.stderr);
            assert!(outcome.stderr.contains("given twice"), "{}", outcome.stderr);
            assert!(outcome.stdout.is_empty());
        }
    }
    let many: Vec<PathBuf> = (0..=INPUTS_MAX).map(|index| index.to_string().into()).collect();
    let outcome = phonehome(&args(&["analyze"], &many));
    assert_eq!(outcome.code, USAGE, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("4096"), "{}", outcome.stderr);
}

#[test]
fn people_read_which_file_a_frame_is_in() {
    let [camera, sensor] = ["camera.pcapng", "sensor.pcapng"]
        .map(|name| places::of_project(&format!("captures/{name}")));
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let told = |paths: &[PathBuf]| {
        let mut args = args(&["analyze", "--report"], std::slice::from_ref(&page));
        args.extend(paths.iter().map(|path| path.clone().into_os_string()));
        let outcome = phonehome(&args);
        assert_eq!(outcome.code, DONE, "{}", outcome.stderr);
        let words: Vec<&str> = outcome.text().split_whitespace().collect();
        [words.join(" "), fs::read_to_string(&page).unwrap()]
    };
    let alone = told(std::slice::from_ref(&camera));
    let both = told(&[sensor, camera]);
    for (alone, both) in alone.iter().zip(&both) {
        assert!(!alone.contains(" of file "), "{alone}");
        // What is frame 85 of the one is nothing else in the run.
        assert!(alone.contains("85"), "{alone}");
        assert!(both.contains("85 of file 2"), "{both}");
        assert!(!both.contains(&(base(1) + 85).to_string()), "{both}");
    }
}

/// The frames that a run hands out: number, time, highest time so far and bytes.
fn handed_out(paths: &[PathBuf]) -> Vec<(u64, i64, i64, Vec<u8>)> {
    let mut sources = Sources::open(paths, false).unwrap();
    let mut chunk = Chunk::default();
    let mut all = Vec::new();
    loop {
        sources.fill(&mut chunk);
        if chunk.is_empty() {
            return all;
        }
        for index in 0..chunk.len() {
            let frame = chunk.frame(index);
            let seen = chunk.seen(index).0;
            all.push((frame.number, frame.time.0, seen, frame.data.to_vec()));
        }
    }
}

fn record(time: i64, length: usize) -> Record {
    let data = (0..length).map(|index| (time as usize + index) as u8).collect();
    Record { time: Timestamp(time), wire_length: length as u32, data }
}

#[test]
fn ties_go_by_place_and_a_clock_that_steps_back_by_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let files = [vec![1, 5, 3, 7], vec![2, 4, 5, 6], vec![5, 5]];
    let files = files.map(|times| pcap(&times.iter().map(|&t| record(t, 20)).collect::<Vec<_>>()));
    let order: Vec<(u64, i64, i64)> = handed_out(&write_all(&folder, &files))
        .into_iter()
        .map(|(number, time, seen, _)| (number, time, seen))
        .collect();
    let [first, second, third] = [0, 1, 2].map(base);
    let expected = [
        (first + 1, 1, 1),
        (second + 1, 2, 2),
        (second + 2, 4, 4),
        (first + 2, 5, 5),
        (first + 3, 3, 5),
        (second + 3, 5, 5),
        (third + 1, 5, 5),
        (third + 2, 5, 5),
        (second + 4, 6, 6),
        (first + 4, 7, 7),
    ];
    assert_eq!(order, expected);
}

#[test]
fn long_files_merge_without_losing_or_changing_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    // Dense, sparse, with records longer than a block, and with none.
    let dense =
        |start: i64| (0..20_000).map(move |i| record(start + 3 * i, (i * 37 % 90) as usize));
    let sparse = (0..40).map(|i| record(2 + 1500 * i, 100));
    let long = (0..4).map(|i| record(30_001 + 9 * i, 262_144));
    let files: [Vec<Record>; 5] =
        [dense(0).collect(), dense(1).collect(), sparse.collect(), long.collect(), Vec::new()];
    let mut expected: Vec<(i64, usize, u64, Vec<u8>)> = Vec::new();
    for (input, file) in files.iter().enumerate() {
        for (index, record) in file.iter().enumerate() {
            expected.push((record.time.0, input, index as u64 + 1, record.data.clone()));
        }
    }
    expected.sort();
    let mut bytes = files.map(|file| pcap(&file));
    bytes[1] = gzip(&bytes[1]);
    let got = handed_out(&write_all(&folder, &bytes));
    assert_eq!(got.len(), expected.len());
    for (got, (time, input, index, data)) in got.into_iter().zip(expected) {
        assert_eq!((got.0, got.1, got.2), (base(input) + index, time, time));
        assert!(got.3 == data, "frame {index} of file {input}");
    }
}

#[cfg(unix)]
#[test]
fn files_are_open_only_while_they_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(&places::of_project("captures/camera.pcapng"));
    let split = parts(&records, 200, |index, _| index * 200 / moments(&records).len());
    let paths = write_all(&folder, &split);
    let whole = [write(&folder, "whole", &pcap(&records))];
    let expected = result(&json_of(&whole), &whole);
    let program = env!("CARGO_BIN_EXE_phonehome");
    let script = "ulimit -n 32 && exec \"$0\" analyze --json --no-hash \"$@\"";
    let mut command = std::process::Command::new("sh");
    let output = command.args(["-c", script, program]).args(&paths).output().unwrap();
    let outcome = common::program::outcome(output);
    assert_eq!(outcome.code, DONE, "{}", outcome.stderr);
    assert_same(&result(&outcome.json(), &paths), &expected, "200 parts");
}
