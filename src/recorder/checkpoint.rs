//! Makes what was written durable and says so in the journal, on a thread of its own: waiting for
//! a disk must not hold up the writing.

use super::hashing::Work;
use super::{Report, tell};
use crate::case::CaseError;
use crate::case::clock::Clocks;
use crate::case::journal::{Event, Journal};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// What is to be said, and of which moment.
pub(super) struct Entry {
    pub clocks: Clocks,
    pub event: Event,
    /// What must be on the disk before it is said.
    pub after: Option<Arc<File>>,
    /// Dropped when it stands in the journal, or cannot.
    pub said: Option<Sender<()>>,
}

/// Entries that wait for the disk; more make the writing wait too.
const WAITING_MAX: usize = 1024;

/// See the module.
pub(super) struct Checkpoints {
    /// Where there is a journal, everything goes through the hashing.
    work: Option<(Sender<Work>, JoinHandle<()>)>,
    entries: Option<Sender<Entry>>,
    thread: Option<JoinHandle<Result<(), CaseError>>>,
}

impl Checkpoints {
    /// Starts the threads. Without a journal nothing is hashed, and things are only made durable.
    /// Buffers that were hashed go to `empty`.
    pub fn start(
        journal: Option<Journal>,
        durable: bool,
        empty: &Sender<Vec<u8>>,
    ) -> io::Result<Checkpoints> {
        let (entries, inbox) = bounded(WAITING_MAX);
        let hash = || super::hashing::start(empty.clone(), entries.clone());
        let hashing = journal.is_some().then(hash).transpose()?;
        let thread = thread::Builder::new().name("checkpoints".to_owned());
        let thread = thread.spawn(move || {
            super::sandbox::drop_thread();
            let result = work(journal, durable, &inbox);
            if let Err(error) = &result {
                tell(&Report::Warning(format!("the journal has ended: {error}")));
            }
            result
        })?;
        Ok(Checkpoints { work: hashing, entries: Some(entries), thread: Some(thread) })
    }

    /// Says something, soon. False when nothing can be said any more.
    pub fn say(&self, entry: Entry) -> bool {
        if let Some((work, _)) = &self.work {
            return work.send(Work::Say(Box::new(entry))).is_ok();
        }
        self.entries.as_ref().is_some_and(|entries| entries.send(entry).is_ok())
    }

    /// Says something, and waits until it stands in the journal or cannot.
    pub fn say_now(&self, entry: Entry) {
        let (said, wait) = bounded(0);
        if self.say(Entry { said: Some(said), ..entry }) {
            let _ = wait.recv();
        }
    }

    /// A segment was begun with these bytes.
    pub fn begun(&self, bytes: &[u8]) {
        if let Some((work, _)) = &self.work {
            drop(work.send(Work::Begun(bytes.to_vec())));
        }
    }

    /// These bytes were written behind; gives the buffer back where nobody hashes it.
    pub fn written(&self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let Some((work, _)) = &self.work else { return Some(bytes) };
        work.send(Work::Written(bytes)).err().and_then(|unsent| match unsent.into_inner() {
            Work::Written(bytes) => Some(bytes),
            _ => None,
        })
    }

    /// Waits until everything was said.
    pub fn finish(mut self) -> Result<(), CaseError> {
        if let Some((work, hashing)) = self.work.take() {
            drop(work);
            // A panic there shows in what is missing from the journal.
            let failed = hashing.join().is_err();
            if failed {
                return Err(failure("the thread that hashes failed"));
            }
        }
        self.entries = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(failure("its thread failed")),
            None => Ok(()),
        }
    }
}

fn failure(why: &str) -> CaseError {
    CaseError::System {
        path: "journal".into(),
        doing: "cannot be written",
        error: io::Error::other(why.to_owned()),
    }
}

fn work(
    mut journal: Option<Journal>,
    durable: bool,
    inbox: &Receiver<Entry>,
) -> Result<(), CaseError> {
    let mut next = inbox.recv().ok();
    while let Some(entry) = next {
        next = inbox.try_recv().ok();
        // A later checkpoint of the same segment says all that this one would.
        let superseded = next.as_ref().is_some_and(|next| supersedes(&next.event, &entry.event));
        if !superseded {
            if let Some(file) = entry.after.as_ref().filter(|_| durable) {
                let error = CaseError::system("segment".as_ref(), "cannot be made durable");
                file.sync_data().map_err(error)?;
            }
            if let Some(journal) = &mut journal {
                journal.add(&entry.clocks, entry.event)?;
            }
            drop(entry.said);
        }
        next = next.or_else(|| inbox.recv().ok());
    }
    Ok(())
}

fn supersedes(later: &Event, earlier: &Event) -> bool {
    match (later, earlier) {
        (Event::Checkpoint { segment: later, .. }, Event::Checkpoint { segment: earlier, .. }) => {
            later == earlier
        }
        _ => false,
    }
}
