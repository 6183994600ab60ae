//! How the work is done, and how far it is.

use crate::engine::{FLOWS_MAX, Settings};
use crate::flow::FLOW_BYTES;
use crate::source::Sources;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};

/// How the work is done; none of it changes the result.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// Threads to work with; the result is the same with any number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    #[command(flatten)]
    memory: Memory,
}

/// What the work may take.
#[derive(Debug, Clone, Args)]
pub struct Memory {
    /// Most memory for live flows, MiB; when it is full the flows that would time out first are
    /// ended early, counted and shown
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    flow_memory: Option<u32>,
}

impl Run {
    /// For the engine.
    pub fn settings(&self) -> Settings {
        Settings { threads: self.threads.into(), ..self.memory.settings() }
    }
}

impl Memory {
    /// For the engine, with one thread: what grows or is replayed is read by one.
    pub fn settings(&self) -> Settings {
        let flows = |mib: u32| (mib as usize * 1024 * 1024) / FLOW_BYTES;
        Settings { flows_max: self.flow_memory.map_or(FLOWS_MAX, flows), ..Settings::default() }
    }
}

/// A progress bar on standard error, where that is a terminal; gone when dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// Shows it.
    pub fn new() -> Progress {
        let shown = io::stderr().is_terminal();
        let bar = if shown { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Progress(bar)
    }

    /// Moves it.
    pub fn tick(&self, sources: &Sources) {
        let (read, size) = sources.progress();
        if let Some(size) = size {
            self.0.set_length(size);
        }
        self.0.set_position(read);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
