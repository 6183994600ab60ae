//! One builder makes every display filter, from addresses, ports and frame ranges, and checks by
//! counting that it selects exactly the frames of a finding: all frames between two addresses,
//! else all of a service, else flow by flow. A filter is for one input, and looks only at what
//! that input holds.

use super::Counted;
use super::words::{msg, text};
use crate::attribution::ledger::{FlowRef, Ledger, Mark, Row, Share};
use crate::attribution::world::transport_name;
use crate::base::address::spell;
use crate::base::frame;
use crate::base::table::{Map, Set};
use std::iter;
use std::net::IpAddr;

/// Longest filter, bytes: programs cannot be given more than 128 KiB in one argument.
const FILTER_BYTES_MAX: usize = 60_000;
const TOO_LONG: &str = msg!("filter.too_long");
/// Headers quoted in ICMP errors match address and port filters too.
const WITHOUT_QUOTES: &str = "!icmp && !icmpv6";
/// UDP ports of tunnels: VXLAN (IANA and Linux), Geneve, GTP-U, Teredo, TZSP, L2TP, CAPWAP,
/// GRE over UDP.
const TUNNEL_PORTS: [u16; 9] = [4789, 8472, 6081, 2152, 3544, 37_008, 1701, 5247, 4754];

fn input_of(flow: &FlowRef) -> usize {
    frame::input(flow.cite.frame)
}

/// Whether any flow in this input has fragments; the word of the whole row where some flows are
/// forgotten.
fn has_fragments(row: &Row, input: usize) -> bool {
    let mut here = row.flow_refs.iter().filter(|flow| input_of(flow) == input);
    row.fragments && (row.flow_refs_lost > 0 || here.any(|flow| flow.fragments))
}

const LAST: u32 = u32::MAX;

/// All rows between two addresses, whichever end is local.
pub struct Pairs {
    /// The first row of each.
    first: Map<(IpAddr, IpAddr), u32>,
    /// By row, the next one of the same two; [`LAST`] where there is none.
    next: Vec<u32>,
    /// Pairs between which ICMP messages were sent in fragments.
    icmp_fragments: Set<(IpAddr, IpAddr)>,
}

fn pair(row: &Row) -> (IpAddr, IpAddr) {
    let (a, b) = (row.local.address, row.remote.address);
    if a <= b { (a, b) } else { (b, a) }
}

/// Whether Wireshark may find further IP headers inside: what is asked of an address must then be
/// asked of the outermost header alone (the layer operator `#1`, Wireshark 4.0 and newer).
fn may_be_tunnel(row: &Row) -> bool {
    const IP_IN_IP: [u8; 5] = [4, 41, 47, 94, 115];
    let port = |port: u16| TUNNEL_PORTS.contains(&port);
    IP_IN_IP.contains(&row.protocol)
        || row.protocol == 17
            && (row.port.is_some_and(port)
                || row.flow_refs.iter().any(|f| f.ports.is_some_and(|p| p.into_iter().any(port))))
}

impl Pairs {
    /// Indexes the rows of a ledger.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Pairs {
        let mut first: Map<(IpAddr, IpAddr), u32> = Map::default();
        first.reserve(ledger.rows.len());
        let mut next = vec![LAST; ledger.rows.len()];
        let mut icmp_fragments = Set::default();
        for (index, row) in ledger.rows.iter().enumerate().rev() {
            if !row.is_icmp() {
                next[index] = first.insert(pair(row), index as u32).unwrap_or(LAST);
            } else if row.fragments {
                icmp_fragments.insert(pair(row));
            }
        }
        Pairs { first, next, icmp_fragments }
    }

    /// Rows between two addresses, in their order.
    fn between(&self, ends: (IpAddr, IpAddr)) -> impl Iterator<Item = usize> {
        let mut at = self.first.get(&ends).copied().unwrap_or(LAST);
        iter::from_fn(move || {
            let found = at as usize;
            at = *self.next.get(found)?;
            Some(found)
        })
    }
}

