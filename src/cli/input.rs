//! Captures and cases to sources.

use crate::case::layout;
use crate::source::file::Ending;
use crate::source::{Finished, Segments, Sources};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The parts of the case, where that is what is given.
pub fn case(files: &[PathBuf]) -> Option<PathBuf> {
    let [folder] = files else { return None };
    let parts = layout::parts(folder);
    layout::is_recording(&parts).then_some(parts)
}

/// Opens capture files, or the recording of one case.
pub fn open(files: &[PathBuf], hashed: bool) -> anyhow::Result<Sources> {
    if let Some(parts) = case(files) {
        let received = layout::received(&parts);
        return match received.is_empty() {
            true => Ok(Sources::follow(recorded(&parts))),
            false => Ok(Sources::open(&received, hashed)?),
        };
    }
    Sources::check(files)?;
    Ok(Sources::open(files, hashed)?)
}

/// The segments of a recording that is read as it is now.
fn recorded(folder: &Path) -> Segments {
    let folder = folder.to_owned();
    let finished = Finished::default();
    finished.set();
    let oldest = layout::oldest(&layout::segments(&folder));
    Segments {
        path: Arc::new(move |position| layout::segment(&folder, position)),
        first: oldest,
        oldest: Arc::new(move || oldest),
        finished,
    }
}

/// Says on standard error, a line an input, what was not read; whether there was such.
pub fn complain(endings: &[Ending]) -> bool {
    let complaints: Vec<String> = endings.iter().filter_map(Ending::complaint).collect();
    complaints.iter().for_each(|complaint| eprintln!("phonehome: {complaint}"));
    !complaints.is_empty()
}
