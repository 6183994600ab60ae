//! Seals a case: copies it into a folder in BagIt form (RFC 8493), with the findings, and signs the
//! list of all files. The case itself stays as it is. The copy is made under another name and gets
//! its own when it is complete, so that there is never half of it.

use super::clock::Clocks;
use super::custody::copy;
use super::journal::Event;
use super::signer::Signer;
use super::{CaseError, create, custody, folder, layout, merkle, tree};
use crate::base::text::hex;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Hashes of all files under `data/`.
pub const MANIFEST: &str = "manifest-sha256.txt";
/// Hashes of all others, the manifest among them; this is what is signed.
pub const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
/// The signature.
pub const SIGNATURE: &str = "tagmanifest-sha256.txt.minisig";
/// Public key of who sealed it.
pub const SIGNER: &str = "signer.pub";
/// What the analysis says of the case.
pub const FINDINGS: &str = "findings.json";
/// Where the frames stand that findings cite.
pub const REFERENCES: &str = "references.tsv";
/// Those frames.
pub const CITED: &str = "cited.pcapng";
/// What is made of the case when it is sealed, and lies in it beside what was recorded.
pub const DERIVED: [&str; 5] = [FINDINGS, REFERENCES, CITED, merkle::FILE, merkle::SECRET];
/// What the second manifest lists.
pub const TAG_FILES: [&str; 5] = ["VERIFY.txt", "bag-info.txt", "bagit.txt", MANIFEST, SIGNER];

/// Where a sealed case is put.
#[must_use]
pub fn target(case: &Path) -> PathBuf {
    // A slash at the end is not part of the name.
    let mut name = case.components().as_path().as_os_str().to_owned();
    name.push("-sealed");
    PathBuf::from(name)
}

/// Refuses what cannot be sealed, before anything is done.
///
/// # Errors
/// When the case is sealed already.
pub fn check(case: &Path) -> Result<(), CaseError> {
    if layout::is_sealed(case) {
        let reason = "is sealed already".to_owned();
        return Err(CaseError::Refused { path: case.to_owned(), reason });
    }
    let target = target(case);
    if target.symlink_metadata().is_ok() {
        return Err(CaseError::Exists(target));
    }
    Ok(())
}

/// Seals a case that was found to hold. Gives the folder of the sealed one.
///
/// # Errors
/// When it is sealed already, or the system refuses.
pub fn seal(
    case: &Path,
    signer: &Signer,
    tool: &str,
    derived: &[(&str, Vec<u8>)],
) -> Result<PathBuf, CaseError> {
    check(case)?;
    let target = target(case);
    let mut partial = target.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    if partial.symlink_metadata().is_ok() {
        let reason = "is left from a sealing that was interrupted; remove it".to_owned();
        return Err(CaseError::Refused { path: partial, reason });
    }
    let findings = derived.iter().find(|(name, _)| *name == FINDINGS);
    let findings_sha256 = hex(&Sha256::digest(findings.map_or(&[][..], |(_, bytes)| bytes)));
    custody::add(case, signer, tool, Event::Sealing { findings_sha256 })?;
    let built = build(case, &partial, signer, tool, derived);
    let named = built.and_then(|()| {
        std::fs::rename(&partial, &target).map_err(CaseError::system(&target, "cannot be named"))
    });
    if named.is_err() {
        // Ours from its first byte, since it did not exist before.
        drop(std::fs::remove_dir_all(&partial));
    }
    named.map(|()| target)
}

fn build(
    case: &Path,
    bag: &Path,
    signer: &Signer,
    tool: &str,
    derived: &[(&str, Vec<u8>)],
) -> Result<(), CaseError> {
    let data = bag.join("data");
    folder(bag)?;
    folder(&data)?;
    let tree = tree::look(case);
    for path in &tree.folders {
        folder(&data.join(path))?;
    }
    let mut listed = Vec::new();
    let mut octets = 0;
    for file in &tree.files {
        let (bytes, sha256) = copy(&case.join(file), &data.join(file))?;
        octets += bytes;
        listed.push((format!("data/{file}"), sha256));
    }
    for (name, bytes) in derived {
        write(&data.join(name), bytes)?;
        octets += bytes.len() as u64;
        listed.push((format!("data/{name}"), hex(&Sha256::digest(bytes))));
    }
    listed.sort_unstable();
    let when = Clocks::now().wall.to_string();
    let bag_info = format!(
        "Bag-Software-Agent: {tool}\nBagging-Date: {}\nExternal-Identifier: {}\nPayload-Oxum: \
         {octets}.{}\n",
        &when[..10],
        hex(&Sha256::digest(list(&listed).as_bytes())),
        listed.len()
    );
    let trusted = format!("phonehome case sealed {when}");
    // All signatures over this comment are of one length.
    let signature_bytes = signer.sign(b"", &trusted)?.len();
    let texts = [
        super::verify_text::text(signer, &tree, signature_bytes),
        bag_info,
        "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".to_owned(),
        list(&listed),
        signer.public_file(),
    ];
    let mut tags = Vec::new();
    for (name, text) in TAG_FILES.iter().zip(&texts) {
        write(&bag.join(name), text.as_bytes())?;
        tags.push(((*name).to_owned(), hex(&Sha256::digest(text.as_bytes()))));
    }
    let tags = list(&tags);
    write(&bag.join(TAG_MANIFEST), tags.as_bytes())?;
    let signature = signer.sign(tags.as_bytes(), &trusted)?;
    write(&bag.join(SIGNATURE), signature.as_bytes())
}

fn list(files: &[(String, String)]) -> String {
    files.iter().fold(String::new(), |mut text, (path, sha256)| {
        let _ = writeln!(text, "{sha256}  {path}");
        text
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CaseError> {
    let mut file = create(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(CaseError::system(path, "cannot be written"))
}
