//! `phonehome explain`.

use super::Failure;
use crate::finding::{CHECKS, explain, page};
use clap::Args;
use std::io::{self, Write};

#[derive(Debug, Args)]
pub struct Explain {
    /// Id of a finding, such as cred.cleartext; all of them where none is given
    #[arg(value_name = "FINDING-ID", value_parser = known)]
    id: Option<String>,
}

fn known(id: &str) -> Result<String, String> {
    match explain(id) {
        Some(_) => Ok(id.to_owned()),
        None => {
            let ids: Vec<&str> = CHECKS.iter().map(|check| check.id()).collect();
            Err(format!("no check has this id; there are {}", ids.join(", ")))
        }
    }
}

pub fn run(args: &Explain) -> Result<u8, Failure> {
    let text = args.id.as_deref().map_or_else(|| Some(page()), explain).unwrap_or_default();
    io::stdout().lock().write_all(text.as_bytes()).map_err(anyhow::Error::from)?;
    Ok(0)
}
