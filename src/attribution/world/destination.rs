//! The destinations of a world: their names, addresses and places, and whose they are.

use super::build::{Builder, Placed};
use super::{
    Claim, ClaimFact, Claims, Destination, Excluded, Level, NameSeen, Remote, Traffic, WireText,
    Zone, destination_id, device_id, name_level, transport_name,
};
use crate::attribution::geo::Records;
use crate::attribution::ledger::{Endpoint, Named, Row};
use crate::attribution::names::NameId;
use crate::attribution::reach;
use crate::attribution::signature::{FlowSeen, Found, Word};
use crate::base::address::Spelled;
use crate::base::table::Map;
use crate::protocol::Method;
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

/// What was found out of names and addresses: many rows have the same.
#[derive(Default)]
pub(super) struct Known {
    /// Of the internet, by name; by network address where there is none.
    named: Map<NameId, usize>,
    unnamed: Map<IpAddr, usize>,
    /// On the test network, by the position of the end among [`super::ends::Ends`].
    peers: Map<u32, usize>,
    by_name: Map<NameId, Option<Found>>,
    by_address: Map<IpAddr, Option<Found>>,
    facts: Map<Found, Arc<ClaimFact>>,
    /// Names as they are shown.
    texts: Map<NameId, Arc<WireText>>,
}

impl Known {
    /// The position of a row's destination; `position` finds it the first time.
    pub fn destination(
        &mut self,
        row: &Row,
        zone: Zone,
        peer: u32,
        position: impl FnOnce() -> usize,
    ) -> usize {
        match (zone, row.name) {
            (Zone::Internet, Some(named)) => *self.named.entry(named.name).or_insert_with(position),
            (Zone::Private, _) => *self.peers.entry(peer).or_insert_with(position),
            // No group is an address of the internet.
            _ => *self.unnamed.entry(row.remote.address).or_insert_with(position),
        }
    }
}

/// What a claim rests on.
struct Basis {
    found: Found,
    named: Option<Named>,
    /// Which of the things that were said in the row.
    word: Option<usize>,
}

/// One address of a destination, for the rows of a device.
struct Part {
    address: IpAddr,
    traffic: Traffic,
    round_trip: Option<i64>,
}

