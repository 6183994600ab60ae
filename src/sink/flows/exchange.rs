//! Puts facts together to what the field logs: a DNS question with its answer, an HTTP request with
//! its answer, a TLS or QUIC handshake, what MQTT and DHCP say. Bounded: what does not fit is given
//! out incomplete rather than kept.

use crate::base::address::Mac;
use crate::base::table::Map;
use crate::base::text::safe;
use crate::base::time::Timestamp;
use crate::flow::{Cite, Head};
use crate::protocol::{Fact, IdentityKind, Subject, What};
use std::collections::VecDeque;
use std::net::IpAddr;

/// Most flows of which something is kept.
const FLOWS_MAX: usize = 1 << 18;
/// Most questions or requests of one flow that wait for their answers.
const WAITING_MAX: usize = 64;
/// Most answers and topics kept of one exchange.
const VALUES_MAX: usize = 64;
/// Longest text that is given out, characters.
const TEXT_MAX: usize = 2048;

/// What is known of a flow when something is said in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub head: Head,
    /// The frame that the exchange began with.
    pub cite: Cite,
}

/// What was exchanged.
#[derive(Debug, Clone)]
pub(super) enum Exchange {
    Dns(Dns),
    Http(Http),
    Dhcp(Dhcp),
}

/// A question with its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Dns {
    pub id: Option<u16>,
    /// Name and record type.
    pub question: Option<(String, u16)>,
    /// Whether the question itself was seen.
    pub asked: bool,
    pub flags: u16,
    /// The frame of the answer.
    pub answer: Option<Cite>,
    /// Name, record type, data, seconds to live.
    pub answers: Vec<(String, u16, String, u32)>,
}

/// A request with its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Http {
    pub depth: u32,
    pub method: String,
    pub target: String,
    pub version: String,
    pub host: String,
    pub agent: String,
    pub status: Option<u16>,
    pub content_type: String,
}

/// One message.
#[derive(Debug, Clone, Default)]
pub(super) struct Dhcp {
    pub is_reply: bool,
    pub client: Option<Mac>,
    pub host_name: Option<String>,
    pub parameters: Vec<String>,
    pub assigned: Option<IpAddr>,
    pub resolvers: Vec<String>,
}

/// What is told when the flow ends, beside its record.
#[derive(Debug, Clone, Default)]
pub(super) struct Handshake {
    pub version: Option<String>,
    pub cipher: Option<String>,
    pub subject: Option<String>,
    pub alert: Option<String>,
    pub quic: Option<String>,
    /// Capture time of the first of it.
    pub begun: Option<Timestamp>,
    pub mqtt: Option<Mqtt>,
}

/// What an MQTT connection said.
#[derive(Debug, Clone, Default)]
pub(super) struct Mqtt {
    pub version: Option<String>,
    pub client_id: Option<String>,
    pub user_name: Option<String>,
    /// Topics with the frame that first had them; whether it subscribes.
    pub topics: Vec<(String, Cite, bool)>,
}

#[derive(Default)]
struct Flow {
    /// As it was when something was last said in it.
    head: Option<Head>,
    /// Answers to questions belong to the message last begun.
    message: Option<(u64, Dns)>,
    asked: VecDeque<(Cite, Dns)>,
    requests: VecDeque<(Cite, Http)>,
    depth: u32,
    dhcp: Option<(Cite, Dhcp)>,
    handshake: Handshake,
}

/// See the module.
pub(super) struct Exchanges {
    flows: Map<u64, Box<Flow>>,
    flows_max: usize,
    /// Facts of flows that there was no room for.
    pub lost: u64,
}

impl Default for Exchanges {
    fn default() -> Exchanges {
        Exchanges::bounded(FLOWS_MAX)
    }
}

fn shown(value: &[u8]) -> String {
    let text = safe(value);
    match text.char_indices().nth(TEXT_MAX) {
        Some((at, _)) => text[..at].to_owned(),
        None => text,
    }
}

impl Exchanges {
    fn bounded(flows_max: usize) -> Exchanges {
        Exchanges { flows: Map::default(), flows_max, lost: 0 }
    }

    /// Takes a fact; `give` gets what is whole by it.
    pub fn said(
        &mut self,
        head: &Head,
        cite: Cite,
        fact: &Fact<'_>,
        give: &mut dyn FnMut(Said, Exchange),
    ) {
        let family = fact.name.split('.').next().unwrap_or_default();
        if !matches!(family, "dns" | "http" | "dhcp" | "tls" | "quic" | "mqtt") {
            return;
        }
        let id = head.first_frame;
        if !self.flows.contains_key(&id) && self.flows.len() >= self.flows_max {
            self.lost += 1;
            return;
        }
        let flow = self.flows.entry(id).or_default();
        flow.head = Some(*head);
        let mut give = |cite, exchange| give(Said { head: *head, cite }, exchange);
        match family {
            "dns" => flow.dns(cite, fact, &mut give),
            "http" => flow.http(cite, fact, &mut give),
            "dhcp" => flow.dhcp(cite, fact, &mut give),
            _ => flow.handshake(cite, fact),
        }
    }

