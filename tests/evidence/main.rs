//! Cases under attack: what is done to them, how often, and that both verifiers notice. The default
//! run takes a fiftieth of what `make test-evidence` does.

mod again;
#[path = "../common/mod.rs"]
mod common;
#[cfg(target_os = "linux")]
mod hostile;
#[cfg(all(target_os = "linux", feature = "live"))]
mod power;
mod redactions;
#[cfg(all(target_os = "linux", feature = "live"))]
mod stops;
mod tamper;

use common::folder::files;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_phonehome");

/// How often something is done: all of it where `make test-evidence` asks for it.
fn rounds(all: usize) -> usize {
    if std::env::var_os("PHONEHOME_EVIDENCE").is_some() { all } else { all / 50 }
}

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn sha256(bytes: &[u8]) -> String {
    phonehome::base::text::hex(&Sha256::digest(bytes))
}

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name)
}

fn phonehome(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(arguments).env("PHONEHOME_PASSPHRASE", "open sesame");
    command.output().unwrap()
}

/// Runs a command that ends with a code; gives what it said.
fn run(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = phonehome(folder, arguments);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

/// A sealed case with notes, an attachment and everything, under `NAME-sealed`.
fn seal(at: &Path, name: &str, captures: &[&str]) {
    if !at.join("lab.key").exists() {
        run(at, &["key", "new", "lab.key"], 0);
    }
    let files: Vec<String> =
        captures.iter().map(|name| capture(name).to_str().unwrap().to_owned()).collect();
    let mut import = vec!["case", "import"];
    import.extend(files.iter().map(String::as_str));
    import.extend(["--case", name]);
    run(at, &import, 0);
    fs::write(at.join("receipt.txt"), format!("bought in May for {name}")).unwrap();
    run(at, &["case", "attach", name, "receipt.txt", "--key", "lab.key"], 0);
    run(at, &["case", "note", name, "seal unbroken", "--key", "lab.key"], 0);
    run(at, &["case", "seal", name, "--key", "lab.key"], 0);
}

/// A folder in memory where there is one: what is done a hundred thousand times need not wear a disk.
fn quick() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn sealed() -> TempDir {
    let folder = quick();
    seal(folder.path(), "one", &["meter.pcap"]);
    folder
}

/// The commands of VERIFY.txt, without Wireshark's; none where minisign is not installed.
fn commands(folder: &Path) -> Option<String> {
    if Command::new("minisign").arg("-v").output().is_err() {
        eprintln!("skipped: minisign is not installed");
        return None;
    }
    let text = fs::read_to_string(folder.join("VERIFY.txt")).unwrap();
    let plain = |line: &&str| {
        let foreign = line.starts_with("capinfos") || line.starts_with("tshark");
        !line.is_empty() && !line.starts_with('#') && !foreign
    };
    // `!` is exempt from `sh -e`.
    Some(
        text.lines()
            .filter(plain)
            .fold(String::new(), |all, line| all + line + "\ntest $? = 0 || exit 1\n"),
    )
}

fn foreign_holds(folder: &Path, commands: &str) -> bool {
    let output = Command::new("sh").args(["-c", commands]).current_dir(folder).output().unwrap();
    output.status.success()
}
