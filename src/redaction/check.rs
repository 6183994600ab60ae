//! Checks a redacted copy: that the root was sealed, and that what is left of every packet stood
//! where it says. Believes nothing that the copy says about itself.

use super::{CAPTURES, CHAIN, CHANGES, LEAVES, SEALED, write};
use crate::base::text::{hex, unhex};
use crate::case::merkle::{self, About, Hash, Salt, Sealed, Tree};
use crate::case::{layout, pcapng, seal, signer, tree};
use crate::source::Frame;
use crate::source::file::FileSource;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;

/// Longest line of a list, bytes: a length and three tokens, or a number of places in a frame.
const LINE_BYTES_MAX: u64 = 2048;
/// Largest of the signed lists, bytes: one of 65 536 files.
const LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What holds of a redacted copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Key that sealed the case, as minisign prints it.
    pub signed_by: String,
    /// What was signed with it.
    pub signed: String,
    /// Frames.
    pub frames: u64,
    /// Parts that are there and prove themselves.
    pub kept: u64,
    /// Parts that are withheld.
    pub withheld: u64,
    /// Parts with pseudonyms in them: nothing proves them.
    pub renamed: u64,
}

/// Checks a copy; `key` is the public one that must have sealed the case.
///
/// # Errors
/// What does not hold, with the file and line or frame.
pub fn check(folder: &Path, key: Option<&str>) -> Result<Proven, String> {
    let tree = tree::look(folder);
    if let Some(fault) = tree.faults.first() {
        return Err(fault.clone());
    }
    let (signed_by, signed, sealed) = chain(&folder.join(SEALED), key)?;
    let mut changes = Lines::open(folder, CHANGES)?;
    if changes.next()?.as_deref() != Some(write::CHANGES_HEAD) {
        return Err(changes.wrong("is not its head"));
    }
    for (name, content) in
        [("check.py", write::CHECK.to_owned()), ("VERIFY.txt", write::instructions(&signed_by))]
    {
        let text = tree::text(&folder.join(name), 64 * 1024);
        if text.map_err(|error| format!("{name}: {error}"))? != content {
            return Err(format!("{name}: is not as phonehome writes it"));
        }
    }
    let mut leaves = Lines::open(folder, LEAVES)?;
    let mut rebuilt = Tree::default();
    let mut proven = Proven { signed_by, signed, frames: 0, kept: 0, withheld: 0, renamed: 0 };
    let chain = CHAIN.map(|name| format!("{SEALED}/{name}"));
    let named = [CHANGES, LEAVES, "check.py", "VERIFY.txt"];
    let (captures, others): (Vec<&String>, Vec<&String>) =
        tree.files.iter().partition(|file| file.starts_with("captures/"));
    if let Some(file) =
        others.iter().find(|file| !named.contains(&file.as_str()) && !chain.contains(file))
    {
        return Err(format!("{file}: does not belong to it"));
    }
    for (position, file) in captures.iter().enumerate() {
        if **file != format!("{CAPTURES}/{}", layout::segment_name(position)) {
            return Err(format!("{file}: is not the capture whose turn it is"));
        }
        let mut source =
            FileSource::open(&folder.join(file), false).map_err(|error| error.to_string())?;
        let mut written = Written::open(folder, file)?;
        while let Some(frame) = source.next_frame() {
            let wrong = |why: &str| format!("{file}: frame {}: {why}", frame.number);
            let line = leaves.next()?.ok_or_else(|| wrong("is one too many"))?;
            let entry = entry(&line, frame.data.len())
                .ok_or_else(|| leaves.wrong("is not a length and three parts"))?;
            written.frame(&frame)?;
            if entry.parts.iter().any(|part| !matches!(part, Part::Kept(_))) {
                let change = format!("{}\t{}\t{}\t", position + 1, frame.number, frame.data.len());
                let line = changes.next()?;
                let places = line.as_deref().and_then(|line| line.strip_prefix(&*change));
                if !places.is_some_and(|places| are_renamed(places, &entry, frame.data.len())) {
                    return Err(changes.wrong("is not the frame that was changed next"));
                }
            }
            frame_parts(position as u32, &frame, &entry, &mut rebuilt, &mut proven)
                .map_err(wrong)?;
        }
        if let Some(damage) = source.finish().damage {
            return Err(format!("{file}: byte {}: {}", damage.offset, damage.reason));
        }
        written.end()?;
    }
    for lines in [&mut leaves, &mut changes] {
        if lines.next()?.is_some() {
            return Err(lines.wrong("speaks of a frame that is missing"));
        }
    }
    let found = rebuilt.sealed();
    if found != sealed {
        return Err(format!(
            "the root of these packets is {}, sealed was {}",
            found.root, sealed.root
        ));
    }
    Ok(proven)
}

