//! What a vendor says a device contacts, against what it was seen to contact.

use super::judge::{Pair, decide, evidence};
use super::{Decision, Evidence, Outcome, Seen};
use crate::attribution::ledger::NameSource;
use crate::attribution::world::Host;
use crate::base::file::{self, FileError};
use crate::base::text::safe;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Longest file, bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most lines.
const LINES_MAX: usize = 100_000;

/// A declaration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeclarationError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line is not what `docs/procurement.md` describes.
    #[error("{path}:{line}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    host: String,
    purpose: String,
    country: String,
    operator: String,
    retention: String,
}

/// What a vendor declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declaration {
    rows: Vec<Row>,
}

impl Declaration {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or a line is wrong.
    pub fn load(path: &Path) -> Result<Declaration, DeclarationError> {
        let bytes = file::bytes(path, FILE_BYTES_MAX)?;
        Declaration::parse(&bytes).map_err(|(line, reason)| DeclarationError::Invalid {
            path: path.to_owned(),
            line,
            reason,
        })
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// With line and reason.
    pub fn parse(bytes: &[u8]) -> Result<Declaration, (u64, String)> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let mut rows: Vec<Row> = Vec::new();
        for row in reader.deserialize() {
            let mut row: Row = row.map_err(told)?;
            let line = rows.len() as u64 + 2;
            row.host = row.host.trim_end_matches('.').to_ascii_lowercase();
            check(&row).map_err(|reason| (line, reason))?;
            if rows.len() == LINES_MAX {
                return Err((line, format!("more than {LINES_MAX} lines")));
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return Err((1, "declares nothing: needs the columns host,purpose,country,operator,retention and a line for each host".to_owned()));
        }
        Ok(Declaration { rows })
    }

    /// The line for a host, the most specific first.
    fn of(&self, host: &Host) -> Option<&Row> {
        let name = host.name.as_ref().map(|name| name.text.to_ascii_lowercase());
        let named = name.as_deref().and_then(|name| {
            let fits = self.rows.iter().filter(|row| covers(&row.host, name));
            fits.max_by_key(|row| row.host.len())
        });
        named.or_else(|| {
            let at =
                |row: &&Row| row.host.parse::<IpAddr>().is_ok_and(|address| host.is_at(address));
            let all = !host.addresses.is_empty()
                && host
                    .addresses
                    .iter()
                    .all(|address| self.rows.iter().any(|row| row.host.parse() == Ok(*address)));
            self.rows.iter().find(at).filter(|_| all)
        })
    }
}

/// `*.example.com` covers what is below it; a name covers itself.
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => name.strip_suffix(parent).is_some_and(|head| head.ends_with('.')),
        None => pattern == name,
    }
}

fn told(error: csv::Error) -> (u64, String) {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} columns, the first line has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    (line, safe(reason.as_bytes()))
}

fn check(row: &Row) -> Result<(), String> {
    let shown = || safe(row.host.as_bytes());
    let name = row.host.strip_prefix("*.").unwrap_or(&row.host);
    let letter = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if name.is_empty() || !name.chars().all(letter) {
        return Err(format!("{:?} is neither a host name, *.name nor an address", shown()));
    }
    if row.host.starts_with("*.") && !name.contains('.') {
        return Err(format!("{:?} would cover a whole top-level domain", shown()));
    }
    let codes = row.country.split_whitespace();
    let is_code = |code: &str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    match codes.into_iter().find(|code| !is_code(code)) {
        Some(code) => {
            Err(format!("{:?} is not a country of two capital letters", safe(code.as_bytes())))
        }
        None => Ok(()),
    }
}

/// What was declared against what was seen, and the declared hosts that were not seen.
#[must_use]
pub fn compare(declaration: &Declaration, seen: &Seen<'_>) -> (Vec<Outcome>, Vec<String>) {
    let mut undeclared: [Vec<Evidence>; 2] = Default::default();
    let mut operators = Vec::new();
    let mut countries = Vec::new();
    let mut met: BTreeSet<&str> = BTreeSet::new();
    for (contact, destination) in seen.pairs() {
        for host in &contact.hosts {
            let Some(row) = declaration.of(host) else {
                let certain = host.name.is_some()
                    && host.sources.iter().any(|source| {
                        matches!(
                            source,
                            NameSource::Sni
                                | NameSource::Host
                                | NameSource::Certificate
                                | NameSource::Dns
                        )
                    });
                let text = format!("{} is not declared", spoken(host));
                undeclared[usize::from(!certain)].push(evidence(text, contact));
                continue;
            };
            met.insert(&row.host);
            operators.extend(operator(row, host, (contact, destination)));
            countries.extend(country(row, host, (contact, destination)));
        }
    }
    let [breaches, doubts] = undeclared;
    let named = ("declared", "declared.endpoints", "Every host that is contacted is declared");
    let endpoints = if breaches.is_empty() {
        decide(named, seen, doubts)
    } else {
        let because = format!("{} contacts are with hosts that are not declared", breaches.len());
        Outcome::of(named, Decision::Fail, because, breaches)
    };
    let says = "Declared operators are those that signatures know";
    let operators = decide(("declared", "declared.operators", says), seen, operators);
    let says = "Declared countries are those that databases name";
    let countries = decide(("declared", "declared.countries", says), seen, countries);
    let unseen = declaration.rows.iter().filter(|row| !met.contains(row.host.as_str()));
    (vec![endpoints, operators, countries], unseen.map(|row| safe(row.host.as_bytes())).collect())
}

