//! Where in a case the frames stand that findings cite, byte for byte, and an extract of them: both are
//! sealed with the findings, so that nobody needs this program to look one up.

use super::{RedactionError, walk, write};
use crate::base::text::hex;
use crate::case::{layout, pcapng};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Findings by the frames that they cite, as they speak of them.
pub type Cites = BTreeMap<(u32, u64), Vec<String>>;

/// Largest extract, bytes; frames beyond have no number in it.
const EXTRACT_BYTES_MAX: usize = 64 * 1024 * 1024;

const HEAD: &str = "\
# Frames that findings cite, a line for each finding and frame. By hand:
# tail -c +$((OFFSET + 1)) SEGMENT | head -c LENGTH | sha256sum
# Of a compressed capture, the offset is that in what it unpacks to.
finding\tframe in cited.pcapng\tsegment\tframe\ttime\toffset\tlength\tsha256
";

/// The table, and the extract that it leads into.
///
/// # Errors
/// When a capture cannot be read.
pub fn references(case: &Path, cites: &Cites) -> Result<(Vec<u8>, Vec<u8>), RedactionError> {
    let (captures, _) = walk::captures(case);
    let parts = layout::parts(case);
    let mut table = HEAD.to_owned();
    let mut extract = Vec::new();
    write::section(&mut extract, "packets that findings cite; references.tsv says which they are");
    let (mut links, mut count) = (Vec::new(), 0u64);
    walk::files(&captures, &mut |piece| {
        let Some(findings) = cites.get(&piece.place()) else { return Ok(()) };
        let frame = &piece.frame;
        let mut number = "-".to_owned();
        if extract.len() + frame.data.len() < EXTRACT_BYTES_MAX {
            count += 1;
            number = count.to_string();
            let known = links.iter().position(|&link| link == frame.link);
            let interface = known.unwrap_or_else(|| {
                links.push(frame.link);
                write::interface(&mut extract, frame.link);
                links.len() - 1
            });
            let (time, length) = (frame.time, frame.wire_length);
            pcapng::packet(&mut extract, interface as u32, time, length, frame.data);
        }
        let path = &captures[piece.capture as usize];
        let segment = path.strip_prefix(&parts).unwrap_or(path).display();
        let sha256 = hex(&Sha256::digest(frame.data));
        for finding in findings {
            let (within, time, at) = (frame.number, frame.time, piece.offset);
            let length = frame.data.len();
            let _ = writeln!(
                table,
                "{finding}\t{number}\t{segment}\t{within}\t{time}\t{at}\t{length}\t{sha256}"
            );
        }
        Ok(())
    })?;
    Ok((table.into_bytes(), extract))
}
