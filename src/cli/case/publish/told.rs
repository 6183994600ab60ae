//! What a publication would tell, each thing once, with where it stands.

use crate::base::address::Mac;
use crate::base::text::{safe, shorten};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Most different things kept.
const THINGS_MAX: usize = 65_536;
/// Most frames kept of one of them.
const FRAMES_MAX: usize = 16;
/// Longest value shown, characters.
const VALUE_MAX: usize = 256;

/// Kinds of things that identify somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    PublicAddress,
    Ssid,
    Bssid,
    UnitMac,
    NeighbourMac,
    Mac,
    Serial,
    DeviceId,
    Account,
    Location,
    HostName,
    Credential,
    NamedText,
    SigningKey,
    CaseText,
    CaptureText,
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Kind; 16] = [
        Kind::PublicAddress,
        Kind::Ssid,
        Kind::Bssid,
        Kind::UnitMac,
        Kind::NeighbourMac,
        Kind::Mac,
        Kind::Serial,
        Kind::DeviceId,
        Kind::Account,
        Kind::Location,
        Kind::HostName,
        Kind::Credential,
        Kind::NamedText,
        Kind::SigningKey,
        Kind::CaseText,
        Kind::CaptureText,
    ];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Kind::PublicAddress => "public addresses",
            Kind::Ssid => "names of wireless networks (SSID)",
            Kind::Bssid => "addresses of access points (BSSID)",
            Kind::UnitMac => "hardware addresses of the unit",
            Kind::NeighbourMac => "hardware addresses of neighbours",
            Kind::Mac => "hardware addresses",
            Kind::Serial => "serial numbers",
            Kind::DeviceId => "device ids",
            Kind::Account => "accounts",
            Kind::Location => "places",
            Kind::HostName => "host names",
            Kind::Credential => "tokens and credentials",
            Kind::NamedText => "texts that you named",
            Kind::SigningKey => "signing keys",
            Kind::CaseText => "texts of the case",
            Kind::CaptureText => "texts in the capture file",
        }
    }

    /// Why it identifies somebody.
    pub fn why(self) -> &'static str {
        match self {
            Kind::PublicAddress => {
                "the provider knows whose line it is, and the vendor's logs hold it"
            }
            Kind::Ssid | Kind::Bssid => "public maps of wireless networks say where it is",
            Kind::UnitMac => "the vendor can look up this unit, and who bought or registered it",
            Kind::NeighbourMac => {
                "it is another machine of the laboratory, or of somebody who did not ask for this"
            }
            Kind::Mac => {
                "it is the unit's or a neighbour's; --device tells them apart. Either leads to an owner"
            }
            Kind::Serial | Kind::DeviceId => {
                "the vendor can look up this unit, and who bought or registered it"
            }
            Kind::Account => "the vendor can look up whose account it is",
            Kind::Location => "it says where the unit stands, or stood",
            Kind::HostName => "people name machines after themselves, their place or their work",
            Kind::Credential => "it may still be valid: revoke it; it is masked here",
            Kind::NamedText => "you said that they must not be told",
            Kind::SigningKey => "it joins this to everything else that was signed with it",
            Kind::CaseText => "people wrote it, or their machine did; read it before others do",
            Kind::CaptureText => "it describes the machine that recorded, or what its user noted",
        }
    }
}

/// What tells things apart; also their order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Thing {
    kind: Kind,
    value: String,
    said_as: String,
    device: Option<String>,
}

/// Where a thing stands.
#[derive(Debug, Clone, Default)]
struct Seen {
    frames: Vec<u64>,
    more: u64,
    lines: Vec<String>,
}

/// One thing, to be shown.
#[derive(Debug, Serialize)]
pub struct Shown {
    pub kind: Kind,
    /// Escaped; masked where it is a secret.
    pub value: String,
    /// What said it: a field of a protocol, or a line of a journal.
    pub said_as: String,
    /// The device that said it, or whom it was said about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Numbers of frames, with the position of the capture above the lower 40 bits.
    #[serde(skip)]
    pub numbers: Vec<u64>,
    pub frames: Vec<FrameShown>,
    /// Frames that are not listed.
    pub more_frames: u64,
    /// Places outside captures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
    pub why: &'static str,
}

/// A frame, as Wireshark numbers it.
#[derive(Debug, Serialize)]
pub struct FrameShown {
    /// Position of the capture, from 1.
    pub input: usize,
    pub frame: u64,
}

