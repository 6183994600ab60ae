//! Further signatures over a sealed case, by other people: in minisign's form, or made by `ssh-keygen
//! -Y sign`, whose key may be in a hardware token. They lie beside it, since nothing is added to it, and
//! are about the same list that the seal signs.

use super::seal::TAG_MANIFEST;
use super::signer::{self, Signer};
use super::{CaseError, create, folder, tree};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Most of them.
pub const SIGNATURES_MAX: usize = 99;
/// Largest signature or key, bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024;
/// What signatures of ssh-keygen are made for (`-n`).
pub const NAMESPACE: &str = "phonehome";
/// By which name the list of allowed signers knows the signer of its signature (`-I`).
pub const PRINCIPAL: &str = "signer";

/// Where they lie.
#[must_use]
pub fn beside(sealed: &Path) -> PathBuf {
    let mut name = sealed.components().as_path().as_os_str().to_owned();
    name.push(".signatures");
    PathBuf::from(name)
}

/// Forms of signatures, by the ends of their names: the signature, and the key that goes with it.
pub const FORMS: [[&str; 2]; 2] = [["minisig", "pub"], ["sig", "signer"]];

fn free(sealed: &Path) -> Result<String, CaseError> {
    let home = beside(sealed);
    folder(&home)?;
    let taken = |number: &String| {
        FORMS.as_flattened().iter().any(|form| home.join(format!("{number}.{form}")).exists())
    };
    let mut numbers = (1..=SIGNATURES_MAX).map(|number| format!("{number:02}"));
    let reason = format!("there are {SIGNATURES_MAX} signatures already");
    numbers.find(|number| !taken(number)).ok_or(CaseError::Refused { path: home, reason })
}

fn put(path: &Path, text: &str) -> Result<(), CaseError> {
    let mut file = create(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(CaseError::system(path, "cannot be written"))
}

fn signed(sealed: &Path) -> Result<String, CaseError> {
    let path = sealed.join(TAG_MANIFEST);
    tree::text(&path, 64 * 1024).map_err(CaseError::system(&path, "cannot be read"))
}

/// Signs with a key of minisign. Gives the name of the signature.
///
/// # Errors
/// When the system refuses.
pub fn sign(sealed: &Path, signer: &Signer, when: &str) -> Result<String, CaseError> {
    let text = signed(sealed)?;
    let own = tree::text(&sealed.join(super::seal::SIGNER), FILE_BYTES_MAX);
    if own.is_ok_and(|own| signer::public(&own).is_ok_and(|own| own == signer.public())) {
        let reason = "was sealed with this key; a second signature is by another person".to_owned();
        return Err(CaseError::Refused { path: sealed.to_owned(), reason });
    }
    let signature = signer.sign(text.as_bytes(), &format!("phonehome case signed {when}"))?;
    let number = free(sealed)?;
    put(&beside(sealed).join(format!("{number}.pub")), &signer.public_file())?;
    put(&beside(sealed).join(format!("{number}.minisig")), &signature)?;
    Ok(format!("{number}.minisig"))
}

/// Takes a signature of ssh-keygen in, with the public key that it must be of. Gives its name.
///
/// # Errors
/// When it does not hold, or the system refuses.
pub fn take(sealed: &Path, signature: &Path, key: &Path) -> Result<String, CaseError> {
    let read = |path: &Path| {
        tree::text(path, FILE_BYTES_MAX).map_err(CaseError::system(path, "cannot be read"))
    };
    let (signature_text, key_text) = (read(signature)?, read(key)?);
    let refused = |reason: String| CaseError::Refused { path: signature.to_owned(), reason };
    let line =
        allowed(&key_text).ok_or_else(|| refused("goes with no public key of ssh".to_owned()))?;
    let number = free(sealed)?;
    let home = beside(sealed);
    let (ours, list) = (home.join(format!("{number}.sig")), home.join(format!("{number}.signer")));
    put(&list, &line)?;
    put(&ours, &signature_text)?;
    if let Err(why) = check_ssh(sealed, &ours, &list) {
        drop(std::fs::remove_file(&ours));
        drop(std::fs::remove_file(&list));
        return Err(refused(why));
    }
    Ok(format!("{number}.sig"))
}

/// A list of allowed signers out of a public key: kind and key, without who and where.
fn allowed(key: &str) -> Option<String> {
    let mut words = key.lines().find(|line| !line.trim().is_empty())?.split_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    let plain =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+/=@.".contains(&b));
    let fits = plain(kind) && plain(key) && (kind.contains("ssh-") || kind.contains("ecdsa-"));
    fits.then(|| format!("{PRINCIPAL} namespaces=\"{NAMESPACE}\" {kind} {key}\n"))
}

/// What a signature of minisign beside a case says: whose key, and what was signed with it.
///
/// # Errors
/// Why it does not hold.
pub fn check_minisign(sealed: &Path, signature: &Path) -> Result<(String, String), String> {
    let read = |path: &Path| tree::text(path, FILE_BYTES_MAX).map_err(|error| error.to_string());
    let key = signer::public(&read(&signature.with_extension("pub"))?)?;
    let text = signed(sealed).map_err(|error| error.to_string())?;
    let when = signer::check(&key, text.as_bytes(), &read(signature)?)?;
    Ok((key, when))
}

/// Whether a signature of ssh-keygen holds; gives the fingerprint of its key.
///
/// # Errors
/// Why it does not hold.
pub fn check_ssh(sealed: &Path, signature: &Path, list: &Path) -> Result<String, String> {
    let text = signed(sealed).map_err(|error| error.to_string())?;
    let cannot = |error: std::io::Error| {
        format!("the program ssh-keygen, which checks it, cannot be run: {error}")
    };
    // Only the line that we write: a list may allow more than one key.
    let known = tree::text(list, FILE_BYTES_MAX).map_err(|error| error.to_string())?;
    let key = known.strip_prefix(&format!("{PRINCIPAL} namespaces=\"{NAMESPACE}\" "));
    if key.and_then(allowed).as_deref() != Some(&known) {
        return Err("its list of signers is not one key, as phonehome writes it".to_owned());
    }
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-n", NAMESPACE, "-I", PRINCIPAL, "-f"])
        .arg(list)
        .arg("-s")
        .arg(signature)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    if let Some(mut input) = child.stdin.take() {
        // It may give up before it read everything.
        drop(input.write_all(text.as_bytes()));
    }
    let output = child.wait_with_output().map_err(cannot)?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let line = crate::base::text::safe(said.lines().next().unwrap_or("no reason").as_bytes());
    if !output.status.success() {
        return Err(format!("ssh-keygen refuses it: {line}"));
    }
    let key = line.split("key ").nth(1).unwrap_or(&line);
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_signers_is_one_key_without_its_comment() {
        let list = allowed("ssh-ed25519 AAAAC3Nza+/= anna@desk\n").unwrap();
        assert_eq!(list, "signer namespaces=\"phonehome\" ssh-ed25519 AAAAC3Nza+/=\n");
        assert!(allowed("sk-ssh-ed25519@openssh.com AAAA= x").is_some());
        for bad in ["", "ssh-ed25519", "PRIVATE KEY", "* ssh-ed25519 AAAA"] {
            assert_eq!(allowed(bad), None, "{bad}");
        }
    }
}
