//! `id.device-identified`: a device says on the network which model it is.

use super::told::of_itself;
use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View};
use crate::attribution::world::{Contact, Signs};
use crate::protocol::IdentityKind;

/// See the module.
pub struct Identified;

impl Check for Identified {
    fn rule(&self) -> Rule {
        Rule { id: "id.device-identified", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TELLS] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown =
            &[msg!("id.device-identified.not_true"), msg!("id.device-identified.not_hardware")];
        let (mut draft, [device, to]) =
            of_itself(view, contact, &[IdentityKind::Model], not_shown)?;
        draft.may_say = told!("id.device-identified.may_say", device, to);
        Some(draft)
    }
}
