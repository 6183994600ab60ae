//! `docs/dissectors.md`: what each dissector's file states, and which tests hold it. Only tests make
//! the page, out of the sources and of what the tests of all dissectors wrote down.

use super::testing::Way;
use super::{DISSECTORS, Dissector, Over, link};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Families of the dissectors that are in no folder of their own.
const FAMILIES: [(&str, &[&str]); 3] = [
    (
        "Names and network",
        &[
            "dns",
            "mdns",
            "llmnr",
            "nbns",
            "dhcp",
            "dhcpv6",
            "ntp",
            "ssdp",
            "ws-discovery",
            "nat-pmp",
            "snmp",
            "snmpv3",
            "syslog",
            "igmp",
            "ipv6-icmp",
        ],
    ),
    ("Web and crypto", &["http", "tls", "dtls", "quic", "ssh", "wireguard", "openvpn"]),
    (
        "Devices, media and files",
        &[
            "mqtt",
            "amqp",
            "coap",
            "rtsp",
            "rtp",
            "rtcp",
            "rtmp",
            "stun",
            "ftp",
            "smtp",
            "telnet",
            "tftp",
            "irc",
            "adb",
            "jdwp",
            "gdb-remote",
        ],
    ),
];
const FOLDERS: [(&str, &str); 2] = [("Vendors", "vendor"), ("City and meters", "city")];

/// What tests wrote down of one label.
#[derive(Default)]
pub struct Held {
    /// Names of ways, and ports.
    ways: BTreeSet<String>,
    facts: BTreeSet<String>,
    tests: BTreeSet<String>,
}

impl Held {
    /// Whether a conversation went that way. To more than one port is on another too.
    pub fn went(&self, way: Way) -> bool {
        let ports = self.ways.iter().filter(|way| way.starts_with("port ")).count();
        self.ways.contains(way.name()) || matches!(way, Way::OnAnotherPort) && ports > 1
    }
}

/// Sorts what tests wrote down, a line each, by label.
pub fn held(lines: &str) -> BTreeMap<&str, Held> {
    let mut all: BTreeMap<&str, Held> = BTreeMap::new();
    for (label, what) in lines.lines().filter_map(|line| line.split_once(": ")) {
        let held = all.entry(label).or_default();
        match what.split_once(' ') {
            Some(("fact", name)) => held.facts.insert(name.into()),
            Some(("test", name)) => held.tests.insert(name.into()),
            _ => held.ways.insert(what.into()),
        };
    }
    all
}

/// A file with dissectors, or with a reader of frames without IP.
struct Source {
    /// Below `src/protocol`.
    path: String,
    text: String,
    labels: Vec<&'static str>,
}

impl Source {
    /// Paragraphs of the head: those that begin with a word and a colon, and the others.
    fn head(&self) -> (String, BTreeMap<String, String>) {
        let (mut prose, mut named) = (String::new(), BTreeMap::<String, String>::new());
        let mut at: Option<String> = None;
        let head = self.text.lines().map_while(|line| line.strip_prefix("//!"));
        for line in head.map(str::trim) {
            let begins = ["Documents: ", "Bounds: ", "Fixed: ", "Fixed bits: ", "Recognised by "];
            let begun = begins.iter().find_map(|begin| Some((begin, line.strip_prefix(begin)?)));
            let (key, text) = match begun {
                Some((&"Fixed bits: ", text)) => (Some("Fixed"), text),
                Some((begin, text)) => (Some(begin.trim_end_matches([':', ' '])), text),
                None => (None, line),
            };
            at = key.map(str::to_owned).or(at).filter(|_| !line.is_empty());
            let to = match &at {
                Some(key) => named.entry(key.clone()).or_default(),
                None => &mut prose,
            };
            if !to.is_empty() && !text.is_empty() {
                to.push(' ');
            }
            to.push_str(text);
        }
        (prose, named)
    }

    /// The part of a test's name that all tests of this file begin with.
    fn module(&self) -> String {
        format!("protocol::{}::", self.path.trim_end_matches(".rs").replace('/', "::"))
    }

