//! Every example that `--help` gives and that needs no interface, device or terminal is run.

use crate::common::places;
use clap::CommandFactory;
use phonehome::cli::Cli;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Commands that need an interface, a running capture, or a terminal.
const NOT_HERE: [&str; 6] = ["capture", "mark", "doctor", "interfaces", "watch", "browse"];

/// Names of each command with its examples.
fn examples(
    command: &clap::Command,
    names: &[String],
    found: &mut Vec<(Vec<String>, Vec<String>)>,
) {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let mut names = names.to_vec();
        names.push(inner.get_name().to_owned());
        if inner.has_subcommands() {
            examples(inner, &names, found);
            continue;
        }
        let help = inner.get_after_help().map(ToString::to_string).unwrap_or_default();
        let is_example = |block: &&str| block.starts_with("Example");
        let wide = |line: &&str| line.chars().count() > 98;
        let wrapped: Vec<&str> =
            help.split("\n\n").filter(is_example).flat_map(str::lines).filter(wide).collect();
        assert!(wrapped.is_empty(), "no terminal gives them back whole: {wrapped:?}");
        let help = help.replace("\\\n", "");
        let block = help.split("\n\n").find(|block| block.starts_with("Example"));
        let lines = block.unwrap_or_default().lines().skip(1).map(|line| line.trim().to_owned());
        found.push((names, lines.collect()));
    }
}

fn gzip(from: &Path, to: &Path) {
    let mut packed =
        flate2::write::GzEncoder::new(fs::File::create(to).unwrap(), Default::default());
    packed.write_all(&fs::read(from).unwrap()).unwrap();
    packed.finish().unwrap();
}

/// A folder with the files that the examples name.
fn stage(folder: &Path, program: &Path) {
    let capture = |name: &str| places::of_project("captures").join(name);
    std::os::unix::fs::symlink(places::of_project("captures"), folder.join("captures")).unwrap();
    gzip(&capture("camera.pcapng"), &folder.join("week.pcap.gz"));
    gzip(&capture("camera.pcapng"), &folder.join("ring_1.pcap.gz"));
    gzip(&capture("sensor.pcapng"), &folder.join("ring_2.pcap.gz"));
    let packed = zstd::encode_all(&fs::read(capture("camera.pcapng")).unwrap()[..], 1).unwrap();
    fs::write(folder.join("week.pcap.zst"), packed).unwrap();
    fs::copy(capture("meter.pcap"), folder.join("doorbell.pcap")).unwrap();
    fs::write(folder.join("receipt.pdf"), "paid").unwrap();
    fs::create_dir(folder.join("my-signatures")).unwrap();
    let own = "my-signatures/exempla-vision.toml";
    let shipped = places::of_project("signatures/vendors/exempla-vision.toml");
    fs::copy(shipped, folder.join(own)).unwrap();
    let key = Command::new(program)
        .args(["key", "new", "editor.key"])
        .current_dir(folder)
        .env("PHONEHOME_PASSPHRASE", "correct horse")
        .output()
        .unwrap();
    assert!(key.status.success());
    for run in 1..=3 {
        fs::copy(capture("camera.pcapng"), folder.join(format!("old{run}.pcap"))).unwrap();
        fs::copy(capture("sensor.pcapng"), folder.join(format!("new{run}.pcap"))).unwrap();
    }
    let declared = "host,purpose,country,operator,retention\nlab.example,updates,DE,Lab,none\n";
    fs::write(folder.join("hosts.csv"), declared).unwrap();
    for (capture, case) in [
        ("camera.pcapng", "kitchen-camera"),
        ("gateway.pcap", "second-unit"),
        ("sensor.pcapng", "other-lab"),
    ] {
        let capture = format!("captures/{capture}");
        let arguments = ["case", "import", &capture, "--case", case];
        let made = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

fn is_installed(name: &str) -> bool {
    let asked = Command::new("sh").args(["-c", &format!("command -v {name}")]).output();
    asked.is_ok_and(|output| output.status.success())
}

#[test]
fn every_command_has_examples_and_they_work() {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_phonehome"));
    let folder = tempfile::tempdir().unwrap();
    stage(folder.path(), &program);
    let mut all = Vec::new();
    examples(&Cli::command(), &[], &mut all);
    let lacking: Vec<String> = all
        .iter()
        .filter(|(_, lines)| lines.is_empty())
        .map(|(names, _)| names.join(" "))
        .collect();
    assert!(lacking.is_empty(), "without examples: {lacking:?}");
    all.retain(|(names, _)| !NOT_HERE.contains(&&*names[0]));
    // Keys come first, since cases are signed with them.
    all.sort_by_key(|(names, _)| names[0] != "key");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    let mut ran = 0;
    for line in all.iter().flat_map(|(_, lines)| lines) {
        let missing = [("jq ", "jq"), ("zstd ", "zstd"), ("--pdf ", "chromium")]
            .into_iter()
            .find_map(|(word, tool)| (line.contains(word) && !is_installed(tool)).then_some(tool));
        if let Some(tool) = missing {
            places::skipped(&format!("no {tool}: {line}"));
            continue;
        }
        let output = Command::new("sh")
            .args(["-c", line])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("PHONEHOME_PASSPHRASE", "correct horse")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1 | 3)), "{line}: {code:?}: {said}");
        assert!(!said.contains("panicked"), "{line}: {said}");
        ran += 1;
    }
    assert!(ran > 25, "{ran}");
}
