//! The key of a person, in minisign's forms: a secret file under a passphrase, a public file
//! beside it, and signatures that the program minisign checks.

use super::key::RunKey;
use super::{CaseError, create, tree};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

/// Largest file of a key or signature, bytes.
const FILE_BYTES_MAX: u64 = 4096;
/// What signatures are called in their first line, which minisign does not sign. Ours never
/// differs, so that a change is noticed.
pub const COMMENT: &str = "phonehome case; check with minisign or phonehome";

/// See the module.
pub struct Signer {
    secret: SecretKey,
    public: PublicKey,
}

/// Where the public half of a key lies.
#[must_use]
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// Makes a key and writes both halves; never overwrites one. Gives the public half.
///
/// # Errors
/// When the system refuses.
pub fn generate(path: &Path, passphrase: String) -> Result<String, CaseError> {
    let wrong = |error| unusable(path, &error);
    let pair = KeyPair::generate_encrypted_keypair(Some(passphrase)).map_err(wrong)?;
    let secret = pair.sk.to_box(Some("phonehome secret key")).map_err(wrong)?;
    let public = pair.pk.to_box().map_err(wrong)?;
    let beside = public_path(path);
    // The public half first: a failure leaves no secret behind.
    for (path, text) in [(&*beside, public.into_string()), (path, secret.into_string())] {
        let mut file = create(path)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(CaseError::system(path, "cannot be written"))?;
    }
    Ok(pair.pk.to_base64())
}

/// Whether the secret half lies under a passphrase.
///
/// # Errors
/// When it cannot be read.
pub fn is_locked(path: &Path) -> Result<bool, CaseError> {
    Ok(SecretKey::from_unencrypted_box(secret(path)?).is_err())
}

fn secret(path: &Path) -> Result<SecretKeyBox, CaseError> {
    let text = tree::text(path, FILE_BYTES_MAX);
    let text = text.map_err(CaseError::system(path, "cannot be read"))?;
    SecretKeyBox::from_string(&text).map_err(|error| unusable(path, &error))
}

impl Signer {
    /// Opens a secret key.
    ///
    /// # Errors
    /// When it cannot be read, or the passphrase is another.
    pub fn open(path: &Path, passphrase: Option<String>) -> Result<Signer, CaseError> {
        let wrong = |error| unusable(path, &error);
        let secret = match passphrase {
            Some(passphrase) => SecretKey::from_box(secret(path)?, Some(passphrase)),
            None => SecretKey::from_unencrypted_box(secret(path)?),
        };
        let secret = secret.map_err(wrong)?;
        let public = PublicKey::from_secret_key(&secret).map_err(wrong)?;
        Ok(Signer { secret, public })
    }

    /// The public half, as minisign prints it.
    #[must_use]
    pub fn public(&self) -> String {
        self.public.to_base64()
    }

    /// The content of a public key's file.
    #[must_use]
    pub fn public_file(&self) -> String {
        self.public.to_box().map(PublicKeyBox::into_string).unwrap_or_default()
    }

    /// The same key for the lines of a journal.
    #[must_use]
    pub fn run_key(&self) -> Option<RunKey> {
        // Two bytes each of three algorithms, 32 of salt, 8 and 8 of limits, 8 of number: then the
        // seed (minisign's format of secret keys).
        let bytes = self.secret.to_bytes();
        let seed = bytes.get(62..94).and_then(|seed| <[u8; 32]>::try_from(seed).ok())?;
        Some(RunKey::from_seed(&seed))
    }

    /// A signature file over some bytes; `trusted` is signed with them.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn sign(&self, bytes: &[u8], trusted: &str) -> Result<String, CaseError> {
        let public = Some(&self.public);
        minisign::sign(public, &self.secret, Cursor::new(bytes), Some(trusted), Some(COMMENT))
            .map(SignatureBox::into_string)
            .map_err(|error| unusable(Path::new("signature"), &error))
    }
}

