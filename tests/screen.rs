//! The dashboard as an operator meets it: in a terminal, with keys. tmux is the terminal.

mod common;

use common::generated::{DEVICE, Generated, ROUTER, ipv4, tcp, udp};
use phonehome::base::text::is_shown;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A terminal with the program in it, which is gone when dropped.
struct Terminal {
    socket: String,
    folder: tempfile::TempDir,
}

impl Terminal {
    /// `None` where there is no tmux.
    fn start(name: &str, size: [u16; 2], arguments: &str) -> Option<Terminal> {
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("skipped: no tmux");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // Each has a server of its own: that of an earlier one may be about to end.
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let socket = format!("phonehome-{name}-{}-{number}", std::process::id());
        let terminal = Terminal { socket, folder };
        let program = env!("CARGO_BIN_EXE_phonehome");
        // It waits until its output is recorded.
        let command = format!(
            "read go; env LC_ALL=C.UTF-8 {program} {arguments}; echo LEFT WITH $?; read end"
        );
        let [width, height] = size.map(|number| number.to_string());
        let folder = terminal.folder.path().to_str().unwrap();
        terminal.tmux(&[
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            "-c",
            folder,
            "sh",
            "-c",
            &command,
        ]);
        terminal.tmux(&["pipe-pane", &format!("cat > {folder}/raw")]);
        terminal.keys(&["Enter"]);
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket, "-f", "/dev/null"])
            .args(arguments)
            .env("TERM", "xterm-256color")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        for key in keys {
            self.tmux(&["send-keys", key]);
        }
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The screen once it shows this and stands: the terminal takes a picture in pieces, and half of
    /// one may be there. One that never stands is taken as it is.
    fn until(&self, part: &str) -> String {
        let begun = Instant::now();
        let mut before = String::new();
        loop {
            let screen = self.screen();
            let stands = screen == before || begun.elapsed() > Duration::from_secs(5);
            if stands && screen.contains(part) {
                return screen;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "no {part:?} in\n{screen}");
            before = screen;
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Every byte that the program wrote to the terminal.
    fn raw(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("raw")).unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}

fn camera() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/camera.pcapng")
}

#[test]
fn keys_are_sent_and_the_screen_is_read() {
    let arguments = format!("watch {} --speed max --here NL", camera().display());
    let Some(terminal) = Terminal::start("keys", [120, 56], &arguments) else { return };
    terminal.until("ENDED");
    let first = terminal.until("exempla-cam-5310");
    for part in ["coverage complete", "drops 0", "Exempla Vision", "▲ 1 high", "453 packets"] {
        assert!(first.contains(part), "{part} in\n{first}");
    }
    terminal.keys(&["7", "Enter"]);
    let evidence = terminal.until("Deciding frame 1 of 1");
    assert!(evidence.contains("frame 85") && evidence.contains("Wireshark: "), "{evidence}");
    // The bytes come from the file.
    let bytes = terminal.until("** **");
    assert!(bytes.contains("66 77 2e"), "{bytes}");
    assert!(!bytes.contains("42 61 73 69 63"), "the secret is hidden until x:\n{bytes}");
    terminal.keys(&["x"]);
    terminal.until("42 61 73 69 63");
    terminal.keys(&["Escape", "5", "f", "dest:analytics", "Enter"]);
    let filtered = terminal.until("FILTER dest:analytics");
    assert!(filtered.contains("analytics-maker.example"), "{filtered}");
    assert!(!filtered.contains("lab-news"), "{filtered}");
    terminal.keys(&["e"]);
    terminal.until("written: ./phonehome-contacts-");
    let written = std::fs::read_dir(terminal.folder.path()).unwrap();
    let written = written
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "txt"))
        .expect("a file");
    assert!(std::fs::read_to_string(written).unwrap().contains("analytics-maker.example"));
    terminal.keys(&["Escape", "3", "l", "kitchen", "Enter"]);
    terminal.until("kitchen ");
    terminal.keys(&["m", "lens", "Enter", "8"]);
    terminal.until("lens");
    terminal.tmux(&["resize-window", "-x", "70", "-y", "20"]);
    terminal.keys(&["1"]);
    terminal.until("[1 overview]");
    terminal.keys(&["q"]);
    let end = terminal.until("LEFT WITH 0");
    assert!(!end.contains("overview"), "the screen of before is back:\n{end}");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for arguments in ["--speed 1", "--speed max"] {
        let arguments = format!("watch {} {arguments}", camera().display());
        let Some(terminal) = Terminal::start("signal", [100, 30], &arguments) else { return };
        terminal.until("[1 overview]");
        let shell = terminal.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let child = Command::new("pgrep").args(["-P", shell.trim()]).output().unwrap();
        let child = String::from_utf8(child.stdout).unwrap();
        let killed = Command::new("kill").args(["-TERM", child.trim()]).status().unwrap();
        assert!(killed.success(), "{child:?}");
        let end = terminal.until("LEFT WITH 0");
        assert!(!end.contains("overview"), "the screen of before is back:\n{end}");
        let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
        assert!(raw.contains("\u{1b}[?1049l") && raw.contains("\u{1b}[?25h"), "{raw:?}");
    }
}

