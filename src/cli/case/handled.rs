//! Who had the case, and the unit under test: signed lines of custody.

use super::{Key, TOOL, check_is_case, check_text, say, shown};
use crate::case::custody;
use crate::case::journal::Event;
use crate::case::signer::Signer;
use crate::cli::{Failure, key};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Unit {
    /// Folder of the case
    #[arg(value_name = "DIR")]
    case: PathBuf,
    /// Maker, as printed on it
    #[arg(long)]
    make: String,
    /// Model, as printed on it
    #[arg(long)]
    model: String,
    /// Serial number
    #[arg(long)]
    serial: String,
    /// Version of its firmware
    #[arg(long)]
    firmware: String,
    /// Picture of it, which is attached
    #[arg(long, value_name = "FILE")]
    photo: Option<PathBuf>,
    #[command(flatten)]
    key: Key,
}

pub(super) fn unit(args: &Unit) -> Result<u8, Failure> {
    check_is_case(&args.case)?;
    for text in [&args.make, &args.model, &args.serial, &args.firmware] {
        check_text(text, "a description")?;
    }
    let signer = key::open(&args.key.key)?;
    let (mut photo, mut photo_sha256) = (String::new(), String::new());
    if let Some(file) = &args.photo {
        let about = custody::About { text: "the unit".to_owned(), ..custody::About::default() };
        let attached = custody::attach(&args.case, &signer, TOOL, file, about);
        (photo, photo_sha256) = attached.map_err(anyhow::Error::from)?;
        say(&format!("attachments/{photo}  {}", shown(file)))?;
    }
    let event = Event::Unit {
        make: args.make.clone(),
        model: args.model.clone(),
        serial: args.serial.clone(),
        firmware: args.firmware.clone(),
        photo,
        photo_sha256,
    };
    custody::add(&args.case, &signer, TOOL, event).map_err(anyhow::Error::from)?;
    Ok(0)
}

/// Puts down that somebody did something with a case.
pub(super) fn add(
    case: &Path,
    signer: &Signer,
    act: &str,
    whom: &str,
    text: &str,
) -> Result<(), Failure> {
    check_is_case(case)?;
    check_text(text, "a reason")?;
    let (act, whom, text) = (act.to_owned(), whom.to_owned(), text.to_owned());
    let event = Event::Handled { act, whom, text };
    custody::add(case, signer, TOOL, event).map_err(anyhow::Error::from)?;
    Ok(())
}

/// For commands that put down what they did.
#[derive(Debug, Default, Args)]
pub struct Journal {
    /// Put down that this was done, signed with this key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Why it was done
    #[arg(long, value_name = "TEXT", requires = "key", default_value = "not said")]
    because: String,
}

impl Journal {
    /// Opens the key before anything is done, so that a wrong passphrase costs nothing.
    pub(super) fn open(&self) -> Result<Option<Signer>, Failure> {
        Ok(self.key.as_deref().map(key::open).transpose()?)
    }

    /// Puts it down.
    pub(super) fn add(
        &self,
        signer: Option<&Signer>,
        case: &Path,
        act: &str,
        whom: &str,
    ) -> Result<(), Failure> {
        match signer {
            Some(signer) => add(case, signer, act, whom, &self.because),
            None => Ok(()),
        }
    }
}
