//! The destinations of a world: their names, addresses and places, and whose they are.

use super::build::{Builder, Placed};
use super::{
    Claim, Claims, Destination, Excluded, Level, NameSeen, Remote, Traffic, WireText, Zone,
    destination_id, device_id, name_level, zone_of,
};
use crate::attribution::ledger::{Named, Row};
use crate::attribution::reach;
use crate::attribution::signature::Found;
use crate::base::address::Spelled;
use crate::base::table::Map;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Destinations while rows are shared out among them, in the order of their first rows.
#[derive(Default)]
pub(super) struct Destinations {
    pub all: Vec<Destination>,
    /// Positions by id; an id is told apart by its zone too, since names from packets could
    /// spell anything.
    positions: [Map<Arc<str>, usize>; 3],
}

impl Destinations {
    /// The position of the destination with this id.
    pub fn position(&mut self, zone: Zone, id: &str) -> usize {
        let positions = &mut self.positions[zone as usize];
        if let Some(&position) = positions.get(id) {
            return position;
        }
        let id: Arc<str> = id.into();
        positions.insert(id.clone(), self.all.len());
        self.all.push(Destination {
            id,
            zone,
            names: Vec::new(),
            remotes: Vec::new(),
            claims: Vec::new(),
            traffic: Traffic::default(),
        });
        self.all.len() - 1
    }
}

/// One address of a destination, for the rows of a device.
struct Part {
    address: IpAddr,
    traffic: Traffic,
    round_trip: Option<i64>,
}

impl Builder<'_> {
    pub fn destination_of(&self, row: &Row, zone: Zone) -> String {
        match zone {
            Zone::Internet => {
                let name = row.name.map(|named| self.ledger.names.get(named.name));
                destination_id(name, row.remote.address)
            }
            Zone::Private => device_id(self.device_of(row.remote)),
            Zone::Group => format!("group:{}", Spelled(row.remote.address)),
        }
    }

    /// Adds up the rows of a destination.
    pub fn fill(&self, destination: &mut Destination, placed: &[Placed], claims: &Claims) {
        let mut names: BTreeMap<(&'static str, &[u8]), NameSeen> = BTreeMap::new();
        let mut parts: Vec<Part> = Vec::with_capacity(placed.len());
        for (index, row) in placed.iter().map(|p| (p.row, &self.ledger.rows[p.row])) {
            let traffic = Traffic::of(&row.totals);
            destination.traffic.add(&traffic);
            parts.push(Part { address: row.remote.address, traffic, round_trip: row.round_trip });
            if let Some(named) = row.name {
                let bytes = self.ledger.names.get(named.name);
                let seen = names.entry((named.source.name(), bytes)).or_insert_with(|| NameSeen {
                    name: WireText::from(bytes),
                    source: named.source.name(),
                    frame: named.cite.frame,
                    several: false,
                    dns_says: None,
                });
                seen.several |= named.several;
                if let (None, Some((name, cite))) = (&seen.dns_says, row.disagrees) {
                    let other = WireText::from(self.ledger.names.get(name));
                    seen.dns_says = Some((other, cite.frame));
                }
            }
            if let Some(claim) = claims.of(index) {
                match destination.claims.iter_mut().find(|other| other.is_same_fact(claim)) {
                    Some(other) if claim.level < other.level => *other = claim.clone(),
                    Some(_) => {}
                    None => destination.claims.push(claim.clone()),
                }
            }
        }
        destination.names = names.into_values().collect();
        parts.sort_unstable_by_key(|part| part.address);
        parts.dedup_by(|part, kept| {
            let same = part.address == kept.address;
            if same {
                kept.traffic.add(&part.traffic);
                kept.round_trip = [kept.round_trip, part.round_trip].into_iter().flatten().min();
            }
            same
        });
        let zone = destination.zone;
        destination.remotes = parts.iter().map(|part| self.remote(zone, part)).collect();
        destination
            .claims
            .sort_by(|a, b| (&a.signature, &a.pattern).cmp(&(&b.signature, &b.pattern)));
    }

    fn remote(&self, zone: Zone, part: &Part) -> Remote {
        let &Part { address, traffic, round_trip } = part;
        let place = match zone {
            Zone::Internet => self.geo.place(address),
            Zone::Private | Zone::Group => Default::default(),
        };
        let mut excluded = Vec::new();
        if let (Some(here), Some(round_trip)) = (&self.choice.here, round_trip) {
            for country in place.country_codes() {
                if let Some(least_km) = reach::excludes(here, country.as_str(), round_trip) {
                    let farthest_km = reach::farthest_km(round_trip);
                    excluded.push(Excluded { country, least_km, farthest_km });
                }
            }
        }
        Remote {
            address,
            countries: place.countries,
            networks: place.networks,
            round_trip_ns: round_trip,
            excluded,
            traffic,
        }
    }

    /// Whose remote this is: by the row's name, else by its address.
    pub fn claim(&self, row: &Row) -> Option<Claim> {
        if zone_of(row.remote) != Zone::Internet {
            return None;
        }
        let by_name = row.name.and_then(|named| {
            let found = self.signatures.by_name(self.ledger.names.get(named.name), &self.day)?;
            Some((found, Some(named)))
        });
        let (found, named): (Found, Option<Named>) = match by_name {
            Some(by_name) => by_name,
            None => (self.signatures.by_address(row.remote.address, &self.day)?, None),
        };
        let claim = self.signatures.claim(found);
        let address = row.remote.address.to_string();
        Some(Claim {
            signature: claim.signature.id.clone(),
            name: claim.signature.name.clone(),
            kind: claim.signature.kind,
            role: claim.role.to_owned(),
            pattern: claim.pattern.to_owned(),
            host_operator: claim.operator.map(str::to_owned),
            region: claim.region.map(str::to_owned),
            matched: match named {
                Some(named) => WireText::from(self.ledger.names.get(named.name)),
                None => WireText::from(address.as_bytes()),
            },
            basis: named.map_or("address", |named| named.source.name()),
            frame: named.map_or(row.frames[0], |named| named.cite.frame),
            level: named.map_or(Level::Attributed, |named| name_level(&named)),
            source: claim.about.source.to_owned(),
            confidence: claim.about.confidence,
            checked: claim.about.checked.to_owned(),
            operator: claim.signature.operator.clone(),
            ownership: claim.signature.ownership.clone(),
            fictional: claim.signature.fictional,
        })
    }
}
