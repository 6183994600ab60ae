//! What is known beside packets, and `phonehome data`.

use super::Failure;
use crate::attribution::geo::Geo;
use crate::attribution::{Signatures, oui, pack};
use crate::canary;
use crate::case::signer;
use crate::snapshot::CanaryShown;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Where it comes from.
#[derive(Debug, Args)]
pub struct Knowledge {
    /// Use this MMDB file (GeoLite2, DB-IP, IPinfo) instead of the embedded database; repeatable
    #[arg(long = "geo", value_name = "FILE.mmdb", conflicts_with = "no_geo")]
    geo: Vec<PathBuf>,
    /// Load no country and network database
    #[arg(long)]
    no_geo: bool,
    /// Add the signatures of a folder to those embedded; repeatable
    #[arg(long = "signatures", value_name = "DIR", conflicts_with = "no_signatures")]
    signatures: Vec<PathBuf>,
    /// Take them only where this key has signed them (`phonehome signatures sign`): the public half,
    /// or the file that holds it
    #[arg(long, value_name = "KEY", requires = "signatures")]
    signatures_key: Option<PathBuf>,
    /// Load no signatures
    #[arg(long)]
    no_signatures: bool,
}

/// What was loaded, once for all captures.
pub struct Known {
    /// Who is who.
    pub signatures: Signatures,
    /// What is where.
    pub geo: Geo,
    /// How the self-test went with them.
    pub canary: CanaryShown,
}

impl Knowledge {
    /// Loads it.
    pub fn load(&self) -> anyhow::Result<(Signatures, Geo)> {
        let mut signatures =
            if self.no_signatures { Signatures::default() } else { Signatures::embedded()? };
        let key = self.signatures_key.as_deref().map(signer::public_of).transpose()?;
        for folder in &self.signatures {
            signatures.add_folder(folder, key.as_deref())?;
        }
        let mut geo = match (self.no_geo, self.geo.is_empty()) {
            (false, true) => Geo::embedded(),
            _ => Geo::default(),
        };
        for file in &self.geo {
            geo.add_file(file)?;
        }
        Ok((signatures, geo))
    }

    /// Loads it, and tests it.
    pub fn known(&self) -> anyhow::Result<Known> {
        let (signatures, geo) = self.load()?;
        let canary = canary::run(&signatures, &geo);
        Ok(Known { signatures, geo, canary })
    }
}

/// See the module.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Print what is loaded
    #[command(after_help = "Example:\n  phonehome data status")]
    Status(Knowledge),
}

/// Prints what is loaded.
pub fn data(DataCommand::Status(knowledge): &DataCommand) -> Result<u8, Failure> {
    let (signatures, geo) = knowledge.load()?;
    println!("signatures: {} files, SHA-256 {}", signatures.len(), signatures.sha256());
    for text in pack::spoken(signatures.packs(), signatures.disabled()) {
        println!("signatures: {text}");
    }
    for about in geo.about() {
        println!("database: {}, built {}, SHA-256 {}", about.name, about.build, about.sha256);
    }
    println!("hardware addresses: {}", oui::about());
    Ok(0)
}
