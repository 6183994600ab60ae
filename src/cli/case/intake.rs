//! The questions about a unit under test, and their answers.

use super::{TOOL, check_is_case, shown};
use crate::case::journal::Event;
use crate::case::{custody, intake, tree};
use crate::cli::{Failure, key};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Largest form that is read, bytes.
const FORM_BYTES_MAX: u64 = 256 * 1024;

#[derive(Debug, Args)]
pub struct Intake {
    /// Folder of the case; without it, the form is printed
    #[arg(value_name = "DIR", requires_all = ["answers", "key"])]
    case: Option<PathBuf>,
    /// The form, filled in
    #[arg(long, value_name = "FILE.toml", requires = "case")]
    answers: Option<PathBuf>,
    /// Secret key (`phonehome key new`); its passphrase comes from PHONEHOME_PASSPHRASE or is asked
    /// for
    #[arg(long, value_name = "FILE", requires = "case")]
    key: Option<PathBuf>,
}

pub(super) fn run(args: &Intake) -> Result<u8, Failure> {
    let (Some(case), Some(path), Some(secret)) = (&args.case, &args.answers, &args.key) else {
        let mut out = std::io::stdout();
        return match out.write_all(intake::form().as_bytes()) {
            Ok(()) => Ok(0),
            Err(error) => Err(anyhow::Error::from(error).into()),
        };
    };
    check_is_case(case)?;
    let answers = answers(path)?;
    let signer = key::open(secret)?;
    custody::add(case, &signer, TOOL, Event::Intake { answers }).map_err(anyhow::Error::from)?;
    Ok(0)
}

/// Reads a form that was filled in.
pub(super) fn answers(path: &Path) -> anyhow::Result<intake::Answers> {
    let wrong = |why: String| anyhow::anyhow!("{}: {why}", shown(path));
    let form = tree::text(path, FORM_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
    intake::read(&form).map_err(wrong)
}
