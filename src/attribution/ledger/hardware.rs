//! What is known of a device.

use crate::attribution::forwarded::Forwarded;
use crate::base::address::Mac;
use crate::base::table::Set;
use crate::base::time::Timestamp;
use crate::protocol::IdentityKind;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};

/// Most addresses kept of one hardware address.
const SIGHTS_MAX: usize = 64;

/// An address on the test network that a hardware address sent from, with first and last sight.
pub type Sight = (IpAddr, [Timestamp; 2]);

/// What is known of a hardware address. Each flow that begins touches what lies in the table; the rest
/// stays apart, since most devices have one address.
#[derive(Debug, Default, Clone)]
pub struct Hardware {
    /// The lowest of the addresses on the test network that it sent from.
    lowest: Option<Sight>,
    /// There is nothing more to note of whole hop limits that it sends from there with.
    pub(in crate::attribution) hops_noted: bool,
    details: Box<Details>,
}

/// The rest of what is known of a hardware address.
#[derive(Debug, Default, Clone)]
pub struct Details {
    /// All further addresses on the test network that it sent from, in order.
    further: Vec<Sight>,
    /// Addresses it claimed by ARP or was given by DHCP: surely its own.
    pub confirmed: Set<IpAddr>,
    /// Different internet addresses it sent from, the first few.
    pub internet: Vec<IpAddr>,
    /// Different internet addresses that packets sent to it were for, the first few.
    pub hop_to: Vec<IpAddr>,
    /// Addresses that it sent from with a hop limit no router has counted down.
    pub(in crate::attribution) own_hops: Vec<IpAddr>,
    /// What may be behind it.
    pub(in crate::attribution) forwarded: Vec<Forwarded>,
}

/// Which device something was said about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceKey {
    /// By hardware address.
    Mac(Mac),
    /// By network address, where the capture is routed.
    Address(IpAddr),
}

/// One description of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What it describes.
    pub kind: IdentityKind,
    /// What the protocol calls it.
    pub fact: &'static str,
    /// As it was on the wire.
    pub value: Box<[u8]>,
    /// Where.
    pub frame: u64,
}

impl Deref for Hardware {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.details
    }
}

impl DerefMut for Hardware {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.details
    }
}

impl Hardware {
    pub(in crate::attribution) fn saw(&mut self, address: IpAddr, time: Timestamp) {
        let sight = (address, [time, time]);
        let Some(lowest) = &mut self.lowest else {
            self.lowest = Some(sight);
            return;
        };
        if lowest.0 == address {
            let [_, latest] = &mut lowest.1;
            *latest = time.max(*latest);
            return;
        }
        let further = &mut self.details.further;
        // A device has few addresses; what has more is a router, and further ones change nothing.
        let has_room = further.len() < SIGHTS_MAX - 1;
        if address < lowest.0 {
            if has_room {
                further.insert(0, std::mem::replace(lowest, sight));
                self.hops_noted = false;
            }
            return;
        }
        match further.binary_search_by_key(&address, |&(address, _)| address) {
            Ok(at) => {
                let [_, latest] = &mut further[at].1;
                *latest = time.max(*latest);
            }
            Err(at) if has_room => further.insert(at, sight),
            Err(_) => {}
        }
    }

    /// Addresses on the test network that it sent from, in order.
    pub fn addresses(&self) -> impl Iterator<Item = &Sight> {
        self.lowest.iter().chain(&self.details.further)
    }

    /// Whether this is the lowest address that it sent from.
    pub(in crate::attribution) fn is_lowest(&self, address: IpAddr) -> bool {
        self.lowest.is_some_and(|(lowest, _)| lowest == address)
    }

    /// Whether it sent from an address.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        self.is_lowest(address)
            || self.details.further.binary_search_by_key(&address, |&(one, _)| one).is_ok()
    }

    /// Reads a little of it; the number means nothing.
    #[inline]
    pub(super) fn glance(&self) -> u64 {
        self.lowest.map_or(0, |(_, [_, latest])| latest.0 as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_in_order_whichever_was_seen_first() {
        let address = |last: u8| IpAddr::from([10, 0, 0, last]);
        let mut device = Hardware::default();
        for (time, last) in [(1, 7), (2, 9), (3, 3), (4, 5), (5, 3), (6, 9), (4, 7)] {
            device.saw(address(last), Timestamp(time));
        }
        let all: Vec<(IpAddr, [i64; 2])> =
            device.addresses().map(|&(one, times)| (one, times.map(|time| time.0))).collect();
        let expected = [(3, [3, 5]), (5, [4, 4]), (7, [1, 4]), (9, [2, 6])];
        assert_eq!(all, expected.map(|(last, times)| (address(last), times)));
        assert!(device.has(address(3)) && device.has(address(9)) && !device.has(address(4)));
        for last in 10..=255 {
            device.saw(address(last), Timestamp(9));
        }
        device.saw(address(1), Timestamp(9));
        assert_eq!((device.addresses().count(), device.has(address(1))), (SIGHTS_MAX, false));
    }
}
