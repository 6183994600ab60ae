//! What there is among the rows of a contact, in one word: whoever wants something else need not look at
//! the rows, of which each lies somewhere else in memory.

use super::{Claim, Zone};
use crate::attribution::ledger::{Mark, Row};
use crate::attribution::signature::Kind;
use crate::protocol::{Content, Method, TCP};

/// Kinds of evidence take the bits below.
const ABOVE_MARKS: u32 = 32;
/// Kinds of claims take the bits from here on.
const CLAIMS: u32 = 48;

/// See the module. Each sign is one of some row; a sign that is missing holds for every row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Signs(u64);

impl Signs {
    /// The contact goes to the internet.
    pub const INTERNET: Signs = Signs(1 << ABOVE_MARKS);
    /// It stays on the test network.
    pub const PRIVATE: Signs = Signs(1 << (ABOVE_MARKS + 1));
    /// It goes to many at once.
    pub const GROUP: Signs = Signs(1 << (ABOVE_MARKS + 2));
    /// Content can be read, which is no guess by a port.
    pub const READABLE: Signs = Signs(1 << (ABOVE_MARKS + 3));
    /// The device began something that no name and no signature explains.
    pub const UNEXPLAINED: Signs = Signs(1 << (ABOVE_MARKS + 4));
    /// By [`is_answered`].
    pub const ANSWERED: Signs = Signs(1 << (ABOVE_MARKS + 5));
    /// The time was asked for.
    pub const CLOCK: Signs = Signs(1 << (ABOVE_MARKS + 6));
    /// By [`is_in_vain`].
    pub const IN_VAIN: Signs = Signs(1 << (ABOVE_MARKS + 7));
    /// The device sent payload.
    pub const SENT: Signs = Signs(1 << (ABOVE_MARKS + 8));
    /// A signature knows the remote.
    pub const CLAIMED: Signs = Signs(0xffff << CLAIMS);
    /// It stays on the test network, or goes to the internet.
    pub const TO_ONE: Signs = Signs::INTERNET.or(Signs::PRIVATE);
    /// An end says of itself what it is.
    pub const TELLS: Signs = Signs::of(Mark::TellsHere).or(Signs::of(Mark::TellsThere));

    /// Evidence of a kind.
    #[must_use]
    pub const fn of(mark: Mark) -> Signs {
        Signs(mark as u64)
    }

    /// A claim of a kind.
    #[must_use]
    pub const fn of_claim(kind: Kind) -> Signs {
        Signs(1 << (CLAIMS + kind as u32))
    }

    /// Both.
    #[must_use]
    pub const fn or(self, other: Signs) -> Signs {
        Signs(self.0 | other.0)
    }

    /// Whether any of these signs is here.
    #[must_use]
    pub const fn has(self, any: Signs) -> bool {
        self.0 & any.0 != 0
    }

    pub(super) fn of_row(zone: Zone, row: &Row, claim: Option<&Claim>) -> Signs {
        let signs = [
            (zone == Zone::Internet, Signs::INTERNET),
            (zone == Zone::Private, Signs::PRIVATE),
            (zone == Zone::Group, Signs::GROUP),
            (
                row.content() == Content::Clear
                    && matches!(row.label.method, Method::Payload | Method::Expected),
                Signs::READABLE,
            ),
            (row.begun_here && row.name.is_none() && claim.is_none(), Signs::UNEXPLAINED),
            (is_answered(zone, row), Signs::ANSWERED),
            (row.label.protocol == "ntp", Signs::CLOCK),
            (is_in_vain(row), Signs::IN_VAIN),
            (row.totals[0].payload_bytes > 0, Signs::SENT),
        ];
        let all = signs.into_iter().filter(|(is, _)| *is).map(|(_, sign)| sign);
        let claimed = claim.map(|claim| Signs::of_claim(claim.kind));
        all.chain(claimed).fold(Signs(u64::from(row.marks)), Signs::or)
    }
}

/// Whether one end of a row asked and the other, of which a service is told, answered.
#[must_use]
pub fn is_answered(zone: Zone, row: &Row) -> bool {
    match zone {
        // Between two local ends the one that began is the local one.
        Zone::Private => row.begun_here && row.totals[1].payload_bytes > 0,
        Zone::Internet => row.begun_there && !row.begun_here && row.totals[0].payload_bytes > 0,
        Zone::Group => false,
    }
}

/// Whether the device tried connections that came to nothing. What was looked up by name was not found
/// by trying.
#[must_use]
pub fn is_in_vain(row: &Row) -> bool {
    row.protocol == TCP
        && row.begun_here
        && row.name.is_none()
        && row.totals.iter().all(|sent| sent.payload_bytes == 0)
}
