//! The tree of hashes over the parts of all packets of a case (RFC 6962 §2.1), made when it is
//! sealed. Who publishes some parts and withholds others shows with it that the published ones are
//! those that were sealed. Each part has a salt of its own, so that what is withheld cannot be
//! guessed and compared with its hash.

use crate::base::text::hex;
use ring::hmac;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A hash in the tree.
pub type Hash = [u8; 32];
/// What hides a part that is withheld.
pub type Salt = [u8; 16];

/// Name of the root's file in a case.
pub const FILE: &str = "merkle.json";
/// Name of the file with what salts are made of: it never leaves the sealed case.
pub const SECRET: &str = "merkle.secret";

/// What is sealed of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Version of this form: 2.
    pub merkle: u32,
    /// Hash at the root, hex.
    pub root: String,
    /// Number of parts: three a frame.
    pub parts: u64,
}

impl Sealed {
    /// As it is written.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{{\"merkle\":{},\"root\":\"{}\",\"parts\":{}}}\n",
            self.merkle, self.root, self.parts
        )
    }
}

/// What a part of a packet is hashed with beside its bytes, so that it proves no other one.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Position of the capture in its case.
    pub capture: u32,
    /// Number of the frame in it, from 1.
    pub frame: u64,
    /// Capture time, nanoseconds.
    pub time: i64,
    /// Length on the wire, bytes.
    pub wire_length: u32,
    /// Link type.
    pub link: u16,
    /// 0 for headers, 1 for what follows them, 2 for neither: time and length alone.
    pub part: u8,
}

/// Hash of a part.
#[must_use]
pub fn leaf(salt: &Salt, about: &About, bytes: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(salt);
    hash.update(about.capture.to_be_bytes());
    hash.update(about.frame.to_be_bytes());
    hash.update(about.time.to_be_bytes());
    hash.update(about.wire_length.to_be_bytes());
    hash.update(about.link.to_be_bytes());
    hash.update([about.part]);
    hash.update(bytes);
    hash.finalize().into()
}

/// Makes the salts of a case.
pub struct Salts(hmac::Key);

impl Salts {
    /// From the secret of the case.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Salts {
        Salts(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The salt of a part, by its position among all.
    #[must_use]
    pub fn of(&self, position: u64) -> Salt {
        let tag = hmac::sign(&self.0, &position.to_be_bytes());
        let mut salt = Salt::default();
        salt.copy_from_slice(&tag.as_ref()[..16]);
        salt
    }
}

/// Adds leaves up to their root; keeps one hash a level.
#[derive(Debug, Default)]
pub struct Tree {
    /// Whole subtrees, the largest first, each with the number of its leaves.
    whole: Vec<(u64, Hash)>,
    leaves: u64,
}

impl Tree {
    /// Adds the next leaf.
    pub fn add(&mut self, leaf: Hash) {
        self.leaves += 1;
        let (mut size, mut hash) = (1, leaf);
        while let Some(&(left_size, left)) = self.whole.last()
            && left_size == size
        {
            self.whole.pop();
            (size, hash) = (size * 2, node(&left, &hash));
        }
        self.whole.push((size, hash));
    }

    /// What is sealed of it.
    #[must_use]
    pub fn sealed(&self) -> Sealed {
        let nodes = self.whole.iter().rev().map(|&(_, hash)| hash);
        let root = nodes.reduce(|right, left| node(&left, &right));
        let root = root.unwrap_or_else(|| Sha256::digest(b"").into());
        Sealed { merkle: 2, root: hex(&root), parts: self.leaves }
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As RFC 6962 §2.1 says it.
    fn root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest(b"").into(),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node(&root(&leaves[..split]), &root(&leaves[split..]))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let leaves: Vec<Hash> = (0..70u8).map(|byte| Sha256::digest([0, byte]).into()).collect();
        for count in 0..leaves.len() {
            let mut tree = Tree::default();
            leaves[..count].iter().for_each(|&leaf| tree.add(leaf));
            assert_eq!(tree.sealed().root, hex(&root(&leaves[..count])), "{count}");
        }
        // Published vectors of the tree over one empty leaf, and over none (RFC 9162's reference
        // implementations).
        let mut tree = Tree::default();
        assert_eq!(
            tree.sealed().root,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        tree.add(Sha256::digest([0]).into());
        assert_eq!(
            tree.sealed().root,
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }

    #[test]
    fn a_part_proves_no_other() {
        let about = About { capture: 0, frame: 1, time: 2, wire_length: 3, link: 1, part: 0 };
        let whole = leaf(&[1; 16], &about, b"abc");
        for other in [
            leaf(&[2; 16], &about, b"abc"),
            leaf(&[1; 16], &About { frame: 2, ..about }, b"abc"),
            leaf(&[1; 16], &About { part: 1, ..about }, b"abc"),
            leaf(&[1; 16], &About { time: 3, ..about }, b"abc"),
            leaf(&[1; 16], &about, b"abd"),
        ] {
            assert_ne!(whole, other);
        }
        let salts = Salts::new(&[7; 32]);
        assert_ne!(salts.of(0), salts.of(1));
    }
}
