//! One self-contained HTML page: no script, no remote asset, everything escaped.

use crate::snapshot::Snapshot;

/// The page.
#[must_use]
pub fn page(snapshot: &Snapshot) -> String {
    let _ = snapshot;
    String::new()
}
