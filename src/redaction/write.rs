//! Writes the redacted copy.

use super::walk::{self, Piece};
use super::{CAPTURES, CHAIN, CHANGES, Cited, LEAVES, Profile, RedactionError, SEALED, refused};
use crate::base::text::hex;
use crate::case::merkle::{self, Salts, Sealed, Tree};
use crate::case::{CaseError, layout, pcapng, tree};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

pub(super) const CHECK: &str = include_str!("check.py");
pub(super) const CHANGES_HEAD: &str = "capture\tframe\tbytes that stay";

/// Copies a sealed case into `out`, which must not exist. Gives the number of frames, and of those
/// that were cut.
///
/// # Errors
/// When the case is not sealed with a tree, does not hold, or the system refuses.
pub fn redact(
    case: &Path,
    out: &Path,
    profile: Profile,
    cited: &Cited,
    tool: &str,
) -> Result<[u64; 2], RedactionError> {
    let sealed = sealed(case)?;
    let secret = secret(case)?;
    folder(out)?;
    let written =
        copies(case, out).and_then(|()| Writer::new(out, profile, tool, &secret)?.all(case, cited));
    let whole = written.and_then(|(counts, tree)| match tree == sealed {
        true => Ok(counts),
        false => Err(refused(case, "its packets are not those whose tree was sealed")),
    });
    if whole.is_err() {
        // Ours from its first byte, since it did not exist before.
        drop(std::fs::remove_dir_all(out));
    }
    whole
}

fn folder(path: &Path) -> Result<(), CaseError> {
    std::fs::create_dir(path).map_err(CaseError::system(path, "cannot be created"))
}

fn sealed(case: &Path) -> Result<Sealed, RedactionError> {
    if !layout::is_sealed(case) {
        return Err(refused(case, "is not sealed; only what was sealed can prove itself"));
    }
    let path = layout::parts(case).join(merkle::FILE);
    let text = tree::text(&path, 4096).map_err(CaseError::system(&path, "cannot be read"))?;
    serde_json::from_str(&text).map_err(|error| refused(&path, error.to_string()))
}

