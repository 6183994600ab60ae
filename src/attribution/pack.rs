//! Packs of signatures: a folder whose files a list names with their hashes, signed in minisign's
//! form; and what a user has put out of use, with the reason.

use super::fact::facts;
use super::signature::{FILE_BYTES_MAX, Signatures, texts};
use crate::base::file::FileError;
use crate::base::text::{hex, safe};
use crate::case::{signer, tree};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The list of a pack, as `sha256sum` writes and checks it.
pub const LIST: &str = "SHA256SUMS";
/// The signature over the list.
pub const SIGNATURE: &str = "SHA256SUMS.minisig";
/// What a user has put out of use.
pub const DISABLED: &str = "disabled.toml";

/// What a pack's signature must be made with, said with it.
pub const TRUSTED_COMMENT: &str = "phonehome signatures";

/// Something put out of use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Disabled {
    /// Id of a signature.
    pub id: String,
    /// One host or network of it; without, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
    /// Why.
    pub reason: String,
}

impl Disabled {
    /// Whether it puts this fact of this signature out of use.
    #[must_use]
    pub fn concerns(&self, id: &str, fact: &str) -> bool {
        self.id == id && self.fact.as_deref().is_none_or(|own| own == fact)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    #[serde(default)]
    disable: Vec<Disabled>,
}

/// Reads a `disabled.toml`.
///
/// # Errors
/// With line and reason, where it is not what `signatures/README.md` describes.
pub fn disabled(text: &str) -> Result<Vec<Disabled>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
    if file.schema != 1 {
        return Err(format!("schema {} is not known, only 1 is", file.schema));
    }
    for one in &file.disable {
        if one.reason.trim().is_empty() {
            return Err(format!("{}: has no reason", one.id));
        }
    }
    Ok(file.disable)
}

/// A folder that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pack {
    /// Its last name: where it lies on this machine is nobody's business.
    pub folder: String,
    /// Signature files.
    pub files: usize,
    /// Ids that were loaded before and were replaced by its own.
    pub replaces: Vec<String>,
    /// The key that signed it, as minisign prints it; null where no key was asked for.
    pub signed_by: Option<String>,
}

impl Signatures {
    /// Adds every `*.toml` in a folder, in the order of their names. A file with the id of one
    /// already loaded takes its place, and what `disabled.toml` names is put out of use. With a key,
    /// the folder must be a pack that it signed.
    ///
    /// # Errors
    /// When the folder cannot be read, a file is invalid, or the pack does not hold.
    pub fn add_folder(&mut self, folder: &Path, key: Option<&str>) -> Result<(), FileError> {
        let mut files = texts(folder)?;
        if let Some(key) = key {
            verify(folder, &files, key)?;
        }
        let is = |path: &Path, wanted: &str| path.file_name().is_some_and(|name| name == wanted);
        let off = files.iter().position(|(path, _)| is(path, DISABLED));
        let off = off.map(|at| files.remove(at));
        // Laws are read by `phonehome signatures lint` alone.
        files.retain(|(path, _)| !is(path, "legal.toml"));
        let ids = files.iter().filter_map(|(path, _)| path.file_stem()?.to_str());
        let mut replaces: Vec<String> = ids.filter(|id| self.has(id)).map(str::to_owned).collect();
        replaces.sort_unstable();
        for (path, text) in &files {
            self.add(path, text)?;
        }
        if let Some((path, text)) = off {
            let invalid = |reason: String| FileError::invalid(&path, reason);
            for one in disabled(&text).map_err(invalid)? {
                self.disable(one).map_err(invalid)?;
            }
            self.digest.update(text.as_bytes());
        }
        let folder = folder.file_name().map_or_else(String::new, |n| n.to_string_lossy().into());
        let signed_by = key.map(str::to_owned);
        self.packs.push(Pack { folder, files: files.len(), replaces, signed_by });
        self.compile();
        Ok(())
    }

    /// What is not there cannot be put out of use: a slip of the pen would go unnoticed.
    fn disable(&mut self, one: Disabled) -> Result<(), String> {
        let known = self.all().iter().find(|signature| signature.id == one.id);
        let Some(signature) = known else { return Err(format!("{}: is no signature", one.id)) };
        let fact = one.fact.as_deref();
        if fact.is_some_and(|fact| !facts(signature).iter().any(|known| known.what == fact)) {
            return Err(format!("{}: has no fact {:?}", one.id, fact.unwrap_or_default()));
        }
        self.disabled.push(one);
        Ok(())
    }
}