/// See the module.
#[derive(Default)]
pub struct Told {
    things: BTreeMap<Thing, Seen>,
    /// The same as bytes from the wire, neither escaped nor shortened.
    raw: BTreeSet<(Kind, Vec<u8>)>,
    /// Things that there was no room for.
    pub lost: u64,
}

impl Told {
    /// Something in a frame; 0 stands for none.
    pub fn frame(&mut self, kind: Kind, value: &[u8], said_as: &str, frame: u64) {
        self.of_device(kind, value, said_as, None, frame);
    }

    /// The same, of a device.
    pub fn of_device(
        &mut self,
        kind: Kind,
        value: &[u8],
        said_as: &str,
        device: Option<String>,
        frame: u64,
    ) {
        let Some(seen) = self.seen(kind, value, said_as, device) else { return };
        if frame == 0 || seen.frames.contains(&frame) {
            return;
        }
        if seen.frames.len() < FRAMES_MAX {
            seen.frames.push(frame);
        } else {
            seen.more += 1;
        }
    }

    /// Something outside frames.
    pub fn line(&mut self, kind: Kind, value: &[u8], said_as: &str, place: String) {
        let Some(seen) = self.seen(kind, value, said_as, None) else { return };
        if seen.lines.len() < FRAMES_MAX && !seen.lines.contains(&place) {
            seen.lines.push(place);
        }
    }

    /// Takes something back.
    pub fn forget(&mut self, kind: Kind, value: &str) {
        self.things.retain(|thing, _| thing.kind != kind || thing.value != value);
    }

    pub fn address(&mut self, address: IpAddr, said_as: &str, frame: u64) {
        self.frame(Kind::PublicAddress, address.to_string().as_bytes(), said_as, frame);
    }

    pub fn mac(&mut self, kind: Kind, mac: Mac, said_as: &str, frame: u64) {
        self.frame(kind, mac.to_string().as_bytes(), said_as, frame);
    }

    fn seen(
        &mut self,
        kind: Kind,
        raw: &[u8],
        said_as: &str,
        device: Option<String>,
    ) -> Option<&mut Seen> {
        let value = shorten(&safe(raw), VALUE_MAX);
        let thing = Thing { kind, value, said_as: said_as.to_owned(), device };
        if self.things.len() >= THINGS_MAX && !self.things.contains_key(&thing) {
            self.lost += 1;
            return None;
        }
        if self.raw.len() < THINGS_MAX {
            self.raw.insert((kind, raw.to_vec()));
        }
        Some(self.things.entry(thing).or_default())
    }

    /// All of them as bytes, by kind.
    pub fn raw(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        self.raw.iter().map(|(kind, value)| (*kind, &**value))
    }

    /// All of them, by kind and value.
    pub fn shown(self) -> Vec<Shown> {
        let shown = |(thing, seen): (Thing, Seen)| Shown {
            kind: thing.kind,
            value: thing.value,
            said_as: thing.said_as,
            device: thing.device,
            frames: seen.frames.iter().map(|&number| FrameShown::of(number)).collect(),
            numbers: seen.frames,
            more_frames: seen.more,
            places: seen.lines,
            why: thing.kind.why(),
        };
        self.things.into_iter().map(shown).collect()
    }
}

impl FrameShown {
    fn of(number: u64) -> FrameShown {
        use crate::base::frame::{input, within};
        FrameShown { input: input(number) + 1, frame: within(number) }
    }
}

/// A text of which the first character and the length stay.
pub fn masked(value: &[u8]) -> String {
    let first = String::from_utf8_lossy(value).chars().next();
    first.map_or_else(|| "not told".to_owned(), |c| format!("{c}*** ({} bytes)", value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_told_once_escaped_and_its_frames_are_bounded() {
        let mut told = Told::default();
        for frame in 1..=20 {
            told.frame(Kind::Ssid, b"home\x1b[31m", "wlan.beacon", frame);
        }
        told.frame(Kind::Ssid, b"home\x1b[31m", "wlan.beacon", 3);
        told.line(Kind::CaseText, b"lab", "host", "journal.jsonl line 1".to_owned());
        let shown = told.shown();
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0].value, "home\\x1b[31m");
        assert_eq!((shown[0].frames.len(), shown[0].more_frames), (16, 4));
        assert_eq!(shown[1].places, ["journal.jsonl line 1"]);
    }

    #[test]
    fn a_mask_keeps_one_character() {
        assert_eq!(masked(b"hunter2"), "h*** (7 bytes)");
        assert_eq!(masked(b""), "not told");
    }
}
