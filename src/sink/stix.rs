//! What a capture shows as a STIX 2.1 bundle: a network-traffic object a service that a device used
//! on the internet, observed data a contact, and for contacts with findings a note with what may be
//! said and an indicator that finds them again. Ids are name-based (UUID version 5), so that the
//! same capture gives the same bundle and two exports do not double each other in MISP.
//!
//! An indicator here says how to recognise a contact, not that it is malicious: its type is
//! `unknown`, and it says whether a person has reviewed it.

use crate::attribution::world::{Contact, Device, Host, Service, Zone};
use crate::base::text::is_host_name;
use crate::base::time::{SECOND, Timestamp};
use crate::finding::{self, Finding};
use crate::snapshot::Snapshot;
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;

/// The namespace of ids of cyber-observable objects (STIX 2.1 §2.9).
const OBSERVABLES: [u8; 16] = [
    0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7,
];
/// The namespace of URLs (RFC 9562 §6.6), under which ours is made.
const URLS: [u8; 16] = [
    0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
];
/// Most that `number_observed` may be.
const OBSERVED_MAX: u64 = 999_999_999;

/// UUID version 5 (RFC 9562 §5.5).
fn uuid(namespace: [u8; 16], name: &str) -> [u8; 16] {
    let mut hash = Sha1::new();
    hash.update(namespace);
    hash.update(name);
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    id[6] = id[6] & 0x0f | 0x50;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

fn spelled(id: [u8; 16]) -> String {
    let hex = crate::base::text::hex(&id);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Id of one of our own statements.
fn own_id(kind: &str, name: &str) -> String {
    let ours = uuid(URLS, "urn:phonehome:stix");
    format!("{kind}--{}", spelled(uuid(ours, &format!("{kind} {name}"))))
}

/// Id of an observable, from the properties that the standard names, in canonical JSON: here keys
/// are sorted and values plain.
fn observable_id(kind: &str, contributing: &Map<String, Value>) -> String {
    let name = Value::Object(contributing.clone()).to_string();
    format!("{kind}--{}", spelled(uuid(OBSERVABLES, &name)))
}

/// With milliseconds, which every reader of STIX takes.
fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{seconds}.{:03}Z", time.0.rem_euclid(SECOND) / 1_000_000)
}

/// A value in single quotes in a pattern.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Writes the bundle.
///
/// # Errors
/// When `out` does not take it.
pub fn write(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let mut bundle = Bundle::new(snapshot);
    for contact in snapshot.contacts.iter().filter(|contact| contact.zone == Zone::Internet) {
        let findings: Vec<&Finding> = snapshot
            .findings
            .iter()
            .filter(|finding| {
                finding.subject.device == contact.device
                    && finding.subject.destination == contact.destination
            })
            .collect();
        let device = snapshot.devices.get(contact.device_index);
        bundle.contact(contact, device, &findings);
    }
    serde_json::to_writer_pretty(&mut *out, &bundle.finish())?;
    writeln!(out)
}

/// Objects in the order in which they were first needed, each once.
struct Bundle {
    objects: Vec<Value>,
    positions: BTreeMap<String, usize>,
    author: String,
    /// When everything here was made: the end of the capture, so that the day of the export does
    /// not matter.
    made: String,
    name: String,
}

impl Bundle {
    fn new(snapshot: &Snapshot) -> Bundle {
        let last = snapshot.inputs.iter().filter_map(|input| input.last).max().unwrap_or_default();
        let first = snapshot.inputs.iter().filter_map(|input| input.first).min();
        let mut bundle = Bundle {
            objects: Vec::new(),
            positions: BTreeMap::new(),
            author: own_id("identity", "phonehome"),
            made: moment(last),
            name: format!(
                "{} {} {}",
                moment(first.unwrap_or_default()),
                moment(last),
                snapshot.coverage.frames.total
            ),
        };
        let author = json!({
            "type": "identity",
            "spec_version": "2.1",
            "id": bundle.author,
            "created": bundle.made,
            "modified": bundle.made,
            "name": "phonehome",
            "description": format!(
                "phonehome {}: made from a capture by a program; reviews by people are said where there are any",
                snapshot.tool.version
            ),
            "identity_class": "system",
        });
        bundle.add(author);
        bundle
    }

    fn add(&mut self, object: Value) -> String {
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        if !self.positions.contains_key(&id) {
            self.positions.insert(id.clone(), self.objects.len());
            self.objects.push(object);
        }
        id
    }

    fn finish(self) -> Value {
        let id = own_id("bundle", &self.name);
        json!({"type": "bundle", "id": id, "objects": self.objects})
    }

    /// An observable whose only contributing property is its value.
    fn valued(&mut self, kind: &str, value: &str) -> String {
        let contributing = Map::from_iter([("value".to_owned(), json!(value))]);
        let id = observable_id(kind, &contributing);
        self.add(json!({"type": kind, "spec_version": "2.1", "id": id, "value": value}))
    }

    fn address(&mut self, address: IpAddr) -> String {
        let kind = if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
        self.valued(kind, &address.to_string())
    }

    /// A name with the addresses that it stood for.
    fn domain(&mut self, name: &str, addresses: &[IpAddr]) -> String {
        let addresses: Vec<String> = addresses.iter().map(|&a| self.address(a)).collect();
        let id = self.valued("domain-name", name);
        let position = self.positions[&id];
        let known = self.objects[position]["resolves_to_refs"].as_array().cloned();
        let mut all = known.unwrap_or_default();
        for address in addresses {
            if !all.contains(&json!(address)) {
                all.push(json!(address));
            }
        }
        self.objects[position]["resolves_to_refs"] = json!(all);
        id
    }

    fn contact(&mut self, contact: &Contact, device: Option<&Device>, findings: &[&Finding]) {
        let source = match device.and_then(|device| device.mac) {
            Some(mac) => self.valued("mac-addr", &mac.to_string()),
            None => match contact.device.strip_prefix("ip:").and_then(|ip| ip.parse().ok()) {
                Some(address) => self.address(address),
                None => return,
            },
        };
        let mut refs = Vec::new();
        let mut patterns = Vec::new();
        for host in &contact.hosts {
            let name =
                host.name.as_ref().map(|name| name.text.as_str()).filter(|n| is_host_name(n));
            let mut ends = Vec::new();
            match name {
                Some(name) => {
                    ends.push(self.domain(name, &host.addresses));
                    patterns.push(format!("[domain-name:value = {}]", quoted(name)));
                }
                None => {
                    for &address in &host.addresses {
                        ends.push(self.address(address));
                        let kind = if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
                        let value = quoted(&address.to_string());
                        patterns.push(format!("[{kind}:value = {value}]"));
                    }
                }
            }
            refs.extend(host.addresses.iter().map(|&address| self.address(address)));
            refs.extend(ends.iter().cloned());
            for service in host.services.iter() {
                for end in &ends {
                    // Counts are of the host; they are not split among addresses without a name.
                    let counted = ends.len() == 1;
                    refs.push(self.traffic(contact, host, service, [&source, end], counted));
                }
            }
        }
        // Who sends stands in the traffic. MISP's importer fails on hardware addresses that are named
        // beside it again.
        if contact.hosts.iter().all(|host| host.services.is_empty()) {
            refs.push(source);
        }
        let mut known = std::collections::BTreeSet::new();
        refs.retain(|id| known.insert(id.clone()));
        let about = format!("{} {} {}", self.name, contact.device, contact.destination);
        let observed = own_id("observed-data", &about);
        let labels: Vec<String> =
            findings.iter().map(|finding| format!("phonehome:{}", finding.id)).collect();
        let mut object = json!({
            "type": "observed-data",
            "spec_version": "2.1",
            "id": observed,
            "created_by_ref": self.author,
            "created": self.made,
            "modified": self.made,
            "first_observed": moment(contact.first),
            "last_observed": moment(contact.last.max(contact.first)),
            "number_observed": contact.flows.clamp(1, OBSERVED_MAX),
            "object_refs": refs,
        });
        if !labels.is_empty() {
            object["labels"] = json!(labels);
        }
        self.add(object);
        if !findings.is_empty() {
            self.notes(findings, device, &observed, &about);
            self.indicator(contact, findings, &patterns, (&observed, &about), &labels);
        }
    }

    fn traffic(
        &mut self,
        contact: &Contact,
        host: &Host,
        service: &Service,
        [source, end]: [&str; 2],
        counted: bool,
    ) -> String {
        let mut protocols = Vec::new();
        match &host.addresses[..] {
            all if all.iter().all(IpAddr::is_ipv4) => protocols.push("ipv4"),
            all if all.iter().all(IpAddr::is_ipv6) => protocols.push("ipv6"),
            _ => {}
        }
        protocols.push(&service.proto);
        // A port alone does not show what is spoken.
        let shown = matches!(service.method, "payload" | "expected");
        if shown && service.protocol != "unknown" && *service.proto != *service.protocol {
            protocols.push(service.protocol);
        }
        let mut object = Map::from_iter([
            ("protocols".to_owned(), json!(protocols)),
            ("src_ref".to_owned(), json!(source)),
            ("dst_ref".to_owned(), json!(end)),
            ("start".to_owned(), json!(moment(contact.first))),
            ("end".to_owned(), json!(moment(contact.last.max(contact.first)))),
        ]);
        if let Some(port) = service.port {
            object.insert("dst_port".to_owned(), json!(port));
        }
        let id = observable_id("network-traffic", &object);
        object.insert("type".to_owned(), json!("network-traffic"));
        object.insert("is_active".to_owned(), json!(false));
        object.insert("spec_version".to_owned(), json!("2.1"));
        object.insert("id".to_owned(), json!(id));
        if counted {
            let traffic = &service.traffic;
            for (key, value) in [
                ("src_byte_count", traffic.wire_bytes[0]),
                ("dst_byte_count", traffic.wire_bytes[1]),
                ("src_packets", traffic.packets[0]),
                ("dst_packets", traffic.packets[1]),
            ] {
                object.insert(key.to_owned(), json!(value));
            }
        }
        self.add(Value::Object(object))
    }

    fn notes(
        &mut self,
        findings: &[&Finding],
        device: Option<&Device>,
        observed: &str,
        about: &str,
    ) {
        for finding in findings {
            let mut content = finding.may_say.clone();
            for limit in &finding.does_not_show {
                content.push_str(&format!("\nIt does not show: {limit}"));
            }
            if let Some(label) = device.and_then(|device| device.label.as_ref()) {
                content.push_str(&format!("\nThe device is called: {label}"));
            }
            match finding.review.told() {
                Some(told) => content.push_str(&format!("\nA person reviewed it: {told}")),
                None => content.push_str("\nNobody has reviewed this finding."),
            }
            let id = own_id("note", &format!("{about} {}", finding.key));
            self.add(json!({
                "type": "note",
                "spec_version": "2.1",
                "id": id,
                "created_by_ref": self.author,
                "created": self.made,
                "modified": self.made,
                "abstract": format!("{} ({}, {})", finding.title, finding.id, finding.level.name()),
                "content": content,
                "labels": [format!("phonehome:{}", finding.id)],
                "object_refs": [observed],
            }));
        }
    }

    fn indicator(
        &mut self,
        contact: &Contact,
        findings: &[&Finding],
        patterns: &[String],
        (observed, about): (&str, &str),
        labels: &[String],
    ) {
        if patterns.is_empty() {
            return;
        }
        let titles: Vec<&str> = findings.iter().map(|finding| finding.title).collect();
        let id = own_id("indicator", about);
        let indicator = json!({
            "type": "indicator",
            "spec_version": "2.1",
            "id": id,
            "created_by_ref": self.author,
            "created": self.made,
            "modified": self.made,
            "name": format!("Contact with {}", contact.destination),
            "description": format!(
                "Recognises contact with this destination; it does not say that the contact is \
                 malicious. Found in one capture: {} ({}).",
                titles.join("; "),
                finding::standing(findings.iter().copied()).unwrap_or_default()
            ),
            "indicator_types": ["unknown"],
            "pattern": patterns.join(" OR "),
            "pattern_type": "stix",
            "valid_from": moment(contact.first),
            "labels": labels,
        });
        self.add(indicator);
        let relationship = own_id("relationship", about);
        self.add(json!({
            "type": "relationship",
            "spec_version": "2.1",
            "id": relationship,
            "created_by_ref": self.author,
            "created": self.made,
            "modified": self.made,
            "relationship_type": "based-on",
            "source_ref": id,
            "target_ref": observed,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_standards() {
        // Python: uuid.uuid5(uuid.NAMESPACE_URL, "http://python.org/").
        let id = spelled(uuid(URLS, "http://python.org/"));
        assert_eq!(id, "4c565f0d-3f5a-5890-b41b-20cf47701c5e");
        // The stix2 library: IPv4Address(value="198.51.100.3").
        let contributing = Map::from_iter([("value".to_owned(), json!("198.51.100.3"))]);
        assert_eq!(
            observable_id("ipv4-addr", &contributing),
            "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
        );
    }

    #[test]
    fn values_cannot_leave_their_quotes() {
        assert_eq!(quoted("a'] OR [x:y = '"), "'a\\'] OR [x:y = \\''");
        assert_eq!(moment(Timestamp(1_700_000_000_123_456_789)), "2023-11-14T22:13:20.123Z");
    }
}