/// Whether a folder is a pack that was signed with this key.
///
/// # Errors
/// Why it is not.
pub fn verify(folder: &Path, files: &[(PathBuf, String)], key: &str) -> Result<(), FileError> {
    let read = |name: &str| {
        let path = folder.join(name);
        tree::text(&path, FILE_BYTES_MAX).map_err(|error| FileError::Read { path, error })
    };
    let (listed, signature) = (read(LIST)?, read(SIGNATURE)?);
    let invalid = |name: &str, reason: String| FileError::invalid(&folder.join(name), reason);
    let comment = signer::check(key, listed.as_bytes(), &signature)
        .map_err(|reason| invalid(SIGNATURE, reason))?;
    if comment != TRUSTED_COMMENT {
        return Err(invalid(SIGNATURE, "was not made for signatures".to_owned()));
    }
    hold(files, &listed).map_err(|reason| invalid(LIST, reason))
}

/// What a user's folders add to, replace and put out of use, a sentence each.
#[must_use]
pub fn spoken(packs: &[Pack], disabled: &[Disabled]) -> Vec<String> {
    let pack = |pack: &Pack| {
        let signed = match &pack.signed_by {
            Some(key) => format!("signed by {key}"),
            None => "whose signature was not asked for".to_owned(),
        };
        let replaces = match &pack.replaces[..] {
            [] => String::new(),
            ids => format!(", in place of {}", ids.join(", ")),
        };
        let text = format!("{} files of {}, {signed}{replaces}.", pack.files, pack.folder);
        safe(text.as_bytes())
    };
    let off = |one: &Disabled| {
        let what =
            one.fact.as_ref().map_or_else(|| one.id.clone(), |f| format!("{f} of {}", one.id));
        safe(format!("Out of use: {what}, because: {}.", one.reason).as_bytes())
    };
    packs.iter().map(pack).chain(disabled.iter().map(off)).collect()
}

/// Spells the list of these files, in the order of their names.
#[must_use]
pub fn list(files: &[(PathBuf, String)]) -> String {
    let lines: BTreeMap<String, String> = files
        .iter()
        .filter_map(|(path, text)| {
            Some((name(path)?.to_owned(), hex(&Sha256::digest(text.as_bytes()))))
        })
        .collect();
    lines.into_iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect()
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// Holds the files of a folder against a list whose signature was checked: all of them, and no other.
///
/// # Errors
/// What differs.
pub fn hold(files: &[(PathBuf, String)], listed: &str) -> Result<(), String> {
    let ours = list(files);
    if ours == listed {
        return Ok(());
    }
    let lines = |text: &str| -> BTreeMap<String, String> {
        let pairs = text.lines().filter_map(|line| line.split_once("  "));
        pairs.map(|(hash, name)| (name.to_owned(), hash.to_owned())).collect()
    };
    let [ours, listed] = [&ours[..], listed].map(lines);
    for (name, hash) in &ours {
        match listed.get(name) {
            None => return Err(format!("{name}: is not in the signed list")),
            Some(other) if other != hash => {
                return Err(format!("{name}: was changed after signing"));
            }
            Some(_) => {}
        }
    }
    match listed.keys().find(|name| !ours.contains_key(*name)) {
        Some(name) => Err(format!("{name}: is in the signed list and not there")),
        None => Err(format!("{LIST} is not in the form in which packs are signed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(texts: &[(&str, &str)]) -> Vec<(PathBuf, String)> {
        texts.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect()
    }

    #[test]
    fn a_list_holds_for_its_files_alone() {
        let pack = files(&[("p/b.toml", "b"), ("p/a.toml", "a")]);
        let listed = list(&pack);
        assert!(listed.contains("  a.toml\n") && listed.ends_with("  b.toml\n"));
        assert_eq!(hold(&pack, &listed), Ok(()));
        for (other, reason) in [
            (files(&[("p/b.toml", "b")]), "not there"),
            (files(&[("p/b.toml", "b"), ("p/a.toml", "A")]), "changed"),
            (files(&[("p/b.toml", "b"), ("p/a.toml", "a"), ("c.toml", "c")]), "not in the signed"),
        ] {
            assert!(hold(&other, &listed).unwrap_err().contains(reason), "{reason}");
        }
        assert!(hold(&pack, &listed.replace("  ", " ")).is_err());
    }

    #[test]
    fn nothing_is_put_out_of_use_without_a_reason() {
        let text = "schema = 1\n[[disable]]\nid = \"x\"\nfact = \"a.example\"\nreason = \"sold\"\n";
        let [one] = &disabled(text).unwrap()[..] else { panic!() };
        assert!(one.concerns("x", "a.example") && !one.concerns("x", "b.example"));
        for (from, to) in [("\"sold\"", "\" \""), ("reason", "why"), ("schema = 1", "schema = 2")] {
            assert!(disabled(&text.replace(from, to)).is_err(), "{to}");
        }
    }
}
