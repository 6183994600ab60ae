//! Hand-made conversations, and what the checks say of them: every filter is tried in tshark.

use super::needs;
use super::tshark;
use super::walk::walk;
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::world::{Choice, World};
use phonehome::finding::{self, Finding, Period, View};
use std::path::PathBuf;
use std::sync::LazyLock;

pub const DEVICE: [u8; 4] = [192, 168, 1, 9];
pub const NEIGHBOUR: [u8; 4] = [192, 168, 1, 2];
pub const ROUTER: [u8; 4] = [192, 168, 1, 1];
pub const AWAY: [u8; 4] = [198, 51, 100, 7];
pub const ELSEWHERE: [u8; 4] = [203, 0, 113, 8];
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// A capture of raw IPv4 packets, one a second unless there is a wait.
#[derive(Default)]
pub struct Capture {
    pub packets: Vec<(u32, Vec<u8>)>,
    pub second: u32,
}

pub type End = ([u8; 4], u16);

impl Capture {
    pub fn ip(&mut self, from: End, to: End, protocol: u8, header: &[u8], payload: &[u8]) {
        let mut packet = vec![0x45, 0];
        packet.extend((20 + header.len() as u16 + payload.len() as u16).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        packet.extend(from.0.iter().chain(&to.0));
        packet.extend(header.iter().chain(payload));
        self.packets.push((self.second, packet));
        self.second += 1;
    }

    pub fn wait(&mut self, seconds: u32) {
        self.second += seconds;
    }

    pub fn udp(&mut self, from: End, to: End, payload: &[u8]) {
        let mut header = [from.1, to.1, 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat();
        header.truncate(8);
        self.ip(from, to, 17, &header, payload);
    }

    pub fn tcp(&mut self, from: End, to: End, numbers: [u32; 2], flags: u8, payload: &[u8]) {
        let mut header = [from.1, to.1].map(u16::to_be_bytes).concat();
        header.extend(numbers.map(u32::to_be_bytes).concat());
        header.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
        self.ip(from, to, 6, &header, payload);
    }

    /// A connection with one request and one answer.
    pub fn talk(&mut self, from: End, to: End, ask: &[u8], answer: &[u8]) {
        let asked = 101 + ask.len() as u32;
        self.tcp(from, to, [100, 0], SYN, b"");
        self.tcp(to, from, [500, 101], SYN | ACK, b"");
        self.tcp(from, to, [101, 501], ACK, b"");
        self.tcp(from, to, [101, 501], ACK | 8, ask);
        self.tcp(to, from, [501, asked], ACK | 8, answer);
        self.tcp(from, to, [asked, 501 + answer.len() as u32], ACK, b"");
    }

    /// What the checks say; every filter is tried in tshark, where it is installed.
    pub fn findings(&self, name: &str) -> Vec<Finding> {
        self.told(name, &Geo::default(), Vec::new(), None)
    }

    /// The same of an experiment in phases, in a country, with databases of places.
    pub fn told(
        &self,
        name: &str,
        geo: &Geo,
        periods: Vec<Period>,
        here: Option<&str>,
    ) -> Vec<Finding> {
        static SIGNATURES: LazyLock<Signatures> =
            LazyLock::new(|| Signatures::embedded().expect("embedded signatures are valid"));
        let path = self.write(name);
        let ledger = walk(&path).unwrap().outcome.ledger;
        let world = World::build(&ledger, geo, &SIGNATURES, &Choice::default());
        let view = View::new(&ledger, &world, false).here(here.map(str::to_owned));
        let view = view.in_periods(periods);
        needs::hold(&view);
        let findings = finding::run(&view);
        for finding in &findings {
            assert!(finding.may_say.is_ascii() && !finding.may_say.contains('{'));
            assert!(!finding.does_not_show.is_empty() && !finding.refs.is_empty());
            for counted in &finding.traffic {
                let filter = counted.wireshark_filter.as_ref().expect("these flows are plain");
                if tshark::is_there() {
                    let selected = tshark::frames(&path, tshark::PREFERENCES[0], filter).unwrap();
                    assert_eq!(selected.len() as u64, counted.frames, "{}: {filter}", finding.id);
                    assert!(finding.refs.iter().all(|deciding| selected.contains(&deciding.frame)));
                }
            }
        }
        std::fs::remove_file(path).unwrap();
        findings
    }

    pub fn write(&self, name: &str) -> PathBuf {
        let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0]);
        for (second, packet) in &self.packets {
            let length = packet.len() as u32;
            bytes
                .extend([1_700_000_000 + second, 0, length, length].map(u32::to_le_bytes).concat());
            bytes.extend(packet);
        }
        let file = format!("phonehome-findings-{}-{name}.pcap", std::process::id());
        let path = std::env::temp_dir().join(file);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

pub fn has(findings: &[Finding], id: &str) -> bool {
    findings.iter().any(|finding| finding.id == id)
}

pub fn get(path: &str, more: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: cloud.example\r\n{more}\r\n").into_bytes()
}

pub const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
