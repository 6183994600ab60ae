//! Checks the time-stamps beside a sealed case.

use super::{Promise, Verdict, promise};
use crate::base::text::safe;
use crate::case::{stamp, tree};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TIME: &str = "the case was sealed at the latest when a time-stamp authority says";

/// See the module. Whether an authority signed a reply is for `openssl`, with the certificates that
/// the reader trusts; without them nothing is promised.
pub(super) fn check(case: &Path, sealed: bool, authorities: &[PathBuf]) -> Promise {
    let asked = !authorities.is_empty();
    let not_made = |why: &str| {
        let mut promise = promise("time", TIME, Vec::new(), why.to_owned());
        promise.verdict = if asked { Verdict::Broken } else { Verdict::NotMade };
        promise
    };
    let folder = stamp::beside(case);
    if !sealed || folder.symlink_metadata().is_err() {
        return not_made("nobody was asked for the time");
    }
    let tree = tree::look(&folder);
    let mut faults: Vec<String> = tree.faults.iter().map(|fault| shown(fault)).collect();
    let mut said = Vec::new();
    for file in &tree.files {
        if file == stamp::REQUEST {
            continue;
        }
        if !is_reply(file) {
            faults.push(format!("{}: does not belong to the time-stamps", shown(file)));
            continue;
        }
        let path = folder.join(file);
        let checked = stamp::read(&path).and_then(|reply| stamp::check(case, &reply));
        let signed = checked.and_then(|stamped| {
            if asked {
                is_signed(case, &path, authorities)?;
            }
            Ok((stamped, asked))
        });
        match signed {
            Ok((stamped, true)) => said.push(format!("{file}: {}, signed", stamped.time)),
            Ok((stamped, false)) => said.push(format!(
                "{file}: {}; whether an authority signed that is checked with --authority, its \
                 certificate",
                stamped.time
            )),
            Err(fault) => faults.push(format!("{}: {fault}", shown(file))),
        }
    }
    if !tree.files.iter().any(|file| file == stamp::REQUEST) {
        faults.push(format!("{}: is missing", shown(stamp::REQUEST)));
    }
    if faults.is_empty() && said.is_empty() {
        return not_made("the request was not answered yet: phonehome case stamp");
    }
    let mut promise = promise("time", TIME, faults, String::new());
    if promise.verdict == Verdict::Holds {
        promise.details = said;
        if !asked {
            promise.verdict = Verdict::NotMade;
        }
    }
    promise
}

fn is_reply(file: &str) -> bool {
    file.strip_suffix(".tsr").is_some_and(|number| {
        number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit()) && number != "00"
    })
}

fn shown(file: &str) -> String {
    format!("stamps: {file}")
}

/// Whether one of some authorities signed a reply to the request beside a case, as openssl finds.
///
/// # Errors
/// What openssl says of the last.
pub fn is_signed(case: &Path, reply: &Path, authorities: &[PathBuf]) -> Result<(), String> {
    let mut fault = Err("no authority was named".to_owned());
    for authority in authorities {
        fault = signature(&stamp::beside(case), reply, authority);
        if fault.is_ok() {
            break;
        }
    }
    fault
}

fn signature(folder: &Path, reply: &Path, authority: &Path) -> Result<(), String> {
    let output = Command::new("openssl")
        .args(["ts", "-verify", "-queryfile"])
        .arg(folder.join(stamp::REQUEST))
        .arg("-in")
        .arg(reply)
        .arg("-CAfile")
        .arg(authority)
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            let last = why.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason");
            // Behind codes and places in openssl's own source.
            let last = last.rsplit_once(".c:").map_or(last, |(_, why)| {
                why.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':')
            });
            Err(format!(
                "the authority whose certificate you gave did not sign this (openssl ts -verify: \
                 {})",
                safe(last.as_bytes())
            ))
        }
        Err(error) => Err(format!("the program openssl, which checks it, cannot be run: {error}")),
    }
}
