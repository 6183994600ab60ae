//! Cases: evidence that others can check.

mod certificate;
mod findings;
mod intake;
mod publish;
mod reanalyse;
mod redact;
mod replicate;
mod stamp;

use super::knowledge::Knowledge;
use super::work::Run;
use super::{Failure, key};
use crate::base::text::{bytes, hex, safe};
use crate::case::intake::Answer;
use crate::case::journal::{Book, Event, walk};
use crate::case::verify::{Report, Verdict, verify};
use crate::case::{custody, import, layout, merkle, review, seal, signer};
use crate::redaction;
use clap::{Args, Subcommand};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The program, as journals name it.
const TOOL: &str = concat!("phonehome ", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Subcommand)]
pub enum CaseCommand {
    /// Make a case of captures that were received, not recorded here
    #[command(after_help = "Example:\n  phonehome case import doorbell.pcap --case doorbell")]
    Import {
        /// Captures, copied byte for byte
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Folder of the new case
        #[arg(long, value_name = "DIR")]
        case: PathBuf,
    },
    /// Print what happened to a case, from its journals
    #[command(after_help = "Example:\n  phonehome case log doorbell")]
    Log {
        /// Folder of the case
        #[arg(value_name = "DIR")]
        case: PathBuf,
    },
    /// Say in a few lines what a case holds
    #[command(after_help = "Example:\n  phonehome case status doorbell")]
    Status {
        /// Folder of the case
        #[arg(value_name = "DIR")]
        case: PathBuf,
    },
    /// Answer the questions about the unit under test; without a case, print them
    #[command(after_help = "Example:\n  phonehome case intake > answers.toml\n\n\
        Then, filled in:\n  \
        phonehome case intake doorbell --answers answers.toml --key lab.key")]
    Intake(intake::Intake),
    /// Add a signed note
    #[command(after_help = "Example:\n  \
        phonehome case note doorbell \"handed over by the buyer, seal unbroken\" --key lab.key")]
    Note {
        /// Folder of the case
        #[arg(value_name = "DIR")]
        case: PathBuf,
        /// What is noted
        text: String,
        #[command(flatten)]
        key: Key,
    },
    /// Add files, each with a signed line that holds its hash
    #[command(after_help = "Example:\n  \
        phonehome case attach doorbell receipt.pdf --text \"bought 3 May\" --key lab.key")]
    Attach {
        /// Folder of the case
        #[arg(value_name = "DIR")]
        case: PathBuf,
        /// What is added
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// What they show
        #[arg(long, default_value = "")]
        text: String,
        #[command(flatten)]
        key: Key,
    },
    /// Say what a person decided about a finding, with a signed line
    #[command(after_help = "Example:\n  \
        phonehome case review doorbell ddf073c3c07cbaaa --as confirmed \\\n    \
        --because \"seen again on a second unit\" --key lab.key")]
    Review {
        /// Folder of the case
        #[arg(value_name = "DIR")]
        case: PathBuf,
        /// Key of the finding, as `analyze` prints it in its JSON
        #[arg(value_parser = parse_finding)]
        finding: String,
        /// What it comes to
        #[arg(long = "as", value_parser = review::STATES)]
        state: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        because: String,
        #[command(flatten)]
        key: Key,
    },
    /// Put a copy with the findings, signed, into DIR-sealed
    #[command(after_help = "Example:\n  phonehome case seal doorbell --key lab.key")]
    Seal(Box<Seal>),
    /// Print a certificate about a sealed case for a qualified person to complete
    #[command(
        after_help = "Example:\n  phonehome case certificate doorbell-sealed > certificate.txt"
    )]
    Certificate {
        /// Folder of the sealed case
        #[arg(value_name = "DIR")]
        case: PathBuf,
    },
    /// Ask authorities when a sealed case existed at the latest (RFC 3161), and keep their replies
    #[command(after_help = "Example:\n  phonehome case stamp doorbell-sealed\n\n\
        Then, with the reply and the certificate of the authority's root:\n  \
        phonehome case stamp doorbell-sealed reply.tsr --authority root.pem")]
    Stamp(stamp::Stamp),
    /// Analyse a sealed case again and compare with the findings inside
    #[command(after_help = "Example:\n  phonehome case reanalyse doorbell-sealed\n\n\
        With the program, signatures and databases that it was sealed with, every byte must be the \
        same: else the exit code is 5. With others, what changed is listed.")]
    Reanalyse(Box<reanalyse::Reanalyse>),
    /// Make a copy that withholds what nobody else should see; what stays proves itself
    #[command(
        after_help = "Examples:\n  phonehome case redact doorbell-sealed -o doorbell-headers\n  \
        phonehome case redact doorbell-sealed -o doorbell-cited --profile cited-payload\n\n\
        Packets are cut, never changed, and keep their numbers. `case verify` checks the copy."
    )]
    Redact(redact::Redact),
    /// List what would identify laboratory, buyer or source in what is to be published
    #[command(after_help = "Examples:\n  \
        phonehome case publish --check captures/camera.pcapng --device 00:00:5e:00:53:10\n  \
        phonehome case publish --check doorbell-headers --json\n\n\
        It changes nothing. What was looked for and what was not is part of the result.\n\n\
        Exit codes: 0 nothing of what was looked for is there, 1 something is, 3 not all could be read.")]
    Publish(publish::Publish),
    /// Say which findings several cases show, and which cases could have shown them
    #[command(
        after_help = "Example:\n  phonehome case replicate doorbell second-unit other-lab\n\n\
        A case that is incomplete, or shorter than those that show a finding, is not comparable.\n\n\
        Exit codes: 0 done, 2 two cases hold the same capture, 3 a case is incomplete, 5 one is broken."
    )]
    Replicate(Box<replicate::Replicate>),
    /// Check every byte of a case, or of a redacted copy; say which promise holds
    #[command(after_help = "Examples:\n  phonehome case verify doorbell\n  \
        phonehome case verify doorbell-sealed --key lab.key.pub --json\n\n\
        Exit codes: 0 what is promised holds, 5 it does not, 4 nothing could be read.")]
    Verify {
        /// Folder of the case
        #[arg(value_name = "DIR")]
        case: PathBuf,
        /// Public key that must have sealed it: a file, or the key itself
        #[arg(long, value_name = "KEY")]
        key: Option<PathBuf>,
        /// Certificate of the root of a time-stamp authority, PEM, that every time-stamp must lead
        /// back to
        #[arg(long, value_name = "FILE.pem")]
        authority: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct Key {
    /// Secret key (`phonehome key new`); its passphrase comes from PHONEHOME_PASSPHRASE or is asked
    /// for
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Debug, Args)]
pub struct Seal {
    /// Folder of the case
    #[arg(value_name = "DIR")]
    case: PathBuf,
    #[command(flatten)]
    key: Key,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
}

