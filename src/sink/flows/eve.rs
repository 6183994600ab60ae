//! Flows and exchanges as Suricata's EVE JSON, one event a line: `flow`, `dns`, `tls`, `http`,
//! `mqtt`, `quic`, `dhcp` and `anomaly`, with nothing in them that Suricata's schema does not know.

use super::Spelling;
use super::exchange::{
    Dhcp, Dns, Exchange, Exchanges, Handshake, Http, Mqtt, Said, code_name, record_name,
};
use super::jsonl::line;
use crate::attribution::record::FlowRecord;
use crate::base::time::{SECOND, Timestamp};
use crate::flow::community_id::community_id;
use crate::flow::{Cite, Head, Side};
use crate::protocol::Fact;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::net::IpAddr;

/// See the module.
pub struct Eve<W: Write> {
    out: W,
    exchanges: Exchanges,
}

impl<W: Write> Eve<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Eve<W> {
        Eve { out, exchanges: Exchanges::default() }
    }
}

/// In front of every event.
#[derive(Serialize)]
struct Event<'e> {
    timestamp: String,
    flow_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_cnt: Option<u64>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    vlan: &'e [u16],
    src_ip: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    dest_ip: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    proto: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<String>,
    community_id: String,
    #[serde(flatten)]
    body: Map<String, Value>,
}

fn body(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}

/// `2026-11-24T11:38:30.123456+0000`.
fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{seconds}.{:06}+0000", time.0.rem_euclid(SECOND) / 1000)
}

/// Suricata's are random; ours are the same in every run. Below 2⁵³, so that every reader of JSON
/// keeps them exact.
fn flow_id(first_frame: u64, first: Timestamp, mut ends: [IpAddr; 2]) -> u64 {
    ends.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(first_frame.to_be_bytes());
    hash.update(first.0.to_be_bytes());
    hash.update(format!("{} {}", ends[0], ends[1]));
    let digest = hash.finalize();
    digest[..8].iter().fold(0, |id: u64, &byte| id << 8 | u64::from(byte)) >> 11
}

fn proto(name: &str) -> String {
    match name {
        "icmp" => "ICMP".to_owned(),
        "ipv6-icmp" => "IPv6-ICMP".to_owned(),
        // A number without a name: three digits, as Suricata writes it.
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => format!("{number:0>3}"),
        name => name.to_ascii_uppercase(),
    }
}

impl<'e> Event<'e> {
    fn of_record(
        record: &'e FlowRecord,
        (time, frame): (Timestamp, Option<u64>),
        event_type: &'static str,
        body: Map<String, Value>,
    ) -> Event<'e> {
        Event {
            timestamp: moment(time),
            flow_id: flow_id(record.frames[0], record.first, [record.src, record.dst]),
            pcap_cnt: frame,
            event_type,
            vlan: &record.vlan,
            src_ip: record.src,
            src_port: record.src_port,
            dest_ip: record.dst,
            dest_port: record.dst_port,
            proto: proto(&record.proto),
            icmp_type: record.icmp_type,
            icmp_code: record.icmp_code,
            app_proto: None,
            community_id: record.community_id.clone(),
            body,
        }
    }

    fn of(
        said: &Said,
        at: Cite,
        event_type: &'static str,
        body: Map<String, Value>,
    ) -> Event<'static> {
        let Head { key, initiator, first, first_frame, .. } = said.head;
        let ends = [initiator, initiator.other()].map(|side| (key.address(side), key.port(side)));
        let [(source, source_port), (destination, destination_port)] = ends;
        let name = crate::attribution::world::transport_name(key.protocol);
        Event {
            timestamp: moment(at.time),
            flow_id: flow_id(first_frame, first, [source, destination]),
            pcap_cnt: Some(at.frame),
            event_type,
            vlan: &[],
            src_ip: source,
            src_port: source_port,
            dest_ip: destination,
            dest_port: destination_port,
            proto: proto(&name),
            icmp_type: None,
            icmp_code: None,
            app_proto: None,
            community_id: community_id(
                key.protocol,
                source,
                destination,
                source_port.zip(destination_port),
            ),
            body,
        }
    }
}

