//! Redacted copies: what stays is chosen here, out of the findings that were sealed.

use super::{TOOL, check_is_case, say, shown};
use crate::case::{layout, tree};
use crate::cli::Failure;
use crate::redaction::{self, Cited, Profile, Proven};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Largest findings that are read, bytes.
const FINDINGS_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug, Args)]
pub struct Redact {
    /// Folder of the sealed case
    #[arg(value_name = "DIR")]
    case: PathBuf,
    /// Folder that is made
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// What stays
    #[arg(long, value_enum, default_value_t = Kept::Headers)]
    profile: Kept,
    /// Cited packets are those of this finding alone, by its key or the id of its rule; repeatable
    #[arg(long, value_name = "KEY|ID")]
    finding: Vec<String>,
    /// Let packets that hold readable secrets stay whole too, where findings cite them
    #[arg(long)]
    with_secrets: bool,
}

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
    let profile = match args.profile {
        Kept::Headers => Profile::Headers,
        Kept::Cited => Profile::Cited,
        Kept::CitedPayload => Profile::CitedPayload,
    };
    let cited = match profile {
        Profile::Headers => Cited::new(),
        Profile::Cited | Profile::CitedPayload => cited(args)?,
    };
    let counts = redaction::redact(case, &args.output, profile, &cited, TOOL);
    let [frames, cut] = counts.map_err(anyhow::Error::from)?;
    // What was written is read again, by other code than wrote it.
    prove(&args.output, None)?;
    say(&format!(
        "{}: {frames} frames, {cut} of them cut; what stays proves itself against the seal",
        shown(&args.output)
    ))?;
    say("Times and lengths of packets stay: whoever has logs of the other end can match them.")?;
    Ok(0)
}

fn cited(args: &Redact) -> Result<Cited, Failure> {
    let path = layout::parts(&args.case).join("findings.json");
    let wrong = |reason: String| anyhow::anyhow!("{}: {reason}", shown(&path));
    let text = tree::text(&path, FINDINGS_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let findings = value.get("findings").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let field = |finding: &Value, name: &str| {
        finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    for wanted in &args.finding {
        let is_it =
            |finding: &Value| [field(finding, "key"), field(finding, "id")].contains(wanted);
        if !findings.iter().any(is_it) {
            Err(wrong(format!("holds no finding {wanted}")))?;
        }
    }
    let is_wanted = |finding: &&Value| {
        args.finding.is_empty()
            || args.finding.contains(&field(finding, "key"))
            || args.finding.contains(&field(finding, "id"))
    };
    // A frame that two findings cite stays cut where one of them is about its secret.
    let secret = |finding: &&Value| !args.with_secrets && field(finding, "id") == SECRETS;
    let frames = |finding: &Value| -> Vec<(u32, u64)> {
        let refs = finding.get("refs").and_then(Value::as_array);
        let number = |at: &Value, name: &str| at.get(name).and_then(Value::as_u64);
        refs.into_iter()
            .flatten()
            .filter_map(|at| {
                Some((u32::try_from(number(at, "input")?).ok()?, number(at, "frame")?))
            })
            .collect()
    };
    let mut kept: Cited = findings.iter().filter(is_wanted).flat_map(frames).collect();
    for frame in findings.iter().filter(secret).flat_map(frames) {
        kept.remove(&frame);
    }
    Ok(kept)
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
    let Proven { signed_by, signed, frames, kept, withheld } = prove(folder, key)?;
    say(&format!("holds     what stays of {frames} frames is what was sealed"))?;
    say(&format!("          {kept} parts are here, {withheld} are withheld"))?;
    let pinned = if key.is_some() { "the key you named" } else { "compare this key" };
    let signed = crate::base::text::safe(signed.as_bytes());
    say(&format!("          {signed}; signed with {signed_by} ({pinned})"))?;
    Ok(0)
}
