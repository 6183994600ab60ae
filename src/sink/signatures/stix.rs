//! As a STIX 2.1 bundle. An indicator here says whose a name is, not that anything is wrong with
//! it: its type is `attribution`.

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
    objects.extend(facts.iter().map(|(signature, fact)| indicator(signature, fact, &maker)));
    let name = all.sha256();
    let bundle =
        json!({"type": "bundle", "id": format!("bundle--{}", uuid(&name)), "objects": objects});
    serde_json::to_writer_pretty(&mut *out, &bundle)?;
    writeln!(out)
}

fn indicator(signature: &Signature, fact: &FactRef<'_>, maker: &str) -> Value {
    let matching = fact.matching.map_or("network", Match::name);
    let validity = [fact.valid_from, fact.valid_to].map(Option::unwrap_or_default);
    let key = format!("{}|{matching}|{}|{}|{}", signature.id, fact.what, validity[0], validity[1]);
    let checked = time(fact.checked);
    let role = fact.role.unwrap_or("unknown");
    let mut value = json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{}", uuid(&key)),
        "created_by_ref": maker, "created": checked, "modified": checked,
        "name": format!("{}: {role}", line(&signature.name)),
        "description": fact.note.map(line).unwrap_or_else(|| format!(
            "A host of {}; says whose it is, not that anything is wrong", line(&signature.name)
        )),
        "indicator_types": ["attribution"],
        "pattern": pattern(fact), "pattern_type": "stix",
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

fn pattern(fact: &FactRef<'_>) -> String {
    let text = fact.what.replace('\\', "\\\\").replace('\'', "\\'");
    match (fact.table, fact.matching) {
        (Table::Network, _) => {
            let kind = if fact.what.contains(':') { "ipv6-addr" } else { "ipv4-addr" };
            if fact.what.contains('/') {
                format!("[{kind}:value ISSUBSET '{text}']")
            } else {
                format!("[{kind}:value = '{text}']")
            }
        }
        (_, Some(Match::Suffix)) => {
            format!("[domain-name:value = '{text}' OR domain-name:value LIKE '%.{text}']")
        }
        (_, Some(Match::Glob)) => {
            let expression = fact.what.replace('.', "\\\\.").replace('*', "[^.]*");
            format!("[domain-name:value MATCHES '^{expression}$']")
        }
        _ => format!("[domain-name:value = '{text}']"),
    }
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
