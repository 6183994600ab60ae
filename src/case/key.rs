//! The key that signs a journal. Each recording makes its own, which lives in the memory of the
//! recorder only: when that ends, nobody can sign another line in its name. The journal's first
//! line holds the public half.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// The secret half.
pub struct RunKey(SigningKey);

impl RunKey {
    /// A new one from the system's randomness.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn generate() -> std::io::Result<RunKey> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(RunKey(SigningKey::from_bytes(&seed)))
    }

    /// That of a person, whose key has this seed (RFC 8032 §5.1.5).
    pub(super) fn from_seed(seed: &[u8; 32]) -> RunKey {
        RunKey(SigningKey::from_bytes(seed))
    }

    /// The public half in base64 (32 bytes, RFC 8032 §5.1.5).
    #[must_use]
    pub fn public(&self) -> String {
        STANDARD.encode(self.0.verifying_key().as_bytes())
    }

    /// Ed25519 signature in base64 (64 bytes, RFC 8032 §5.1.6).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.0.sign(message).to_bytes())
    }
}

/// Whether `signature` is that of the key over the message; both in base64.
#[must_use]
pub fn holds(public: &str, message: &[u8], signature: &str) -> bool {
    let key = STANDARD.decode(public).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let signature = STANDARD.decode(signature).ok();
    let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
    let key = key.and_then(|key| VerifyingKey::from_bytes(&key).ok());
    let (Some(key), Some(signature)) = (key, signature) else { return false };
    key.verify_strict(message, &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_message_and_key_alone() {
        let (key, other) = (RunKey::generate().unwrap(), RunKey::generate().unwrap());
        let signature = key.sign(b"line");
        assert!(holds(&key.public(), b"line", &signature));
        assert!(!holds(&key.public(), b"lime", &signature));
        assert!(!holds(&other.public(), b"line", &signature));
        assert!(!holds("", b"line", &signature));
        assert!(!holds(&key.public(), b"line", "AAAA"));
    }
}
