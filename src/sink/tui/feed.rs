//! What passes between the screen and whoever runs the capture. Plain data, no logic.

use crate::attribution::record::FlowRecord;
use crate::base::time::Timestamp;
use crate::snapshot::{Numbers, Snapshot};
use std::path::PathBuf;
use std::sync::Arc;

/// What the screen is told.
#[derive(Clone)]
pub struct Update {
    /// What is known.
    pub snapshot: Arc<Snapshot>,
    /// How much by now, and who came since.
    pub numbers: Arc<Numbers>,
    /// Flows, in the order in which they ended.
    pub flows: Arc<Vec<FlowRecord>>,
    /// How the run goes.
    pub status: Arc<Status>,
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// A live capture is recorded.
    Recording,
    /// A file is read.
    Replaying {
        /// Packet time over clock time; infinite for as fast as possible.
        speed: f64,
        /// Part of the input that was read, 0 to 1.
        progress: f64,
    },
    /// Nothing more will come.
    Ended,
}

/// How the run goes.
#[derive(Debug, Clone)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// Interfaces or file names, already safe text.
    pub inputs: Vec<String>,
    /// Where it is recorded.
    pub recording: Option<String>,
    /// Capture time of the newest frame.
    pub now: Timestamp,
    /// Packets recorded so far.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets lost: by the kernel, by the interface, by ourselves.
    pub drops: [u64; 3],
    /// Recorded, not analysed yet.
    pub lag_bytes: u64,
    /// Bytes free where it is recorded.
    pub disk_free: Option<u64>,
    /// Phase of the experiment.
    pub phase: Option<String>,
    /// Phases and marks of the operator, in order of time.
    pub marks: Vec<(Timestamp, String)>,
    /// When nothing could be recorded: begin, end, why.
    pub gaps: Vec<(Timestamp, Option<Timestamp>, String)>,
    /// Sandbox status lines: what, and whether it holds.
    pub protections: Vec<(String, bool)>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// A question of the running plan to the operator.
    pub ask: Option<String>,
}

/// What the operator wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Note this moment.
    Mark(String),
    /// A phase of the experiment begins.
    Phase(String),
    /// Call a device by this name.
    Label {
        /// Its id.
        device: String,
        /// The name; empty takes it away.
        label: String,
    },
    /// Replay at this speed.
    Speed(f64),
    /// Answer to the question of the plan.
    Answer(String),
    /// End the run.
    Quit,
}

/// How to show it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The inputs in the order of the snapshot's, to fetch frames from.
    pub paths: Vec<PathBuf>,
    /// Country of the test network, where arcs on the map begin.
    pub here: Option<String>,
    /// Whether colours may be used.
    pub colour: bool,
    /// Whether the terminal's background is light.
    pub light: bool,
    /// Whether the terminal shows ASCII only.
    pub ascii: bool,
    /// Where exported views are written.
    pub folder: PathBuf,
}