fn secret(case: &Path) -> Result<[u8; 32], RedactionError> {
    let path = layout::parts(case).join(merkle::SECRET);
    let text = tree::text(&path, 4096).map_err(CaseError::system(&path, "cannot be read"))?;
    let digits = text.trim_end();
    let byte = |at: usize| {
        digits.get(at * 2..at * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
    let bytes = bytes.filter(|_| digits.len() == 64).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| refused(&path, "is not 64 digits"))
}

fn copies(case: &Path, out: &Path) -> Result<(), RedactionError> {
    let target = out.join(SEALED);
    folder(&target)?;
    folder(&out.join(CAPTURES))?;
    for name in CHAIN {
        let from =
            if name == merkle::FILE { layout::parts(case).join(name) } else { case.join(name) };
        let text = tree::text(&from, 64 * 1024 * 1024);
        let text = text.map_err(CaseError::system(&from, "cannot be read"))?;
        write(&target.join(name), text.as_bytes())?;
    }
    write(&out.join("check.py"), CHECK.as_bytes())?;
    let signer = tree::text(&case.join(crate::case::seal::SIGNER), 4096);
    let signer = signer.map_err(CaseError::system(case, "cannot be read"))?;
    let key = signer.lines().last().unwrap_or_default();
    Ok(write(&out.join("VERIFY.txt"), instructions(key).as_bytes())?)
}

pub(super) fn instructions(key: &str) -> String {
    format!(
        "\
# How to check this folder without phonehome: that every byte in captures/ stood at the same place
# in the case that was sealed. What was withheld is not here; changes.tsv says where it stood.
#
# You need minisign, coreutils and Python 3. Ask the person who sealed the case, by another way, for
# the key and compare: {key}
# Each line ends with exit code 0 where all is well; run them in here:

(cd sealed && minisign -V -H -q -P {key} -m tagmanifest-sha256.txt)
(cd sealed && grep -E ' (manifest-sha256.txt|signer.pub)$' tagmanifest-sha256.txt | sha256sum --check --strict --quiet)
test \"$(grep ' data/merkle.json$' sealed/manifest-sha256.txt | cut -c 1-64)\" = \"$(sha256sum < sealed/merkle.json | cut -c 1-64)\"
python3 check.py
"
    )
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CaseError> {
    let mut file = File::create_new(path).map_err(CaseError::system(path, "cannot be created"))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(CaseError::system(path, "cannot be written"))
}

struct Writer<'w> {
    out: &'w Path,
    profile: Profile,
    tool: &'w str,
    salts: Salts,
    leaves: BufWriter<File>,
    changes: BufWriter<File>,
    capture: Option<Capture>,
    tree: Tree,
    position: u64,
    counts: [u64; 2],
}

struct Capture {
    position: u32,
    path: PathBuf,
    file: BufWriter<File>,
    /// Link types of the interfaces described so far.
    links: Vec<u16>,
    block: Vec<u8>,
}

fn create(path: &Path) -> Result<BufWriter<File>, CaseError> {
    let file = File::create_new(path).map_err(CaseError::system(path, "cannot be created"))?;
    Ok(BufWriter::new(file))
}

impl<'w> Writer<'w> {
    fn new(
        out: &'w Path,
        profile: Profile,
        tool: &'w str,
        secret: &[u8; 32],
    ) -> Result<Writer<'w>, RedactionError> {
        let mut changes = create(&out.join(CHANGES))?;
        line(&mut changes, CHANGES, CHANGES_HEAD)?;
        Ok(Writer {
            out,
            profile,
            tool,
            salts: Salts::new(secret),
            leaves: create(&out.join(LEAVES))?,
            changes,
            capture: None,
            tree: Tree::default(),
            position: 0,
            counts: [0; 2],
        })
    }

    fn all(mut self, case: &Path, cited: &Cited) -> Result<([u64; 2], Sealed), RedactionError> {
        walk::frames(case, &mut |piece| self.frame(piece, cited.contains(&piece.spoken)))?;
        self.end_capture()?;
        for (file, name) in [(&mut self.leaves, LEAVES), (&mut self.changes, CHANGES)] {
            let path = self.out.join(name);
            let written = file.flush().and_then(|()| file.get_ref().sync_all());
            written.map_err(CaseError::system(&path, "cannot be written"))?;
        }
        Ok((self.counts, self.tree.sealed()))
    }

    fn frame(&mut self, piece: &Piece<'_>, cited: bool) -> Result<(), RedactionError> {
        let stays = match (self.profile, cited) {
            (Profile::Cited | Profile::CitedPayload, true) => [true, true],
            (Profile::Headers | Profile::CitedPayload, _) => [true, false],
            (Profile::Cited, false) => [false, false],
        };
        let mut tokens = [String::new(), String::new()];
        for ((token, stays), (about, bytes)) in tokens.iter_mut().zip(stays).zip(piece.parts()) {
            let salt = self.salts.of(self.position);
            let hash = merkle::leaf(&salt, &about, bytes);
            self.tree.add(hash);
            self.position += 1;
            // Of nothing, nothing is withheld.
            let stays = stays || bytes.is_empty();
            *token = if stays { format!("+{}", hex(&salt)) } else { format!("-{}", hex(&hash)) };
        }
        let frame = &piece.frame;
        let length = match stays {
            [true, true] => frame.data.len(),
            [true, false] => piece.headers,
            _ => 0,
        };
        self.packet(piece, &frame.data[..length])?;
        let text = format!("{}\t{}\t{}", piece.headers, tokens[0], tokens[1]);
        line(&mut self.leaves, LEAVES, &text)?;
        self.counts[0] += 1;
        if length < frame.data.len() {
            self.counts[1] += 1;
            let text = format!("{}\t{}\t{length}", piece.capture + 1, frame.number);
            line(&mut self.changes, CHANGES, &text)?;
        }
        Ok(())
    }

    fn packet(&mut self, piece: &Piece<'_>, data: &[u8]) -> Result<(), RedactionError> {
        if self.capture.as_ref().is_none_or(|capture| capture.position != piece.capture) {
            self.end_capture()?;
            self.begin_capture(piece.capture)?;
        }
        let Some(capture) = &mut self.capture else { return Ok(()) };
        capture.block.clear();
        let link = piece.frame.link;
        let interface = match capture.links.iter().position(|&known| known == link) {
            Some(interface) => interface,
            None => {
                capture.links.push(link);
                let description =
                    pcapng::Interface { name: "redacted", link, snap_length: 0, filter: "" };
                pcapng::interface(&mut capture.block, &description);
                capture.links.len() - 1
            }
        };
        let frame = &piece.frame;
        pcapng::packet(&mut capture.block, interface as u32, frame.time, frame.wire_length, data);
        let written = capture.file.write_all(&capture.block);
        Ok(written.map_err(CaseError::system(&capture.path, "cannot be written"))?)
    }

    fn begin_capture(&mut self, position: u32) -> Result<(), CaseError> {
        let path = self.out.join(CAPTURES).join(layout::segment_name(position as usize));
        let mut file = create(&path)?;
        let mut block = Vec::new();
        let comment =
            format!("redacted ({}); numbers of frames are those of the case", self.profile.name());
        let section =
            pcapng::Section { hardware: "", system: "", application: self.tool, comment: &comment };
        pcapng::section(&mut block, &section);
        file.write_all(&block).map_err(CaseError::system(&path, "cannot be written"))?;
        self.capture = Some(Capture { position, path, file, links: Vec::new(), block });
        Ok(())
    }

    fn end_capture(&mut self) -> Result<(), CaseError> {
        let Some(mut capture) = self.capture.take() else { return Ok(()) };
        let written = capture.file.flush().and_then(|()| capture.file.get_ref().sync_all());
        written.map_err(CaseError::system(&capture.path, "cannot be written"))
    }
}

fn line(file: &mut BufWriter<File>, name: &str, text: &str) -> Result<(), CaseError> {
    let written = writeln!(file, "{text}");
    written.map_err(CaseError::system(Path::new(name), "cannot be written"))
}
