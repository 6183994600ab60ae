//! What is known of a device.

use crate::attribution::forwarded::Forwarded;
use crate::base::address::Mac;
use crate::base::table::Set;
use crate::base::time::Timestamp;
use crate::protocol::IdentityKind;
use std::net::IpAddr;

/// What is known of a hardware address.
#[derive(Debug, Default, Clone)]
pub struct Hardware {
    /// Addresses on the test network that it sent from, with first and last sight, in order.
    pub addresses: Vec<(IpAddr, [Timestamp; 2])>,
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

impl Hardware {
    pub(super) fn saw(&mut self, address: IpAddr, time: Timestamp) {
        match self.place(address) {
            Ok(at) => {
                let [_, latest] = &mut self.addresses[at].1;
                *latest = time.max(*latest);
            }
            // A device has few addresses; what has more is a router, and further ones change
            // nothing.
            Err(at) if self.addresses.len() < 64 => {
                self.addresses.insert(at, (address, [time, time]));
            }
            Err(_) => {}
        }
    }

    /// Whether it sent from an address.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        self.place(address).is_ok()
    }

    fn place(&self, address: IpAddr) -> Result<usize, usize> {
        self.addresses.binary_search_by_key(&address, |&(address, _)| address)
    }
}