    /// A flow has ended: gives out what still waited, and returns what belongs to the whole flow.
    pub fn ended(
        &mut self,
        first_frame: u64,
        give: &mut dyn FnMut(Said, Exchange),
    ) -> Option<Handshake> {
        let mut flow = self.flows.remove(&first_frame)?;
        if let Some(head) = flow.head {
            let give = &mut |cite, exchange| give(Said { head, cite }, exchange);
            flow.message_over(give);
            flow.dhcp_over(give);
            for (cite, dns) in flow.asked {
                give(cite, Exchange::Dns(dns));
            }
            for (cite, http) in flow.requests {
                give(cite, Exchange::Http(http));
            }
        }
        Some(flow.handshake)
    }
}

/// `4660 8180 1 camera.example`: number, flags, and of an answer type and name of the question.
fn dns_message(value: &[u8]) -> Option<Dns> {
    let mut parts = value.splitn(4, |&byte| byte == b' ');
    let mut text = || std::str::from_utf8(parts.next()?).ok();
    let id = text()?.parse().ok()?;
    let flags = u16::from_str_radix(text()?, 16).ok()?;
    let kind = text().and_then(|kind| kind.parse().ok());
    let question = kind.map(|kind| (parts.next().map(shown).unwrap_or_default(), kind));
    Some(Dns { id: Some(id), flags, question, ..Dns::default() })
}

impl Flow {
    fn dns(&mut self, cite: Cite, fact: &Fact<'_>, give: &mut dyn FnMut(Cite, Exchange)) {
        match fact.what {
            What::Note if fact.name == "dns.message" => {
                self.message_over(give);
                let Some(message) = dns_message(fact.value) else { return };
                if message.flags & 0x8000 == 0 {
                    self.message = Some((0, message));
                    return;
                }
                let same = |(_, asked): &(Cite, Dns)| {
                    asked.id == message.id
                        && match (&asked.question, &message.question) {
                            (Some(asked), Some(answered)) => {
                                asked.1 == answered.1 && asked.0.eq_ignore_ascii_case(&answered.0)
                            }
                            _ => true,
                        }
                };
                let (cite, dns) = match self.asked.iter().position(same) {
                    Some(at) => match self.asked.remove(at) {
                        Some((asked_at, asked)) => {
                            let question = asked.question.or(message.question);
                            let dns = Dns { question, answer: Some(cite), ..message };
                            (asked_at, Dns { asked: true, ..dns })
                        }
                        None => return,
                    },
                    None => (cite, Dns { answer: Some(cite), ..message }),
                };
                self.asked.push_front((cite, dns));
                self.message = Some((1, Dns::default()));
            }
            What::Query { record } => {
                let (id, flags) = match &self.message {
                    Some((0, message)) => (message.id, message.flags),
                    _ => (None, 0),
                };
                let question = Some((shown(fact.value), record));
                let dns = Dns { id, flags, question, asked: true, ..Dns::default() };
                // Questions of multicast DNS have no number, and answers are not theirs alone.
                if id.is_none() {
                    give(cite, Exchange::Dns(dns));
                    return;
                }
                if self.asked.len() >= WAITING_MAX
                    && let Some((cite, oldest)) = self.asked.pop_front()
                {
                    give(cite, Exchange::Dns(oldest));
                }
                self.asked.push_back((cite, dns));
            }
            What::Answer { address, ttl } => {
                let kind = if address.is_ipv4() { 1 } else { 28 };
                self.answer((shown(fact.value), kind, address.to_string(), ttl));
            }
            What::Note if fact.name == "dns.alias" => {
                self.answer((String::new(), 5, shown(fact.value), 0));
            }
            _ => {}
        }
    }

    fn answer(&mut self, answer: (String, u16, String, u32)) {
        if let (Some((1, _)), Some((_, dns))) = (&self.message, self.asked.front_mut())
            && dns.answers.len() < VALUES_MAX
        {
            dns.answers.push(answer);
        }
    }

    /// The answer in turn has no more records.
    fn message_over(&mut self, give: &mut dyn FnMut(Cite, Exchange)) {
        if let Some((1, _)) = self.message.take()
            && let Some((cite, dns)) = self.asked.pop_front()
        {
            give(cite, Exchange::Dns(dns));
        }
    }

