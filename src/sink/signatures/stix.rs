//! As a STIX 2.1 bundle. An indicator here says whose a name is, not that anything is wrong with
//! it: its type is `attribution`.

use super::seen::{Glob, Seen, seen};
use super::{exported, line};
use crate::attribution::Signatures;
use crate::attribution::fact::{FactRef, Table};
use crate::attribution::signature::{Confidence, Match, Signature};
use crate::base::text::hex;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use std::io::{self, Write};

/// Our own namespace of RFC 9562, 16 arbitrary bytes that never change.
const NAMESPACE: [u8; 16] = [
    0x5c, 0x1e, 0x0b, 0x7a, 0x6d, 0x2f, 0x4c, 0x61, 0x9d, 0x33, 0x70, 0x68, 0x6f, 0x6e, 0x65, 0x68,
];

/// Writes the bundle.
pub fn write(all: &Signatures, out: &mut dyn Write) -> io::Result<()> {
    let facts = exported(all);
    let oldest = facts.iter().map(|(_, fact)| fact.checked).min().unwrap_or("2026-01-01");
    let maker = format!("identity--{}", uuid("identity"));
    let made = time(oldest);
    let mut objects = vec![json!({
        "type": "identity", "spec_version": "2.1", "id": maker, "created": made, "modified": made,
        "name": "phonehome", "identity_class": "system",
        "description": "Sourced facts about who runs which host; not a statement of wrongdoing",
    })];
    let mut left_out = Vec::new();
    for (signature, fact) in &facts {
        match pattern(signature, fact) {
            Ok(pattern) => objects.push(indicator(signature, fact, &pattern, &maker)),
            Err(why) => {
                left_out.push(format!("{} ({}): {why}", line(&fact.what), signature.id));
            }
        }
    }
    if !left_out.is_empty() {
        objects.push(json!({
            "type": "note", "spec_version": "2.1", "id": format!("note--{}", uuid("left out")),
            "created_by_ref": maker, "created": made, "modified": made,
            "abstract": "Facts that no pattern here says, and why",
            "content": left_out.join("\n"), "object_refs": [maker],
        }));
    }
    let name = all.sha256();
    let bundle =
        json!({"type": "bundle", "id": format!("bundle--{}", uuid(&name)), "objects": objects});
    serde_json::to_writer_pretty(&mut *out, &bundle)?;
    writeln!(out)
}

fn indicator(signature: &Signature, fact: &FactRef<'_>, pattern: &str, maker: &str) -> Value {
    let of_device = matches!(fact.table, Table::Said | Table::Dhcp);
    let matching = fact.matching.map_or(fact.table.name(), Match::name);
    let validity = [fact.valid_from, fact.valid_to].map(Option::unwrap_or_default);
    let key = format!("{}|{matching}|{}|{}|{}", signature.id, fact.what, validity[0], validity[1]);
    let checked = time(fact.checked);
    let role = fact.role.unwrap_or(if of_device { "device" } else { "unknown" });
    let whose = if of_device { "A device" } else { "A host" };
    let mut description = fact.note.map(line).unwrap_or_else(|| {
        format!(
            "{whose} of {}; says whose it is, not that anything is wrong",
            line(&signature.name)
        )
    });
    // Of a name or an address the pattern is the fact.
    if !matches!(fact.table, Table::Domain | Table::Network) {
        description = format!("{}. {description}", line(&fact.what));
    }
    let mut value = json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{}", uuid(&key)),
        "created_by_ref": maker, "created": checked, "modified": checked,
        "name": format!("{}: {role}", line(&signature.name)),
        "description": description,
        "indicator_types": ["attribution"],
        "pattern": pattern, "pattern_type": "stix",
        "valid_from": time(fact.valid_from.unwrap_or(fact.checked)),
        "labels": [
            format!("signature:{}", signature.id),
            format!("role:{role}"),
            format!("confidence:{}", fact.confidence.name()),
            format!("checked:{}", fact.checked),
        ],
        "confidence": match fact.confidence { Confidence::Documented => 85, Confidence::Observed => 65 },
        "external_references": [{"source_name": "source of the fact", "description": line(fact.source)}],
    });
    // "Last day" of ours, "no longer from then on" of theirs.
    if let Some(to) = fact.valid_to {
        value["valid_until"] = json!(format!("{to}T23:59:59.999Z"));
    }
    value
}

