use crate::camera;
use crate::common::{places, program, truth, tshark};
use phonehome::base::time::{SECOND, Timestamp};
use phonehome::case::pcapng::{self, Interface, Section, Statistics};
use phonehome::source::{Note, Noted};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use truth::{number, rows, text};

/// Input and frame of each frame of the extract, as its map says.
fn extract(inputs: &[&Path], output: &Path, more: &[&str]) -> Vec<(u64, u64)> {
    let mut arguments: Vec<&str> = vec!["extract", "-o", output.to_str().unwrap()];
    arguments.extend(inputs.iter().map(|input| input.to_str().unwrap()));
    arguments.extend(more);
    let outcome = program::phonehome(&arguments);
    assert_eq!(outcome.code, Some(0), "{more:?}: {}", outcome.stderr);
    map(output)
}

fn map(output: &Path) -> Vec<(u64, u64)> {
    let mut path = output.as_os_str().to_owned();
    path.push(".map.tsv");
    let map = std::fs::read_to_string(PathBuf::from(path)).unwrap();
    let lines = map.lines().filter(|line| !line.starts_with('#')).skip(1);
    let cell = |line: &str, at: usize| line.split('\t').nth(at).unwrap().parse().unwrap();
    let frames: Vec<(u64, u64)> = lines
        .enumerate()
        .map(|(index, line)| {
            assert_eq!(cell(line, 0), index as u64 + 1);
            (cell(line, 1), cell(line, 2))
        })
        .collect();
    frames
}