/// Carries one of them out.
pub fn run(command: &CaseCommand) -> Result<u8, Failure> {
    match command {
        CaseCommand::Import { files, case } => {
            let names = import::import(case, files, TOOL).map_err(anyhow::Error::from)?;
            for (name, file) in names.iter().zip(files) {
                say(&format!("segments/{name}  {}", shown(file)))?;
            }
            Ok(0)
        }
        CaseCommand::Log { case } => log(case),
        CaseCommand::Status { case } => status(case),
        CaseCommand::Note { case, text, key } => {
            if text.is_empty() || text.len() > custody::NOTE_BYTES_MAX {
                let most = custody::NOTE_BYTES_MAX;
                Err(anyhow::anyhow!("a note has 1 to {most} bytes"))?;
            }
            let event = Event::Note { text: text.clone() };
            let signer = key::open(&key.key)?;
            custody::add(case, &signer, TOOL, event).map_err(anyhow::Error::from)?;
            Ok(0)
        }
        CaseCommand::Review { case, finding, state, because, key } => {
            if because.is_empty() || because.len() > custody::NOTE_BYTES_MAX {
                let most = custody::NOTE_BYTES_MAX;
                Err(anyhow::anyhow!("a reason has 1 to {most} bytes"))?;
            }
            let (finding, state, text) = (finding.clone(), state.clone(), because.clone());
            let signer = key::open(&key.key)?;
            let event = Event::Review { finding, state, text };
            custody::add(case, &signer, TOOL, event).map_err(anyhow::Error::from)?;
            Ok(0)
        }
        CaseCommand::Attach { case, files, text, key } => {
            if text.len() > custody::NOTE_BYTES_MAX {
                let most = custody::NOTE_BYTES_MAX;
                Err(anyhow::anyhow!("a text has at most {most} bytes"))?;
            }
            let signer = key::open(&key.key)?;
            for file in files {
                let name = custody::attach(case, &signer, TOOL, file, text);
                let name = name.map_err(anyhow::Error::from)?;
                say(&format!("attachments/{name}  {}", shown(file)))?;
            }
            Ok(0)
        }
        CaseCommand::Seal(args) => seal(args),
        CaseCommand::Intake(args) => intake::run(args),
        CaseCommand::Certificate { case } => certificate::run(case),
        CaseCommand::Redact(args) => redact::run(args),
        CaseCommand::Publish(args) => publish::run(args),
        CaseCommand::Replicate(args) => replicate::run(args),
        CaseCommand::Stamp(args) => stamp::run(args),
        CaseCommand::Reanalyse(args) => reanalyse::run(args),
        CaseCommand::Verify { case, key, authority, json } => {
            let key = key.as_deref().map(signer::public_of).transpose();
            let key = key.map_err(anyhow::Error::from)?;
            if redaction::is_redacted(case) {
                return redact::verify(case, key.as_deref());
            }
            check_is_case(case)?;
            let report = verify(case, key.as_deref(), authority.as_deref());
            let mut out = BufWriter::new(io::stdout().lock());
            let written = match json {
                true => serde_json::to_writer_pretty(&mut out, &report)
                    .map_err(io::Error::from)
                    .and_then(|()| writeln!(out)),
                false => write_report(&report, &mut out),
            };
            written.and_then(|()| out.flush()).map_err(anyhow::Error::from)?;
            Ok(if report.holds { 0 } else { 5 })
        }
    }
}

