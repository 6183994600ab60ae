//! Everything known at one moment, read-only: what sinks show and write. Its JSON form is a
//! contract, described by `docs/schema/snapshot.schema.json`.

mod numbers;
mod timeline;

pub use numbers::{ContactNow, DeviceNow, Notes, Numbers, Pages};
pub use timeline::{PhaseContact, Slots, TimelineShown};
mod annex;

pub use annex::{Annex, Jurisdiction};

use crate::attribution::geo::{self, Geo};
use crate::attribution::ledger::Losses;
use crate::attribution::pack::{Disabled, Pack};
use crate::attribution::world::{Contact, Destination, Device, LeftOut, WireText};
use crate::attribution::{Ledger, Signatures, oui};
use crate::base::frame::Spelling;
use crate::base::text::safe;
use crate::base::time::Timestamp;
use crate::case::review::{Answered, Asked, Reviews};
use crate::decode::FrameLedger;
use crate::finding::{Finding, Review, Severity};
use crate::flow::distribution;
use crate::source::Damage;
use crate::source::file::Ending;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

/// Name and version of the JSON form.
pub const SCHEMA: &str = "phonehome.snapshot/1";

/// See the module.
#[derive(Serialize)]
pub struct Snapshot {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What made this.
    pub tool: Tool,
    /// What was read.
    pub inputs: Vec<Input>,
    /// What was inspected, and what was not.
    pub coverage: Coverage,
    /// Things on the test network.
    pub devices: Vec<Device>,
    /// Where they sent to.
    pub destinations: Vec<Destination>,
    /// Which device with which destination.
    pub contacts: Vec<Contact>,
    /// Names that were asked for, or that devices gave their own addresses.
    pub names: Vec<NameAsked>,
    /// What matters.
    pub findings: Vec<Finding>,
    /// What stands beside it: legal facts, clauses of standards, rules of policies.
    #[serde(flatten)]
    pub annex: Annex,
    /// Phases of the experiment, as noted while it was recorded; they add up to all frames. Empty
    /// where none was noted.
    pub phases: Vec<PhaseShown>,
    /// Moments that the operator noted.
    pub marks: Vec<MarkShown>,
    /// When nothing could be recorded, and when the clock was set. Empty in most recordings, and in
    /// those of others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interruptions: Vec<InterruptionShown>,
    /// Traffic with the internet over time, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<TimelineShown>,
    /// Devices that the user left out.
    pub left_out: Vec<LeftOut>,
    /// Packet sizes, gaps, round trips.
    pub distributions: Distributions,
    /// What bounds cost.
    pub losses: LossesShown,
    /// Result of `--fail-on`.
    pub gate: Gate,
}

/// One phase of an experiment.
#[derive(Debug, Clone, Serialize)]
pub struct PhaseShown {
    /// Its name; null for what came before the first.
    pub phase: Option<&'static str>,
    /// When it began.
    pub began: Timestamp,
    /// Its first frame, 0 where it has none.
    pub first_frame: u64,
    /// Frames in it.
    pub frames: u64,
    /// Their lengths on the wire, bytes.
    pub wire_bytes: u64,
    /// By hardware address, in order; not told apart before the first phase.
    pub devices: Vec<PhaseDevice>,
}

/// What one device did in a phase.
#[derive(Debug, Clone, Serialize)]
pub struct PhaseDevice {
    /// Its id.
    pub device: String,
    /// Frames, and bytes on the wire, that it sent.
    pub sent: [u64; 2],
    /// Frames, and bytes on the wire, that it received.
    pub received: [u64; 2],
}

/// A moment that the operator noted.
#[derive(Debug, Clone, Serialize)]
pub struct MarkShown {
    /// When.
    pub time: Timestamp,
    /// In the operator's words, escaped.
    pub text: String,
    /// The frame behind it, 0 where none followed.
    pub before_frame: u64,
}

/// An interruption of the recording; one that takes no time is that the clock was set.
#[derive(Debug, Clone, Serialize)]
pub struct InterruptionShown {
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
    /// Of which interface, escaped; all where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Why, escaped.
    pub why: String,
}

impl InterruptionShown {
    /// Whether nothing was recorded meanwhile.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        self.from != self.to
    }

    /// Why, and where.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}: {}", self.why),
            None => self.why.clone(),
        }
    }
}