/// The flows that a finding counts: per row all of them, or those with a mark.
pub(super) struct Selection<'d> {
    /// By position, each once.
    rows: Vec<(usize, Option<Mark>)>,
    only: Option<&'d Set<u64>>,
}

impl<'d> Selection<'d> {
    pub fn of(
        ledger: &Ledger,
        traffic: &[(usize, Option<Mark>)],
        only: Option<&'d Set<u64>>,
    ) -> Selection<'d> {
        let wanted = traffic.iter().filter(|(index, _)| !ledger.rows[*index].is_icmp());
        let mut rows: Vec<(usize, Option<Mark>)> = wanted.copied().collect();
        rows.sort_by_key(|&(index, _)| index);
        // Of a row that comes twice the last word counts.
        rows.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = next.1;
            }
            same
        });
        Selection { rows, only }
    }

    fn mark(&self, index: usize) -> Option<Option<Mark>> {
        let at = self.rows.binary_search_by_key(&index, |&(index, _)| index).ok()?;
        Some(self.rows[at].1)
    }

    fn has(&self, index: usize, flow: &FlowRef) -> bool {
        match self.mark(index) {
            None => false,
            Some(None) => true,
            Some(Some(mark)) => {
                let bears = flow.marks & mark as u32 != 0;
                bears && self.only.is_none_or(|only| only.contains(&flow.cite.frame))
            }
        }
    }

    /// One entry for each input that holds any of the frames.
    pub fn count(&self, ledger: &Ledger, pairs: &Pairs) -> Vec<Counted> {
        let mut by_input: Vec<Share> = Vec::new();
        let mut take = |share: Share| by_input.push(share);
        for &(index, mark) in &self.rows {
            let row = &ledger.rows[index];
            match mark {
                None => row.shares().for_each(&mut take),
                Some(_) => row
                    .flow_refs
                    .iter()
                    .filter(|flow| self.has(index, flow))
                    .filter_map(|flow| {
                        let counts = ledger.counts_of(flow)?;
                        Some(Share {
                            input: input_of(flow),
                            traffic: counts.traffic,
                            first: flow.cite.time,
                            last: counts.last,
                        })
                    })
                    .for_each(&mut take),
            }
        }
        by_input.sort_by_key(|share| share.input);
        by_input.dedup_by(|share, sum| {
            let is_same = share.input == sum.input;
            if is_same {
                sum.traffic.add(&share.traffic);
                sum.first = sum.first.min(share.first);
                sum.last = sum.last.max(share.last);
            }
            is_same
        });
        by_input.retain(|share| share.traffic.packets != [0, 0]);
        by_input.iter().map(|share| self.counted(ledger, pairs, share)).collect()
    }

    fn counted(&self, ledger: &Ledger, pairs: &Pairs, share: &Share) -> Counted {
        let filter = self.filter(ledger, pairs, share.input);
        Counted {
            input: share.input,
            frames: share.traffic.packets.iter().sum(),
            wire_bytes: share.traffic.wire_bytes,
            delivered_bytes: share.traffic.delivered_bytes,
            first: share.first,
            last: share.last,
            no_filter_because: filter.as_ref().err().copied(),
            wireshark_filter: filter.ok(),
        }
    }

    fn filter(&self, ledger: &Ledger, pairs: &Pairs, input: usize) -> Result<String, &'static str> {
        let here = self.rows.iter().map(|&(index, _)| &ledger.rows[index]);
        let mut addresses: Vec<(IpAddr, IpAddr)> =
            here.filter(|row| row.is_in(input)).map(pair).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let (mut terms, mut outermost) = (Terms::default(), Terms::default());
        for ends in addresses {
            let rows = pairs.between(ends).filter(|&index| ledger.rows[index].is_in(input));
            let between = Between { ends, rows: rows.collect(), input };
            let unread = |row: &Row| !row.tunnelled && may_be_tunnel(row);
            if between.rows.iter().any(|&index| unread(&ledger.rows[index])) {
                self.pair_terms(ledger, pairs, &between, "#1", &mut outermost)?;
            } else {
                self.pair_terms(ledger, pairs, &between, "", &mut terms)?;
            }
        }
        let plain = || ["(", &terms.said, ") && ", WITHOUT_QUOTES].concat();
        let filter = match (terms.count, outermost.count) {
            (0, 0) => return Err(text("filter.nothing")),
            (_, 0) => plain(),
            (0, _) => outermost.said,
            (_, _) => format!("({}) || {}", plain(), outermost.said),
        };
        if filter.len() > FILTER_BYTES_MAX {
            return Err(text(TOO_LONG));
        }
        Ok(filter)
    }

    fn pair_terms(
        &self,
        ledger: &Ledger,
        pairs: &Pairs,
        between: &Between,
        layer: &str,
        terms: &mut Terms,
    ) -> Result<(), &'static str> {
        let Between { ends: (a, b), ref rows, input } = *between;
        let family = if a.is_ipv4() { "ip" } else { "ipv6" };
        let any = |is: &dyn Fn(&Row) -> bool| rows.iter().any(|&index| is(&ledger.rows[index]));
        let tunnelled = any(&|row| row.tunnelled);
        let fragmented = any(&|row| has_fragments(row, input));
        // Later fragments are not marked as ICMP.
        let not_icmp = match (pairs.icmp_fragments.contains(&(a, b)), family) {
            (false, _) => "",
            (true, "ip") => " && !(ip.proto == 1)",
            (true, _) => " && !(ipv6.fraghdr.nxt == 58)",
        };
        // Display filters look at the headers of all layers.
        if [a, b].iter().any(|&end| ledger.may_be_tunnel_end(end)) {
            return Err(text("filter.same_ends"));
        }
        if tunnelled && fragmented {
            return Err(text("filter.fragments"));
        }
        let mut ends = both(family, layer, [a, b]);
        ends.push_str(not_icmp);
        if !layer.is_empty() {
            // ICMP of the pair itself is left out; ICMP inside the tunnel is not.
            let next = if a.is_ipv4() { ("ip.proto", 1) } else { ("ipv6.nxt", 58) };
            ends.push_str(&format!(" && {}{layer} != {}", next.0, next.1));
        }
        let all_selected = rows.iter().all(|index| {
            let row = &ledger.rows[*index];
            match self.mark(*index) {
                None => false,
                Some(None) => true,
                Some(Some(_)) => {
                    let mut here = row.flow_refs.iter().filter(|flow| input_of(flow) == input);
                    row.flow_refs_lost == 0 && here.all(|flow| self.has(*index, flow))
                }
            }
        });
        if all_selected && a != b {
            terms.push(&["(", &ends, ")"]);
            return Ok(());
        }
        if tunnelled {
            return Err(text("filter.ports"));
        }
        if any(&|row| row.flow_refs_lost > 0) {
            return Err(text("filter.too_many"));
        }
        // Ports are read from whole packets only, also where Wireshark puts fragments together.
        let whole = match (fragmented, family) {
            (false, _) => String::new(),
            (true, "ip") => format!(" && ip.flags.mf{layer} == 0 && ip.frag_offset{layer} == 0"),
            (true, _) => " && !ipv6.fraghdr".to_owned(),
        };
        let mut flows: Vec<Candidate<'_>> = rows
            .iter()
            .flat_map(|&index| {
                let row = &ledger.rows[index];
                let here = row.flow_refs.iter().filter(move |flow| input_of(flow) == input);
                here.map(move |flow| Candidate { row, flow, chosen: self.has(index, flow) })
            })
            .collect();
        if flows.iter().any(|c| c.chosen && (c.flow.ports.is_none() || c.flow.fragments)) {
            return Err(text("filter.no_ports"));
        }
        // All of them to the end: a term must not select them again that an earlier one left out.
        let unchosen: Vec<Candidate<'_>> = flows.iter().filter(|c| !c.chosen).copied().collect();
        while let Some(next) = flows.iter().find(|candidate| candidate.chosen) {
            // Each turn walks all flows: a scan of ports must not take turns for every port.
            if terms.length() > FILTER_BYTES_MAX {
                return Err(text(TOO_LONG));
            }
            let protocol = next.row.protocol;
            let Some([local, remote]) = next.flow.ports else {
                break;
            };
            let name = transport_name(protocol);
            let same_service = |c: &Candidate<'_>| c.row.protocol == protocol && c.has_port(remote);
            if a != b && !unchosen.iter().any(same_service) {
                terms.push(&[&format!("({ends} && {name}.port{layer} == {remote}{whole})")]);
                flows.retain(|c| !same_service(c));
                continue;
            }
            let same_ports = |c: &Candidate<'_>| {
                c.row.protocol == protocol
                    && c.has_port(local)
                    && c.has_port(remote)
                    && (local != remote || c.flow.ports == Some([local, remote]))
            };
            let ports = if local == remote {
                format!("{name}.srcport{layer} == {local} && {name}.dstport{layer} == {local}")
            } else {
                format!("{name}.port{layer} == {local} && {name}.port{layer} == {remote}")
            };
            let ranges = ranges(flows.iter().filter(|c| same_ports(c)))?;
            terms.push(&[&format!("({ends} && {ports}{whole}{ranges})")]);
            flows.retain(|c| !same_ports(c));
        }
        Ok(())
    }
}

