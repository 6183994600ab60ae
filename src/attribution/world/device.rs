//! The devices of a world: what each is, what it said of itself, how much it sent where.

use super::build::Builder;
use super::ends::{Ends, Sums};
use super::kind::kind_of;
use super::maker::maker;
use super::{
    AddressSeen, Behind, Device, DeviceFacts, IdentitySeen, LeftOut, Told, Visibility, WireText,
    device_id,
};
use crate::attribution::ledger::{DeviceKey, Endpoint, Hardware};
use crate::attribution::oui;
use crate::base::address::{Mac, Scope};
use crate::base::text::safe;
use crate::protocol::IdentityKind;
use std::cmp::Reverse;
use std::net::IpAddr;

impl Builder<'_> {
    /// Devices in the order of a world, and those that the user left out.
    pub fn devices(&self, ends: &Ends) -> (Vec<Device>, Vec<LeftOut>) {
        let all = ends.devices();
        let mut devices: Vec<Device> =
            all.into_iter().map(|at| self.device(ends.keys[at], &ends.sums[at])).collect();
        let mut left_out = Vec::new();
        devices.retain(|device| {
            let reason = self.left_out(device.key);
            left_out.extend(reason.map(|reason| LeftOut {
                id: device.id.clone(),
                reason,
                internet: device.internet,
            }));
            reason.is_none()
        });
        devices.sort_by_cached_key(|device| {
            (device.role == "gateway", Reverse(device.internet.wire()), device.id.clone())
        });
        (devices, left_out)
    }

    fn device(&self, key: DeviceKey, sums: &Sums) -> Device {
        let ledger = self.ledger;
        let (mac, hardware) = match key {
            DeviceKey::Mac(mac) => (Some(mac), ledger.hardware.get(&mac)),
            DeviceKey::Address(_) => (None, None),
        };
        let mut identities: Vec<IdentitySeen> = ledger
            .identities
            .get(&key)
            .into_iter()
            .flatten()
            .map(|identity| IdentitySeen {
                kind: identity.kind.name(),
                fact: identity.fact,
                value: WireText::from(&identity.value[..]),
                frame: identity.frame,
            })
            .collect();
        // People look for names and models first.
        identities.sort_by_key(IdentitySeen::is_for_machines);
        // What it sent from before it was known to be its own does not make it one.
        let is_strange = |&address: &IpAddr| ledger.on_link.scope(address, mac) == Scope::Internet;
        let is_gateway =
            hardware.is_some_and(|h| h.internet.iter().chain(&h.hop_to).any(is_strange));
        let oui = mac.and_then(oui::registrant);
        let label = self.choice.devices.iter().find(|(_, wanted)| self.is_device(*wanted, key));
        let own = mac.and_then(|mac| ledger.resolvers.get(&mac)).into_iter().flatten();
        // Router advertisements tell those that speak IPv6.
        let hears = hardware.is_some_and(|h| h.addresses().any(|(one, _)| one.is_ipv6()));
        let of_link = ledger.link_resolvers.iter().filter(|_| hears && !is_gateway);
        let resolvers = own.chain(of_link);
        let routed = mac.is_some_and(|mac| self.routed.contains(&mac));
        DeviceFacts {
            id: device_id(key).into(),
            key,
            mac,
            label: label.and_then(|(label, _)| label.clone()),
            role: if is_gateway || routed { "gateway" } else { "device" },
            oui: oui.map(|text| safe(text.as_bytes())),
            mac_is_local: mac.is_some_and(Mac::is_local),
            maker: maker(self.signatures, &identities, oui).map(Box::new),
            kind: kind_of(&identities).map(|(kind, said)| {
                let value = kind.as_bytes().into();
                Box::new(Told { value, fact: said.fact, frame: said.frame, several: false })
            }),
            model: Told::first(&identities, IdentityKind::Model).map(Box::new),
            firmware: Told::first(&identities, IdentityKind::Firmware).map(Box::new),
            addresses: hardware
                .into_iter()
                .flat_map(Hardware::addresses)
                .filter(|(address, _)| self.device_of(Endpoint { mac, address: *address }) == key)
                .map(|&(address, [first, last])| AddressSeen { address, first, last })
                .collect(),
            visibility: Visibility {
                dhcp: identities.iter().any(|identity| identity.fact.starts_with("dhcp.")),
                ..sums.seen.clone()
            },
            identities,
            behind: hardware
                .filter(|_| !is_gateway && !routed)
                .into_iter()
                .flat_map(|h| h.behind().map(Behind::of))
                .collect(),
            resolvers: resolvers.map(|&(address, cite)| (address, cite.frame)).collect(),
            internet: sums.internet,
            private: sums.private,
            group: sums.group,
        }
        .into()
    }
}
