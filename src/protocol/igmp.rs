//! IGMP: which groups a device listens to. Some are a vendor's or a service's own, and show what it
//! waits for before anything is sent.
//!
//! Documents: RFC 1112 appendix I, RFC 2236, RFC 9776.
//! Bounds: 64 groups of one message. Tests: below; `zeek` and `ndpi` captures have others.

use super::syntax::group::{Membership, records};
use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, What};
use crate::flow::{Flow, Segment};
use std::net::Ipv4Addr;

/// IGMP.
pub struct Igmp;

const REPORTS: [u8; 2] = [0x12, 0x16];
const LEAVE: u8 = 0x17;
const REPORT_3: u8 = 0x22;

impl Dissector for Igmp {
    fn name(&self) -> &'static str {
        "igmp"
    }

    fn rule(&self) -> &'static str {
        "IP protocol 2, a known type"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Igmp
    }

    fn probe(&self, _: &Flow, seen: &Prefix<'_>) -> Probe {
        match seen.first().0 {
            [0x11 | 0x12 | 0x16 | LEAVE | REPORT_3, _, _, _, _, _, _, _, ..] => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Groups::default())
    }
}

/// Reports come again every two minutes and say the same.
#[derive(Default)]
struct Groups {
    last: Option<(Membership, Ipv4Addr)>,
}

impl Session for Groups {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let mut tell = |membership, group: [u8; 4]| {
            let group = Ipv4Addr::from(group);
            if self.last.replace((membership, group)) != Some((membership, group)) {
                let name = match membership {
                    Membership::Joined => "igmp.joined",
                    Membership::Left => "igmp.left",
                };
                let (value, frame) = (&group.to_string().into_bytes()[..], segment.frame);
                say(Fact { what: What::Note, name, value, frame });
            }
        };
        match *segment.data {
            [REPORT_3, ..] => records(segment.data).for_each(|(kind, group)| tell(kind, group)),
            [kind, _, _, _, a, b, c, d, ..] if REPORTS.contains(&kind) => {
                tell(Membership::Joined, [a, b, c, d]);
            }
            [LEAVE, _, _, _, a, b, c, d, ..] => tell(Membership::Left, [a, b, c, d]),
            _ => {}
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse, converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::IGMP;

    #[test]
    fn reports_of_all_versions_name_their_groups_once() {
        let old = [0x16, 0, 0, 0, 239, 255, 255, 250];
        let leave = [0x17, 0, 0, 0, 239, 255, 255, 250];
        let mut new = vec![REPORT_3, 0, 0, 0, 0, 0, 0, 3];
        new.extend([4, 0, 0, 0, 224, 0, 0, 251]);
        new.extend([3, 1, 0, 0, 239, 1, 2, 3, 0, 0, 0, 0]);
        new.extend([5, 0, 0, 1, 232, 0, 0, 9, 10, 0, 0, 1]);
        let pieces =
            [(Side::Low, &old[..]), (Side::Low, &old), (Side::Low, &new), (Side::Low, &leave)];
        let (label, said) = converse_datagrams_here(&flow(IGMP, 0, 0), &pieces);
        assert_eq!((label.protocol, label.content), ("igmp", Content::Service));
        assert_eq!(
            values(&said, "igmp.joined"),
            [&b"239.255.255.250"[..], b"224.0.0.251", b"232.0.0.9"]
        );
        assert_eq!(values(&said, "igmp.left"), [&b"239.1.2.3"[..], b"239.255.255.250"]);
    }

    #[test]
    fn counts_that_lie_and_messages_cut_short_say_what_is_there() {
        let mut lies = vec![REPORT_3, 0, 0, 0, 0, 0, 0xff, 0xff];
        lies.extend([4, 0, 0xff, 0xff, 224, 0, 0, 251]);
        let (_, said) = converse(&flow(IGMP, 0, 0), true, &[(Side::Low, &lies)]);
        assert_eq!(values(&said, "igmp.joined"), [b"224.0.0.251"]);
        let (label, said) = converse(&flow(IGMP, 0, 0), true, &[(Side::Low, &lies[..7])]);
        assert_eq!((label.protocol, said.len()), ("igmp", 0));
    }
}
