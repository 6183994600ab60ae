//! Which protocol carried how much in which phase. Packets are counted by phase while they pass,
//! but what a flow speaks is known only when it has ended, so here a flow counts where it began.

use super::profile::protocol;
use crate::attribution::record::{FlowRecord, Listener};
use crate::attribution::world::{Zone, zone};
use crate::base::time::Timestamp;
use std::collections::BTreeMap;

/// Different moments, devices and protocols that are kept.
const KEPT_MAX: usize = 262_144;

/// Payload with the internet, each byte once, by the moment at which flows began.
#[derive(Default)]
pub struct PhasedFlows {
    kept: BTreeMap<(Timestamp, String, String), [u64; 2]>,
    /// Flows that there was no room for.
    lost: u64,
}

impl Listener for PhasedFlows {
    fn ended(&mut self, record: FlowRecord) {
        if record.destination.is_none() {
            return;
        }
        let inbound = zone(record.src) == Zone::Internet;
        let mut bytes = record.delivered_bytes;
        if inbound {
            bytes.swap(0, 1);
        }
        // As flows do: the responder's, else the lower one.
        let port = match (record.initiator_known, record.src_port, record.dst_port) {
            (false, Some(source), Some(destination)) => Some(source.min(destination)),
            _ => record.dst_port,
        };
        let label = &record.label;
        let name = protocol(&record.proto, port, label.method, label.protocol);
        let key = (record.first, record.device, name);
        if self.kept.len() >= KEPT_MAX && !self.kept.contains_key(&key) {
            self.lost += 1;
            return;
        }
        let sum = self.kept.entry(key).or_default();
        (0..2).for_each(|way| sum[way] += bytes[way]);
    }
}

impl PhasedFlows {
    /// Device, protocol, and payload sent and received of flows that began from one moment on until
    /// before another.
    pub fn between(
        &self,
        began: Timestamp,
        until: Option<Timestamp>,
    ) -> impl Iterator<Item = (&str, &str, [u64; 2])> {
        let from = self.kept.range((began, String::new(), String::new())..);
        from.take_while(move |((first, ..), _)| until.is_none_or(|until| *first < until))
            .map(|((_, device, name), bytes)| (&**device, &**name, *bytes))
    }

    /// Whether flows were left out for lack of room.
    #[must_use]
    pub fn lossy(&self) -> bool {
        self.lost > 0
    }
}
