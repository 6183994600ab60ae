//! The result is the same with any number of threads, also where bounds are hit.

mod common;

use common::program::{Outcome, phonehome, phonehome_fed};
use common::{none, places, two_at_a_time};
use std::path::{Path, PathBuf};

/// Captures held against themselves by default; all with `PHONEHOME_ALL=1`.
const SAMPLE: usize = 60;
const THREADS: [&str; 3] = ["2", "4", "7"];

fn differences(capture: &Path) -> Vec<String> {
    let capture = capture.to_str().expect("our paths are text");
    let forms = [
        &["analyze", "--json", "--no-hash", capture][..],
        &["flows", capture],
        // A table of a few flows in each partition: nearly every capture overflows it.
        &["flows", "--flow-memory", "1", capture],
    ];
    let mut complaints = Vec::new();
    for form in forms {
        let run = |threads| phonehome(&[form, &["--threads", threads]].concat());
        let one = run("1");
        for threads in THREADS {
            if !same(&one, &run(threads)) {
                complaints.push(format!("{form:?}: {threads} threads differ from one"));
            }
        }
    }
    complaints
}

fn same(one: &Outcome, other: &Outcome) -> bool {
    one.survived()
        && (one.code, &one.stdout, &one.stderr) == (other.code, &other.stdout, &other.stderr)
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let mut captures: Vec<PathBuf> = places::bundled();
    if let Some(root) = places::shared() {
        captures.extend(places::spread(places::captures_under(&root), SAMPLE));
    }
    none(&two_at_a_time(&captures, |capture| differences(capture)).concat());
}

/// DNS questions between random hosts inside and a few resolvers, more flows than the table has
/// room for, some again after they were evicted.
fn flood(packets: u32) -> Vec<u8> {
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([0xff, 0xff, 0, 0, 101, 0, 0, 0]);
    let mut random = 1u64;
    for number in 0..packets {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let [host, port, resolver] = [random >> 40, random >> 20, random >> 60].map(|n| n as u16);
        let question =
            *b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01";
        let length = 28 + question.len() as u16;
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0]);
        packet.extend(host.to_be_bytes());
        packet.extend([192, 0, 2, resolver as u8]);
        packet.extend((port | 1024).to_be_bytes());
        packet.extend([0, 53]);
        packet.extend((8 + question.len() as u16).to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(question);
        bytes.extend((number / 1000).to_le_bytes());
        bytes.extend((number % 1000).to_le_bytes());
        bytes.extend([u32::from(length).to_le_bytes(); 2].concat());
        bytes.extend(packet);
    }
    bytes
}

#[test]
fn also_when_the_flow_table_overflows() {
    let flood = flood(30_000);
    for form in [&["analyze", "--json", "--no-hash"][..], &["flows"]] {
        let run = |threads| {
            let args = [form, &["--flow-memory", "1", "--threads", threads, "-"]].concat();
            phonehome_fed(&args, &flood)
        };
        let one = run("1");
        if form[0] == "analyze" {
            assert!(one.json()["losses"]["flows_evicted"].as_u64() > Some(10_000));
        }
        for threads in THREADS {
            assert!(same(&one, &run(threads)), "{form:?} with {threads} threads");
        }
    }
}
