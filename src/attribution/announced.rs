//! Flows that other flows announced: media of RTSP and SIP, data connections of FTP. The two may
//! lie in different partitions (the media server of GB/T 28181 is another host), so they are
//! joined here, where everything is heard in the order of frames.

use crate::base::address::hash_words;
use crate::base::table::Map;
use crate::base::time::Timestamp;
use crate::flow::{Cite, FlowKey, Side};
use crate::protocol::{Announced, Content, Label, Method};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// Most announcements remembered, 150 bytes each; the oldest go first.
const ANNOUNCED_MAX: usize = 4096;
/// A flow that begins later is not the announced one, nanoseconds: ports are used again.
const VALID_NS: i64 = 5 * 60 * 1_000_000_000;
/// A flow may begin before it is announced: some open the way through a gateway first.
const EARLIER_NS: i64 = 60 * 1_000_000_000;
/// Words of 64 bits for all ports.
const PORT_WORDS: usize = 1024;

/// The end that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listener {
    address: IpAddr,
    port: u16,
    protocol: u8,
}

impl Hash for Listener {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_words(self.address, state);
        state.write_u64(u64::from(self.port) << 8 | u64::from(self.protocol));
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Expectations {
    by_listener: Map<Listener, (Announced, Cite)>,
    order: VecDeque<(Listener, Cite)>,
    /// One bit a port that was ever announced: every flow is asked about, and nearly all have others.
    ports: Vec<u64>,
    /// Announcements forgotten because of the bound before their time was over.
    pub lost: u64,
}

/// What an announcement says of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expected {
    label: &'static str,
    content: Content,
    frame: u64,
}

impl Expectations {
    /// A flow was announced.
    pub fn announce(&mut self, announced: Announced, cite: Cite) {
        if !announced.is_useful() {
            return;
        }
        let Announced { address, port, protocol, .. } = announced;
        let listener = Listener { address, port, protocol };
        while self.order.len() >= ANNOUNCED_MAX
            && let Some((oldest, said)) = self.order.pop_front()
        {
            // It may have been announced again since.
            if self.by_listener.get(&oldest).is_some_and(|(_, newest)| *newest == said) {
                self.by_listener.remove(&oldest);
                self.lost += u64::from(cite.time.0 - said.time.0 <= VALID_NS);
            }
        }
        self.ports.resize(PORT_WORDS, 0);
        self.ports[usize::from(port / 64)] |= 1 << (port % 64);
        self.by_listener.insert(listener, (announced, cite));
        self.order.push_back((listener, cite));
    }

    /// What was announced of a flow so far.
    pub fn of(&self, key: &FlowKey, first: Timestamp) -> Option<Expected> {
        if self.by_listener.is_empty() {
            return None;
        }
        [Side::Low, Side::High].into_iter().find_map(|side| {
            let port = key.port(side)?;
            let word = self.ports.get(usize::from(port / 64))?;
            if word & 1 << (port % 64) == 0 {
                return None;
            }
            let (address, protocol) = (key.address(side), key.protocol);
            let listener = Listener { address, port, protocol };
            let (announced, cite) = self.by_listener.get(&listener)?;
            let peer = key.address(side.other());
            let fits = announced.peer.is_none_or(|expected| expected == peer)
                && is_in_time(first, cite.time);
            let Announced { label, content, .. } = *announced;
            fits.then_some(Expected { label, content, frame: cite.frame })
        })
    }
}

fn is_in_time(begins: Timestamp, announced: Timestamp) -> bool {
    (-EARLIER_NS..=VALID_NS).contains(&begins.0.saturating_sub(announced.0))
}

impl Expected {
    /// The label that was announced, and the frame that says so.
    pub fn label(self) -> (&'static str, u64) {
        (self.label, self.frame)
    }

