//! Captures to snapshots, for commands that make documents of them.

use super::{
    FailOn, Failure, Knowledge, Progress, Run, open, parse_country, parse_device, parse_key,
};
use crate::analysis::Analysis;
use crate::attribution::Signatures;
use crate::attribution::geo::Geo;
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::Choice;
use crate::canary;
use crate::case::layout;
use crate::engine::{Engine, Settings};
use crate::labels::Labels;
use crate::snapshot::{CanaryShown, Snapshot};
use crate::source::file::Ending;
use clap::Args;
use std::path::PathBuf;

/// See the module.
#[derive(Debug, Args)]
pub struct Reading {
    /// Show only this device, by hardware or network address, with a name if given; repeatable
    #[arg(long, value_name = "[NAME=]MAC|IP", value_parser = parse_device)]
    pub device: Vec<(Option<String>, DeviceKey)>,
    /// Leave out a device, such as the lab's own phone; repeatable
    #[arg(long, value_name = "MAC|IP", value_parser = parse_key)]
    pub exclude: Vec<DeviceKey>,
    /// Country of the test network (ISO 3166-1, two letters): countries that the round-trip time
    /// excludes are then said to be excluded, and a map draws its lines from there
    #[arg(long, value_name = "COUNTRY", value_parser = parse_country)]
    pub here: Option<String>,
    /// Do not compute the SHA-256 of the captures
    #[arg(long)]
    pub no_hash: bool,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
}

/// What is known beside packets, loaded once for all captures.
pub struct Known {
    signatures: Signatures,
    geo: Geo,
    canary: CanaryShown,
}

impl Reading {
    /// Loads it.
    pub fn known(&self) -> anyhow::Result<Known> {
        let (signatures, geo) = self.knowledge.load()?;
        let canary = canary::run(&signatures, &geo);
        Ok(Known { signatures, geo, canary })
    }

    /// Reads captures as one, and keeps what pictures and phases need.
    pub fn snapshot(
        &self,
        known: &Known,
        files: &[PathBuf],
        fail_on: Option<FailOn>,
    ) -> Result<(Snapshot, Vec<Ending>), Failure> {
        let hashed = !self.no_hash;
        let mut sources = open(files, hashed)?;
        let settings = Settings { timeline: true, ..self.run.settings() };
        let progress = Progress::new();
        let engine = Engine::new(settings, &known.geo, None);
        let outcome = engine.read(&mut sources, &mut |sources| progress.tick(sources));
        drop(progress);
        let endings = sources.finish();
        let analysis = Analysis {
            signatures: &known.signatures,
            geo: &known.geo,
            canary: known.canary.clone(),
            choice: Choice {
                devices: self.device.clone(),
                exclude: self.exclude.clone(),
                here: self.here.clone(),
            },
            fail_on: fail_on.map(FailOn::severity),
            hashed,
        };
        let mut snapshot = analysis.snapshot(&outcome, &endings);
        if let [folder] = files
            && layout::is_recording(&layout::parts(folder))
        {
            Labels::of_case(folder).apply(&mut snapshot);
        }
        Ok((snapshot, endings))
    }
}
