//! Help for shells: completions, and manual pages.

use super::{Cli, Failure};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::{self, Write};

/// Prints what a shell needs to complete commands and flags.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn completions(args: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "phonehome", &mut script);
    io::stdout().write_all(&script).map_err(anyhow::Error::from)?;
    Ok(0)
}

/// Writes manual pages.
#[cfg(feature = "man")]
#[derive(Debug, Args)]
pub struct Man {
    /// The folder to write them to: one page a command
    #[arg(value_name = "DIR")]
    folder: std::path::PathBuf,
}

#[cfg(feature = "man")]
pub fn man(args: &Man) -> Result<u8, Failure> {
    use anyhow::Context;
    let folder = &args.folder;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .with_context(|| format!("{}: cannot be written", folder.display()))?;
    println!("{}: man -l {}/phonehome.1", folder.display(), folder.display());
    Ok(0)
}
