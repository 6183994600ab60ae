//! `phonehome signatures`.

mod affected;

use super::Failure;
use crate::attribution::Signatures;
use crate::attribution::fact::facts;
use crate::attribution::legal::Legal;
use crate::attribution::lint::{self, lint, try_examples};
use crate::attribution::pack;
use crate::attribution::signature::{embedded_texts, texts};
use crate::base::text::safe;
use crate::sink::signatures::{Form, explain, write};
use anyhow::{Context, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Lint or an example failed.
const FAILED: u8 = 5;

#[derive(Debug, Subcommand)]
pub enum SignaturesCommand {
    /// Say what is wrong with signature files: file, line, reason
    #[command(after_help = "Example:\n  phonehome signatures lint\n\n\
        Of your own, on a day:\n  \
        phonehome signatures lint my-signatures --as-of 2027-01-01\n\n\
        A folder is read together with the embedded signatures, so that repetitions are noticed.\n\
        Exit codes: 0 nothing is wrong, 5 something is, 2 a file or folder cannot be read.")]
    Lint(Lint),
    /// Run the examples that the files bring: names that must match, and near misses
    #[command(after_help = "Example:\n  phonehome signatures test\n\n\
        Exit codes: 0 all are right, 5 one is wrong.")]
    Test(Loaded),
    /// Print the facts of a signature, or the legal facts of a country, with their sources
    #[command(after_help = "Examples:\n  phonehome signatures explain ezviz\n  \
        phonehome signatures explain US")]
    Explain(Explain),
    /// Write the signatures in the form of another program
    #[command(after_help = "Examples:\n  \
        phonehome signatures export --format suricata > phonehome.rules\n  \
        phonehome signatures export --format stix > phonehome.json")]
    Export(Export),
    /// List what is loaded, a line a signature
    #[command(after_help = "Example:\n  phonehome signatures list | head")]
    List(Loaded),
    /// Sign the signature files of a folder, so that others can tell whose they are
    #[command(after_help = "Example:\n  phonehome signatures sign my-signatures --key lab.key\n\n\
        Writes SHA256SUMS and SHA256SUMS.minisig; `sha256sum -c` and minisign check them too.\n\
        Whoever uses them: --signatures my-signatures --signatures-key lab.key.pub")]
    Sign(Sign),
    /// Say which findings of cases rest on facts that have changed since, and write an erratum
    #[command(
        after_help = "Examples:\n  phonehome analyze captures/camera.pcapng --json > camera.json\n  \
        phonehome signatures affected camera.json\n  \
        phonehome signatures affected camera.json --erratum erratum.md\n\n\
        A sealed case is given by its folder; `phonehome case attach` puts the erratum into one.\n\n\
        Exit codes: 0 nothing is affected, 1 something is, 4 a case holds no findings."
    )]
    Affected(Affected),
}

#[derive(Debug, Args)]
pub struct Sign {
    /// Folder with signature files
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Secret key (`phonehome key new`); its passphrase comes from PHONEHOME_PASSPHRASE or is asked
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Debug, Args)]
pub struct Affected {
    /// Sealed cases, or files that `phonehome analyze --json` wrote
    #[arg(value_name = "CASE", required = true)]
    cases: Vec<PathBuf>,
    /// Add the signatures of a folder to those embedded
    #[arg(long, value_name = "DIR")]
    signatures: Vec<PathBuf>,
    /// Write what is to be corrected
    #[arg(long, value_name = "FILE")]
    erratum: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Lint {
    /// Folder with signature files; or with vendors/ and services/ in it
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Judge expiry against this day; without it, against the newest `checked` of the files
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    as_of: Option<String>,
}

#[derive(Debug, Args)]
pub struct Loaded {
    /// Add the signatures of a folder to those embedded
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// Id of a signature (`phonehome signatures list`), or a country (two capital letters, or EU)
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    loaded: Loaded,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The form
    #[arg(long, value_enum)]
    format: Format,
    #[command(flatten)]
    loaded: Loaded,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Rules for Suricata 7 and later, numbers 1500000 to 1999999
    Suricata,
    /// STIX 2.1 bundle of indicators
    Stix,
    /// Hosts file
    Hosts,
    /// One line a fact, columns parted by tabs
    List,
}

fn parse_day(text: &str) -> Result<String, String> {
    match crate::attribution::signature::is_date(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not a day such as 2026-11-28")),
    }
}

pub fn run(command: &SignaturesCommand) -> Result<u8, Failure> {
    match command {
        SignaturesCommand::Lint(args) => run_lint(args),
        SignaturesCommand::Test(loaded) => run_test(loaded),
        SignaturesCommand::Explain(args) => run_explain(args),
        SignaturesCommand::Export(args) => run_export(args),
        SignaturesCommand::List(loaded) => run_list(loaded),
        SignaturesCommand::Sign(args) => run_sign(args),
        SignaturesCommand::Affected(args) => run_affected(args),
    }
}

/// The folders of signatures in a folder: itself, and its vendors/ and services/.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let inside = ["vendors", "services"].map(|name| folder.join(name));
    let inside = inside.into_iter().filter(|path| path.is_dir());
    std::iter::once(folder.to_owned()).chain(inside).collect()
}

