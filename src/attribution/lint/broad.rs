//! Suffixes and patterns under which other people's services live.

use super::{File, Problem};
use crate::attribution::fact::{Table, facts};
use crate::attribution::names::registrable;
use crate::attribution::signature::{Kind, Match, literal_suffix};

/// Domains that rent names below them to anybody, beside those that the public suffix list and the
/// files of landlords know.
const SHARED: [&str; 22] = [
    "akamaiedge.net",
    "akamaized.net",
    "aliyuncs.com",
    "amazonaws.com",
    "amazonaws.com.cn",
    "azure.com",
    "azure.net",
    "azureedge.net",
    "cloudflare.net",
    "cloudfront.net",
    "digitaloceanspaces.com",
    "duckdns.org",
    "dyndns.org",
    "edgekey.net",
    "fastly.net",
    "firebaseio.com",
    "googleapis.com",
    "googleusercontent.com",
    "herokuapp.com",
    "myhuaweicloud.com",
    "myqcloud.com",
    "windows.net",
];

/// Facts of tenants that claim more than their own hosts.
pub fn tenants(files: &[File]) -> Vec<Problem> {
    let landlords: Vec<&str> = files
        .iter()
        .filter(|file| is_landlord(file.signature.kind))
        .flat_map(|file| &file.signature.domain)
        .filter(|domain| domain.matching == Match::Suffix && domain.withdrawn.is_none())
        .map(|domain| domain.host.as_str())
        .chain(SHARED)
        .collect();
    let mut problems = Vec::new();
    for file in files {
        for fact in facts(&file.signature) {
            let (Table::Domain, Some(matching)) = (fact.table, fact.matching) else { continue };
            if matching == Match::Exact || fact.withdrawn.is_some() {
                continue;
            }
            let literal = literal_suffix(&fact.what, matching);
            let line = file.lines.at(&fact);
            if registrable(literal.as_bytes()).is_none() {
                let reason = format!("{}: would match a public suffix", fact.what);
                problems.push(file.problem(line, reason));
            } else if !is_landlord(file.signature.kind)
                && let Some(shared) = landlords.iter().find(|&&host| overlap(literal, host))
            {
                let reason = format!(
                    "{}: covers names under {shared}, which many tenants share; give exact hosts",
                    fact.what
                );
                problems.push(file.problem(line, reason));
            }
        }
    }
    problems
}

fn is_landlord(kind: Kind) -> bool {
    matches!(kind, Kind::Hosting | Kind::Cdn)
}

/// Whether one of two suffixes lies below the other.
fn overlap(a: &str, b: &str) -> bool {
    let below = |a: &str, b: &str| {
        a.strip_suffix(b).is_some_and(|head| head.is_empty() || head.ends_with('.'))
    };
    below(a, b) || below(b, a)
}
