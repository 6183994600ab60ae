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
mod dns_cleartext;
mod dns_encrypted;
mod dns_hardcoded;
mod filter;
mod firmware;
mod identified;
mod inbound;
mod info_leak;
mod lateral;
mod location_lookup;
mod marked;
mod media_cleartext;
mod name_unexplained;
mod ntp_unauthenticated;
mod offered;
mod offline_loop;
mod old_stack;
mod persistent_id;
mod phase;
mod pii_cleartext;
mod placed;
mod port_opening;
mod record;
mod relay;
mod review;
mod same_key;
mod scan;
mod standard;
mod svc_debug;
mod svc_exposed;
mod svc_legacy;
mod sweep;
mod third_party;
mod tls_cert_accepted;
mod tls_cert_bad;
mod tls_ech;
mod tls_no_pfs;
mod tls_no_sni;
mod tls_none;
mod tls_old;
mod tls_pqc;
mod tls_weak_cipher;
mod told;
mod transfer;
mod transfer_country;
mod tunnel;
mod update_check;
mod update_cleartext;
mod update_none;
mod upload;
mod volume;
mod weak_sign_in;
mod words;

pub use catalogue::{explain, is_not_looked_for, page};
pub use filter::Pairs;
pub use persistent_id::Identifiers;
pub use phase::{Period, position};
pub use record::{Alternative, Bearing, Counted, Fact, Finding, Reference, SubjectOf};
pub use review::{Review, open, standing};
pub use same_key::Keys;
pub use sweep::Sweeps;
pub use update_none::Silences;

use crate::attribution::geo::CountryCode;
use crate::attribution::ledger::{Ledger, Mark, Row};
use crate::attribution::legal::Transfer as Decided;
use crate::attribution::world::{Contact, Device, Level, Signs, World, Zone};
use crate::base::address::Spelled;
use crate::base::frame;
use crate::base::table::{Map, Set};
use crate::base::text::{hex, safe};
use crate::base::time::Timestamp;
use crate::flow::Cite;
use phase::spans;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};
use std::thread;
use words::told;

/// Every check, in the order of the catalogue.
pub static CHECKS: &[&dyn Check] = &[
    &cred_cleartext::CredCleartext,
    &cred_default::CredDefault,
    &same_key::SameKey,
    &weak_sign_in::WeakSignIn,
    &tls_none::TlsNone,
    &tls_old::TlsOldVersion,
    &tls_weak_cipher::TlsWeakCipher,
    &tls_no_pfs::TlsNoPfs,
    &tls_no_sni::TlsNoSni,
    &tls_ech::TlsEch,
    &tls_pqc::TlsPqc,
    &tls_cert_bad::TlsCertBad,
    &tls_cert_accepted::TlsCertAccepted,
    &update_cleartext::UpdateCleartext,
    &update_check::UpdateCheck,
    &update_none::UpdateNone,
    &old_stack::OldStack,
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
    &svc_debug::SvcDebug,
    &svc_exposed::SvcExposed,
    &info_leak::InfoLeak,
    &identified::Identified,
    &scan::Scan,
    &bot::Bot,
    &amplifier::Amplifier,
    &tunnel::CovertTunnel,
    &upload::Upload,
    &location_lookup::LocationLookup,
    &persistent_id::PersistentId,
    &volume::Volume,
    &lateral::Lateral,
    &dns_encrypted::DnsEncrypted,
    &dns_cleartext::DnsCleartext,
    &ntp_unauthenticated::NtpUnauthenticated,
    &offline_loop::OfflineLoop,
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

/// Most sets of signs of which it is kept which checks fit them.
const FITTING_MAX: usize = 1024;
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

/// What a check is known by.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Stable id from the vocabulary of finding ids; never reused.
    pub id: &'static str,
    /// Raised when the check's meaning changes.
    pub version: u32,
    /// How much it matters.
    pub severity: Severity,
}

/// Looks for one thing.
pub trait Check: Sync {
    /// What it is known by.
    fn rule(&self) -> Rule;
    /// Its id.
    fn id(&self) -> &'static str {
        self.rule().id
    }
    /// The table of the file of messages with its words; several checks may share one.
    fn words(&self) -> &'static str {
        self.id()
    }
    /// In plain words.
    fn title(&self) -> &'static str {
        words::of(self.id(), "title")
    }
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
    /// Signs of which a contact must have one of each, or there is nothing that it could say.
    fn needs(&self) -> &'static [Signs] {
        &[]
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
    /// Keys that several devices show.
    pub keys: Keys,
    /// Devices that were not seen to look for updates.
    pub silences: Silences,
    /// Positions of the devices that one internet address alone told the time.
    one_clock: Set<usize>,
    /// From when until when the internet was away, in order.
    outages: Vec<[Timestamp; 2]>,
    /// Positions of devices, by their id.
    by_id: Map<&'a str, usize>,
    /// Day of the newest packet.
    pub day: String,
    /// What transfer decisions said on that day of each country that an address is placed in.
    pub transfers: BTreeMap<CountryCode, Decided>,
    /// The country that the test network is in, where that was said.
    pub here: Option<String>,
    /// Phases that the operator noted, in their order.
    pub periods: Vec<Period>,
    /// From when until when the operator noted that the lens was covered.
    pub covered: Vec<[Timestamp; 2]>,
}