/// What made the snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct Tool {
    /// `phonehome`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Default for Tool {
    fn default() -> Tool {
        Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

/// One capture.
#[derive(Debug, Clone, Serialize)]
pub struct Input {
    /// Path as the user gave it.
    pub path: String,
    /// SHA-256 of the file as it lies on disk; null where not asked for or not possible.
    pub sha256: Option<String>,
    /// Why there is no hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_hash_because: Option<&'static str>,
    /// Format in words; empty where it was not recognised.
    pub format: String,
    /// Frames read.
    pub frames: u64,
    /// Sum of their lengths on the wire.
    pub bytes: u64,
    /// Earliest frame.
    pub first: Option<Timestamp>,
    /// Latest frame.
    pub last: Option<Timestamp>,
    /// Interfaces the file names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<String>,
    /// Where and why reading stopped before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<DamageShown>,
}

/// Damage of a capture.
#[derive(Debug, Clone, Serialize)]
pub struct DamageShown {
    /// Byte offset, after decompression.
    pub offset: u64,
    /// What is wrong there.
    pub reason: String,
}

impl Input {
    /// From what the source knows at its end.
    #[must_use]
    pub fn of(ending: &Ending, hashed: bool) -> Input {
        Input {
            path: safe_path(&ending.path),
            sha256: ending.sha256.clone(),
            no_hash_because: match (&ending.sha256, hashed) {
                (Some(_), _) => None,
                (None, false) => Some("not asked for"),
                (None, true) if ending.format.is_empty() => Some("it could not be read"),
                (None, true) if ending.path.as_os_str() == "-" => {
                    Some("damaged standard input cannot be read to its end")
                }
                (None, true) => Some("it was read while it may still be written"),
            },
            format: ending.format.clone(),
            frames: ending.frames,
            bytes: ending.wire_bytes,
            first: ending.times.map(|times| times[0]),
            last: ending.times.map(|times| times[1]),
            interfaces: ending.declared.interfaces.iter().map(|name| safe(name)).collect(),
            damage: ending
                .damage
                .as_ref()
                .map(|damage| DamageShown { offset: damage.offset, reason: damage.reason.clone() }),
        }
    }
}

impl Snapshot {
    /// Puts what people decided beside the findings.
    pub fn review(&mut self, reviews: &Reviews) {
        for finding in &mut self.findings {
            if let Some(reviewed) = reviews.of(&finding.key) {
                finding.review = Review {
                    state: reviewed.state,
                    by: Some(safe(reviewed.by.as_bytes())),
                    when: Some(reviewed.when),
                    because: Some(safe(reviewed.because.as_bytes())),
                    ..Review::default()
                };
            }
            let escaped = |text: &str| safe(text.as_bytes());
            let review = &mut finding.review;
            review.asked.extend(reviews.asked(&finding.key).map(|asked| Asked {
                whom: escaped(&asked.whom),
                deadline: escaped(&asked.deadline),
                ..asked.clone()
            }));
            review.answers.extend(reviews.answers(&finding.key).map(|answer| Answered {
                from: escaped(&answer.from),
                file: escaped(&answer.file),
                sha256: escaped(&answer.sha256),
                text: escaped(&answer.text),
                ..answer.clone()
            }));
        }
    }
}

/// What was inspected, and what was not.
#[derive(Serialize)]
pub struct Coverage {
    /// Every frame in one bucket: total = explained + sum of refused.
    pub frames: FramesShown,
    /// Sum of frame lengths on the wire.
    pub wire_bytes: u64,
    /// Lost packets.
    pub drops: Drops,
    /// Frames cut by the snap length.
    pub truncated: u64,
    /// Second sights of a frame, as a mirror port gives. They count everywhere but in delivered
    /// bytes.
    pub duplicates: Duplicates,
    /// TCP segments that say something else than an earlier copy of the same bytes, where payload
    /// was read. The first copy counts.
    pub conflicting_segments: u64,
    /// Checksums that do not fit, by protocol.
    pub checksum_bad: BTreeMap<&'static str, u64>,
    /// Transport headers that could not be read, by reason.
    pub stopped: BTreeMap<&'static str, u64>,
    /// Blocks with decryption secrets: counted, never used.
    pub decryption_secrets: u64,
    /// Signatures loaded.
    pub signatures: SignaturesShown,
    /// Country and network databases loaded.
    pub databases: Vec<DatabaseShown>,
    /// Hardware address registry.
    pub oui: &'static str,
    /// Self-test.
    pub canary: CanaryShown,
    /// Whether everything was inspected with everything needed.
    pub complete: bool,
    /// Why not.
    pub incomplete_because: Vec<String>,
}

/// Frames seen a second time.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Duplicates {
    /// Frames.
    pub frames: u64,
    /// Their lengths on the wire, bytes.
    pub wire_bytes: u64,
}

/// The frame ledger.
#[derive(Debug, Clone, Serialize)]
pub struct FramesShown {
    /// Frames read.
    pub total: u64,
    /// Frames explained.
    pub explained: u64,
    /// By bucket.
    pub explained_by: BTreeMap<String, u64>,
    /// Not explained, by reason.
    pub refused: BTreeMap<String, u64>,
}

