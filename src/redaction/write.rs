//! Writes the redacted copy.

use super::pseudonyms::{self, Rules, Streams};
use super::walk::{self, Piece};
use super::{
    CAPTURES, CHAIN, CHANGES, Counts, LEAVES, Plan, Profile, RedactionError, SEALED, refused,
};
use crate::base::text::{hex, unhex};
use crate::case::merkle::{self, Salts, Sealed, Tree};
use crate::case::{CaseError, layout, pcapng, tree};
use crate::decode::{Body, decode};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

pub(super) const CHECK: &str = include_str!("check.py");
pub(super) const CHANGES_HEAD: &str = "capture\tframe\tbytes that stay\tpseudonyms at";
/// Most places told of a frame.
const PLACES_MAX: usize = 64;

/// Copies a sealed case into `out`, which must not exist.
///
/// # Errors
/// When the case is not sealed with a tree, does not hold, or the system refuses.
pub fn redact(case: &Path, out: &Path, plan: &mut Plan) -> Result<Counts, RedactionError> {
    let sealed = sealed(case)?;
    let secret = secret(case)?;
    folder(out)?;
    let written = copies(case, out).and_then(|()| Writer::new(out, plan, &secret)?.all(case));
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

/// The root that was sealed.
///
/// # Errors
/// When the case is not sealed with a tree.
pub fn root(case: &Path) -> Result<String, RedactionError> {
    Ok(sealed(case)?.root)
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
    unhex(text.trim_end()).ok_or_else(|| refused(&path, "is not 64 digits"))
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
    let form = crate::case::verify_text::signature_form();
    format!(
        "\
# How to check this folder without phonehome: that every byte in captures/ stood at the same place
# in the case that was sealed. What was withheld is not here; changes.tsv says where it stood.
#
# You need minisign, coreutils and Python 3. Ask the person who sealed the case, by another way, for
# the key and compare: {key}
# Each line ends with exit code 0 where all is well; run them in here:

(cd sealed && minisign -V -H -q -P {key} -m tagmanifest-sha256.txt)
(cd sealed && {form})
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
    plan: &'w mut Plan,
    /// Content with pseudonyms in it, where that was asked for.
    streams: Option<Streams>,
    salts: Salts,
    leaves: BufWriter<File>,
    changes: BufWriter<File>,
    capture: Option<Capture>,
    tree: Tree,
    position: u64,
    counts: Counts,
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
        plan: &'w mut Plan,
        secret: &[u8; 32],
    ) -> Result<Writer<'w>, RedactionError> {
        let mut changes = create(&out.join(CHANGES))?;
        line(&mut changes, CHANGES, CHANGES_HEAD)?;
        Ok(Writer {
            out,
            plan,
            streams: None,
            salts: Salts::new(secret),
            leaves: create(&out.join(LEAVES))?,
            changes,
            capture: None,
            tree: Tree::default(),
            position: 0,
            counts: Counts::default(),
        })
    }

    fn all(mut self, case: &Path) -> Result<(Counts, Sealed), RedactionError> {
        self.read_content(case)?;
        walk::frames(case, &mut |piece| self.frame(piece))?;
        self.end_capture()?;
        for (file, name) in [(&mut self.leaves, LEAVES), (&mut self.changes, CHANGES)] {
            let path = self.out.join(name);
            let written = file.flush().and_then(|()| file.get_ref().sync_all());
            written.map_err(CaseError::system(&path, "cannot be written"))?;
        }
        Ok((self.counts, self.tree.sealed()))
    }

    /// Content that stays is read beforehand where something in it has to go: a name may stand in
    /// several packets.
    fn read_content(&mut self, case: &Path) -> Result<(), RedactionError> {
        let plan = &*self.plan;
        if plan.cited.is_empty() || plan.pseudonyms.is_none() && plan.forbidden.is_empty() {
            return Ok(());
        }
        let forbid = pseudonyms::forbidden(&plan.forbidden);
        let replace = plan.pseudonyms.as_ref().map(|names| names.patterns());
        let rules = Rules { replace, forbid: &forbid };
        let mut streams = Streams::default();
        walk::frames(case, &mut |piece| {
            streams.notice(piece);
            if stays(plan, piece)[1] {
                streams.add(piece, &rules);
            }
            Ok(())
        })?;
        streams.finish(&rules);
        self.streams = Some(streams);
        Ok(())
    }

    /// Headers and content as they are told; nothing where they are withheld.
    fn told(&mut self, piece: &Piece<'_>) -> [Option<Vec<u8>>; 2] {
        let (headers, rest) = piece.frame.data.split_at(piece.headers);
        let stays = stays(self.plan, piece);
        let place = piece.place();
        let content = match &self.streams {
            _ if !stays[1] => None,
            Some(streams) => streams.rest(place).map(<[u8]>::to_vec),
            None if self.plan.pseudonyms.is_some() => None,
            None => Some(rest.to_vec()),
        };
        let new = content.as_deref().unwrap_or(rest);
        let headers = match &mut self.plan.pseudonyms {
            _ if !stays[0] => None,
            Some(names) => pseudonyms::rewrite(&piece.frame, piece.headers, (rest, new), names),
            None => Some(headers.to_vec()),
        };
        // Content has no place without what stands before it.
        let content = content.filter(|_| headers.is_some());
        [headers, content]
    }

    fn frame(&mut self, piece: &Piece<'_>) -> Result<(), RedactionError> {
        let told = self.told(piece);
        let kept: usize = told.iter().flatten().map(Vec::len).sum();
        let mut text = piece.headers.min(kept).to_string();
        let (mut data, mut places) = (Vec::new(), Vec::new());
        for ((about, bytes), told) in
            piece.parts().into_iter().zip(told.iter().map(Option::as_deref).chain([None]))
        {
            let salt = self.salts.of(self.position);
            let hash = merkle::leaf(&salt, &about, bytes);
            self.tree.add(hash);
            self.position += 1;
            let (sign, value) = match told {
                // Of nothing, nothing is withheld.
                _ if bytes.is_empty() => ('+', hex(&salt)),
                None => ('-', hex(&hash)),
                Some(same) if same == bytes => ('+', hex(&salt)),
                Some(other) => {
                    places.extend(differences(bytes, other, data.len()));
                    ('~', hex(&hash))
                }
            };
            text.extend(['\t', sign]);
            text += &value;
            data.extend_from_slice(told.unwrap_or_default());
        }
        self.packet(piece, &data)?;
        line(&mut self.leaves, LEAVES, &text)?;
        let frame = &piece.frame;
        let cut = data.len() < frame.data.len();
        self.counts.frames += 1;
        self.counts.cut += u64::from(cut);
        self.counts.renamed += u64::from(!places.is_empty());
        if cut || !places.is_empty() {
            let (capture, number, length) = (piece.capture + 1, frame.number, data.len());
            let text = format!("{capture}\t{number}\t{length}\t{}", spelled(places));
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
                interface(&mut capture.block, link);
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
        section(&mut block, "redacted");
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

/// Which parts of a frame stay by the profile.
fn stays(plan: &Plan, piece: &Piece<'_>) -> [bool; 2] {
    let cited = plan.cited.contains(&piece.place()) && !is_silent(plan, piece);
    match (plan.profile, cited) {
        (Profile::Cited | Profile::CitedPayload, true) => [true, true],
        (Profile::Headers | Profile::CitedPayload, _) => [true, false],
        (Profile::Cited, false) => [false, false],
    }
}

fn is_silent(plan: &Plan, piece: &Piece<'_>) -> bool {
    if plan.silent.is_empty() {
        return false;
    }
    let Body::Ip(ip) = decode(&piece.frame).body else { return false };
    [(ip.source, ip.destination), (ip.destination, ip.source)]
        .iter()
        .any(|ends| plan.silent.contains(ends))
}

/// Where two byte strings differ, behind so many other bytes.
fn differences(old: &[u8], new: &[u8], before: usize) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    for at in (0..new.len()).filter(|&at| old.get(at) != new.get(at)) {
        let at = before + at;
        match places.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => places.push(at..at + 1),
        }
    }
    places
}

/// Places as first and last byte, from 0.
fn spelled(mut places: Vec<Range<usize>>) -> String {
    if let (Some(end), true) = (places.last().map(|last| last.end), places.len() > PLACES_MAX) {
        places.truncate(PLACES_MAX);
        places[PLACES_MAX - 1].end = end;
    }
    let spelled = |place: &Range<usize>| format!("{}-{}", place.start, place.end - 1);
    match places.is_empty() {
        true => "-".to_owned(),
        false => places.iter().map(spelled).collect::<Vec<_>>().join(","),
    }
}

/// The first block of every capture in a copy: always the same, so that nothing stands in it that
/// nobody proves.
pub(super) fn section(out: &mut Vec<u8>, comment: &str) {
    let section = pcapng::Section { hardware: "", system: "", application: "phonehome", comment };
    pcapng::section(out, &section);
}

/// The description of an interface, which depends on its link type alone.
pub(super) fn interface(out: &mut Vec<u8>, link: u16) {
    pcapng::interface(
        out,
        &pcapng::Interface { name: "redacted", link, snap_length: 0, filter: "" },
    );
}

fn line(file: &mut BufWriter<File>, name: &str, text: &str) -> Result<(), CaseError> {
    let written = writeln!(file, "{text}");
    written.map_err(CaseError::system(Path::new(name), "cannot be written"))
}
