//! Where a remote is, as far as that can be said: the one rule by which every sink speaks of places
//! and draws maps.

use super::geo::CountryCode;
use super::signature::Kind;
use super::world::{Destination, Remote, Zone};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Where one address is, as far as that can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// No database knows.
    Unknown,
    /// All databases say this, and nothing speaks against it.
    In(CountryCode),
    /// Databases disagree.
    Disputed(Vec<CountryCode>),
    /// The round-trip time excludes what databases say.
    Excluded(CountryCode),
    /// The service answers from many places under one address.
    Anywhere(Vec<CountryCode>),
}

/// Whether a service is known to answer from many places: then a database's country says little.
#[must_use]
pub fn is_spread(destination: &Destination) -> bool {
    destination.claims.iter().any(|claim| matches!(claim.kind, Kind::Cdn | Kind::Resolver))
}

/// The place of an address.
#[must_use]
pub fn place(remote: &Remote, spread: bool) -> Place {
    let mut codes: Vec<CountryCode> = Vec::new();
    for opinion in &remote.countries {
        if !codes.contains(&opinion.country) {
            codes.push(opinion.country);
        }
    }
    match (&codes[..], remote.excluded.first()) {
        ([], _) => Place::Unknown,
        (_, Some(excluded)) => Place::Excluded(excluded.country),
        _ if spread => Place::Anywhere(codes),
        ([one], None) => Place::In(*one),
        _ => Place::Disputed(codes),
    }
}

impl Place {
    /// `JP`, `BR or UY`, `not US`, `US*`, `?`.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Place::Unknown => "?".to_owned(),
            Place::In(code) => code.to_string(),
            Place::Disputed(codes) => join(codes, " or "),
            Place::Excluded(code) => format!("not {code}"),
            Place::Anywhere(codes) => format!("{}*", join(codes, "/")),
        }
    }

    /// In full.
    #[must_use]
    pub fn long(&self) -> String {
        match self {
            Place::Unknown => "no database knows the country".to_owned(),
            Place::In(code) => format!("{code}, as databases say"),
            Place::Disputed(codes) => {
                format!("{}: databases disagree", join(codes, " or "))
            }
            Place::Excluded(code) => format!("not {code}: the round-trip time excludes it"),
            Place::Anywhere(codes) => format!(
                "{}, as databases say; such a service answers from many places",
                join(codes, " or ")
            ),
        }
    }
}

/// What was sent where: only countries that nothing speaks against may be drawn on a map.
#[derive(Debug, Default)]
pub struct Tally {
    /// By code: sent, received, addresses.
    pub certain: BTreeMap<String, [u64; 3]>,
    /// Databases disagree.
    pub disputed: [u64; 3],
    /// The service answers from many places.
    pub anywhere: [u64; 3],
    /// The round-trip time excludes what databases say.
    pub excluded: [u64; 3],
    /// No database knows.
    pub unknown: [u64; 3],
}

impl Tally {
    /// Adds up the addresses of destinations in the internet.
    #[must_use]
    pub fn of(destinations: &[Destination]) -> Tally {
        let mut tally = Tally::default();
        for to in destinations.iter().filter(|to| to.zone == Zone::Internet) {
            let spread = is_spread(to);
            for remote in &to.remotes {
                let counts = match place(remote, spread) {
                    Place::In(code) => tally.certain.entry(code.to_string()).or_default(),
                    Place::Disputed(_) => &mut tally.disputed,
                    Place::Anywhere(_) => &mut tally.anywhere,
                    Place::Excluded(_) => &mut tally.excluded,
                    Place::Unknown => &mut tally.unknown,
                };
                let [sent, received] = remote.traffic.delivered_bytes;
                for (count, more) in counts.iter_mut().zip([sent, received, 1]) {
                    *count = count.saturating_add(more);
                }
            }
        }
        tally
    }

    /// Countries that nothing speaks against, most sent first.
    #[must_use]
    pub fn ranked(&self) -> Vec<(&str, [u64; 3])> {
        let mut all: Vec<(&str, [u64; 3])> =
            self.certain.iter().map(|(code, counts)| (code.as_str(), *counts)).collect();
        all.sort_by_key(|(_, [sent, received, _])| Reverse((*sent, *received)));
        all
    }
}

fn join(codes: &[CountryCode], by: &str) -> String {
    codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_is_kept() {
        let [br, uy] = ["BR", "UY"].map(|code| CountryCode::new(code).unwrap());
        assert_eq!(Place::In(br).short(), "BR");
        assert_eq!(Place::Disputed(vec![br, uy]).short(), "BR or UY");
        assert_eq!(Place::Excluded(br).short(), "not BR");
        assert_eq!(Place::Anywhere(vec![br]).short(), "BR*");
        assert_eq!(Place::Unknown.short(), "?");
    }
}
