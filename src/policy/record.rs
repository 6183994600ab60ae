//! The record of an acceptance: what was tested, when, and what could not be seen.

use super::{Decision, Outcome, overall};
use crate::base::time::Timestamp;
use serde::Serialize;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The unit under test, as the tester calls it.
    pub unit: Option<String>,
    /// Its firmware, as the tester says.
    pub firmware: Option<String>,
    /// First and last packet.
    pub window: Option<[Timestamp; 2]>,
    /// `fail`, `not decided` or `pass` over all rules.
    pub decision: Decision,
    /// What this window and passive listening could not show.
    pub not_observable: Vec<String>,
}

/// Writes the record. `extra` is what single rules could not see.
#[must_use]
pub fn record(
    [unit, firmware]: [Option<String>; 2],
    window: Option<[Timestamp; 2]>,
    outcomes: &[Outcome],
    withdrawn: &[String],
    extra: Vec<String>,
) -> Record {
    let mut not_observable: Vec<String> = vec![
        "what was said inside encrypted traffic".to_owned(),
        "what the device does before and after this window, or in phases that were not tested"
            .to_owned(),
        "what happens to data once they have arrived: storage, retention, onward transfer"
            .to_owned(),
        "other ways out: mobile networks, other radios".to_owned(),
    ];
    if unit.is_none() {
        not_observable.push("which unit this is: --unit was not given".to_owned());
    }
    if firmware.is_none() {
        not_observable.push("which firmware ran: --firmware was not given".to_owned());
    }
    not_observable.extend(withdrawn.iter().cloned());
    not_observable.extend(extra);
    Record { unit, firmware, window, decision: overall(outcomes), not_observable }
}
