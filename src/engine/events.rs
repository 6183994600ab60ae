//! What the flow and protocol stages say about one chunk, kept until the ledger's turn: so that
//! the ledger hears it in the order of frames, whatever partition and thread it comes from.

use crate::attribution::Ledger;
use crate::attribution::geo::Geo;
use crate::attribution::ledger::{Endpoint, Sides};
use crate::attribution::record::{FlowRecord, Listener};
use crate::decode::Tunnels;
use crate::flow::{Cite, End, Flow, FlowId, FlowSink, Head, Segment, Side};
use crate::protocol::unknown::Look;
use crate::protocol::{Fact, Label, Method, Sessions, What};
use std::net::IpAddr;
use std::ops::Range;

/// Receives the record of each flow that ends.
pub type Records<'r> = dyn Listener + 'r;

/// See the module. Its memory is used again for the next chunk.
#[derive(Default)]
pub(super) struct Events {
    order: Vec<Event>,
    /// Of flows that said something, once for all that one segment says.
    heads: Vec<Head>,
    opened: Vec<Opened>,
    said: Vec<Said>,
    closed: Vec<Closed>,
    /// Those that closed, apart: they are large, and so copied here only once.
    flows: Vec<Flow>,
    values: Vec<u8>,
}

/// Kind and position of an event.
#[derive(Clone, Copy)]
enum Event {
    Opened(u32),
    Said(u32),
    Closed(u32),
}

struct Opened {
    flow: Head,
    /// Few flows have any.
    tunnels: Option<Box<Tunnels>>,
}

struct Said {
    /// Position of the flow's head.
    flow: u32,
    side: Side,
    cite: Cite,
    what: What,
    name: &'static str,
    value: Range<usize>,
    frame: u64,
}

struct Closed {
    label: Label,
    look: Option<Look>,
    end: End,
    frame: u64,
}

impl Events {
    /// Number of events so far.
    pub fn len(&self) -> u32 {
        self.order.len() as u32
    }

    pub fn clear(&mut self) {
        self.order.clear();
        self.heads.clear();
        self.opened.clear();
        self.said.clear();
        self.closed.clear();
        self.flows.clear();
        self.values.clear();
    }

    /// `head` is the position of the flow's head once that is kept.
    fn say(&mut self, flow: &Flow, head: &mut Option<u32>, segment: &Segment<'_>, fact: &Fact<'_>) {
        let Events { heads, .. } = self;
        let flow = *head.get_or_insert_with(|| {
            heads.push(flow.head());
            heads.len() as u32 - 1
        });
        let start = self.values.len();
        self.values.extend_from_slice(fact.value);
        self.order.push(Event::Said(self.said.len() as u32));
        self.said.push(Said {
            flow,
            side: segment.side,
            cite: segment.cite(),
            what: fact.what,
            name: fact.name,
            value: start..self.values.len(),
            frame: fact.frame,
        });
    }

    /// A flow ends. Inlined, so that it is copied once.
    #[inline(always)]
    pub fn ends(&mut self, flow: Flow, (label, look): (Label, Option<Look>), end: End, frame: u64) {
        self.order.push(Event::Closed(self.closed.len() as u32));
        self.closed.push(Closed { label, look, end, frame });
        self.flows.push(flow);
    }

    /// The sides of a flow that ends, and of one that begins where answers are looked up for it.
    #[inline]
    pub fn sides(&self, event: u32, ledger: &Ledger) -> Option<Sides> {
        match self.order[event as usize] {
            Event::Opened(at) => {
                ledger.knows_answers().then(|| ledger.sides(&self.opened[at as usize].flow))
            }
            Event::Closed(at) => Some(ledger.sides_of(&self.flows[at as usize])),
            Event::Said(_) => None,
        }
    }

    /// The flow that ends.
    pub fn ended(&self, event: u32) -> Option<&Flow> {
        match self.order[event as usize] {
            Event::Closed(at) => Some(&self.flows[at as usize]),
            Event::Opened(_) | Event::Said(_) => None,
        }
    }

    /// Whose answers for which address an event is about; `sides` are those of a flow that begins.
    pub fn about_answers(
        &self,
        event: u32,
        sides: Option<&Sides>,
        ledger: &Ledger,
    ) -> Option<(Endpoint, IpAddr)> {
        match self.order[event as usize] {
            Event::Opened(_) => sides.map(|sides| (sides.here(), sides.there().address)),
            Event::Said(at) => {
                let Said { flow, side, what, .. } = &self.said[at as usize];
                let What::Answer { address, .. } = *what else { return None };
                Some((ledger.endpoint(&self.heads[*flow as usize], side.other()), address))
            }
            Event::Closed(_) => None,
        }
    }