/// Lost packets.
#[derive(Debug, Clone, Serialize)]
pub struct Drops {
    /// As the captures declare, all together; null where none has a word of it.
    pub declared: Option<u64>,
}

/// Signatures loaded.
#[derive(Debug, Clone, Serialize)]
pub struct SignaturesShown {
    /// Files.
    pub count: usize,
    /// Version of the program that embeds them.
    pub version: &'static str,
    /// SHA-256 over all files.
    pub sha256: String,
    /// Latest day on which a source was read.
    pub checked: Option<String>,
    /// Folders of the user, in the order of loading.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<Pack>,
    /// What the user has put out of use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disabled: Vec<Disabled>,
}

/// A database loaded.
#[derive(Debug, Clone, Serialize)]
pub struct DatabaseShown {
    /// Name, build and hash.
    #[serde(flatten)]
    pub about: geo::About,
    /// Days by which it is older than the capture, where that is more than 90.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_older_than_capture: Option<i64>,
}

/// The self-test.
#[derive(Debug, Clone, Serialize)]
pub struct CanaryShown {
    /// Whether the planted name was found, named, and attributed.
    pub passed: bool,
    /// What passing means, and what it does not.
    pub says: &'static str,
    /// What was missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<&'static str>,
}

/// A name that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct NameAsked {
    /// The name.
    #[serde(flatten)]
    pub name: WireText,
    /// Questions for it.
    pub queries: u64,
    /// Frame of the first question, 0 where only answers were seen.
    pub first_frame: u64,
    /// Addresses that were answered.
    pub addresses: Vec<IpAddr>,
}

impl From<&hdrhistogram::Histogram<u32>> for Summary {
    fn from(histogram: &hdrhistogram::Histogram<u32>) -> Summary {
        Summary {
            count: histogram.len(),
            min: histogram.min(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            max: histogram.max(),
            doubling: histogram
                .iter_log(1, 2.0)
                .map(|step| [step.value_iterated_to(), step.count_since_last_iteration()])
                .collect(),
        }
    }
}

impl From<&distribution::Distributions> for Distributions {
    fn from(all: &distribution::Distributions) -> Distributions {
        Distributions {
            frame_bytes: (&all.frame_bytes).into(),
            gap_microseconds: (&all.gap_microseconds).into(),
            round_trip_microseconds: (&all.round_trip_microseconds).into(),
        }
    }
}

/// A distribution in a few numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Values recorded.
    pub count: u64,
    /// Smallest.
    pub min: u64,
    /// Half are at most this.
    pub p50: u64,
    /// Nine of ten are at most this.
    pub p90: u64,
    /// 99 of 100 are at most this.
    pub p99: u64,
    /// Largest.
    pub max: u64,
    /// For a picture: the upper end of ranges that double, and how many values are in each.
    #[serde(skip)]
    pub doubling: Vec<[u64; 2]>,
}

/// Packet sizes, gaps, round trips; two significant digits.
#[derive(Debug, Clone, Serialize)]
pub struct Distributions {
    /// Frame lengths on the wire, bytes.
    pub frame_bytes: Summary,
    /// Time between packets of a flow, microseconds.
    pub gap_microseconds: Summary,
    /// TCP handshake round trips, microseconds.
    pub round_trip_microseconds: Summary,
}

/// What bounds cost.
#[derive(Debug, Clone, Serialize)]
pub struct LossesShown {
    /// Flows ended early because the table was full; their counts stay in their contact.
    pub flows_evicted: u64,
    /// Gaps in streams given up early because too much was held behind gaps in all flows together.
    pub gaps_given_up: u64,
    /// Flows whose payload was read no further because too much was kept for all flows together.
    pub flows_unread: u64,
    /// Fragmented datagrams given up because too many waited for the rest of them.
    pub datagrams_evicted: u64,
    /// Fragmented datagrams given up because their fragments contradict each other.
    pub datagrams_contradictory: u64,
    /// Names from the capture's own table not kept.
    pub file_names: u64,
    /// Faults of dissectors that were caught.
    pub dissector_faults: u64,
    /// Of the ledger.
    #[serde(flatten)]
    pub ledger: Losses,
}

impl LossesShown {
    /// Whether something may have been missed, so that nothing may be said to be absent.
    #[must_use]
    pub fn weaken_absence(&self) -> bool {
        self.flows_evicted
            + self.gaps_given_up
            + self.flows_unread
            + self.datagrams_evicted
            + self.datagrams_contradictory
            + self.dissector_faults
            + self.ledger.total()
            > 0
    }
}

/// Result of `--fail-on`.
#[derive(Debug, Clone, Serialize)]
pub struct Gate {
    /// Severity from which on findings fail; null when not asked for.
    pub fail_on: Option<Severity>,
    /// `pass`, `fail`, or `partial` where nothing failed but coverage is incomplete; null when
    /// not asked for.
    pub result: Option<&'static str>,
}