/// Flows, and what the annex says of a destination and a device, out of a real recording.
#[test]
fn flows_law_and_clauses_are_on_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    // The maker of a made-up camera has no law; one that is real stands in for it.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("signatures/vendors/exempla-vision.toml");
    let known = std::fs::read_to_string(path).unwrap();
    let real = known.replace("head_office = \"XX\"", "head_office = \"US\"");
    let real = real.replace("fictional = true", "fictional = false");
    assert_ne!(real, known);
    std::fs::write(folder.path().join("exempla-vision.toml"), real).unwrap();
    let arguments =
        format!("browse {} --signatures {}", camera().display(), folder.path().display());
    let Some(terminal) = Terminal::start("annex", [200, 60], &arguments) else { return };
    terminal.until("ENDED");
    terminal.keys(&["6"]);
    let flows = terminal.until("PROTOCOL");
    assert!(flows.contains("rtsp") && flows.contains("tls"), "{flows}");
    // Not recognised: what it looks like.
    assert!(flows.contains(" ~"), "{flows}");
    terminal.keys(&["4", "Enter"]);
    let page = terminal.until("EU transfer decision");
    assert!(page.contains("law of US: "), "{page}");
    terminal.keys(&["Escape", "3", "Enter"]);
    terminal.until("Whom it talks to");
    terminal.keys(&["G"]);
    terminal.until("Clauses of standards that its traffic refutes");
}

const NAME: &str = "\u{1b}[2J\u{1b}]52;c;RVZJTA==\u{7}\u{9b}31mEVIL\u{202e}x";