fn flow(record: &FlowRecord) -> Value {
    let seconds = |time: Timestamp| time.0.div_euclid(SECOND);
    let answered = record.packets.iter().all(|&packets| packets > 0);
    let state = match (record.ended_by, answered) {
        ("closed", _) => "closed",
        (_, true) => "established",
        (_, false) => "new",
    };
    let reason = match record.ended_by {
        "timeout" | "closed" => "timeout",
        "capture_end" => "shutdown",
        _ => "forced",
    };
    json!({
        "pkts_toserver": record.packets[0],
        "pkts_toclient": record.packets[1],
        "bytes_toserver": record.wire_bytes[0],
        "bytes_toclient": record.wire_bytes[1],
        "start": moment(record.first),
        "end": moment(record.last),
        "age": seconds(record.last) - seconds(record.first),
        "state": state,
        "reason": reason,
        "alerted": false,
    })
}

/// What the payload shows; a port alone shows nothing.
fn app_proto(record: &FlowRecord) -> Option<String> {
    let by_payload = matches!(record.label.method, "payload" | "expected");
    (by_payload && record.label.protocol != "unknown").then(|| record.label.protocol.to_owned())
}

/// Without what is empty: Suricata leaves that out too.
fn filled(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let is_filled = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    Value::Object(fields.into_iter().filter(|(_, value)| is_filled(value)).collect())
}

fn dns_query(dns: &Dns) -> Value {
    let question = dns.question.as_ref();
    filled(json!({
        "version": 2,
        "type": "query",
        "id": dns.id,
        "rrname": question.map(|(name, _)| name),
        "rrtype": question.map(|(_, kind)| record_name(*kind)),
    }))
}

fn dns_answer(dns: &Dns) -> Value {
    let question = dns.question.as_ref();
    let flag = |bit: u16| (dns.flags & bit != 0).then_some(true);
    let answers = dns.answers.iter().map(|(name, kind, data, ttl)| {
        // The owner and the time to live of an alias are not kept.
        let ttl = (*kind != 5).then_some(ttl);
        filled(json!({"rrname": name, "rrtype": record_name(*kind), "ttl": ttl, "rdata": data}))
    });
    filled(json!({
        "version": 2,
        "type": "answer",
        "id": dns.id,
        "flags": format!("{:x}", dns.flags),
        "qr": true,
        "aa": flag(0x0400),
        "rd": flag(0x0100),
        "ra": flag(0x0080),
        "rrname": question.map(|(name, _)| name),
        "rrtype": question.map(|(_, kind)| record_name(*kind)),
        "rcode": code_name(dns.flags),
        "answers": answers.collect::<Vec<_>>(),
    }))
}

fn http(http: &Http) -> Value {
    let kind = http.content_type.split(';').next().unwrap_or_default().trim();
    let protocol = (!http.version.is_empty()).then(|| format!("HTTP/{}", http.version));
    filled(json!({
        "hostname": http.host,
        "url": http.target,
        "http_user_agent": http.agent,
        "http_content_type": kind,
        "http_method": http.method,
        "protocol": protocol,
        "status": http.status,
    }))
}

fn dhcp(dhcp: &Dhcp) -> Value {
    filled(json!({
        "type": if dhcp.is_reply { "reply" } else { "request" },
        "client_mac": dhcp.client.map(|mac| mac.to_string()),
        "assigned_ip": dhcp.assigned.map(|address| address.to_string()),
        "hostname": dhcp.host_name,
        "params": dhcp.parameters,
        "dns_servers": dhcp.resolvers,
    }))
}

fn tls(record: &FlowRecord, handshake: &Handshake) -> Value {
    let ja3 = record.ja3.as_ref().map(|hash| json!({"hash": hash}));
    filled(json!({
        "subject": handshake.subject,
        "sni": record.sni,
        "version": handshake.version,
        "ja3": ja3,
        "ja4": record.ja4,
    }))
}

fn quic(record: &FlowRecord, handshake: &Handshake) -> Value {
    let ja3 = record.ja3.as_ref().map(|hash| json!({"hash": hash}));
    filled(json!({
        "version": handshake.quic,
        "sni": record.sni,
        "ja3": ja3,
        "ja4": record.ja4,
    }))
}

fn mqtt_connect(mqtt: &Mqtt) -> Option<Value> {
    let Mqtt { version, client_id, user_name, .. } = mqtt;
    version.as_ref()?;
    let number = match version.as_deref() {
        Some("3.1") => Some(3),
        Some("3.1.1") => Some(4),
        Some("5.0") => Some(5),
        _ => None,
    };
    Some(filled(json!({
        "protocol_version": number,
        "client_id": client_id,
        "username": user_name,
    })))
}

