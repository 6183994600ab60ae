//! A row: all flows of one local end with one remote under one name, for one service.

use super::mark::{Evidence, MARKS, Mark};
use super::named::{NameSource, Named};
use super::shown::{SHOWN_MAX, Shown};
use super::traffic::Traffic;
use super::{Endpoint, Ledger};
use crate::attribution::names::NameId;
use crate::attribution::pace::Paced;
use crate::base::address::{Scope, scope};
use crate::base::frame;
use crate::base::time::Timestamp;
use crate::flow::{self, Cite, Flow, Sent, Side};
use crate::protocol::{Content, Label, Method};

/// Payload from which on a flow that mostly sends is an upload, bytes: half a minute of the least
/// that moving pictures take, 128 kbit/s.
const UPLOAD_BYTES_MIN: u64 = 480_000;

/// Most pieces of evidence kept of one kind in one row.
pub const EVIDENCE_MAX: usize = 64;

/// What a row adds up.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowKey {
    pub(super) local: Endpoint,
    pub(super) remote: Endpoint,
    pub(super) name: Option<(NameId, NameSource)>,
    pub(super) protocol: u8,
    pub(super) port: Option<u16>,
    pub(super) label: &'static str,
    pub(super) method: Method,
    pub(super) content: Content,
}

impl RowKey {
    /// Whether it is what makes a row.
    #[inline]
    pub(super) fn is_of(&self, row: &Row) -> bool {
        self.remote == row.remote
            && self.local == row.local
            && self.port == row.port
            && self.protocol == row.protocol
            && self.name == row.name.map(|named| (named.name, named.source))
            && self.method == row.label.method
            && self.content == row.label.content
            && self.label == row.label.protocol
    }
}

/// All flows of one local end with one remote under one name, for one service. What every flow
/// touches comes first, in lines of memory of its own (`repr(C)`): a table of many rows is in no cache.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Row {
    /// The end on the test network.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
    /// Protocol label; its frame is that of the first flow.
    pub label: Label,
    /// The best name, as the flows of the row have it.
    pub name: Option<Named>,
    /// Port of the service.
    pub port: Option<u16>,
    /// Kinds of evidence in its flows, kept or not, as bits of [`Mark`].
    pub marks: u32,
    /// IANA protocol number.
    pub protocol: u8,
    /// What flows of unknown content look like, as bits of [`crate::protocol::unknown::Class`].
    pub classes: u8,
    /// Whether the local end began any of the flows.
    pub begun_here: bool,
    /// Whether the remote end began any of the flows.
    pub begun_there: bool,
    /// Of the local and the remote end: it has sent with a hop limit that no router counted down, and
    /// that is noted.
    pub(super) whole_hops: [bool; 2],
    /// Whether any flow has fragments.
    pub fragments: bool,
    /// Whether any flow is carried in a tunnel.
    pub tunnelled: bool,
    /// What the local end sent, and what it received.
    pub totals: [Sent; 2],
    /// Number of flows.
    pub flows: u64,
    /// Flows of which only one direction was seen.
    pub one_sided: u64,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// First and last frame.
    pub frames: [u64; 2],
    /// The single flows, in the order in which they ended.
    pub flow_refs: Vec<FlowRef>,
    /// By input, where there are several.
    shares: Vec<Share>,
    /// Flows not remembered singly because of the bound.
    pub flow_refs_lost: u64,
    /// Flows in which data was acknowledged that the capture does not hold.
    pub acknowledged_unseen: u64,
    /// Smallest handshake round trip between the tap and the remote, nanoseconds.
    pub round_trip: Option<i64>,
    /// A different name that DNS gave the device for the address.
    pub disagrees: Option<(NameId, Cite)>,
    /// Payload bytes that must exist but were not captured, sent and received.
    pub missed: [u64; 2],
    /// Frames seen a second time on a mirror port: packets, and bytes on the wire.
    pub duplicates: [u64; 2],
    /// Flows that stay open and in which messages keep a pace.
    pub paced: Option<Box<Vec<Paced>>>,
    /// What its ends said of themselves.
    pub shown: Vec<Shown>,
    /// What else was seen.
    pub evidence: Vec<Evidence>,
    /// Evidence not kept because of the bound.
    pub evidence_lost: u64,
    /// Pieces of evidence by the bit of their mark.
    evidence_kept: [u8; MARKS],
}

// Five lines that each flow touches, and three more.
const _: () = assert!(std::mem::offset_of!(Row, round_trip) == 5 * 64 && size_of::<Row>() == 512);

/// One flow of a row, as far as one input holds it.
#[derive(Debug, Clone)]
pub struct FlowRef {
    /// The first frame.
    pub cite: Cite,
    /// Number of the last frame.
    pub last_frame: u64,
    /// The flow began in another input.
    pub continues: bool,
    /// Port of the local and of the remote end.
    pub ports: Option<[u16; 2]>,
    /// Partly made of fragments.
    pub fragments: bool,
    /// Kinds of evidence in it, as bits of [`Mark`].
    pub marks: u32,
    /// Where its counts are, see [`Ledger::counts_of`]: the position, and one more.
    marked: u32,
}

