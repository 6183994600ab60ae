//! States what matters, with the frames that show it. One file a check; a check reads the ledger
//! and the world built from it, and drafts findings. [`run`] completes them: key, references,
//! counts and the display filter that selects exactly the frames counted.

mod beacon;
mod catalogue;
mod cloud_vendor;
mod control_cleartext;
mod cred_cleartext;
mod dns_encrypted;
mod dns_hardcoded;
mod filter;
mod inbound;
mod lateral;
mod marked;
mod media_cleartext;
mod name_unexplained;
mod persistent_id;
mod pii_cleartext;
mod port_opening;
mod relay;
mod scan;
mod standard;
mod svc_legacy;
mod tls_none;
mod tls_old;

pub use catalogue::{explain, page};
pub use filter::Pairs;
pub use persistent_id::Identifiers;

use crate::attribution::ledger::{Ledger, Mark, Row};
use crate::attribution::world::{Contact, Device, Level, Party, World};
use crate::base::address::Spelled;
use crate::base::frame;
use crate::base::table::Set;
use crate::base::text::{hex, safe};
use crate::base::time::Timestamp;
use crate::case::review::{Answered, Asked};
use crate::flow::Cite;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

/// Every check, in the order of the catalogue.
pub static CHECKS: &[&dyn Check] = &[
    &cred_cleartext::CredCleartext,
    &tls_none::TlsNone,
    &tls_old::TlsOldVersion,
    &name_unexplained::NameUnexplained,
    &dns_hardcoded::DnsHardcodedResolver,
    &cloud_vendor::CloudVendor,
    &media_cleartext::MediaCleartext,
    &pii_cleartext::PiiCleartext,
    &control_cleartext::ControlCleartext,
    &inbound::Inbound,
    &port_opening::PortOpening,
    &svc_legacy::SvcLegacy,
    &scan::Scan,
    &persistent_id::PersistentId,
    &lateral::Lateral,
    &dns_encrypted::DnsEncrypted,
    &relay::Relay,
    &beacon::Beacon,
    &standard::Standard {
        id: "standard.gb28181",
        key: "gb28181",
        name: "GB/T 28181 (China, networked video surveillance)",
        title: "Messages in the form of GB/T 28181",
    },
    &standard::Standard {
        id: "standard.gat1400",
        key: "gat1400",
        name: "GA/T 1400 (China, video and image information)",
        title: "Messages in the form of GA/T 1400",
    },
    &standard::Standard {
        id: "standard.gb32960",
        key: "gb32960",
        name: "GB/T 32960 (China, electric vehicles)",
        title: "Messages in the form of GB/T 32960",
    },
    &standard::Standard {
        id: "standard.jtt808",
        key: "jtt808",
        name: "JT/T 808 (China, vehicle terminals)",
        title: "Messages in the form of JT/T 808",
    },
    &standard::Standard {
        id: "standard.ansi-c1222",
        key: "ansi-c1222",
        name: "ANSI C12.22 (United States, meters)",
        title: "Messages in the form of ANSI C12.22",
    },
];

/// Most deciding frames named by one finding.
pub const REFS_MAX: usize = 64;

/// How much it matters; fixed for each check, whatever country or vendor is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth asking about.
    Low,
    /// Worth mending.
    Medium,
    /// Worth mending now.
    High,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }
}

/// Looks for one thing.
pub trait Check: Sync {
    /// Stable id from the vocabulary of finding ids; never reused.
    fn id(&self) -> &'static str;
    /// In plain words.
    fn title(&self) -> &'static str;
    /// Raised when the check's meaning changes.
    fn version(&self) -> u32;
    /// How much it matters.
    fn severity(&self) -> Severity;
    /// What people want to know before they believe it.
    fn about(&self) -> About;
    /// Reads a contact and drafts a finding about it. All checks look at one contact before any
    /// looks at the next, while its rows are in the cache.
    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft>;
}

/// What people want to know of a check: printed by `explain` and in the catalogue.
pub struct About {
    /// What the check looks for.
    pub looks_for: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// When it is known to be wrong, or not to find anything.
    pub false_positives: &'static str,
    /// How to verify it by hand.
    pub verify: &'static str,
}

/// What checks read.
pub struct View<'a> {
    /// Rows and what was said.
    pub ledger: &'a Ledger,
    /// Devices, destinations and contacts.
    pub world: &'a World,
    /// Frames were lost, so that nothing can be said to be absent.
    pub lossy: bool,
    /// To how many destinations identifiers went.
    pub identifiers: Identifiers,
}

impl<'a> View<'a> {
    /// A view with its index.
    #[must_use]
    pub fn new(ledger: &'a Ledger, world: &'a World, lossy: bool) -> View<'a> {
        View { ledger, world, lossy, identifiers: Identifiers::of(ledger, world) }
    }

    /// The rows of a contact with their positions.
    pub fn rows(&self, contact: &'a Contact) -> impl Iterator<Item = (usize, &'a Row)> {
        let rows = &self.ledger.rows;
        contact.rows.iter().map(move |&index| (index, &rows[index]))
    }

    /// The device of a contact.
    #[must_use]
    pub fn device(&self, contact: &Contact) -> &'a Device {
        &self.world.devices[contact.device_index]
    }
}