/// Terms of which a packet must fit one.
#[derive(Default)]
struct Terms {
    said: String,
    count: usize,
}

impl Terms {
    const OR: &str = " || ";

    /// Adds a term that is said in these parts.
    fn push(&mut self, parts: &[&str]) {
        if self.count == 0 {
            self.said.reserve(96);
        } else {
            self.said.push_str(Terms::OR);
        }
        parts.iter().for_each(|part| self.said.push_str(part));
        self.count += 1;
    }

    /// Bytes of all terms, without what joins them.
    fn length(&self) -> usize {
        self.said.len() - self.count.saturating_sub(1) * Terms::OR.len()
    }
}

/// That both addresses are in a packet's header at this layer; said of nearly every finding.
fn both(family: &str, layer: &str, ends: [IpAddr; 2]) -> String {
    let mut said = String::with_capacity(96);
    for (end, and) in ends.into_iter().zip(["", " && "]) {
        for part in [and, family, ".addr", layer, " == "] {
            said.push_str(part);
        }
        spell(end, |text| said.push_str(text));
    }
    said
}

/// The rows between two addresses that one input holds something of.
struct Between {
    ends: (IpAddr, IpAddr),
    rows: Vec<usize>,
    input: usize,
}

#[derive(Clone, Copy)]
struct Candidate<'a> {
    row: &'a Row,
    flow: &'a FlowRef,
    chosen: bool,
}

