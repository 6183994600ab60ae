//! `phonehome case publish --check`: what would identify laboratory, buyer or source.

mod attached;
mod dns_stream;
mod file;
mod frames;
mod names;
mod public;
mod radio;
mod said;
mod texts;
mod told;

use super::handled::Journal;
use super::{check_is_case, redact, shown};
use crate::attribution::geo::Geo;
use crate::attribution::ledger::DeviceKey;
use crate::base::frame::{self, Spelling};
use crate::case::{layout, tree};
use crate::cli::argument::parse_key;
use crate::cli::work::Run;
use crate::cli::{Failure, input, reading};
use crate::engine::Outcome;
use crate::protocol::Content;
use crate::redaction;
use crate::source::file::Ending;
use clap::Args;
use frames::Frames;
pub(super) use names::named;
use serde::Serialize;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use told::{Kind, Shown, Told};

const SCHEMA: &str = "phonehome.publish-check/1";

/// True of every publication.
const WARNING: &str = "Exact times and sizes of packets stay: the vendor can match them with its own \
                       logs, and so find the unit, its account and its line, whatever else is withheld.";

const LOOKED_FOR: [&str; 12] = [
    "addresses by which the internet reaches the place: STUN and TURN over UDP, DNS client subnet over \
     UDP and TCP, NAT-PMP, PCP, UPnP, DHCP, ARP, IPv6 neighbour discovery",
    "names of wireless networks and their access points: 802.11 headers and management frames, and JSON \
     within one packet",
    "hardware addresses: link headers, ARP, DHCP, IPv6 addresses made of them, and what devices say of \
     themselves",
    "serial numbers, device ids, accounts and places that the dissectors read",
    "host names: DHCP, mDNS, NetBIOS, and names asked for that only a network of somebody's own has",
    "readable passwords and tokens that the dissectors read",
    "decryption keys in the capture file, and WPA handshakes",
    "what the capture file says: comments, interfaces, hardware, system, names of addresses",
    "journals of a case: host, system, interfaces, notes, marks, names, answers, reviews, attachments",
    "the key that signed a case",
    "the same readable text in what is compressed whole within one packet (gzip, zlib, zstd)",
    "attachments: names that the captures know, also in hexadecimal and base64; addresses and accounts in \
     plain text; the place in pictures",
];

const NOT_LOOKED_FOR: [&str; 9] = [
    "what is encrypted; who holds the keys can read it",
    "what is packed in attachments, unless the whole is one compressed text, and what pictures show",
    "passwords and the like in what is compressed: name them with --texts, or look there yourself",
    "pictures and sound, and what is noted in their files",
    "text that is split over several packets, where no dissector reads it",
    "LLDP, CDP and other protocols beside IP, beyond their hardware addresses",
    "whether a destination is the laboratory's own: its VPN, its dynamic name, its server",
    "further frames that hold a hardware address or a description: the first is given",
    "the name of the file or folder itself",
];

#[derive(Debug, Args)]
pub struct Publish {
    /// What would be published: a capture, or the folder of a case, a sealed case, a redacted copy
    #[arg(long, value_name = "PATH", required = true)]
    check: PathBuf,
    /// Hardware or network address of the unit under test: all others are then its neighbours
    #[arg(long, value_name = "MAC|IP", value_parser = parse_key)]
    device: Option<DeviceKey>,
    /// Texts that must not be told, a line each: content is searched for them, also in hexadecimal, in
    /// base64 over several lines, escaped and compressed
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    journal: Journal,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Checked {
    schema: &'static str,
    path: String,
    form: &'static str,
    device: Option<String>,
    found: Vec<Shown>,
    warnings: Vec<String>,
    looked_for: &'static [&'static str],
    not_looked_for: &'static [&'static str],
    /// What is there and was not read, but is no damage.
    limits: Vec<String>,
    complete: bool,
    incomplete_because: Vec<String>,
    #[serde(skip)]
    inputs: usize,
}

/// The captures of what would be published, and what it is.
fn inputs(path: &Path) -> Result<(Vec<PathBuf>, &'static str), Failure> {
    if path.as_os_str() == "-" {
        return Err(anyhow::anyhow!("-: what is checked is read twice; give a file").into());
    }
    if !path.is_dir() {
        return Ok((vec![path.to_owned()], "capture"));
    }
    if redaction::is_redacted(path) {
        let folder = path.join("captures");
        let files = tree::look(&folder).files;
        let mut files: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
        files.sort();
        return Ok((files, "redacted copy"));
    }
    check_is_case(path)?;
    let form = if layout::is_sealed(path) { "sealed case" } else { "case" };
    let (captures, _) = redaction::captures(path);
    Ok((captures, form))
}

