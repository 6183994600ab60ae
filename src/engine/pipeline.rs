//! The stages side by side: one thread reads and decodes, each worker has one, and from three
//! threads on the teller too; of two, the first also tells. Flow records stay near the processor
//! that works on them, which is why threads own partitions instead of taking turns at chunks: that
//! was measured to be slower than one thread alone (see `docs/performance.md`).

use super::batch::{Common, Job, Part};
use super::front::Front;
use super::teller::Teller;
use super::worker::Worker;
use super::{Engine, Tick};
use crate::source::Sources;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use std::sync::Arc;

/// Jobs that may wait before each thread: enough that none runs dry while another is held up for a
/// moment, few enough that what they hold stays within a few MiB.
const JOBS_WAITING: usize = 4;
/// The same before each of three threads and more, which have a queue on either side of every worker.
const SHARES_WAITING: usize = 2;

/// One worker's share of a job.
struct Share {
    common: Arc<Common>,
    part: Part,
}

impl Engine<'_> {
    /// With two threads: the one that reads and decodes also tells, since what lies between is about
    /// half of the work. This thread keeps the flows, because it is the one that needs room once they
    /// have ended: memory that another thread has freed would not be used again.
    pub(super) fn read_in_two(&mut self, sources: &mut Sources, tick: &mut Tick<'_>) {
        let Engine { front, workers, teller, .. } = self;
        let (to, from) = bounded::<Job>(JOBS_WAITING);
        let (onward, worked) = unbounded::<Job>();
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let mut free = Vec::new();
                let mut tell = |job: Job| {
                    teller.tell(&job.common, &job.parts);
                    job
                };
                'reading: loop {
                    free.extend(worked.try_iter().map(&mut tell));
                    // Jobs are made as long as none is free; the channel bounds how many.
                    let job = free.pop().unwrap_or_default();
                    let Some(job) = decoded(job, front, sources, tick) else { break };
                    let mut unsent = Some(job);
                    while let Some(job) = unsent.take() {
                        match to.try_send(job) {
                            Ok(()) => {}
                            Err(TrySendError::Full(job)) => {
                                unsent = Some(job);
                                let Ok(told) = worked.recv() else { break 'reading };
                                free.push(tell(told));
                            }
                            Err(TrySendError::Disconnected(_)) => break 'reading,
                        }
                    }
                }
                drop(to);
                worked.iter().map(tell).for_each(drop);
            });
            for mut job in from {
                for (worker, part) in workers.iter_mut().zip(&mut job.parts) {
                    worker.take(&job.common, part);
                }
                if onward.send(job).is_err() {
                    break;
                }
            }
            drop(onward);
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        });
    }

    /// With three threads or more. This thread keeps the flows of the first worker, for the reason that
    /// it keeps all of them where there are two.
    pub(super) fn read_in_many(&mut self, sources: &mut Sources, tick: &mut Tick<'_>) {
        let Engine { front, workers, teller, .. } = self;
        let (done, again) = unbounded();
        let (mut inputs, mut outputs, mut stages) = (Vec::new(), Vec::new(), Vec::new());
        for worker in workers {
            let (to, from) = bounded::<Share>(SHARES_WAITING);
            let (onward, told) = bounded::<Share>(SHARES_WAITING);
            inputs.push(to);
            outputs.push(told);
            stages.push(move || work(worker, from, &onward));
        }
        let mut stages = stages.into_iter();
        let first = stages.next();
        std::thread::scope(|scope| {
            let mut threads: Vec<_> = stages.map(|stage| scope.spawn(stage)).collect();
            threads.push(scope.spawn(move || tell(&outputs, teller, &done)));
            threads.push(scope.spawn(move || feed(front, sources, tick, &inputs, &again)));
            first.into_iter().for_each(|work| work());
            for thread in threads {
                if let Err(panic) = thread.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        });
    }
}

/// Fills a job with the next frames and decodes them; nothing where there are no more.
fn decoded(
    mut job: Job,
    front: &mut Front,
    sources: &mut Sources,
    tick: &mut Tick<'_>,
) -> Option<Job> {
    sources.fill(&mut job.common.chunk);
    if job.common.chunk.is_empty() {
        return None;
    }
    tick(sources);
    front.decode(&mut job);
    Some(job)
}

/// Reads and decodes, and gives every worker its share of each job.
fn feed(
    front: &mut Front,
    sources: &mut Sources,
    tick: &mut Tick<'_>,
    inputs: &[Sender<Share>],
    again: &Receiver<Job>,
) {
    // Jobs are made as long as none is free; the channels bound how many.
    let job = || again.try_recv().unwrap_or_default();
    while let Some(job) = decoded(job(), front, sources, tick) {
        let common = Arc::new(job.common);
        let shares = job.parts.into_iter().map(|part| Share { common: common.clone(), part });
        if !inputs.iter().zip(shares).all(|(to, share)| to.send(share).is_ok()) {
            return;
        }
    }
}

/// Takes a worker's shares through its partitions.
fn work(worker: &mut Worker, from: Receiver<Share>, onward: &Sender<Share>) {
    for mut share in from {
        worker.take(&share.common, &mut share.part);
        if onward.send(share).is_err() {
            return;
        }
    }
}

/// Tells jobs whose shares all workers are done with.
fn tell(outputs: &[Receiver<Share>], teller: &mut Teller<'_>, done: &Sender<Job>) {
    loop {
        // Every worker gets a share of every job, and hands them on in their order.
        let shares: Vec<Share> = outputs.iter().map_while(|output| output.recv().ok()).collect();
        if shares.len() < outputs.len() {
            return;
        }
        let mut common = None;
        let mut parts = Vec::new();
        for share in shares {
            common = Some(share.common);
            parts.push(share.part);
        }
        let Some(common) = common else { return };
        teller.tell(&common, &parts);
        give_back(common, parts, done);
    }
}

/// Gives a job's memory back to the front, which may have ended already.
fn give_back(common: Arc<Common>, parts: Vec<Part>, done: &Sender<Job>) {
    if let Ok(common) = Arc::try_unwrap(common) {
        let _ = done.send(Job { common, parts });
    }
}
