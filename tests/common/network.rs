//! Two namespaces with a wire between them. `None` where the machine lacks the rights or the
//! programs, and then it says so.

use std::path::Path;
use std::process::{Command, Output};

/// The wire. Packets sent into `a` come out of `b`.
pub struct Wire {
    names: [String; 2],
}

pub fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    Command::new(program).args(arguments).output().ok()
}

fn works(program: &str, arguments: &[&str]) -> bool {
    run(program, arguments).is_some_and(|output| output.status.success())
}

impl Wire {
    /// Lays a wire; `tag` tells the wires of one test program apart.
    pub fn lay(tag: &str) -> Option<Wire> {
        let names = ["a", "b"].map(|end| format!("ph-{}-{tag}-{end}", std::process::id()));
        for program in ["ip", "tcpreplay"] {
            if run(program, &["-V"]).is_none() {
                eprintln!("skipped: no {program}");
                return None;
            }
        }
        let wire = Wire { names };
        for name in &wire.names {
            if !works("ip", &["netns", "add", name]) {
                eprintln!("skipped: no right to make network namespaces");
                return None;
            }
            // What the kernel itself would say on the wire must not disturb counts.
            for which in ["all", "default"] {
                let quiet = format!("net.ipv6.conf.{which}.disable_ipv6=1");
                works("ip", &["netns", "exec", name, "sysctl", "-qw", &quiet]);
            }
        }
        wire.connect("wire");
        Some(wire)
    }

    fn connect(&self, link: &str) {
        let [a, b] = &self.names;
        let pair = ["-n", a, "link", "add", link, "type", "veth", "peer", "name", link];
        let mut pair = pair.to_vec();
        pair.extend(["netns", b]);
        assert!(works("ip", &pair), "a wire between namespaces");
        for name in &self.names {
            assert!(works("ip", &["-n", name, "link", "set", link, "up"]));
        }
    }

    /// Another wire, called `other`.
    pub fn second(&self) {
        self.connect("other");
    }

    /// Takes the wire away, as an adapter that is pulled.
    pub fn pull(&self) {
        assert!(works("ip", &["-n", &self.names[0], "link", "del", "wire"]));
    }

    /// Lays it once more.
    pub fn lay_again(&self) {
        self.connect("wire");
    }

    /// A program at end `b`, where things are recorded.
    pub fn at_b(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.names[1], program]);
        command
    }

    /// Switches end `a` on or off: end `b` loses its link.
    pub fn switch(&self, state: &str) {
        assert!(works("ip", &["-n", &self.names[0], "link", "set", "wire", state]));
    }

    /// Sends the frames of a capture from end `a`, so many a second: once, or over and over up to a
    /// number of frames.
    pub fn send(&self, capture: &Path, per_second: u32, frames: Option<usize>) {
        self.send_by("wire", capture, per_second, frames);
    }

    /// The same by a wire of that name.
    pub fn send_by(&self, link: &str, capture: &Path, per_second: u32, frames: Option<usize>) {
        let rate = format!("--pps={per_second}");
        let limit = frames.map_or("--loop=1".to_owned(), |frames| format!("--limit={frames}"));
        let often = if frames.is_some() { "--loop=0" } else { "--quiet" };
        let path = capture.to_string_lossy();
        let a = &self.names[0];
        let arguments = ["netns", "exec", a, "tcpreplay", &rate, &limit, often, "-i", link, &path];
        let sent = run("ip", &arguments).unwrap();
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for name in &self.names {
            works("ip", &["netns", "del", name]);
        }
    }
}