    /// Reads a little of what the ledger will need for a flow that begins; the sum means nothing.
    pub fn glance(&self, event: u32, ledger: &Ledger) -> u64 {
        match self.order[event as usize] {
            Event::Opened(at) => ledger.glance_at_ends(&self.opened[at as usize].flow),
            Event::Closed(_) | Event::Said(_) => 0,
        }
    }

    /// By what the row of a flow that ends is looked for, out of what [`Ledger::glance_at_notes`] has
    /// brought near.
    pub fn hash_of_row(&self, event: u32, sides: &Sides, ledger: &Ledger) -> Option<u64> {
        match self.order[event as usize] {
            Event::Closed(at) => Some(ledger.hash_of_row(&self.flows[at as usize], sides)),
            Event::Opened(_) | Event::Said(_) => None,
        }
    }

    /// Tells the ledger one event; `sides` are those of a flow that begins or ends, where they are known.
    pub fn tell(
        &self,
        event: u32,
        sides: Option<Sides>,
        ledger: &mut Ledger,
        geo: &Geo,
        records: &mut Option<&mut Records<'_>>,
    ) {
        match self.order[event as usize] {
            Event::Opened(at) => {
                let opened = &self.opened[at as usize];
                let sides = sides.unwrap_or_else(|| ledger.sides(&opened.flow));
                ledger.opened(&opened.flow, &sides, opened.tunnels.as_deref());
            }
            Event::Said(at) => {
                let said = &self.said[at as usize];
                let Said { what, name, frame, .. } = *said;
                let flow = &self.heads[said.flow as usize];
                let value = &self.values[said.value.clone()];
                let fact = Fact { what, name, value, frame };
                if let Some(records) = records {
                    records.said(flow, said.side, said.cite, &fact);
                }
                ledger.fact(flow, said.side, said.cite, &fact);
            }
            Event::Closed(at) => {
                let Closed { label, look, end, frame } = &self.closed[at as usize];
                let flow = &self.flows[at as usize];
                let label = ledger.settled(flow, *label);
                let unknown = matches!(label.method, Method::Port | Method::None);
                let look = look.as_ref().filter(|_| unknown);
                if let Some(records) = records
                    && records.wants()
                {
                    let label = (label, look);
                    records.ended(FlowRecord::of(flow, label, *end, *frame, ledger, geo));
                }
                let sides = sides.unwrap_or_else(|| ledger.sides_of(flow));
                let placed = ledger.closed(flow, &sides, label, look.map(|look| look.class));
                if let (Some(records), Some((row, marks))) = (records, placed) {
                    records.placed(flow, row, marks);
                }
            }
        }
    }
}

/// Joins the flow stage to the protocol stage, and both to the events.
pub(super) struct Join<'a> {
    pub sessions: &'a mut Sessions,
    pub events: &'a mut Events,
    /// Whether payload is read and the ledger told.
    pub dissect: bool,
}

impl FlowSink for Join<'_> {
    fn opened(&mut self, id: FlowId, flow: &Flow) {
        if !self.dissect {
            return;
        }
        self.sessions.opened(id);
        let Events { order, opened, .. } = &mut *self.events;
        order.push(Event::Opened(opened.len() as u32));
        let tunnels = flow.tunnels().map(|tunnels| Box::new(*tunnels));
        opened.push(Opened { flow: flow.head(), tunnels });
    }

    fn segment(&mut self, id: FlowId, flow: &Flow, segment: &Segment<'_>) -> bool {
        if !self.dissect {
            return false;
        }
        let (events, mut head) = (&mut *self.events, None);
        let mut say =
            |segment: &Segment<'_>, fact: Fact<'_>| events.say(flow, &mut head, segment, &fact);
        self.sessions.segment(id, flow, segment, &mut say)
    }

    fn closed(&mut self, id: FlowId, flow: Flow, end: End, frame: u64) {
        if !self.dissect {
            return;
        }
        let (events, mut head) = (&mut *self.events, None);
        let mut say =
            |segment: &Segment<'_>, fact: Fact<'_>| events.say(&flow, &mut head, segment, &fact);
        let said = self.sessions.closed(id, &flow, end, &mut say);
        events.ends(flow, said, end, frame);
    }
}
