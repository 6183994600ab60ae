//! `phonehome check`.

use super::argument::Gate;
use super::reading::{Read, Reading, Wanted};
use super::{Failure, input, output};
use crate::base::text::safe;
use crate::policy::{self, Decision, Declaration, Evidence, Outcome, Policy, Record, record};
use crate::sink::{annex, junit};
use crate::snapshot::{Input, Snapshot};
use crate::standard::{self, Verdict};
use anyhow::{Context, anyhow};
use clap::Args;
use serde::Serialize;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

pub const EXAMPLES: &str = "Examples:\n  \
    phonehome check --policy local-only captures/camera.pcapng\n  \
    phonehome check --policy gdpr-transfers --junit result.xml captures/camera.pcapng\n  \
    phonehome check --standard en303645 captures/camera.pcapng\n  \
    phonehome check --declared hosts.csv --unit 'serial 0042' --firmware 5.2.1 week.pcap.gz\n\n\
    Shipped policies: gdpr-transfers, ndaa-889, no-third-party, local-only.\n\
    Standards: en303645, nistir8425, owasp-iot, en18031, cra, gdpr.\n\n\
    Exit codes: 0 every rule passes, 1 a rule fails, 3 something is not decided or coverage is\n\
    incomplete (3 wins over 1 where coverage is incomplete), 2 wrong usage, 4 nothing could be read.";

/// The rules failed.
const FAIL: u8 = 1;
/// Not everything could be decided.
const OPEN: u8 = 3;

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)
    .args(["policy", "standard", "declared"])))]
pub struct Check {
    /// Capture files, or - for standard input; or the folder of one case
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A policy: a file, or the name of a shipped one; repeatable
    #[arg(long, value_name = "FILE|NAME")]
    policy: Vec<PathBuf>,
    /// A standard, by its id; repeatable. No result says that a product conforms
    #[arg(long, value_name = "ID", value_parser = clap::builder::PossibleValuesParser::new(standard::ids()))]
    standard: Vec<String>,
    /// What the vendor declares: CSV with host,purpose,country,operator,retention
    #[arg(long, value_name = "FILE.csv")]
    declared: Option<PathBuf>,
    /// Write the result as JUnit XML; what is not decided is an error there
    #[arg(long, value_name = "FILE.xml")]
    junit: Option<PathBuf>,
    /// Write the result as one JSON document to standard output
    #[arg(long)]
    json: bool,
    /// The unit under test, for the record
    #[arg(long, value_name = "TEXT")]
    unit: Option<String>,
    /// Its firmware, for the record
    #[arg(long, value_name = "TEXT")]
    firmware: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Reads policies before any capture is.
pub fn policies(paths: &[PathBuf]) -> anyhow::Result<Vec<Policy>> {
    paths.iter().map(|path| Ok(Policy::load(path)?)).collect()
}

/// Judges policies and keeps the result in the snapshot.
pub fn judge(policies: &[Policy], snapshot: &mut Snapshot) {
    let seen = snapshot.seen();
    let mut all: Vec<Outcome> =
        policies.iter().flat_map(|policy| policy::judge(policy, &seen)).collect();
    policy::name_devices(&mut all, &snapshot.devices);
    snapshot.annex.policies = all;
}

/// The JSON form; `docs/procurement.md` describes it.
#[derive(Serialize)]
struct CheckResult<'a> {
    schema: &'static str,
    tool: &'a crate::snapshot::Tool,
    inputs: &'a [Input],
    record: &'a Record,
    coverage_complete: bool,
    rules: &'a [Outcome],
}

