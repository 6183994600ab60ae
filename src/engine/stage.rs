//! Part of the engine's state that chunks pass in their order, whichever thread works on them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// See the module.
pub(super) struct Stage<T> {
    inner: Mutex<Inner<T>>,
    passed: Condvar,
}

struct Inner<T> {
    /// The chunk whose turn it is; `None` once a thread has failed.
    turn: Option<u64>,
    waiting: usize,
    state: T,
}

/// The turn of one chunk; it ends when this is dropped.
pub(super) struct Turn<'s, T> {
    inner: Option<MutexGuard<'s, Inner<T>>>,
    stage: &'s Stage<T>,
}

impl<T> Stage<T> {
    pub fn new(state: T) -> Stage<T> {
        Stage {
            inner: Mutex::new(Inner { turn: Some(0), waiting: 0, state }),
            passed: Condvar::new(),
        }
    }

    /// Waits until all chunks before this one have passed.
    ///
    /// # Panics
    /// When another thread has: its chunk would never pass.
    pub fn enter(&self, chunk: u64) -> Turn<'_, T> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        while inner.turn != Some(chunk) {
            assert!(inner.turn.is_some(), "another thread failed");
            inner.waiting += 1;
            inner = self.passed.wait(inner).unwrap_or_else(PoisonError::into_inner);
            inner.waiting -= 1;
        }
        Turn { inner: Some(inner), stage: self }
    }

    /// Lets no chunk pass any more.
    pub fn fail(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).turn = None;
        self.passed.notify_all();
    }

    pub fn get_mut(&mut self) -> &mut T {
        &mut self.inner.get_mut().unwrap_or_else(PoisonError::into_inner).state
    }

    pub fn into_inner(self) -> T {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner).state
    }
}

impl<T> Turn<'_, T> {
    pub fn state(&mut self) -> &mut T {
        &mut self.inner.as_mut().expect("held until dropped").state
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        let Some(mut inner) = self.inner.take() else { return };
        let next = inner.turn.map(|turn| turn + 1);
        inner.turn = if std::thread::panicking() { None } else { next };
        let waiting = inner.waiting > 0;
        drop(inner);
        if waiting {
            self.stage.passed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_pass_in_their_order() {
        let stage = Stage::new(Vec::new());
        std::thread::scope(|scope| {
            for first in (0..4).rev() {
                let stage = &stage;
                scope.spawn(move || {
                    for chunk in (first..100).step_by(4) {
                        stage.enter(chunk).state().push(chunk);
                    }
                });
            }
        });
        assert!(stage.into_inner().into_iter().eq(0..100));
    }

    #[test]
    fn nobody_waits_for_a_thread_that_failed() {
        let stage = Stage::new(());
        let waited = std::thread::scope(|scope| {
            let waiter = scope.spawn(|| drop(stage.enter(1)));
            stage.fail();
            waiter.join()
        });
        assert!(waited.is_err());
    }
}
