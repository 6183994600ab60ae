//! Flows and exchanges as Zeek writes them with `LogAscii::use_json=T`: `conn.log`, `dns.log`,
//! `http.log` and `ssl.log` in one folder, with Zeek's names and types. What cannot be known from
//! what we read is absent, as an unset field is in Zeek.

use super::Spelling;
use super::exchange::{Dns, Exchange, Exchanges, Handshake, Http, Said, code_name, record_name};
use super::jsonl::line;
use crate::attribution::record::FlowRecord;
use crate::attribution::world::Zone;
use crate::base::time::Timestamp;
use crate::flow::{Cite, Head, Side};
use crate::protocol::Fact;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::path::Path;

/// See the module.
pub struct Zeek {
    conn: BufWriter<File>,
    events: Events,
}

struct Events {
    exchanges: Exchanges,
    logs: Logs,
}

struct Logs {
    dns: BufWriter<File>,
    http: BufWriter<File>,
    ssl: BufWriter<File>,
}

impl Zeek {
    /// Names of the logs.
    pub const LOGS: [&str; 4] = ["conn.log", "dns.log", "http.log", "ssl.log"];

    /// Writes into a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When folder or files cannot be made.
    pub fn create(folder: &Path) -> io::Result<Zeek> {
        std::fs::create_dir_all(folder)?;
        let log = |name: &str| Ok::<_, io::Error>(BufWriter::new(File::create(folder.join(name))?));
        let logs = Logs { dns: log("dns.log")?, http: log("http.log")?, ssl: log("ssl.log")? };
        Ok(Zeek {
            conn: log("conn.log")?,
            events: Events { exchanges: Exchanges::default(), logs },
        })
    }
}

/// Seconds since 1970 with microseconds, as Zeek writes them.
struct Seconds(i64);

impl Serialize for Seconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Rounded to microseconds first, so that the shortest spelling of the number has no more.
        let micros = self.0.div_euclid(1000);
        serializer.serialize_f64(micros as f64 / 1e6)
    }
}

impl From<Timestamp> for Seconds {
    fn from(time: Timestamp) -> Seconds {
        Seconds(time.0)
    }
}

/// Who talks to whom, in front of every line.
#[derive(Serialize)]
struct Ends {
    ts: Seconds,
    uid: String,
    #[serde(rename = "id.orig_h")]
    orig_h: IpAddr,
    #[serde(rename = "id.orig_p")]
    orig_p: u16,
    #[serde(rename = "id.resp_h")]
    resp_h: IpAddr,
    #[serde(rename = "id.resp_p")]
    resp_p: u16,
}

impl Ends {
    fn of(said: &Said) -> Ends {
        let Head { key, initiator, first, first_frame, .. } = said.head;
        let [orig, resp] = [initiator, initiator.other()].map(|side| key.address(side));
        Ends {
            ts: said.cite.time.into(),
            uid: uid(first_frame, first, [orig, resp]),
            orig_h: orig,
            orig_p: key.port(initiator).unwrap_or_default(),
            resp_h: resp,
            resp_p: key.port(initiator.other()).unwrap_or_default(),
        }
    }

    fn of_record(record: &FlowRecord, time: Timestamp) -> Ends {
        let icmp = |number: Option<u8>| number.map(u16::from);
        Ends {
            ts: time.into(),
            uid: uid(record.frames[0], record.first, [record.src, record.dst]),
            orig_h: record.src,
            orig_p: record.src_port.or(icmp(record.icmp_type)).unwrap_or_default(),
            resp_h: record.dst,
            resp_p: record.dst_port.or(icmp(record.icmp_code)).unwrap_or_default(),
        }
    }
}

/// Zeek's are random; ours are the same in every run: `C` and 17 digits of base 62.
fn uid(first_frame: u64, first: Timestamp, mut ends: [IpAddr; 2]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    ends.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(first_frame.to_be_bytes());
    hash.update(first.0.to_be_bytes());
    hash.update(format!("{} {}", ends[0], ends[1]));
    let digest = hash.finalize();
    let mut number =
        digest[..16].iter().fold(0, |number: u128, &byte| number << 8 | u128::from(byte));
    let mut uid = String::from("C");
    for _ in 0..17 {
        uid.push(char::from(DIGITS[(number % 62) as usize]));
        number /= 62;
    }
    uid
}

#[derive(Serialize)]
struct Conn<'r> {
    #[serde(flatten)]
    ends: Ends,
    proto: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Seconds>,
    orig_bytes: u64,
    resp_bytes: u64,
    conn_state: &'r str,
    local_orig: bool,
    local_resp: bool,
    missed_bytes: u64,
    history: String,
    orig_pkts: u64,
    orig_ip_bytes: u64,
    resp_pkts: u64,
    resp_ip_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner_vlan: Option<u16>,
    community_id: &'r str,
}

