//! Captures cut at every byte: the whole records before the cut are delivered, the damage is told
//! where it is, and the exit code says so.

mod common;

use common::program::phonehome;
use common::{none, places, tshark, two_at_a_time};
use phonehome::source::FileSource;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

const DONE: i32 = 0;
const PARTIAL: i32 = 3;
const NOTHING_READ: i32 = 4;
/// Cuts of one capture that the program is run on, where not all are.
const SAMPLE: usize = 24;
/// Cuts of one capture that tshark is asked about.
const SAMPLE_OF_TSHARK: usize = 5;

struct Capture {
    name: String,
    bytes: Arc<[u8]>,
    /// Where each frame ends.
    ends: Vec<usize>,
    /// Where the file may end without anything being cut.
    whole: Vec<usize>,
}

fn captures() -> Vec<Capture> {
    let bundled = ["camera.pcapng", "meter.pcap", "sensor.pcapng", "gateway.pcap", "canary.pcap"];
    let mut captures: Vec<Capture> = bundled
        .into_iter()
        .map(|name| {
            let path = places::of_project("captures").join(name);
            Capture::new(name, fs::read(path).unwrap())
        })
        .collect();
    let meter = captures[1].frames();
    captures.push(Capture::new("big-endian, ns", pcap(&meter, [0xa1, 0xb2, 0x3c, 0x4d], true, 0)));
    captures.push(Capture::new("Kuznetsov", pcap(&meter, [0x34, 0xcd, 0xb2, 0xa1], false, 8)));
    captures.push(Capture::new("sections of both orders", sections(&meter)));
    captures
}