fn frame_parts(
    capture: u32,
    frame: &Frame<'_>,
    entry: &Entry,
    tree: &mut Tree,
    proven: &mut Proven,
) -> Result<(), &'static str> {
    let (headers, rest) = frame.data.split_at(entry.headers);
    proven.frames += 1;
    for (part, (bytes, token)) in [headers, rest, &[]].into_iter().zip(&entry.parts).enumerate() {
        let hash = match token {
            Part::Kept(salt) => {
                proven.kept += 1;
                let about = About {
                    capture,
                    frame: frame.number,
                    time: frame.time.0,
                    wire_length: frame.wire_length,
                    link: frame.link,
                    part: part as u8,
                };
                merkle::leaf(salt, &about, bytes)
            }
            _ if part == 2 => return Err("does not prove its time and length"),
            Part::Withheld(_) if !bytes.is_empty() => return Err("has bytes that nothing proves"),
            Part::Renamed(_) if bytes.is_empty() => return Err("has nothing in it to be renamed"),
            Part::Renamed(hash) => {
                proven.renamed += 1;
                *hash
            }
            Part::Withheld(hash) => {
                proven.withheld += 1;
                *hash
            }
        };
        tree.add(hash);
    }
    Ok(())
}

/// From the signature to the root: key, what was signed with it, and the root.
fn chain(folder: &Path, key: Option<&str>) -> Result<(String, String, Sealed), String> {
    let text = |name: &str| {
        let text = tree::text(&folder.join(name), LIST_BYTES_MAX);
        text.map_err(|error| format!("{SEALED}/{name}: {error}"))
    };
    let [own, signature, tags, manifest, root] = CHAIN.map(text);
    let (file, tags, manifest, root) = (own?, tags?, manifest?, root?);
    let own = signer::public(&file)?;
    if key.is_some_and(|key| key != own) {
        return Err(format!("{SEALED}/{}: is another key: {own}", seal::SIGNER));
    }
    let signed = signer::check(&own, tags.as_bytes(), &signature?)
        .map_err(|why| format!("{SEALED}/{}: {why}", seal::SIGNATURE))?;
    let links = [
        (seal::TAG_MANIFEST, &tags, seal::SIGNER.to_owned(), &file),
        (seal::TAG_MANIFEST, &tags, seal::MANIFEST.to_owned(), &manifest),
        (seal::MANIFEST, &manifest, format!("data/{}", merkle::FILE), &root),
    ];
    for (list, listed, name, content) in links {
        let line = format!("{}  {name}", hex(&Sha256::digest(content.as_bytes())));
        if !listed.lines().any(|known| known == line) {
            return Err(format!("{SEALED}/{list}: has another hash for {name}"));
        }
    }
    let sealed = serde_json::from_str(&root)
        .map_err(|error| format!("{SEALED}/{}: {error}", merkle::FILE))?;
    Ok((own, signed, sealed))
}

/// Whether a list of places is one, and names something in each part that has pseudonyms in it and
/// in no other.
fn are_renamed(places: &str, entry: &Entry, length: usize) -> bool {
    let place = |text: &str| -> Option<(usize, usize)> {
        let (first, last) = text.split_once('-')?;
        let place = (first.parse().ok()?, last.parse().ok()?);
        (format!("{}-{}", place.0, place.1) == text && place.0 <= place.1).then_some(place)
    };
    let places: Option<Vec<_>> = match places {
        "-" => Some(Vec::new()),
        _ => places.split(',').map(place).collect(),
    };
    let Some(places) = places else { return false };
    let cut = entry.headers.min(length);
    let ends = [0..cut, cut..length];
    let within = |(first, last): &(usize, usize)| *last < length && first <= last;
    let touches = |part: &Range<usize>| {
        places.iter().any(|&(first, last)| first < part.end && last >= part.start)
    };
    places.iter().all(within)
        && places.windows(2).all(|pair| pair[0].1 < pair[1].0)
        && entry
            .parts
            .iter()
            .zip(&ends)
            .all(|(part, range)| matches!(part, Part::Renamed(_)) == touches(range))
}