impl<W: Write> Eve<W> {
    fn exchange(out: &mut W, said: &Said, exchange: &Exchange) -> io::Result<()> {
        let mut write = |at, kind, value| line(out, &Event::of(said, at, kind, body(kind, value)));
        match exchange {
            Exchange::Dns(dns) => {
                if dns.asked {
                    write(said.cite, "dns", dns_query(dns))?;
                }
                dns.answer.map_or(Ok(()), |answer| write(answer, "dns", dns_answer(dns)))
            }
            Exchange::Http(request) => write(said.cite, "http", http(request)),
            Exchange::Dhcp(message) => write(said.cite, "dhcp", dhcp(message)),
        }
    }

    fn handshake(&mut self, record: &FlowRecord, handshake: &Handshake) -> io::Result<()> {
        let mut write = |at, kind, value| {
            line(&mut self.out, &Event::of_record(record, at, kind, body(kind, value)))
        };
        if let Some(begun) = handshake.begun {
            if handshake.quic.is_some() {
                write((begun, None), "quic", quic(record, handshake))?;
            } else {
                write((begun, None), "tls", tls(record, handshake))?;
            }
        }
        let Some(mqtt) = &handshake.mqtt else { return Ok(()) };
        if let Some(connect) = mqtt_connect(mqtt) {
            write((record.first, None), "mqtt", json!({"connect": connect}))?;
        }
        for (topic, cite, is_filter) in &mqtt.topics {
            let said = if *is_filter {
                json!({"subscribe": {"topics": [{"topic": topic}]}})
            } else {
                json!({"publish": {"topic": topic}})
            };
            write((cite.time, Some(cite.frame)), "mqtt", said)?;
        }
        Ok(())
    }

    /// What of the flow is not as it should be, in Suricata's words.
    fn anomalies(&mut self, record: &FlowRecord) -> io::Result<()> {
        let found = [
            (record.conflicts, "stream.reassembly_overlap_different_data"),
            (record.missed_bytes, "stream.reassembly_seq_gap"),
        ];
        for (_, event) in found.into_iter().filter(|(counts, _)| counts.iter().sum::<u64>() > 0) {
            let value = json!({"type": "stream", "event": event});
            let at = (record.last, None);
            let event = Event::of_record(record, at, "anomaly", body("anomaly", value));
            line(&mut self.out, &event)?;
        }
        Ok(())
    }
}

impl<W: Write + Send> Spelling for Eve<W> {
    fn record(&mut self, record: &FlowRecord) -> io::Result<()> {
        let mut done = Ok(());
        let out = &mut self.out;
        let handshake = self.exchanges.ended(record.frames[0], &mut |said, exchange| {
            let written = Self::exchange(out, &said, &exchange);
            if done.is_ok() {
                done = written;
            }
        });
        done?;
        if let Some(handshake) = handshake {
            self.handshake(record, &handshake)?;
        }
        self.anomalies(record)?;
        let body = body("flow", flow(record));
        let event = Event::of_record(record, (record.last, None), "flow", body);
        line(&mut self.out, &Event { app_proto: app_proto(record), ..event })
    }

    fn said(&mut self, head: &Head, _: Side, cite: Cite, fact: &Fact<'_>) -> io::Result<()> {
        let mut done = Ok(());
        let out = &mut self.out;
        self.exchanges.said(head, cite, fact, &mut |said, exchange| {
            let written = Self::exchange(out, &said, &exchange);
            if done.is_ok() {
                done = written;
            }
        });
        done
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn lost(&self) -> u64 {
        self.exchanges.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_numbers_and_protocols_as_suricata_writes_them() {
        let time = Timestamp(1_700_000_000 * SECOND + 123_456_789);
        assert_eq!(moment(time), "2023-11-14T22:13:20.123456+0000");
        assert_eq!(
            ["tcp", "ipv6-icmp", "icmp", "2", "139"].map(proto),
            ["TCP", "IPv6-ICMP", "ICMP", "002", "139"]
        );
        let ends = ["192.0.2.1", "10.0.0.1"].map(|end| end.parse().unwrap());
        let id = flow_id(5, time, ends);
        assert!(id < 1 << 53);
        assert_eq!(id, flow_id(5, time, [ends[1], ends[0]]));
    }

    #[test]
    fn what_is_empty_is_left_out() {
        assert_eq!(filled(json!({"a": null, "b": "", "c": [], "d": 0})), json!({"d": 0}));
    }
}
