//! The contacts of a world: what a device and a destination speak, under which names.

use super::build::{Builder, Placed};
use super::{
    Claims, Contact, Destination, Device, Host, Party, Service, Signs, Traffic, WireText,
    transport_name,
};
use crate::attribution::ledger::Row;
use crate::attribution::signature::Kind;
use crate::base::frame;
use crate::protocol::unknown::Class;
use crate::protocol::{Content, Label};
use std::cmp::Reverse;
use std::sync::Arc;

impl Builder<'_> {
    /// A contact from its rows.
    pub fn contact(
        &self,
        (device_index, device): (usize, &Device),
        (destination_index, destination): (usize, &Destination),
        placed: &[Placed],
        claims: &Claims,
    ) -> Contact {
        let ledger = self.ledger;
        let hosts = self.hosts(destination, placed, claims);
        let rows = || placed.iter().map(|placed| &ledger.rows[placed.row]);
        let first_row = &ledger.rows[placed[0].row];
        let mut contact = Contact {
            device: device.id.clone(),
            destination: destination.id.clone(),
            zone: destination.zone,
            party: party(device, destination),
            services: match &hosts[..] {
                [only] => only.services.clone(),
                _ => services(rows()),
            },
            hosts,
            traffic: Traffic::default(),
            missed_bytes: [0; 2],
            flows: 0,
            first: first_row.first,
            last: first_row.last,
            frames: first_row.frames,
            rows: placed.iter().map(|placed| placed.row).collect(),
            signs: Signs::default(),
            device_index,
            destination_index,
        };
        for placed in placed {
            let row = &ledger.rows[placed.row];
            let signs = Signs::of_row(destination.zone, row, claims.of(placed.row));
            contact.signs = contact.signs.or(signs);
            contact.traffic.add(&Traffic::of(&row.totals));
            contact.flows += row.flows;
            let [first, last] = contact.frames;
            contact.frames = [
                frame::earlier((first, contact.first), (row.frames[0], row.first)),
                frame::later((last, contact.last), (row.frames[1], row.last)),
            ];
            contact.first = contact.first.min(row.first);
            contact.last = contact.last.max(row.last);
            for way in 0..2 {
                contact.missed_bytes[way] += row.missed[way];
            }
        }
        contact
    }

    /// The names that rows go by, most traffic first.
    fn hosts(&self, destination: &Destination, placed: &[Placed], claims: &Claims) -> Vec<Host> {
        let named = |placed: &Placed| {
            let name = self.ledger.rows[placed.row].name;
            (name.map(|named| self.ledger.names.get(named.name)), placed.row)
        };
        if let [only] = placed {
            return vec![self.host(&[named(only)], destination, claims)];
        }
        let mut named: Vec<(Option<&[u8]>, usize)> = placed.iter().map(named).collect();
        named.sort_unstable();
        let of_name = || named.chunk_by(|a, b| a.0 == b.0);
        // There are as many as contacts: no room is kept for more.
        let mut hosts = Vec::with_capacity(of_name().count());
        hosts.extend(of_name().map(|rows| self.host(rows, destination, claims)));
        hosts.sort_by_key(|host| Reverse(host.traffic.wire()));
        hosts
    }

    /// A host from the rows that have its name.
    fn host(
        &self,
        named: &[(Option<&[u8]>, usize)],
        destination: &Destination,
        claims: &Claims,
    ) -> Host {
        let rows = || named.iter().map(|&(_, index)| &self.ledger.rows[index]);
        let claim = named.iter().find_map(|&(_, index)| claims.of(index));
        let mut traffic = Traffic::default();
        rows().for_each(|row| traffic.add(&Traffic::of(&row.totals)));
        Host {
            name: named[0].0.map(WireText::from),
            sources: rows().filter_map(|row| Some(row.name?.source)).collect(),
            addresses: distinct(rows().map(|row| row.remote.address)),
            claim: claim.and_then(|claim| {
                destination.claims.iter().position(|other| other.is_same_fact(claim))
            }),
            services: services(rows()),
            traffic,
        }
    }
}

/// In order, each once.
fn distinct<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.dedup();
    items.shrink_to_fit();
    items
}

/// What rows speak, most traffic first.
fn services<'a>(rows: impl ExactSizeIterator<Item = &'a Row> + Clone) -> Arc<[Service]> {
    let mut rows = rows.map(|row| {
        let Label { protocol, method, content, .. } = row.label;
        let key = (row.protocol, row.port, protocol, method.name(), content);
        (key, Traffic::of(&row.totals), row.classes)
    });
    if rows.len() == 1
        && let Some(only) = rows.next()
    {
        return Arc::new([service(only)]);
    }
    let mut parts: Vec<Part> = rows.collect();
    parts.sort_unstable_by_key(|&(key, ..)| key);
    parts.dedup_by(|part, kept| {
        let same = part.0 == kept.0;
        if same {
            kept.1.add(&part.1);
            kept.2 |= part.2;
        }
        same
    });
    parts.sort_by_key(|(_, traffic, _)| Reverse(traffic.wire()));
    parts.into_iter().map(service).collect()
}

/// What rows of one service speak: which it is, how much, and what they look like.
type Part = ((u8, Option<u16>, &'static str, &'static str, Content), Traffic, u8);

fn service(((proto, port, protocol, method, content), traffic, classes): Part) -> Service {
    Service {
        proto: transport_name(proto),
        port,
        protocol,
        method,
        content: content.name(),
        looks: Class::ALL
            .into_iter()
            .filter(|&class| class != Class::Unknown && classes & class as u8 != 0)
            .map(Class::name)
            .collect(),
        traffic,
    }
}

/// An unknown party is never guessed to be a third one.
fn party(device: &Device, destination: &Destination) -> Party {
    let maker = device.maker.as_ref().and_then(|maker| maker.vendor.as_deref());
    let mut party = Party::Unknown;
    for claim in &destination.claims {
        if maker == Some(claim.signature.as_str()) {
            return Party::First;
        }
        party = match claim.kind {
            Kind::Hosting | Kind::Cdn | Kind::Resolver | Kind::Time => Party::Support,
            Kind::Analytics | Kind::Relay | Kind::Location => Party::Third,
            Kind::Vendor => party,
        };
    }
    party
}
