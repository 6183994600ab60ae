//! States what matters, with the frames that show it. One file a check; a check reads the ledger
//! and the world built from it, and drafts findings. [`run`] completes them: key, references,
//! counts and the display filter that selects exactly the frames counted.

mod amplifier;
mod attributed;
mod beacon;
mod behind;
mod boot;
mod bot;
mod catalogue;
mod certificate;
mod cloud_vendor;
mod control_cleartext;
mod cred_cleartext;
mod cred_default;
mod dns_encrypted;
mod dns_hardcoded;
mod filter;
mod inbound;
mod lateral;
mod marked;
mod media_cleartext;
mod name_unexplained;
mod persistent_id;
mod phase;
mod pii_cleartext;
mod placed;
mod port_opening;
mod record;
mod relay;
mod review;
mod scan;
mod standard;
mod svc_exposed;
mod svc_legacy;
mod sweep;
mod third_party;
mod tls_cert_accepted;
mod tls_cert_bad;
mod tls_no_pfs;
mod tls_none;
mod tls_old;
mod tls_weak_cipher;
mod transfer;
mod transfer_country;
mod tunnel;
mod update_check;
mod update_cleartext;
mod upload;
mod words;

pub use catalogue::{explain, page};
pub use filter::Pairs;
pub use persistent_id::Identifiers;
pub use phase::{Period, position};
pub use record::{Alternative, Bearing, Counted, Fact, Finding, Reference, SubjectOf};
pub use review::{Review, open, standing};
pub use sweep::Sweeps;

use crate::attribution::ledger::{Ledger, Mark, Row};
use crate::attribution::legal::Transfer as Decided;
use crate::attribution::world::{Contact, Device, Level, World};
use crate::base::address::Spelled;
use crate::base::frame;
use crate::base::table::Set;
use crate::base::text::{hex, safe};
use crate::flow::Cite;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use words::told;

/// Every check, in the order of the catalogue.
pub static CHECKS: &[&dyn Check] = &[
    &cred_cleartext::CredCleartext,
    &cred_default::CredDefault,
    &tls_none::TlsNone,
    &tls_old::TlsOldVersion,
    &tls_weak_cipher::TlsWeakCipher,
    &tls_no_pfs::TlsNoPfs,
    &tls_cert_bad::TlsCertBad,
    &tls_cert_accepted::TlsCertAccepted,
    &update_cleartext::UpdateCleartext,
    &update_check::UpdateCheck,
    &name_unexplained::NameUnexplained,
    &dns_hardcoded::DnsHardcodedResolver,
    &cloud_vendor::CloudVendor,
    &third_party::ThirdParty,
    &media_cleartext::MediaCleartext,
    &pii_cleartext::PiiCleartext,
    &control_cleartext::ControlCleartext,
    &inbound::Inbound,
    &port_opening::PortOpening,
    &svc_legacy::SvcLegacy,
    &svc_exposed::SvcExposed,
    &scan::Scan,
    &bot::Bot,
    &amplifier::Amplifier,
    &tunnel::CovertTunnel,
    &upload::Upload,
    &persistent_id::PersistentId,
    &lateral::Lateral,
    &dns_encrypted::DnsEncrypted,
    &relay::Relay,
    &beacon::Beacon,
    &transfer_country::TransferCountry,
    &transfer::Transfer { id: "transfer.no-adequacy", decided: Decided::NoDecision },
    &transfer::Transfer { id: "transfer.partial-adequacy", decided: Decided::Partly },
    &standard::Standard {
        id: "standard.gb28181",
        key: "gb28181",
        name: "GB/T 28181 (China, networked video surveillance)",
    },
    &standard::Standard {
        id: "standard.gat1400",
        key: "gat1400",
        name: "GA/T 1400 (China, video and image information)",
    },
    &standard::Standard {
        id: "standard.gb32960",
        key: "gb32960",
        name: "GB/T 32960 (China, electric vehicles)",
    },
    &standard::Standard {
        id: "standard.jtt808",
        key: "jtt808",
        name: "JT/T 808 (China, vehicle terminals)",
    },
    &standard::Standard {
        id: "standard.ansi-c1222",
        key: "ansi-c1222",
        name: "ANSI C12.22 (United States, meters)",
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
    /// The table of the file of messages with its words; several checks may share one.
    fn words(&self) -> &'static str {
        self.id()
    }
    /// In plain words.
    fn title(&self) -> &'static str {
        words::of(self.id(), "title")
    }
    /// Raised when the check's meaning changes.
    fn version(&self) -> u32;
    /// How much it matters.
    fn severity(&self) -> Severity;
    /// What people want to know before they believe it.
    fn about(&self) -> About {
        let of = |part| words::of(self.words(), part);
        About {
            looks_for: of("looks_for"),
            why: of("why"),
            false_positives: of("false_positives"),
            verify: of("verify"),
        }
    }
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
    /// What each device tried at many addresses.
    pub sweeps: Sweeps,
    /// Positions of the devices that asked for names inside encryption.
    pub asking_encrypted: Set<usize>,
    /// Devices that are gateways, by their id.
    gateways: Set<&'a str>,
    /// Day of the newest packet.
    pub day: String,
    /// The country that the test network is in, where that was said.
    pub here: Option<String>,
    /// Phases that the operator noted, in their order.
    pub periods: Vec<Period>,
}

