//! `tls.old-version`: both sides settled on a version of TLS that its standards body has
//! withdrawn (RFC 8996, RFC 7568).

use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Severity, View, capped, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Signs, Zone};
use std::collections::BTreeSet;

/// See the module.
pub struct TlsOldVersion;

impl Check for TlsOldVersion {
    fn rule(&self) -> Rule {
        Rule { id: "tls.old-version", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TO_ONE, Signs::of(Mark::Deprecated)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                msg!("tls.old-version.not_encryption_broken"),
                msg!("tls.old-version.not_side_would_been"),
            ],
        );
        let mut versions = BTreeSet::new();
        for (row_index, row) in view.rows(contact) {
            let old: Vec<_> = row.evidence.iter().filter(|e| e.mark == Mark::Deprecated).collect();
            let Some(first) = old.first() else { continue };
            draft.traffic.push((row_index, Some(Mark::Deprecated)));
            draft.level = draft.level.max(capped(Level::Shown, row));
            draft.cites.extend(old.iter().map(|evidence| evidence.cite));
            versions.extend(old.iter().map(|evidence| &*evidence.what));
            draft.facts.push(Fact::new(
                told!(
                    "tls.old-version.server_chose",
                    address = row.remote.address,
                    what = first.what
                ),
                first.cite.frame,
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let versions: Vec<&str> = versions.into_iter().collect();
        draft.may_say = told!(
            "tls.old-version.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            versions = versions.join(" and ")
        );
        Some(draft)
    }
}