/// A name server answers with a name, and a web page is asked for by another, that would clear
/// the screen, set the clipboard, ring, and turn the line round.
fn hostile(path: &Path) {
    let mut long = NAME.repeat(300);
    long.push_str(".example");
    let head = format!("GET / HTTP/1.1\r\nHost: {}.example\r\nUser-Agent: {long}\r\n\r\n", NAME);
    let ends = [0xc0a8_4d6e, 0xcb00_7109];
    let mut capture = Generated::new(6, |number, frame| {
        let (macs, ends) = match number % 2 {
            0 => ([DEVICE, ROUTER], ends),
            _ => ([ROUTER, DEVICE], [ends[1], ends[0]]),
        };
        let ports = if number % 2 == 0 { [40_000, 80] } else { [80, 40_000] };
        let payload = match number {
            0 => tcp(ports, 99, 2, b""),
            1 => tcp(ports, 499, 0x12, b""),
            2 => tcp(ports, 100, 0x18, head.as_bytes()),
            3 => tcp(ports, 500, 0x18, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            _ => {
                let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, NAME.len() as u8];
                question.extend(NAME.as_bytes());
                question.extend(b"\x07example\0\0\x01\0\x01");
                udp([40_001, 53], &question)
            }
        };
        let protocol = if number < 4 { 6 } else { 17 };
        ipv4(frame, macs, ends, protocol, [number as u16, 0], &payload);
        1_700_000_000_000_000 + number * 1000
    });
    let mut bytes = Vec::new();
    capture.read_to_end(&mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn no_command_of_a_packet_reaches_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.pcap");
    hostile(&path);
    let arguments = format!("browse {}", path.display());
    let Some(terminal) = Terminal::start("hostile", [100, 30], &arguments) else { return };
    terminal.until("ENDED");
    let mut seen = String::new();
    for key in ["1", "2", "3", "Enter", "Escape", "4", "Enter", "5", "6", "7", "Enter", "8"] {
        terminal.keys(&[key]);
        std::thread::sleep(Duration::from_millis(150));
        seen += &terminal.screen();
    }
    assert!(seen.contains("EVIL"), "the name is shown, escaped:\n{seen}");
    commands_nothing(&terminal);
}

/// So many addresses that full looks are seldom, and then web pages asked for by names as above, each of
/// another server.
fn newcomers(path: &Path) {
    const MANY: u64 = 3_000;
    const NEW: u64 = 200;
    let device = 0xc0a8_4d6e;
    let mut capture = Generated::new(MANY + 3 * NEW, |number, frame| {
        let Some(later) = number.checked_sub(MANY) else {
            let ends = [device, 0x0b00_0000 + number as u32 * 259];
            let payload = udp([40_000, 9_999], b"hello");
            ipv4(frame, [DEVICE, ROUTER], ends, 17, [number as u16, 0], &payload);
            return 1_700_000_000_000_000 + number * 20;
        };
        let (flow, step) = (later / 3, later % 3);
        let far = 0x2d00_0000 + flow as u32 * 259;
        let head = format!("GET / HTTP/1.1\r\nHost: {flow}{NAME}{flow}.example\r\n\r\n");
        let port = 41_000 + flow as u16;
        let (macs, ends, payload) = match step {
            0 => ([DEVICE, ROUTER], [device, far], tcp([port, 80], 99, 2, b"")),
            1 => ([ROUTER, DEVICE], [far, device], tcp([80, port], 499, 0x12, b"")),
            _ => {
                let payload = tcp([port, 80], 100, 0x18, head.as_bytes());
                ([DEVICE, ROUTER], [device, far], payload)
            }
        };
        ipv4(frame, macs, ends, 6, [number as u16, 0], &payload);
        1_700_000_001_000_000 + later * 60_000
    });
    let mut bytes = Vec::new();
    capture.read_to_end(&mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn no_command_of_a_newcomer_reaches_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newcomers.pcap");
    newcomers(&path);
    let arguments = format!("watch {}", path.display());
    let Some(terminal) = Terminal::start("newcomers", [250, 40], &arguments) else { return };
    terminal.until("REPLAY");
    terminal.keys(&["f", "EVIL", "Enter"]);
    let begun = Instant::now();
    let mut seen = 0;
    while seen < 3 {
        for key in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "4", "Enter"] {
            terminal.keys(&[key]);
            std::thread::sleep(Duration::from_millis(150));
            let screen = terminal.screen();
            // Domains are shown in small letters.
            let is_new = |line: &str| line.contains("evil") && line.contains("not looked up yet");
            seen += usize::from(screen.to_lowercase().lines().any(is_new));
        }
        let screen = terminal.screen();
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody is new in\n{screen}");
    }
    commands_nothing(&terminal);
}

/// Ends it, and looks at every byte that it wrote.
fn commands_nothing(terminal: &Terminal) {
    terminal.keys(&["q"]);
    terminal.until("LEFT WITH");
    let raw = terminal.raw();
    let text = std::str::from_utf8(&raw).expect("UTF-8, and so no C1 byte of its own");
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            // Cursor, colours and modes, as the drawing library writes them; nothing else begins
            // with an escape.
            '\u{1b}' => {
                assert_eq!(rest.next(), Some('['), "in {text:?}");
                let end = rest.find(|c| !matches!(c, '0'..='9' | ';' | '?')).unwrap();
                assert!("HmhlJnu".contains(end), "{end:?} ends a command in {text:?}");
            }
            // What the shell prints before and after.
            '\r' | '\n' => {}
            other => assert!(is_shown(other), "{other:?} in {text:?}"),
        }
    }
    assert!(!text.contains("\u{1b}[31mEVIL") && text.contains("EVIL"));
}

#[test]
fn without_a_terminal_it_says_so() {
    let outcome = common::program::phonehome(&["watch", camera().to_str().unwrap()]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("needs a terminal"), "{}", outcome.stderr);
}
