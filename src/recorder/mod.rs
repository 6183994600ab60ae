//! The recorder: a process of its own that holds the interfaces and does nothing but read packets
//! and write them down. It parses nothing. Orders come in on its standard input, reports go out on
//! its standard output, one JSON object a line. When whoever started it is gone, it goes on
//! recording, unless what it records was only for that one to read.

mod checkpoint;
mod fetch;
mod hashing;
mod sandbox;
mod target;
mod writer;

use crate::base::time::Timestamp;
use crate::case::CaseError;
use crate::case::clock::Clocks;
use crate::case::journal::Drops;
use crate::case::pcapng::Section;
use crate::source::live::{LiveError, LiveSource, Options};
use crossbeam_channel::{Receiver, Sender, bounded};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

pub use sandbox::{Protection, protect_analysis};
pub use target::Target;

/// What to record, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Interfaces.
    pub interfaces: Vec<String>,
    /// How to capture.
    pub options: Options,
    /// Where to.
    pub target: Target,
    /// A new segment is begun when one has so many bytes.
    pub rotate_bytes: u64,
    /// A new segment is begun after so many seconds; 0 is never.
    pub rotate_seconds: u64,
    /// Recording stops before less than this is free on the disk, bytes.
    pub keep_free: u64,
}

/// What a recorder is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A phase of the experiment begins.
    Phase(String),
    /// The operator notes a moment.
    Mark(String),
    /// The operator names a device.
    Label {
        /// The device.
        device: String,
        /// Its name.
        label: String,
    },
    /// Begin a new segment.
    Rotate,
    /// End, for a reason.
    Stop(String),
}

/// What a recorder tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// Everything is open, and this is what the recorder is protected by.
    Ready {
        /// What, and whether it holds.
        protections: Vec<Protection>,
        /// Public key of the journal, base64; empty where there is no journal.
        public_key: String,
    },
    /// So much was recorded.
    State(State),
    /// Nothing could be recorded for a while; `to` is missing while that lasts.
    Gap {
        /// On which interface.
        interface: String,
        /// From when.
        from: Timestamp,
        /// To when.
        to: Option<Timestamp>,
        /// Why.
        reason: String,
    },
    /// Something the operator should know.
    Warning(String),
    /// It ended; `good` where everything it has promised is on the disk.
    End {
        /// Why.
        reason: String,
        /// Whether in good order.
        good: bool,
    },
}

/// How far a recording is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// When.
    pub time: Timestamp,
    /// Packets recorded.
    pub packets: u64,
    /// Bytes recorded, in all segments.
    pub bytes: u64,
    /// Packets lost.
    pub drops: Drops,
    /// Packets that the system handed over and lost, all together.
    pub received: u64,
    /// Bytes free on the disk.
    pub free: u64,
    /// Position of the segment that is being written, from 0.
    pub segment: u64,
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// An interface cannot be used.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// Nothing can be written.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The system gave no thread, or no randomness.
    #[error("the recorder cannot work: {0}")]
    System(#[from] io::Error),
    /// Whoever started it spoke another language.
    #[error("the recorder was given settings that it does not understand: {0}")]
    Settings(String),
}

/// Packets on their way to the disk.
pub(crate) struct Block {
    pub bytes: Vec<u8>,
    pub packets: u64,
}

/// What goes to the writer.
pub(crate) enum Message {
    Block(Block),
    Order(Order),
    /// An interface went down, or came back.
    Gap {
        interface: usize,
        from: Timestamp,
        to: Option<Timestamp>,
        reason: String,
    },
    /// A thread that fetches packets has ended.
    Ended {
        interface: usize,
        why: Option<String>,
    },
}

/// Blocks between reading and writing. What does not fit waits in the system's buffer.
const BLOCKS_MAX: usize = 64;

