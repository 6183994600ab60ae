//! All captures of one run, as one series of chunks in the order of capture time.
//!
//! Among the files that are begun, the one whose next frame has the lowest time goes first; of
//! equal ones, the one that comes first on the command line. A file is begun when its first frame
//! is due and closed after its last, so that a rotated set costs the memory of the files that
//! overlap. Frames of one file stay in their order, also where its clock stepped back.

use super::file::{Ending, Stop};
use super::{
    CHUNK_FRAMES_MAX, Chunk, DECLARED_NAMES_MAX, Damage, FileSource, Segments, SourceError,
};
use crate::base::file::identity;
use crate::base::frame::{INPUTS_MAX, SEGMENTS_MAX};
use crate::base::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Inputs that cannot be those of one run.
#[derive(Debug, thiserror::Error)]
pub enum Misuse {
    /// More than frame numbers have room for.
    #[error("{0} inputs are too many for one run: the most are {INPUTS_MAX}")]
    TooMany(usize),
    /// Its frames would count twice.
    #[error("{}: is given twice, as file {} and file {}", path.display(), places[0], places[1])]
    Twice {
        /// The path at the second place.
        path: PathBuf,
        /// Both places, from 1.
        places: [usize; 2],
    },
}

/// When a file has its turn: at the time of its next frame, then by its place.
type Turn = (Timestamp, usize);

enum State {
    /// Not begun. Nothing of it is open.
    Waiting,
    Open(Box<FileSource>),
    Done(Box<Ending>),
}

/// See the module.
pub struct Sources {
    paths: Vec<PathBuf>,
    hashed: bool,
    /// One an input, in the order of the command line.
    states: Vec<State>,
    /// Not begun, the next one last.
    waiting: Vec<Turn>,
    /// Begun, with a next frame.
    ready: BinaryHeap<Reverse<Turn>>,
    /// Begun, with a next frame that could not be looked at while the last chunk was filled.
    hidden: Option<usize>,
    /// In the order in which they were begun.
    begun: Vec<usize>,
    seen: Timestamp,
    /// Names that closed files give to addresses.
    names_kept: usize,
    /// Bytes of closed files.
    read: u64,
    size: Option<u64>,
    /// The recording whose segments are read one after the other.
    segments: Option<Segments>,
}

impl Sources {
    /// Whether these paths can be the inputs of one run.
    ///
    /// # Errors
    /// When they are too many, or one file is among them twice, under whatever name.
    pub fn check(paths: &[PathBuf]) -> Result<(), Misuse> {
        if paths.len() > INPUTS_MAX {
            return Err(Misuse::TooMany(paths.len()));
        }
        let mut known = BTreeMap::new();
        for (index, path) in paths.iter().enumerate() {
            if let Some(first) = known.insert(identity(path), index) {
                let places = [first + 1, index + 1];
                return Err(Misuse::Twice { path: path.clone(), places });
            }
        }
        Ok(())
    }

