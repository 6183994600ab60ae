//! Cases: evidence that others can check.

mod certificate;
mod findings;
mod handled;
mod intake;
mod log;
mod new;
mod publish;
mod reanalyse;
mod redact;
mod reply_pack;
mod replicate;
mod sign;
mod stamp;
mod tsa;

use super::knowledge::Knowledge;
use super::work::Run;
use super::{Failure, key};
use crate::base::text::{hex, safe};
use crate::case::journal::Event;
use crate::case::verify::{Report, Trust, Verdict, verify, verify_with};
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
    /// Make a case before anything is recorded; `capture --case` records into it
    #[command(after_help = "Example:\n  \
        phonehome case new garage --skip-intake \"on loan, box unknown\" --key lab.key\n\n\
        With the questions of `case intake` answered: --answers FILE.toml instead of --skip-intake.")]
    New(new::New),
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
        /// Who gave them as an answer; the report prints it with the findings
        #[arg(long, value_name = "WHOM", default_value = "")]
        answer_from: String,
        /// Finding that is answered, by its key; repeatable, all where none is named
        #[arg(long, value_name = "KEY", value_parser = parse_finding, requires = "answer_from")]
        finding: Vec<String>,
        #[command(flatten)]
        key: Key,
    },
    /// Put down the unit under test, with a picture of its label
    #[command(after_help = "Example:\n  \
        phonehome case unit doorbell --make Exempla --model D1 --serial 12345 --firmware 1.2 \\\n    \
        --photo receipt.pdf --key lab.key")]
    Unit(handled::Unit),
    /// Put down who had the case: copy, transfer, open, analyse, redact, stamp, publish
    #[command(after_help = "Example:\n  \
        phonehome case handled doorbell transfer --to \"the lawyer\" \\\n    \
        --because \"second opinion\" --key lab.key\n\n\
        redact, stamp, reanalyse, publish and reply-pack do it themselves when they are given --key.")]
    Handled {
        /// Folder of the case
        #[arg(value_name = "DIR")]
        case: PathBuf,
        /// What was done
        #[arg(value_parser = custody::ACTS)]
        act: String,
        /// Who received it
        #[arg(long, value_name = "WHOM", default_value = "")]
        to: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        because: String,
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
        /// Certificate of the root of a time-stamp authority, PEM; repeatable: without one the text
        /// says nothing certain about when the case existed
        #[arg(long, value_name = "FILE.pem")]
        authority: Vec<PathBuf>,
    },
    /// Sign a sealed case as a second person, with a key of minisign or ssh
    #[command(after_help = "Example:\n  phonehome case sign doorbell-sealed --key editor.key\n\n\
        Without a key it prints how ssh-keygen makes a signature, with a hardware key too.")]
    Sign(sign::Sign),
    /// Ask authorities when a sealed case existed at the latest (RFC 3161), and keep their replies
    #[command(after_help = "Example:\n  phonehome case stamp doorbell-sealed\n\n\
        Then, with the reply and the certificate of the authority's root:\n  \
        phonehome case stamp doorbell-sealed reply.tsr --authority root.pem\n\n\
        --tsa asks itself, over http:// and nobody but the authority named:\n  \
        phonehome case stamp doorbell-sealed --tsa http://tsa.example/ --authority root.pem")]
    Stamp(stamp::Stamp),
    /// Analyse a sealed case again and compare with the findings inside
    #[command(after_help = "Example:\n  phonehome case reanalyse doorbell-sealed\n\n\
        With the program, signatures and databases that it was sealed with, every byte must be the \
        same: else the exit code is 5. With others, what changed is listed.")]
    Reanalyse(Box<reanalyse::Reanalyse>),
    /// Make a copy that withholds what nobody else should see; what stays proves itself
    #[command(
        after_help = "Examples:\n  phonehome case redact doorbell-sealed -o doorbell-headers\n  \
        phonehome case redact doorbell-sealed -o doorbell-cited --profile cited-payload\n  \
        phonehome case redact doorbell-sealed -o doorbell-names --pseudonyms lab.pseudonyms\n\n\
        Packets are cut and keep their numbers; with --pseudonyms, other names of the same length stand\n\
        in them. `case verify` checks the copy, and says what proves itself and what nothing proves."
    )]
    Redact(Box<redact::Redact>),
    /// Make a folder of findings, questions and packets for a company to answer to
    #[command(after_help = "Example:\n  \
        phonehome case reply-pack doorbell-sealed --finding bd3b3323b92a513d \\\n    \
        --to \"Exempla Ltd\" --deadline 2026-12-31 --key lab.key -o exempla-pack\n\n\
        Its answer: phonehome case attach DIR FILE --answer-from \"Exempla Ltd\". The report prints both.")]
    ReplyPack(Box<reply_pack::ReplyPack>),
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
        /// Public key that must have signed it too (`case sign`)
        #[arg(long, value_name = "KEY")]
        second: Option<PathBuf>,
        /// Certificate of the root of a time-stamp authority, PEM; repeatable: every time-stamp must
        /// lead back to one of them
        #[arg(long, value_name = "FILE.pem")]
        authority: Vec<PathBuf>,
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
        CaseCommand::Log { case } => log::log(case),
        CaseCommand::Status { case } => log::status(case),
        CaseCommand::Note { case, text, key } => {
            check_text(text, "a note")?;
            let event = Event::Note { text: text.clone() };
            let signer = key::open(&key.key)?;
            custody::add(case, &signer, TOOL, event).map_err(anyhow::Error::from)?;
            Ok(0)
        }
        CaseCommand::Review { case, finding, state, because, key } => {
            check_text(because, "a reason")?;
            let (finding, state, text) = (finding.clone(), state.clone(), because.clone());
            let signer = key::open(&key.key)?;
            let event = Event::Review { finding, state, text };
            custody::add(case, &signer, TOOL, event).map_err(anyhow::Error::from)?;
            Ok(0)
        }
        CaseCommand::New(args) => new::run(args),
        CaseCommand::Unit(args) => handled::unit(args),
        CaseCommand::Handled { case, act, to, because, key } => {
            let signer = key::open(&key.key)?;
            handled::add(case, &signer, act, to, because)?;
            Ok(0)
        }
        CaseCommand::Attach { case, files, text, answer_from, finding, key } => {
            if text.len() > custody::NOTE_BYTES_MAX {
                let most = custody::NOTE_BYTES_MAX;
                Err(anyhow::anyhow!("a text has at most {most} bytes"))?;
            }
            let signer = key::open(&key.key)?;
            for file in files {
                let about = custody::About {
                    text: text.clone(),
                    answer_from: answer_from.clone(),
                    findings: finding.clone(),
                };
                let attached = custody::attach(case, &signer, TOOL, file, about);
                let (name, _) = attached.map_err(anyhow::Error::from)?;
                say(&format!("attachments/{name}  {}", shown(file)))?;
            }
            Ok(0)
        }
        CaseCommand::Seal(args) => seal(args),
        CaseCommand::Intake(args) => intake::run(args),
        CaseCommand::Certificate { case, authority } => certificate::run(case, authority),
        CaseCommand::ReplyPack(args) => reply_pack::run(args),
        CaseCommand::Redact(args) => redact::run(args),
        CaseCommand::Publish(args) => publish::run(args),
        CaseCommand::Replicate(args) => replicate::run(args),
        CaseCommand::Sign(args) => sign::run(args),
        CaseCommand::Stamp(args) => stamp::run(args),
        CaseCommand::Reanalyse(args) => reanalyse::run(args),
        CaseCommand::Verify { case, key, second, authority, json } => {
            let public = |key: &Option<PathBuf>| {
                key.as_deref().map(signer::public_of).transpose().map_err(anyhow::Error::from)
            };
            let (key, second) = (public(key)?, public(second)?);
            if redaction::is_redacted(case) {
                return redact::verify(case, key.as_deref());
            }
            check_is_case(case)?;
            let report = verify_with(
                case,
                Trust { key: key.as_deref(), second: second.as_deref(), authorities: authority },
            );
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

fn check_text(text: &str, what: &str) -> anyhow::Result<()> {
    let most = custody::NOTE_BYTES_MAX;
    if text.is_empty() || text.len() > most {
        anyhow::bail!("{what} has 1 to {most} bytes");
    }
    Ok(())
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
    let cites = redact::cites(&findings)?;
    let (references, cited) = redaction::references(case, &cites).map_err(anyhow::Error::from)?;
    let derived = [
        (seal::FINDINGS, findings),
        (seal::REFERENCES, references),
        (seal::CITED, cited),
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
