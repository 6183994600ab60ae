//! Keys of people, in minisign's form.

use super::Failure;
use crate::case::signer::{self, Signer};
use anyhow::{Context, bail};
use clap::Subcommand;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key; the passphrase comes from PHONEHOME_PASSPHRASE or is asked for
    #[command(after_help = "Example:\n  phonehome key new lab.key\n\n\
        The public half is written to FILE.pub. The program minisign reads both.")]
    New {
        /// Where the secret half is put
        file: PathBuf,
    },
    /// Print the public half of a key
    #[command(after_help = "Example:\n  phonehome key show lab.key")]
    Show {
        /// The secret half, the public one, or the public one as text
        file: PathBuf,
    },
}

/// Environment variable with the passphrase.
const PASSPHRASE: &str = "PHONEHOME_PASSPHRASE";

/// Makes or shows a key.
pub fn run(command: &KeyCommand) -> Result<u8, Failure> {
    let public = match command {
        KeyCommand::New { file } => {
            for path in [file, &signer::public_path(file)] {
                if path.symlink_metadata().is_ok() {
                    Err(anyhow::anyhow!("{}: exists already", path.display()))?;
                }
            }
            let passphrase = passphrase("Passphrase for the new key: ")?;
            let given = std::env::var_os(PASSPHRASE).is_some();
            if !given
                && rpassword::prompt_password("Once more: ").ok().as_ref() != Some(&passphrase)
            {
                Err(anyhow::anyhow!("the two passphrases differ"))?;
            }
            if passphrase.is_empty() {
                Err(anyhow::anyhow!("an empty passphrase protects nothing"))?;
            }
            signer::generate(file, passphrase).map_err(anyhow::Error::from)?
        }
        KeyCommand::Show { file } => match signer::public_of(file) {
            Ok(public) => public,
            Err(_) => open(file)?.public(),
        },
    };
    writeln!(io::stdout(), "{public}").map_err(anyhow::Error::from)?;
    Ok(0)
}

/// Opens a secret key, and asks for its passphrase where it has one.
pub fn open(file: &Path) -> anyhow::Result<Signer> {
    let passphrase = match signer::is_locked(file)? {
        true => Some(passphrase(&format!("Passphrase of {}: ", file.display()))?),
        false => None,
    };
    Ok(Signer::open(file, passphrase)?)
}

fn passphrase(question: &str) -> anyhow::Result<String> {
    match std::env::var(PASSPHRASE) {
        Ok(passphrase) => Ok(passphrase),
        Err(std::env::VarError::NotUnicode(_)) => bail!("{PASSPHRASE} is not UTF-8"),
        Err(std::env::VarError::NotPresent) => rpassword::prompt_password(question)
            .with_context(|| format!("no passphrase: set {PASSPHRASE} where nobody can be asked")),
    }
}