pub fn run(args: &Check) -> Result<u8, Failure> {
    let policies = policies(&args.policy)?;
    let declared = args.declared.as_deref().map(Declaration::load);
    let declared = declared.transpose().map_err(anyhow::Error::from)?;
    if let Some(path) = &args.junit {
        output::check(path, &args.files)?;
    }
    let known = args.reading.known()?;
    // The record of an acceptance names what was looked at.
    let wanted = Wanted { hashed: true, ..args.reading.wanted(Gate::default()) };
    let Read { mut snapshot, endings, .. } = args.reading.read(&known, &args.files, wanted)?;
    judge(&policies, &mut snapshot);
    let mut rules = std::mem::take(&mut snapshot.annex.policies);
    let mut unseen = Vec::new();
    for id in &args.standard {
        let (outcomes, blind) = clauses(&snapshot, id);
        rules.extend(outcomes);
        unseen.extend(blind);
    }
    if let Some(declaration) = &declared {
        let (outcomes, hosts) = policy::compare(declaration, &snapshot.seen());
        rules.extend(outcomes);
        unseen.extend(hosts.iter().map(|host| format!("declared, but not contacted: {host}")));
        unseen.push("declared retention and purpose".to_owned());
    }
    policy::name_devices(&mut rules, &snapshot.devices);
    let word = |text: &Option<String>| text.as_ref().map(|text| safe(text.as_bytes()));
    let of = [word(&args.unit), word(&args.firmware)];
    let record = record(of, snapshot.window(), &rules, &snapshot.annex.withdrawn, unseen);
    show(args, &snapshot, &rules, &record)?;
    input::complain(&endings);
    if snapshot.coverage.frames.total == 0 {
        return Err(Failure { error: anyhow!("the captures hold no frame"), code: 4 });
    }
    Ok(match record.decision {
        _ if !snapshot.coverage.complete => OPEN,
        Decision::Fail => FAIL,
        Decision::NotDecided => OPEN,
        Decision::Pass => 0,
    })
}

/// The clauses of a standard as rules, and those that traffic cannot show.
fn clauses(snapshot: &Snapshot, id: &str) -> (Vec<Outcome>, Vec<String>) {
    let mut outcomes = Vec::new();
    let mut blind = Vec::new();
    for clause in snapshot.annex.clauses.iter().filter(|clause| clause.standard == id) {
        let decision = match clause.verdict {
            Verdict::Refuted => Decision::Fail,
            Verdict::Supported => Decision::Pass,
            Verdict::Inconclusive => Decision::NotDecided,
            Verdict::NotObservable => {
                blind.push(format!("{} {}: {}", clause.standard, clause.clause, clause.says));
                continue;
            }
        };
        let evidence = clause.devices.iter().map(|device| Evidence {
            text: format!(
                "{}: {} {}",
                device.device,
                device.verdict.name(),
                device.findings.join(", ")
            ),
            device: Some(device.device.to_string()),
            ..Evidence::default()
        });
        outcomes.push(Outcome {
            policy: clause.standard.clone(),
            rule: clause.clause.clone(),
            says: clause.says.clone(),
            decision,
            because: format!("{}: {}", clause.verdict.name(), clause.because),
            evidence: evidence.collect(),
            evidence_more: clause.devices_more,
        });
    }
    (outcomes, blind)
}

fn show(
    args: &Check,
    snapshot: &Snapshot,
    rules: &[Outcome],
    record: &Record,
) -> anyhow::Result<()> {
    if let Some(path) = &args.junit {
        let mut file = BufWriter::new(output::create(path, &args.files)?);
        let written = junit::write(rules, &mut file).and_then(|()| file.flush());
        written.with_context(|| output::unwritable(path))?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        let result = CheckResult {
            schema: "phonehome.check/1",
            tool: &snapshot.tool,
            inputs: &snapshot.inputs,
            record,
            coverage_complete: snapshot.coverage.complete,
            rules,
        };
        serde_json::to_writer_pretty(&mut out, &result)?;
        writeln!(out)?;
    } else {
        let none = "not given";
        writeln!(out, "unit      {}", record.unit.as_deref().unwrap_or(none))?;
        writeln!(out, "firmware  {}", record.firmware.as_deref().unwrap_or(none))?;
        if let Some([first, last]) = record.window {
            writeln!(out, "window    {first} to {last}")?;
        }
        writeln!(out, "result    {}\n", record.decision.name())?;
        annex::rules(rules, &mut out)?;
        writeln!(out, "\nNot observable here")?;
        for line in &record.not_observable {
            writeln!(out, "  - {line}")?;
        }
    }
    out.flush()?;
    Ok(())
}
