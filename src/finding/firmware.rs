//! What checks share that are about updates: which traffic is a search for them.

use crate::attribution::ledger::{Mark, Row};
use crate::attribution::world::World;

/// Role of a service that gives out firmware.
pub(super) const FIRMWARE: &str = "firmware";

/// Whether a row is with a service for firmware, or holds a readable request for a program.
pub(super) fn looks_for_updates(world: &World, index: usize, row: &Row) -> bool {
    let known = world.claims.of(index).is_some_and(|claim| claim.role == FIRMWARE);
    known || row.evidence.iter().any(|evidence| evidence.mark == Mark::Update)
}