/// Names that were asked for, in the order of their bytes.
#[must_use]
pub fn names(ledger: &Ledger) -> Vec<NameAsked> {
    let mut names: Vec<(&[u8], NameAsked)> = ledger
        .asked
        .iter()
        .map(|(id, asked)| {
            let bytes = ledger.names.get(id);
            let shown = NameAsked {
                name: WireText::from(bytes),
                queries: asked.queries,
                first_frame: asked.first_frame,
                addresses: asked.addresses.iter().copied().collect(),
            };
            (bytes, shown)
        })
        .collect();
    names.sort_by(|a, b| a.0.cmp(b.0));
    names.into_iter().map(|(_, shown)| shown).collect()
}

impl Coverage {
    /// From what was counted, loaded and tested. `findings` may only be trusted to be all where
    /// this is complete.
    #[must_use]
    pub fn of(
        counts: &FrameLedger,
        endings: &[Ending],
        signatures: &Signatures,
        geo: &Geo,
        canary: CanaryShown,
    ) -> Coverage {
        let latest = counts.times.map_or(Timestamp(0), |times| times[1]);
        let mut because = Vec::new();
        for (index, ending) in endings.iter().enumerate() {
            if let Some(damage) = &ending.damage {
                let file = match endings {
                    [_] => String::new(),
                    _ => format!("file {}, {}: ", index + 1, safe_path(&ending.path)),
                };
                let Damage { offset, reason } = damage;
                because.push(if ending.opened {
                    format!("{file}damaged at offset {offset}: {reason}")
                } else {
                    format!("{file}{reason}")
                });
            }
        }
        if counts.total == 0 {
            because.push("the capture holds no frame".to_owned());
        } else if counts.explained() == 0 {
            because.push("not one of the frames could be read".to_owned());
        }
        if signatures.is_empty() {
            because.push("no signatures are loaded: no vendor can be recognised".to_owned());
        }
        if geo.is_empty() {
            because.push("no database is loaded: no country or network is known".to_owned());
        }
        let drops = endings.iter().filter_map(|ending| ending.declared.drops);
        let drops = drops.reduce(u64::saturating_add);
        if let Some(drops) = drops.filter(|&drops| drops > 0) {
            because.push(format!("the capture says that {drops} packets were lost"));
        }
        if !canary.passed && !signatures.is_empty() && !geo.is_empty() {
            because.push(format!("the self-test failed: {}", canary.missing.join(", ")));
        }
        let days = signatures.all().iter().flat_map(|signature| &signature.domain);
        Coverage {
            frames: FramesShown {
                total: counts.total,
                explained: counts.explained(),
                explained_by: counts.explained_by(),
                refused: counts.refused_by(),
            },
            wire_bytes: counts.wire_bytes,
            drops: Drops { declared: drops },
            truncated: counts.truncated,
            duplicates: Duplicates::default(),
            conflicting_segments: 0,
            checksum_bad: counts.checksum_bad.clone(),
            stopped: counts.stopped.clone(),
            decryption_secrets: endings.iter().map(|ending| ending.declared.secrets).sum(),
            signatures: SignaturesShown {
                count: signatures.len(),
                version: env!("CARGO_PKG_VERSION"),
                sha256: signatures.sha256(),
                checked: days.map(|domain| domain.checked.clone()).max(),
                packs: signatures.packs().to_vec(),
                disabled: signatures.disabled().to_vec(),
            },
            databases: geo
                .about()
                .map(|about| DatabaseShown {
                    days_older_than_capture: about.too_old_for(latest),
                    about: about.clone(),
                })
                .collect(),
            oui: oui::about(),
            canary,
            complete: because.is_empty(),
            incomplete_because: because,
        }
    }
}

fn safe_path(path: &Path) -> String {
    safe(path.as_os_str().as_encoded_bytes())
}

impl Gate {
    /// Judges findings against the severity that the user named.
    #[must_use]
    pub fn of(fail_on: Option<Severity>, findings: &[Finding], complete: bool) -> Gate {
        let result = fail_on.map(|limit| {
            let failed = findings.iter().any(|finding| finding.severity >= limit);
            match (failed, complete) {
                (true, _) => "fail",
                (false, true) => "pass",
                (false, false) => "partial",
            }
        });
        Gate { fail_on, result }
    }
}

impl Snapshot {
    /// How its frames are spoken of.
    #[must_use]
    pub fn spelling(&self) -> Spelling {
        Spelling::of(self.inputs.len())
    }

    /// Exit code as documented: 3 for incomplete coverage, else 1 for a failed gate, else 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if !self.coverage.complete { 3 } else { u8::from(self.gate.result == Some("fail")) }
    }
}
