//! The recorder as whoever started it sees it.

use crate::base::time::Timestamp;
use crate::recorder::{Order, Protection, Report, Settings, State};
use anyhow::{Context, bail};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// Most gaps and warnings that are remembered for the screen; the journal has all.
const REMEMBERED_MAX: usize = 256;

/// What a recorder has told so far.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// How far it is.
    pub state: State,
    /// What it is protected by.
    pub protections: Vec<Protection>,
    /// Public key of its journal, base64; empty where there is none.
    pub public_key: String,
    /// When nothing could be recorded: interface, from, to where it is over, why.
    pub gaps: Vec<(String, Timestamp, Option<Timestamp>, String)>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// Why it ended, and whether in good order.
    pub end: Option<(String, bool)>,
    /// When it told something last: it does so once a second or so also where nothing comes in.
    pub heard: Option<Instant>,
}

/// A running recorder.
pub struct Recorder {
    child: Child,
    orders: ChildStdin,
    story: Arc<Mutex<Story>>,
    listener: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts it, and waits until it has opened everything. `tell` gets each report on another
    /// thread.
    ///
    /// # Errors
    /// When it cannot begin: its own words say why.
    pub fn start(
        settings: &Settings,
        mut tell: impl FnMut(&Report) + Send + 'static,
    ) -> anyhow::Result<Recorder> {
        let program = std::env::current_exe().context("where this program lies is not known")?;
        // A group of its own: Ctrl-C is for the analysis, which then ends the recorder in order.
        let mut child = Command::new(program)
            .arg("record")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("the recorder cannot be started")?;
        let (Some(mut orders), Some(reports)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the recorder has no ears");
        };
        writeln!(orders, "{}", serde_json::to_string(settings)?)
            .context("the recorder does not listen")?;
        let mut lines = BufReader::new(reports).lines();
        let story = Arc::new(Mutex::new(Story::default()));
        loop {
            let Some(Ok(line)) = lines.next() else {
                let status = child.wait().context("the recorder is lost")?;
                // It has said why on standard error.
                bail!("the recorder could not begin ({status})");
            };
            let report: Report = serde_json::from_str(&line).context("the recorder is unclear")?;
            lock(&story).note(&report);
            tell(&report);
            if let Report::Ready { .. } = report {
                break;
            }
        }
        let heard = story.clone();
        let listener = thread::Builder::new().name("reports".to_owned()).spawn(move || {
            for line in lines {
                let Ok(line) = line else { break };
                if let Ok(report) = serde_json::from_str(&line) {
                    lock(&heard).note(&report);
                    tell(&report);
                }
            }
        })?;
        Ok(Recorder { child, orders, story, listener: Some(listener) })
    }

    /// What it has told so far.
    #[must_use]
    pub fn story(&self) -> Story {
        lock(&self.story).clone()
    }

    /// The same for another thread.
    #[must_use]
    pub fn shared(&self) -> Arc<Mutex<Story>> {
        self.story.clone()
    }

    /// Tells it something.
    ///
    /// # Errors
    /// When it is gone.
    pub fn order(&mut self, order: &Order) -> anyhow::Result<()> {
        writeln!(self.orders, "{}", serde_json::to_string(order)?).context("the recorder is gone")
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn wait(mut self) -> anyhow::Result<(ExitStatus, Story)> {
        let status = self.child.wait().context("the recorder is lost")?;
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
        Ok((status, self.story()))
    }

    /// Whether it has ended, in whatever order.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }
}

fn lock(story: &Mutex<Story>) -> MutexGuard<'_, Story> {
    story.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Story {
    fn note(&mut self, report: &Report) {
        self.heard = Some(Instant::now());
        match report {
            Report::Ready { protections, public_key } => {
                self.protections.clone_from(protections);
                self.public_key.clone_from(public_key);
            }
            Report::State(state) => self.state = *state,
            Report::Gap { interface, from, to, reason } => {
                let same = self.gaps.iter_mut().rev().find(|(name, since, until, _)| {
                    name == interface && since == from && until.is_none()
                });
                if let Some(begun) = same {
                    begun.2 = *to;
                } else {
                    self.gaps.push((interface.clone(), *from, *to, reason.clone()));
                }
            }
            Report::Warning(text) => self.warnings.push(text.clone()),
            Report::End { reason, good } => self.end = Some((reason.clone(), *good)),
        }
        let surplus = self.gaps.len().saturating_sub(REMEMBERED_MAX);
        self.gaps.drain(..surplus);
        let surplus = self.warnings.len().saturating_sub(REMEMBERED_MAX);
        self.warnings.drain(..surplus);
    }
}
