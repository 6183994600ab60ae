//! `phonehome case replicate`: which findings other units, regions or laboratories show too. A case
//! that could not have shown one is no word against it.

use super::{check_is_case, shown};
use crate::attribution::world::Zone;
use crate::base::text::safe;
use crate::case::journal::{Book, walk};
use crate::case::layout;
use crate::case::verify::verify;
use crate::cli::argument::Gate;
use crate::cli::knowledge::Known;
use crate::cli::reading::{Hashing, Read, Reading, Wanted};
use crate::cli::{Failure, input};
use crate::finding::Finding;
use crate::sink::compare::Profile;
use crate::snapshot::Snapshot;
use clap::Args;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const SCHEMA: &str = "phonehome.replication/1";

#[derive(Debug, Args)]
pub struct Replicate {
    /// Folders of two or more cases, sealed or not
    #[arg(required = true, num_args = 2.., value_name = "CASE")]
    cases: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hashing: Hashing,
    #[command(flatten)]
    reading: Reading,
}

/// What is kept of a case.
#[derive(Debug, Serialize)]
struct Case {
    path: String,
    /// The devices that exchanged something with the internet.
    units: Vec<String>,
    seconds: f64,
    frames: u64,
    complete: bool,
    /// Why what it does not show may have been there.
    weak: Vec<String>,
    #[serde(skip)]
    phases: BTreeSet<&'static str>,
    /// Hashes of its captures, and the key of its journal.
    #[serde(skip)]
    marks: BTreeSet<String>,
    #[serde(skip)]
    findings: BTreeMap<Claim, Vec<Sight>>,
}

/// What is replicated or not: a rule and a destination, whatever the device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    id: &'static str,
    destination: String,
}

/// A claim as a case shows it.
#[derive(Debug, Clone, Serialize)]
struct Sight {
    key: String,
    device: String,
    level: &'static str,
    /// The phase in which it was first seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
    #[serde(skip)]
    title: &'static str,
}

/// What one case says to a claim.
#[derive(Debug, Serialize)]
struct Answer {
    case: String,
    result: Said,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Sight>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Found,
    NotFound,
    NotComparable,
}

#[derive(Debug, Serialize)]
struct Replicated {
    id: &'static str,
    title: &'static str,
    destination: String,
    found_in: usize,
    /// Cases that show it, or could have shown it.
    comparable: usize,
    cases: usize,
    answers: Vec<Answer>,
}

#[derive(Debug, Serialize)]
struct Result {
    schema: &'static str,
    cases: Vec<Case>,
    warnings: Vec<String>,
    findings: Vec<Replicated>,
}

/// Carries it out.
pub fn run(args: &Replicate) -> std::result::Result<u8, Failure> {
    let known = args.reading.known()?;
    let mut cases = Vec::new();
    for path in &args.cases {
        cases.push(read(path, args, &known)?);
    }
    let mut warnings = Vec::new();
    for (position, case) in cases.iter().enumerate() {
        for before in &cases[..position] {
            if !case.marks.is_disjoint(&before.marks) {
                let error = anyhow::anyhow!(
                    "{} and {} hold the same capture: that replicates nothing",
                    before.path,
                    case.path
                );
                return Err(error.into());
            }
            let same = case.units.iter().filter(|unit| before.units.contains(unit));
            warnings.extend(same.map(|unit| {
                format!(
                    "{} and {} are about the same device {unit}: a repeat, not a second unit",
                    before.path, case.path
                )
            }));
        }
        if case.units.len() != 1 {
            warnings.push(format!(
                "{}: {} devices exchanged something with the internet; findings of all of them \
                 count unless --device names the unit",
                case.path,
                case.units.len()
            ));
        }
    }
    let findings = replicated(&cases);
    let complete = cases.iter().all(|case| case.complete);
    let result = Result { schema: SCHEMA, cases, warnings, findings };
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match args.json {
        true => serde_json::to_writer_pretty(&mut out, &result)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out)),
        false => write(&result, &mut out),
    };
    written.and_then(|()| out.flush()).map_err(anyhow::Error::from)?;
    Ok(if complete { 0 } else { 3 })
}

