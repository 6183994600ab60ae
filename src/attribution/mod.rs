//! Turns facts into a ledger of who talked to whom: devices on the test network, remotes with
//! their names, places, networks and operators. Three kinds of geography stand side by side and
//! are never merged: where an address is (database), whose network it is (ASN), and who operates
//! the service under which law (signature).

pub mod geo;
pub mod ledger;
mod lines;
pub mod names;
pub mod oui;
pub mod reach;
pub mod record;
pub mod signature;
pub mod world;

pub use ledger::Ledger;
pub use signature::Signatures;
pub use world::World;

/// A database of `signatures/databases`, as the build unpacked it.
macro_rules! database {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name))
    };
}
use database;

#[cfg(test)]
mod tests {
    use super::{geo, oui, reach};
    use crate::base::text::hex;
    use sha2::{Digest, Sha256};

    #[test]
    fn embedded_databases_are_the_files_of_the_tree() {
        let read = |name: &str| std::fs::read(format!("signatures/databases/{name}.zst")).unwrap();
        for (name, embedded) in
            [("geo.mmdb", geo::EMBEDDED), ("oui.tsv", oui::LINES), ("distance.tsv", reach::TABLE)]
        {
            assert!(zstd::decode_all(&read(name)[..]).unwrap() == embedded, "{name}");
        }
        assert_eq!(geo::EMBEDDED_SHA256, hex(&Sha256::digest(read("geo.mmdb"))));
    }
}
