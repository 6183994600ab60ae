//! What Tuya's announcements are masked with: one key for all devices, the MD5 of a text that is in
//! every program which listens for them (localtuya `discovery.py`, tinytuya `udp_helper.py`), so it
//! hides nothing. AES-128, block by block in frames of the old form, GCM in those of the new.

use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, KeyInit};
use md5::{Digest, Md5};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::sync::LazyLock;

const TEXT: &[u8] = b"yGAdlopoPVldABfn";
const BLOCK_BYTES: usize = 16;
/// Announcements are a few hundred bytes; longer ones are left alone.
const BYTES_MAX: usize = 2048;

static KEY: LazyLock<[u8; 16]> = LazyLock::new(|| Md5::digest(TEXT).into());

/// Opens what stands between header and checksum of an old frame.
pub fn open_blocks(body: &[u8]) -> Option<Vec<u8>> {
    // A return code may stand before the blocks.
    let masked = &body[body.len() % BLOCK_BYTES..];
    if masked.is_empty() || masked.len() > BYTES_MAX || !matches!(body.len() - masked.len(), 0 | 4)
    {
        return None;
    }
    let cipher = Aes128::new(&GenericArray::from(*KEY));
    let mut plain = masked.to_vec();
    for block in plain.as_chunks_mut::<BLOCK_BYTES>().0 {
        cipher.decrypt_block(GenericArray::from_mut_slice(block));
    }
    // RFC 5652 §6.3: the last byte says how many are filled up.
    let filled = usize::from(*plain.last()?);
    let length = plain.len().checked_sub(filled).filter(|_| (1..=BLOCK_BYTES).contains(&filled))?;
    plain[length..]
        .iter()
        .all(|&byte| usize::from(byte) == filled)
        .then(|| plain.truncate(length))?;
    Some(plain)
}

/// Opens the nonce, text and tag of a new frame; `header` is what the tag covers beside them.
pub fn open_sealed(header: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = body.split_first_chunk::<NONCE_LEN>()?;
    if sealed.len() > BYTES_MAX {
        return None;
    }
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &*KEY).ok()?);
    let mut text = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key.open_in_place(nonce, Aad::from(header), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use aes::cipher::BlockEncrypt;

    pub fn close_blocks(plain: &[u8]) -> Vec<u8> {
        let filled = BLOCK_BYTES - plain.len() % BLOCK_BYTES;
        let mut masked = [plain, &vec![filled as u8; filled]].concat();
        let cipher = Aes128::new(&GenericArray::from(*KEY));
        for block in masked.as_chunks_mut::<BLOCK_BYTES>().0 {
            cipher.encrypt_block(GenericArray::from_mut_slice(block));
        }
        masked
    }

    pub fn close_sealed(header: &[u8], plain: &[u8]) -> Vec<u8> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &*KEY).unwrap());
        let nonce = [7; NONCE_LEN];
        let mut sealed = plain.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(unique, Aad::from(header), &mut sealed).unwrap();
        [&nonce[..], &sealed].concat()
    }

    #[test]
    fn only_what_was_masked_opens() {
        let masked = close_blocks(b"{}");
        assert_eq!(open_blocks(&masked).unwrap(), b"{}");
        assert_eq!(open_blocks(&[&[0; 4][..], &masked].concat()).unwrap(), b"{}");
        for end in 0..masked.len() {
            assert_eq!(open_blocks(&masked[..end]), None, "{end}");
        }
        let sealed = close_sealed(b"head", b"{}");
        assert_eq!(open_sealed(b"head", &sealed).unwrap(), b"{}");
        assert_eq!(open_sealed(b"haed", &sealed), None);
        for end in 0..sealed.len() {
            assert_eq!(open_sealed(b"head", &sealed[..end]), None, "{end}");
        }
    }
}