/// What a check says; [`run`] completes it.
pub struct Draft {
    /// How sure.
    pub level: Level,
    /// What was seen, each with its frames.
    pub facts: Vec<Fact>,
    /// The sentence that may be printed, with `{bytes}` where the counts go.
    pub may_say: String,
    /// What must not be concluded.
    pub does_not_show: &'static [&'static str],
    /// Other explanations.
    pub alternatives: Vec<Alternative>,
    /// Deciding frames.
    pub cites: Vec<Cite>,
    /// The rows whose traffic is counted; with a mark, only the flows that bear it.
    pub traffic: Vec<(usize, Option<Mark>)>,
}

impl Draft {
    /// A draft that says nothing yet.
    fn new(level: Level, does_not_show: &'static [&'static str]) -> Draft {
        Draft {
            level,
            facts: Vec::new(),
            may_say: String::new(),
            does_not_show,
            alternatives: Vec::new(),
            cites: Vec::new(),
            traffic: Vec::new(),
        }
    }
}

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// In words.
    pub text: String,
    /// The frames that show it, as [`frame`] numbers them.
    pub frames: Vec<u64>,
}

impl Fact {
    /// A fact shown by one frame; frame 0 is none.
    #[must_use]
    pub fn new(text: String, frame: u64) -> Fact {
        Fact { text, frames: if frame > 0 { vec![frame] } else { Vec::new() } }
    }
}

/// Another explanation of what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// The explanation.
    pub text: Cow<'static, str>,
    /// `excluded`, `not excluded` or `not tested`.
    pub status: &'static str,
    /// By what.
    pub by: Cow<'static, str>,
}

/// A frame that decides a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Position in the snapshot's `inputs`.
    pub input: usize,
    /// Frame number within that input, as in Wireshark.
    pub frame: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Length on the wire, bytes.
    pub length: u32,
}

/// All that a finding counts in one input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Position in the snapshot's `inputs`.
    pub input: usize,
    /// Frames.
    pub frames: u64,
    /// Whole frames, bytes, sent and received by the device.
    pub wire_bytes: [u64; 2],
    /// Payload, each byte once, sent and received by the device.
    pub delivered_bytes: [u64; 2],
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// Selects exactly these frames in Wireshark; null with a reason where it cannot.
    pub wireshark_filter: Option<String>,
    /// Why there is no filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_filter_because: Option<&'static str>,
}

/// Whom a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubjectOf {
    /// Device id.
    pub device: Arc<str>,
    /// Destination id.
    pub destination: Arc<str>,
}

/// What people decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// `unreviewed` until somebody confirms, explains or disputes it.
    pub state: &'static str,
    /// Key of who decided, as minisign prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Who was asked about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// What was answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answered>,
}

impl Default for Review {
    fn default() -> Review {
        Review {
            state: "unreviewed",
            by: None,
            when: None,
            because: None,
            asked: Vec::new(),
            answers: Vec::new(),
        }
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Id of the rule.
    pub id: &'static str,
    /// The rule in plain words.
    pub title: &'static str,
    /// Version of the rule.
    pub rule_version: u32,
    /// One finding a rule, device and destination: first 16 hex digits of a SHA-256.
    pub key: String,
    /// How much it matters.
    pub severity: Severity,
    /// How sure.
    pub level: Level,
    /// Whom it is about.
    pub subject: SubjectOf,
    /// What was seen.
    pub facts: Vec<Fact>,
    /// The sentence that may be printed.
    pub may_say: String,
    /// What must not be concluded.
    pub does_not_show: &'static [&'static str],
    /// Other explanations.
    pub alternatives: Vec<Alternative>,
    /// Deciding frames, at most [`REFS_MAX`].
    pub refs: Vec<Reference>,
    /// All that is counted, one entry an input.
    pub traffic: Vec<Counted>,
    /// Clauses of standards with their verdicts.
    pub clauses: Vec<String>,
    /// Relation of the destination to the device's maker.
    pub party: Party,
    /// Phase of the experiment, where one was recorded.
    pub phase: Option<String>,
    /// What people decided about it.
    pub review: Review,
}

/// Runs every check. Findings come by severity, then rule, device and destination.
#[must_use]
pub fn run(view: &View<'_>) -> Vec<Finding> {
    let pairs = Pairs::of(view.ledger);
    let mut findings = Vec::new();
    for contact in &view.world.contacts {
        for &check in CHECKS {
            let draft = check.run(view, contact);
            findings.extend(draft.map(|draft| complete(check, view, &pairs, contact, draft)));
        }
    }
    findings.sort_by_cached_key(|f| (std::cmp::Reverse(f.severity), f.id, f.key.clone()));
    findings
}