fn spoken(host: &Host) -> String {
    match &host.name {
        Some(name) => name.text.clone(),
        None => {
            let addresses: Vec<String> =
                host.addresses.iter().take(3).map(ToString::to_string).collect();
            format!("{} (no name was seen)", addresses.join(", "))
        }
    }
}

/// Names of companies are spelt in many ways: a difference is told, and decides nothing.
fn operator(row: &Row, host: &Host, (contact, destination): Pair<'_>) -> Option<Evidence> {
    let claim = destination.claims.get(host.claim?)?;
    let known = [
        claim.host_operator.as_deref(),
        claim.operator.as_ref().map(|operator| operator.legal_name.as_str()),
        Some(claim.name.as_str()),
    ];
    let declared = row.operator.to_lowercase();
    let same = known.into_iter().flatten().any(|known| {
        let known = known.to_lowercase();
        !declared.is_empty() && (known.contains(&declared) || declared.contains(&known))
    });
    (!same).then(|| {
        let text = format!(
            "{}: declared {:?}, a signature says {}",
            spoken(host),
            safe(row.operator.as_bytes()),
            claim.name
        );
        evidence(text, contact)
    })
}

fn country(row: &Row, host: &Host, (contact, destination): Pair<'_>) -> Option<Evidence> {
    let remotes = destination.remotes.iter().filter(|remote| host.is_at(remote.address));
    let declared: Vec<&str> = row.country.split_whitespace().collect();
    for remote in remotes {
        let mut named: Vec<&str> =
            remote.countries.iter().map(|one| one.country.as_str()).collect();
        // Databases that agree are one opinion to the reader.
        named.sort_unstable();
        named.dedup();
        if !named.iter().any(|code| declared.contains(code)) {
            let of = if named.is_empty() { "no country".to_owned() } else { named.join(" or ") };
            let text = format!(
                "{} at {}: declared {:?}, databases name {of}",
                spoken(host),
                remote.address,
                row.country
            );
            return Some(evidence(text, contact));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "host,purpose,country,operator,retention\n";

    #[test]
    fn names_are_covered_on_label_boundaries() {
        for (pattern, name, wanted) in [
            ("a.example", "a.example", true),
            ("a.example", "b.a.example", false),
            ("*.a.example", "b.a.example", true),
            ("*.a.example", "a.example", false),
            ("*.a.example", "xa.example", false),
        ] {
            assert_eq!(covers(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn hostile_files_get_a_reason_and_a_line() {
        for (text, line, reason) in [
            (String::new(), 1, "declares nothing"),
            (HEAD.to_owned(), 1, "declares nothing"),
            ("host;purpose\na;b\n".to_owned(), 2, "unknown field"),
            (format!("{HEAD}a.example,x,DE,Y,none\nb.example,x\n"), 3, "has 2 columns"),
            (format!("{HEAD}<script>,x,DE,Y,none\n"), 2, "neither a host name"),
            (format!("{HEAD}*.com,x,DE,Y,none\n"), 2, "top-level"),
            (format!("{HEAD}a.example,x,Germany,Y,none\n"), 2, "two capital letters"),
        ] {
            let (at, told) = Declaration::parse(text.as_bytes()).unwrap_err();
            assert!(at == line && told.contains(reason), "{text}: {at} {told}");
        }
        let (_, told) =
            Declaration::parse(b"host,purpose,country,operator,retention\n\xff,a,DE,b,c\n")
                .unwrap_err();
        assert!(told.contains("UTF-8"), "{told}");
        assert!(
            Declaration::parse(format!("\u{feff}{HEAD}*.a.example,x,DE FR,Y,none\n").as_bytes())
                .is_ok()
        );
    }
}
