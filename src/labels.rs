//! What people say of a case: names that the operator gives to devices while they are watched, and
//! what was decided about findings. The journals of the case keep both.

use crate::attribution::world::Device;
use crate::base::text::safe;
use crate::case::journal::{self, Event};
use crate::case::layout;
use crate::case::review::Reviews;
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// See the module. Copies share the same names.
#[derive(Debug, Clone, Default)]
pub struct Labels(Arc<Mutex<BTreeMap<String, String>>>, Arc<Reviews>, Arc<AtomicU64>);

impl Labels {
    /// Those that the journals of a recording hold, as far as their chains and signatures hold.
    #[must_use]
    pub fn of_recording(folder: &Path) -> Labels {
        Labels::of(folder, &[folder])
    }

    /// Those of a case, with what was said after it was sealed.
    #[must_use]
    pub fn of_case(case: &Path) -> Labels {
        let parts = layout::parts(case);
        Labels::of(&parts, &[&parts, &layout::after(case)])
    }

    fn of(folder: &Path, said: &[&Path]) -> Labels {
        let mut reviews = Reviews::default();
        for folder in said {
            // What does not hold, `case verify` tells; it counts as far as it holds.
            drop(reviews.add(folder));
        }
        let labels = Labels(Arc::default(), Arc::new(reviews), Arc::default());
        if let Ok((entries, _)) = journal::read(&layout::journal(folder)) {
            for entry in entries {
                if let Event::Label { device, label } = entry.event {
                    labels.set(&device, &label);
                }
            }
        }
        labels
    }

    /// Gives a device a name; an empty one takes it away.
    pub fn set(&self, device: &str, label: &str) {
        let mut labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if label.is_empty() {
            labels.remove(device);
        } else {
            labels.insert(device.to_owned(), safe(label.as_bytes()));
        }
        self.2.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a name was given or taken away.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.2.load(Ordering::Relaxed)
    }

    /// Puts them into a snapshot.
    pub fn apply(&self, snapshot: &mut Snapshot) {
        snapshot.review(&self.1);
        self.name(&mut snapshot.devices);
    }

    /// Puts the names beside the devices.
    pub fn name(&self, devices: &mut [Device]) {
        let labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for device in devices {
            if let Some(label) = labels.get(&*device.id) {
                device.label = Some(label.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::clock::Clocks;
    use crate::case::journal::Journal;
    use crate::case::key::RunKey;

    #[test]
    fn the_last_name_in_a_journal_counts() {
        let folder = tempfile::tempdir().unwrap();
        let key = RunKey::generate().unwrap();
        let mut journal = Journal::create(layout::journal(folder.path()), key).unwrap();
        let public_key = journal.public_key();
        let begin = Event::Begin {
            journal: 1,
            tool: String::new(),
            host: String::new(),
            system: String::new(),
            interfaces: Vec::new(),
            filter: String::new(),
            snap_length: 0,
            public_key,
            protections: Vec::new(),
            custody: String::new(),
        };
        journal.add(&Clocks::now(), begin).unwrap();
        for (device, label) in
            [("mac:1", "hall"), ("mac:2", "door"), ("mac:1", "kitchen"), ("mac:2", "")]
        {
            let (device, label) = (device.to_owned(), label.to_owned());
            journal.add(&Clocks::now(), Event::Label { device, label }).unwrap();
        }
        let labels = Labels::of_recording(folder.path());
        let held = labels.0.lock().unwrap().clone();
        assert_eq!(
            held.into_iter().collect::<Vec<_>>(),
            [("mac:1".to_owned(), "kitchen".to_owned())]
        );
        assert!(Labels::of_recording(Path::new("/nowhere")).0.lock().unwrap().is_empty());
    }
}
