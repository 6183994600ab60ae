//! Makes a case before anything is recorded: what is known of the unit is signed first.

use super::{Key, TOOL, intake, say, shown};
use crate::case::custody;
use crate::case::journal::Event;
use crate::cli::{Failure, key};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct New {
    /// Folder that is made
    #[arg(value_name = "DIR")]
    case: PathBuf,
    /// Answers to the questions of `case intake`
    #[arg(long, value_name = "FILE.toml")]
    answers: Option<PathBuf>,
    /// Why the questions are not answered
    #[arg(long, value_name = "REASON", conflicts_with = "answers")]
    skip_intake: Option<String>,
    /// What the case is for
    #[arg(long, value_name = "TEXT", default_value = "a test")]
    purpose: String,
    #[command(flatten)]
    key: Key,
}

pub(super) fn run(args: &New) -> Result<u8, Failure> {
    let answers = args.answers.as_deref().map(intake::answers).transpose()?;
    let skipped = args.skip_intake.as_deref().unwrap_or_default().trim();
    if answers.is_none() && skipped.is_empty() {
        Err(anyhow::anyhow!(
            "answer the questions about the unit (`phonehome case intake` prints them): --answers \
             FILE.toml; or say why they are not answered: --skip-intake REASON"
        ))?;
    }
    super::check_text(&args.purpose, "a purpose")?;
    let signer = key::open(&args.key.key)?;
    let event =
        Event::Created { purpose: args.purpose.clone(), intake_skipped: skipped.to_owned() };
    custody::create(&args.case, &signer, TOOL, event).map_err(anyhow::Error::from)?;
    if let Some(answers) = answers {
        let event = Event::Intake { answers };
        custody::add(&args.case, &signer, TOOL, event).map_err(anyhow::Error::from)?;
    }
    let case = shown(&args.case);
    say(&format!("{case}: made; record into it: phonehome capture -i INTERFACE --case {case}"))?;
    Ok(0)
}
