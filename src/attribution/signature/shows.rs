//! What flows and devices show beside names and addresses: how such facts are written, what a file
//! must keep to, and whether one fits.

use super::pattern::glob_text;
use super::{By, Said, Shows, Word};
use crate::base::text::bytes_of_hex;
use crate::protocol::beginnings::{KEY_BYTES, SAID_BYTES_MAX};
use crate::protocol::is_label;

/// What dissectors call the beginning of a message that none of them knows.
pub const BEGINS: &str = "flow.begins";

/// Fewest characters that a pattern for what is said is made of: shorter ones fit by chance.
const CHARACTERS_MIN: usize = 4;

/// Protocols of one vendor or platform: only these tell something by being spoken.
const OWN_LABELS: [&str; 14] = [
    "baichuan",
    "dahua-dhip",
    "dahua-p2p",
    "dahua-private",
    "ezviz-cas",
    "miio",
    "pppp",
    "sadp",
    "tapo-discovery",
    "tplink-smarthome",
    "tutk",
    "tuya-discovery",
    "tuya-lan",
    "xmeye",
];

/// Facts that only devices of one vendor or platform say, whatever their value.
const OWN_FACTS: [&str; 8] = [
    "baichuan.model",
    "dahua.model",
    "kasa.model",
    "sadp.model",
    "tapo.model",
    "tuya.product_key",
    "xmeye.hardware",
    "adms.serial",
];

/// Beginnings of protocols that everybody speaks.
const COMMON: [&[u8; KEY_BYTES]; 7] =
    [b"GET ", b"HEAD", b"HTTP", b"POST", b"PUT ", b"OPTI", b"SSH-"];

/// How a message begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    at: usize,
    bytes: Vec<Option<u8>>,
}

impl Pattern {
    /// Reads pairs of hex digits, `..` for any byte.
    pub fn read(text: &str, at: usize) -> Result<Pattern, String> {
        let digits: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
        let byte = |pair: &[char]| match pair {
            ['.', '.'] => Ok(None),
            [high, low] => {
                let value = high.to_digit(16).zip(low.to_digit(16));
                value.map(|(h, l)| Some((h * 16 + l) as u8)).ok_or(())
            }
            _ => Err(()),
        };
        let bytes: Result<Vec<Option<u8>>, ()> = digits.chunks(2).map(byte).collect();
        let bytes = bytes.map_err(|()| format!("{text:?} is not pairs of hex digits or `..`"))?;
        if at.saturating_add(bytes.len()) > SAID_BYTES_MAX {
            return Err(format!("only the first {SAID_BYTES_MAX} bytes of a message are read"));
        }
        let pattern = Pattern { at, bytes };
        match pattern.key() {
            None => Err(format!(
                "would fit by chance: needs {KEY_BYTES} fixed bytes in a row that are not all alike"
            )),
            Some((0, key)) if COMMON.iter().any(|common| **common == key) => {
                Err("is how a protocol begins that everybody speaks".to_owned())
            }
            Some(_) => Ok(pattern),
        }
    }

    /// The first fixed bytes in a row that are not all alike, and their place in the message.
    #[must_use]
    pub fn key(&self) -> Option<(usize, [u8; KEY_BYTES])> {
        self.bytes.windows(KEY_BYTES).enumerate().find_map(|(index, window)| {
            let mut key = [0; KEY_BYTES];
            for (to, byte) in key.iter_mut().zip(window) {
                *to = (*byte)?;
            }
            (key != [key[0]; KEY_BYTES]).then_some((self.at + index, key))
        })
    }

    /// The fixed bytes in a row, each with its place in the message.
    #[must_use]
    pub fn runs(&self) -> Vec<(usize, Vec<u8>)> {
        let mut runs: Vec<(usize, Vec<u8>)> = Vec::new();
        for (place, byte) in (self.at..).zip(&self.bytes) {
            let Some(byte) = *byte else { continue };
            match runs.last_mut().filter(|(from, run)| from + run.len() == place) {
                Some((_, run)) => run.push(byte),
                None => runs.push((place, vec![byte])),
            }
        }
        runs
    }

    /// Whether a message begins so.
    #[must_use]
    pub fn fits(&self, message: &[u8]) -> bool {
        message.get(self.at..self.at + self.bytes.len()).is_some_and(|bytes| {
            bytes.iter().zip(&self.bytes).all(|(byte, wanted)| wanted.is_none_or(|w| w == *byte))
        })
    }
}

