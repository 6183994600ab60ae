//! As a hosts file, for resolvers that block or log by name.

use super::{exported, line};
use crate::attribution::Signatures;
use crate::attribution::fact::Table;
use crate::attribution::signature::Match;
use std::io::{self, Write};

/// Writes the names that a hosts file can hold; all else that a network shows stays as comments.
pub fn write(all: &Signatures, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# Hosts of the signatures of phonehome {}.", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "# A hosts file cannot say \"and everything below\": such names are marked.")?;
    let mut last = "";
    for (signature, fact) in exported(all) {
        if signature.id != last {
            writeln!(out, "\n# {} ({})", line(&signature.name), signature.id)?;
            last = &signature.id;
        }
        let role = fact.role.unwrap_or_default();
        let (confidence, checked) = (fact.confidence.name(), fact.checked);
        let about = format!("{role}, {confidence}, {checked}, {}", line(fact.source));
        match (fact.table, fact.matching) {
            (Table::Domain, Some(Match::Exact)) => {
                writeln!(out, "0.0.0.0 {} # {about}", fact.what)?;
            }
            (Table::Domain, Some(Match::Suffix)) => {
                writeln!(out, "0.0.0.0 {} # and all below; {about}", fact.what)?;
            }
            _ => writeln!(out, "# not for a hosts file: {} # {about}", line(&fact.what))?,
        }
    }
    Ok(())
}
