//! What a filter finds in the rows of the lists.

use super::filter::{Amount, Field, Row};
use super::model::Model;
use crate::attribution::record::FlowRecord;
use crate::attribution::world::{Contact, Party, Traffic, Zone};
use crate::base::address::spell;
use crate::finding::Finding;

/// Of a device.
pub struct DeviceRow<'a> {
    pub model: &'a Model,
    pub row: usize,
}

impl Row for DeviceRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let Some(device) = self.model.device(self.row) else { return false };
        match field {
            Field::Device => {
                wanted(&device.id)
                    || device.label.as_deref().is_some_and(&mut *wanted)
                    || device.maker.as_ref().is_some_and(|maker| wanted(&maker.name))
                    || device.identities.iter().any(|said| wanted(&said.value.text))
            }
            Field::Address => device.addresses.iter().any(|seen| spell(seen.address, &mut *wanted)),
            _ => false,
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        let flows = self.model.device(self.row)?.visibility.flows;
        let numbers = &self.model.numbers().devices;
        self::amount(&numbers[self.row].internet, Some(flows), amount)
    }
}

/// Of a destination.
pub struct DestinationRow<'a> {
    pub model: &'a Model,
    pub row: usize,
}

impl Row for DestinationRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let Some(to) = self.model.destination(self.row) else { return false };
        match field {
            Field::Destination => {
                wanted(&to.id) || to.names.iter().any(|seen| wanted(&seen.name.text))
            }
            Field::Operator => to.claims.iter().any(|claim| {
                wanted(&claim.name)
                    || claim.operator.as_ref().is_some_and(|operator| {
                        wanted(&operator.legal_name)
                            || operator.parents.iter().any(|parent| wanted(parent))
                    })
            }),
            Field::Law => super::words::laws(to).into_iter().any(wanted),
            Field::Country => to
                .remotes
                .iter()
                .flat_map(|remote| &remote.countries)
                .any(|opinion| wanted(opinion.country.as_str())),
            Field::Network => {
                // Neighbours are mostly in the same network, and a number costs a format.
                let mut before = None;
                to.remotes.iter().flat_map(|remote| &remote.networks).any(|asn| {
                    let same = before.replace(asn.number) == Some(asn.number);
                    !same && (wanted(&asn.organisation) || wanted(&format!("AS{}", asn.number)))
                })
            }
            Field::Address => to.remotes.iter().any(|remote| spell(remote.address, &mut *wanted)),
            Field::Zone => wanted(zone(to.zone)),
            _ => false,
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        self::amount(&self.model.numbers().destinations[self.row], None, amount)
    }
}

/// Of a contact.
pub struct ContactRow<'a> {
    pub model: &'a Model,
    pub row: usize,
    pub contact: &'a Contact,
}

impl Row for ContactRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let (contact, model) = (self.contact, self.model);
        let services = &contact.services;
        match field {
            Field::Device => DeviceRow { model, row: contact.device_index }.has(field, wanted),
            // Only what this device met of the destination.
            Field::Destination => {
                wanted(&contact.destination)
                    || contact.hosts.iter().flat_map(|h| &h.name).any(|name| wanted(&name.text))
            }
            Field::Address => contact
                .hosts
                .iter()
                .flat_map(|host| &host.addresses)
                .any(|&address| spell(address, &mut *wanted)),
            Field::Protocol => {
                services.iter().any(|service| wanted(service.protocol) || wanted(&service.proto))
            }
            Field::Port => services.iter().any(|service| {
                service.port.is_some_and(|port| wanted(itoa::Buffer::new().format(port)))
            }),
            Field::Content => services.iter().any(|service| wanted(service.content)),
            Field::Party => wanted(party(contact.party)),
            Field::Severity => {
                model.worst(self.row).is_some_and(|severity| wanted(severity.name()))
            }
            Field::Finding | Field::Level => false,
            Field::Operator | Field::Law | Field::Country | Field::Network | Field::Zone => {
                DestinationRow { model, row: contact.destination_index }.has(field, wanted)
            }
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        let now = &self.model.numbers().contacts[self.row];
        self::amount(&now.traffic, Some(now.flows), amount)
    }
}

/// Of a flow.
pub struct FlowRow<'a>(pub &'a FlowRecord);

impl Row for FlowRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let flow = self.0;
        match field {
            Field::Device => wanted(&flow.device),
            Field::Destination => {
                flow.destination.as_deref().is_some_and(&mut *wanted)
                    || flow.names.iter().any(|seen| wanted(&seen.name.text))
            }
            Field::Country => flow.countries.iter().any(|opinion| wanted(opinion.country.as_str())),
            Field::Network => flow
                .asn
                .iter()
                .any(|asn| wanted(&asn.organisation) || wanted(&format!("AS{}", asn.number))),
            Field::Address => [flow.src, flow.dst].into_iter().any(|end| spell(end, &mut *wanted)),
            Field::Protocol => wanted(flow.label.protocol) || wanted(&flow.proto),
            Field::Port => {
                let ports = [flow.src_port, flow.dst_port];
                ports.into_iter().flatten().any(|port| wanted(itoa::Buffer::new().format(port)))
            }
            Field::Content => wanted(flow.label.content),
            _ => false,
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        let flow = self.0;
        Some(match amount {
            Amount::Bytes => flow.wire_bytes.iter().sum(),
            Amount::Sent => flow.delivered_bytes[0],
            Amount::Received => flow.delivered_bytes[1],
            Amount::Flows => 1,
            Amount::Packets => flow.packets.iter().sum(),
        })
    }
}

/// Of a finding.
pub struct FindingRow<'a> {
    pub finding: &'a Finding,
    pub contact: Option<ContactRow<'a>>,
}

impl Row for FindingRow<'_> {
    fn has(&self, field: Field, wanted: &mut dyn FnMut(&str) -> bool) -> bool {
        let finding = self.finding;
        match field {
            Field::Severity => wanted(finding.severity.name()),
            Field::Level => wanted(finding.level.name()),
            Field::Finding => wanted(finding.id) || wanted(finding.title),
            Field::Device if wanted(&finding.subject.device) => true,
            Field::Destination if wanted(&finding.subject.destination) => true,
            _ => self.contact.as_ref().is_some_and(|contact| contact.has(field, wanted)),
        }
    }

    fn amount(&self, amount: Amount) -> Option<u64> {
        self.contact.as_ref()?.amount(amount)
    }
}

fn amount(traffic: &Traffic, flows: Option<u64>, amount: Amount) -> Option<u64> {
    match amount {
        Amount::Bytes => Some(traffic.wire()),
        Amount::Sent => Some(traffic.delivered_bytes[0]),
        Amount::Received => Some(traffic.delivered_bytes[1]),
        Amount::Flows => flows,
        Amount::Packets => Some(traffic.packets.iter().sum()),
    }
}

/// The word for a zone.
pub fn zone(zone: Zone) -> &'static str {
    match zone {
        Zone::Internet => "internet",
        Zone::Private => "private",
        Zone::Group => "group",
    }
}

/// The word for a party.
pub fn party(party: Party) -> &'static str {
    match party {
        Party::First => "first",
        Party::Support => "support",
        Party::Third => "third",
        Party::Unknown => "unknown",
    }
}