/// The pattern of a fact, or why there is none.
fn pattern(signature: &Signature, fact: &FactRef<'_>) -> Result<String, &'static str> {
    let text = literal(&fact.what);
    Ok(match (fact.table, fact.matching) {
        (Table::Network, _) => {
            let kind = if fact.what.contains(':') { "ipv6-addr" } else { "ipv4-addr" };
            if fact.what.contains('/') {
                format!("[{kind}:value ISSUBSET '{text}']")
            } else {
                format!("[{kind}:value = '{text}']")
            }
        }
        (Table::Domain, Some(Match::Suffix)) => {
            format!("[domain-name:value = '{text}' OR domain-name:value LIKE '%.{text}']")
        }
        (Table::Domain, Some(Match::Glob)) => {
            let expression = fact.what.replace('.', "\\\\.").replace('*', "[^.]*");
            format!("[domain-name:value MATCHES '^{expression}$']")
        }
        (Table::Domain, _) => format!("[domain-name:value = '{text}']"),
        _ => return said(signature, fact),
    })
}

/// The same of what flows show and devices say.
fn said(signature: &Signature, fact: &FactRef<'_>) -> Result<String, &'static str> {
    match seen(signature, fact).ok_or("cannot be read")? {
        Seen::Begins { transport, ports, runs, .. } => {
            let mut tests = Vec::new();
            tests.extend(transport.map(|t| format!("network-traffic:protocols[*] = '{t}'")));
            let [port] = ports else {
                return match ports {
                    [] => Ok(begins(tests, &runs)),
                    _ => Err("a pattern for several ports would be ambiguous"),
                };
            };
            tests.push(format!("network-traffic:dst_port = {port}"));
            Ok(begins(tests, &runs))
        }
        Seen::Text { fact: "tls.certificate_holder", value } => {
            Ok(format!("[x509-certificate:subject MATCHES '{}']", expression(&value)))
        }
        Seen::Text { fact: "tls.certificate_issuer", value } => {
            Ok(format!("[x509-certificate:issuer MATCHES '{}']", expression(&value)))
        }
        Seen::Text { fact: "mdns.service", value } => {
            Ok(format!("[domain-name:value MATCHES '{}']", expression(&value)))
        }
        Seen::Text { .. } | Seen::Dhcp { .. } => Err("no object of STIX 2.1 has a property for it"),
        Seen::Spoken => Err("only phonehome's dissectors know the protocol"),
    }
}

/// Traffic whose payload has these bytes at these places (STIX 2.1 §9.6: binary values are compared
/// byte for byte).
fn begins(mut tests: Vec<String>, runs: &[(usize, Vec<u8>)]) -> String {
    let mut place = 0;
    let mut bytes = String::from("^");
    for (at, run) in runs {
        if *at > place {
            bytes.push_str(&format!("[\\\\x00-\\\\xff]{{{}}}", at - place));
        }
        bytes.extend(run.iter().map(|byte| format!("\\\\x{byte:02x}")));
        place = at + run.len();
    }
    tests.push(format!("network-traffic:src_payload_ref.payload_bin MATCHES '{bytes}'"));
    format!("[{}]", tests.join(" AND "))
}

/// As a regular expression within a string of a pattern.
fn expression(value: &Glob<'_>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " =,_-".contains(c);
    let piece = |piece: &&str| {
        let escaped: String = piece
            .chars()
            .map(|c| if plain(c) { c.to_string() } else { format!("\\{c}") })
            .collect();
        literal(&escaped)
    };
    let pieces: Vec<String> = value.pieces.iter().map(piece).collect();
    let starts = if value.starts { "^" } else { "" };
    let ends = if value.ends { "$" } else { "" };
    format!("(?i){starts}{}{ends}", pieces.join(".*"))
}

/// As a string of a pattern.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

fn time(day: &str) -> String {
    format!("{day}T00:00:00.000Z")
}

/// Version 5 of RFC 9562: the same name gives the same id.
fn uuid(name: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(NAMESPACE);
    hash.update(name.as_bytes());
    let digest = hash.finalize();
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}
