//! `transfer.no-adequacy` and `transfer.partial-adequacy`: data goes to a country of which transfer
//! decisions under the GDPR say nothing, or only something of some recipients. The same check for
//! every country; legal facts stand beside a finding and never in its sentence.

use super::placed::placed;
use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::geo::CountryCode;
use crate::attribution::legal::{self, Transfer as Decided};
use crate::attribution::world::{Contact, Signs, World, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
pub struct Transfer {
    /// Id of the check.
    pub id: &'static str,
    /// What the decisions say.
    pub decided: Decided,
}

impl Check for Transfer {
    fn rule(&self) -> Rule {
        Rule { id: self.id, version: 1, severity: Severity::Info }
    }

    fn words(&self) -> &'static str {
        "transfer"
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::SENT] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let decided = |code| view.transfers.get(&code) == Some(&self.decided);
        let not_shown = &[
            msg!("transfer.not_personal_data"),
            msg!("transfer.not_gdpr_applies_safeguards"),
            msg!("transfer.not_where_data_kept"),
        ];
        let draft = placed(view, contact, not_shown, decided)?;
        Some(Draft {
            may_say: told!(
                "transfer.device_sent_data",
                device = spoken_device(view.device(contact)),
                remote = spoken(view, &draft.draft),
                countries = draft.countries()
            ),
            ..draft.draft
        })
    }
}

/// What the decisions say of each country that an address of the world is placed in.
pub(super) fn decisions(world: &World, day: &str) -> BTreeMap<CountryCode, Decided> {
    let Some(legal) = legal::shipped() else { return BTreeMap::new() };
    let remotes = world.destinations.iter().flat_map(|destination| &destination.remotes);
    let opinions = remotes.flat_map(|remote| &remote.countries);
    let countries: BTreeSet<CountryCode> = opinions.map(|opinion| opinion.country).collect();
    countries.into_iter().map(|code| (code, legal.transfer(code.as_str(), day))).collect()
}
