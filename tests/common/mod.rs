//! What several tests share.

#![allow(dead_code, reason = "every test uses a part of it")]

#[cfg(unix)]
pub mod browser;
pub mod conversation;
pub mod folder;
pub mod generated;
pub mod known;
pub mod needs;
#[cfg(target_os = "linux")]
pub mod network;
pub mod places;
pub mod program;
#[cfg(all(target_os = "linux", feature = "live"))]
pub mod recording;
pub mod truth;
pub mod tshark;
#[cfg(target_os = "linux")]
pub mod usage;
pub mod walk;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` on every item, two at a time; results come in the order of the items.
pub fn two_at_a_time<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            let result = work(item);
            results.lock().unwrap().push((index, result));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(worker);
        worker();
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Fails with all complaints at once; one alone would hide the others.
pub fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
