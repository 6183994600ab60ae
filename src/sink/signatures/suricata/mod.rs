//! As rules for Suricata: an alert says whose a host or a device is.

mod content;
mod said;

use super::{exported, line};
use crate::attribution::Signatures;
use crate::attribution::fact::{FactRef, Table};
use crate::attribution::signature::{Match, Signature, literal_suffix};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// First number of our rules, within the range that Suricata leaves to local rules.
pub const SID_FIRST: u32 = 1_500_000;
/// Last number of our rules.
pub const SID_LAST: u32 = 1_999_999;

/// Writes the rules: DNS and TLS for a name, IP for a network, by content for what flows show and
/// devices say.
pub fn write(all: &Signatures, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# Signatures of phonehome {} as Suricata rules.", env!("CARGO_PKG_VERSION"))?;
    writeln!(
        out,
        "# Numbers {SID_FIRST} to {SID_LAST}. An alert says whose a host or a device is, and no more."
    )?;
    writeln!(
        out,
        "# For Suricata 7; those with ja4.hash need `ja4-fingerprints: yes` of its TLS parser.\n\
         # What no rule can say stands here as left out. Facts of hardware addresses and of\n\
         # companies are in no rule: `phonehome signatures explain ID` has them."
    )?;
    let mut used = BTreeSet::new();
    let mut last = "";
    for (signature, fact) in exported(all) {
        if signature.id != last {
            writeln!(out, "\n# {} ({})", line(&signature.name), signature.id)?;
            last = &signature.id;
        }
        match fact.table {
            Table::Domain => {
                for (protocol, header, buffer) in [
                    ("dns", "dns $HOME_NET any -> any any", "dns.query"),
                    ("tls", "tls $HOME_NET any -> $EXTERNAL_NET any", "tls.sni"),
                ] {
                    let flow = if protocol == "tls" { "flow:established,to_server; " } else { "" };
                    let test = format!("{flow}{buffer}; {}", name(&fact));
                    rule(out, &mut used, signature, &fact, [protocol, header, &test])?;
                }
            }
            Table::Network => {
                let header = format!("ip $HOME_NET any -> {} any", fact.what);
                rule(out, &mut used, signature, &fact, ["ip", &header, ""])?;
            }
            _ => match said::tests(signature, &fact) {
                Ok(tests) => {
                    for said::Test { protocol, header, options } in tests {
                        rule(out, &mut used, signature, &fact, [protocol, &header, &options])?;
                    }
                }
                Err(why) => {
                    let what = line(&fact.what);
                    writeln!(out, "# left out: {what} ({}): {why}", signature.id)?;
                }
            },
        }
    }
    Ok(())
}

fn rule(
    out: &mut dyn Write,
    used: &mut BTreeSet<u32>,
    signature: &Signature,
    fact: &FactRef<'_>,
    [protocol, header, test]: [&str; 3],
) -> io::Result<()> {
    let of_device = matches!(fact.table, Table::Said | Table::Dhcp);
    let role = fact.role.unwrap_or(if of_device { "device" } else { "unknown" });
    let message =
        format!("phonehome {} {role} by {protocol}: {}", line(&signature.name), fact.what);
    let sid = number(used, &[&signature.id, &fact.what, protocol, fact.valid_from.unwrap_or("")]);
    let metadata = format!(
        "signature {}, role {role}, confidence {}, checked {}, source {}",
        signature.id,
        fact.confidence.name(),
        fact.checked,
        word(fact.source)
    );
    writeln!(
        out,
        "alert {header} (msg:\"{}\"; {test}classtype:not-suspicious; metadata:{metadata}; \
         sid:{sid}; rev:1;)",
        quoted(&message)
    )
}

/// The options that compare a name.
fn name(fact: &FactRef<'_>) -> String {
    match fact.matching {
        Some(Match::Suffix) => {
            format!("dotprefix; content:\".{}\"; nocase; endswith; ", fact.what)
        }
        Some(Match::Glob) => {
            let literal = literal_suffix(&fact.what, Match::Glob);
            let expression = fact.what.replace('.', "\\.").replace('-', "\\-");
            let expression = expression.replace('*', "[^.]*");
            format!("content:\".{literal}\"; nocase; endswith; pcre:\"/^{expression}$/i\"; ")
        }
        _ => format!("content:\"{}\"; nocase; bsize:{}; ", fact.what, fact.what.len()),
    }
}

/// A number from what the rule is about, so that it stays when others come and go; the next free
/// one where two meet.
fn number(used: &mut BTreeSet<u32>, about: &[&str]) -> u32 {
    let digest = Sha256::digest(about.join("\0").as_bytes());
    let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let count = SID_LAST - SID_FIRST + 1;
    let mut offset = hash % count;
    while !used.insert(SID_FIRST + offset) {
        offset = (offset + 1) % count;
    }
    SID_FIRST + offset
}

/// What a rule may hold between quotes.
fn quoted(text: &str) -> String {
    text.chars()
        .map(|c| if matches!(c, '"' | ';' | '\\') || !c.is_ascii() { ' ' } else { c })
        .collect()
}

/// What a metadata value may hold: pairs are parted by commas, options by semicolons.
fn word(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "/._@-".contains(c) { c } else { ' ' };
    let text: String = line(text).chars().map(plain).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