impl<'a> View<'a> {
    /// A view with its index.
    #[must_use]
    pub fn new(ledger: &'a Ledger, world: &'a World, lossy: bool) -> View<'a> {
        let identifiers = Identifiers::of(ledger, world);
        let sweeps = Sweeps::of(ledger, world);
        let asking_encrypted = boot::asking_encrypted(ledger, world);
        let silences = Silences::of(ledger, world);
        let one_clock = ntp_unauthenticated::one_clock(ledger, world);
        let (year, month, day) = world.latest.date();
        let day = format!("{year:04}-{month:02}-{day:02}");
        let transfers = transfer::decisions(world, &day);
        let by_id = world.devices.iter().enumerate().map(|(at, device)| (&*device.id, at));
        let by_id: Map<&str, usize> = by_id.collect();
        View {
            ledger,
            world,
            lossy,
            identifiers,
            sweeps,
            asking_encrypted,
            keys: Keys::of(ledger, world, &by_id),
            silences,
            one_clock,
            outages: Vec::new(),
            by_id,
            day,
            transfers,
            here: None,
            periods: Vec::new(),
            covered: Vec::new(),
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
        let outages = spans(&periods, "outage");
        View { periods, outages, ..self }
    }

    /// The same, with the times in which the lens was covered.
    #[must_use]
    pub fn with_lens_covered(self, covered: Vec<[Timestamp; 2]>) -> View<'a> {
        View { covered, ..self }
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

    /// Whether a time lies in an outage that the operator noted.
    fn is_in_outage(&self, time: Timestamp) -> bool {
        let begun = self.outages.partition_point(|[began, _]| *began <= time);
        begun > 0 && time < self.outages[begun - 1][1]
    }

    /// Whether the other end of a contact is a gateway of the test network.
    #[must_use]
    pub fn goes_to_gateway(&self, contact: &Contact) -> bool {
        self.peer(contact).is_some_and(|peer| peer.role == "gateway")
    }

    /// The device at the other end of a contact within the test network.
    #[must_use]
    pub fn peer(&self, contact: &Contact) -> Option<&'a Device> {
        self.peer_at(contact).map(|(_, peer)| peer)
    }

    /// The same, with its position.
    fn peer_at(&self, contact: &Contact) -> Option<(usize, &'a Device)> {
        let at = (contact.zone == Zone::Private).then(|| self.by_id.get(&*contact.destination));
        at.flatten().map(|&at| (at, &self.world.devices[at]))
    }

    /// The device that a draft is about.
    fn subject(&self, contact: &Contact, draft: &Draft) -> &'a Device {
        let turned = self.peer(contact).filter(|_| draft.turned);
        turned.unwrap_or_else(|| self.device(contact))
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
    /// Of flows with a mark, only those that begin with one of these frames.
    pub only: Option<Set<u64>>,
    /// It is about the other end of a contact within the test network: who offers a service, not who
    /// asks for it.
    pub turned: bool,
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
            only: None,
            turned: false,
        }
    }

    /// Another explanation that the capture leaves open, and what it would take to close it.
    fn not_excluded(&mut self, text: &'static str, by: &'static str) {
        self.other(text, "not excluded", by);
    }

    /// Another explanation that nothing here looks at.
    fn not_tested(&mut self, text: &'static str, by: &'static str) {
        self.other(text, "not tested", by);
    }

    fn other(&mut self, text: &'static str, status: &'static str, by: &'static str) {
        self.alternatives.push(Alternative { text: text.into(), status, by: by.into() });
    }
}

/// Runs every check. Findings come by severity, then rule, device and destination.
#[must_use]
pub fn run(view: &View<'_>) -> Vec<Finding> {
    run_in_threads(view, 1)
}

