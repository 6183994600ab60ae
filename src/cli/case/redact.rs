//! Redacted copies: what stays is chosen here, out of the findings that were sealed.

use super::handled::Journal;
use super::{check_is_case, publish, say, shown};
use crate::case::{layout, tree, verify};
use crate::cli::Failure;
use crate::cli::work::Run;
use crate::redaction::pseudonyms::{self, Pseudonyms};
use crate::redaction::{self, Cited, Cites, Counts, Plan, Profile, Proven};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Largest findings that are read, bytes.
const FINDINGS_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug, Args)]
pub struct Redact {
    /// Folder of the sealed case
    #[arg(value_name = "DIR")]
    pub(super) case: PathBuf,
    /// Folder that is made
    #[arg(long, short, value_name = "DIR")]
    pub(super) output: PathBuf,
    /// What stays
    #[arg(long, value_enum, default_value_t = Kept::Headers)]
    pub(super) profile: Kept,
    /// Cited packets are those of this finding alone, by its key or the id of its rule; repeatable
    #[arg(long, value_name = "KEY|ID")]
    pub(super) finding: Vec<String>,
    /// Let packets that hold readable secrets stay whole too, where findings cite them
    #[arg(long)]
    pub(super) with_secrets: bool,
    /// Put other names in the place of hardware and network addresses, serial numbers, ids, accounts,
    /// network and host names, made with the key in FILE; it is made where it is not there, and stays
    /// with you
    #[arg(long, value_name = "FILE")]
    pub(super) pseudonyms: Option<PathBuf>,
    /// Texts that must not stay, a line each: what holds one, also in hexadecimal, in base64 over
    /// several lines, escaped or compressed, is withheld, and so is what cannot be looked into
    #[arg(long, value_name = "FILE")]
    pub(super) withhold: Option<PathBuf>,
    #[command(flatten)]
    pub(super) run: Run,
    #[command(flatten)]
    pub(super) journal: Journal,
}

/// Largest list of texts, bytes.
const TEXTS_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kept {
    /// Headers of all packets; nothing that was said
    Headers,
    /// Packets that findings cite, whole; of all others nothing but time and length
    Cited,
    /// Headers of all packets, and what was said in those that findings cite
    CitedPayload,
}

pub(super) fn run(args: &Redact) -> Result<u8, Failure> {
    let case = &args.case;
    check_is_case(case)?;
    let signer = args.journal.open()?;
    let (_, Counts { frames, cut, renamed }) = make(args)?;
    args.journal.add(signer.as_ref(), case, "redact", &shown(&args.output))?;
    say(&format!(
        "{}: {frames} frames, {cut} of them cut; what stays as it was proves itself against the seal",
        shown(&args.output)
    ))?;
    if let Some(key) = &args.pseudonyms {
        say(&format!(
            "{renamed} frames have pseudonyms in them, which nothing proves. Keep {} to yourself: \
             whoever has it can look up who is who.",
            shown(key)
        ))?;
    }
    say("Times and lengths of packets stay: whoever has logs of the other end can match them.")?;
    Ok(0)
}

/// Makes the copy.
pub(super) fn make(args: &Redact) -> Result<(Plan, Counts), Failure> {
    let profile = match args.profile {
        Kept::Headers => Profile::Headers,
        Kept::Cited => Profile::Cited,
        Kept::CitedPayload => Profile::CitedPayload,
    };
    // A copy would prove itself where packets are whole, and hide that something else is not.
    if layout::is_sealed(&args.case) && !verify::verify(&args.case, None, None).holds {
        let case = shown(&args.case);
        let error = anyhow::anyhow!("{case}: does not hold: see phonehome case verify {case}");
        return Err(Failure { error, code: 5 });
    }
    let mut plan = Plan { profile, ..plan(args, profile)? };
    let counts = redaction::redact(&args.case, &args.output, &mut plan);
    let counts = counts.map_err(anyhow::Error::from)?;
    // What was written is read again, by other code than wrote it.
    prove(&args.output, None)?;
    Ok((plan, counts))
}

fn plan(args: &Redact, profile: Profile) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let content = profile != Profile::Headers;
    if content {
        plan.cited = cited(args)?;
    }
    if let Some(path) = &args.withhold {
        plan.forbidden = texts(path)?;
    }
    if !content && args.pseudonyms.is_none() {
        return Ok(plan);
    }
    let named = publish::named(&args.case, &args.run)?;
    if !args.with_secrets {
        // Findings cite the first of them; all are withheld.
        plan.cited.retain(|frame| !named.secrets.contains(frame));
        plan.silent = named.silent;
    }
    if let Some(path) = &args.pseudonyms {
        let key = pseudonyms::key(path).map_err(anyhow::Error::from)?;
        let root = redaction::root(&args.case).map_err(anyhow::Error::from)?;
        plan.pseudonyms = Some(Pseudonyms::new(&key, &root, &named.identifiers));
    }
    Ok(plan)
}