impl<'r> Conn<'r> {
    fn of(record: &'r FlowRecord) -> Conn<'r> {
        let [orig, resp] = record.packets.map(|packets| packets > 0);
        let state = record.state.unwrap_or(match (orig, resp) {
            (true, true) => "SF",
            (true, false) => "S0",
            (false, true) => "SHR",
            (false, false) => "OTH",
        });
        let letters = || {
            let data = [record.payload_bytes[0] > 0, record.payload_bytes[1] > 0];
            ["D", "d"].into_iter().zip(data).filter_map(|(l, has)| has.then_some(l)).collect()
        };
        // By sequence numbers, as Zeek counts: what was not captured included.
        let bytes = |way: usize| match record.state {
            Some(_) => record.delivered_bytes[way] + record.missed_bytes[way],
            None => record.payload_bytes[way],
        };
        let lasted = record.last.since(record.first);
        Conn {
            ends: Ends::of_record(record, record.first),
            proto: match &*record.proto {
                "tcp" => "tcp",
                "udp" => "udp",
                "icmp" | "ipv6-icmp" | "icmpv6" => "icmp",
                _ => "unknown_transport",
            },
            service: service(record),
            duration: (record.packets[0] + record.packets[1] > 1).then_some(Seconds(lasted)),
            orig_bytes: bytes(0),
            resp_bytes: bytes(1),
            conn_state: state,
            local_orig: record.zones[0] != Zone::Internet,
            local_resp: record.zones[1] != Zone::Internet,
            missed_bytes: record.missed_bytes.iter().sum(),
            history: record.history.clone().unwrap_or_else(letters),
            orig_pkts: record.packets[0],
            orig_ip_bytes: record.ip_bytes[0],
            resp_pkts: record.packets[1],
            resp_ip_bytes: record.ip_bytes[1],
            vlan: record.vlan.first().copied(),
            inner_vlan: record.vlan.get(1).copied(),
            community_id: &record.community_id,
        }
    }
}

/// Zeek's word for what the payload shows; a port alone gives none.
fn service(record: &FlowRecord) -> Option<&'static str> {
    if !matches!(record.label.method, "payload" | "expected") {
        return None;
    }
    match record.label.protocol {
        "unknown" => None,
        "tls" => Some("ssl"),
        "mdns" | "llmnr" => Some("dns"),
        "ftp-control" => Some("ftp"),
        other => Some(other),
    }
}

#[derive(Serialize)]
struct DnsLine {
    #[serde(flatten)]
    ends: Ends,
    proto: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trans_id: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qclass: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qclass_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qtype: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qtype_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rcode: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rcode_name: Option<&'static str>,
    #[serde(rename = "AA")]
    aa: bool,
    #[serde(rename = "TC")]
    tc: bool,
    #[serde(rename = "RD")]
    rd: bool,
    #[serde(rename = "RA")]
    ra: bool,
    #[serde(rename = "Z")]
    z: u16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    answers: Vec<String>,
    #[serde(rename = "TTLs", skip_serializing_if = "Vec::is_empty")]
    ttls: Vec<f64>,
    rejected: bool,
}

impl DnsLine {
    fn of(said: &Said, dns: Dns) -> DnsLine {
        let flag = |bit: u16| dns.flags & bit != 0;
        let answered = dns.answer.is_some();
        // The aliases of a chain come without their own time to live: unset for all then.
        let timed = dns.answers.iter().all(|(_, kind, ..)| *kind != 5);
        let ttls = dns.answers.iter().filter(|_| timed).map(|(.., ttl)| f64::from(*ttl));
        let question = dns.question.as_ref();
        DnsLine {
            ends: Ends::of(said),
            proto: if said.head.key.protocol == crate::protocol::TCP { "tcp" } else { "udp" },
            trans_id: dns.id,
            rtt: dns.answer.filter(|_| dns.asked).map(|a| Seconds(a.time.since(said.cite.time))),
            query: question.map(|(name, _)| name.clone()),
            qclass: question.map(|_| 1),
            qclass_name: question.map(|_| "C_INTERNET"),
            qtype: question.map(|(_, kind)| *kind),
            qtype_name: question.map(|(_, kind)| record_name(*kind)),
            rcode: answered.then_some(dns.flags & 15),
            rcode_name: answered.then(|| code_name(dns.flags)),
            aa: answered && flag(0x0400),
            tc: flag(0x0200),
            rd: flag(0x0100),
            ra: answered && flag(0x0080),
            z: dns.flags >> 4 & 7,
            ttls: ttls.collect(),
            rejected: answered && matches!(dns.flags & 15, 1..=5) && dns.answers.is_empty(),
            answers: dns.answers.into_iter().map(|(_, _, data, _)| data).collect(),
        }
    }
}