    fn own_tests<'h>(&self, held: &'h BTreeMap<&str, Held>) -> Vec<&'h str> {
        let module = self.module();
        let of = self.labels.iter().filter_map(|label| held.get(label));
        let tests: BTreeSet<&str> = of
            .flat_map(|held| &held.tests)
            .filter_map(|test| test.strip_prefix(&module)?.rsplit("::").next())
            .collect();
        tests.into_iter().collect()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocol")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// The files of all dissectors, in the order of [`DISSECTORS`].
fn sources() -> Vec<Source> {
    let mut all: Vec<Source> = files(&root())
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let names = |label: &str| {
                text.contains(&format!("fn name(&self) -> &'static str {{\n        \"{label}\""))
            };
            let labels: Vec<_> =
                DISSECTORS.iter().map(|one| one.name()).filter(|label| names(label)).collect();
            let path = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            (!labels.is_empty()).then_some(Source { path, text, labels })
        })
        .collect();
    let place = |label| DISSECTORS.iter().position(|one| one.name() == label);
    all.sort_by_key(|source| place(source.labels[0]));
    all
}

/// The files of all readers of frames without IP.
fn readers() -> Vec<Source> {
    let of = |name: &'static str| {
        let path = format!("link/{}.rs", name.split('_').next().unwrap());
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        Source { path, text, labels: vec![name] }
    };
    link::READERS.iter().map(|&(name, _)| of(name)).collect()
}

/// What is wrong with what files state, a line each.
pub fn faults(held: &BTreeMap<&str, Held>) -> Vec<String> {
    let mut faults = Vec::new();
    let sources = sources();
    for dissector in DISSECTORS {
        let name = dissector.name();
        let files = sources.iter().filter(|source| source.labels.contains(&name)).count();
        let families = FAMILIES.iter().filter(|(_, labels)| labels.contains(&name)).count()
            + FOLDERS.iter().filter(|(_, folder)| is_in(&sources, name, folder)).count();
        if files != 1 {
            faults.push(format!("{name}: {files} files"));
        }
        if families != 1 {
            faults.push(format!("{name}: in {families} families of page.rs"));
        }
    }
    for source in sources.iter().chain(&readers()) {
        let (prose, named) = source.head();
        let path = &source.path;
        for (what, there) in [
            ("what it is", !prose.is_empty()),
            ("Documents:", named.get("Documents").is_some_and(|text| text.len() > 3)),
            ("Bounds:", named.get("Bounds").is_some_and(|text| text.len() > 3)),
        ] {
            if !there {
                faults.push(format!("{path}: the head does not say {what}"));
            }
        }
        let is_reader = source.path.starts_with("link/");
        let tests = match is_reader {
            true => tests_written(&source.text).len(),
            false => source.own_tests(held).len(),
        };
        if tests == 0 {
            faults.push(format!("{path}: no test of its own with named bytes"));
        }
        for label in source.labels.iter().filter(|_| !is_reader) {
            if held.get(label).is_none_or(|held| held.tests.is_empty()) {
                faults.push(format!("{label}: no test says it"));
            }
        }
    }
    faults
}

fn is_in(sources: &[Source], label: &str, folder: &str) -> bool {
    sources.iter().any(|source| {
        source.labels.contains(&label) && source.path.split('/').next() == Some(folder)
    })
}

/// Names of the tests in a file.
fn tests_written(text: &str) -> Vec<&str> {
    text.split("#[test]\n")
        .skip(1)
        .filter_map(|after| after.trim_start().strip_prefix("fn ")?.split('(').next())
        .collect()
}

