//! The way of IP fragments through the engine: held until their datagram is whole, then counted
//! as frames of its flow; what never gets whole is a flow of fragments between its addresses.

use super::{Engine, Join, PARTITIONS, Partition, Records};
use crate::attribution::geo::Geo;
use crate::decode::fragments::{Part, Released, Taken, payload_length};
use crate::decode::{Body, Ip, Packet, Transport};
use crate::flow::key;
use crate::source::Frame;

impl Engine {
    /// Takes a fragment that came in `parts`, the last of which is `frame`.
    pub(super) fn fragment<'r>(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        parts: &[Part],
        geo: &Geo,
        records: &mut Option<&'r mut Records<'r>>,
    ) {
        let mut given_up = Vec::new();
        let mut release = |released| given_up.push(released);
        let taken = self.fragments.take(packet, ip, parts, &mut release);
        for released in &given_up {
            self.released(released, geo, records);
        }
        match taken {
            Taken::Held => {}
            Taken::Unusable => {
                let mut ip = *ip;
                let payload_length = payload_length(&ip);
                ip.transport = Transport::None { payload_length };
                self.parts(parts, packet, &ip, geo, records);
            }
            Taken::Whole(whole, mut parts) => {
                let packet = whole.packet(&mut parts);
                self.frames.completed(parts.len() as u64, &packet);
                match &packet.body {
                    Body::Ip(ip) if ip.fragment => {
                        self.fragment(frame, &packet, ip, &parts, geo, records);
                    }
                    Body::Ip(ip) => {
                        let earlier = parts.len().saturating_sub(1);
                        self.parts(&parts[..earlier], &packet, ip, geo, records);
                        self.flow(frame, &packet, ip, geo, records);
                    }
                    body => self.no_flow(body, &packet, frame.time),
                }
            }
        }
    }

    /// Counts what was given up as packets of flows without ports.
    pub(super) fn released<'r>(
        &mut self,
        released: &Released,
        geo: &Geo,
        records: &mut Option<&'r mut Records<'r>>,
    ) {
        for part in &released.parts {
            if let Some(ip) = released.ip(part) {
                self.parts(&[*part], &released.packet, &ip, geo, records);
            }
        }
    }

    /// Counts frames of a flow, without what they carry.
    fn parts<'r>(
        &mut self,
        parts: &[Part],
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        geo: &Geo,
        records: &mut Option<&'r mut Records<'r>>,
    ) {
        let number = key::partition(ip, PARTITIONS);
        let Partition { flows, sessions } = &mut self.partitions[number];
        let ledger = &mut self.ledger;
        let mut join = Join { sessions, ledger, geo, records };
        for part in parts {
            flows.part(part, packet, ip, self.now, &mut join);
        }
    }
}
