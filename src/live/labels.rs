//! Names that the operator gives to devices while they are watched.

use crate::base::text::safe;
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// See the module. Copies share the same names.
#[derive(Debug, Clone, Default)]
pub struct Labels(Arc<Mutex<BTreeMap<String, String>>>);

impl Labels {
    /// Gives a device a name; an empty one takes it away.
    pub fn set(&self, device: &str, label: &str) {
        let mut labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if label.is_empty() {
            labels.remove(device);
        } else {
            labels.insert(device.to_owned(), safe(label.as_bytes()));
        }
    }

    /// Puts the names into a snapshot.
    pub fn apply(&self, snapshot: &mut Snapshot) {
        let labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for device in &mut snapshot.devices {
            if let Some(label) = labels.get(&*device.id) {
                device.label = Some(label.clone());
            }
        }
    }
}
