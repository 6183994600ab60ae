//! Turns facts into a ledger of who talked to whom: devices on the test network, remotes with
//! their names, places, networks and operators. Three kinds of geography stand side by side and
//! are never merged: where an address is (database), whose network it is (ASN), and who operates
//! the service under which law (signature).

mod announced;
pub mod country;
pub mod fact;
mod flows;
pub mod forwarded;
pub mod geo;
pub mod ledger;
pub mod legal;
mod lines;
pub mod lint;
mod lookup;
pub mod names;
pub mod on_link;
pub mod oui;
pub mod pace;
pub mod pack;
pub mod place;
pub mod reach;
pub mod record;
pub mod signature;
pub mod tally;
mod texts;
pub mod world;

pub use ledger::Ledger;
pub use signature::Signatures;
pub use world::World;

/// The embedded databases as `build.rs` unpacked them.
#[allow(missing_docs, dead_code, reason = "made by build.rs")]
mod database {
    include!(concat!(env!("OUT_DIR"), "/databases.rs"));
}

#[cfg(test)]
mod tests {
    use super::database;
    use crate::base::text::hex;
    use sha2::{Digest, Sha256};

    #[test]
    fn what_is_embedded_is_what_lies_in_the_repository() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("signatures/databases");
        for (file, bytes, sha256) in [
            ("geo.mmdb.zst", database::GEO, database::GEO_SHA256),
            ("oui.tsv.zst", database::OUI, database::OUI_SHA256),
            ("distance.tsv.zst", database::DISTANCE, database::DISTANCE_SHA256),
        ] {
            let packed = std::fs::read(folder.join(file)).unwrap();
            assert_eq!(hex(&Sha256::digest(&packed)), sha256, "{file}");
            assert!(zstd::decode_all(&packed[..]).unwrap() == bytes, "{file}");
        }
    }
}