impl Builder<'_> {
    pub fn destination_of(&self, row: &Row, zone: Zone) -> String {
        self.destination_at(row.remote, row.name.map(|named| named.name), zone)
    }

    /// The id of the destination that an end belongs to under a name.
    pub fn destination_at(&self, remote: Endpoint, name: Option<NameId>, zone: Zone) -> String {
        match zone {
            Zone::Internet => {
                destination_id(name.map(|name| self.ledger.names.get(name)), remote.address)
            }
            Zone::Private => device_id(self.device_of(remote)),
            Zone::Group => format!("group:{}", Spelled(remote.address)),
        }
    }

    /// Adds up the rows of a destination.
    pub fn fill(
        &self,
        destination: &mut Destination,
        placed: &[Placed],
        claims: &Claims,
        records: &mut Records,
    ) {
        let mut names: Vec<(&'static str, &[u8], usize)> = Vec::new();
        let mut parts: Vec<Part> = Vec::with_capacity(placed.len());
        for (index, row) in placed.iter().map(|p| (p.row, &self.ledger.rows[p.row])) {
            let traffic = Traffic::of(&row.totals);
            destination.traffic.add(&traffic);
            parts.push(Part { address: row.remote.address, traffic, round_trip: row.round_trip });
            if let Some(named) = row.name {
                names.push((named.source.name(), self.ledger.names.get(named.name), index));
            }
            if let Some(claim) = claims.of(index) {
                match destination.claims.iter_mut().find(|other| other.is_same_fact(claim)) {
                    Some(other) if claim.level < other.level => *other = claim.clone(),
                    Some(_) => {}
                    None => destination.claims.push(claim.clone()),
                }
            }
        }
        names.sort_by_key(|&(source, name, _)| (source, name));
        let of_name = || names.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        destination.names.reserve_exact(of_name().count());
        destination.names.extend(of_name().map(|rows| self.name_seen(rows)));
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
        destination.remotes = parts.iter().map(|part| self.remote(zone, part, records)).collect();
        destination
            .claims
            .sort_by(|a, b| (&a.signature, &a.pattern).cmp(&(&b.signature, &b.pattern)));
    }

    /// A name from the rows that have it from one source.
    fn name_seen(&self, rows: &[(&'static str, &[u8], usize)]) -> NameSeen {
        let (source, name, first) = rows[0];
        let rows = || rows.iter().map(|&(_, _, index)| &self.ledger.rows[index]);
        let says = rows().find_map(|row| row.disagrees);
        NameSeen {
            name: WireText::from(name),
            source,
            frame: self.ledger.rows[first].name.map_or(0, |named| named.cite.frame),
            several: rows().filter_map(|row| row.name).any(|named| named.several),
            dns_says: says
                .map(|(other, cite)| (WireText::from(self.ledger.names.get(other)), cite.frame)),
        }
    }

    fn remote(&self, zone: Zone, part: &Part, records: &mut Records) -> Remote {
        let &Part { address, traffic, round_trip } = part;
        let place = match zone {
            Zone::Internet => self.geo.place_among(address, records),
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

    /// Whose remote this is that no name tells: by its address, else by what its flows show.
    fn unnamed(&self, row: &Row, known: &mut Known) -> Option<Basis> {
        let address = row.remote.address;
        let by_address = known.by_address.entry(address);
        let look_up = || self.signatures.by_address(address, &self.day);
        if let Some(found) = *by_address.or_insert_with(look_up) {
            return Some(Basis { found, named: None, word: None });
        }
        let values: Vec<_> =
            row.shown.iter().map(|shown| String::from_utf8_lossy(&shown.value)).collect();
        let said = row.shown.iter().zip(&values);
        let words: Vec<Word<'_>> = said
            .map(|(shown, value)| Word { fact: shown.fact, value, by_service: shown.by_remote })
            .collect();
        let flow = FlowSeen {
            label: (row.label.method == Method::Payload).then_some(row.label.protocol),
            transport: &transport_name(row.protocol),
            port: row.port,
        };
        let (found, word) = self.signatures.by_flow(&flow, &words, &self.day)?;
        Some(Basis { found, named: None, word })
    }

    /// Whose remote this is: by the row's name, else by its address, else by what its flows show.
    pub fn claim(&self, row: &Row, zone: Zone, known: &mut Known) -> Option<Claim> {
        if zone != Zone::Internet {
            return None;
        }
        let by_name = row.name.and_then(|named| {
            let look_up = || self.signatures.by_name(self.ledger.names.get(named.name), &self.day);
            let found = *known.by_name.entry(named.name).or_insert_with(look_up);
            Some((found?, Some(named)))
        });
        let basis = match by_name {
            Some((found, named)) => Basis { found, named, word: None },
            None => self.unnamed(row, known)?,
        };
        let Basis { found, named, word } = basis;
        let shown = word.and_then(|at| row.shown.get(at));
        let by_flow = matches!(found, Found::Flow(..));
        Some(Claim {
            fact: known.facts.entry(found).or_insert_with(|| self.fact(found)).clone(),
            matched: match (named, shown) {
                (Some(named), _) => {
                    let spell = || Arc::new(self.ledger.names.get(named.name).into());
                    known.texts.entry(named.name).or_insert_with(spell).clone()
                }
                (None, Some(shown)) => Arc::new(WireText::from(&shown.value[..])),
                (None, None) if by_flow => Arc::new(row.label.protocol.as_bytes().into()),
                (None, None) => Arc::new(row.remote.address.to_string().as_bytes().into()),
            },
            basis: match named {
                Some(named) => named.source.name(),
                None if by_flow => shown.map_or("protocol", |_| "said"),
                None => "address",
            },
            frame: match (named, shown) {
                (Some(named), _) => named.cite.frame,
                (None, Some(shown)) => shown.cite.frame,
                (None, None) if by_flow => row.label.frame,
                (None, None) => row.frames[0],
            },
            level: match (named, shown) {
                (Some(named), _) => name_level(&named),
                (None, Some(shown)) if shown.fact.starts_with("tls.certificate") => {
                    Level::Attributed
                }
                // Whoever speaks a protocol, or says a word, may speak to somebody else.
                _ if by_flow => Level::Inferred,
                _ => Level::Attributed,
            },
        })
    }

    fn fact(&self, found: Found) -> Arc<ClaimFact> {
        let claim = self.signatures.claim(found);
        Arc::new(ClaimFact {
            signature: claim.signature.id.clone(),
            name: claim.signature.name.clone(),
            kind: claim.signature.kind,
            role: claim.role.to_owned(),
            pattern: claim.pattern.into_owned(),
            host_operator: claim.operator.map(str::to_owned),
            region: claim.region.map(str::to_owned),
            source: claim.about.source.to_owned(),
            confidence: claim.about.confidence,
            checked: claim.about.checked.to_owned(),
            operator: claim.signature.operator.clone(),
            ownership: claim.signature.ownership.clone(),
            fictional: claim.signature.fictional,
        })
    }
}