#[test]
fn a_finding_gives_exactly_the_frames_it_counts() {
    if !tshark::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("found.pcapng");
    let mut captures = places::bundled();
    let own = captures.len();
    if let Some(shared) = places::shared() {
        captures.extend(places::spread(places::captures_under(&shared), 12));
    }
    let mut checked = 0;
    for (index, capture) in captures.into_iter().enumerate() {
        let analysed = program::analyze(&capture);
        if !matches!(analysed.code, Some(0)) {
            continue;
        }
        for finding in rows(&analysed.json()["findings"]) {
            let key = text(&finding["key"]);
            let frames = extract(&[&capture], &output, &["--finding", &key]);
            let counted: u64 = rows(&finding["traffic"]).iter().map(|c| number(&c["frames"])).sum();
            assert_eq!(frames.len() as u64, counted, "{} {key}", capture.display());
            assert_eq!(all_frames(&output), counted);
            // Where tshark reads a frame of others differently, tests/filters.rs says why.
            let filter = finding["traffic"][0]["wireshark_filter"].as_str();
            let Some(filter) = filter.filter(|_| index < own) else { continue };
            let selected = tshark::frames(&capture, &[], filter).unwrap();
            let extracted: BTreeSet<u64> = frames.iter().map(|(_, frame)| *frame).collect();
            assert_eq!(extracted, selected, "{} {key}", capture.display());
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked}");
}

fn all_frames(capture: &Path) -> u64 {
    tshark::frames(capture, &[], "frame").unwrap().len() as u64
}

#[test]
fn packets_stay_as_they_are() {
    if !tshark::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.pcapng");
    let device = "00:00:5e:00:53:10";
    let told = |capture: &Path, filter: &str| {
        let output = std::process::Command::new("tshark")
            .args(["-n", "-r"])
            .arg(capture)
            .args(["-Y", filter, "-T", "fields"])
            .args(["-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len"])
            .args(["-e", "frame.interface_name", "-e", "eth.src"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let frames = extract(&[&camera()], &output, &["--device", device]);
    assert_eq!(
        told(&output, "frame"),
        told(&camera(), &format!("eth.addr == {device}")),
        "all that the device sent or received, ARP included"
    );
    assert!(frames.len() > 300);
    let host = extract(&[&camera()], &output, &["--destination", "api.exempla-vision.example"]);
    let domain = extract(&[&camera()], &output, &["--destination", "exempla-vision.example"]);
    assert!(!host.is_empty() && domain.len() > host.len());
    let both = ["--destination", "exempla-vision.example", "--to", "2026-11-24T11:38:40Z"];
    let until = extract(&[&camera()], &output, &both);
    assert!(!until.is_empty() && until.len() < domain.len());
    assert!(until.iter().all(|frame| domain.contains(frame)));
}

#[test]
fn several_inputs_have_a_section_each() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.pcapng");
    let gateway = places::of_project("captures/gateway.pcap");
    let both = extract(&[&camera(), &gateway], &output, &["--from", "2020-01-01T00:00:00Z"]);
    assert!(both.iter().any(|(input, _)| *input == 1) && both.iter().any(|(input, _)| *input == 2));
    let counted = |path: &Path| {
        let outcome = program::phonehome(&["count", path.to_str().unwrap()]);
        let line = outcome.text().lines().find(|line| line.starts_with("frames")).unwrap();
        line.split_whitespace().last().unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(both.len(), counted(&camera()) + counted(&gateway));
    assert_eq!(counted(&output), both.len());
    if tshark::is_there() {
        assert_eq!(all_frames(&output), both.len() as u64);
    }
}

#[test]
fn comments_stand_at_deciding_frames_and_names_are_resolved() {
    if !tshark::is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.pcapng");
    extract(&[&camera()], &output, &["--annotate"]);
    let snapshot = program::analyze(&camera()).json();
    let findings = rows(&snapshot["findings"]);
    let deciding: BTreeSet<u64> =
        findings.iter().flat_map(|f| rows(&f["refs"])).map(|r| number(&r["frame"])).collect();
    let commented = tshark::frames(&output, &[], "frame.comment contains \"phonehome\"").unwrap();
    assert_eq!(commented, deciding, "nothing was left out, so the numbers are the same");
    for finding in findings {
        let filter = format!("frame.comment contains \"{}\"", text(&finding["key"]));
        let frames = tshark::frames(&output, &[], &filter).unwrap();
        assert_eq!(frames.len(), rows(&finding["refs"]).len());
    }
    let resolved = std::process::Command::new("tshark")
        .args(["-r", output.to_str().unwrap(), "-q", "-z", "hosts"])
        .output()
        .unwrap();
    let resolved = String::from_utf8_lossy(&resolved.stdout).into_owned();
    assert!(resolved.contains("fw.exempla-vision.example"), "{resolved}");
}

/// A pcapng whose frames are in phases, with a block of decryption secrets.
fn phased() -> Vec<u8> {
    let mut out = Vec::new();
    let section = Section { hardware: "", system: "", application: "test", comment: "" };
    pcapng::section(&mut out, &section);
    pcapng::interface(&mut out, &Interface { name: "eth9", link: 1, snap_length: 0, filter: "" });
    // A decryption secrets block (draft-ietf-opsawg-pcapng §4.7): a TLS key log of 8 bytes.
    for number in [10, 28, 0x544c_534b, 8, 0x5345_4352, 0x4554_5321, 28] {
        out.extend(u32::to_le_bytes(number));
    }
    for (second, phase) in [(1, "idle"), (2, "use"), (3, "idle")] {
        let time = Timestamp((1_700_000_000 + second) * SECOND);
        let comments = [Note { time, what: Noted::Phase(phase) }.comment()];
        pcapng::statistics(
            &mut out,
            &Statistics {
                interface: 0,
                time,
                start: time,
                received: 0,
                lost_by_interface: 0,
                lost_by_system: 0,
                delivered: 0,
                comments: &comments,
            },
        );
        for packet in 0..second {
            let data = [&[0xff; 12][..], &[0x88, 0xb5], &[packet as u8; 46]].concat();
            pcapng::packet(&mut out, 0, Timestamp(time.0 + packet), 60, &data);
        }
    }
    out
}

#[test]
fn phases_are_told_apart_and_secrets_stay_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.pcapng"), folder.path().join("out.pcapng"));
    std::fs::write(&input, phased()).unwrap();
    let frames = |more: &[&str]| extract(&[&input], &output, more).into_iter().map(|(_, f)| f);
    assert_eq!(frames(&["--phase", "use"]).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(frames(&["--phase", "idle"]).collect::<Vec<_>>(), [1, 4, 5, 6]);
    let until = ["--phase", "idle", "--to", "2023-11-14T22:13:22Z"];
    assert_eq!(frames(&until).collect::<Vec<_>>(), [1]);
    let has = |path: &Path| std::fs::read(path).unwrap().windows(4).any(|w| w == b"RCES");
    assert!(has(&input) && !has(&output));
    let name = std::fs::read(&output).unwrap().windows(4).any(|w| w == b"eth9");
    assert!(name, "the interface is described");
}

#[test]
fn what_is_not_there_is_told_and_no_capture_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("camera.pcapng");
    std::fs::copy(camera(), &input).unwrap();
    let (input, output) = (input.to_str().unwrap(), folder.path().join("o.pcapng"));
    let output = output.to_str().unwrap();
    for (arguments, said) in [
        (&[input, "-o", input, "--phase", "idle"][..], "no output replaces a capture"),
        (&[input, "-o", output], "say what to take"),
        (&["-", "-o", output, "--phase", "idle"], "several times"),
        (&[input, "-o", output, "--finding", "no.such"], "there are: cloud.vendor, cred.cleartext"),
        (&[input, "-o", output, "--device", "10.9.8.7"], "no device ip:10.9.8.7 was seen"),
        (&[input, "-o", output, "--destination", "x.example"], "no destination \"x.example\""),
        (&[input, "-o", output, "--map", output, "--phase", "idle"], "cannot be one file"),
    ] {
        let outcome = program::phonehome(&[&["extract"], arguments].concat());
        assert_eq!(outcome.code, Some(2), "{arguments:?}");
        assert!(outcome.stderr.contains(said), "{arguments:?}: {}", outcome.stderr);
    }
    assert_eq!(std::fs::read(input).unwrap(), std::fs::read(camera()).unwrap());
}
