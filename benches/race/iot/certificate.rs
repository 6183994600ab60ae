//! Certificates that parsers read; their keys and signatures are noise (RFC 5280 §4.1).

use crate::random::Random;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 2;
const BITS: u8 = 3;
const OCTETS: u8 = 4;
const OBJECT: u8 = 6;
const UTF8: u8 = 12;
const UTC_TIME: u8 = 23;

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P_256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

pub fn certificate(name: &str, alternatives: &[&str], random: &mut Random) -> Vec<u8> {
    let mut serial = vec![1];
    random.extend(&mut serial, 15);
    let mut key = vec![0, 4];
    random.extend(&mut key, 64);
    let mut signature = vec![0];
    random.extend(&mut signature, 71);
    let algorithm = der(SEQUENCE, &der(OBJECT, ECDSA_WITH_SHA256));
    let validity = [der(UTC_TIME, b"230101000000Z"), der(UTC_TIME, b"330101000000Z")].concat();
    let key_kind = [der(OBJECT, EC_PUBLIC_KEY), der(OBJECT, P_256)].concat();
    let mut body = vec![
        der(0xa0, &der(INTEGER, &[2])),
        der(INTEGER, &serial),
        algorithm.clone(),
        distinguished("Example Issuing CA 1"),
        der(SEQUENCE, &validity),
        distinguished(name),
        der(SEQUENCE, &[der(SEQUENCE, &key_kind), der(BITS, &key)].concat()),
    ];
    if !alternatives.is_empty() {
        let names: Vec<u8> =
            alternatives.iter().flat_map(|name| der(0x82, name.as_bytes())).collect();
        let extension =
            [der(OBJECT, ALTERNATIVE_NAME), der(OCTETS, &der(SEQUENCE, &names))].concat();
        body.push(der(0xa3, &der(SEQUENCE, &der(SEQUENCE, &extension))));
    }
    let parts = [der(SEQUENCE, &body.concat()), algorithm, der(BITS, &signature)];
    der(SEQUENCE, &parts.concat())
}

fn distinguished(common_name: &str) -> Vec<u8> {
    let attribute = [der(OBJECT, COMMON_NAME), der(UTF8, common_name.as_bytes())].concat();
    der(SEQUENCE, &der(SET, &der(SEQUENCE, &attribute)))
}

/// Tag, length in its short or long form, content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..128 => out.push(length as u8),
        128..256 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}