/// A flow as a fact sees it.
#[derive(Debug, Clone, Copy)]
pub struct FlowSeen<'a> {
    /// Its protocol, where payload tells it.
    pub label: Option<&'a str>,
    /// `tcp`, `udp` or another.
    pub transport: &'a str,
    /// Port of the service.
    pub port: Option<u16>,
}

impl Said {
    /// As outputs call it.
    #[must_use]
    pub fn spoken(&self) -> String {
        spoken(&[text(&self.fact, &self.value), begins(&self.first, self.at)])
    }

    /// Whether a value is what it knows.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        fits(&self.value, &self.first, self.at, value)
    }

    /// Whether this is a thing of programs, which devices of other makers may use too.
    #[must_use]
    pub fn is_of_programs(&self) -> bool {
        matches!(self.fact.as_str(), "dhcp.parameter_list" | "tls.ja3" | "tls.ja4")
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let what = self.spoken();
        let any = self.value.as_deref() == Some("*") && OWN_FACTS.contains(&&*self.fact);
        if !any {
            patterns(&self.value, &self.first, self.at).map_err(|why| format!("{what}: {why}"))?;
        }
        if (self.fact == BEGINS) != self.first.is_some()
            || self.value.is_none() == self.first.is_none()
        {
            return Err(format!("{what}: needs `value`, or with {BEGINS} `first`"));
        }
        examples(&what, &self.example, &self.near_miss, &|value| self.fits(value))
    }
}

impl Shows {
    /// As outputs call it.
    #[must_use]
    pub fn spoken(&self) -> String {
        let ports = (!self.ports.is_empty()).then(|| format!("port {}", self.ports.join(", ")));
        let by = self.by.map(|by| match by {
            By::Device => "by the device".to_owned(),
            By::Service => "by the service".to_owned(),
        });
        let fact = self.fact.as_deref().and_then(|fact| text(fact, &self.value));
        let label = self.label.clone();
        spoken(&[label, self.transport.clone(), ports, fact, begins(&self.first, self.at), by])
    }

    /// Whether a value or beginning is what it knows.
    #[must_use]
    pub fn fits_value(&self, value: &str) -> bool {
        fits(&self.value, &self.first, self.at, value)
    }

    /// Whether protocol and port are what it knows.
    #[must_use]
    pub fn fits_flow(&self, flow: &FlowSeen<'_>) -> bool {
        let port = |range: &String| {
            let bounds = range.split_once('-').unwrap_or((range, range));
            let bounds = bounds.0.parse::<u16>().ok().zip(bounds.1.parse::<u16>().ok());
            bounds.zip(flow.port).is_some_and(|((low, high), port)| (low..=high).contains(&port))
        };
        self.label.as_deref().is_none_or(|label| flow.label == Some(label))
            && self.transport.as_deref().is_none_or(|transport| flow.transport == transport)
            && (self.ports.is_empty() || self.ports.iter().any(port))
    }

    /// What an example of this fact is held against: the flow, where it knows no value.
    #[must_use]
    pub fn fits_example(&self, example: &str) -> bool {
        self.with_example(example, &mut |flow, words| {
            self.fits_flow(flow) && words.iter().all(|word| self.fits_value(word.value))
        })
    }