/// Runs the recorder with the settings on the first line of standard input, until it is told to
/// stop. Returns the exit code.
///
/// # Errors
/// When it could not begin.
pub fn run() -> Result<u8, RecorderError> {
    let mut first = String::new();
    io::stdin().lock().read_line(&mut first)?;
    let settings: Settings =
        serde_json::from_str(&first).map_err(|error| RecorderError::Settings(error.to_string()))?;
    let begun = Clocks::now();
    let mut sources = Vec::new();
    for interface in &settings.interfaces {
        sources.push(LiveSource::open(interface, &settings.options)?);
    }
    let system = System::of_this();
    settings.target.create()?;
    // Every thread is started after this, and so has no more rights than are left.
    let owned = settings.target.owned();
    let owned: Vec<_> = owned.iter().map(PathBuf::as_path).collect();
    let protections = sandbox::protect_recorder(&settings.target.folder(), &owned);
    let (empty, emptied) = bounded(BLOCKS_MAX);
    let mut writer = writer::Writer::begin(&settings, &system, &sources, &begun, &empty)?;
    writer.introduce(&settings, &system, protections);
    let stop = Arc::new(AtomicBool::new(false));
    let (messages, inbox) = bounded(BLOCKS_MAX);
    let orders = messages.clone();
    let lasting = settings.target.lasts();
    thread::Builder::new().name("orders".to_owned()).spawn(move || {
        sandbox::drop_thread();
        take_orders(&orders, lasting);
    })?;
    let orders = messages.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        sandbox::drop_thread();
        take_signals(&orders);
    })?;
    let mut counters = Vec::new();
    for (interface, source) in sources.into_iter().enumerate() {
        let counter = Arc::new(fetch::Counter::default());
        counters.push(counter.clone());
        let fetch = fetch::Fetch {
            interface,
            source,
            counter,
            stop: stop.clone(),
            messages: messages.clone(),
            empty: emptied.clone(),
        };
        let name = format!("fetch-{interface}");
        thread::Builder::new().name(name).spawn(move || {
            sandbox::keep_reopening();
            fetch.run();
        })?;
    }
    drop(messages);
    sandbox::drop_thread();
    Ok(writer.run(&inbox, &empty, &counters, &stop))
}

/// What is said about this machine.
pub(crate) struct System {
    pub hardware: String,
    pub system: String,
    pub host: String,
    pub application: String,
}

impl System {
    fn of_this() -> System {
        let about = rustix::system::uname();
        let text = |value: &std::ffi::CStr| value.to_string_lossy().into_owned();
        System {
            hardware: text(about.machine()),
            system: format!("{} {}", text(about.sysname()), text(about.release())),
            host: text(about.nodename()),
            application: concat!("phonehome ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    pub fn section<'a>(&'a self, comment: &'a str) -> Section<'a> {
        Section {
            hardware: &self.hardware,
            system: &self.system,
            application: &self.application,
            comment,
        }
    }
}

/// Passes on what standard input says. Its end means that whoever gave the orders is gone.
fn take_orders(messages: &Sender<Message>, lasting: bool) {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str(&line) {
            Ok(order) => {
                if messages.send(Message::Order(order)).is_err() {
                    return;
                }
            }
            Err(error) => tell(&Report::Warning(format!("an order was not understood: {error}"))),
        }
    }
    if !lasting {
        let reason = "nobody reads the recording any more".to_owned();
        drop(messages.send(Message::Order(Order::Stop(reason))));
    }
}

/// Ends in good order on SIGTERM and SIGINT, begins a new segment on SIGHUP.
fn take_signals(messages: &Sender<Message>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    runtime.block_on(async {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = kinds.map(signal) else {
            return;
        };
        loop {
            let order = tokio::select! {
                _ = terminate.recv() => Order::Stop("SIGTERM".to_owned()),
                _ = interrupt.recv() => Order::Stop("SIGINT".to_owned()),
                _ = hangup.recv() => Order::Rotate,
            };
            if messages.send(Message::Order(order)).is_err() {
                return;
            }
        }
    });
}

/// Tells whoever started this. When nobody listens any more the recording goes on.
pub(crate) fn tell(report: &Report) {
    if let Ok(mut line) = serde_json::to_string(report) {
        line.push('\n');
        let mut out = io::stdout().lock();
        drop(out.write_all(line.as_bytes()).and_then(|()| out.flush()));
    }
}

/// Whether to end.
pub(crate) fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

/// Empty blocks to fill again.
pub(crate) type Emptied = Receiver<Vec<u8>>;
