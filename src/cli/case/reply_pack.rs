//! What is sent to a company before something is published about it: findings, questions, a day to
//! answer by, and the packets to check it with. Signed, and put down in the journal of custody.

use super::redact::{self, Kept, Redact};
use super::{Key, TOOL, check_is_case, check_text, handled, parse_finding, say, shown};
use crate::base::text::{hex, safe};
use crate::case::journal::Event;
use crate::case::signer::Signer;
use crate::case::{custody, seal, tree};
use crate::cli::work::Run;
use crate::cli::{Failure, key};
use crate::redaction::pseudonyms::Pseudonyms;
use clap::Args;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The list that is signed.
const LIST: &str = "manifest-sha256.txt";

/// Asked about every finding.
const QUESTIONS: [&str; 4] = [
    "Is this correct? If not, what is wrong with it, and how can that be checked?",
    "What is sent there, and what for?",
    "Who operates that destination, in which country, and who can read what is sent?",
    "Can it be switched off, and where is the buyer told?",
];

#[derive(Debug, Args)]
pub struct ReplyPack {
    /// Folder of the sealed case
    #[arg(value_name = "DIR")]
    case: PathBuf,
    /// Finding that is asked about, by its key; repeatable
    #[arg(long, required = true, value_name = "KEY", value_parser = parse_finding)]
    finding: Vec<String>,
    /// Who is asked
    #[arg(long, value_name = "WHOM")]
    to: String,
    /// Day to answer by, as 2026-05-31
    #[arg(long, value_name = "DATE", value_parser = date)]
    deadline: String,
    /// A further question; repeatable
    #[arg(long, value_name = "TEXT")]
    question: Vec<String>,
    /// Put other names in the place of what names the laboratory, as `case redact` does
    #[arg(long, value_name = "FILE")]
    pseudonyms: Option<PathBuf>,
    /// Texts that must not stay, a line each
    #[arg(long, value_name = "FILE")]
    withhold: Option<PathBuf>,
    /// Folder that is made
    #[arg(long, short, value_name = "PACK")]
    output: PathBuf,
    #[command(flatten)]
    key: Key,
    #[command(flatten)]
    run: Run,
}

fn date(text: &str) -> Result<String, String> {
    let date: jiff::civil::Date = text.parse().map_err(|_| "is not a day, as 2026-05-31")?;
    Ok(date.to_string())
}

pub(super) fn run(args: &ReplyPack) -> Result<u8, Failure> {
    check_is_case(&args.case)?;
    check_text(&args.to, "the name of who is asked")?;
    for question in &args.question {
        check_text(question, "a question")?;
    }
    let findings = redact::findings(&args.case)?;
    let is_wanted = |finding: &&Value| args.finding.iter().any(|key| finding["key"] == **key);
    let wanted: Vec<Value> = findings.iter().filter(is_wanted).cloned().collect();
    if let Some(key) = args.finding.iter().find(|key| !wanted.iter().any(|f| f["key"] == ***key)) {
        Err(anyhow::anyhow!("{}: holds no finding {key}", shown(&args.case)))?;
    }
    let signer = key::open(&args.key.key)?;
    let pack = &args.output;
    fs::create_dir(pack)
        .map_err(|error| anyhow::anyhow!("{}: cannot be created: {error}", shown(pack)))?;
    let sent = write(args, &wanted, &signer);
    let sha256 = match sent {
        Ok(sha256) => sha256,
        Err(failure) => {
            // Ours from its first byte, since it did not exist before.
            drop(fs::remove_dir_all(pack));
            return Err(failure);
        }
    };
    let event = Event::Asked {
        whom: args.to.clone(),
        deadline: args.deadline.clone(),
        findings: args.finding.clone(),
        sha256,
    };
    custody::add(&args.case, &signer, TOOL, event).map_err(anyhow::Error::from)?;
    handled::add(&args.case, &signer, "redact", &args.to, "packets for a reply")?;
    let case = shown(&args.case);
    say(&format!("{}: read it, sign the letter, send the folder", shown(pack)))?;
    say(&format!("Then: phonehome case attach {case} ANSWER --answer-from WHOM --key FILE"))?;
    Ok(0)
}

fn write(args: &ReplyPack, wanted: &[Value], signer: &Signer) -> Result<String, Failure> {
    let pack = &args.output;
    let redact = Redact {
        case: args.case.clone(),
        output: pack.join("packets"),
        profile: Kept::Cited,
        finding: args.finding.clone(),
        with_secrets: false,
        pseudonyms: args.pseudonyms.clone(),
        withhold: args.withhold.clone(),
        run: args.run.clone(),
        journal: handled::Journal::default(),
    };
    let (plan, counts) = redact::make(&redact)?;
    let names = plan.pseudonyms.as_ref();
    let told: Vec<Value> = wanted.iter().map(|finding| renamed(finding, names)).collect();
    let json = serde_json::to_string_pretty(&told).map_err(anyhow::Error::from)?;
    put(&pack.join("findings.json"), &(json + "\n"))?;
    put(&pack.join("letter.txt"), &letter(args, &told, &signer.public(), counts.renamed > 0))?;
    put(&pack.join("answer.txt"), &form(args, &told))?;
    put(&pack.join(seal::SIGNER), &signer.public_file())?;
    let mut list = String::new();
    for file in &tree::look(pack).files {
        let (_, sha256) = tree::hash(&pack.join(file)).map_err(anyhow::Error::from)?;
        let _ = writeln!(list, "{sha256}  {file}");
    }
    put(&pack.join(LIST), &list)?;
    let trusted = format!("phonehome questions to be answered until {}", args.deadline);
    let signature = signer.sign(list.as_bytes(), &trusted).map_err(anyhow::Error::from)?;
    put(&pack.join(format!("{LIST}.minisig")), &signature)?;
    Ok(hex(&Sha256::digest(list.as_bytes())))
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let wrong = |error| anyhow::anyhow!("{}: cannot be written: {error}", shown(path));
    let mut file = File::create_new(path).map_err(wrong)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
    Ok(())
}