    /// Shows an example as a flow that says it.
    pub fn with_example<T>(
        &self,
        example: &str,
        ask: &mut dyn FnMut(&FlowSeen<'_>, &[Word<'_>]) -> T,
    ) -> T {
        let fact = self.fact.as_deref().or(self.first.as_ref().map(|_| BEGINS));
        let Some(fact) = fact else {
            let mut words = example.split(' ');
            let [label, transport, port] = [words.next(), words.next(), words.next()];
            let port = port.and_then(|port| port.parse().ok());
            let transport = transport.unwrap_or_default();
            return ask(&FlowSeen { label, transport, port }, &[]);
        };
        let port = self.ports.first().and_then(|port| port.split('-').next()?.parse().ok());
        let transport = self.transport.as_deref().unwrap_or("tcp");
        let by_service = self.by == Some(By::Service);
        let flow = FlowSeen { label: self.label.as_deref(), transport, port };
        ask(&flow, &[Word { fact, value: example, by_service }])
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let what = self.spoken();
        let fail = |why: &str| Err(format!("{what}: {why}"));
        let own = match self.label.as_deref() {
            Some(label) if !is_label(label) => return fail("no dissector tells such a label"),
            Some(label) => OWN_LABELS.contains(&label),
            None => false,
        };
        let says = self.value.is_some() || self.first.is_some();
        if !says && !own {
            return fail("a port, or a protocol that everybody speaks, tells no vendor");
        }
        if says {
            patterns(&self.value, &self.first, self.at).map_err(|why| format!("{what}: {why}"))?;
        }
        if self.fact.is_some() != self.value.is_some()
            || self.value.is_some() && self.first.is_some()
        {
            return fail("needs `fact` with `value`, or `first`, or neither");
        }
        if self.transport.as_deref().is_some_and(|t| !matches!(t, "tcp" | "udp")) {
            return fail("transport is tcp or udp");
        }
        let is_range = |range: &String| {
            let (low, high) = range.split_once('-').unwrap_or((range, range));
            low.parse::<u16>().ok().zip(high.parse::<u16>().ok()).is_some_and(|(l, h)| l <= h)
        };
        if !self.ports.iter().all(is_range) {
            return fail("a port is a number, or two with a hyphen between");
        }
        examples(&what, &self.example, &self.near_miss, &|example| self.fits_example(example))
    }
}

fn spoken(parts: &[Option<String>]) -> String {
    parts.iter().flatten().cloned().collect::<Vec<_>>().join(" ")
}

fn text(fact: &str, value: &Option<String>) -> Option<String> {
    value.as_ref().map(|value| format!("{fact} {value}"))
}

fn begins(first: &Option<String>, at: usize) -> Option<String> {
    let first = first.as_ref()?;
    let place = if at == 0 { String::new() } else { format!(" at byte {at}") };
    Some(format!("begins with {first}{place}"))
}

/// Whether a value fits: the hex of a message, where a beginning is known.
fn fits(value: &Option<String>, first: &Option<String>, at: usize, said: &str) -> bool {
    match (value, first) {
        (Some(pattern), _) => !said.is_empty() && glob_text(pattern, &said.to_lowercase()),
        (None, Some(first)) => {
            let pattern = Pattern::read(first, at);
            pattern
                .ok()
                .zip(bytes_of_hex(said))
                .is_some_and(|(pattern, bytes)| pattern.fits(&bytes))
        }
        (None, None) => true,
    }
}

fn patterns(value: &Option<String>, first: &Option<String>, at: usize) -> Result<(), String> {
    if let Some(value) = value {
        let plain = value.chars().filter(|&c| c != '*').count();
        if *value != value.to_lowercase() || plain < CHARACTERS_MIN {
            return Err(format!(
                "must be lower case, with {CHARACTERS_MIN} or more characters beside stars"
            ));
        }
    }
    first.as_ref().map_or(Ok(()), |first| Pattern::read(first, at).map(drop))
}

fn examples(
    what: &str,
    example: &str,
    near_miss: &str,
    fits: &dyn Fn(&str) -> bool,
) -> Result<(), String> {
    if !fits(example) || fits(near_miss) {
        return Err(format!("{what}: `example` must fit and `near_miss` must not"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_that_fit_by_chance_are_refused() {
        for (text, at, ok) in [
            ("50544350", 0, true),
            ("50 54 43 50", 0, true),
            ("21..........04534e49", 6, true),
            ("505443", 0, false),
            ("50..4350..54", 0, false),
            ("00000000", 0, false),
            ("0000000001", 0, true),
            ("47455420", 0, false),
            ("47455420", 4, true),
            ("5054435", 0, false),
            ("zz544350", 0, false),
            ("50544350", 93, false),
        ] {
            assert_eq!(Pattern::read(text, at).is_ok(), ok, "{text} at {at}");
        }
    }

    #[test]
    fn a_beginning_fits_at_its_place_alone() {
        let pattern = Pattern::read("21..........04534e49", 6).unwrap();
        assert_eq!(pattern.key(), Some((12, *b"\x04SNI")));
        assert_eq!(pattern.runs(), [(6, vec![0x21]), (12, b"\x04SNI".to_vec())]);
        assert!(pattern.fits(b"000000\x2112345\x04SNIrest"));
        assert!(!pattern.fits(b"000000\x2212345\x04SNIrest"));
        assert!(!pattern.fits(b"000000\x2112345\x04SN"));
    }
}
