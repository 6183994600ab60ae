//! Reads on a thread of its own, ahead of who wants the bytes: for streams that cost more than
//! reading them, because they are unpacked or hashed. The blocks go to and fro between the two
//! threads, so that a stream that unpacks to a thousand times its size still costs these few.

use super::buffer::READ_BYTES;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io::{self, ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};

/// Blocks of [`READ_BYTES`] of one stream: one being filled, one being read, two between.
const BLOCKS_MAX: usize = 4;

enum Piece {
    /// A block, and how much of it is filled.
    Bytes(Vec<u8>, usize),
    End(io::Result<()>),
}

/// The end where the bytes come out. Dropping it ends the thread at its next block.
pub(super) struct Ahead {
    full: Receiver<Piece>,
    empty: Sender<Vec<u8>>,
    block: Vec<u8>,
    start: usize,
    end: usize,
    ending: Option<io::Result<()>>,
}

impl Ahead {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(reader: Box<dyn Read + Send>) -> io::Result<(Ahead, JoinHandle<()>)> {
        // Room for all blocks and the ending: only an empty block is ever waited for.
        let (filled, full) = bounded(BLOCKS_MAX + 1);
        let (empty, emptied) = bounded(BLOCKS_MAX);
        let thread = Builder::new().name("read-ahead".to_owned());
        let thread = thread.spawn(move || work(reader, &filled, &emptied))?;
        let ahead = Ahead { full, empty, block: Vec::new(), start: 0, end: 0, ending: None };
        Ok((ahead, thread))
    }

    /// Takes the next block; false at the end.
    fn advance(&mut self) -> bool {
        if self.ending.is_some() {
            return false;
        }
        if !self.block.is_empty() {
            // The thread may have ended; then nobody needs the block.
            drop(self.empty.send(std::mem::take(&mut self.block)));
        }
        match self.full.recv() {
            Ok(Piece::Bytes(block, length)) => {
                self.block = block;
                (self.start, self.end) = (0, length);
                return true;
            }
            Ok(Piece::End(ending)) => self.ending = Some(ending),
            Err(_) => self.ending = Some(Err(failed())),
        }
        false
    }
}

impl Read for Ahead {
    /// Fills the buffer up where the stream is long enough: a short rest of a block would make a
    /// short chunk of frames, at a place that depends on how fast the threads are.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < buffer.len() && (self.start < self.end || self.advance()) {
            let length = (buffer.len() - count).min(self.end - self.start);
            let piece = &self.block[self.start..self.start + length];
            buffer[count..count + length].copy_from_slice(piece);
            self.start += length;
            count += length;
        }
        match &mut self.ending {
            Some(ending) if count == 0 => std::mem::replace(ending, Ok(())).map(|()| 0),
            _ => Ok(count),
        }
    }
}

fn work(mut reader: Box<dyn Read + Send>, full: &Sender<Piece>, empty: &Receiver<Vec<u8>>) {
    let mut made = 0;
    loop {
        let block = match empty.try_recv() {
            Ok(block) => Some(block),
            Err(_) if made < BLOCKS_MAX => {
                made += 1;
                Some(vec![0; READ_BYTES])
            }
            Err(_) => empty.recv().ok(),
        };
        let Some(mut block) = block else { return };
        let (length, ending) = fill(&mut *reader, &mut block);
        if length > 0 && full.send(Piece::Bytes(block, length)).is_err() {
            return;
        }
        if let Some(ending) = ending {
            drop(full.send(Piece::End(ending)));
            return;
        }
    }
}

/// Reads until the block is full or the stream ends, then says how.
fn fill(reader: &mut dyn Read, block: &mut [u8]) -> (usize, Option<io::Result<()>>) {
    let mut length = 0;
    while length < block.len() {
        // A fault of a decompressor must not cost what it gave before. It is not asked again.
        let read = catch_unwind(AssertUnwindSafe(|| reader.read(&mut block[length..])));
        match read.unwrap_or_else(|_| Err(failed())) {
            Ok(0) => return (length, Some(Ok(()))),
            Ok(count) => length += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (length, Some(Err(error))),
        }
    }
    (length, None)
}

fn failed() -> io::Error {
    io::Error::other("the reading thread failed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Gives `left` bytes in pieces of odd length, then does what `then` says.
    struct Odd {
        left: usize,
        given: Arc<AtomicUsize>,
        then: fn() -> io::Result<usize>,
    }

    impl Read for Odd {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.left).min(7_777);
            if count == 0 {
                return (self.then)();
            }
            let given = self.given.fetch_add(count, Ordering::SeqCst);
            for (index, byte) in buffer[..count].iter_mut().enumerate() {
                *byte = ((given + index) % 251) as u8;
            }
            self.left -= count;
            Ok(count)
        }
    }

    fn odd(left: usize, then: fn() -> io::Result<usize>) -> (Box<Odd>, Arc<AtomicUsize>) {
        let given = Arc::new(AtomicUsize::new(0));
        (Box::new(Odd { left, given: given.clone(), then }), given)
    }

    const LENGTH: usize = 10 * READ_BYTES + 17;

    fn assert_all(bytes: &[u8]) {
        assert_eq!(bytes.len(), LENGTH);
        assert!(bytes.iter().enumerate().all(|(index, &byte)| byte == (index % 251) as u8));
    }

    #[test]
    fn gives_all_bytes_in_order_then_the_end() {
        let (mut ahead, thread) = Ahead::start(odd(LENGTH, || Ok(0)).0).unwrap();
        let mut bytes = Vec::new();
        ahead.read_to_end(&mut bytes).unwrap();
        assert_all(&bytes);
        assert_eq!(ahead.read(&mut [0; 9]).unwrap(), 0);
        thread.join().unwrap();
    }

    #[test]
    fn gives_what_precedes_an_error_or_a_panic() {
        let error = || Err(io::Error::other("cut"));
        let panic = || panic!("a fault of a decompressor, made by a test");
        for (then, says) in [(error as fn() -> io::Result<usize>, "cut"), (panic, "thread failed")]
        {
            let (mut ahead, _) = Ahead::start(odd(LENGTH, then).0).unwrap();
            let mut bytes = Vec::new();
            let failure = ahead.read_to_end(&mut bytes).unwrap_err();
            assert!(failure.to_string().contains(says), "{failure}");
            assert_all(&bytes);
        }
    }

    #[test]
    fn is_a_few_blocks_ahead_and_ends_when_nobody_wants_more() {
        let (endless, given) = odd(usize::MAX, || Ok(0));
        let (mut ahead, thread) = Ahead::start(endless).unwrap();
        ahead.read_exact(&mut [0; 10]).unwrap();
        drop(ahead);
        thread.join().unwrap();
        assert!(given.load(Ordering::SeqCst) <= BLOCKS_MAX * READ_BYTES);
    }
}