/// The whole page.
pub fn page(held: &BTreeMap<&str, Held>) -> String {
    let mut page = String::from(
        "# Dissectors\n\nMade by `make dissectors` out of the heads of the files in \
         `src/protocol` and of what their tests do; a test keeps it in step and fails where a file \
         states no documents or bounds, or has no test with named bytes. `says` are the facts that \
         tests saw; `held` says how the same bytes were cut and moved without a change of label and \
         facts (heard one way they may say less). `docs/protocols.md` is the summary.\n",
    );
    let sources = sources();
    let of_family = |family: &(&str, &[&str])| -> Vec<&Source> {
        sources.iter().filter(|source| family.1.contains(&source.labels[0])).collect()
    };
    for family in &FAMILIES {
        section(&mut page, family.0, &of_family(family), held);
    }
    for (name, folder) in FOLDERS {
        let within: Vec<_> =
            sources.iter().filter(|source| is_in(&sources, source.labels[0], folder)).collect();
        section(&mut page, name, &within, held);
    }
    page.push_str(
        "\n## Frames without IP\n\nThese are no flows. The frame ledger counts them by these names, \
         and what they say describes the device with the sender's hardware address.\n",
    );
    for source in readers() {
        let (prose, named) = source.head();
        let _ = write!(page, "\n### `{}`\n{prose}\n\n", source.labels[0]);
        told(&mut page, &named);
        let facts: Vec<_> = facts_written(&source.text).into_iter().collect();
        item(&mut page, "says", &quoted(&facts));
        tests(&mut page, &source, &tests_written(&source.text));
    }
    page
}

fn section(page: &mut String, name: &str, sources: &[&Source], held: &BTreeMap<&str, Held>) {
    // Writing to a string cannot fail.
    let _ = write!(page, "\n## {name}\n");
    for source in sources {
        let (prose, named) = source.head();
        let _ = write!(page, "\n### {}\n{prose}\n\n", quoted(&source.labels));
        for label in &source.labels {
            let dissector = DISSECTORS.iter().find(|one| one.name() == *label).unwrap();
            let over = over(*dissector);
            let content = dissector.content().name();
            let _ = writeln!(page, "- `{label}`: {over}; {content}; {}", dissector.rule());
        }
        told(page, &named);
        let none = Held::default();
        let held = |label| held.get(label).unwrap_or(&none);
        let facts: BTreeSet<&str> = source
            .labels
            .iter()
            .flat_map(|label| held(label).facts.iter().map(String::as_str))
            .collect();
        let facts: Vec<_> = facts.into_iter().collect();
        if !facts.is_empty() {
            item(page, "says", &quoted(&facts));
        }
        for label in &source.labels {
            let ways = Way::ALL.into_iter().filter(|way| held(label).went(*way));
            let ways: Vec<_> = ways.map(Way::name).collect();
            let whose = if source.labels.len() > 1 { format!("`{label}` ") } else { String::new() };
            item(page, &format!("{whose}held"), &ways.join(", "));
        }
        let mine = source.labels.iter().map(|label| (*label, held(label)));
        let mine: BTreeMap<&str, &Held> = mine.collect();
        let module = source.module();
        let own: BTreeSet<&str> = mine
            .values()
            .flat_map(|held| &held.tests)
            .filter_map(|test| test.strip_prefix(&module)?.rsplit("::").next())
            .collect();
        tests(page, source, &own.into_iter().collect::<Vec<_>>());
    }
}

fn over(dissector: &dyn Dissector) -> &'static str {
    match dissector.over() {
        Over::Tcp => "TCP",
        Over::Udp => "UDP",
        Over::Both => "TCP and UDP",
        Over::Igmp => "IGMP",
        Over::Icmpv6 => "ICMPv6",
    }
}

fn told(page: &mut String, named: &BTreeMap<String, String>) {
    for (key, begin) in [
        ("Documents", "documents"),
        ("Fixed", "fixed"),
        ("Recognised by", "recognised by"),
        ("Bounds", "bounds"),
    ] {
        if let Some(text) = named.get(key) {
            item(page, begin, text.trim_end_matches('.'));
        }
    }
}

fn tests(page: &mut String, source: &Source, names: &[&str]) {
    let _ = writeln!(page, "- tests in `src/protocol/{}`: {}", source.path, quoted(names));
}

fn item(page: &mut String, name: &str, text: &str) {
    let _ = writeln!(page, "- {name}: {text}");
}

fn quoted(all: &[&str]) -> String {
    all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
}

/// Names of facts in what is not test of a file.
fn facts_written(text: &str) -> BTreeSet<&str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_fact = |part: &&str| {
        part.contains('.')
            && part.split('.').all(|word| {
                !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'))
            })
    };
    code.split('"').filter(is_fact).collect()
}