    /// The label of a flow that was announced like this: what its payload says comes first, the
    /// announcement says what payload cannot tell.
    pub fn settle(self, label: Label) -> Label {
        let Expected { label: protocol, content, frame } = self;
        match label.method {
            Method::Payload if label.protocol == protocol && label.content == Content::Unknown => {
                Label { content, ..label }
            }
            Method::Payload => label,
            Method::Expected | Method::Port | Method::None => {
                Label { protocol, method: Method::Expected, frame, content }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Head;
    use crate::protocol::{UDP, testing};

    const SECOND: i64 = 1_000_000_000;

    fn cite(frame: u64, seconds: i64) -> Cite {
        Cite { frame, time: Timestamp(seconds * SECOND), ..Cite::default() }
    }

    fn announced(address: [u8; 4], port: u16, peer: Option<[u8; 4]>) -> Announced {
        let peer = peer.map(IpAddr::from);
        let address = IpAddr::from(address);
        Announced { address, port, peer, protocol: UDP, label: "rtp", content: Content::Clear }
    }

    fn of(all: &Expectations, flow: &Head) -> Option<Expected> {
        all.of(&flow.key, flow.first)
    }

    /// From 10.0.0.1 port 6000 to 192.0.2.1 port 7000.
    fn head(first: i64) -> Head {
        Head { first: Timestamp(first * SECOND), ..testing::flow(UDP, 6000, 7000).head() }
    }

    #[test]
    fn either_end_may_be_announced_with_or_without_the_other() {
        for (address, port, peer, fits) in [
            ([10, 0, 0, 1], 6000, None, true),
            ([192, 0, 2, 1], 7000, None, true),
            ([192, 0, 2, 1], 7000, Some([10, 0, 0, 1]), true),
            ([192, 0, 2, 1], 7000, Some([10, 0, 0, 2]), false),
            ([192, 0, 2, 1], 7001, None, false),
            ([192, 0, 2, 2], 7000, None, false),
            ([0, 0, 0, 0], 7000, None, false),
        ] {
            let mut all = Expectations::default();
            all.announce(announced(address, port, peer), cite(3, 10));
            assert_eq!(of(&all, &head(11)).is_some(), fits, "{address:?} {port} {peer:?}");
        }
    }

    #[test]
    fn an_announcement_holds_for_minutes_and_the_newest_counts() {
        let mut all = Expectations::default();
        all.announce(announced([192, 0, 2, 1], 7000, None), cite(3, 1000));
        for (first, fits) in [(900, false), (950, true), (1300, true), (1301, false)] {
            assert_eq!(of(&all, &head(first)).is_some(), fits, "{first}");
        }
        all.announce(announced([192, 0, 2, 1], 7000, None), cite(9, 1290));
        assert_eq!(of(&all, &head(1301)).map(|expected| expected.frame), Some(9));
    }

    #[test]
    fn the_oldest_are_forgotten_and_counted() {
        let mut all = Expectations::default();
        for number in 0..ANNOUNCED_MAX as u32 + 2 {
            let address = number.to_be_bytes();
            all.announce(announced([11, address[1], address[2], address[3]], 1, None), cite(1, 5));
        }
        assert_eq!((all.by_listener.len(), all.order.len(), all.lost), (4096, 4096, 2));
        // Those whose time is over are no loss.
        all.announce(announced([10, 0, 0, 1], 1, None), cite(2, 5 + 301));
        assert_eq!(all.lost, 2);
    }

    #[test]
    fn payload_comes_first() {
        let expected = Expected { label: "rtp", content: Content::Clear, frame: 3 };
        let label = |protocol, method, content| Label { protocol, method, frame: 8, content };
        let by_payload = label("rtp", Method::Payload, Content::Unknown);
        let settled = expected.settle(by_payload);
        assert_eq!(settled, Label { content: Content::Clear, ..by_payload });
        let other = label("stun", Method::Payload, Content::Service);
        assert_eq!(expected.settle(other), other);
        let guess = expected.settle(label("sip", Method::Port, Content::Unknown));
        assert_eq!((guess.protocol, guess.method, guess.frame), ("rtp", Method::Expected, 3));
    }
}
