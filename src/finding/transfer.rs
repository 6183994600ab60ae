//! `transfer.no-adequacy` and `transfer.partial-adequacy`: data goes to a country of which transfer
//! decisions under the GDPR say nothing, or only something of some recipients. The same check for
//! every country; legal facts stand beside a finding and never in its sentence.

use super::placed::placed;
use super::words::{msg, told};
use super::{Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::legal::{self, Transfer as Decided};
use crate::attribution::world::{Contact, Zone};

/// See the module.
pub struct Transfer {
    /// Id of the check.
    pub id: &'static str,
    /// What the decisions say.
    pub decided: Decided,
}

impl Check for Transfer {
    fn id(&self) -> &'static str {
        self.id
    }

    fn words(&self) -> &'static str {
        "transfer"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let legal = legal::shipped().filter(|_| contact.zone == Zone::Internet)?;
        let decided = |code: &str| legal.transfer(code, &view.day) == self.decided;
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
                countries = draft.countries.join(" and ")
            ),
            ..draft.draft
        })
    }
}