impl Candidate<'_> {
    fn has_port(&self, port: u16) -> bool {
        self.flow.ports.is_some_and(|ports| ports.contains(&port))
    }
}

/// Frame ranges that keep the chosen flows among those with the same ports; nothing where all
/// are chosen.
fn ranges<'a>(flows: impl Iterator<Item = &'a Candidate<'a>>) -> Result<String, &'static str> {
    let mut flows: Vec<([u64; 2], bool)> = flows
        .map(|c| ([c.flow.cite.frame, c.flow.last_frame].map(frame::within), c.chosen))
        .collect();
    if flows.iter().all(|(_, chosen)| *chosen) {
        return Ok(String::new());
    }
    flows.sort_unstable();
    let mut ranges: Vec<[u64; 2]> = Vec::new();
    let mut adjacent = false;
    for (index, &(frames, chosen)) in flows.iter().enumerate() {
        if index > 0 && frames[0] <= flows[index - 1].0[1] && chosen != flows[index - 1].1 {
            return Err(text("filter.overlap"));
        }
        match ranges.last_mut() {
            Some(range) if chosen && adjacent => range[1] = range[1].max(frames[1]),
            _ if chosen => ranges.push(frames),
            _ => {}
        }
        adjacent = chosen;
    }
    let spelled: Vec<String> = ranges
        .iter()
        .map(|[from, to]| format!("(frame.number >= {from} && frame.number <= {to})"))
        .collect();
    Ok(format!(" && ({})", spelled.join(" || ")))
}
