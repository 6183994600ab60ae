//! What devices said, as the dissectors heard it: descriptions of themselves, readable secrets,
//! names that were asked for.

use super::told::{Kind, Told, masked};
use crate::attribution::Ledger;
use crate::attribution::ledger::{DeviceKey, Mark};
use crate::attribution::world::device_id;
use crate::base::address::Mac;
use crate::protocol::IdentityKind;
use std::collections::BTreeSet;

/// Names that only a network of somebody's own resolves (RFC 6762, RFC 8375, and by custom).
const OWN_NETWORK: [&[u8]; 8] = [
    b".local",
    b".lan",
    b".home",
    b".home.arpa",
    b".internal",
    b".intranet",
    b".corp",
    b".fritz.box",
];

/// Hardware addresses of the unit.
pub fn unit(ledger: &Ledger, device: Option<DeviceKey>) -> BTreeSet<Mac> {
    match device {
        None => BTreeSet::new(),
        Some(DeviceKey::Mac(mac)) => BTreeSet::from([mac]),
        Some(DeviceKey::Address(address)) => {
            let has = ledger.hardware.iter().filter(|(_, hardware)| hardware.has(address));
            has.map(|(&mac, _)| mac).collect()
        }
    }
}

/// Tells them.
pub fn of(ledger: &Ledger, told: &mut Told) {
    let mut described: Vec<_> = ledger.identities.iter().collect();
    described.sort_unstable_by_key(|&(device, _)| *device);
    for (&device, identities) in described {
        for identity in identities {
            let Some(kind) = kind(identity.kind, &identity.value) else { continue };
            let device = Some(device_id(device));
            told.of_device(kind, &identity.value, identity.fact, device, identity.frame);
        }
    }
    for row in &ledger.rows {
        let device = row.local.mac.map_or(DeviceKey::Address(row.local.address), DeviceKey::Mac);
        for evidence in row.evidence.iter().filter(|evidence| evidence.mark == Mark::Credential) {
            let user = masked(&evidence.value);
            let value = format!("user {user}, secret of {} bytes", evidence.length);
            let (device, said_as) = (Some(device_id(device)), &*evidence.what);
            told.of_device(
                Kind::Credential,
                value.as_bytes(),
                said_as,
                device,
                evidence.cite.frame,
            );
        }
    }
    for (name, asked) in ledger.asked.iter() {
        let name = ledger.names.get(name);
        let lower = name.to_ascii_lowercase();
        // Names of services, which everybody asks for, begin with an underscore.
        if OWN_NETWORK.iter().any(|end| lower.ends_with(end)) && !lower.starts_with(b"_") {
            told.frame(Kind::HostName, name, "dns or mdns", asked.first_frame);
        }
    }
}

/// What a description gives away; products and versions are those of many.
fn kind(kind: IdentityKind, value: &[u8]) -> Option<Kind> {
    Some(match kind {
        IdentityKind::HostName => Kind::HostName,
        IdentityKind::Serial => Kind::Serial,
        // Nobody knows what stands at the beginning of such a message.
        IdentityKind::DeviceId | IdentityKind::Beginning | IdentityKind::Key => Kind::DeviceId,
        IdentityKind::Account => Kind::Account,
        IdentityKind::Location => Kind::Location,
        IdentityKind::Mac => Kind::Mac,
        // What a service is called: `Living room._airplay._tcp.local`.
        IdentityKind::Service if value.windows(2).any(|pair| pair == b"._") => {
            return (value[0] != b'_').then_some(Kind::HostName);
        }
        IdentityKind::Service
        | IdentityKind::VendorClass
        | IdentityKind::Product
        | IdentityKind::Model
        | IdentityKind::Firmware
        | IdentityKind::Software => return None,
    })
}
