//! Runs the program as a user does.

use serde_json::Value;
use std::ffi::OsStr;
use std::fmt::Debug;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What came of a run.
pub struct Outcome {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Outcome {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("the output is UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}); {}", self.stderr))
    }

    /// Neither a panic nor a signal.
    pub fn survived(&self) -> bool {
        self.code.is_some_and(|code| code < 100) && !self.stderr.contains("panicked")
    }
}

/// The program, not yet run.
pub fn command<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_phonehome"));
    command.args(args).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

pub fn phonehome<S: AsRef<OsStr>>(args: &[S]) -> Outcome {
    outcome(command(args).output().unwrap())
}

/// In a folder, with the passphrase that the keys of tests have.
pub fn in_folder<S: AsRef<OsStr>>(folder: &Path, args: &[S]) -> Outcome {
    let mut command = command(args);
    outcome(
        command.current_dir(folder).env("PHONEHOME_PASSPHRASE", "open sesame").output().unwrap(),
    )
}

/// The same: what it said on both streams, after it ended with an exit code.
pub fn said<S: AsRef<OsStr> + Debug>(folder: &Path, args: &[S], code: i32) -> String {
    let Outcome { code: ended, stdout, stderr } = in_folder(folder, args);
    let said = String::from_utf8_lossy(&stdout).into_owned() + &stderr;
    assert_eq!(ended, Some(code), "{args:?}: {said}");
    said
}

/// The same, of standard output alone.
pub fn printed<S: AsRef<OsStr> + Debug>(folder: &Path, args: &[S], code: i32) -> String {
    let outcome = in_folder(folder, args);
    assert_eq!(outcome.code, Some(code), "{args:?}: {}{}", outcome.text(), outcome.stderr);
    outcome.text().to_owned()
}

/// With these bytes at standard input.
pub fn phonehome_fed<S: AsRef<OsStr>>(args: &[S], input: &[u8]) -> Outcome {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // The program may stop reading at damage: a closed pipe is no failure of the test.
        scope.spawn(move || drop(stdin.write_all(input)));
        outcome(child.wait_with_output().unwrap())
    })
}

/// What came of a command that has ended.
pub fn outcome(output: std::process::Output) -> Outcome {
    Outcome {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `analyze FILE --json`, without the hash that most tests do not read.
pub fn analyze(capture: &Path) -> Outcome {
    phonehome(&[
        OsStr::new("analyze"),
        capture.as_os_str(),
        OsStr::new("--json"),
        OsStr::new("--no-hash"),
    ])
}
