//! Arguments in, exit code out.

use clap::Parser;
use phonehome::cli::{self, Cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if !cli::is_closed_pipe(&failure.error) {
                eprintln!("phonehome: {:#}", failure.error);
                return ExitCode::from(failure.code);
            }
            ExitCode::SUCCESS
        }
    }
}
