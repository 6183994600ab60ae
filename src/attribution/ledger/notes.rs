//! What live flows have said so far, until they end and their rows take it.

use super::{Evidence, Shown};
use crate::attribution::announced::Expected;
use crate::attribution::names::{Answered, NameId};
use crate::base::table::Map;
use crate::flow::Cite;
use crate::protocol::NameKind;
use std::sync::Arc;

/// Most notes of flows that ended put aside for others, and for how much evidence they may have room.
const SPARE_MAX: usize = 64;
const SPARE_EVIDENCE_MAX: usize = 16;

/// What one flow has said so far.
#[derive(Debug, Default, Clone)]
pub(in crate::attribution) struct Notes {
    pub dns: Option<Answered>,
    pub own: Vec<(NameId, NameKind, Cite)>,
    pub client: Option<Box<Client>>,
    pub evidence: Vec<Evidence>,
    /// The flow was handed over to another protocol.
    pub handed_over: bool,
    /// Another flow announced this one before it began.
    pub(super) expected: Option<Expected>,
    /// What its ends said of themselves, where the remote one is on the internet.
    pub shown: Vec<Shown>,
    /// Protocols that go through the flow beside the one it is called by, each with a frame.
    pub(super) carried: Vec<(&'static str, u64)>,
}

impl Notes {
    /// Forgets everything; what it took to remember stays.
    fn clear(&mut self) {
        let Notes { dns, own, client, evidence, handed_over, expected, shown, carried } = self;
        (*dns, *client, *handed_over, *expected) = (None, None, false, None);
        own.clear();
        evidence.clear();
        shown.clear();
        carried.clear();
    }

    /// A client's hello was read, and names no server.
    pub(super) fn hello_without_name(&self) -> bool {
        let named = |kind: &NameKind| matches!(kind, NameKind::Sni | NameKind::SniOuter);
        let has_hello = self.client.as_ref().is_some_and(|client| client.ja3.is_some());
        has_hello && !self.own.iter().any(|(_, kind, _)| named(kind))
    }
}

/// What a client's hello says of it, beside the name. Apart, since most flows have none.
#[derive(Debug, Default, Clone)]
pub(in crate::attribution) struct Client {
    pub alpn: Option<Box<[u8]>>,
    pub(super) alpn_settled: bool,
    pub ja3: Option<Box<[u8]>>,
    pub ja4: Option<Box<[u8]>>,
    /// Names are asked for inside: over what.
    pub dns_over: Option<&'static str>,
}

/// Notes of live flows, by their first frames. A copy has none until it is lent them
/// ([`super::Ledger::lend`]): it hears of each flow once, and there are many.
#[derive(Default)]
pub(in crate::attribution) struct Live {
    pub(super) all: Map<u64, Arc<Notes>>,
    /// Those of flows that ended, empty, with the room that they had: the next flow needs the same.
    spare: Vec<Arc<Notes>>,
}

impl Clone for Live {
    fn clone(&self) -> Live {
        Live::default()
    }
}

impl Live {
    /// Those of a flow.
    pub fn get(&self, first_frame: &u64) -> Option<&Notes> {
        self.all.get(first_frame).map(|notes| &**notes)
    }

    /// Puts the notes of a flow that ended aside, to be used again.
    pub(super) fn put_aside(&mut self, mut notes: Arc<Notes>) {
        if self.spare.len() < SPARE_MAX
            && let Some(own) = Arc::get_mut(&mut notes)
            && own.evidence.capacity() <= SPARE_EVIDENCE_MAX
        {
            own.clear();
            self.spare.push(notes);
        }
    }

    /// The same, to be added to.
    pub fn of(&mut self, first_frame: u64) -> &mut Notes {
        let Live { all, spare } = self;
        let notes = all.entry(first_frame).or_insert_with(|| spare.pop().unwrap_or_default());
        Arc::make_mut(notes)
    }
}