fn parse_finding(text: &str) -> Result<String, &'static str> {
    let fits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fits { Ok(text.to_ascii_lowercase()) } else { Err("a key has 16 hexadecimal digits") }
}

fn say(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(|error| anyhow::Error::from(error).into())
}

fn shown(path: &Path) -> String {
    safe(path.as_os_str().as_encoded_bytes())
}

fn check_is_case(case: &Path) -> Result<(), Failure> {
    // What was removed from a case is for the check to find.
    let parts = layout::parts(case);
    let known = [layout::journal(&parts), layout::segments(&parts), layout::custody(&parts)];
    if layout::is_sealed(case) || known.iter().any(|path| path.symlink_metadata().is_ok()) {
        return Ok(());
    }
    Err(Failure { error: anyhow::anyhow!("{}: is not the folder of a case", shown(case)), code: 4 })
}

fn write_report(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for promise in &report.promises {
        let verdict = match promise.verdict {
            Verdict::Holds => "holds",
            Verdict::Broken => "BROKEN",
            Verdict::NotMade => "not made",
        };
        writeln!(out, "{verdict:<9} {}: {}", promise.id, promise.promise)?;
        for detail in &promise.details {
            writeln!(out, "          {}", safe_line(detail))?;
        }
        if promise.more > 0 {
            writeln!(out, "          and {} more", promise.more)?;
        }
    }
    for note in &report.notes {
        writeln!(out, "note      {}", safe_line(note))?;
    }
    Ok(())
}

/// Text that may hold names of a hostile case; escaping it twice does no harm.
fn safe_line(text: &str) -> String {
    safe(text.as_bytes())
}