/// The counts of a single flow.
#[derive(Debug, Clone, Copy)]
pub struct Marked {
    /// Time of the last packet.
    pub last: Timestamp,
    /// What the local end sent, and what it received.
    pub traffic: Traffic,
}

/// What one input holds of a row.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Position of the input.
    pub input: usize,
    /// What the local end sent, and what it received.
    pub traffic: Traffic,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
}

impl Ledger {
    /// What a flow counts, where it bears marks and so may be counted alone.
    #[must_use]
    pub fn counts_of(&self, flow: &FlowRef) -> Option<&Marked> {
        self.marked.get(flow.marked.checked_sub(1)? as usize)
    }

    /// Whether there is no room for another row, so that its flows are in no contact.
    pub(in crate::attribution) fn is_full(&self) -> bool {
        self.rows.len() >= self.rows_max.0
    }
}

impl Row {
    pub(super) fn new(key: &RowKey, name: Option<Named>, label: Label, flow: &Flow) -> Row {
        Row {
            local: key.local,
            remote: key.remote,
            name,
            disagrees: None,
            protocol: key.protocol,
            port: key.port,
            label,
            begun_here: false,
            begun_there: false,
            totals: [Sent::default(); 2],
            missed: [0; 2],
            duplicates: [0; 2],
            flows: 0,
            one_sided: 0,
            acknowledged_unseen: 0,
            first: flow.first,
            last: flow.last,
            frames: [flow.first_frame, flow.last_frame()],
            round_trip: None,
            flow_refs: Vec::new(),
            whole_hops: [false; 2],
            shares: Vec::new(),
            marks: 0,
            classes: 0,
            flow_refs_lost: 0,
            fragments: false,
            tunnelled: false,
            paced: None,
            shown: Vec::new(),
            evidence: Vec::new(),
            evidence_kept: [0; MARKS],
            evidence_lost: 0,
        }
    }

    /// Adds a flow, with what it proves and whether a hello in it names no server; returns how many
    /// of its shares, at most `room`, are remembered singly, and its marks. Counts of marked flows are
    /// added to `counts`.
    pub(super) fn add(
        &mut self,
        flow: &Flow,
        local: Side,
        (evidence, without_name): (&mut Vec<Evidence>, bool),
        paced: Option<Paced>,
        (room, counts): (usize, &mut Vec<Marked>),
    ) -> (usize, u32) {
        let remote = local.other();
        let totals = [flow.sent(local), flow.sent(remote)];
        let shares = &*flow.shares();
        self.add_shares(shares, local);
        for (sum, sent) in self.totals.iter_mut().zip(totals) {
            add(sum, &sent);
        }
        for (way, side) in [local, remote].into_iter().enumerate() {
            let missed = flow.missed_bytes(side);
            if missed > 0 {
                self.missed[way] += missed;
            }
            let [packets, bytes] = flow.duplicates(side);
            if packets > 0 {
                self.duplicates[0] += packets;
                self.duplicates[1] += bytes;
            }
        }
        self.flows += 1;
        self.one_sided += u64::from(totals.iter().any(|sent| sent.packets == 0));
        self.acknowledged_unseen +=
            u64::from(flow.acknowledged_unseen(local) || flow.acknowledged_unseen(remote));
        self.begun_here |= flow.initiator_known && flow.initiator == local;
        self.begun_there |= flow.initiator_known && flow.initiator == remote;
        let [first, last] = self.frames;
        self.frames = [
            frame::earlier((first, self.first), (flow.first_frame, flow.first)),
            frame::later((last, self.last), (flow.last_frame(), flow.last)),
        ];
        self.first = self.first.min(flow.first);
        self.last = self.last.max(flow.last);
        self.fragments |= flow.has_fragments();
        self.tunnelled |= flow.tunnels().is_some();
        if let Some(measured) = flow.round_trip(remote) {
            self.round_trip = Some(self.round_trip.map_or(measured, |known| known.min(measured)));
        }
        let mut marks = evidence.iter().fold(0, |bits, evidence| bits | evidence.mark as u32);
        if self.is_on_internet() && is_inbound(flow, local) {
            marks |= Mark::Inbound as u32;
        }
        if let Some(paced) = paced {
            marks |= Mark::Paced as u32;
            self.paced.get_or_insert_default().push(paced);
        }
        if flow.knocks_by_address(local) {
            marks |= Mark::Bot as u32;
        }
        if is_upload(totals) {
            marks |= Mark::Upload as u32;
        }
        if without_name {
            marks |= Mark::NoServerName as u32;
        }
        self.marks |= marks;
        for evidence in evidence.drain(..) {
            let kept = &mut self.evidence_kept[(evidence.mark as u32).trailing_zeros() as usize];
            if usize::from(*kept) < EVIDENCE_MAX {
                *kept += 1;
                self.evidence.push(evidence);
            } else {
                self.evidence_lost += 1;
            }
        }
        if shares.len() > room {
            self.flow_refs_lost += 1;
            return (0, marks);
        }
        // Most rows have one flow; the growth of a vector would keep room for four.
        if self.flow_refs.is_empty() {
            self.flow_refs.reserve_exact(shares.len());
        }
        let ports = flow.key.port(local).zip(flow.key.port(remote)).map(|(l, r)| [l, r]);
        for share in shares {
            let mut marked = 0;
            if marks != 0 {
                let traffic = Traffic::of_share(share, local);
                counts.push(Marked { last: share.last, traffic });
                // There are no more than flows remembered singly.
                marked = counts.len() as u32;
            }
            self.flow_refs.push(FlowRef {
                cite: share.cite,
                last_frame: share.last_frame,
                continues: share.cite.frame != flow.first_frame,
                ports,
                fragments: flow.has_fragments(),
                marks,
                marked,
            });
        }
        (shares.len(), marks)
    }