fn unusable(path: &Path, error: &minisign::PError) -> CaseError {
    CaseError::Key { path: path.to_owned(), reason: error.to_string() }
}

/// Algorithm, key number and signature; and the signature over that and the comment (minisign's format).
const SIGNATURE_BYTES: usize = 2 + 8 + 64;
const GLOBAL_BYTES: usize = 64;

/// Checks a signature file over some bytes. Gives the comment that was signed with them.
///
/// # Errors
/// Why it does not hold.
pub fn check(public: &str, bytes: &[u8], signature: &str) -> Result<String, String> {
    let lines: Vec<&str> = signature.split('\n').collect();
    // One spelling only: what minisign would overlook must not differ either.
    let [first, own, _, global, ""] = lines[..] else {
        return Err("is not a signature of four lines".to_owned());
    };
    // Base64 in its only spelling: with nothing in the bits behind the last byte.
    let is_long = |text: &str, bytes| STANDARD.decode(text).is_ok_and(|d| d.len() == bytes);
    let fits = is_long(own, SIGNATURE_BYTES) && is_long(global, GLOBAL_BYTES);
    if first.strip_prefix("untrusted comment: ") != Some(COMMENT) || !fits {
        return Err("is not in the form in which cases are signed".to_owned());
    }
    let public = PublicKey::from_base64(public).map_err(|_| "the key is not one of minisign")?;
    let parsed = SignatureBox::from_string(signature).map_err(|error| error.to_string())?;
    if parsed.to_string() != signature || !parsed.is_prehashed() {
        return Err("is not in the form in which cases are signed".to_owned());
    }
    minisign::verify(&public, &parsed, Cursor::new(bytes), true, false, false)
        .map_err(|error| error.to_string())?;
    parsed.trusted_comment().map_err(|error| error.to_string())
}

/// The public half of a key: of the file's text, or the base64 itself.
///
/// # Errors
/// When it is none.
pub fn public(text: &str) -> Result<String, String> {
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let key = PublicKey::from_base64(line).map_err(|_| "is not a public key of minisign")?;
    Ok(key.to_base64())
}

/// The public half from a file of either half, or the base64 itself.
///
/// # Errors
/// When it is none.
pub fn public_of(given: &Path) -> Result<String, CaseError> {
    let wrong = |reason| CaseError::Key { path: given.to_owned(), reason };
    if let Some(key) = given.to_str().and_then(|text| public(text).ok()) {
        return Ok(key);
    }
    let text = tree::text(given, FILE_BYTES_MAX);
    let text = text.map_err(CaseError::system(given, "cannot be read"))?;
    public(&text).map_err(wrong)
}

/// The 32 bytes of a public key of minisign in base64, as journals name it.
#[must_use]
pub fn raw(public: &str) -> Option<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let bytes = STANDARD.decode(public).ok()?;
    Some(STANDARD.encode(bytes.get(10..42)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::key;

    #[test]
    fn a_signature_holds_for_its_bytes_key_and_spelling_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let public = generate(&path, "correct horse".to_owned()).unwrap();
        assert!(is_locked(&path).unwrap());
        assert!(matches!(generate(&path, "x".to_owned()), Err(CaseError::Exists(_))));
        assert!(Signer::open(&path, Some("wrong".to_owned())).is_err());
        let signer = Signer::open(&path, Some("correct horse".to_owned())).unwrap();
        assert_eq!(public, public_of(&public_path(&path)).unwrap());
        let signature = signer.sign(b"manifest", "sealed").unwrap();
        assert_eq!(check(&public, b"manifest", &signature), Ok("sealed".to_owned()));
        assert!(check(&public, b"manifesto", &signature).is_err());
        for at in 0..signature.len() {
            let mut bytes = signature.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(check(&public, b"manifest", &text).is_err(), "{at}: {text}");
        }
        let run = signer.run_key().unwrap();
        assert!(key::holds(&run.public(), b"line", &run.sign(b"line")));
        assert_eq!(Some(run.public()), raw(&public));
    }
}
