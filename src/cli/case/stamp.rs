//! Time-stamps: takes the replies of authorities in.

use super::handled::Journal;
use super::tsa;
use super::{check_is_case, say, shown};
use crate::case::stamp::Stamped;
use crate::case::verify::is_signed;
use crate::case::{layout, stamp};
use crate::cli::Failure;
use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Stamp {
    /// Folder of the sealed case
    #[arg(value_name = "DIR")]
    case: PathBuf,
    /// Replies of authorities; none to print how to ask for one
    #[arg(value_name = "FILE.tsr")]
    replies: Vec<PathBuf>,
    /// Ask this authority now: the hash of the signature is sent there, and nothing else. Repeatable
    #[arg(long, value_name = "http://…")]
    tsa: Vec<String>,
    /// Certificate of the authority's root, PEM: its signature is checked with openssl before a
    /// reply is taken. Repeatable where several authorities are asked at once
    #[arg(long, value_name = "FILE.pem")]
    authority: Vec<PathBuf>,
    #[command(flatten)]
    journal: Journal,
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
    if args.replies.is_empty() && args.tsa.is_empty() {
        say(&format!("{}: send this to an authority, for example:", shown(&request)))?;
        say(&format!(
            "  curl -H 'Content-Type: application/timestamp-query' --data-binary @{} -o reply.tsr \
             URL",
            shown(&request)
        ))?;
        say(&format!("  phonehome case stamp {} reply.tsr", shown(case)))?;
        return Ok(0);
    }
    let signer = args.journal.open()?;
    let mut taken = Vec::new();
    for reply in &args.replies {
        taken.push(stamp::add(case, reply).map_err(anyhow::Error::from)?);
    }
    for url in &args.tsa {
        let name = crate::base::text::safe(url.as_bytes());
        let query =
            stamp::read(&request).map_err(|why| anyhow::anyhow!("{}: {why}", shown(&request)))?;
        let reply = tsa::ask(url, &query).with_context(|| name.clone())?;
        taken.push(stamp::take(case, &reply).map_err(|why| anyhow::anyhow!("{name}: {why}"))?);
    }
    if !args.authority.is_empty() {
        check(case, &args.authority, &taken)?;
    }
    for (stamped, path) in &taken {
        args.journal.add(signer.as_ref(), case, "stamp", &stamped.time)?;
        say(&format!("{}: stamped {}, serial {}", shown(path), stamped.time, stamped.serial))?;
    }
    Ok(0)
}

/// Has openssl check what was taken; what no authority signed is not kept. Replies that were taken
/// before may be of others.
fn check(
    case: &Path,
    authorities: &[PathBuf],
    taken: &[(Stamped, PathBuf)],
) -> Result<(), Failure> {
    let signed = |(_, path): &(Stamped, PathBuf)| is_signed(case, path, authorities);
    let Some(fault) = taken.iter().find_map(|reply| signed(reply).err()) else { return Ok(()) };
    for (_, path) in taken {
        drop(std::fs::remove_file(path));
    }
    let error = anyhow::anyhow!("{}: the reply was not taken: {fault}", shown(case));
    Err(Failure { error, code: 5 })
}
