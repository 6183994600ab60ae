//! Checks further signatures beside a sealed case.

use super::{Promise, Verdict, promise};
use crate::base::text::safe;
use crate::case::countersign::{self, FORMS};
use crate::case::tree;
use std::path::Path;

const SAYS: &str = "who holds these keys signed exactly this too";

/// See the module; `second` is a public key of minisign that must be among them.
pub(super) fn check(case: &Path, sealed: bool, second: Option<&str>) -> Promise {
    let folder = countersign::beside(case);
    if !sealed || folder.symlink_metadata().is_err() {
        let mut promise =
            promise("countersigned", SAYS, Vec::new(), "nobody else signed".to_owned());
        promise.verdict = if second.is_some() { Verdict::Broken } else { Verdict::NotMade };
        return promise;
    }
    let tree = tree::look(&folder);
    let (mut faults, mut said, mut keys) = (tree.faults.clone(), Vec::new(), Vec::new());
    for file in &tree.files {
        let parted = file.split_once('.').filter(|(number, _)| is_number(number));
        let form = parted.and_then(|(number, form)| {
            let pair = FORMS.iter().find(|pair| pair.contains(&form))?;
            let other = if pair[0] == form { pair[1] } else { pair[0] };
            let there = tree.files.binary_search(&format!("{number}.{other}")).is_ok();
            there.then_some(form)
        });
        let path = folder.join(file);
        let found = match form {
            Some("minisig") => countersign::check_minisign(case, &path).map(|(key, when)| {
                let line = format!("{file}: {}; key {key}", safe(when.as_bytes()));
                keys.push(key);
                line
            }),
            Some("sig") => countersign::check_ssh(case, &path, &path.with_extension("signer"))
                .map(|key| format!("{file}: ssh key {key}")),
            Some(_) => continue,
            None => Err("does not belong to the signatures, or stands alone".to_owned()),
        };
        match found {
            Ok(line) => said.push(line),
            Err(why) => faults.push(format!("{file}: {why}")),
        }
    }
    if let Some(second) = second.filter(|second| !keys.iter().any(|key| key == *second)) {
        faults.push(format!("none is of the key {second}"));
    }
    let faults = faults.iter().map(|fault| format!("signatures: {fault}")).collect();
    let mut promise = promise("countersigned", SAYS, faults, String::new());
    if promise.verdict == Verdict::Holds {
        if said.is_empty() {
            promise.verdict = Verdict::NotMade;
            said.push("nobody else signed".to_owned());
        }
        promise.details = said;
    }
    promise
}

fn is_number(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())
}
