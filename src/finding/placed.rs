//! What checks share that go by where databases place an address.

use super::words::{text, told};
use super::{Draft, Fact, View};
use crate::attribution::geo::CountryCode;
use crate::attribution::world::{Contact, Level, Remote};
use crate::base::address::Spelled;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A draft, and the countries it is about.
pub(super) struct Placed {
    pub draft: Draft,
    countries: BTreeSet<CountryCode>,
}

impl Placed {
    /// The countries as they are said.
    pub fn countries(&self) -> String {
        let mut said = String::new();
        for country in &self.countries {
            let and = if said.is_empty() { "" } else { " and " };
            said.push_str(and);
            said.push_str(country.as_str());
        }
        said
    }
}

/// About what was sent to addresses that every database places in countries of this kind.
pub(super) fn placed(
    view: &View<'_>,
    contact: &Contact,
    not_shown: &'static [&'static str],
    is_of_kind: impl Fn(CountryCode) -> bool,
) -> Option<Placed> {
    let destination = &view.world.destinations[contact.destination_index];
    let fits = |remote: &&Remote| {
        !remote.countries.is_empty()
            && remote.excluded.is_empty()
            && remote.countries.iter().all(|opinion| is_of_kind(opinion.country))
    };
    let remotes: Vec<&Remote> = destination.remotes.iter().filter(fits).collect();
    if remotes.is_empty() {
        return None;
    }
    let sent = view.rows(contact).filter(|(_, row)| row.totals[0].payload_bytes > 0);
    let sent = sent.filter(|(_, row)| !row.is_icmp());
    let mut sent: Vec<(IpAddr, usize)> =
        sent.map(|(index, row)| (row.remote.address, index)).collect();
    sent.sort_by_key(|&(address, _)| address);
    let mut draft = Draft::new(Level::Inferred, not_shown);
    let mut countries = BTreeSet::new();
    for remote in remotes {
        let from = sent.partition_point(|(address, _)| *address < remote.address);
        let rows = || sent[from..].iter().take_while(|(address, _)| *address == remote.address);
        let Some(&(_, first)) = rows().next() else { continue };
        let all = rows().map(|&(_, index)| &view.ledger.rows[index]);
        draft.cites.extend(all.filter_map(|row| row.beginnings().next()));
        draft.traffic.extend(rows().map(|&(_, index)| (index, None)));
        let first = view.ledger.rows[first].frames[0];
        let mut opinions = String::with_capacity(64 * remote.countries.len());
        for opinion in &remote.countries {
            let comma = if opinions.is_empty() { "" } else { ", " };
            for part in [comma, opinion.country.as_str(), " (", &opinion.database, ")"] {
                opinions.push_str(part);
            }
        }
        countries.extend(remote.countries.iter().map(|opinion| opinion.country));
        let address = Spelled(remote.address);
        draft.facts.push(Fact::new(told!("shared.placed", address, countries = opinions), first));
    }
    if draft.traffic.is_empty() {
        return None;
    }
    draft.traffic.sort_unstable_by_key(|&(index, _)| index);
    draft.not_excluded(
        text("shared.address_answers_somewhere"),
        text("shared.database_places_content"),
    );
    Some(Placed { draft, countries })
}