/// The same frames as another kind of pcap; `more` bytes stand between header and frame.
fn pcap(frames: &[Vec<u8>], magic: [u8; 4], big_endian: bool, more: usize) -> Vec<u8> {
    let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let version = if big_endian { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
    let mut bytes = [magic, version, [0; 4], [0; 4], word(65_535), word(1)].concat();
    for (number, data) in (0..).zip(frames) {
        let length = word(data.len() as u32);
        bytes.extend([word(number), word(7), length, length].concat());
        bytes.extend(vec![0; more]);
        bytes.extend(data);
    }
    bytes
}

/// A pcapng section in each byte order, with simple and enhanced packets and a block of another
/// kind after every second one.
fn sections(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for big_endian in [true, false] {
        let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let half = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut block = |kind: u32, body: &[u8]| {
            let padding = body.len().next_multiple_of(4) - body.len();
            let length = word((12 + body.len() + padding) as u32);
            bytes.extend([word(kind), length].concat());
            bytes.extend(body);
            bytes.extend(vec![0; padding]);
            bytes.extend(length);
        };
        let version = [half(1), half(0)].concat();
        block(0x0a0d_0d0a, &[&word(0x1a2b_3c4d)[..], &version, &[0xff; 8]].concat());
        block(1, &[&half(1)[..], &half(0), &word(0)].concat());
        for (number, data) in frames.iter().take(20).enumerate() {
            let length = word(data.len() as u32);
            if number % 2 == 0 {
                block(3, &[&length[..], data].concat());
                block(0x8000_0001, b"another");
            } else {
                let time = [word(0), word(number as u32)].concat();
                block(6, &[&word(0)[..], &time, &length, &length, data].concat());
            }
        }
    }
    bytes
}

impl Capture {
    fn new(name: &str, bytes: Vec<u8>) -> Capture {
        let pcapng = bytes[..4] == [0x0a, 0x0d, 0x0d, 0x0a];
        let (ends, whole) = if pcapng { pcapng_ends(&bytes) } else { pcap_ends(&bytes) };
        assert!(ends.len() > 5 && whole.last() == Some(&bytes.len()), "{name}");
        Capture { name: name.to_owned(), bytes: bytes.into(), ends, whole }
    }

    /// What a file that ends at `cut` holds: frames, and where the damage is, if any.
    fn expected(&self, cut: usize) -> (u64, Option<usize>) {
        let frames = self.ends.partition_point(|&end| end <= cut) as u64;
        let last = self.whole[..self.whole.partition_point(|&end| end <= cut)].last();
        let last = last.copied().unwrap_or(0);
        // An empty file is no capture.
        (frames, (last != cut || cut == 0).then_some(last))
    }

    /// The bytes of every frame.
    fn frames(&self) -> Vec<Vec<u8>> {
        let mut source = self.open(self.bytes.len()).expect("undamaged");
        std::iter::from_fn(|| source.next_frame().map(|frame| frame.data.to_vec())).collect()
    }

    fn open(&self, cut: usize) -> Option<FileSource> {
        let bytes = Cut { bytes: self.bytes.clone(), at: 0, end: cut };
        FileSource::of_reader("cut", Box::new(bytes)).ok()
    }

    /// What is wrong with what the readers make of the first `cut` bytes.
    fn complaint(&self, cut: usize) -> Option<String> {
        let (expected, damaged_at) = self.expected(cut);
        let wrong = |why: String| Some(format!("{} cut at {cut}: {why}", self.name));
        let Some(mut source) = self.open(cut) else {
            let header = self.whole[0];
            return if cut < header { None } else { wrong("not recognised".to_owned()) };
        };
        let mut frames = 0;
        while source.next_frame().is_some() {
            frames += 1;
        }
        if frames != expected {
            return wrong(format!("{frames} frames, not {expected}"));
        }
        let damage = source.finish().damage;
        let offset = damage.as_ref().map(|damage| damage.offset as usize);
        if offset == damaged_at { None } else { wrong(format!("damage told: {damage:?}")) }
    }

    /// All ends of records, and one byte before and behind each.
    fn cuts_at_ends(&self) -> Vec<usize> {
        let around = |&end: &usize| [end - 1, end, end + 1];
        self.whole.iter().flat_map(around).filter(|&cut| cut <= self.bytes.len()).collect()
    }
}

/// The front of a file.
struct Cut {
    bytes: Arc<[u8]>,
    at: usize,
    end: usize,
}

impl Read for Cut {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.end - self.at);
        buffer[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> usize {
    let word = bytes[at..at + 4].try_into().unwrap();
    (if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }) as usize
}

/// Ends of frames, and every place where the file may end.
fn pcap_ends(bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
    let big_endian = bytes[0] == 0xa1;
    let header = if bytes[..2] == [0x34, 0xcd] { 24 } else { 16 };
    let mut at = 24;
    let mut ends = Vec::new();
    while at < bytes.len() {
        at += header + word(bytes, at + 8, big_endian);
        ends.push(at);
    }
    let whole = [vec![24], ends.clone()].concat();
    (ends, whole)
}

fn pcapng_ends(bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
    let (mut ends, mut whole) = (Vec::new(), Vec::new());
    let (mut at, mut big_endian) = (0, false);
    while at < bytes.len() {
        if bytes[at..at + 4] == [0x0a, 0x0d, 0x0d, 0x0a] {
            big_endian = bytes[at + 8] == 0x1a;
        }
        let kind = word(bytes, at, big_endian);
        at += word(bytes, at + 4, big_endian);
        whole.push(at);
        if [3, 6].contains(&kind) {
            ends.push(at);
        }
    }
    (ends, whole)
}

#[test]
fn cut_at_every_byte_the_records_before_the_cut_are_read() {
    let complaints = two_at_a_time(&captures(), |capture| {
        (0..=capture.bytes.len()).filter_map(|cut| capture.complaint(cut)).collect::<Vec<_>>()
    });
    none(&complaints.concat());
}

/// What is wrong with a run of the program on the first `cut` bytes.
fn run(capture: &Capture, cut: usize, folder: &Path) -> Option<String> {
    let wrong = |why: String| Some(format!("{} cut at {cut}: {why}", capture.name));
    let path = folder.join(format!("{} {cut}", capture.name));
    fs::write(&path, &capture.bytes[..cut]).unwrap();
    let outcome = phonehome(&["count".as_ref(), path.as_os_str()]);
    fs::remove_file(&path).unwrap();
    let (frames, damaged_at) = capture.expected(cut);
    let code = match damaged_at {
        _ if cut < capture.whole[0] => NOTHING_READ,
        Some(_) => PARTIAL,
        None => DONE,
    };
    if outcome.code != Some(code) {
        return wrong(format!("exit {:?}, not {code}: {}", outcome.code, outcome.stderr));
    }
    let told = damaged_at.is_none_or(|at| outcome.stderr.contains(&format!(": offset {at}: ")));
    if !told || (damaged_at.is_none() && !outcome.stderr.is_empty()) {
        return wrong(format!("says {:?}", outcome.stderr));
    }
    let line = outcome.text().lines().find_map(|line| line.strip_prefix("frames"));
    let counted = line.map(|count| count.trim().to_owned());
    let expected = (code != NOTHING_READ).then(|| frames.to_string());
    if counted == expected { None } else { wrong(format!("counts {counted:?}, not {frames}")) }
}

#[test]
fn cut_at_the_ends_of_records_the_program_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let complaints = two_at_a_time(&captures(), |capture| {
        let mut cuts = capture.cuts_at_ends();
        // The smaller ones at all ends, the others at some.
        if cuts.len() > 350 {
            cuts = places::spread(cuts, 3 * SAMPLE);
        }
        cuts.extend(places::spread((0..capture.bytes.len()).collect(), SAMPLE));
        cuts.into_iter().filter_map(|cut| run(capture, cut, folder.path())).collect::<Vec<_>>()
    });
    none(&complaints.concat());
}

#[test]
fn tshark_reads_as_many_frames_before_the_cut() {
    if !tshark::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let complaints = two_at_a_time(&captures(), |capture| {
        let cuts = places::spread(capture.cuts_at_ends(), SAMPLE_OF_TSHARK);
        let complaint = |cut: usize| {
            let path = folder.path().join(format!("{} {cut}", capture.name));
            fs::write(&path, &capture.bytes[..cut]).unwrap();
            let (expected, _) = capture.expected(cut);
            let frames = tshark::frames(&path, &[], "frame").map(|frames| frames.len() as u64);
            // A file of which nothing can be read is an error there.
            let same = frames.as_ref().map_or(expected == 0, |&frames| frames == expected);
            let name = &capture.name;
            (!same).then(|| format!("{name} cut at {cut}: {frames:?}, not {expected}"))
        };
        cuts.into_iter().filter_map(complaint).collect::<Vec<_>>()
    });
    none(&complaints.concat());
}
