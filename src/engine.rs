//! The loop that joins the stages.

mod fragmented;

use crate::attribution::Ledger;
use crate::attribution::geo::Geo;
use crate::attribution::record::FlowRecord;
use crate::base::time::Timestamp;
use crate::decode::fragments::{FragmentLosses, Fragments, Part};
use crate::decode::{Body, FrameLedger, Ip, Packet, decode};
use crate::flow::distribution::Distributions;
use crate::flow::{self, End, Flow, FlowId, FlowSink, FlowTable, Segment, key};
use crate::protocol::{Fact, Sessions};
use crate::source::{Chunk, Frame, Sources};

/// Work is split into this many parts by the addresses of packets, whatever the number of
/// threads, so that bounds and output do not depend on it.
pub const PARTITIONS: usize = 64;
/// Most live flows, all partitions together.
pub const FLOWS_MAX: usize = 1 << 20;

struct Partition {
    flows: FlowTable,
    sessions: Sessions,
}

/// Everything that one run has learnt.
pub struct Engine {
    partitions: Vec<Partition>,
    /// Who talked to whom.
    pub ledger: Ledger,
    /// What became of every frame.
    pub frames: FrameLedger,
    /// Fragments that wait for others, of all partitions: which one they belong to is known
    /// only when they are whole.
    fragments: Fragments,
    now: Timestamp,
}

/// Receives the record of each flow that ends.
pub type Records<'r> = dyn FnMut(FlowRecord) + 'r;

/// Joins the flow stage to the protocol and attribution stages.
struct Join<'a, 'r> {
    sessions: &'a mut Sessions,
    ledger: &'a mut Ledger,
    geo: &'a Geo,
    records: &'a mut Option<&'r mut Records<'r>>,
}

impl FlowSink for Join<'_, '_> {
    fn opened(&mut self, id: FlowId, flow: &Flow) {
        self.sessions.opened(id);
        self.ledger.opened(flow);
    }

    fn segment(&mut self, id: FlowId, flow: &Flow, segment: &Segment<'_>) -> bool {
        let ledger = &mut *self.ledger;
        let mut say = |segment: &Segment<'_>, fact: Fact<'_>| ledger.fact(flow, segment, &fact);
        self.sessions.segment(id, flow, segment, &mut say)
    }

    fn closed(&mut self, id: FlowId, flow: &Flow, end: End, frame: u64) {
        let ledger = &mut *self.ledger;
        let mut say = |segment: &Segment<'_>, fact: Fact<'_>| ledger.fact(flow, segment, &fact);
        let label = self.sessions.closed(id, flow, end, &mut say);
        if let Some(records) = self.records {
            records(FlowRecord::of(flow, label, end, frame, self.ledger, self.geo));
        }
        self.ledger.closed(flow, label);
    }
}

impl Engine {
    /// An engine that keeps at most `flows_max` flows alive.
    #[must_use]
    pub fn new(flows_max: usize) -> Engine {
        let partition = || Partition {
            flows: FlowTable::new(flows_max / PARTITIONS),
            sessions: Sessions::default(),
        };
        Engine {
            partitions: std::iter::repeat_with(partition).take(PARTITIONS).collect(),
            ledger: Ledger::default(),
            frames: FrameLedger::default(),
            fragments: Fragments::default(),
            now: Timestamp(i64::MIN),
        }
    }

    /// Reads captures to their end. `tick` is called now and then, for a progress bar.
    pub fn read<'r>(
        &mut self,
        sources: &mut Sources,
        geo: &Geo,
        mut records: Option<&'r mut Records<'r>>,
        tick: &mut dyn FnMut(&Sources),
    ) {
        let mut chunk = Chunk::default();
        let mut behind = 1;
        loop {
            sources.fill(&mut chunk);
            if chunk.is_empty() {
                break;
            }
            for index in 0..chunk.len() {
                let frame = chunk.frame(index);
                self.frame(&frame, geo, &mut records);
                behind = frame.number + 1;
            }
            tick(sources);
        }
        while let Some(released) = self.fragments.oldest() {
            self.released(&released, geo, &mut records);
        }
        for named in sources.names() {
            self.ledger.declare(std::slice::from_ref(named));
        }
        for Partition { flows, sessions } in &mut self.partitions {
            let ledger = &mut self.ledger;
            flows.finish(behind, &mut Join { sessions, ledger, geo, records: &mut records });
        }
    }

    /// Walks one frame through all stages.
    #[inline]
    pub fn frame<'r>(
        &mut self,
        frame: &Frame<'_>,
        geo: &Geo,
        records: &mut Option<&'r mut Records<'r>>,
    ) {
        let packet = decode(frame);
        self.now = self.now.max(frame.time);
        self.frames.count(frame, &packet);
        while let Some(released) = self.fragments.expired(self.now) {
            self.released(&released, geo, records);
        }
        match &packet.body {
            Body::Ip(ip) if ip.fragment => {
                let part = Part::of(frame, ip, self.now);
                self.fragment(frame, &packet, ip, &[part], geo, records);
            }
            Body::Ip(ip) => self.flow(frame, &packet, ip, geo, records),
            body => self.no_flow(body, &packet, frame.time),
        }
    }

    #[inline]
    fn flow<'r>(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        geo: &Geo,
        records: &mut Option<&'r mut Records<'r>>,
    ) {
        let number = key::partition(ip, PARTITIONS);
        let Partition { flows, sessions } = &mut self.partitions[number];
        let ledger = &mut self.ledger;
        let mut join = Join { sessions, ledger, geo, records };
        flows.packet(frame, packet, ip, self.now, &mut join);
    }

    fn no_flow(&mut self, body: &Body<'_>, packet: &Packet<'_>, time: Timestamp) {
        match body {
            Body::Arp(arp) => self.ledger.arp(arp.sender_mac, arp.sender.into(), time),
            Body::Other(_) => self.ledger.sighted(packet.source_mac),
            Body::Ip(_) | Body::Refused(_) => {}
        }
    }

    /// Distributions over all partitions.
    #[must_use]
    pub fn distributions(&self) -> Distributions {
        let mut all = Distributions::default();
        self.partitions.iter().for_each(|partition| all.merge(&partition.flows.distributions));
        all
    }

    /// What the bounds of the flow tables cost, and faults of dissectors that were caught.
    #[must_use]
    pub fn flow_losses(&self) -> (flow::Losses, u64) {
        let mut losses = flow::Losses::default();
        let mut faults = 0;
        for partition in &self.partitions {
            losses.flows_evicted += partition.flows.losses.flows_evicted;
            faults += partition.sessions.faults;
        }
        (losses, faults)
    }

    /// Datagrams whose fragments were given up.
    #[must_use]
    pub fn fragment_losses(&self) -> FragmentLosses {
        self.fragments.losses
    }

    /// Flows begun.
    #[must_use]
    pub fn flows_created(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.flows.created).sum()
    }
}
