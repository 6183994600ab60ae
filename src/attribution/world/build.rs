//! Adds the ledger up into a world.

use super::{
    AddressSeen, Choice, Claim, Contact, Destination, Device, Excluded, Host, IdentitySeen,
    LeftOut, Level, Maker, NameSeen, Party, Remote, Service, Traffic, Visibility, WireText, World,
    Zone, destination_id, device_id, name_level, transport_name, zone,
};
use crate::attribution::geo::Geo;
use crate::attribution::ledger::{DeviceKey, Endpoint, Hardware, Ledger, Named, Row};
use crate::attribution::signature::{Found, Kind, Signatures};
use crate::attribution::{oui, reach};
use crate::base::address::Mac;
use crate::base::frame;
use crate::base::table::Set;
use crate::base::text::safe;
use crate::protocol::{IdentityKind, Label};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Unconfirmed IPv4 addresses behind one hardware address from which on it is taken for a
/// router: devices behind it are then told apart by network address.
const ROUTED_ADDRESSES: usize = 5;

struct Builder<'a> {
    ledger: &'a Ledger,
    geo: &'a Geo,
    signatures: &'a Signatures,
    choice: &'a Choice,
    routed: Set<Mac>,
    day: String,
}

impl World {
    /// Adds up the ledger.
    #[must_use]
    pub fn build(ledger: &Ledger, geo: &Geo, signatures: &Signatures, choice: &Choice) -> World {
        let latest = ledger.rows.iter().map(|row| row.last).max().unwrap_or_default();
        let (year, month, day) = latest.date();
        let routed = ledger.hardware.iter().filter(|(_, hardware)| is_routed(hardware));
        Builder {
            ledger,
            geo,
            signatures,
            choice,
            routed: routed.map(|(&mac, _)| mac).collect(),
            day: format!("{year:04}-{month:02}-{day:02}"),
        }
        .build()
    }
}

fn is_routed(hardware: &Hardware) -> bool {
    let unconfirmed = hardware
        .addresses
        .keys()
        .filter(|address| address.is_ipv4() && !hardware.confirmed.contains(*address));
    unconfirmed.count() >= ROUTED_ADDRESSES
}