fn read(path: &Path, args: &Replicate, known: &Known) -> std::result::Result<Case, Failure> {
    check_is_case(path)?;
    if !verify(path, None, None).holds {
        let error = anyhow::anyhow!("{}: does not hold; see `case verify`", shown(path));
        return Err(Failure { error, code: 5 });
    }
    let files = [path.to_owned()];
    let hashed = !args.hashing.no_hash;
    let wanted = Wanted { hashed, ..args.reading.wanted(Gate::default()) };
    let Read { snapshot, endings, .. } = args.reading.read(known, &files, wanted)?;
    input::complain(&endings);
    let mut case = Case::of(shown(path), &snapshot);
    let journal = layout::journal(&layout::parts(path));
    if let Ok(walked) = walk(&journal, Book::Recording, &mut |_| {}) {
        case.marks.extend(walked.key);
    }
    Ok(case)
}

impl Case {
    fn of(path: String, snapshot: &Snapshot) -> Case {
        let active = snapshot.devices.iter();
        let active = active.filter(|device| device.role == "device" && device.internet.wire() > 0);
        let units: Vec<String> = active.map(|device| device.id.to_string()).collect();
        let zones: BTreeMap<&str, Zone> =
            snapshot.destinations.iter().map(|to| (&*to.id, to.zone)).collect();
        let mut findings: BTreeMap<Claim, Vec<Sight>> = BTreeMap::new();
        for finding in &snapshot.findings {
            let device = finding.subject.device.to_string();
            // With one unit, what is found of others is theirs.
            if units.len() == 1 && device != units[0] {
                continue;
            }
            let to = &*finding.subject.destination;
            // Addresses inside differ from one test network to the next.
            let inside = zones.get(to) == Some(&Zone::Private);
            let destination = if inside { "the test network" } else { to }.to_owned();
            findings.entry(Claim { id: finding.id, destination }).or_default().push(Sight {
                key: finding.key.clone(),
                device,
                level: finding.level.name(),
                phase: phase_of(snapshot, finding),
                title: finding.title,
            });
        }
        let profile = Profile::of(snapshot, false);
        Case {
            path,
            units,
            seconds: profile.seconds,
            frames: profile.frames,
            complete: profile.complete,
            weak: profile.weak,
            phases: snapshot.phases.iter().filter_map(|phase| phase.phase).collect(),
            marks: profile.sha256.into_iter().flatten().collect(),
            findings,
        }
    }

    /// Why it could not have shown what others show.
    fn not_comparable(&self, with: &[&Case], sights: &[&Sight]) -> Vec<String> {
        let mut because = self.weak.clone();
        if self.units.is_empty() {
            because.push("no device exchanged anything with the internet".to_owned());
        }
        let least = with.iter().map(|case| case.seconds).fold(f64::INFINITY, f64::min);
        if self.seconds < least {
            let here = self.seconds;
            because
                .push(format!("it is {here:.1} s long; the shortest that shows it {least:.1} s"));
        }
        // Where it was always in a phase, it belongs to that.
        let phases: BTreeSet<Option<&str>> = sights.iter().map(|sight| sight.phase).collect();
        let phases: Option<Vec<&str>> = phases.into_iter().collect();
        if let Some(phases) = phases
            && !phases.iter().any(|phase| self.phases.contains(phase))
        {
            because.push(format!("it has no phase {}", phases.join(" or ")));
        }
        because
    }
}

/// The phase of the first frame that decides a finding.
fn phase_of(snapshot: &Snapshot, finding: &Finding) -> Option<&'static str> {
    let time = finding.refs.iter().map(|frame| frame.time).min()?;
    snapshot.phases.iter().rfind(|phase| phase.began <= time)?.phase
}

fn replicated(cases: &[Case]) -> Vec<Replicated> {
    let claims: BTreeSet<&Claim> = cases.iter().flat_map(|case| case.findings.keys()).collect();
    let mut all = Vec::new();
    for claim in claims {
        let with: Vec<&Case> =
            cases.iter().filter(|case| case.findings.contains_key(claim)).collect();
        let sights: Vec<&Sight> = with.iter().flat_map(|case| &case.findings[claim]).collect();
        let answers: Vec<Answer> =
            cases.iter().map(|case| answer(case, claim, &with, &sights)).collect();
        let count = |said| answers.iter().filter(|answer| answer.result == said).count();
        let found_in = count(Said::Found);
        all.push(Replicated {
            id: claim.id,
            title: sights.first().map_or("", |sight| sight.title),
            destination: claim.destination.clone(),
            found_in,
            comparable: found_in + count(Said::NotFound),
            cases: cases.len(),
            answers,
        });
    }
    all
}

