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
mod run;
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
pub use run::{Picked, counted_rows, may_say, run, run_in_threads};
pub use same_key::Keys;
pub use sweep::Sweeps;
pub use update_none::Silences;

use crate::attribution::geo::CountryCode;
use crate::attribution::ledger::{Ledger, Mark, Row};
use crate::attribution::legal::Transfer as Decided;
use crate::attribution::world::{Contact, Device, Level, Signs, World, Zone};
use crate::base::address::Spelled;
use crate::base::table::{Map, Set};
use crate::base::text::safe;
use crate::base::time::Timestamp;
use crate::flow::Cite;
use phase::spans;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
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
