//! Captures and cases to snapshots: the one way in which commands set up an analysis, so that the
//! same input shows the same devices, names and reviews everywhere.

use super::argument::Gate;
use super::knowledge::{Knowledge, Known};
use super::shown::Shown;
use super::work::{Progress, Run};
use super::{Failure, input, output};
use crate::analysis::Analysis;
use crate::attribution::geo::Geo;
use crate::attribution::world::Choice;
use crate::case::{layout, tree};
use crate::engine::{Engine, Outcome, Records, Settings};
use crate::finding::Severity;
use crate::labels::Labels;
use crate::redaction;
use crate::snapshot::Snapshot;
use crate::source::Sources;
use crate::source::file::Ending;
use anyhow::Context as _;
use clap::Args;
use std::path::{Path, PathBuf};

/// See the module.
#[derive(Debug, Args)]
pub struct Reading {
    #[command(flatten)]
    pub shown: Shown,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
}

/// Whether inputs are hashed.
#[derive(Debug, Args)]
pub struct Hashing {
    /// Do not compute the SHA-256 of the captures
    #[arg(long)]
    pub no_hash: bool,
}

/// What a command wants of an analysis.
#[derive(Default)]
pub struct Wanted<'w> {
    /// Which devices.
    pub choice: Choice,
    /// Severity from which on findings fail.
    pub fail_on: Option<Severity>,
    /// Hashes of the inputs.
    pub hashed: bool,
    /// What pictures over time, and phases told apart, need.
    pub timeline: bool,
    /// Who hears of each flow that ends.
    pub records: Option<&'w mut Records<'w>>,
    /// The analysis as it stands in this case: inputs are named from its parts on, its recording has a
    /// hash, and what was said after the seal is not in it.
    pub sealed: Option<&'w Path>,
}

/// What came of it.
pub struct Read {
    /// All that is known, with the names and reviews of a case.
    pub snapshot: Snapshot,
    /// What was read, one entry an input.
    pub endings: Vec<Ending>,
    outcome: Outcome,
}

impl Read {
    /// For the end of the process: to give back every string and row one by one would only take
    /// time.
    pub fn forget(self, known: Known) {
        let Read { snapshot, endings, outcome } = self;
        std::mem::forget((snapshot, endings, outcome, known));
    }
}

impl Known {
    /// With what a command was told.
    pub fn analysis(
        &self,
        choice: Choice,
        fail_on: Option<Severity>,
        hashed: bool,
    ) -> Analysis<'_> {
        let Known { signatures, geo, canary } = self;
        Analysis { signatures, geo, canary: canary.clone(), choice, fail_on, hashed, threads: 1 }
    }
}

impl Reading {
    /// Loads what is known.
    pub fn known(&self) -> anyhow::Result<Known> {
        self.knowledge.known()
    }

    /// What these flags say of it: no hashes, no timeline.
    pub fn wanted<'w>(&self, gate: Gate) -> Wanted<'w> {
        Wanted { choice: self.shown.choice(), fail_on: gate.severity(), ..Wanted::default() }
    }

    /// Reads captures as one.
    pub fn read<'w>(
        &self,
        known: &'w Known,
        files: &[PathBuf],
        wanted: Wanted<'w>,
    ) -> Result<Read, Failure> {
        read(known, files, self.run.settings(), wanted)
    }
}

/// Reads captures as one, or a case with what people said of it.
pub fn read<'w>(
    known: &'w Known,
    files: &[PathBuf],
    settings: Settings,
    wanted: Wanted<'w>,
) -> Result<Read, Failure> {
    let Wanted { choice, fail_on, hashed, timeline, records, sealed } = wanted;
    let settings = Settings { timeline, ..settings };
    let sources = input::open(files, hashed)?;
    let engine = Engine::new(settings, &known.geo, records);
    let engine = engine.looking_for(known.signatures.beginnings());
    let (outcome, mut endings) = through(sources, engine);
    if let Some(case) = sealed {
        as_sealed(case, &mut endings)?;
    }
    let analysis =
        Analysis { threads: settings.threads, ..known.analysis(choice, fail_on, hashed) };
    let mut snapshot = analysis.snapshot(&outcome, &endings);
    if let Some(parts) = input::case(files) {
        let given: Vec<_> = snapshot.devices.iter().map(|device| device.label.clone()).collect();
        let labels = match sealed {
            Some(_) => Labels::of_recording(&parts),
            None => Labels::of_case(&files[0]),
        };
        labels.apply(&mut snapshot);
        // A name on the command line is the latest word.
        for (device, given) in snapshot.devices.iter_mut().zip(given) {
            device.label = given.or(device.label.take());
        }
    }
    Ok(Read { snapshot, endings, outcome })
}

/// Where the case lies on this machine is nobody's business. The segments of a recording are read as they
/// may still grow, and so not hashed on the way; here they do not.
fn as_sealed(case: &Path, endings: &mut [Ending]) -> Result<(), Failure> {
    let (_, recorded) = redaction::captures(case);
    let parts = layout::parts(case);
    for ending in endings {
        if recorded {
            let hash = tree::hash(&ending.path);
            let (_, sha256) = hash.with_context(|| output::shown(&ending.path).to_string())?;
            ending.sha256 = Some(sha256);
        }
        if let Ok(path) = ending.path.strip_prefix(&parts) {
            ending.path = path.to_owned();
        }
    }
    Ok(())
}

/// Only the walk of the packets, for commands that need no snapshot.
pub fn walk<'r>(
    sources: Sources,
    settings: Settings,
    geo: &'r Geo,
    records: Option<&'r mut Records<'r>>,
) -> (Outcome, Vec<Ending>) {
    through(sources, Engine::new(settings, geo, records))
}

fn through(mut sources: Sources, engine: Engine<'_>) -> (Outcome, Vec<Ending>) {
    let progress = Progress::new();
    let outcome = engine.read(&mut sources, &mut |sources| progress.tick(sources));
    drop(progress);
    (outcome, sources.finish())
}