/// A finding with pseudonyms in its texts, and without what people said of it.
fn renamed(finding: &Value, names: Option<&Pseudonyms>) -> Value {
    let mut finding = finding.clone();
    if let Some(fields) = finding.as_object_mut() {
        fields.remove("review");
    }
    fn walk(value: &mut Value, names: &Pseudonyms) {
        match value {
            Value::String(text) => *text = names.text(text),
            Value::Array(all) => all.iter_mut().for_each(|value| walk(value, names)),
            Value::Object(all) => all.values_mut().for_each(|value| walk(value, names)),
            _ => {}
        }
    }
    if let Some(names) = names {
        walk(&mut finding, names);
    }
    finding
}

fn field<'f>(finding: &'f Value, name: &str) -> &'f str {
    finding[name].as_str().unwrap_or_default()
}

fn items<'f>(finding: &'f Value, name: &str) -> impl Iterator<Item = &'f Value> {
    finding[name].as_array().into_iter().flatten()
}

fn letter(args: &ReplyPack, findings: &[Value], key: &str, renamed: bool) -> String {
    let mut out = format!(
        "To: {}\nFrom: [name, address, telephone]\nPlease answer by: {}\n\n\
         We tested a product and recorded what it sends. Before anything is said about it in public, we\n\
         ask you to check the findings below and to answer the questions. answer.txt has room for that.\n\
         Whatever you answer is kept with the evidence, unchanged, and printed with the findings.\n",
        safe(args.to.as_bytes()),
        args.deadline
    );
    for (index, finding) in findings.iter().enumerate() {
        let (title, say) = (field(finding, "title"), field(finding, "may_say"));
        let _ = write!(
            out,
            "\nFinding {} ({}): {title}\n\n  {say}\n",
            index + 1,
            field(finding, "key")
        );
        let _ = writeln!(out, "\n  What was seen:");
        for fact in items(finding, "facts") {
            let _ = writeln!(out, "  - {}", field(fact, "text"));
        }
        let _ = writeln!(out, "\n  What this does not show:");
        for text in items(finding, "does_not_show").filter_map(Value::as_str) {
            let _ = writeln!(out, "  - {text}");
        }
        let mut others = items(finding, "alternatives").peekable();
        if others.peek().is_some() {
            let _ = writeln!(out, "\n  Other explanations:");
        }
        for other in others {
            let _ = writeln!(out, "  - {}: {}", field(other, "text"), field(other, "status"));
        }
    }
    let _ = writeln!(out, "\nQuestions, to each finding:\n");
    for (index, question) in questions(args).enumerate() {
        let _ = writeln!(out, "  {}. {}", index + 1, safe(question.as_bytes()));
    }
    let _ = write!(
        out,
        "\nHow to check it: packets/ holds the packets that decide the findings, under the numbers that\n\
         findings.json gives; Wireshark opens packets/captures/*.pcapng. packets/VERIFY.txt shows that they\n\
         stood in the recording that was sealed. All files are listed in {LIST}:\n\n  \
         sha256sum --check --strict {LIST}\n  \
         minisign -V -P {key} -m {LIST}\n\n\
         Of all other packets, and of those with readable passwords, only time and length are here.\n\
         A program made the findings, by rules that are the same for every company; a person decides what\n\
         is published.\n"
    );
    if renamed {
        out += "Names and addresses in the test network were replaced by others, everywhere by the same ones;\n\
                where that was done, packets/ says so, and nothing there proves it.\n";
    }
    out
}

fn questions(args: &ReplyPack) -> impl Iterator<Item = &str> {
    QUESTIONS.into_iter().chain(args.question.iter().map(String::as_str))
}

fn form(args: &ReplyPack, findings: &[Value]) -> String {
    let mut out = format!("Answer of: {}\nName, function, date:\n", safe(args.to.as_bytes()));
    for (index, finding) in findings.iter().enumerate() {
        let _ = writeln!(
            out,
            "\nFinding {} ({}): {}",
            index + 1,
            field(finding, "key"),
            field(finding, "title")
        );
        for (index, question) in questions(args).enumerate() {
            let _ = write!(out, "\n{}. {}\n\n", index + 1, safe(question.as_bytes()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one() {
        assert_eq!(date("2026-05-31"), Ok("2026-05-31".to_owned()));
        for bad in ["2026-02-30", "soon", "31.5.2026", ""] {
            assert!(date(bad).is_err(), "{bad}");
        }
    }
}