fn seal(args: &Seal) -> Result<u8, Failure> {
    let case = &args.case;
    seal::check(case).map_err(anyhow::Error::from)?;
    check_is_case(case)?;
    let report = verify(case, None, None);
    if !report.holds {
        let mut err = io::stderr().lock();
        drop(write_report(&report, &mut err));
        let error = anyhow::anyhow!("{}: does not hold, and is not sealed", shown(case));
        return Err(Failure { error, code: 5 });
    }
    let signer = key::open(&args.key.key)?;
    let findings = findings::of(case, &args.run, &args.knowledge)?;
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let tree = redaction::tree(case, &secret).map_err(anyhow::Error::from)?;
    let derived = [
        (seal::FINDINGS, findings),
        (merkle::FILE, tree.text().into_bytes()),
        (merkle::SECRET, format!("{}\n", hex(&secret)).into_bytes()),
    ];
    let target = seal::seal(case, &signer, TOOL, &derived).map_err(anyhow::Error::from)?;
    // What was read was perhaps changed before it was copied.
    let report = verify(&target, Some(&signer.public()), None);
    if !report.holds {
        drop(write_report(&report, &mut io::stderr().lock()));
        let error = anyhow::anyhow!("{}: does not hold", shown(&target));
        return Err(Failure { error, code: 5 });
    }
    let request = crate::case::stamp::request(&target).map_err(anyhow::Error::from)?;
    say(&format!("{}: sealed, signed with {}", shown(&target), signer.public()))?;
    say(&format!("{}: ask authorities for the time: phonehome case stamp", shown(&request)))?;
    Ok(0)
}

