//! Hashes what was written, on a thread of its own: on the thread that writes it took a quarter of what
//! that could record.

use super::checkpoint::Entry;
use crate::base::text::hex;
use crate::case::journal::Event;
use crossbeam_channel::{Receiver, Sender, bounded};
use sha2::{Digest, Sha256};
use std::io;
use std::thread::{self, JoinHandle};

/// Blocks that wait; more make the writing wait too. Few, since no checkpoint speaks of them yet.
const WAITING_MAX: usize = 16;

/// In the order in which it happened.
pub(super) enum Work {
    /// A segment begins with these bytes.
    Begun(Vec<u8>),
    /// These were written behind.
    Written(Vec<u8>),
    /// Something is to be said; of a checkpoint the hash is missing.
    Say(Box<Entry>),
}

/// See the module. Buffers go to `empty` to be filled again, entries to `entries`. Ends when nobody has
/// work any more.
pub(super) fn start(
    empty: Sender<Vec<u8>>,
    entries: Sender<Entry>,
) -> io::Result<(Sender<Work>, JoinHandle<()>)> {
    let (work, inbox) = bounded(WAITING_MAX);
    let thread = thread::Builder::new().name("hashing".to_owned()).spawn(move || {
        super::sandbox::drop_thread();
        run(&inbox, &empty, &entries);
    })?;
    Ok((work, thread))
}

fn run(inbox: &Receiver<Work>, empty: &Sender<Vec<u8>>, entries: &Sender<Entry>) {
    let mut hash = Sha256::new();
    for work in inbox {
        match work {
            Work::Begun(bytes) => hash = Sha256::new_with_prefix(bytes),
            Work::Written(bytes) => {
                hash.update(&bytes);
                drop(empty.try_send(bytes));
            }
            Work::Say(mut entry) => {
                if let Event::Checkpoint { sha256, .. } = &mut entry.event {
                    *sha256 = hex(&hash.clone().finalize());
                }
                // Whether the journal has ended is for the writer to find: it must not wait here.
                drop(entries.send(*entry));
            }
        }
    }
}
