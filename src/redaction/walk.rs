//! All frames of a case in the order of its captures, each cut in two.

use super::{RedactionError, parts};
use crate::case::layout;
use crate::case::merkle::About;
use crate::source::Frame;
use crate::source::file::FileSource;
use std::path::{Path, PathBuf};

/// A frame of a case.
pub(super) struct Piece<'a> {
    /// Position of its capture.
    pub capture: u32,
    /// The frame; its number is that in its capture.
    pub frame: Frame<'a>,
    /// Length of its headers, bytes.
    pub headers: usize,
    /// Where its bytes begin in the capture, once that is unpacked.
    pub offset: u64,
}

impl<'a> Piece<'a> {
    /// Its parts, as the tree has them. The last holds no bytes: when and how long a packet was is
    /// proven even where nothing of it stays as it was.
    pub fn parts(&self) -> [(About, &'a [u8]); 3] {
        let (headers, rest) = self.frame.data.split_at(self.headers);
        [(self.about(0), headers), (self.about(1), rest), (self.about(2), &[])]
    }

    /// How a finding speaks of it: position of the input, and number in that.
    pub fn place(&self) -> (u32, u64) {
        (self.capture, self.frame.number)
    }

    fn about(&self, part: u8) -> About {
        About {
            capture: self.capture,
            frame: self.frame.number,
            time: self.frame.time.0,
            wire_length: self.frame.wire_length,
            link: self.frame.link,
            part,
        }
    }
}

/// Captures of a case, in their order, and whether they were recorded here. Each is an input of the
/// analysis, in the same order.
#[must_use]
pub fn captures(case: &Path) -> (Vec<PathBuf>, bool) {
    let parts = layout::parts(case);
    let received = layout::received(&parts);
    if !received.is_empty() {
        return (received, false);
    }
    let first = layout::oldest(&layout::segments(&parts));
    let segments = (first..).map(|position| layout::segment(&parts, position));
    (segments.take_while(|path| path.is_file()).collect(), true)
}

/// Shows every frame.
pub(super) fn frames(
    case: &Path,
    show: &mut dyn FnMut(&Piece<'_>) -> Result<(), RedactionError>,
) -> Result<(), RedactionError> {
    files(&captures(case).0, show)
}

/// Shows every frame of some captures.
pub(super) fn files(
    captures: &[PathBuf],
    show: &mut dyn FnMut(&Piece<'_>) -> Result<(), RedactionError>,
) -> Result<(), RedactionError> {
    for (capture, path) in captures.iter().enumerate() {
        let capture = capture as u32;
        let mut source = FileSource::open(path, false)?;
        while let Some((frame, offset)) = source.next_placed() {
            show(&Piece { capture, frame, headers: parts::headers(&frame), offset })?;
        }
    }
    Ok(())
}
