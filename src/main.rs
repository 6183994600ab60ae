//! Arguments in, exit code out.

use phonehome::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()).and_then(cli::run) {
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
