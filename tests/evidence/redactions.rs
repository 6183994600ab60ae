//! Random redactions of a large case: what stays proves itself, what is withheld stands nowhere.

use super::{Random, commands, foreign_holds, phonehome, quick, rounds, run};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use phonehome::redaction::pseudonyms::{Identifiers, Pseudonyms};
use phonehome::redaction::{self, Plan, Profile};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Planted in the packets of the case.
const SECRETS: [&str; 4] = ["correct-horse-7788", "Anna.Example", "SN00417723", "hunter2hunter2"];

/// Packets in a case, some of which hold a secret in some spelling.
fn large(packets: usize) -> Vec<u8> {
    let mut random = Random(5);
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([0xff, 0xff, 0, 0, 1, 0, 0, 0]);
    for number in 0..packets {
        let secret = SECRETS[random.below(SECRETS.len())];
        let base64 = STANDARD.encode(format!("{}{secret}", &"xy"[..random.below(3)]));
        let text = match random.below(14) {
            0 => secret.as_bytes().to_vec(),
            1 => base64.into_bytes(),
            2 => secret.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
            3 => secret.to_ascii_uppercase().into_bytes(),
            4 => base64.as_bytes().chunks(8).collect::<Vec<_>>().join(&b"\r\n"[..]),
            5 => gzip(secret),
            _ => format!("nothing {}", random.below(1_000_000)).into_bytes(),
        };
        let payload = [format!("{number}:").as_bytes(), &text, b";"].concat();
        let length = payload.len() as u16;
        let mut frame = vec![0, 0, 0x5e, 0, 0x53, 1, 0, 0, 0x5e, 0, 0x53, 2, 8, 0, 0x45, 0];
        frame.extend((length + 28).to_be_bytes());
        frame.extend([0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, random.below(9) as u8 + 1, 192, 0, 2, 1]);
        frame.extend((40_000 + random.below(50) as u16).to_be_bytes());
        frame.extend(9999u16.to_be_bytes());
        frame.extend((length + 8).to_be_bytes());
        frame.extend([0, 0]);
        frame.extend(payload);
        file.extend((1_700_000_000 + number as u32 / 100).to_le_bytes());
        file.extend((number as u32 % 100 * 10_000).to_le_bytes());
        file.extend([(frame.len() as u32).to_le_bytes(); 2].concat());
        file.extend(frame);
    }
    file
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Whether a secret stands in some bytes in any spelling, found by other code than withheld it.
fn told(bytes: &[u8], secret: &str) -> bool {
    let lower = bytes.to_ascii_lowercase();
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let plain = secret.to_ascii_lowercase();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    // What of a text is the same in base64 wherever it begins.
    let base64 = (0..3).map(|front| {
        let whole = STANDARD.encode(format!("{}{secret}", &"..."[..front]));
        let start = (front * 4).div_ceil(3);
        let end = (front + secret.len()) * 4 / 3;
        whole[start..end].to_owned()
    });
    let unfolded: Vec<u8> = bytes.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    has(&lower, plain.as_bytes())
        || has(&lower, hex.as_bytes())
        || has(bytes, &gzip(secret))
        || base64.into_iter().any(|part| has(&unfolded, part.as_bytes()))
}

fn is_told(folder: &Path, secret: &str) -> bool {
    let captures = super::files(&folder.join("captures"));
    captures.iter().any(|(_, bytes)| told(bytes, secret))
}

#[test]
fn what_is_withheld_stands_nowhere() {
    let full = std::env::var_os("PHONEHOME_EVIDENCE").is_some();
    let packets = if full { 100_000 } else { 5_000 };
    let folder = quick();
    let at = folder.path();
    fs::write(at.join("large.pcap"), large(packets)).unwrap();
    run(at, &["key", "new", "lab.key"], 0);
    run(at, &["case", "import", "large.pcap", "--case", "one"], 0);
    let sealed = phonehome(at, &["case", "seal", "one", "--key", "lab.key"]);
    assert!(sealed.status.success(), "{}", String::from_utf8_lossy(&sealed.stderr));
    let case = at.join("one-sealed");
    let root = redaction::root(&case).unwrap();
    let mut random = Random(3);
    let (began, count) = (Instant::now(), rounds(1000));
    let (mut foreign, mut kept) = (0, 0);
    for round in 0..count {
        let copy = at.join("copy");
        let profile = [Profile::Headers, Profile::Cited, Profile::CitedPayload][random.below(3)];
        let share = 1 + random.below(packets / 2);
        let cited = (0..share).map(|_| (0, 1 + random.below(packets) as u64)).collect();
        let forbidden: BTreeSet<&str> =
            (0..random.below(4)).map(|_| SECRETS[random.below(SECRETS.len())]).collect();
        let renamed: BTreeSet<&str> =
            (0..random.below(4)).map(|_| SECRETS[random.below(SECRETS.len())]).collect();
        let pseudonyms = (random.below(2) == 0).then(|| {
            let words = renamed.iter().map(|word| word.as_bytes().to_vec()).collect();
            let addresses = (1..10).map(|last| [10, 0, 0, last].into()).collect();
            let identifiers = Identifiers { words, addresses, ..Identifiers::default() };
            Pseudonyms::new(&[round as u8; 32], &root, &identifiers)
        });
        let with_names = pseudonyms.is_some();
        let forbidden_bytes = forbidden.iter().map(|text| text.as_bytes().to_vec()).collect();
        let mut plan =
            Plan { profile, cited, forbidden: forbidden_bytes, pseudonyms, ..Plan::default() };
        redaction::redact(&case, &copy, &mut plan).unwrap();
        let proven = redaction::check(&copy, None).unwrap();
        assert_eq!(proven.frames, packets as u64);
        kept += proven.kept;
        let gone = forbidden.iter().chain(renamed.iter().filter(|_| with_names));
        for secret in gone {
            assert!(!is_told(&copy, secret), "{round}: {profile:?} {secret}");
        }
        if round % 20 == 0
            && let Some(commands) = commands(&copy)
        {
            assert!(foreign_holds(&copy, &commands), "{round}");
            foreign += 1;
        }
        fs::remove_dir_all(&copy).unwrap();
    }
    println!(
        "redactions of {packets} packets: {count} in {:.0} s, {kept} parts proven; {foreign} by Python too",
        began.elapsed().as_secs_f64()
    );
}
