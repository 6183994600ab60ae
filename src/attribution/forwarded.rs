//! What comes through a device without being its own: devices behind a hub, a soft access point or a
//! second router. Their packets bear its hardware address and hop limits that one more router has
//! counted down, and requests for addresses name another hardware address than the sender's.

use super::ledger::Hardware;
use crate::base::address::Mac;
use std::net::IpAddr;

/// Most that is remembered of one hardware address; more of it changes nothing.
const BEHIND_MAX: usize = 16;
/// What senders begin with (IANA's default is 64; others use 128 and 255), and how many routers may
/// stand between.
const INITIAL: [u8; 3] = [64, 128, 255];
const ROUTERS_MAX: u8 = 4;

/// One device that is reached through another, as far as it can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarded {
    /// Its network address.
    pub address: Option<IpAddr>,
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// Hop limit of its packets.
    pub hops: u8,
    /// Its flows.
    pub flows: u64,
    /// The first frame that shows it.
    pub frame: u64,
}

/// Whether no router has counted down a hop limit.
pub(super) fn is_whole(hops: u8) -> bool {
    INITIAL.contains(&hops)
}

impl Hardware {
    /// A flow in which this hardware address sent from `address`, first in `frame`.
    pub(super) fn sent_from(&mut self, address: IpAddr, hops: u8, frame: u64) {
        if is_whole(hops) {
            let is_lowest = self.is_lowest(address);
            if is_lowest && self.hops_noted {
                return;
            }
            self.hops_noted |= is_lowest;
            if self.own_hops.len() < BEHIND_MAX && !self.own_hops.contains(&address) {
                self.own_hops.push(address);
            }
        } else if INITIAL.iter().any(|from| (1..=ROUTERS_MAX).contains(&from.wrapping_sub(hops))) {
            let known = self.forwarded.iter().position(|one| one.address == Some(address));
            match known {
                Some(at) => self.forwarded[at].flows += 1,
                None if self.forwarded.len() < BEHIND_MAX => {
                    let address = Some(address);
                    self.forwarded.push(Forwarded { address, mac: None, hops, flows: 1, frame });
                }
                None => {}
            }
        }
    }

    /// This hardware address sent a request for an address that names another.
    pub(super) fn asked_for(&mut self, mac: Mac, frame: u64) {
        let known = self.forwarded.iter().any(|one| one.mac == Some(mac));
        if !known && self.forwarded.len() < BEHIND_MAX {
            let forwarded = Forwarded { address: None, mac: Some(mac), hops: 0, flows: 0, frame };
            self.forwarded.push(forwarded);
        }
    }

    /// What is behind it. A hop limit that is counted down tells only where the same hardware address
    /// also sends with one that is not: else the capture stands behind a router itself.
    pub fn behind(&self) -> impl Iterator<Item = &Forwarded> {
        self.forwarded.iter().filter(|one| match one.address {
            Some(address) if self.confirmed.contains(&address) => self.own_hops.contains(&address),
            Some(_) => !self.own_hops.is_empty(),
            None => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    #[test]
    fn hop_limits_counted_down_tell_what_is_behind_only_beside_whole_ones() {
        let own = IpAddr::from([10, 10, 10, 144]);
        let phone = IpAddr::from([10, 22, 22, 138]);
        let mut hub = Hardware::default();
        hub.confirmed.insert(own);
        hub.sent_from(phone, 63, 9);
        assert_eq!(hub.behind().count(), 0, "a router in the way would do the same");
        hub.sent_from(own, 64, 10);
        hub.sent_from(phone, 63, 11);
        let [behind] = hub.behind().collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!((behind.address, behind.frame, behind.flows), (Some(phone), 9, 2));
        let mut plain = Hardware::default();
        plain.confirmed.insert(own);
        plain.sent_from(own, 64, 1);
        plain.sent_from(own, 1, 2);
        plain.sent_from(own, 4, 3);
        assert_eq!(plain.behind().count(), 0);
        plain.sent_from(own, 127, 4);
        assert_eq!(plain.behind().count(), 1, "one address for several");
        let lower = IpAddr::from([10, 10, 10, 3]);
        let mut two = Hardware::default();
        for (address, hops) in [(own, 64), (own, 64), (lower, 63), (lower, 64), (lower, 64)] {
            two.saw(address, Timestamp(0));
            two.sent_from(address, hops, 1);
        }
        assert_eq!(two.own_hops, [own, lower], "a lower address that comes later is noted too");
    }
}
