//! A capture from an interface that runs beside a test.

use super::network::Wire;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_phonehome");

/// A capture that runs, from its first line of output on.
pub struct Running {
    /// The program.
    pub child: Child,
    /// What it prints.
    pub lines: std::io::Lines<BufReader<ChildStdout>>,
    /// The process that records.
    pub recorder: u32,
}

impl Running {
    /// Begins to record at end `b`.
    pub fn start(wire: &Wire, arguments: &[&str]) -> Running {
        Running::start_with(wire, arguments, &[])
    }

    /// The same with variables of the environment.
    pub fn start_with(wire: &Wire, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut command = wire.at_b(PROGRAM);
        command.envs(environment.iter().copied());
        command.args(["capture", "-i", "wire"]).args(arguments);
        if !arguments.contains(&"--keep-free") {
            command.args(["--keep-free", "1"]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let begin: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(begin["type"], "begin");
        // `ip netns exec` becomes the program it starts.
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let children = std::fs::read_to_string(children).unwrap();
        let recorder = children.split_whitespace().next().unwrap().parse().unwrap();
        Running { child, lines, recorder }
    }

    /// Sends a signal.
    pub fn signal(pid: u32, signal: &str) {
        assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
    }

    /// Ends it; gives the exit code and every line.
    pub fn stop(mut self) -> (i32, Vec<Value>) {
        Running::signal(self.child.id(), "-TERM");
        let lines = self.lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        (self.child.wait().unwrap().code().unwrap(), lines)
    }
}
