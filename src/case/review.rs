//! What people decided about findings, out of the journal of custody.

use super::CaseError;
use super::journal::{Book, Event, walk};
use super::layout;
use crate::base::time::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;

/// Most findings that can be reviewed in a case.
const REVIEWS_MAX: usize = 65_536;

/// What a review can come to.
pub const STATES: [&str; 4] = ["unreviewed", "confirmed", "explained", "disputed"];

/// The latest review of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// One of [`STATES`].
    pub state: &'static str,
    /// Key of who decided, as minisign prints it.
    pub by: String,
    /// When.
    pub when: Timestamp,
    /// Why.
    pub because: String,
}

/// Reviews by the key of their finding.
pub type Reviews = BTreeMap<String, Reviewed>;

/// Reads the reviews of a case, sealed or not.
///
/// # Errors
/// When the journal of custody cannot be read or does not hold.
pub fn reviews(case: &Path) -> Result<Reviews, CaseError> {
    let path = layout::custody(&layout::parts(case));
    let mut reviews = Reviews::new();
    if path.symlink_metadata().is_err() {
        return Ok(reviews);
    }
    let mut signer = String::new();
    let walked = walk(&path, Book::Custody, &mut |entry| match entry.event {
        Event::Custody { minisign_key, .. } => signer = minisign_key,
        Event::Review { finding, state, text } => {
            let known = STATES.into_iter().find(|known| *known == state);
            let room = reviews.len() < REVIEWS_MAX || reviews.contains_key(&finding);
            if let Some(state) = known.filter(|_| room) {
                let when = entry.clocks.wall;
                let review = Reviewed { state, by: signer.clone(), when, because: text };
                reviews.insert(finding, review);
            }
        }
        _ => {}
    })?;
    match walked.broken {
        Some(broken) => Err(CaseError::Broken(broken)),
        None => Ok(reviews),
    }
}