/// Texts that must not be told, a line each.
pub(super) fn texts(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let text = tree::text(path, TEXTS_BYTES_MAX)
        .map_err(|error| anyhow::anyhow!("{}: {error}", shown(path)))?;
    let lines = text.lines().filter(|line| !line.is_empty());
    let texts: Vec<_> = lines.map(|line| line.as_bytes().to_vec()).collect();
    if texts.is_empty() {
        Err(anyhow::anyhow!("{}: holds no text: write one on each line", shown(path)))?;
    }
    Ok(texts)
}

/// The findings that were sealed.
pub(super) fn findings(case: &Path) -> anyhow::Result<Vec<Value>> {
    let path = layout::parts(case).join("findings.json");
    let wrong = |reason: String| anyhow::anyhow!("{}: {reason}", shown(&path));
    let text = tree::text(&path, FINDINGS_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
    let mut value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    match value.get_mut("findings").map(Value::take) {
        Some(Value::Array(findings)) => Ok(findings),
        _ => Err(wrong("holds no findings".to_owned())),
    }
}

fn cited(args: &Redact) -> Result<Cited, Failure> {
    let findings = findings(&args.case)?;
    let field = |finding: &Value, name: &str| {
        finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    for wanted in &args.finding {
        let is_it =
            |finding: &Value| [field(finding, "key"), field(finding, "id")].contains(wanted);
        if !findings.iter().any(is_it) {
            Err(anyhow::anyhow!("{}: holds no finding {wanted}", shown(&args.case)))?;
        }
    }
    let is_wanted = |finding: &&Value| {
        args.finding.is_empty()
            || args.finding.contains(&field(finding, "key"))
            || args.finding.contains(&field(finding, "id"))
    };
    // A frame that two findings cite stays cut where one of them is about its secret.
    let secret = |finding: &&Value| !args.with_secrets && field(finding, "id") == SECRETS;
    let mut kept: Cited = findings.iter().filter(is_wanted).flat_map(frames).collect();
    for frame in findings.iter().filter(secret).flat_map(frames) {
        kept.remove(&frame);
    }
    Ok(kept)
}

/// Frames that decide a finding.
fn frames(finding: &Value) -> Vec<(u32, u64)> {
    let refs = finding.get("refs").and_then(Value::as_array);
    let number = |at: &Value, name: &str| at.get(name).and_then(Value::as_u64);
    let frame =
        |at: &Value| Some((u32::try_from(number(at, "input")?).ok()?, number(at, "frame")?));
    refs.into_iter().flatten().filter_map(frame).collect()
}

/// Which findings cite which frames, out of the JSON of an analysis.
pub(super) fn cites(json: &[u8]) -> anyhow::Result<Cites> {
    let value: Value = serde_json::from_slice(json)?;
    let findings = value.get("findings").and_then(Value::as_array);
    let mut cites = Cites::new();
    for finding in findings.into_iter().flatten() {
        let key = finding.get("key").and_then(Value::as_str).unwrap_or_default();
        for frame in frames(finding) {
            cites.entry(frame).or_default().push(key.to_owned());
        }
    }
    Ok(cites)
}

/// The rule whose frames hold readable secrets.
const SECRETS: &str = "cred.cleartext";

/// Checks a redacted copy; fails with 5.
pub(super) fn prove(folder: &Path, key: Option<&str>) -> Result<Proven, Failure> {
    redaction::check(folder, key).map_err(|why| Failure {
        error: anyhow::anyhow!("{}: {}", shown(folder), crate::base::text::safe(why.as_bytes())),
        code: 5,
    })
}

/// The same, told.
pub(super) fn verify(folder: &Path, key: Option<&str>) -> Result<u8, Failure> {
    let Proven { signed_by, signed, frames, kept, withheld, renamed } = prove(folder, key)?;
    say(&format!("holds     what stays of {frames} frames is what was sealed"))?;
    say(&format!("          {kept} parts are here, {withheld} are withheld"))?;
    if renamed > 0 {
        say(&format!(
            "not made  {renamed} parts have pseudonyms in them: nothing proves what they say"
        ))?;
    }
    let pinned = if key.is_some() { "the key you named" } else { "compare this key" };
    let signed = crate::base::text::safe(signed.as_bytes());
    say(&format!("          {signed}; signed with {signed_by} ({pinned})"))?;
    Ok(0)
}
