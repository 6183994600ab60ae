//! Whose the ends of the ledger's rows are, asked once of each row, and what each of them sent where.

use super::build::Builder;
use super::{Traffic, Visibility, Zone, zone_of};
use crate::attribution::ledger::{DeviceKey, Row};
use crate::base::table::Map;
use std::net::IpAddr;

/// No end on the test network.
pub(super) const NOBODY: u32 = u32::MAX;

/// See the module. Keys are told by their position, in the order in which they were met.
#[derive(Default)]
pub(super) struct Ends {
    pub keys: Vec<DeviceKey>,
    pub sums: Vec<Sums>,
    /// By row.
    pub local: Vec<u32>,
    /// By row, where the other end is on the test network too.
    pub remote: Vec<u32>,
    positions: Map<DeviceKey, u32>,
}

/// What one of them sent where.
#[derive(Clone)]
pub(super) struct Sums {
    /// It sent something.
    pub is_device: bool,
    pub internet: Traffic,
    pub private: Traffic,
    pub group: Traffic,
    pub seen: Visibility,
}

impl Ends {
    pub fn of(builder: &Builder<'_>) -> Ends {
        let rows = &builder.ledger.rows;
        let mut ends = Ends {
            local: Vec::with_capacity(rows.len()),
            remote: Vec::with_capacity(rows.len()),
            ..Ends::default()
        };
        for &mac in builder.ledger.hardware.keys() {
            let at = ends.position(DeviceKey::Mac(mac));
            ends.sums[at as usize].is_device = true;
        }
        for row in rows {
            let zone = zone_of(row.remote);
            let traffic = Traffic::of(&row.totals);
            let local = ends.position(builder.device_of(row.local));
            ends.sums[local as usize].is_device = true;
            ends.sums[local as usize].count(zone, row, &traffic);
            let mut remote = NOBODY;
            if zone == Zone::Private {
                remote = ends.position(builder.device_of(row.remote));
                let peer = &mut ends.sums[remote as usize];
                peer.is_device |= row.totals[1].packets > 0;
                peer.count(zone, row, &traffic.turned());
            }
            ends.local.push(local);
            ends.remote.push(remote);
        }
        // Whoever has no address yet is nobody.
        if let Some(&none) = ends.positions.get(&DeviceKey::Address(IpAddr::from([0, 0, 0, 0]))) {
            ends.sums[none as usize].is_device = false;
        }
        ends
    }

    /// Positions of the devices, by their keys.
    pub fn devices(&self) -> Vec<usize> {
        let all = 0..self.keys.len();
        let mut devices: Vec<usize> = all.filter(|&at| self.sums[at].is_device).collect();
        devices.sort_unstable_by_key(|&at| self.keys[at]);
        devices
    }

    fn position(&mut self, key: DeviceKey) -> u32 {
        *self.positions.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.sums.push(Sums::default());
            self.keys.len() as u32 - 1
        })
    }
}

impl Default for Sums {
    fn default() -> Sums {
        let seen = Visibility { group_only: true, ..Visibility::default() };
        let [internet, private, group] = [Traffic::default(); 3];
        Sums { is_device: false, internet, private, group, seen }
    }
}

impl Sums {
    fn count(&mut self, zone: Zone, row: &Row, traffic: &Traffic) {
        match zone {
            Zone::Internet => &mut self.internet,
            Zone::Private => &mut self.private,
            Zone::Group => &mut self.group,
        }
        .add(traffic);
        let seen = &mut self.seen;
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
