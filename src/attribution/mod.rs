//! Turns facts into a ledger of who talked to whom: devices on the test network, remotes with
//! their names, places, networks and operators. Three kinds of geography stand side by side and
//! are never merged: where an address is (database), whose network it is (ASN), and who operates
//! the service under which law (signature).

pub mod geo;
pub mod ledger;
pub mod names;
pub mod oui;
pub mod reach;
pub mod record;
pub mod signature;
pub mod world;

pub use ledger::Ledger;
pub use signature::Signatures;
pub use world::World;

use std::sync::OnceLock;

/// Unpacks an embedded database once, at its first use. Embedded data is checked by the tests,
/// so a failure here is a broken build and yields nothing rather than a panic.
fn unpacked(cell: &'static OnceLock<Vec<u8>>, packed: &[u8]) -> &'static [u8] {
    cell.get_or_init(|| zstd::decode_all(packed).unwrap_or_default())
}