/// Carries it out.
pub fn run(args: &Publish) -> Result<u8, Failure> {
    let signer = args.journal.open()?;
    let checked = check(args)?;
    if signer.is_some() {
        let found = format!("check found {} things", checked.found.len());
        args.journal.add(signer.as_ref(), &args.check, "publish", &found)?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match args.json {
        true => serde_json::to_writer_pretty(&mut out, &checked)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out)),
        false => write(&checked, &mut out),
    };
    written.and_then(|()| out.flush()).map_err(anyhow::Error::from)?;
    Ok(match (checked.complete, checked.found.is_empty()) {
        (false, _) => 3,
        (true, false) => 1,
        (true, true) => 0,
    })
}

/// What was read of captures.
struct Read {
    outcome: Outcome,
    endings: Vec<Ending>,
    frames: Frames,
    told: Told,
}

fn read(path: &Path, files: &[PathBuf], form: &str, run: &Run) -> Result<Read, Failure> {
    if files.is_empty() {
        let error = anyhow::anyhow!("{}: holds no capture", shown(path));
        return Err(Failure { error, code: 4 });
    }
    let mut told = Told::default();
    // A recording is read as one, so that nothing is lost between its segments.
    let recorded = !matches!(form, "capture" | "redacted copy")
        && layout::received(&layout::parts(path)).is_empty();
    let given = if recorded { vec![path.to_owned()] } else { files.to_vec() };
    let sources = input::open(&given, false)?;
    let (outcome, endings) = reading::walk(sources, run.settings(), &Geo::default(), None);
    let mut frames = Frames::default();
    for (input, file) in files.iter().enumerate() {
        // What cannot be read, the engine has told already.
        drop(file::read(file, input, &mut frames, &mut told));
    }
    Ok(Read { outcome, endings, frames, told })
}

fn check(args: &Publish) -> Result<Checked, Failure> {
    let path = &args.check;
    let (files, form) = inputs(path)?;
    let Read { outcome, endings, frames, mut told } = read(path, &files, form, &args.run)?;
    let mut incomplete = Vec::new();
    let unit = said::unit(&outcome.ledger, args.device);
    if let (Some(device), true) = (args.device, unit.is_empty()) {
        let id = crate::attribution::world::device_id(device);
        incomplete
            .push(format!("no hardware address of {id} was seen: neighbours are not told apart"));
    }
    frames.tell(&unit, &mut told);
    said::of(&outcome.ledger, &mut told);
    for ending in &endings {
        for (address, name) in &ending.declared.names {
            let text = format!("{address} {}", String::from_utf8_lossy(name));
            told.frame(Kind::CaptureText, text.as_bytes(), "pcapng.name", 0);
        }
    }
    match form {
        "capture" => {}
        "redacted copy" => {
            // What stands in every copy says nothing of anybody.
            told.forget(Kind::CaptureText, "redacted");
            texts::sealed(&path.join("sealed"), &mut told);
        }
        _ => {
            texts::of_case(path, &mut told, &mut incomplete);
            attached::of(&layout::parts(path), &mut told, &mut incomplete);
        }
    }
    let spelling = Spelling::of(endings.len());
    for (what, (first, count)) in &frames.packed {
        let first = spelling.all(&[*first]);
        incomplete.push(format!("{count} frames hold {what}; the first is frame {first}"));
    }
    if let Some(texts) = &args.texts {
        named_texts(&files, texts, &mut told, &mut incomplete)?;
    }
    incomplete.extend(losses(&outcome, &endings, frames.lost + told.lost));
    Ok(Checked {
        schema: SCHEMA,
        path: shown(path),
        form,
        device: args.device.map(crate::attribution::world::device_id),
        found: told.shown(),
        warnings: vec![WARNING.to_owned()],
        looked_for: &LOOKED_FOR,
        not_looked_for: &NOT_LOOKED_FOR,
        limits: limits(&outcome, &endings, &frames),
        complete: incomplete.is_empty(),
        incomplete_because: incomplete,
        inputs: endings.len(),
    })
}

