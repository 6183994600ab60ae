use crate::common::{places, program};
use crate::{camera, python, scripted};
use serde_json::Value;
use std::collections::BTreeSet;

fn bundle(capture: &std::path::Path, more: &[&str]) -> Vec<u8> {
    let mut arguments = vec!["export", "--format", "stix", capture.to_str().unwrap()];
    arguments.extend(more);
    let outcome = program::phonehome(&arguments);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    outcome.stdout
}

#[test]
fn every_object_is_there_once_and_every_reference_finds_it() {
    for capture in places::bundled() {
        let bytes = bundle(&capture, &[]);
        assert!(bytes == bundle(&capture, &["--threads", "4"]), "the same bytes");
        let bundle: Value = serde_json::from_slice(&bytes).unwrap();
        let objects = bundle["objects"].as_array().unwrap();
        let ids: BTreeSet<&str> = objects.iter().map(|o| o["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), objects.len());
        for object in objects {
            for (key, value) in object.as_object().unwrap() {
                let refs: Vec<&Value> = match value {
                    Value::Array(all) if key.ends_with("_refs") => all.iter().collect(),
                    one if key.ends_with("_ref") => vec![one],
                    _ => continue,
                };
                assert!(refs.iter().all(|id| ids.contains(id.as_str().unwrap())), "{object}");
            }
        }
        let findings = program::analyze(&capture).json()["findings"].clone();
        let internet = |f: &&Value| !f["subject"]["destination"].as_str().unwrap().contains(':');
        let named = findings.as_array().unwrap().iter().filter(internet).count();
        let notes = objects.iter().filter(|object| object["type"] == "note").count();
        assert!(notes >= named, "{}: {notes} notes, {named} findings", capture.display());
    }
}

#[test]
fn the_stix2_library_takes_the_bundle_and_makes_the_same_ids() {
    let Some(python) = python("stix2, stix2patterns") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("camera.json");
    std::fs::write(&file, bundle(&camera(), &[])).unwrap();
    let script = "
import json, stix2, sys
from stix2patterns.validator import run_validator
observables = 'ipv4-addr', 'ipv6-addr', 'domain-name', 'mac-addr', 'network-traffic'
n = 0
for o in stix2.parse(open(sys.argv[1]).read(), allow_custom=False).objects:
    if o.type in observables:
        d = json.loads(o.serialize())
        known = d.pop('id')
        assert stix2.parse(d).id == known, d
        n += 1
    if o.type == 'indicator':
        assert not run_validator(o.pattern, stix_version='2.1'), o.pattern
print(n)";
    let checked: usize = scripted(python, script, &file).trim().parse().unwrap();
    assert!(checked > 10, "{checked}");
}

#[test]
fn the_importer_of_misp_takes_the_bundle() {
    let Some(python) = python("misp_stix_converter") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("camera.json");
    std::fs::write(&file, bundle(&camera(), &[])).unwrap();
    // It knows no notes, and says so.
    let script = "
import stix2, sys
from misp_stix_converter import ExternalSTIX2toMISPParser
parser = ExternalSTIX2toMISPParser()
parser.load_stix_bundle(stix2.parse(open(sys.argv[1]).read(), allow_custom=False))
parser.parse_stix_bundle()
errors = [e for all in parser.errors.values() for e in all if not e.endswith(': note')]
assert not errors, errors
event = parser.misp_event
print(len(event.objects) + len(event.attributes))";
    let imported: usize = scripted(python, script, &file).trim().parse().unwrap();
    assert!(imported > 10, "{imported}");
}
