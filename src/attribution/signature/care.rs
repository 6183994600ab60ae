//! What every file must keep to, beyond its syntax.

use super::pattern::{literal_suffix, parse_network};
use super::{Match, Signature};
use crate::attribution::names::registrable;
use std::path::Path;

/// A file at a path.
pub fn check(signature: &Signature, path: &Path) -> Result<(), String> {
    if signature.schema != 1 {
        return Err(format!("schema {} is not known, only 1 is", signature.schema));
    }
    if path.file_stem().is_none_or(|stem| stem != signature.id.as_str()) {
        return Err(format!("the id {:?} is not the file's name", signature.id));
    }
    let facts = signature.domain.iter().map(|d| (&d.host, d.about()));
    for (what, about) in facts.chain(signature.network.iter().map(|n| (&n.addr, n.about()))) {
        sourced(what, about.source)?;
        for date in [Some(about.checked), about.valid_from, about.valid_to] {
            if date.is_some_and(|date| !is_date(date)) {
                return Err(format!("{what}: a date is not YYYY-MM-DD"));
            }
        }
    }
    if let Some(operator) = &signature.operator {
        sourced(&operator.legal_name, &operator.source)?;
    }
    for fact in &signature.ownership {
        sourced(&fact.kind, &fact.source)?;
    }
    for domain in &signature.domain {
        let host = &domain.host;
        if *host != host.to_lowercase() || host.starts_with('.') || host.ends_with('.') {
            return Err(format!("{host}: must be lower case without a dot at either end"));
        }
        let broad = matches!(domain.matching, Match::Suffix | Match::Glob)
            && registrable(literal_suffix(host, domain.matching).as_bytes()).is_none();
        if broad {
            return Err(format!("{host}: would match a public suffix"));
        }
        if (domain.matching == Match::Glob) != host.contains('*') {
            return Err(format!("{host}: a pattern has a star, other hosts have none"));
        }
    }
    for said in &signature.said {
        let what = said.spoken();
        sourced(&what, &said.source)?;
        if !is_date(&said.checked) {
            return Err(format!("{what}: checked is not YYYY-MM-DD"));
        }
        said.check()?;
    }
    for shows in &signature.flow {
        let (what, about) = (shows.spoken(), shows.about());
        sourced(&what, about.source)?;
        for date in [Some(about.checked), about.valid_from, about.valid_to] {
            if date.is_some_and(|date| !is_date(date)) {
                return Err(format!("{what}: a date is not YYYY-MM-DD"));
            }
        }
        shows.check()?;
    }
    for network in &signature.network {
        if parse_network(&network.addr).is_none() {
            return Err(format!("{}: not an address or network", network.addr));
        }
    }
    Ok(())
}

pub fn sourced(what: &str, source: &str) -> Result<(), String> {
    if source.trim().is_empty() || source.trim() == "none" {
        return Err(format!("{what}: has no source"));
    }
    Ok(())
}

pub fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
