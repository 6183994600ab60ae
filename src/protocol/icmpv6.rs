//! ICMPv6 as far as it runs the network: router advertisements with the name servers they give and
//! the networks they announce, and which groups devices listen to (MLD). Whose address is whose is
//! read where frames are decoded (`decode/neighbour.rs`), since the ledger needs it before flows.
//!
//! Documents: RFC 4861 §4.2 (router advertisements); RFC 8106 §5.1 (name servers); RFC 2710 and RFC
//! 9777 (groups).
//! Bounds: 64 groups of one message, options of one message. Tests: below.

use super::syntax::group::{Membership, records};
use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, What};
use crate::flow::{Flow, Segment};
use std::net::Ipv6Addr;

/// ICMPv6.
pub struct Icmpv6;

const MLD_REPORT: u8 = 131;
const MLD_DONE: u8 = 132;
const ROUTER_ADVERTISEMENT: u8 = 134;
const MLD_REPORT_2: u8 = 143;
/// Hop limits that no router may have counted down (RFC 4861 §7.1) and that none lets pass
/// (RFC 2710 §3).
const OF_LINK: [u8; 2] = [255, 1];
/// Before the options of a router advertisement.
const ADVERTISEMENT_BYTES: usize = 16;
const PREFIX_OPTION: u8 = 3;
const RESOLVER_OPTION: u8 = 25;

impl Dissector for Icmpv6 {
    fn name(&self) -> &'static str {
        "ipv6-icmp"
    }

    fn rule(&self) -> &'static str {
        "IP protocol 58, a message of the link itself"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Icmpv6
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let of_link = OF_LINK.contains(&flow.hops[flow.first_sender().index()]);
        match seen.first().0 {
            [MLD_REPORT | MLD_DONE | ROUTER_ADVERTISEMENT | MLD_REPORT_2, ..] if of_link => {
                Probe::Yes
            }
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Messages::default())
    }
}

/// The same messages come again every few minutes.
#[derive(Default)]
struct Messages {
    last: Vec<u8>,
}

impl Session for Messages {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if self.last == segment.data {
            return Next::More;
        }
        self.last.clear();
        self.last.extend_from_slice(segment.data);
        let mut tell = |what, name, text: String| {
            say(Fact { what, name, value: text.as_bytes(), frame: segment.frame });
        };
        let mut group = |membership, group: [u8; 16]| {
            let name = match membership {
                Membership::Joined => "mld.joined",
                Membership::Left => "mld.left",
            };
            tell(What::Note, name, Ipv6Addr::from(group).to_string());
        };
        let one = || segment.data.get(8..24)?.try_into().ok();
        match segment.data {
            [MLD_REPORT_2, ..] => records(segment.data).for_each(|(kind, of)| group(kind, of)),
            [MLD_REPORT, ..] => one().into_iter().for_each(|of| group(Membership::Joined, of)),
            [MLD_DONE, ..] => one().into_iter().for_each(|of| group(Membership::Left, of)),
            [ROUTER_ADVERTISEMENT, ..] => advertised(segment.data, &mut tell),
            _ => {}
        }
        Next::More
    }

    fn held_bytes(&self) -> usize {
        self.last.capacity()
    }
}

fn advertised(message: &[u8], tell: &mut dyn FnMut(What, &'static str, String)) {
    let mut options = message.get(ADVERTISEMENT_BYTES..).unwrap_or_default();
    while let &[kind, words, ..] = options {
        let length = usize::from(words) * 8;
        let Some(option) = options.get(..length).filter(|option| !option.is_empty()) else {
            return;
        };
        // A lifetime of zero takes back.
        let lives = option.get(4..8).is_some_and(|lifetime| lifetime != [0; 4]);
        match kind {
            PREFIX_OPTION if lives => {
                if let Some(prefix) = option.get(16..32).and_then(|p| <[u8; 16]>::try_from(p).ok())
                {
                    let text = format!("{}/{}", Ipv6Addr::from(prefix), option[2]);
                    tell(What::Note, "ndp.prefix", text);
                }
            }
            RESOLVER_OPTION if lives => {
                for &address in option[8..].as_chunks::<16>().0 {
                    let resolver = Ipv6Addr::from(address);
                    let what = What::LinkResolver { resolver: resolver.into() };
                    tell(what, "ndp.resolver", resolver.to_string());
                }
            }
            _ => {}
        }
        options = &options[length..];
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse, converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::ICMPV6;

    fn heard(hops: u8) -> Flow {
        let mut flow = flow(ICMPV6, 0, 0);
        flow.hops = [hops; 2];
        flow
    }

    fn advertisement() -> Vec<u8> {
        let mut message = vec![ROUTER_ADVERTISEMENT, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        message.extend([1, 1, 2, 0, 0, 0, 0, 1]);
        message.extend([PREFIX_OPTION, 4, 64, 0xc0, 0, 0, 14, 16, 0, 0, 7, 8, 0, 0, 0, 0]);
        message.extend("2001:db8:7::".parse::<Ipv6Addr>().unwrap().octets());
        message.extend([RESOLVER_OPTION, 3, 0, 0, 0, 0, 14, 16]);
        message.extend("2001:db8:7::53".parse::<Ipv6Addr>().unwrap().octets());
        message
    }

    #[test]
    fn a_router_names_networks_and_resolvers_once() {
        let message = advertisement();
        let (label, said) =
            converse_datagrams_here(&heard(255), &[(Side::Low, &message), (Side::Low, &message)]);
        assert_eq!((label.protocol, label.content), ("ipv6-icmp", Content::Service));
        assert_eq!(values(&said, "ndp.prefix"), [b"2001:db8:7::/64"]);
        assert_eq!(values(&said, "ndp.resolver"), [b"2001:db8:7::53"]);
        let resolver = "2001:db8:7::53".parse().unwrap();
        assert!(said.iter().any(|one| one.what == What::LinkResolver { resolver }));
        let routed = heard(64);
        let (label, said) = converse(&routed, true, &[(Side::Low, &message)]);
        assert_eq!((label.protocol, said.len()), ("ipv6-icmp", 0), "not of this link");
    }

    #[test]
    fn every_cut_of_a_message_is_read_as_far_as_it_goes() {
        let message = advertisement();
        for end in 0..message.len() {
            let (_, said) = converse(&heard(255), true, &[(Side::Low, &message[..end])]);
            assert!(values(&said, "ndp.resolver").is_empty(), "{end}");
        }
    }

    #[test]
    fn groups_are_named() {
        let group = "ff02::fb".parse::<Ipv6Addr>().unwrap().octets();
        let old = [&[MLD_REPORT, 0, 0, 0, 0, 0, 0, 0][..], &group].concat();
        let new = [&[MLD_REPORT_2, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0][..], &group].concat();
        let (_, said) = converse(&heard(255), true, &[(Side::Low, &old), (Side::Low, &new)]);
        assert_eq!(values(&said, "mld.joined"), [b"ff02::fb"]);
        assert_eq!(values(&said, "mld.left"), [b"ff02::fb"]);
    }
}