/// Texts of a folder's files; `legal.toml` there is not a signature.
fn texts_of(folder: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut all = Vec::new();
    for folder in folders(folder) {
        all.extend(texts(&folder)?);
    }
    all.retain(|(path, _)| path.file_name().is_none_or(|name| name != "legal.toml"));
    Ok(all)
}

fn load(loaded: &Loaded) -> anyhow::Result<Signatures> {
    let mut all = Signatures::embedded()?;
    if let Some(folder) = &loaded.folder {
        let texts = texts_of(folder)?;
        all.add_texts(texts.iter().map(|(path, text)| (&**path, &**text)))?;
    }
    Ok(all)
}

fn run_sign(args: &Sign) -> Result<u8, Failure> {
    let files = texts(&args.folder).map_err(anyhow::Error::from)?;
    // What is signed must be what can be loaded.
    let mut all = Signatures::embedded().map_err(anyhow::Error::from)?;
    all.add_folder(&args.folder, None).map_err(anyhow::Error::from)?;
    let listed = pack::list(&files);
    let signature = super::key::open(&args.key)?.sign(listed.as_bytes(), pack::TRUSTED_COMMENT);
    let signature = signature.map_err(anyhow::Error::from)?;
    for (name, text) in [(pack::LIST, &listed), (pack::SIGNATURE, &signature)] {
        let path = args.folder.join(name);
        std::fs::write(&path, text)
            .with_context(|| safe(path.to_string_lossy().as_bytes()))
            .map_err(Failure::from)?;
    }
    writeln!(io::stdout(), "{} files signed", files.len()).map_err(anyhow::Error::from)?;
    Ok(0)
}

fn run_affected(args: &Affected) -> Result<u8, Failure> {
    let mut signatures = Signatures::embedded().map_err(anyhow::Error::from)?;
    for folder in &args.signatures {
        signatures.add_folder(folder, None).map_err(anyhow::Error::from)?;
    }
    let legal = legal_of(None)?;
    let mut cases = Vec::new();
    let mut out = BufWriter::new(io::stdout().lock());
    for case in affected::read_all(&args.cases)? {
        let changes = case.changes(&signatures, &legal);
        let concerned: std::collections::BTreeSet<&String> =
            changes.iter().flat_map(|change| &change.findings).collect();
        let (facts, findings) = (changes.len(), concerned.len());
        writeln!(out, "{}: {facts} facts changed, {findings} findings concerned", case.name)
            .map_err(anyhow::Error::from)?;
        for change in &changes {
            writeln!(out, "  {}", change.what).map_err(anyhow::Error::from)?;
            for line in &change.became {
                writeln!(out, "    {line}").map_err(anyhow::Error::from)?;
            }
            for finding in &change.findings {
                writeln!(out, "    finding {finding}").map_err(anyhow::Error::from)?;
            }
        }
        cases.push((case, changes));
    }
    out.flush().map_err(anyhow::Error::from)?;
    if let Some(path) = &args.erratum {
        std::fs::write(path, affected::erratum(&cases, &signatures))
            .with_context(|| safe(path.to_string_lossy().as_bytes()))?;
    }
    Ok(u8::from(cases.iter().any(|(_, changes)| !changes.is_empty())))
}

/// The laws in a folder, where it brings its own, else those embedded.
fn legal_of(folder: Option<&Path>) -> anyhow::Result<Legal> {
    let Some(path) = folder.map(|folder| folder.join("legal.toml")).filter(|path| path.is_file())
    else {
        return Legal::embedded().map_err(|reason| anyhow!("embedded legal.toml: {reason}"));
    };
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Legal::parse(&text).map_err(|reason| anyhow!("{}: {reason}", path.display()))
}

