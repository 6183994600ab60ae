//! What stands beside the findings, in lines for a terminal.

use crate::base::text::safe;
use crate::policy::Outcome;
use crate::snapshot::Snapshot;
use std::io::{self, Write};

/// Writes the laws of the countries seen, and the rules of policies where there are any.
///
/// # Errors
/// When the output cannot be written.
pub fn write(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let annex = &snapshot.annex;
    let offices: Vec<_> =
        annex.jurisdictions.iter().filter(|one| !one.head_office_of.is_empty()).collect();
    if !offices.is_empty() {
        writeln!(out, "\nLaw of the head offices (beside the findings, part of none)")?;
    }
    for one in offices {
        let more = match one.head_office_of_more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(out, "  {}: {}{more}", one.country, one.head_office_of.join(", "))?;
        for law in &one.access_laws {
            writeln!(out, "    {}, {}", law.title, law.article)?;
        }
        if let Some(reason) = &one.not_researched {
            writeln!(out, "    access laws not researched: {reason}")?;
        }
        writeln!(out, "    EU transfer decision: {}", one.transfer)?;
    }
    if !annex.policies.is_empty() {
        writeln!(out, "\nPolicies")?;
        rules(&annex.policies, out)?;
    }
    Ok(())
}

/// Writes a line a rule, and what it rests on.
///
/// # Errors
/// When the output cannot be written.
pub fn rules(outcomes: &[Outcome], out: &mut dyn Write) -> io::Result<()> {
    for outcome in outcomes {
        let says = safe(outcome.says.as_bytes());
        let (policy, rule) = (safe(outcome.policy.as_bytes()), safe(outcome.rule.as_bytes()));
        writeln!(out, "  {:<11}  {policy} {rule}: {says}", outcome.decision.name())?;
        writeln!(out, "               {}", safe(outcome.because.as_bytes()))?;
        for evidence in outcome.evidence.iter().take(SHOWN) {
            writeln!(out, "               - {}", safe(evidence.told().as_bytes()))?;
        }
        let more = outcome.evidence.len().saturating_sub(SHOWN) + outcome.evidence_more;
        if more > 0 {
            writeln!(out, "               and {more} more (--json lists up to 32)")?;
        }
    }
    Ok(())
}

/// Pieces of evidence shown for one rule.
const SHOWN: usize = 5;
