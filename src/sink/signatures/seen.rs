//! What a fact of `[[flow]]`, `[[said]]` or `[[dhcp]]` looks for, for forms that have to look for it
//! in bytes.

use crate::attribution::fact::{FactRef, Table};
use crate::attribution::signature::{By, Pattern, Signature};

/// See the module.
pub(super) enum Seen<'a> {
    /// The beginning of a message.
    Begins {
        /// `tcp` or `udp`; either, where it is left out.
        transport: Option<&'a str>,
        /// Ports of the service.
        ports: &'a [String],
        /// Who sends it.
        by: Option<By>,
        /// Fixed bytes in a row, each with its place.
        runs: Vec<(usize, Vec<u8>)>,
    },
    /// A value that a dissector reads.
    Text {
        /// What dissectors call it.
        fact: &'a str,
        /// Pattern of the value.
        value: Glob<'a>,
    },
    /// What a device says when it asks for an address.
    Dhcp {
        /// Pattern of the host name.
        hostname: Option<Glob<'a>>,
        /// Pattern of the vendor class.
        vendor_class: Option<Glob<'a>>,
    },
    /// That a protocol is spoken, whatever is said in it.
    Spoken,
}

/// A pattern, cut at its stars.
pub(super) struct Glob<'a> {
    /// What stands between stars, in order; none is empty.
    pub pieces: Vec<&'a str>,
    /// Whether a value begins with the first piece.
    pub starts: bool,
    /// Whether it ends with the last.
    pub ends: bool,
}

impl<'a> Glob<'a> {
    pub(super) fn of(pattern: &'a str) -> Glob<'a> {
        Glob {
            pieces: pattern.split('*').filter(|piece| !piece.is_empty()).collect(),
            starts: !pattern.starts_with('*'),
            ends: !pattern.ends_with('*'),
        }
    }
}

/// What the fact looks for; nothing for names and networks.
pub(super) fn seen<'a>(signature: &'a Signature, fact: &FactRef<'_>) -> Option<Seen<'a>> {
    let begins = |first: &str, at| Pattern::read(first, at).ok().map(|pattern| pattern.runs());
    match fact.table {
        Table::Flow => {
            let shows = signature.flow.get(fact.index)?;
            Some(match (&shows.first, &shows.fact, &shows.value) {
                (Some(first), ..) => Seen::Begins {
                    transport: shows.transport.as_deref(),
                    ports: &shows.ports,
                    by: shows.by,
                    runs: begins(first, shows.at)?,
                },
                (None, Some(fact), Some(value)) => text(fact, value),
                _ => Seen::Spoken,
            })
        }
        Table::Said => {
            let said = signature.said.get(fact.index)?;
            Some(match (&said.first, &said.value) {
                (Some(first), _) => Seen::Begins {
                    transport: None,
                    ports: &[],
                    by: Some(By::Device),
                    runs: begins(first, said.at)?,
                },
                (None, Some(value)) => text(&said.fact, value),
                (None, None) => Seen::Spoken,
            })
        }
        Table::Dhcp => {
            let dhcp = signature.dhcp.get(fact.index)?;
            let [hostname, vendor_class] =
                [&dhcp.hostname, &dhcp.vendor_class].map(|part| part.as_deref().map(Glob::of));
            Some(Seen::Dhcp { hostname, vendor_class })
        }
        _ => None,
    }
}

fn text<'a>(fact: &'a str, value: &'a str) -> Seen<'a> {
    let value = Glob::of(value);
    if value.pieces.is_empty() { Seen::Spoken } else { Seen::Text { fact, value } }
}