    /// Reads a little of what evidence is added to; the number means nothing.
    #[inline]
    pub(super) fn evidence_room(&self) -> u64 {
        u64::from(self.evidence_kept[0]) ^ self.evidence.len() as u64
    }

    /// Whether an end has not said that of itself yet, and there is room for it.
    pub(super) fn is_news(&self, shown: &Shown) -> bool {
        self.shown.len() < SHOWN_MAX && !self.shown.iter().any(|other| other.repeats(shown))
    }

    /// The first frames of the flows that are remembered singly.
    pub fn beginnings(&self) -> impl Iterator<Item = Cite> {
        self.flow_refs.iter().filter(|flow| !flow.continues).map(|flow| flow.cite)
    }

    /// Whether an input holds anything of the row.
    #[must_use]
    pub fn is_in(&self, input: usize) -> bool {
        match self.shares[..] {
            [] => frame::input(self.frames[0]) == input,
            _ => self.shares.iter().any(|share| share.input == input),
        }
    }

    /// What each input holds of the row.
    pub fn shares(&self) -> impl Iterator<Item = Share> {
        let whole = self.shares.is_empty().then(|| self.whole());
        whole.into_iter().chain(self.shares.iter().copied())
    }

    fn whole(&self) -> Share {
        let input = frame::input(self.frames[0]);
        Share { input, traffic: Traffic::of(&self.totals), first: self.first, last: self.last }
    }

    /// Counts by input only once there is a second one.
    fn add_shares(&mut self, shares: &[flow::Share], local: Side) {
        if self.shares.is_empty() {
            let here = frame::input(self.frames[0]);
            if shares.iter().all(|share| frame::input(share.cite.frame) == here) {
                return;
            }
            if self.flows > 0 {
                self.shares.push(self.whole());
            }
        }
        for share in shares {
            let input = frame::input(share.cite.frame);
            let traffic = Traffic::of_share(share, local);
            let (first, last) = (share.cite.time, share.last);
            match self.shares.iter_mut().find(|known| known.input == input) {
                Some(known) => {
                    known.traffic.add(&traffic);
                    known.first = known.first.min(first);
                    known.last = known.last.max(last);
                }
                None => self.shares.push(Share { input, traffic, first, last }),
            }
        }
    }

    fn is_on_internet(&self) -> bool {
        self.remote.mac.is_none() && scope(self.remote.address) == Scope::Internet
    }

    /// Whether these are ICMP messages, which display filters cannot tell from quotes in them.
    #[must_use]
    pub fn is_icmp(&self) -> bool {
        matches!(self.protocol, 1 | 58)
    }

    /// Whether the content is readable, encrypted or open by design.
    #[must_use]
    pub fn content(&self) -> Content {
        self.label.content
    }
}

/// Whether the remote end began a flow that the local end took part in. An answer without payload
/// may be a refusal.
fn is_inbound(flow: &Flow, local: Side) -> bool {
    let remote = local.other();
    let [sent, received] = [flow.sent(local), flow.sent(remote)];
    let taken = flow.key.protocol == crate::protocol::TCP && received.delivered_bytes > 0;
    flow.initiator_known
        && flow.initiator == remote
        && flow.key.port(local).is_some()
        && sent.packets > 0
        && (sent.payload_bytes > 0 || taken)
}

/// Whether much was sent and little received.
fn is_upload([sent, received]: [Sent; 2]) -> bool {
    sent.delivered_bytes >= UPLOAD_BYTES_MIN && sent.delivered_bytes / 4 >= received.delivered_bytes
}

/// Adds the counters of one flow to a sum.
pub fn add(sum: &mut Sent, sent: &Sent) {
    sum.packets += sent.packets;
    sum.wire_bytes += sent.wire_bytes;
    sum.ip_bytes += sent.ip_bytes;
    sum.payload_bytes += sent.payload_bytes;
    sum.delivered_bytes += sent.delivered_bytes;
}
