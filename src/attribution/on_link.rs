//! Which addresses of the internet's range belong to devices on the test network: global IPv6
//! addresses mostly, and public IPv4 addresses of networks that have their own. Their holders say
//! so by neighbour discovery and ARP.
//!
//! An address counts as at home only in packets that bear its holder's hardware address. So a
//! device that claims a remote's address hides nothing: packets of the remote bear the gateway's.

use crate::base::address::{Mac, Scope, scope};
use crate::base::table::Map;
use crate::base::time::Timestamp;
use std::net::IpAddr;

/// Most addresses kept.
const HELD_MAX: usize = 65_536;

/// An address is said to be at a hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    /// The hardware address.
    pub mac: Mac,
    /// The address.
    pub address: IpAddr,
    /// When it was said.
    pub time: Timestamp,
    /// The hardware address itself says so, not another for it.
    pub own: bool,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct OnLink {
    held: Map<IpAddr, Mac>,
    /// Addresses that there was no room for.
    pub lost: u64,
}

impl Holds {
    /// A hardware address says so of itself.
    #[must_use]
    pub fn own(mac: Mac, address: IpAddr, time: Timestamp) -> Holds {
        Holds { mac, address, time, own: true }
    }
}

impl OnLink {
    /// Learns who holds an address; the latest who says so does.
    pub fn learn(&mut self, holds: &Holds) {
        let Holds { mac, address, own, .. } = *holds;
        if !own || mac.is_group() || mac.is_zero() || scope(address) != Scope::Internet {
            return;
        }
        if self.held.len() >= HELD_MAX && !self.held.contains_key(&address) {
            self.lost += 1;
            return;
        }
        self.held.insert(address, mac);
    }

    /// The scope of an address in a packet that bears this hardware address beside it.
    #[inline]
    #[must_use]
    pub fn scope(&self, address: IpAddr, mac: Option<Mac>) -> Scope {
        match scope(address) {
            Scope::Internet if self.is_held(address, mac) => Scope::Inside,
            scope => scope,
        }
    }

    #[inline]
    fn is_held(&self, address: IpAddr, mac: Option<Mac>) -> bool {
        !self.held.is_empty() && mac.is_some() && self.held.get(&address).copied() == mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_at_home_only_beside_its_holder() {
        let [camera, gateway] = [Mac([2, 0, 0, 0, 0, 7]), Mac([2, 0, 0, 0, 0, 1])];
        let own: IpAddr = "2a00:1450:4001::7".parse().unwrap();
        let mut on_link = OnLink::default();
        let holds = Holds::own(camera, own, Timestamp(0));
        assert_eq!(on_link.scope(own, Some(camera)), Scope::Internet);
        on_link.learn(&Holds { own: false, ..holds });
        assert_eq!(on_link.scope(own, Some(camera)), Scope::Internet, "said by another");
        on_link.learn(&holds);
        assert_eq!(on_link.scope(own, Some(camera)), Scope::Inside);
        assert_eq!(on_link.scope(own, Some(gateway)), Scope::Internet, "through the gateway");
        assert_eq!(on_link.scope(own, None), Scope::Internet);
    }
}
