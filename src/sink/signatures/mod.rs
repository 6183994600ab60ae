//! Signatures in the forms of other programs. Every form carries source, confidence and the day on
//! which somebody last looked, says nothing of motives, and is the same on every run. What a form
//! cannot say stands in it as left out, with the reason.

mod hosts;
mod list;
mod seen;
mod stix;
mod suricata;

pub use suricata::{SID_FIRST, SID_LAST};

use crate::attribution::Signatures;
use crate::attribution::fact::{FactRef, Table, facts};
use crate::attribution::signature::Signature;
use crate::base::text::safe;
use std::io::{self, Write};

/// A form of export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Rules for Suricata.
    Suricata,
    /// A STIX 2.1 bundle.
    Stix,
    /// A hosts file.
    Hosts,
    /// One line a fact, columns parted by tabs.
    List,
}

/// Writes the facts that a network shows: names and addresses, what flows show, what devices say.
/// Fictional vendors and withdrawn facts are left out.
///
/// # Errors
/// When the output cannot be written.
pub fn write(all: &Signatures, form: Form, out: &mut dyn Write) -> io::Result<()> {
    match form {
        Form::Suricata => suricata::write(all, out),
        Form::Stix => stix::write(all, out),
        Form::Hosts => hosts::write(all, out),
        Form::List => list::write(all, out),
    }
}

/// Explains a signature: all of its facts with their sources.
#[must_use]
pub fn explain(signature: &Signature) -> String {
    let kind = format!("{:?}", signature.kind).to_lowercase();
    let mut text = format!("{} ({}), {kind}\n", safe(signature.name.as_bytes()), signature.id);
    if signature.fictional {
        text.push_str("  made up, for the bundled captures\n");
    }
    let mut tell = |what: &str, value: Option<&str>| {
        if let Some(value) = value {
            text.push_str(&format!("  {what}: {}\n", safe(value.as_bytes())));
        }
    };
    let brands = signature.brands.join(", ");
    tell("brands", Some(brands.as_str()).filter(|brands| !brands.is_empty()));
    tell("note", signature.note.as_deref());
    if signature.operator.is_none() {
        tell("operator", Some("not established"));
    }
    for fact in facts(signature) {
        let how = fact.matching.map_or(String::new(), |matching| format!(" ({})", matching.name()));
        let role = fact.role.map_or(String::new(), |role| format!(", {role}"));
        text.push_str(&format!(
            "\n{}: {}{how}{role}\n",
            fact.table.name(),
            safe(fact.what.as_bytes())
        ));
        for (what, value) in [
            ("operated by", fact.operator),
            ("region", fact.region),
            ("holds from", fact.valid_from),
            ("holds to", fact.valid_to),
            ("WITHDRAWN", fact.withdrawn),
            ("note", fact.note),
            ("source", Some(fact.source)),
        ] {
            if let Some(value) = value {
                text.push_str(&format!("  {what}: {}\n", safe(value.as_bytes())));
            }
        }
        text.push_str(&format!("  {}, checked {}\n", fact.confidence.name(), fact.checked));
    }
    text
}

/// What is exported, in the order of ids and of the files.
fn exported(all: &Signatures) -> Vec<(&Signature, FactRef<'_>)> {
    let mut signatures: Vec<&Signature> =
        all.all().iter().filter(|signature| !signature.fictional).collect();
    signatures.sort_by(|a, b| a.id.cmp(&b.id));
    let shown = |fact: &FactRef<'_>| {
        // Companies are seen by nobody; of hardware addresses a registrant's name is known alone.
        let unseen = matches!(fact.table, Table::Operator | Table::Ownership | Table::Oui);
        !unseen && fact.withdrawn.is_none()
    };
    signatures
        .into_iter()
        .flat_map(|signature| facts(signature).into_iter().map(move |fact| (signature, fact)))
        .filter(|(_, fact)| shown(fact))
        .collect()
}