    fn http(&mut self, cite: Cite, fact: &Fact<'_>, give: &mut dyn FnMut(Cite, Exchange)) {
        let mut parts = fact.value.split(|&byte| byte == b'\n').map(shown);
        let mut part = || parts.next().unwrap_or_default();
        match fact.name {
            "http.sent" => {
                if self.requests.len() >= WAITING_MAX
                    && let Some((cite, oldest)) = self.requests.pop_front()
                {
                    give(cite, Exchange::Http(oldest));
                }
                self.depth += 1;
                let (method, target, version) = (part(), part(), part());
                let (host, agent) = (part(), part());
                let depth = self.depth;
                let http = Http { depth, method, target, version, host, agent, ..Http::default() };
                self.requests.push_back((cite, http));
            }
            "http.answered" => {
                let status = part().parse().ok();
                // Interim answers precede the one that counts (RFC 9110 §15.2).
                if status.is_some_and(|code: u16| code / 100 == 1 && code != 101) {
                    return;
                }
                let (asked_at, http) = self.requests.pop_front().unwrap_or((cite, Http::default()));
                let http = Http { status, content_type: part(), ..http };
                give(asked_at, Exchange::Http(http));
            }
            _ => {}
        }
    }

    fn dhcp(&mut self, cite: Cite, fact: &Fact<'_>, give: &mut dyn FnMut(Cite, Exchange)) {
        if self.dhcp.as_ref().is_some_and(|(known, _)| known.frame != cite.frame) {
            self.dhcp_over(give);
        }
        let (_, dhcp) = self.dhcp.get_or_insert_with(|| (cite, Dhcp::default()));
        match fact.what {
            What::Identity { .. } if fact.name == "dhcp.parameter_list" => {
                let list = fact.value.split(|&byte| byte == b',').take(VALUES_MAX);
                dhcp.parameters = list.map(shown).collect();
            }
            What::Identity { subject: Subject::Hardware(mac), kind } => {
                dhcp.client = Some(mac);
                if kind == IdentityKind::HostName {
                    dhcp.host_name = Some(shown(fact.value));
                }
            }
            What::Lease { client, address } => {
                dhcp.is_reply = true;
                (dhcp.client, dhcp.assigned) = (Some(client), Some(address));
            }
            What::Resolver { client, resolver } => {
                dhcp.is_reply = true;
                dhcp.client = Some(client);
                if dhcp.resolvers.len() < VALUES_MAX {
                    dhcp.resolvers.push(resolver.to_string());
                }
            }
            _ => {}
        }
    }

    fn dhcp_over(&mut self, give: &mut dyn FnMut(Cite, Exchange)) {
        if let Some((cite, dhcp)) = self.dhcp.take() {
            give(cite, Exchange::Dhcp(dhcp));
        }
    }

    fn handshake(&mut self, cite: Cite, fact: &Fact<'_>) {
        let handshake = &mut self.handshake;
        let mqtt = fact.name.starts_with("mqtt.");
        if !mqtt {
            handshake.begun.get_or_insert(cite.time);
        }
        match fact.name {
            "tls.version" => handshake.version = Some(shown(fact.value)),
            "tls.cipher" => handshake.cipher = Some(shown(fact.value)),
            "tls.certificate_subject" => {
                handshake.subject.get_or_insert_with(|| shown(fact.value));
            }
            "tls.alert" => handshake.alert = Some(shown(fact.value)),
            "quic.version" => handshake.quic = Some(shown(fact.value)),
            _ if mqtt => handshake.mqtt.get_or_insert_default().take(cite, fact),
            _ => {}
        }
    }
}

impl Mqtt {
    fn take(&mut self, cite: Cite, fact: &Fact<'_>) {
        match fact.name {
            "mqtt.version" => self.version = Some(shown(fact.value)),
            "mqtt.client_id" => self.client_id = Some(shown(fact.value)),
            "mqtt.user_name" => self.user_name = Some(shown(fact.value)),
            "mqtt.topic" | "mqtt.topic_filter" if self.topics.len() < VALUES_MAX => {
                self.topics.push((shown(fact.value), cite, fact.name == "mqtt.topic_filter"));
            }
            _ => {}
        }
    }
}

