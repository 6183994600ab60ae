//! `tls.no-pfs`: both sides settled on keys that one long-lived secret opens, also for what was
//! recorded before.

use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};
use crate::base::text::safe;

/// See the module.
pub struct TlsNoPfs;

impl Check for TlsNoPfs {
    fn rule(&self) -> Rule {
        Rule { id: "tls.no-pfs", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TO_ONE, Signs::of(Mark::NoForwardSecrecy)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let not_shown =
            &[msg!("tls.no-pfs.not_anyone_secret"), msg!("tls.no-pfs.not_anything_recorded_read")];
        let mark = Mark::NoForwardSecrecy;
        let mut draft = Draft::marked(view, contact, mark, not_shown, |row, one| {
            Some(told!(
                "tls.no-pfs.server_chose",
                address = row.remote.address,
                value = safe(&one.value)
            ))
        })?;
        draft.may_say = told!(
            "tls.no-pfs.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