impl<'a> View<'a> {
    /// A view with its index.
    #[must_use]
    pub fn new(ledger: &'a Ledger, world: &'a World, lossy: bool) -> View<'a> {
        let identifiers = Identifiers::of(ledger, world);
        let sweeps = Sweeps::of(ledger, world);
        let asking_encrypted = boot::asking_encrypted(ledger, world);
        let latest = ledger.rows.iter().map(|row| row.last).max().unwrap_or_default();
        let (year, month, day) = latest.date();
        let day = format!("{year:04}-{month:02}-{day:02}");
        let gateways = world.devices.iter().filter(|device| device.role == "gateway");
        View {
            ledger,
            world,
            lossy,
            identifiers,
            sweeps,
            asking_encrypted,
            gateways: gateways.map(|device| &*device.id).collect(),
            day,
            here: None,
            periods: Vec::new(),
        }
    }

    /// The same, of a test network in this country.
    #[must_use]
    pub fn here(self, here: Option<String>) -> View<'a> {
        View { here, ..self }
    }

    /// The same, of an experiment in phases.
    #[must_use]
    pub fn in_periods(self, periods: Vec<Period>) -> View<'a> {
        View { periods, ..self }
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

    /// Whether the other end of a contact is a gateway of the test network.
    #[must_use]
    pub fn goes_to_gateway(&self, contact: &Contact) -> bool {
        self.gateways.contains(&*contact.destination)
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
    /// What must not be concluded: keys of messages.
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
pub fn counted_rows(view: &View<'_>, wanted: &str) -> BTreeMap<usize, u32> {
    let mut rows = BTreeMap::new();
    for contact in &view.world.contacts {
        for &check in CHECKS {
            if check.id() != wanted && key(check, contact) != wanted {
                continue;
            }
            let Some(draft) = check.run(view, contact) else { continue };
            for (row, mark) in draft.traffic {
                if !view.ledger.rows[row].is_icmp() {
                    *rows.entry(row).or_insert(0) |= mark.map_or(u32::MAX, |mark| mark as u32);
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
    behind::note(view, contact, &mut draft);
    let selection = filter::Selection::of(view.ledger, &draft.traffic);
    let counted = selection.count(view.ledger, pairs);
    let mut cites = draft.cites;
    cites.retain(|cite| cite.frame > 0);
    cites.sort_unstable();
    cites.dedup();
    frame::sort(&mut cites, |cite| (cite.frame, cite.time));
    let phase = phase::shared(&view.periods, &cites);
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
    let bytes = told!("shared.bytes", sent, received);
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
        does_not_show: draft.does_not_show.iter().map(|key| words::text(key)).collect(),
        alternatives: draft.alternatives,
        refs: refs.collect(),
        traffic: counted,
        clauses: Arc::default(),
        party: contact.party,
        phase,
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
            told!("shared.name_by", name = safe(view.ledger.names.get(id)), source = source.name())
        });
    let addresses =
        few(rows().map(|row| row.remote.address), |address| Spelled(address).to_string());
    if names.is_empty() { addresses } else { told!("shared.names_at", names, addresses) }
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
        more => told!("shared.and_more", shown, more),
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
