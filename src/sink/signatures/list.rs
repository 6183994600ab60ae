//! One line a fact, for `grep`, `cut` and spreadsheets.

use super::{exported, line};
use crate::attribution::Signatures;
use std::io::{self, Write};

/// Writes a head line and the facts.
pub fn write(all: &Signatures, out: &mut dyn Write) -> io::Result<()> {
    let columns = [
        "what",
        "match",
        "signature",
        "name",
        "role",
        "operator",
        "region",
        "confidence",
        "checked",
        "valid_from",
        "valid_to",
        "source",
    ];
    writeln!(out, "{}", columns.join("\t"))?;
    for (signature, fact) in exported(all) {
        let matching = fact.matching.map_or(fact.table.name(), |matching| matching.name());
        let fields = [
            &fact.what,
            matching,
            &signature.id,
            &signature.name,
            fact.role.unwrap_or_default(),
            fact.operator.unwrap_or_default(),
            fact.region.unwrap_or_default(),
            fact.confidence.name(),
            fact.checked,
            fact.valid_from.unwrap_or_default(),
            fact.valid_to.unwrap_or_default(),
            fact.source,
        ];
        writeln!(out, "{}", fields.map(line).join("\t"))?;
    }
    Ok(())
}