/// Printable, in one line.
fn line(text: &str) -> String {
    safe(text.as_bytes()).replace(['\n', '\r', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(form: Form) -> String {
        let all = Signatures::embedded().unwrap();
        let mut out = Vec::new();
        write(&all, form, &mut out).unwrap();
        let mut again = Vec::new();
        write(&Signatures::embedded().unwrap(), form, &mut again).unwrap();
        assert!(out == again, "the same on every run");
        String::from_utf8(out).unwrap()
    }

    /// Splits a rule's options as Suricata does: at `;` that no backslash precedes.
    fn options(rule: &str) -> Vec<String> {
        let (_, options) = rule.split_once(" (").unwrap();
        let options = options.strip_suffix(')').unwrap();
        let mut all = vec![String::new()];
        let mut escaped = false;
        for character in options.chars() {
            match character {
                ';' if !escaped => all.push(String::new()),
                _ => all.last_mut().unwrap().push(character),
            }
            escaped = character == '\\' && !escaped;
        }
        assert_eq!(all.pop().as_deref(), Some(""), "{rule}");
        all.iter().map(|option| option.trim().to_owned()).collect()
    }

    #[test]
    fn suricata_rules_keep_to_the_grammar_and_to_our_numbers() {
        let text = export(Form::Suricata);
        let mut sids = std::collections::BTreeSet::new();
        let rules = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        for rule in rules {
            let header: Vec<&str> = rule.split(" (").next().unwrap().split(' ').collect();
            let [action, protocol, from, from_port, arrow, to, to_port] = header[..] else {
                panic!("{rule}");
            };
            // A device that has no address yet asks for one.
            let asks = protocol == "udp" && (from, from_port, to_port) == ("any", "68", "67");
            assert!(asks || (from, from_port) == ("$HOME_NET", "any"), "{rule}");
            assert!(action == "alert" && ["->", "<>"].contains(&arrow), "{rule}");
            let known = ["dns", "tls", "ip", "tcp", "udp", "mqtt", "sip", "http"];
            assert!(known.contains(&protocol), "{rule}");
            assert!(to == "any" || to == "$EXTERNAL_NET" || protocol == "ip", "{rule}");
            assert!(to_port == "any" || ["tcp", "udp"].contains(&protocol), "{rule}");
            let options = options(rule);
            let value = |key: &str| {
                let of = options.iter().filter_map(|option| option.split_once(':'));
                of.filter(|(k, _)| *k == key).map(|(_, v)| v.to_owned()).collect::<Vec<_>>()
            };
            let [sid] = &value("sid")[..] else { panic!("{rule}") };
            let sid: u32 = sid.parse().unwrap();
            assert!((SID_FIRST..=SID_LAST).contains(&sid) && sids.insert(sid), "{rule}");
            assert_eq!(value("rev").len(), 1, "{rule}");
            assert!(value("msg")[0].starts_with('"') && value("msg")[0].ends_with('"'));
            for pair in value("metadata")[0].split(", ") {
                assert!(pair.split_once(' ').is_some(), "{pair}");
            }
            assert!(value("metadata")[0].contains("source "), "{rule}");
        }
        assert!(sids.len() > 800, "{}", sids.len());
    }

    #[test]
    fn every_form_tells_source_and_confidence_and_no_fiction() {
        for form in [Form::Suricata, Form::Stix, Form::Hosts, Form::List] {
            let text = export(form);
            assert!(text.contains("litedev.ezvizlife.com"), "{form:?}");
            assert!(text.contains("observed") && text.contains("pyEzvizApi"), "{form:?}");
            assert!(!text.contains("exempla"), "{form:?}");
        }
    }

    #[test]
    fn what_flows_show_and_devices_say_is_told_or_said_to_be_left_out() {
        let all = Signatures::embedded().unwrap();
        let tables = [Table::Flow, Table::Said, Table::Dhcp];
        let facts: Vec<_> =
            exported(&all).into_iter().filter(|(_, fact)| tables.contains(&fact.table)).collect();
        assert!(facts.len() > 50, "{}", facts.len());
        for form in [Form::Suricata, Form::Stix, Form::Hosts, Form::List] {
            let text = export(form);
            for (signature, fact) in &facts {
                let told = text.contains(&*fact.what) && text.contains(&signature.id);
                assert!(told, "{form:?}: {} {}", signature.id, fact.what);
            }
        }
    }

    #[test]
    fn stix_ids_are_not_repeated() {
        let bundle: serde_json::Value = serde_json::from_str(&export(Form::Stix)).unwrap();
        let objects = bundle["objects"].as_array().unwrap();
        let ids: std::collections::BTreeSet<_> =
            objects.iter().map(|object| object["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), objects.len());
        assert!(objects.len() > 500);
    }

    #[test]
    fn an_explanation_tells_every_source() {
        let all = Signatures::embedded().unwrap();
        let signature = all.all().iter().find(|signature| signature.id == "ezviz").unwrap();
        let text = explain(signature);
        assert_eq!(text.matches("  source: ").count(), facts(signature).len());
        assert!(text.contains("domain: ys7.com (suffix), suffix"));
    }
}
