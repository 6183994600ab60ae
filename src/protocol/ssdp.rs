//! Not recognised yet.

use super::{Content, Dissector, Fact, Next, Prefix, Probe, Session};
use crate::flow::{Flow, Segment};

/// Placeholder.
pub struct Ssdp;

impl Dissector for Ssdp {
    fn name(&self) -> &'static str {
        "ssdp"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn probe(&self, _: &Flow, _: &Prefix<'_>) -> Probe {
        Probe::No
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Nothing)
    }
}

struct Nothing;

impl Session for Nothing {
    fn feed(&mut self, _: &Segment<'_>, _: &mut dyn FnMut(Fact<'_>)) -> Next {
        Next::Done
    }
}
