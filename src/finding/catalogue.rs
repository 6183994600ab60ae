//! The catalogue of checks, for `phonehome explain` and `docs/catalogue.md`.

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
        format!(
            "{}. Severity {}, version {}.\n",
            check.title(),
            check.severity().name(),
            check.version()
        ),
        format!("- **Looks for:** {}", about.looks_for),
        format!("- **Why it matters:** {}", about.why),
        format!("- **Known to be wrong or blind:** {}", about.false_positives),
        format!("- **Verify by hand:** {}", about.verify),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{part}");
    }
    text
}
