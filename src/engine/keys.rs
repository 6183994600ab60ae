//! Only the front of the walk: which frame belongs to which flow, fragments included. For those who
//! know already which flows they want and need their frames.

use super::batch::Job;
use super::front::Front;
use crate::flow::FlowKey;
use crate::source::Sources;

/// Reads captures to their end and tells the number and the flow key of every frame that counts for
/// a flow. Frames of fragmented packets come when their packet is whole, or was given up.
pub fn keys(sources: &mut Sources, take: &mut dyn FnMut(u64, &FlowKey)) {
    let mut front = Front::new(1, false);
    let mut job = Job::default();
    loop {
        sources.fill(&mut job.common.chunk);
        if job.common.chunk.is_empty() {
            break;
        }
        front.decode(&mut job);
        tell(&job, take);
    }
    front.finish(&mut job);
    tell(&job, take);
}

fn tell(job: &Job, take: &mut dyn FnMut(u64, &FlowKey)) {
    for part in &job.parts {
        for item in &*part.items {
            take(item.brief.number, &item.brief.key);
        }
    }
}
