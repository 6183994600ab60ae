//! Checks what sealing adds: manifests, file lists, signature.

use super::{Promise, Verdict, promise};
use crate::base::text::{hex, safe};
use crate::case::seal::{MANIFEST, SIGNATURE, SIGNER, TAG_FILES, TAG_MANIFEST};
use crate::case::{signer, tree};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Largest file beside the data, bytes: a list of 65 536 files.
const LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;
const FILES: &str = "no file was changed, removed or added since the case was sealed";
const SIGNED: &str = "who holds the key sealed exactly this";

/// See the module.
pub(super) fn check(
    case: &Path,
    sealed: bool,
    key: Option<&str>,
    signed_by: &mut Option<String>,
) -> [Promise; 2] {
    if !sealed {
        let not_yet = |id, says| {
            let mut promise = promise(id, says, Vec::new(), "the case is not sealed".to_owned());
            promise.verdict = if key.is_some() { Verdict::Broken } else { Verdict::NotMade };
            promise
        };
        return [not_yet("seal", FILES), not_yet("signature", SIGNED)];
    }
    let mut faults = Vec::new();
    let tree = tree::look(case);
    faults.extend(tree.faults.clone());
    let mut listed = BTreeMap::new();
    for (manifest, payload) in [(MANIFEST, true), (TAG_MANIFEST, false)] {
        if let Err(fault) = read(&case.join(manifest), payload, &mut listed) {
            faults.push(format!("{manifest}: {fault}"));
        }
    }
    for file in TAG_FILES.iter().filter(|file| !listed.contains_key(**file)) {
        faults.push(format!("{TAG_MANIFEST}: does not list {file}"));
    }
    for (file, sha256) in &listed {
        let length = case.join(file).symlink_metadata().map_or(0, |about| about.len());
        if !file.starts_with("data/") && length > LIST_BYTES_MAX {
            faults.push(format!("{file}: is larger than {LIST_BYTES_MAX} bytes"));
            continue;
        }
        match tree::hash(&case.join(file)) {
            Ok((_, hash)) if hash == *sha256 => {}
            Ok(_) => faults.push(format!("{file}: its SHA-256 is not the sealed one")),
            Err(error) => faults.push(format!("{file}: {error}")),
        }
    }
    let loose = |file: &&String| ![TAG_MANIFEST, SIGNATURE].contains(&file.as_str());
    for file in tree.files.iter().filter(loose).filter(|file| !listed.contains_key(*file)) {
        faults.push(format!("{file}: was not there when the case was sealed"));
    }
    let said = format!("{} files", listed.len());
    let files = promise("seal", FILES, faults, said);
    let (faults, said) = match signature(case, key) {
        Ok((public, when)) => {
            let pinned = if key.is_some() { "the key you named" } else { "compare this key" };
            let said = format!("{}; signed with {public} ({pinned})", safe(when.as_bytes()));
            *signed_by = Some(public);
            (Vec::new(), said)
        }
        Err(fault) => (vec![format!("{SIGNATURE}: {fault}")], String::new()),
    };
    [files, promise("signature", SIGNED, faults, said)]
}

/// Reads a manifest into a list, a bounded line at a time.
fn read(path: &Path, payload: bool, listed: &mut BTreeMap<String, String>) -> Result<(), String> {
    let mut file = BufReader::new(tree::open(path).map_err(|error| error.to_string())?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let most = 66 + tree::PATH_BYTES_MAX as u64 + 1;
        let read = file.by_ref().take(most).read_until(b'\n', &mut line);
        if read.map_err(|error| error.to_string())? == 0 {
            break;
        }
        let wrong = |why: &str| Err(format!("line {number}: {why}"));
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        let Some((hash, file)) = text.and_then(|text| text.split_once("  ")) else {
            return wrong("is not a hash and a path");
        };
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if hash.len() != 64 || !hash.bytes().all(digit) {
            return wrong("is not a hash and a path");
        }
        if !tree::is_fit(file) || file.starts_with("data/") != payload {
            return wrong("names a path that no file of a case has");
        }
        if listed.len() >= tree::FILES_MAX {
            return wrong("there are too many files");
        }
        if listed.insert(file.to_owned(), hash.to_owned()).is_some() {
            return wrong("names a file a second time");
        }
    }
    Ok(())
}

/// Public key and what was signed with the manifest.
fn signature(case: &Path, key: Option<&str>) -> Result<(String, String), String> {
    let text = |name: &str, most| {
        tree::text(&case.join(name), most).map_err(|error| format!("{name}: {error}"))
    };
    let manifest = text(TAG_MANIFEST, 64 * 1024)?;
    let signature = text(SIGNATURE, 4096)?;
    let own = signer::public(&text(SIGNER, 4096)?)?;
    if key.is_some_and(|key| key != own) {
        return Err(format!("was made with another key: {own}"));
    }
    let when = signer::check(&own, manifest.as_bytes(), &signature)?;
    let root = hex(&Sha256::digest(manifest.as_bytes()));
    Ok((own, format!("{when}, {TAG_MANIFEST} is {root}")))
}
