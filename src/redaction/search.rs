//! Searches captures for texts that must not stand in them, in every spelling in which a redaction
//! withholds them.

use super::pseudonyms::{self, Rules, Streams, Why};
use super::{Cited, RedactionError, walk};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a search found, by frames as findings speak of them.
#[derive(Debug, Default)]
pub struct Search {
    /// Where one of the texts stands, or half of one at the edge of what is there.
    pub found: Cited,
    /// What could not be looked into, and the first frame and number of it.
    pub closed: BTreeMap<&'static str, ((u32, u64), u64)>,
    /// Whether there was more content than could be searched.
    pub is_full: bool,
}

/// Searches captures.
///
/// # Errors
/// When one cannot be read.
pub fn search(captures: &[PathBuf], texts: &[Vec<u8>]) -> Result<Search, RedactionError> {
    let forbid = pseudonyms::forbidden(texts);
    let rules = Rules { replace: None, forbid: &forbid };
    let mut streams = Streams::default();
    walk::files(captures, &mut |piece| {
        streams.notice(piece);
        if piece.frame.data.len() > piece.headers && !streams.is_full() {
            streams.add(piece, &rules);
        }
        Ok(())
    })?;
    streams.finish(&rules);
    let mut search = Search { is_full: streams.is_full(), ..Search::default() };
    for (frame, why) in streams.refused() {
        match why {
            Why::Told => drop(search.found.insert(frame)),
            Why::Closed(what) => search.closed.entry(what).or_insert((frame, 0)).1 += 1,
        }
    }
    Ok(search)
}