/// A capture as phonehome writes it, byte for byte: nothing stands around the packets that nobody
/// proves.
struct Written<'w> {
    file: BufReader<File>,
    name: &'w str,
    links: Vec<u16>,
    block: Vec<u8>,
    there: Vec<u8>,
}

impl<'w> Written<'w> {
    fn open(folder: &Path, name: &'w str) -> Result<Written<'w>, String> {
        let file = tree::open(&folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        let mut block = Vec::new();
        write::section(&mut block, "redacted");
        let file = BufReader::new(file);
        let mut written = Written { file, name, links: Vec::new(), block, there: Vec::new() };
        written.compare()?;
        Ok(written)
    }

    fn frame(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        let known = self.links.iter().position(|&link| link == frame.link);
        let interface = known.unwrap_or_else(|| {
            self.links.push(frame.link);
            write::interface(&mut self.block, frame.link);
            self.links.len() - 1
        });
        let (time, length) = (frame.time, frame.wire_length);
        pcapng::packet(&mut self.block, interface as u32, time, length, frame.data);
        self.compare()
    }

    fn compare(&mut self) -> Result<(), String> {
        self.there.resize(self.block.len(), 0);
        let read = self.file.read_exact(&mut self.there);
        if read.is_err() || self.there != self.block {
            return Err(format!("{}: is not as phonehome writes it", self.name));
        }
        self.block.clear();
        Ok(())
    }

    fn end(mut self) -> Result<(), String> {
        match self.file.fill_buf().is_ok_and(<[u8]>::is_empty) {
            true => Ok(()),
            false => Err(format!("{}: there are bytes behind its end", self.name)),
        }
    }
}

/// What the list says of a frame.
struct Entry {
    headers: usize,
    parts: [Part; 3],
}

enum Part {
    Kept(Salt),
    Withheld(Hash),
    /// There are other bytes in its place.
    Renamed(Hash),
}

/// A list, a bounded line at a time.
struct Lines {
    file: BufReader<File>,
    name: &'static str,
    number: u64,
}

impl Lines {
    fn open(folder: &Path, name: &'static str) -> Result<Lines, String> {
        let file = tree::open(&folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        Ok(Lines { file: BufReader::new(file), name, number: 0 })
    }

    fn wrong(&self, why: &str) -> String {
        format!("{}: line {}: {why}", self.name, self.number)
    }

    /// The next line without its end.
    fn next(&mut self) -> Result<Option<String>, String> {
        let mut bytes = Vec::new();
        self.number += 1;
        let read = self.file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
        if read.map_err(|error| self.wrong(&error.to_string()))? == 0 {
            return Ok(None);
        }
        let line = bytes.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        let line = line.ok_or_else(|| self.wrong("is no line of text"))?;
        Ok(Some(line.to_owned()))
    }
}

fn entry(line: &str, length: usize) -> Option<Entry> {
    let mut fields = line.split('\t');
    let text = fields.next()?;
    // Written in one way only, and within what is there.
    let headers = text.parse().ok().filter(|&headers: &usize| headers <= length)?;
    if headers.to_string() != text {
        return None;
    }
    let parts = [part(fields.next()?)?, part(fields.next()?)?, part(fields.next()?)?];
    fields.next().is_none().then_some(Entry { headers, parts })
}

fn part(token: &str) -> Option<Part> {
    match token.split_at_checked(1)? {
        ("+", salt) => Some(Part::Kept(unhex(salt)?)),
        ("~", hash) => Some(Part::Renamed(unhex(hash)?)),
        ("-", hash) => Some(Part::Withheld(unhex(hash)?)),
        _ => None,
    }
}