impl Builder<'_> {
    fn build(&self) -> World {
        let mut devices = self.devices();
        let mut destinations: BTreeMap<(Zone, String), (Destination, Vec<usize>)> = BTreeMap::new();
        let mut contacts: BTreeMap<(DeviceKey, Zone, String), Vec<usize>> = BTreeMap::new();
        let mut row_claims = BTreeMap::new();
        for (index, row) in self.ledger.rows.iter().enumerate() {
            let key = self.device_of(row.local);
            let zone = zone(row.remote.address);
            let id = self.destination_of(row, zone);
            let traffic = Traffic::of(&row.totals);
            if let Some(device) = devices.get_mut(&key) {
                device.count(zone, row, &traffic);
            }
            if zone == Zone::Private
                && let Some(peer) = devices.get_mut(&self.device_of(row.remote))
            {
                peer.count(zone, row, &traffic.turned());
            }
            if self.left_out(key).is_some() {
                continue;
            }
            if let Some(claim) = self.claim(row) {
                row_claims.insert(index, claim);
            }
            contacts.entry((key, zone, id.clone())).or_default().push(index);
            destinations
                .entry((zone, id.clone()))
                .or_insert_with(|| (Destination::new(id, zone), Vec::new()))
                .1
                .push(index);
        }
        let mut left_out = Vec::new();
        let mut kept: Vec<Device> = Vec::new();
        for (key, device) in devices {
            match self.left_out(key) {
                Some(reason) => {
                    left_out.push(LeftOut { id: device.id, reason, internet: device.internet });
                }
                None => kept.push(device),
            }
        }
        kept.sort_by_key(|device| {
            let bytes = device.internet.wire();
            (device.role == "gateway", std::cmp::Reverse(bytes), device.id.clone())
        });
        let mut destinations: Vec<Destination> = destinations
            .into_values()
            .map(|(mut destination, rows)| {
                self.fill(&mut destination, &rows, &row_claims);
                destination
            })
            .collect();
        destinations.sort_by_key(|destination| {
            let bytes = destination.traffic.wire();
            (destination.zone, std::cmp::Reverse(bytes), destination.id.clone())
        });
        let contacts = self.contacts(contacts, &kept, &destinations, &row_claims);
        World { devices: kept, destinations, contacts, left_out, row_claims }
    }

    fn contacts(
        &self,
        rows: BTreeMap<(DeviceKey, Zone, String), Vec<usize>>,
        devices: &[Device],
        destinations: &[Destination],
        row_claims: &BTreeMap<usize, Claim>,
    ) -> Vec<Contact> {
        let device_index: BTreeMap<DeviceKey, usize> =
            devices.iter().enumerate().map(|(index, device)| (device.key, index)).collect();
        let destination_index: BTreeMap<(Zone, &str), usize> = destinations
            .iter()
            .enumerate()
            .map(|(index, destination)| ((destination.zone, destination.id.as_str()), index))
            .collect();
        let mut contacts: Vec<Contact> = rows
            .into_iter()
            .filter_map(|((key, zone, id), rows)| {
                let device = *device_index.get(&key)?;
                let destination = *destination_index.get(&(zone, id.as_str()))?;
                Some(self.contact(
                    (device, &devices[device]),
                    (destination, &destinations[destination]),
                    rows,
                    row_claims,
                ))
            })
            .collect();
        contacts.sort_by_key(|contact| {
            let bytes = contact.traffic.wire();
            let order = (contact.device_index, contact.zone, std::cmp::Reverse(bytes));
            (order, contact.destination.clone())
        });
        contacts
    }

    fn contact(
        &self,
        (device_index, device): (usize, &Device),
        (destination_index, destination): (usize, &Destination),
        rows: Vec<usize>,
        row_claims: &BTreeMap<usize, Claim>,
    ) -> Contact {
        let first_row = &self.ledger.rows[rows[0]];
        let all_rows = rows.iter().map(|&index| &self.ledger.rows[index]);
        let mut contact = Contact {
            device: device.id.clone(),
            destination: destination.id.clone(),
            zone: destination.zone,
            party: party(device, destination),
            services: services(all_rows),
            hosts: Vec::new(),
            traffic: Traffic::default(),
            missed_bytes: [0; 2],
            flows: 0,
            first: first_row.first,
            last: first_row.last,
            frames: first_row.frames,
            rows,
            device_index,
            destination_index,
        };
        let mut hosts: BTreeMap<Option<&[u8]>, Vec<usize>> = BTreeMap::new();
        for &index in &contact.rows {
            let row = &self.ledger.rows[index];
            let name = row.name.map(|named| self.ledger.names.get(named.name));
            hosts.entry(name).or_default().push(index);
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
        contact.hosts = hosts
            .into_iter()
            .map(|(name, rows)| self.host(name, &rows, destination, row_claims))
            .collect();
        contact.hosts.sort_by_key(|host| std::cmp::Reverse(host.traffic.wire()));
        contact
    }

    fn host(
        &self,
        name: Option<&[u8]>,
        rows: &[usize],
        destination: &Destination,
        row_claims: &BTreeMap<usize, Claim>,
    ) -> Host {
        let claim = rows.iter().find_map(|index| row_claims.get(index)).and_then(|claim| {
            destination.claims.iter().position(|other| {
                other.signature == claim.signature && other.pattern == claim.pattern
            })
        });
        let mut host = Host {
            name: name.map(WireText::from),
            sources: BTreeSet::new(),
            addresses: BTreeSet::new(),
            claim,
            services: Vec::new(),
            traffic: Traffic::default(),
        };
        for row in rows.iter().map(|&index| &self.ledger.rows[index]) {
            host.addresses.insert(row.remote.address);
            host.sources.extend(row.name.map(|named| named.source));
            host.traffic.add(&Traffic::of(&row.totals));
        }
        host.services = services(rows.iter().map(|&index| &self.ledger.rows[index]));
        host
    }

    /// A hardware address names a device, unless it fronts many network addresses.
    fn device_of(&self, end: Endpoint) -> DeviceKey {
        match end.mac {
            Some(mac) if !self.routed.contains(&mac) => DeviceKey::Mac(mac),
            Some(mac) if self.is_confirmed(mac, end.address) => DeviceKey::Mac(mac),
            _ => DeviceKey::Address(end.address),
        }
    }

    fn is_confirmed(&self, mac: Mac, address: IpAddr) -> bool {
        self.ledger.hardware.get(&mac).is_some_and(|h| h.confirmed.contains(&address))
    }

    fn left_out(&self, key: DeviceKey) -> Option<&'static str> {
        let is = |wanted: &DeviceKey| self.is_device(*wanted, key);
        if self.choice.exclude.iter().any(is) {
            Some("excluded")
        } else if !self.choice.devices.is_empty()
            && !self.choice.devices.iter().any(|(_, wanted)| is(wanted))
        {
            Some("not selected")
        } else {
            None
        }
    }

    /// A device may be asked for by any of its addresses.
    fn is_device(&self, wanted: DeviceKey, key: DeviceKey) -> bool {
        match (wanted, key) {
            (DeviceKey::Address(address), DeviceKey::Mac(mac)) => {
                self.ledger.hardware.get(&mac).is_some_and(|h| h.addresses.contains_key(&address))
            }
            _ => wanted == key,
        }
    }

    fn devices(&self) -> BTreeMap<DeviceKey, Device> {
        let mut keys: BTreeSet<DeviceKey> = BTreeSet::new();
        keys.extend(self.ledger.hardware.keys().map(|&mac| DeviceKey::Mac(mac)));
        for row in &self.ledger.rows {
            keys.insert(self.device_of(row.local));
            if zone(row.remote.address) == Zone::Private && row.totals[1].packets > 0 {
                keys.insert(self.device_of(row.remote));
            }
        }
        keys.retain(|&key| key != DeviceKey::Address(IpAddr::from([0, 0, 0, 0])));
        keys.into_iter().map(|key| (key, self.device(key))).collect()
    }

    fn device(&self, key: DeviceKey) -> Device {
        let ledger = self.ledger;
        let (mac, hardware) = match key {
            DeviceKey::Mac(mac) => (Some(mac), ledger.hardware.get(&mac)),
            DeviceKey::Address(_) => (None, None),
        };
        let identities: Vec<IdentitySeen> = ledger
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
        let is_gateway = hardware.is_some_and(|h| h.is_next_hop || !h.internet.is_empty());
        let oui = mac.and_then(oui::registrant);
        let label = self.choice.devices.iter().find(|(_, wanted)| self.is_device(*wanted, key));
        let resolvers = mac.and_then(|mac| ledger.resolvers.get(&mac)).into_iter().flatten();
        let routed = mac.is_some_and(|mac| self.routed.contains(&mac));
        Device {
            id: device_id(key),
            key,
            mac,
            label: label.and_then(|(label, _)| label.clone()),
            role: if is_gateway || routed { "gateway" } else { "device" },
            oui: oui.map(|text| safe(text.as_bytes())),
            mac_is_local: mac.is_some_and(Mac::is_local),
            maker: self.maker(&identities, oui),
            addresses: hardware
                .into_iter()
                .flat_map(|h| &h.addresses)
                .filter(|(address, _)| self.device_of(Endpoint { mac, address: **address }) == key)
                .map(|(&address, &[first, last])| AddressSeen { address, first, last })
                .collect(),
            visibility: Visibility {
                dhcp: identities.iter().any(|identity| identity.fact.starts_with("dhcp.")),
                group_only: true,
                ..Visibility::default()
            },
            identities,
            resolvers: resolvers.map(|&(address, cite)| (address, cite.frame)).collect(),
            internet: Traffic::default(),
            private: Traffic::default(),
            group: Traffic::default(),
        }
    }

    fn maker(&self, identities: &[IdentitySeen], oui: Option<&str>) -> Option<Maker> {
        let said = |kind: IdentityKind| {
            identities
                .iter()
                .find(|identity| identity.kind == kind.name() && identity.fact.starts_with("dhcp."))
                .map(|identity| identity.value.text.as_str())
        };
        let by_dhcp = self
            .signatures
            .by_dhcp(said(IdentityKind::HostName), said(IdentityKind::VendorClass))
            .map(|signature| (signature, "dhcp"));
        let by_oui = || oui.and_then(|oui| self.signatures.by_registrant(oui)).map(|s| (s, "oui"));
        if let Some((signature, by)) = by_dhcp.or_else(by_oui) {
            let vendor = Some(signature.id.clone());
            return Some(Maker { vendor, name: signature.name.clone(), by });
        }
        oui.map(|oui| Maker { vendor: None, name: safe(oui.as_bytes()), by: "oui" })
    }

    fn destination_of(&self, row: &Row, zone: Zone) -> String {
        match zone {
            Zone::Internet => {
                let name = row.name.map(|named| self.ledger.names.get(named.name));
                destination_id(name, row.remote.address)
            }
            Zone::Private => device_id(self.device_of(row.remote)),
            Zone::Group => format!("group:{}", row.remote.address),
        }
    }

    fn fill(
        &self,
        destination: &mut Destination,
        rows: &[usize],
        row_claims: &BTreeMap<usize, Claim>,
    ) {
        let mut names: BTreeMap<(&'static str, Vec<u8>), NameSeen> = BTreeMap::new();
        let mut remotes: BTreeMap<IpAddr, (Traffic, Option<i64>)> = BTreeMap::new();
        let mut claims: Vec<Claim> = Vec::new();
        for (index, row) in rows.iter().map(|&index| (index, &self.ledger.rows[index])) {
            let traffic = Traffic::of(&row.totals);
            destination.traffic.add(&traffic);
            let remote = remotes.entry(row.remote.address).or_default();
            remote.0.add(&traffic);
            remote.1 = [remote.1, row.round_trip].into_iter().flatten().min();
            if let Some(named) = row.name {
                let bytes = self.ledger.names.get(named.name);
                let seen = NameSeen {
                    name: WireText::from(bytes),
                    source: named.source.name(),
                    frame: named.cite.frame,
                    several: named.several,
                    dns_says: row.disagrees.map(|(name, cite)| {
                        (WireText::from(self.ledger.names.get(name)), cite.frame)
                    }),
                };
                let kept =
                    names.entry((named.source.name(), bytes.to_vec())).or_insert(seen.clone());
                kept.several |= seen.several;
                kept.dns_says = kept.dns_says.take().or(seen.dns_says);
            }
            if let Some(claim) = row_claims.get(&index) {
                let known = claims.iter_mut().find(|other| {
                    other.signature == claim.signature && other.pattern == claim.pattern
                });
                match known {
                    Some(other) if claim.level < other.level => *other = claim.clone(),
                    Some(_) => {}
                    None => claims.push(claim.clone()),
                }
            }
        }
        destination.names = names.into_values().collect();
        destination.remotes = remotes
            .into_iter()
            .map(|(address, (traffic, round_trip))| {
                self.remote(destination.zone, address, traffic, round_trip)
            })
            .collect();
        claims.sort_by(|a, b| (&a.signature, &a.pattern).cmp(&(&b.signature, &b.pattern)));
        destination.claims = claims;
    }

    fn remote(&self, zone: Zone, address: IpAddr, traffic: Traffic, rtt: Option<i64>) -> Remote {
        let place = match zone {
            Zone::Internet => self.geo.place(address),
            Zone::Private | Zone::Group => Default::default(),
        };
        let mut excluded = Vec::new();
        if let (Some(here), Some(round_trip)) = (&self.choice.here, rtt) {
            for country in place.country_codes() {
                if let Some(least_km) = reach::excludes(here, country, round_trip) {
                    let farthest_km = reach::farthest_km(round_trip);
                    excluded.push(Excluded { country: country.to_owned(), least_km, farthest_km });
                }
            }
        }
        Remote {
            address,
            countries: place.countries,
            networks: place.networks,
            round_trip_ns: rtt,
            excluded,
            traffic,
        }
    }

    /// Whose remote this is: by the row's name, else by its address.
    fn claim(&self, row: &Row) -> Option<Claim> {
        if zone(row.remote.address) != Zone::Internet {
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

/// What rows speak, most traffic first.
fn services<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<Service> {
    let mut all: BTreeMap<_, Traffic> = BTreeMap::new();
    for row in rows {
        let Label { protocol, method, content, .. } = row.label;
        let key = (row.protocol, row.port, protocol, method.name(), content);
        all.entry(key).or_default().add(&Traffic::of(&row.totals));
    }
    let mut services: Vec<Service> = all
        .into_iter()
        .map(|((proto, port, protocol, method, content), traffic)| Service {
            proto: transport_name(proto),
            port,
            protocol,
            method,
            content: content.name(),
            traffic,
        })
        .collect();
    services.sort_by_key(|service| std::cmp::Reverse(service.traffic.wire()));
    services
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
            Kind::Analytics | Kind::Relay => Party::Third,
            Kind::Vendor => party,
        };
    }
    party
}

impl Destination {
    fn new(id: String, zone: Zone) -> Destination {
        Destination {
            id,
            zone,
            names: Vec::new(),
            remotes: Vec::new(),
            claims: Vec::new(),
            traffic: Traffic::default(),
        }
    }
}

impl Device {
    fn count(&mut self, zone: Zone, row: &Row, traffic: &Traffic) {
        match zone {
            Zone::Internet => &mut self.internet,
            Zone::Private => &mut self.private,
            Zone::Group => &mut self.group,
        }
        .add(traffic);
        let seen = &mut self.visibility;
        if zone != Zone::Group {
            seen.flows += row.flows;
            seen.one_sided_flows += row.one_sided;
            seen.acknowledged_unseen_flows += row.acknowledged_unseen;
            seen.group_only = false;
            seen.both_directions |= traffic.packets.iter().all(|&packets| packets > 0);
        }
        seen.dns |= matches!(row.label.protocol, "dns" | "mdns" | "llmnr");
        seen.ipv6 |= row.remote.address.is_ipv6();
        seen.first = Some(seen.first.map_or(row.first, |first| first.min(row.first)));
        seen.last = Some(seen.last.map_or(row.last, |last| last.max(row.last)));
    }
}