/// The same, and the same findings, with several threads.
#[must_use]
pub fn run_in_threads(view: &View<'_>, threads: usize) -> Vec<Finding> {
    // Where nothing is found no filter is made.
    let pairs = &LazyLock::new(|| Pairs::of(view.ledger));
    let found_in = move |contacts: &[Contact]| {
        let mut findings = Vec::new();
        let mut fitting: Map<Signs, Vec<(&dyn Check, &'static str)>> = Map::default();
        for contact in contacts {
            if fitting.len() >= FITTING_MAX {
                fitting.clear();
            }
            let checks = fitting.entry(contact.signs).or_insert_with(|| fitting_to(contact.signs));
            for &(check, title) in &*checks {
                let draft = check.run(view, contact);
                findings.extend(
                    draft.map(|draft| complete((check, title), view, pairs, contact, draft)),
                );
            }
        }
        findings
    };
    let contacts = &view.world.contacts;
    let share = contacts.len().div_ceil(threads.max(1)).max(1);
    let (first, others) = contacts.split_at(share.min(contacts.len()));
    let mut findings = thread::scope(|scope| {
        let started: Vec<_> =
            others.chunks(share).map(|contacts| scope.spawn(move || found_in(contacts))).collect();
        let mut findings = found_in(first);
        for thread in started {
            findings.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        findings
    });
    // Hex digits of one length come in the order of their number.
    let number = |key: &str| u64::from_str_radix(key, 16).unwrap_or_default();
    findings.sort_by_cached_key(|f| (std::cmp::Reverse(f.severity), f.id, number(&f.key)));
    findings
}

/// The checks that may have something to say of contacts with these signs, in their order, with their
/// titles.
fn fitting_to(signs: Signs) -> Vec<(&'static dyn Check, &'static str)> {
    let fitting = CHECKS.iter().filter(|check| may_say(**check, signs));
    fitting.map(|&check| (check, check.title())).collect()
}

/// Whether a check may have something to say of a contact with these signs.
#[must_use]
pub fn may_say(check: &dyn Check, signs: Signs) -> bool {
    check.needs().iter().all(|&any| signs.has(any))
}

/// First 16 hex digits of a SHA-256: the same for one rule, device and destination.
fn key(check: &dyn Check, subject: &SubjectOf) -> String {
    let mut hash = Sha256::new();
    for part in
        [check.id(), &check.rule().version.to_string(), &subject.device, &subject.destination]
    {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..8])
}

/// Which flows of a row are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// The kinds of evidence of which a flow must bear one; all bits for every flow.
    pub marks: u32,
    /// Of these, only those that begin with one of these frames.
    pub only: Option<Set<u64>>,
}

impl Picked {
    /// Every flow.
    pub const ALL: Picked = Picked { marks: u32::MAX, only: None };

    /// Whether a flow with this evidence, and this first frame, is counted.
    #[must_use]
    pub fn takes(&self, marks: u32, first_frame: u64) -> bool {
        (self.marks == u32::MAX || self.marks & marks != 0)
            && self.only.as_ref().is_none_or(|only| only.contains(&first_frame))
    }
}

/// Which rows of the ledger the findings with this id or key count, and which of their flows. Empty
/// where there is no such finding.
#[must_use]
pub fn counted_rows(view: &View<'_>, wanted: &str) -> BTreeMap<usize, Vec<Picked>> {
    let mut rows: BTreeMap<usize, Vec<Picked>> = BTreeMap::new();
    for contact in &view.world.contacts {
        for &check in CHECKS {
            let may_be = |turned| key(check, &subject(contact, turned)) == wanted;
            if check.id() != wanted && !may_be(false) && !may_be(true) {
                continue;
            }
            let Some(draft) = check.run(view, contact) else { continue };
            if check.id() != wanted && !may_be(draft.turned) {
                continue;
            }
            for (row, mark) in draft.traffic {
                if !view.ledger.rows[row].is_icmp() {
                    let marks = mark.map_or(u32::MAX, |mark| mark as u32);
                    let picked = Picked { marks, only: draft.only.clone() };
                    let known = rows.entry(row).or_default();
                    if !known.contains(&picked) {
                        known.push(picked);
                    }
                }
            }
        }
    }
    rows
}

/// Whom a finding is about.
fn subject(contact: &Contact, turned: bool) -> SubjectOf {
    let (device, destination) = (contact.device.clone(), contact.destination.clone());
    match turned {
        false => SubjectOf { device, destination },
        true => SubjectOf { device: destination, destination: device },
    }
}

fn complete(
    (check, title): (&dyn Check, &'static str),
    view: &View<'_>,
    pairs: &Pairs,
    contact: &Contact,
    mut draft: Draft,
) -> Finding {
    behind::note(view, contact, &mut draft);
    let selection = filter::Selection::of(view.ledger, &draft.traffic, draft.only.as_ref());
    let mut counted = selection.count(view.ledger, pairs);
    if draft.turned {
        counted.iter_mut().for_each(Counted::turn);
    }
    let subject = subject(contact, draft.turned);
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
        title,
        rule_version: check.rule().version,
        key: key(check, &subject),
        severity: check.rule().severity,
        level: draft.level,
        subject,
        facts: draft.facts,
        may_say: with_bytes(draft.may_say, &bytes),
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

/// A sentence with how much went either way in its place.
fn with_bytes(said: String, bytes: &str) -> String {
    const PLACE: &str = "{bytes}";
    // Braces are rare: looking for one is cheaper than looking for the word, which is done for every finding.
    let Some(first) = said.find('{') else { return said };
    match said[first..].strip_prefix(PLACE) {
        Some(behind) if !behind.contains('{') => [&said[..first], bytes, behind].concat(),
        _ => said.replace(PLACE, bytes),
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
    let (mut first, mut others): (Vec<T>, Set<T>) = Default::default();
    let mut shown = String::new();
    for item in items {
        if first.contains(&item) {
            continue;
        }
        if first.len() == 3 {
            others.insert(item);
            continue;
        }
        let comma = if shown.is_empty() { "" } else { ", " };
        shown.push_str(comma);
        shown.push_str(&show(item));
        first.push(item);
    }
    match others.len() {
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