/// First 16 hex digits of a SHA-256: the same for one rule, device and destination.
fn key(check: &dyn Check, contact: &Contact) -> String {
    let mut hash = Sha256::new();
    for part in [check.id(), &check.version().to_string(), &contact.device, &contact.destination] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..8])
}

/// Which rows of the ledger the findings with this id or key count; with marks, only the flows
/// that bear one of them. Empty where there is no such finding.
#[must_use]
pub fn counted_rows(view: &View<'_>, wanted: &str) -> BTreeMap<usize, u16> {
    let mut rows = BTreeMap::new();
    for contact in &view.world.contacts {
        for &check in CHECKS {
            if check.id() != wanted && key(check, contact) != wanted {
                continue;
            }
            let Some(draft) = check.run(view, contact) else { continue };
            for (row, mark) in draft.traffic {
                if !view.ledger.rows[row].is_icmp() {
                    *rows.entry(row).or_insert(0) |= mark.map_or(u16::MAX, |mark| mark as u16);
                }
            }
        }
    }
    rows
}

fn complete(
    check: &dyn Check,
    view: &View<'_>,
    pairs: &Pairs,
    contact: &Contact,
    mut draft: Draft,
) -> Finding {
    let selection = filter::Selection::of(view.ledger, &draft.traffic);
    let counted = selection.count(view.ledger, pairs);
    let mut cites = draft.cites;
    cites.retain(|cite| cite.frame > 0);
    cites.sort_unstable();
    cites.dedup();
    frame::sort(&mut cites, |cite| (cite.frame, cite.time));
    let refs = cites.iter().take(REFS_MAX).map(|cite| Reference {
        input: frame::input(cite.frame),
        frame: frame::within(cite.frame),
        time: cite.time,
        length: cite.length,
    });
    let delivered = |way: usize| counted.iter().map(|c| c.delivered_bytes[way]).sum::<u64>();
    let [sent, received] = [0, 1].map(delivered);
    // There may be as many findings as contacts: what growing left over is given back.
    draft.facts.shrink_to_fit();
    draft.alternatives.shrink_to_fit();
    let bytes = format!("{sent} bytes of payload sent, {received} received");
    Finding {
        id: check.id(),
        title: check.title(),
        rule_version: check.version(),
        key: key(check, contact),
        severity: check.severity(),
        level: draft.level,
        subject: SubjectOf {
            device: contact.device.clone(),
            destination: contact.destination.clone(),
        },
        facts: draft.facts,
        may_say: draft.may_say.replace("{bytes}", &bytes),
        does_not_show: draft.does_not_show,
        alternatives: draft.alternatives,
        refs: refs.collect(),
        traffic: counted,
        clauses: Vec::new(),
        party: contact.party,
        phase: None,
        review: Review::default(),
    }
}

/// How the remotes of a draft are spoken of: their names with the sources of these, else their
/// addresses.
#[must_use]
pub fn spoken(view: &View<'_>, draft: &Draft) -> String {
    let rows = || draft.traffic.iter().map(|(index, _)| &view.ledger.rows[*index]);
    let names =
        few(rows().filter_map(|row| row.name).map(|n| (n.name, n.source)), |(id, source)| {
            format!("{} (by {})", safe(view.ledger.names.get(id)), source.name())
        });
    let addresses =
        few(rows().map(|row| row.remote.address), |address| Spelled(address).to_string());
    if names.is_empty() { addresses } else { format!("{names} at {addresses}") }
}

/// Up to three different ones, and how many more.
fn few<T: Copy + Eq + Hash>(items: impl Iterator<Item = T>, show: impl Fn(T) -> String) -> String {
    let mut seen: Set<T> = Set::default();
    let mut shown = String::new();
    for item in items {
        if seen.insert(item) && seen.len() <= 3 {
            let comma = if shown.is_empty() { "" } else { ", " };
            shown.push_str(comma);
            shown.push_str(&show(item));
        }
    }
    match seen.len().saturating_sub(3) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How the remote end of a row is spoken of: `192.0.2.1 port 443`.
struct Service<'a>(&'a Row);

impl fmt::Display for Service<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.0;
        Spelled(row.remote.address).fmt(out)?;
        row.port.map_or(Ok(()), |port| write!(out, " port {port}"))
    }
}

/// How a device is spoken of.
#[must_use]
pub fn spoken_device(device: &Device) -> String {
    let title = device.title();
    if title == *device.id { title } else { format!("{title} ({})", device.id) }
}

/// A shown fact is no surer than the name it is told under.
#[must_use]
pub fn capped(level: Level, row: &Row) -> Level {
    match row.name.map(|named| crate::attribution::world::name_level(&named)) {
        Some(Level::Inferred) => Level::Inferred,
        _ => level,
    }
}
