//! Flags of commands that look at something again and again: a recording that grows, a replay.

use super::argument::Gate;
use super::knowledge::Known;
use super::shown::Shown;
use super::work::Memory;
use crate::analysis::Analysis;
use crate::engine::Settings;
use clap::Args;

/// See the module.
#[derive(Debug, Args)]
pub struct Following {
    #[command(flatten)]
    pub shown: Shown,
    #[command(flatten)]
    gate: Gate,
    #[command(flatten)]
    memory: Memory,
}

impl Following {
    /// How the engine works.
    pub fn settings(&self) -> Settings {
        self.memory.settings()
    }

    /// What makes snapshots of its state.
    pub fn analysis<'k>(&self, known: &'k Known) -> Analysis<'k> {
        known.analysis(self.shown.choice(), self.gate.severity(), false)
    }
}