    /// Opens every path, `-` being standard input. With several, those that cannot be read are
    /// told by [`Sources::finish`].
    ///
    /// # Errors
    /// When none can be opened and is a capture.
    pub fn open(paths: &[PathBuf], hashed: bool) -> Result<Sources, SourceError> {
        if let [only] = paths {
            return Ok(Sources::one(FileSource::open(only, hashed)?));
        }
        let mut sources = Sources {
            paths: paths.to_vec(),
            hashed,
            states: Vec::with_capacity(paths.len()),
            waiting: Vec::new(),
            ready: BinaryHeap::new(),
            hidden: None,
            begun: Vec::new(),
            seen: Timestamp(i64::MIN),
            names_kept: 0,
            read: 0,
            size: Some(0),
            segments: None,
        };
        let mut errors = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let state = sources.look(index, path).unwrap_or_else(|error| {
                let ending = Ending::unread(path, &error);
                errors.push(error);
                State::Done(Box::new(ending))
            });
            sources.states.push(state);
        }
        if errors.len() == paths.len() {
            return Err(SourceError::Several(errors));
        }
        sources.waiting.sort_unstable_by_key(|&turn| Reverse(turn));
        Ok(sources)
    }

    /// A capture that is part of the program.
    ///
    /// # Errors
    /// When the bytes are not a capture.
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Sources, SourceError> {
        Ok(Sources::one(FileSource::embedded(name, bytes)?))
    }

    fn one(source: FileSource) -> Sources {
        Sources {
            paths: Vec::new(),
            hashed: false,
            size: source.progress().1,
            states: vec![State::Open(Box::new(source))],
            waiting: Vec::new(),
            ready: BinaryHeap::new(),
            hidden: None,
            begun: vec![0],
            seen: Timestamp(i64::MIN),
            names_kept: 0,
            read: 0,
            segments: None,
        }
    }

    /// The segments of a recording, one after the other, also while it is being written. Where
    /// nothing more is there for now, [`Sources::fill`] gives no frames although
    /// [`Sources::is_waiting`].
    #[must_use]
    pub fn follow(segments: Segments) -> Sources {
        Sources {
            paths: Vec::new(),
            hashed: false,
            states: Vec::new(),
            waiting: Vec::new(),
            ready: BinaryHeap::new(),
            hidden: None,
            begun: Vec::new(),
            seen: Timestamp(i64::MIN),
            names_kept: 0,
            read: 0,
            size: None,
            segments: Some(segments),
        }
    }

    /// Finds out when a file is due.
    fn look(&mut self, index: usize, path: &Path) -> Result<State, SourceError> {
        // What can be read only once stays open.
        let once = path.as_os_str() == "-" || path.metadata().is_ok_and(|about| !about.is_file());
        let (state, first, size) = if once {
            let mut source = FileSource::open(path, self.hashed)?.at(index);
            let first = source.head_time();
            (State::Open(Box::new(source)), first, None)
        } else {
            let (first, size) = FileSource::look(path)?;
            (State::Waiting, first, size)
        };
        self.size = self.size.zip(size).map(|(all, size)| all + size);
        // Without a frame there is nothing to wait for.
        self.waiting.push((first.unwrap_or(Timestamp(i64::MIN)), index));
        Ok(state)
    }

    /// See [`FileSource::of_reader`].
    ///
    /// # Errors
    /// When the reader fails, or the bytes are not a capture.
    pub fn of_reader(name: &str, reader: Box<dyn Read + Send>) -> Result<Sources, SourceError> {
        Ok(Sources::one(FileSource::of_reader(name, reader)?))
    }

    /// The next frames of the run; none at its end.
    pub fn fill(&mut self, chunk: &mut Chunk) {
        self.fill_until(Timestamp(i64::MAX), chunk);
    }

    /// The next frames of the run, up to a moment: for a replay. None where the next one comes
    /// later.
    pub fn fill_until(&mut self, until: Timestamp, chunk: &mut Chunk) {
        chunk.spots.clear();
        chunk.notes.clear();
        if self.segments.is_some() {
            self.follow_on(chunk);
        } else if let [State::Open(only)] = &mut self.states[..] {
            chunk.blocks.resize_with(1, Vec::new);
            only.take(chunk, 0, &mut self.seen, |time| time <= until);
            only.hand_over(&mut chunk.blocks[0]);
        } else {
            self.merge(until, chunk);
        }
    }

    /// The highest capture time among the frames taken.
    #[must_use]
    pub fn seen(&self) -> Timestamp {
        self.seen
    }

    /// When the next frame was captured; `None` at the end of the run.
    pub fn next_time(&mut self) -> Option<Timestamp> {
        if let [State::Open(only)] = &mut self.states[..] {
            return only.head_time();
        }
        if let Some(index) = self.hidden.take() {
            self.queue(index);
        }
        let index = self.first()?;
        let State::Open(source) = &mut self.states[index] else { return None };
        let time = source.head_time();
        self.queue(index);
        time
    }

    /// Whether more frames may come although there are none now.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        let open = matches!(self.states.last(), Some(State::Open(_)));
        self.segments.as_ref().is_some_and(|segments| open || !segments.is_finished())
    }

    /// What is known of each input so far.
    #[must_use]
    pub fn so_far(&self) -> Vec<Ending> {
        let so_far = |state: &State| match state {
            State::Done(ending) => Some((**ending).clone()),
            State::Open(source) => Some(source.so_far()),
            State::Waiting => None,
        };
        self.states.iter().filter_map(so_far).collect()
    }

    /// Takes from the last segment, and goes on to the next where that has ended.
    fn follow_on(&mut self, chunk: &mut Chunk) {
        chunk.blocks.resize_with(1, Vec::new);
        while chunk.is_empty() {
            if let Some(State::Open(source)) = self.states.last_mut() {
                let stop = source.take(chunk, 0, &mut self.seen, |_| true);
                source.hand_over(&mut chunk.blocks[0]);
                if stop != Stop::End {
                    return;
                }
                self.close(self.states.len() - 1);
            } else if !self.next_segment() {
                return;
            }
        }
    }

    /// Begins the next segment; false where there is none, or not yet.
    fn next_segment(&mut self) -> bool {
        let Some(segments) = &self.segments else { return false };
        let position = self.states.len();
        // Frame numbers have no room for more; what is left unread is told at the end.
        if position == SEGMENTS_MAX {
            segments.finished.set();
            return false;
        }
        let path = segments.at(position);
        let opened = segments.reader(position).map_err(|error| SourceError::open(&path, error));
        let grown = opened.and_then(|reader| match reader {
            Some(reader) => FileSource::grow(&path, reader),
            None => Ok(None),
        });
        let state = match grown {
            Ok(None) if segments.is_overwritten(position) => {
                let reason = "was overwritten before it could be read".to_owned();
                let damage = Damage { offset: 0, reason };
                let error = SourceError::NotACapture { path: path.clone(), damage };
                State::Done(Box::new(Ending::unread(&path, &error)))
            }
            Ok(None) => return false,
            Ok(Some(source)) => State::Open(Box::new(source.at(position))),
            Err(error) => State::Done(Box::new(Ending::unread(&path, &error))),
        };
        self.begun.push(position);
        self.states.push(state);
        true
    }

    fn merge(&mut self, until: Timestamp, chunk: &mut Chunk) {
        if let Some(index) = self.hidden.take() {
            self.queue(index);
        }
        // By input, the block of the chunk that gets its bytes.
        let mut blocks: BTreeMap<usize, u16> = BTreeMap::new();
        let mut ended = Vec::new();
        while chunk.spots.len() < CHUNK_FRAMES_MAX
            && let Some(index) = self.first()
        {
            let next = self.ready.peek().map(|&Reverse(turn)| turn);
            let next = [next, self.waiting.last().copied()].into_iter().flatten().min();
            let State::Open(source) = &mut self.states[index] else { continue };
            if source.head_time().is_some_and(|time| time > until) {
                self.queue(index);
                break;
            }
            let free = blocks.len() as u16;
            let block = *blocks.entry(index).or_insert(free);
            let is_wanted = |time| time <= until && next.is_none_or(|next| (time, index) < next);
            match source.take(chunk, block, &mut self.seen, is_wanted) {
                Stop::Unwanted => self.queue(index),
                Stop::End => ended.push(index),
                Stop::Full => {
                    self.hidden = Some(index);
                    break;
                }
            }
        }
        // Room that no file needs any more is given back.
        let open = self.ready.len() + usize::from(self.hidden.is_some());
        chunk.blocks.resize_with(blocks.len().max(chunk.blocks.len().min(open)), Vec::new);
        for (index, block) in blocks {
            if let State::Open(source) = &mut self.states[index] {
                source.hand_over(&mut chunk.blocks[usize::from(block)]);
            }
        }
        ended.into_iter().for_each(|index| self.close(index));
    }

    /// Takes the file out that has the next frame of the run, after it has begun those that are
    /// due before that.
    fn first(&mut self) -> Option<usize> {
        while let Some(&due) = self.waiting.last()
            && self.ready.peek().is_none_or(|&Reverse(first)| due < first)
        {
            self.waiting.pop();
            self.begin(due.1);
            self.queue(due.1);
        }
        self.ready.pop().map(|Reverse((_, index))| index)
    }

    fn begin(&mut self, index: usize) {
        self.begun.push(index);
        if let State::Waiting = self.states[index] {
            let path = &self.paths[index];
            self.states[index] = match FileSource::open(path, self.hashed) {
                Ok(source) => State::Open(Box::new(source.at(index))),
                Err(error) => State::Done(Box::new(Ending::unread(path, &error))),
            };
        }
    }

    /// Puts an open file in its place among the others, or closes it where it has ended.
    fn queue(&mut self, index: usize) {
        if let State::Open(source) = &mut self.states[index] {
            match source.head_time() {
                Some(time) => self.ready.push(Reverse((time, index))),
                None => self.close(index),
            }
        }
    }

    fn close(&mut self, index: usize) {
        let state = std::mem::replace(&mut self.states[index], State::Waiting);
        self.states[index] = match state {
            State::Open(source) => {
                self.read += source.progress().0;
                let mut ending = source.finish();
                ending.declared.keep_names(DECLARED_NAMES_MAX - self.names_kept);
                self.names_kept += ending.declared.names.len();
                State::Done(Box::new(ending))
            }
            other => other,
        };
    }

    /// Bytes read so far, and the size of all files where known: for a progress bar.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<u64>) {
        let open = self.states.iter().map(|state| match state {
            State::Open(source) => source.progress().0,
            State::Waiting | State::Done(_) => 0,
        });
        (self.read + open.sum::<u64>(), self.size)
    }

    /// Names that the files themselves give to addresses, in the order in which the files were
    /// begun.
    pub fn names(&self) -> impl Iterator<Item = &(IpAddr, Box<[u8]>)> {
        self.begun.iter().flat_map(|&index| match &self.states[index] {
            State::Open(source) => &source.declared().names[..],
            State::Done(ending) => &ending.declared.names[..],
            State::Waiting => &[],
        })
    }

    /// Ends the reading; one entry a file, in the order they were given.
    #[must_use]
    pub fn finish(mut self) -> Vec<Ending> {
        // Those whose turn never came are opened for what can be told of them.
        for (_, index) in std::mem::take(&mut self.waiting) {
            self.begin(index);
        }
        (0..self.states.len()).for_each(|index| self.close(index));
        let ending = |state| match state {
            State::Done(ending) => Some(*ending),
            State::Waiting | State::Open(_) => None,
        };
        self.states.into_iter().filter_map(ending).collect()
    }
}