fn answer(case: &Case, claim: &Claim, with: &[&Case], sights: &[&Sight]) -> Answer {
    let path = case.path.clone();
    if let Some(findings) = case.findings.get(claim) {
        let findings = findings.clone();
        return Answer { case: path, result: Said::Found, findings, because: Vec::new() };
    }
    let because = case.not_comparable(with, sights);
    let result = if because.is_empty() { Said::NotFound } else { Said::NotComparable };
    Answer { case: path, result, findings: Vec::new(), because }
}

fn write(result: &Result, out: &mut dyn Write) -> io::Result<()> {
    for case in &result.cases {
        let units =
            if case.units.is_empty() { "no device".to_owned() } else { case.units.join(", ") };
        writeln!(out, "{}: {units}, {:.1} s, {} frames", case.path, case.seconds, case.frames)?;
        for weak in &case.weak {
            writeln!(out, "  {weak}")?;
        }
    }
    for warning in &result.warnings {
        writeln!(out, "note: {warning}")?;
    }
    for finding in &result.findings {
        let (found, comparable) = (finding.found_in, finding.comparable);
        writeln!(
            out,
            "\n{} {}: found in {found} of {comparable} cases",
            finding.id,
            safe(finding.destination.as_bytes())
        )?;
        for answer in &finding.answers {
            match answer.result {
                Said::Found => {
                    let levels: Vec<String> = answer
                        .findings
                        .iter()
                        .map(|sight| format!("{} ({}, {})", sight.key, sight.device, sight.level))
                        .collect();
                    writeln!(out, "  found           {}: {}", answer.case, levels.join(", "))?;
                }
                Said::NotFound => writeln!(out, "  not found       {}", answer.case)?,
                Said::NotComparable => {
                    writeln!(
                        out,
                        "  not comparable  {}: {}",
                        answer.case,
                        answer.because.join("; ")
                    )?;
                }
            }
        }
    }
    if result.findings.is_empty() {
        writeln!(out, "\nNo case has a finding.")?;
    }
    writeln!(
        out,
        "\nA case counts where it shows a finding, or could have: it is complete, and at least as long \
         as the shortest that shows it. Two units that do the same do not say why."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(path: &str, seconds: f64, weak: &[&str], found: bool) -> Case {
        let claim = Claim { id: "tls.old", destination: "vendor.example".to_owned() };
        let (key, device) = (path.to_owned(), format!("mac {path}"));
        let sight = Sight { key, device, level: "shown", phase: None, title: "Old" };
        Case {
            path: path.to_owned(),
            units: vec![path.to_owned()],
            seconds,
            frames: 1,
            complete: weak.is_empty(),
            weak: weak.iter().map(|&why| why.to_owned()).collect(),
            phases: BTreeSet::new(),
            marks: BTreeSet::new(),
            findings: found.then(|| (claim, vec![sight])).into_iter().collect(),
        }
    }

    #[test]
    fn a_case_that_could_not_show_it_is_no_word_against_it() {
        let cases = [
            case("a", 60.0, &[], true),
            case("b", 90.0, &["lost packets"], true),
            case("c", 60.0, &[], false),
            case("short", 59.0, &[], false),
            case("lossy", 99.0, &["lost packets"], false),
        ];
        let all = replicated(&cases);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].found_in, all[0].comparable, all[0].cases), (2, 3, 5));
        let results: Vec<Said> = all[0].answers.iter().map(|answer| answer.result).collect();
        let (found, not) = (Said::Found, Said::NotComparable);
        assert_eq!(results, [found, found, Said::NotFound, not, not]);
        assert!(all[0].answers[3].because[0].contains("59.0 s long"));
    }

    #[test]
    fn what_belongs_to_a_phase_needs_it() {
        let mut with = case("a", 60.0, &[], true);
        for sight in with.findings.values_mut().flatten() {
            sight.phase = Some("setup");
        }
        let mut cases = [with, case("b", 60.0, &[], false)];
        assert_eq!(replicated(&cases)[0].answers[1].because, ["it has no phase setup"]);
        cases[1].phases.insert("setup");
        assert_eq!(replicated(&cases)[0].answers[1].result, Said::NotFound);
    }
}
