//! What frames without IP say of their senders is what tshark reads in them.

mod common;

use common::{places, program, tshark};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Our fact and tshark's field.
const FACTS: [(&str, &str); 9] = [
    ("goose.control_block", "goose.gocbRef"),
    ("goose.data_set", "goose.datSet"),
    ("goose.id", "goose.goID"),
    ("lldp.chassis", "lldp.chassis.id.mac"),
    ("lldp.name", "lldp.tlv.system.name"),
    ("lldp.description", "lldp.tlv.system.desc"),
    ("cdp.device_id", "cdp.deviceid"),
    ("cdp.platform", "cdp.platform"),
    ("eap.identity", "eap.identity"),
];

/// With how many different things they say.
const CAPTURES: [(&str, usize); 6] = [
    ("ics_iti/IEC61850__Sample_File_MMS_and_GOOSE.pcap", 9),
    ("arkime/wireshark-lldp.pcap", 7),
    ("zeek/lldp.pcap", 3),
    ("malcolm/BSAP.pcap", 6),
    ("tcpdump/eapon1.pcap", 1),
    ("ndpi/starcraft_battle.pcap", 1),
];

/// Sender, fact and value.
type Told = BTreeSet<(String, String, String)>;

fn by_tshark(capture: &Path) -> Told {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(capture);
    command.args(["-Y", "goose || lldp || cdp || eap.code == 2", "-T", "fields"]);
    command.args(["-E", "occurrence=f", "-e", "eth.src"]);
    FACTS.iter().for_each(|(_, field)| {
        command.args(["-e", field]);
    });
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let mut told = Told::new();
    for line in text.lines() {
        let mut values = line.split('\t');
        let sender = values.next().unwrap();
        let there = FACTS.iter().zip(values).filter(|(_, value)| !value.is_empty());
        told.extend(there.map(|((fact, _), value)| {
            (sender.to_owned(), (*fact).to_owned(), value.trim_end().to_owned())
        }));
    }
    told
}

fn by_us(capture: &Path) -> Told {
    let json = program::analyze(capture).json();
    let mut told = Told::new();
    for device in json["devices"].as_array().unwrap() {
        let id = device["id"].as_str().unwrap();
        for said in device["identities"].as_array().into_iter().flatten() {
            let fact = said["fact"].as_str().unwrap();
            if FACTS.iter().any(|(known, ..)| *known == fact) {
                let sender = id.strip_prefix("mac:").unwrap_or(id).to_owned();
                told.insert((sender, fact.to_owned(), said["text"].as_str().unwrap().to_owned()));
            }
        }
    }
    told
}

#[test]
fn senders_say_what_tshark_reads() {
    let Some(shared) = places::shared() else { return };
    if !tshark::is_there() {
        return;
    }
    for (name, count) in CAPTURES {
        let capture = shared.join(name);
        let told = by_us(&capture);
        assert_eq!(told, by_tshark(&capture), "{name}");
        assert_eq!(told.len(), count, "{name}: {told:#?}");
    }
}
