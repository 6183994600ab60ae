//! Time-stamps: takes the replies of authorities in.

use super::{check_is_case, say, shown};
use crate::case::verify::{Verdict, verify};
use crate::case::{layout, stamp};
use crate::cli::Failure;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Stamp {
    /// Folder of the sealed case
    #[arg(value_name = "DIR")]
    case: PathBuf,
    /// Replies of authorities; none to print how to ask for one
    #[arg(value_name = "FILE.tsr")]
    replies: Vec<PathBuf>,
    /// Certificate of the authority's root, PEM: its signature is checked with openssl before a
    /// reply is taken
    #[arg(long, value_name = "FILE.pem")]
    authority: Option<PathBuf>,
}

pub(super) fn run(args: &Stamp) -> Result<u8, Failure> {
    let case = &args.case;
    check_is_case(case)?;
    if !layout::is_sealed(case) {
        Err(anyhow::anyhow!("{}: is not sealed yet", shown(case)))?;
    }
    let request = stamp::beside(case).join(stamp::REQUEST);
    if request.symlink_metadata().is_err() {
        stamp::request(case).map_err(anyhow::Error::from)?;
    }
    if args.replies.is_empty() {
        say(&format!("{}: send this to an authority, for example:", shown(&request)))?;
        say(&format!(
            "  curl -H 'Content-Type: application/timestamp-query' --data-binary @{} -o reply.tsr \
             URL",
            shown(&request)
        ))?;
        say(&format!("  phonehome case stamp {} reply.tsr", shown(case)))?;
        return Ok(0);
    }
    for reply in &args.replies {
        let (stamped, path) = stamp::add(case, reply).map_err(anyhow::Error::from)?;
        say(&format!("{}: stamped {}, serial {}", shown(&path), stamped.time, stamped.serial))?;
    }
    let Some(authority) = &args.authority else { return Ok(0) };
    let report = verify(case, None, Some(authority));
    let time = report.promises.iter().find(|promise| promise.id == "time");
    let Some(time) = time.filter(|time| time.verdict != Verdict::Holds) else { return Ok(0) };
    let error = anyhow::anyhow!("{}: {}", shown(case), time.details.join("; "));
    Err(Failure { error, code: 5 })
}
