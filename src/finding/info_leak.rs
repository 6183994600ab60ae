//! `svc.info-leak`: a device tells whoever asks, or everybody, what helps to attack or recognise it.

use super::told::of_itself;
use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View};
use crate::attribution::world::{Contact, Signs};
use crate::protocol::IdentityKind;

/// What is better not told to everybody.
const KINDS: &[IdentityKind] = &[
    IdentityKind::Serial,
    IdentityKind::DeviceId,
    IdentityKind::Firmware,
    IdentityKind::Location,
    IdentityKind::Account,
];

/// See the module.
pub struct InfoLeak;

impl Check for InfoLeak {
    fn rule(&self) -> Rule {
        Rule { id: "svc.info-leak", version: 1, severity: Severity::Low }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TELLS] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &[msg!("svc.info-leak.not_used"), msg!("svc.info-leak.not_true")];
        let (mut draft, [device, to]) = of_itself(view, contact, KINDS, not_shown)?;
        draft.may_say = told!("svc.info-leak.may_say", device, to);
        Some(draft)
    }
}