/// Searches all content for the texts in a file.
fn named_texts(
    files: &[PathBuf],
    texts: &Path,
    told: &mut Told,
    incomplete: &mut Vec<String>,
) -> Result<(), Failure> {
    let wanted = redact::texts(texts)?;
    let search = redaction::search(files, &wanted).map_err(anyhow::Error::from)?;
    let number = |(input, frame): (u32, u64)| frame::base(input as usize) + frame;
    for frame in search.found {
        // Not itself: this may be shown to others.
        let what = b"one of them, or half of one at the edge of what is there";
        told.frame(Kind::NamedText, what, "content", number(frame));
    }
    let spelling = Spelling::of(files.len());
    for (what, (first, count)) in search.closed {
        let first = spelling.all(&[number(first)]);
        incomplete.push(format!(
            "{count} frames were not searched for your texts: {what}; the first is frame {first}"
        ));
    }
    if search.is_full {
        incomplete.push("there is more content than can be searched for your texts".to_owned());
    }
    Ok(())
}

/// What was lost of that which was to be read.
fn losses(outcome: &Outcome, endings: &[Ending], unlisted: u64) -> Vec<String> {
    let mut losses: Vec<String> = endings.iter().filter_map(Ending::complaint).collect();
    let ledger = outcome.ledger.losses();
    let sums = &outcome.sums;
    let fragments = &outcome.fragment_losses;
    let names: u64 = endings.iter().map(|ending| ending.declared.names_lost).sum();
    let evidence: u64 = outcome.ledger.rows.iter().map(|row| row.evidence_lost).sum();
    for (count, what) in [
        (ledger.total(), "devices, names, descriptions or flows had no room in a table"),
        (sums.losses.flows_evicted + sums.flows_unread, "flows were given up before their end"),
        (sums.losses.gaps_given_up, "gaps within flows were given up"),
        (sums.faults, "faults of dissectors"),
        (fragments.evicted + fragments.contradictory, "fragmented packets were not put together"),
        (names, "names of addresses in the file had no room"),
        (evidence, "readable secrets and the like had no room"),
        (unlisted, "things that identify had no room in this list"),
    ] {
        if count > 0 {
            losses.push(format!("{count} {what}"));
        }
    }
    losses
}

/// What cannot be read.
fn limits(outcome: &Outcome, endings: &[Ending], frames: &Frames) -> Vec<String> {
    let mut limits = Vec::new();
    for (reason, count) in &frames.unread {
        limits.push(format!("{count} frames hold something that is not read: {reason}"));
    }
    let unknown = outcome.ledger.rows.iter().filter(|row| {
        row.content() == Content::Unknown && row.totals.iter().any(|sent| sent.delivered_bytes > 0)
    });
    let count = unknown.count();
    if count > 0 {
        limits.push(format!(
            "{count} conversations are in protocols that are not known; what they say was not read"
        ));
    }
    let blocks: u64 = endings.iter().map(|ending| ending.declared.other_blocks).sum();
    if blocks > 0 {
        limits.push(format!("{blocks} blocks of capture files are of kinds that are not read"));
    }
    limits
}

fn write(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    let spelling = Spelling::of(checked.inputs);
    writeln!(
        out,
        "{} ({}): what would identify laboratory, buyer or source",
        checked.path, checked.form
    )?;
    for kind in Kind::ALL {
        let mut of_kind = checked.found.iter().filter(|found| found.kind == kind).peekable();
        if of_kind.peek().is_none() {
            continue;
        }
        writeln!(out, "\n{}: {}", kind.title(), kind.why())?;
        for found in of_kind {
            let mut places = found.places.clone();
            if !found.numbers.is_empty() {
                let more = match found.more_frames {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                places.push(format!("frame {}{more}", spelling.all(&found.numbers)));
            }
            let device = found.device.as_ref().map_or_else(String::new, |id| format!(", {id}"));
            let places = if places.is_empty() { "the file".to_owned() } else { places.join(", ") };
            writeln!(out, "  {}  ({}{device}; {places})", found.value, found.said_as)?;
        }
    }
    if checked.found.is_empty() {
        writeln!(
            out,
            "\nNothing of what was looked for was found. That is not all that can identify somebody."
        )?;
    }
    let lists: [(&str, Vec<&str>); 5] = [
        ("Always", checked.warnings.iter().map(String::as_str).collect()),
        ("Looked for", checked.looked_for.to_vec()),
        ("Not looked for", checked.not_looked_for.to_vec()),
        ("Not read", checked.limits.iter().map(String::as_str).collect()),
        ("Incomplete", checked.incomplete_because.iter().map(String::as_str).collect()),
    ];
    for (head, lines) in lists.iter().filter(|(_, lines)| !lines.is_empty()) {
        writeln!(out, "\n{head}:")?;
        for line in lines {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}
