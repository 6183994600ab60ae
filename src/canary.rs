//! A self-test in every run: a second small walk over a planted capture with the same compiled
//! signatures and databases. It shows that the engine works; it says nothing about whether the
//! device under test was visible.

use crate::attribution::Ledger;
use crate::attribution::Signatures;
use crate::attribution::geo::Geo;
use crate::attribution::world::{Choice, World};
use crate::engine::{Engine, Settings};
use crate::snapshot::CanaryShown;
use crate::source::Sources;

static PLANTED: &[u8] = include_bytes!("../captures/canary.pcap");
/// The signature that claims the planted name.
const SIGNATURE: &str = "phonehome-canary";

/// Runs the self-test.
#[must_use]
pub fn run(signatures: &Signatures, geo: &Geo) -> CanaryShown {
    let mut missing = Vec::new();
    let settings = Settings { flows_max: 1024, ..Settings::default() };
    let ledger = match Sources::embedded("canary", PLANTED) {
        Ok(mut sources) => {
            Engine::new(settings, geo, None)
                .looking_for(signatures.beginnings())
                .read(&mut sources, &mut |_| {})
                .ledger
        }
        Err(_) => {
            missing.push("the planted capture could not be read");
            Ledger::default()
        }
    };
    let world = World::build(&ledger, geo, signatures, &Choice::default());
    let destination = world.destinations.iter().find(|d| &*d.id == "phonehome-canary.example");
    match destination {
        None => missing.push("the planted name was not found"),
        Some(destination) => {
            if destination.names.iter().all(|name| name.source != "sni") {
                missing.push("the planted name was not read from TLS");
            }
            if destination.claims.iter().all(|claim| claim.signature != SIGNATURE) {
                missing.push("no signature recognised the planted name");
            }
            if destination.country_codes().is_empty() && destination.networks().is_empty() {
                missing.push("no database knew the planted address");
            }
        }
    }
    CanaryShown {
        passed: missing.is_empty(),
        says: "the engine, its signatures and its databases work; this says nothing about \
               whether the device was visible to the tap",
        missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_planted_name_and_notices_what_is_missing() {
        let signatures = Signatures::embedded().unwrap();
        let geo = Geo::embedded();
        assert_eq!(run(&signatures, &geo).missing, [""; 0]);
        let blind = run(&Signatures::default(), &Geo::default());
        assert!(!blind.passed);
        assert_eq!(blind.missing.len(), 2);
    }
}
