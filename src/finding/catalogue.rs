//! The catalogue of checks, for `phonehome explain` and `docs/catalogue.md`.

use super::words::told;
use super::{CHECKS, Check};
use std::fmt::Write as _;

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
            severity = check.severity().name(),
            version = check.version(),
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