#[derive(Serialize)]
struct HttpLine {
    #[serde(flatten)]
    ends: Ends,
    trans_depth: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    method: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    host: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    uri: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user_agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    tags: [&'static str; 0],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resp_mime_types: Vec<String>,
}

impl HttpLine {
    fn of(said: &Said, http: Http) -> HttpLine {
        let kind = http.content_type.split(';').next().unwrap_or_default().trim();
        HttpLine {
            ends: Ends::of(said),
            trans_depth: http.depth,
            method: http.method,
            host: http.host,
            uri: http.target,
            version: http.version,
            user_agent: http.agent,
            status_code: http.status,
            tags: [],
            resp_mime_types: (!kind.is_empty()).then(|| kind.to_owned()).into_iter().collect(),
        }
    }
}

#[derive(Serialize)]
struct SslLine<'r> {
    #[serde(flatten)]
    ends: Ends,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cipher: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_alert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_protocol: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ja3: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ja4: Option<&'r str>,
}

/// `TLS 1.2` as Zeek spells it: `TLSv12`.
fn version(name: &str) -> String {
    match name.split_once(' ') {
        Some((family, number)) => format!("{family}v{}", number.replace('.', "")),
        None => name.to_owned(),
    }
}

impl Events {
    fn ended(&mut self, record: &FlowRecord) -> io::Result<()> {
        let mut failure = Ok(());
        let logs = &mut self.logs;
        let handshake = self.exchanges.ended(record.frames[0], &mut |said, exchange| {
            let done = logs.write(&said, exchange);
            if failure.is_ok() {
                failure = done;
            }
        });
        failure?;
        match handshake {
            Some(handshake) if handshake.begun.is_some() => self.logs.ssl(record, handshake),
            _ => Ok(()),
        }
    }
}

impl Logs {
    fn write(&mut self, said: &Said, exchange: Exchange) -> io::Result<()> {
        match exchange {
            Exchange::Dns(dns) => line(&mut self.dns, &DnsLine::of(said, dns)),
            Exchange::Http(http) => line(&mut self.http, &HttpLine::of(said, http)),
            Exchange::Dhcp(_) => Ok(()),
        }
    }

    fn ssl(&mut self, record: &FlowRecord, handshake: Handshake) -> io::Result<()> {
        let time = handshake.begun.unwrap_or(record.first);
        let ssl = SslLine {
            ends: Ends::of_record(record, time),
            version: handshake.version.as_deref().map(version),
            cipher: handshake.cipher,
            server_name: record.sni.as_deref(),
            last_alert: handshake.alert,
            next_protocol: record.alpn.as_deref(),
            subject: handshake.subject,
            ja3: record.ja3.as_deref(),
            ja4: record.ja4.as_deref(),
        };
        line(&mut self.ssl, &ssl)
    }
}

impl Spelling for Zeek {
    fn record(&mut self, record: &FlowRecord) -> io::Result<()> {
        self.events.ended(record)?;
        line(&mut self.conn, &Conn::of(record))
    }

    fn said(&mut self, head: &Head, _: Side, cite: Cite, fact: &Fact<'_>) -> io::Result<()> {
        let Events { exchanges, logs } = &mut self.events;
        let mut done = Ok(());
        exchanges.said(head, cite, fact, &mut |said, exchange| {
            let written = logs.write(&said, exchange);
            if done.is_ok() {
                done = written;
            }
        });
        done
    }

    fn finish(&mut self) -> io::Result<()> {
        let Logs { dns, http, ssl } = &mut self.events.logs;
        [&mut self.conn, dns, http, ssl].into_iter().try_for_each(Write::flush)
    }

    fn lost(&self) -> u64 {
        self.events.exchanges.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::SECOND;

    #[test]
    fn names_and_numbers_as_zeek_writes_them() {
        assert_eq!(version("TLS 1.2"), "TLSv12");
        let time = Seconds(1_700_000_000 * SECOND + 123_456_789);
        assert_eq!(serde_json::to_string(&time).unwrap(), "1700000000.123456");
        let ends = ["192.0.2.1", "10.0.0.1"].map(|end| end.parse().unwrap());
        let one = uid(5, Timestamp(7), ends);
        assert_eq!((one.len(), one.as_bytes()[0]), (18, b'C'));
        assert_eq!(one, uid(5, Timestamp(7), [ends[1], ends[0]]));
        assert_ne!(one, uid(6, Timestamp(7), ends));
    }
}