fn log(case: &Path) -> Result<u8, Failure> {
    check_is_case(case)?;
    let parts = layout::parts(case);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut code = 0;
    let books =
        [(layout::journal(&parts), Book::Recording), (layout::custody(&parts), Book::Custody)];
    for (path, book) in books {
        if book == Book::Custody && path.symlink_metadata().is_err() {
            continue;
        }
        let mut written = Ok(());
        let walked = walk(&path, book, &mut |entry| {
            if written.is_ok()
                && let Some(text) = told(&entry.event)
            {
                let second = entry.clocks.wall.to_string();
                let line = safe(text.as_bytes());
                written = writeln!(out, "{}  {line}", second.get(..19).unwrap_or(&second));
            }
        });
        written.map_err(anyhow::Error::from)?;
        let broken = match walked {
            Ok(walked) => walked.broken.map(|broken| broken.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(broken) = broken {
            writeln!(out, "BROKEN  {}", safe(broken.as_bytes())).map_err(anyhow::Error::from)?;
            code = 5;
        }
    }
    out.flush().map_err(anyhow::Error::from)?;
    Ok(code)
}

/// An event for people; checkpoints are too many.
fn told(event: &Event) -> Option<String> {
    Some(match event {
        Event::Begin { tool, host, interfaces, .. } if interfaces.is_empty() => {
            format!("import by {tool} on {host}")
        }
        Event::Begin { tool, host, interfaces, .. } => {
            format!("recording by {tool} on {host}: {}", interfaces.join(", "))
        }
        Event::Checkpoint { .. } => return None,
        Event::Sealed { segment } => format!("{segment} is complete"),
        Event::Phase { phase, .. } => format!("phase {phase}"),
        Event::Mark { text, .. } => format!("mark: {text}"),
        Event::Label { device, label } => format!("{device} is called {label}"),
        Event::Gap { interface, from, to, reason } => {
            format!("nothing recorded from {from} to {to} on {interface}: {reason}")
        }
        Event::ClockStep { nanoseconds } => format!("the clock was set by {nanoseconds} ns"),
        Event::Warning { text } => format!("warning: {text}"),
        Event::Imported { segment, name, bytes: count, sha256, statement } => {
            format!("{segment}: {name}, {count} bytes, SHA-256 {sha256}; {statement}")
        }
        Event::Custody { host, minisign_key, .. } => {
            format!("from here on signed with {minisign_key}, on {host}")
        }
        Event::Note { text } => format!("note: {text}"),
        Event::Attached { file, name, bytes: count, sha256, text } => {
            format!("attachments/{file}: {name}, {count} bytes, SHA-256 {sha256}; {text}")
        }
        Event::Intake { answers } => {
            answers.iter().fold("intake:".to_owned(), |all, (name, answer)| {
                let (how, text) = match answer {
                    Answer::Answered(text) => ("", text),
                    Answer::Skipped(text) => ("skipped: ", text),
                };
                format!("{all} {name}: {how}{text};")
            })
        }
        Event::Review { finding, state, text } => {
            format!("finding {finding} is {state}: {text}")
        }
        Event::Sealing { findings_sha256 } => {
            format!("made ready to be sealed; SHA-256 of findings.json {findings_sha256}")
        }
        Event::End { reason } => format!("end: {reason}"),
    })
}

fn status(case: &Path) -> Result<u8, Failure> {
    check_is_case(case)?;
    let parts = layout::parts(case);
    let (mut packets, mut size, mut segments, mut received) = (0u64, 0u64, 0u64, 0u64);
    let (mut open, mut first, mut last, mut end) = ((0, 0), None, None, None);
    let (mut lost, mut gaps, mut clock_steps) = (0u64, 0u64, 0u64);
    let walked = walk(&layout::journal(&parts), Book::Recording, &mut |entry| {
        first.get_or_insert(entry.clocks.wall);
        last = Some(entry.clocks.wall);
        match entry.event {
            Event::Checkpoint { bytes, packets, drops, .. } => {
                open = (bytes, packets);
                lost = drops.kernel.saturating_add(drops.interface).saturating_add(drops.own);
            }
            Event::Imported { bytes, .. } => {
                received += 1;
                open = (bytes, 0);
            }
            Event::Sealed { .. } => {
                segments += 1;
                size = size.saturating_add(open.0);
                packets = packets.saturating_add(open.1);
                open = (0, 0);
            }
            Event::Gap { .. } => gaps += 1,
            Event::ClockStep { .. } => clock_steps += 1,
            Event::End { reason } => end = Some(reason),
            _ => {}
        }
    });
    let walked = walked.map_err(|error| Failure { error: error.into(), code: 4 })?;
    let size = bytes(size.saturating_add(open.0));
    let time = |time: Option<crate::base::time::Timestamp>| {
        time.map_or_else(|| "never".to_owned(), |time| time.to_string())
    };
    if received > 0 {
        say(&format!("received  {received} captures, {size}; not recorded here"))?;
    } else {
        let packets = packets.saturating_add(open.1);
        say(&format!("recorded  {packets} packets, {size}, {segments} complete segments"))?;
        say(&format!("lost      {lost} packets; {gaps} gaps; {clock_steps} steps of the clock"))?;
    }
    say(&format!("journal   {} to {}", time(first), time(last)))?;
    let end =
        end.map_or_else(|| "not in good order, or not yet".to_owned(), |why| safe(why.as_bytes()));
    say(&format!("end       {end}"))?;
    let (mut notes, mut attached) = (0u64, 0u64);
    if layout::custody(&parts).symlink_metadata().is_ok() {
        let walked =
            walk(&layout::custody(&parts), Book::Custody, &mut |entry| match entry.event {
                Event::Note { .. } => notes += 1,
                Event::Attached { .. } => attached += 1,
                _ => {}
            });
        walked.map_err(|error| Failure { error: error.into(), code: 4 })?;
    }
    say(&format!("custody   {notes} notes, {attached} attachments"))?;
    let sealed = match (layout::is_sealed(case), seal::target(case).symlink_metadata().is_ok()) {
        (true, _) => "yes".to_owned(),
        (false, true) => format!("a sealed copy is in {}", shown(&seal::target(case))),
        (false, false) => "no".to_owned(),
    };
    say(&format!("sealed    {sealed}"))?;
    say("This counts what the journals say. `phonehome case verify` checks it.")?;
    Ok(if walked.broken.is_some() { 5 } else { 0 })
}