/// Name of a DNS record type, else its number as Zeek spells that.
pub(super) fn record_name(kind: u16) -> String {
    const NAMES: [(u16, &str); 17] = [
        (1, "A"),
        (2, "NS"),
        (5, "CNAME"),
        (6, "SOA"),
        (12, "PTR"),
        (13, "HINFO"),
        (15, "MX"),
        (16, "TXT"),
        (28, "AAAA"),
        (33, "SRV"),
        (35, "NAPTR"),
        (41, "OPT"),
        (43, "DS"),
        (64, "SVCB"),
        (65, "HTTPS"),
        (251, "IXFR"),
        (252, "AXFR"),
    ];
    if kind == 255 {
        return "*".to_owned();
    }
    let known = NAMES.iter().find(|(number, _)| *number == kind);
    known.map_or_else(|| format!("query-{kind}"), |(_, name)| (*name).to_owned())
}

/// Name of a DNS response code.
pub(super) fn code_name(flags: u16) -> &'static str {
    const NAMES: [&str; 11] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
        "NXRRSET", "NOTAUTH", "NOTZONE",
    ];
    NAMES.get(usize::from(flags & 15)).copied().unwrap_or("UNASSIGNED")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::UDP;
    use crate::protocol::testing::flow;

    #[test]
    fn a_question_finds_its_answer_and_nobody_elses() {
        let mut flow = Flow::default();
        let mut given = Vec::new();
        let mut give = |cite: Cite, exchange| given.push((cite.frame, exchange));
        let at = |frame| Cite { frame, ..Cite::default() };
        let note = |name, value| Fact { what: What::Note, name, value, frame: 0 };
        let query =
            |value| Fact { what: What::Query { record: 1 }, name: "dns.query", value, frame: 0 };
        flow.dns(at(1), &note("dns.message", b"7 0100"), &mut give);
        flow.dns(at(1), &query(b"a.example"), &mut give);
        flow.dns(at(2), &note("dns.message", b"7 0100"), &mut give);
        flow.dns(at(2), &query(b"b.example"), &mut give);
        flow.dns(at(3), &note("dns.message", b"7 8183 1 B.example"), &mut give);
        flow.dns(at(4), &note("dns.message", b"9 8180 1 c.example"), &mut give);
        let address = "192.0.2.1".parse().unwrap();
        let what = What::Answer { address, ttl: 60 };
        flow.dns(
            at(4),
            &Fact { what, name: "dns.answer", value: b"c.example", frame: 4 },
            &mut give,
        );
        flow.message_over(&mut give);
        let shown: Vec<_> = given
            .iter()
            .map(|(frame, exchange)| match exchange {
                Exchange::Dns(dns) => (
                    *frame,
                    dns.question.clone().unwrap().0,
                    dns.answer.map(|answer| answer.frame),
                    dns.answers.len(),
                    code_name(dns.flags),
                ),
                _ => panic!(),
            })
            .collect();
        assert_eq!(
            shown,
            [
                (2, "b.example".to_owned(), Some(3), 0, "NXDOMAIN"),
                (4, "c.example".to_owned(), Some(4), 1, "NOERROR")
            ]
        );
        assert_eq!(flow.asked.len(), 1);
    }

    #[test]
    fn requests_and_answers_come_in_their_order() {
        let mut flow = Flow::default();
        let mut given = Vec::new();
        let mut give = |cite: Cite, exchange| given.push((cite.frame, exchange));
        let at = |frame| Cite { frame, ..Cite::default() };
        let note = |name, value| Fact { what: What::Note, name, value, frame: 0 };
        flow.http(at(1), &note("http.sent", b"GET\n/a\n1.1\nh.example\ncurl"), &mut give);
        flow.http(at(2), &note("http.sent", b"POST\n/b\n1.1\n\n"), &mut give);
        flow.http(at(3), &note("http.answered", b"100\n"), &mut give);
        flow.http(at(4), &note("http.answered", b"404\ntext/plain"), &mut give);
        assert_eq!(given.len(), 1);
        let (1, Exchange::Http(http)) = &given[0] else { panic!("{given:?}") };
        assert_eq!((&*http.method, &*http.host, http.status), ("GET", "h.example", Some(404)));
        assert_eq!(flow.requests.len(), 1);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let mut exchanges = Exchanges::bounded(1);
        let fact =
            |value| Fact { what: What::Query { record: 1 }, name: "dns.query", value, frame: 1 };
        let head = |first_frame| Head { first_frame, ..flow(UDP, 40_000, 53).head() };
        let mut given = 0;
        for frame in [1, 1, 2, 3] {
            exchanges
                .said(&head(frame), Cite::default(), &fact(b"a.example"), &mut |_, _| given += 1);
        }
        assert_eq!((given, exchanges.lost), (2, 2), "flows that are open go on");
        exchanges.ended(1, &mut |_, _| {});
        exchanges.said(&head(4), Cite::default(), &fact(b"a.example"), &mut |_, _| given += 1);
        assert_eq!((given, exchanges.lost), (3, 2));
    }
}
