//! Further signatures over a sealed case.

use super::{check_is_case, say, shown};
use crate::case::clock::Clocks;
use crate::case::seal::TAG_MANIFEST;
use crate::case::{countersign, layout};
use crate::cli::{Failure, key};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Sign {
    /// Folder of the sealed case
    #[arg(value_name = "DIR")]
    case: PathBuf,
    /// Secret key of the further signer; its passphrase comes from PHONEHOME_PASSPHRASE or is asked for
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Signature made by ssh-keygen, which may use a hardware key
    #[arg(long, value_name = "FILE.sig", requires = "ssh_key", conflicts_with = "key")]
    ssh: Option<PathBuf>,
    /// Public key of ssh that it must be of
    #[arg(long, value_name = "FILE.pub", requires = "ssh")]
    ssh_key: Option<PathBuf>,
}

pub(super) fn run(args: &Sign) -> Result<u8, Failure> {
    let case = &args.case;
    check_is_case(case)?;
    if !layout::is_sealed(case) {
        Err(anyhow::anyhow!("{}: is not sealed yet", shown(case)))?;
    }
    let name = match (&args.key, &args.ssh, &args.ssh_key) {
        (Some(path), ..) => {
            let signer = key::open(path)?;
            countersign::sign(case, &signer, &Clocks::now().wall.to_string())
        }
        (None, Some(signature), Some(key)) => countersign::take(case, signature, key),
        _ => {
            let list = shown(&case.join(TAG_MANIFEST));
            say("With a key of minisign: phonehome case sign DIR --key FILE. With one of ssh:")?;
            say(&format!(
                "  ssh-keygen -Y sign -n {} -f KEY < {list} > case.sig",
                countersign::NAMESPACE
            ))?;
            say(&format!(
                "  phonehome case sign {} --ssh case.sig --ssh-key KEY.pub",
                shown(case)
            ))?;
            return Ok(0);
        }
    };
    let name = name.map_err(anyhow::Error::from)?;
    say(&format!(
        "{}: taken in; the signature holds",
        shown(&countersign::beside(case).join(name))
    ))?;
    Ok(0)
}
