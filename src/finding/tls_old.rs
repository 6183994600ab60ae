//! `tls.old-version`: both sides settled on a version of TLS that its standards body has
//! withdrawn (RFC 8996, RFC 7568).

use super::{About, Check, Draft, Fact, Severity, View, capped, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Zone};
use std::collections::BTreeSet;

/// See the module.
pub struct TlsOldVersion;

impl Check for TlsOldVersion {
    fn id(&self) -> &'static str {
        "tls.old-version"
    }

    fn title(&self) -> &'static str {
        "A deprecated version of TLS was used"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A Server Hello that chooses SSL 3.0, TLS 1.0 or TLS 1.1 (RFC 8996, RFC \
                7568).",
            why: "These versions have known weaknesses and get no repairs.",
            false_positives: "The choice may be the server's alone; nothing says that it was \
                exploited.",
            verify: "Look at the version in the Server Hello of the deciding frame.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                "that the encryption was broken",
                "which side would have been able to use a newer version",
            ],
        );
        let mut versions = BTreeSet::new();
        for (row_index, row) in view.rows(contact) {
            let old: Vec<_> = row.evidence.iter().filter(|e| e.mark == Mark::Deprecated).collect();
            let Some(first) = old.first() else { continue };
            draft.traffic.push((row_index, Some(Mark::Deprecated)));
            draft.level = draft.level.max(capped(Level::Shown, row));
            draft.cites.extend(old.iter().map(|evidence| evidence.cite));
            versions.extend(old.iter().map(|evidence| evidence.what.as_str()));
            draft.facts.push(Fact::new(
                format!("the server at {} chose {}", row.remote.address, first.what),
                first.cite.frame,
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let versions: Vec<&str> = versions.into_iter().collect();
        draft.may_say = format!(
            "The device {} and {} settled on {}, which is deprecated: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            versions.join(" and "),
        );
        Some(draft)
    }
}
