//! The catalogue of checks, for `phonehome explain` and `docs/catalogue.md`.

use super::words::told;
use super::{CHECKS, Check};
use std::fmt::Write as _;

/// Ids of the vocabulary that no check has, and why. Clauses that need them stay inconclusive.
const NOT_LOOKED_FOR: &[(&str, &str)] = &[
    (
        "auth.bruteforce-unlimited",
        "somebody would have to try passwords; refused logins are not read",
    ),
    ("cap.drops", "no finding but coverage: losses, damage and truncation stand in every output"),
    (
        "crypto.homemade",
        "payload that looks encrypted is told as such (`looks`); who made the cipher is not seen",
    ),
    (
        "data.wifi-credentials-out",
        "readable secrets are told by cred.cleartext, of whatever they are",
    ),
    (
        "dns.nxdomain-dependency",
        "that a name is not registered any more, the answers alone do not say",
    ),
    (
        "input.malformed-crash",
        "that a device fell silent because of a message, traffic does not show",
    ),
    ("p2p.relay", "has the id cloud.relay"),
    (
        "reset.data-reappears",
        "`compare --phase` holds phases before and after a reset against each other",
    ),
    ("resil.local-fails", "which traffic is a device's function only the operator knows"),
    ("resil.synchronised-reconnect", "needs several units of one model in one outage"),
    (
        "telemetry.after-optout",
        "when somebody opted out is not on the wire; `compare --phase` shows the difference",
    ),
    (
        "telemetry.before-consent",
        "when somebody consented is not on the wire; `compare --phase` shows it",
    ),
    (
        "telemetry.undeclared-endpoint",
        "`check --declared` and MUD files say it, for it takes a declaration",
    ),
    ("update.unsigned-visible", "programs are not kept, so that nothing in them is looked at"),
];

/// Whether an id is one that nothing looks for, as the catalogue says.
#[must_use]
pub fn is_not_looked_for(id: &str) -> bool {
    NOT_LOOKED_FOR.iter().any(|(known, _)| *known == id)
}

/// What people want to know of one check; nothing for an id that no check has.
#[must_use]
pub fn explain(id: &str) -> Option<String> {
    CHECKS.iter().find(|check| check.id() == id).map(|check| entry(*check))
}

/// All checks, as a page of Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# Catalogue of findings\n\nMade by `phonehome explain`; a test keeps it in step with the \
         checks. Severities are fixed, whatever country or vendor is concerned. What a finding may \
         say, and what it does not show, stands in each finding.\n",
    );
    for check in CHECKS {
        page.push('\n');
        page.push_str(&entry(*check));
    }
    page.push_str("\n## What nothing looks for\n\n");
    for (id, why) in NOT_LOOKED_FOR {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "- `{id}`: {why}.");
    }
    page
}

fn entry(check: &dyn Check) -> String {
    let about = check.about();
    let mut text = String::new();
    for part in [
        format!("## {}\n", check.id()),
        told!(
            "catalogue.head",
            title = check.title(),
            severity = check.rule().severity.name(),
            version = check.rule().version,
        ) + "\n",
        told!("catalogue.looks_for", said = about.looks_for),
        told!("catalogue.why", said = about.why),
        told!("catalogue.false_positives", said = about.false_positives),
        told!("catalogue.verify", said = about.verify),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{part}");
    }
    text
}
