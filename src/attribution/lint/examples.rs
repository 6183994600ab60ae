//! Runs the examples that files bring: names that must match, and near misses that must not.

use crate::attribution::Signatures;
use crate::attribution::signature::{Example, Signature};

/// What came of it.
#[derive(Debug, Default)]
pub struct Tried {
    /// Examples run.
    pub run: usize,
    /// Those that went wrong.
    pub failed: Vec<Failed>,
}

/// An example that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The signature whose example it is.
    pub signature: String,
    /// The name.
    pub name: String,
    /// What it must give, and what it gave.
    pub reason: String,
}

/// Runs all examples with all signatures loaded, as on the day that is newest in the files.
#[must_use]
pub fn try_examples(all: &Signatures, day: &str) -> Tried {
    let mut tried = Tried::default();
    for signature in all.all() {
        for example in &signature.example {
            tried.run += 1;
            if let Some(reason) = wrong(all, &signature.id, example, day) {
                let (signature, name) = (signature.id.clone(), example.name.clone());
                tried.failed.push(Failed { signature, name, reason });
            }
        }
        tried.run += 2 * (signature.said.len() + signature.flow.len());
        tried.failed.extend(shown(all, signature, day));
    }
    tried
}

/// Examples and near misses of what devices and flows show: whose they are with all signatures loaded.
fn shown(all: &Signatures, signature: &Signature, day: &str) -> Vec<Failed> {
    let mut failed = Vec::new();
    let mut expect = |name: &str, winner: Option<&str>, matches: bool| {
        if (winner == Some(&*signature.id)) != matches {
            let must = if matches { "must match" } else { "must not match" };
            let reason = format!("{must}, but {} matches", winner.unwrap_or("nothing"));
            let (signature, name) = (signature.id.clone(), name.to_owned());
            failed.push(Failed { signature, name, reason });
        }
    };
    for said in &signature.said {
        for (name, matches) in [(&said.example, true), (&said.near_miss, false)] {
            let winner = all.by_said(&said.fact, name).filter(|(_, fact)| fact.fits(name));
            expect(name, winner.map(|(winner, _)| winner.id.as_str()), matches);
        }
    }
    for shows in signature.flow.iter().filter(|shows| shows.withdrawn.is_none()) {
        for (name, matches) in [(&shows.example, true), (&shows.near_miss, false)] {
            let found = shows.with_example(name, &mut |flow, words| all.by_flow(flow, words, day));
            let claim = found.map(|(found, _)| all.claim(found));
            expect(name, claim.as_ref().map(|claim| claim.signature.id.as_str()), matches);
        }
    }
    failed
}

/// What is wrong with an example that is no name of a host but of who registered hardware addresses:
/// it has capitals or spaces. Nothing where it is something else.
fn registrant(all: &Signatures, id: &str, example: &Example) -> Option<Option<String>> {
    let is_host = |c: char| !c.is_whitespace() && !c.is_uppercase();
    if example.name.chars().all(is_host) {
        return None;
    }
    let winner = all.by_registrant(&example.name).map_or("nothing", |found| found.id.as_str());
    let must = if example.matches { "must match" } else { "must not match" };
    let right = (winner == id) == example.matches;
    Some((!right).then(|| format!("{must}, but {winner} matches")))
}

fn wrong(all: &Signatures, id: &str, example: &Example, day: &str) -> Option<String> {
    if let Some(reason) = registrant(all, id, example) {
        return reason;
    }
    let found = match example.name.parse() {
        Ok(address) => all.by_address(address, day),
        Err(_) => all.by_name(example.name.as_bytes(), day),
    };
    let claim = found.map(|found| all.claim(found));
    let winner = claim.as_ref().map_or("nothing", |claim| claim.signature.id.as_str());
    let matches = winner == id;
    if matches != example.matches {
        let must = if example.matches { "must match" } else { "must not match" };
        return Some(format!("{must}, but {winner} matches"));
    }
    let role = claim.filter(|_| matches).map(|claim| claim.role);
    match (&example.role, role) {
        (Some(wanted), Some(role)) if wanted != role => {
            Some(format!("must have the role {wanted}, but has {role}"))
        }
        _ => None,
    }
}