fn run_lint(args: &Lint) -> Result<u8, Failure> {
    let folder = args.folder.as_deref();
    let legal = legal_of(folder)?;
    let mut all = folder.map(texts_of).transpose()?.unwrap_or_default();
    if folder.is_some() && all.is_empty() {
        return Err(anyhow!(
            "{}: no *.toml there",
            args.folder.as_ref().map_or_else(String::new, |p| p.display().to_string())
        )
        .into());
    }
    // A file of the folder takes the place of the embedded one with its name.
    let names: Vec<_> = all.iter().filter_map(|(path, _)| path.file_name()).collect();
    let embedded: Vec<_> = embedded_texts()
        .filter(|(path, _)| path.file_name().is_none_or(|name| !names.contains(&name)))
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect();
    all.extend(embedded);
    let report = lint(&all, &legal, args.as_of.as_deref());
    let mut out = BufWriter::new(io::stdout().lock());
    let mut print = |text: String| writeln!(out, "{text}").map_err(anyhow::Error::from);
    for problem in &report.problems {
        print(safe(problem.to_string().as_bytes()))?;
    }
    let count = report.problems.len();
    let facts = report.facts + legal.fact.len();
    print(format!(
        "{} files, {facts} facts, as of {}: {count} problems",
        report.files, report.as_of
    ))?;
    Ok(if count == 0 { 0 } else { FAILED })
}

fn run_test(loaded: &Loaded) -> Result<u8, Failure> {
    let all = load(loaded)?;
    let day = all.all().iter().filter_map(lint::newest).max().unwrap_or_default();
    let tried = try_examples(&all, day);
    let mut out = BufWriter::new(io::stdout().lock());
    for failed in &tried.failed {
        let name = safe(failed.name.as_bytes());
        writeln!(out, "{}: {name}: {}", failed.signature, failed.reason)
            .map_err(anyhow::Error::from)?;
    }
    let count = tried.failed.len();
    writeln!(out, "{} examples, {count} wrong", tried.run).map_err(anyhow::Error::from)?;
    Ok(if count == 0 { 0 } else { FAILED })
}

fn run_explain(args: &Explain) -> Result<u8, Failure> {
    let all = load(&args.loaded)?;
    let text = match all.all().iter().find(|signature| signature.id == args.id) {
        Some(signature) => explain(signature),
        None => country(&legal_of(args.loaded.folder.as_deref())?, &args.id).ok_or_else(|| {
            anyhow!("{:?} is neither a signature nor a country with legal facts", args.id)
        })?,
    };
    io::stdout().lock().write_all(text.as_bytes()).map_err(anyhow::Error::from)?;
    Ok(0)
}

/// The legal facts of a country, and about it.
fn country(legal: &Legal, code: &str) -> Option<String> {
    let of = |fact: &&crate::attribution::legal::LegalFact| {
        fact.jurisdiction == code || fact.about.as_deref() == Some(code) || fact.id == code
    };
    let mut text = String::new();
    for fact in legal.fact.iter().filter(of) {
        text.push_str(&format!(
            "{} ({}), {}\n  {}\n",
            fact.title, fact.id, fact.article, fact.says
        ));
        for (what, value) in [
            ("holds from", fact.valid_from.as_deref()),
            ("holds to", fact.valid_to.as_deref()),
            ("note", fact.note.as_deref()),
            ("source", Some(fact.source.as_str())),
            ("checked", Some(fact.checked.as_str())),
        ] {
            if let Some(value) = value {
                text.push_str(&format!("  {what}: {value}\n"));
            }
        }
        text.push('\n');
    }
    if let Some(missing) = legal.not_researched(code) {
        text.push_str(&format!("Access laws of {code}: not researched. {}\n", missing.reason));
    }
    (!text.is_empty()).then_some(text)
}

fn run_export(args: &Export) -> Result<u8, Failure> {
    let all = load(&args.loaded)?;
    let form = match args.format {
        Format::Suricata => Form::Suricata,
        Format::Stix => Form::Stix,
        Format::Hosts => Form::Hosts,
        Format::List => Form::List,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    write(&all, form, &mut out).map_err(anyhow::Error::from)?;
    out.flush().map_err(anyhow::Error::from)?;
    Ok(0)
}

fn run_list(loaded: &Loaded) -> Result<u8, Failure> {
    let all = load(loaded)?;
    let mut signatures: Vec<_> = all.all().iter().collect();
    signatures.sort_by(|a, b| a.id.cmp(&b.id));
    let mut out = BufWriter::new(io::stdout().lock());
    for signature in signatures {
        let operator = signature
            .operator
            .as_ref()
            .map_or("operator not established", |operator| operator.legal_name.as_str());
        let kind = format!("{:?}", signature.kind).to_lowercase();
        let facts = facts(signature).len();
        let name = safe(signature.name.as_bytes());
        writeln!(
            out,
            "{:<24} {kind:<10} {facts:>4} facts  {name}; {}",
            signature.id,
            safe(operator.as_bytes())
        )
        .map_err(anyhow::Error::from)?;
    }
    out.flush().map_err(anyhow::Error::from)?;
    Ok(0)
}
