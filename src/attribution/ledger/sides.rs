//! Which end of a flow is at home, and what its addresses say of both: found out once for all that
//! is asked of a flow at one moment.

use super::{Endpoint, Ledger};
use crate::base::address::{Mac, Scope};
use crate::flow::{Flow, FlowKey, Head, Side};
use std::net::IpAddr;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Sides {
    /// The side at home.
    local: Side,
    /// By [`Side::index`].
    scopes: [Scope; 2],
    /// By [`Side::index`].
    ends: [Endpoint; 2],
}

impl Sides {
    /// The side at home.
    #[inline]
    #[must_use]
    pub fn local(&self) -> Side {
        self.local
    }

    /// Part of the world that a side's address belongs to.
    #[inline]
    #[must_use]
    pub fn scope(&self, side: Side) -> Scope {
        self.scopes[side.index()]
    }

    /// An end; see [`Ledger::endpoint`].
    #[inline]
    #[must_use]
    pub fn end(&self, side: Side) -> Endpoint {
        self.ends[side.index()]
    }

    /// The end at home.
    #[inline]
    #[must_use]
    pub fn here(&self) -> Endpoint {
        self.end(self.local)
    }

    /// The other end.
    #[inline]
    #[must_use]
    pub fn there(&self) -> Endpoint {
        self.end(self.local.other())
    }

    /// Where both or neither of the ends are at home, the side that began.
    #[inline]
    fn at_home(scopes: [Scope; 2], initiator: Side) -> Side {
        match (scopes[initiator.index()], scopes[initiator.other().index()]) {
            (Scope::Internet | Scope::Group, Scope::Inside | Scope::Loopback)
            | (Scope::Group, Scope::Internet) => initiator.other(),
            _ => initiator,
        }
    }
}

#[inline]
fn endpoint(address: IpAddr, mac: Option<Mac>, scope: Scope) -> Endpoint {
    let mac = mac.filter(|mac| scope == Scope::Inside && !mac.is_group());
    Endpoint { mac, address }
}

impl Ledger {
    #[inline]
    fn sides_between(&self, key: &FlowKey, macs: [Option<Mac>; 2], initiator: Side) -> Sides {
        let [low, high] = [key.address(Side::Low), key.address(Side::High)];
        let scopes = [self.on_link.scope(low, macs[0]), self.on_link.scope(high, macs[1])];
        let ends = [endpoint(low, macs[0], scopes[0]), endpoint(high, macs[1], scopes[1])];
        Sides { local: Sides::at_home(scopes, initiator), scopes, ends }
    }

    /// One end of a flow that says something.
    #[inline]
    pub(super) fn end_of(&self, flow: &Head, side: Side) -> Endpoint {
        let (address, mac) = (flow.key.address(side), flow.macs[side.index()]);
        endpoint(address, mac, self.on_link.scope(address, mac))
    }

    /// Of a flow that begins or says something; as long valid as [`Ledger::sides_of`].
    #[inline]
    #[must_use]
    pub fn sides(&self, flow: &Head) -> Sides {
        self.sides_between(&flow.key, flow.macs, flow.initiator)
    }

    /// Of a flow as it stands. They are the same until it is heard who holds an address
    /// ([`Ledger::holds`]).
    #[inline]
    #[must_use]
    pub fn sides_of(&self, flow: &Flow) -> Sides {
        self.sides_between(&flow.key, flow.macs(), flow.initiator)
    }
}
