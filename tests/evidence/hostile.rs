//! Cases that somebody made to do harm: each is refused with the reason, nothing is written anywhere, and
//! memory stays bounded.

use super::common::usage::used;
use super::{commands, files, foreign_holds, phonehome, run, sealed};
use phonehome::case::seal::{MANIFEST, SIGNATURE, TAG_MANIFEST};
use phonehome::case::verify;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// Most memory of a check, bytes: the program, one line, one block, and 65 536 names.
const MEMORY_MAX: u64 = 96 * 1024 * 1024;

/// What is done to a sealed case, and the reason that has to be given.
type Attack = (&'static str, fn(&Path), &'static str);

fn replace(path: &Path, with: impl FnOnce(&Path)) {
    fs::remove_file(path).unwrap();
    with(path);
}

fn list(bag: &Path, line: &str) {
    let path = bag.join(MANIFEST);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{text}{}  {line}\n", "0".repeat(64))).unwrap();
}

fn sparse(path: &Path, bytes: u64) {
    fs::File::options().create(true).append(true).open(path).unwrap().set_len(bytes).unwrap();
}

/// Writes the list anew over what is there, as somebody with a key of their own would.
fn list_again(bag: &Path, folders: &[&str]) {
    let mut text = String::new();
    for (path, bytes) in files(&bag.join("data")) {
        let below = path.strip_prefix(bag).unwrap().display().to_string();
        if folders.is_empty() || folders.iter().any(|folder| below.starts_with(folder)) {
            text += &format!("{}  {below}\n", super::sha256(&bytes));
        }
    }
    fs::write(bag.join(MANIFEST), text).unwrap();
}

const ATTACKS: [Attack; 27] = [
    (
        "a path upwards",
        |bag| list(bag, "data/../../lab.key"),
        "names a path that no file of a case has",
    ),
    (
        "a path from the root",
        |bag| list(bag, "/etc/passwd"),
        "names a path that no file of a case has",
    ),
    (
        "an escaped path",
        |bag| list(bag, "data/%2e%2e/x"),
        "names a path that no file of a case has",
    ),
    (
        "a path beside the data",
        |bag| list(bag, "bagit.txt"),
        "names a path that no file of a case has",
    ),
    (
        "a path of Windows",
        |bag| list(bag, "data\\..\\x"),
        "names a path that no file of a case has",
    ),
    ("a name with a line's end", |bag| list(bag, "data/a\nb"), "is not a hash and a path"),
    (
        "a line without end",
        |bag| fs::write(bag.join(MANIFEST), "x".repeat(1 << 20)).unwrap(),
        "is not a hash and a path",
    ),
    (
        "a file twice",
        |bag| {
            let path = bag.join(MANIFEST);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, format!("{text}{text}")).unwrap();
        },
        "names a file a second time",
    ),
    (
        "an absurd number of files in a list",
        |bag| {
            let hash = "0".repeat(64);
            // Not as one text: the memory of this process counts for the next one too.
            let mut list = std::io::BufWriter::new(fs::File::create(bag.join(MANIFEST)).unwrap());
            (0..2_000_000).for_each(|n| writeln!(list, "{hash}  data/{n}").unwrap());
        },
        "there are too many files",
    ),
    (
        "an absurd number of files",
        |bag| {
            fs::create_dir(bag.join("data/many")).unwrap();
            for number in 0..70_000 {
                fs::write(bag.join(format!("data/many/{number}")), "").unwrap();
            }
        },
        "there are more than 65536 files",
    ),
    (
        "folders without end",
        |bag| {
            fs::create_dir_all(bag.join("data/d/d/d/d/d/d/d/d/d/d/d/d")).unwrap();
        },
        "is too deep",
    ),
    (
        "a link to the very bytes",
        |bag| {
            replace(&bag.join("data/findings.json"), |path| {
                symlink("/etc/hostname", path).unwrap();
            })
        },
        "data/findings.json: is not a plain file",
    ),
    (
        "a link to a folder",
        |bag| symlink("/etc", bag.join("data/etc")).unwrap(),
        "is not a plain file",
    ),
    (
        "a pipe that waits for ever",
        |bag| {
            replace(&bag.join("data/findings.json"), |path| {
                assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
            })
        },
        "data/findings.json: is not a plain file",
    ),
    (
        "a device without end",
        |bag| {
            replace(&bag.join("data/journal.jsonl"), |path| {
                symlink("/dev/zero", path).unwrap();
            })
        },
        "journal.jsonl",
    ),
    (
        "a device itself",
        |bag| {
            replace(&bag.join("data/custody.jsonl"), |path| {
                let made = Command::new("mknod").arg(path).args(["c", "1", "5"]).status().unwrap();
                if !made.success() {
                    symlink("/dev/zero", path).unwrap();
                }
            })
        },
        "is not a plain file",
    ),
    (
        "a socket",
        |bag| drop(std::os::unix::net::UnixListener::bind(bag.join("data/s")).unwrap()),
        "is not a plain file",
    ),
    (
        "twins that differ in capitals",
        |bag| {
            fs::copy(bag.join("data/attachments/001.txt"), bag.join("data/attachments/001.TXT"))
                .unwrap();
            list_again(bag, &[]);
        },
        "differs from another name in capital letters alone",
    ),
    (
        "a name that looks like another",
        |bag| {
            fs::write(bag.join("data/attachments/\u{430}01.txt"), "x").unwrap();
        },
        "has a name that no file of a case has",
    ),
    (
        "a journal of one line without end",
        |bag| sparse(&bag.join("data/journal.jsonl"), 4 << 30),
        "is longer than 1048576 bytes",
    ),
    (
        "a signature larger than any",
        |bag| sparse(&bag.join(SIGNATURE), 1 << 40),
        "is larger than 4096 bytes",
    ),
    (
        "a key larger than any",
        |bag| sparse(&bag.join("signer.pub"), 1 << 40),
        "is larger than 4096 bytes",
    ),
    (
        "a list larger than any",
        |bag| sparse(&bag.join(TAG_MANIFEST), 1 << 40),
        "is larger than 65536 bytes",
    ),
    (
        "an attachment that is not said",
        |bag| {
            fs::write(bag.join("data/attachments/999.txt"), "x").unwrap();
            list_again(bag, &[]);
        },
        "does not belong to the case",
    ),
    (
        "a list that leaves the journal out",
        |bag| list_again(bag, &["data/segments"]),
        "was not there when the case was sealed",
    ),
    (
        "nested JSON without end",
        |bag| {
            let deep = format!("{}\n", "[".repeat(900_000));
            fs::write(bag.join("data/custody.jsonl"), deep).unwrap();
        },
        "has no signature",
    ),
    (
        "another person's signature",
        |bag| {
            let other = bag.parent().unwrap().join("other.key.pub");
            fs::copy(other, bag.join("signer.pub")).unwrap();
        },
        "signature",
    ),
];

/// Exit code, most memory and output of a command.
fn measured(arguments: &[&str]) -> (Option<i32>, u64, String) {
    let mut said = String::new();
    let usage = used(arguments, &mut std::io::empty(), &mut |line| said += line);
    (usage.outcome.code, usage.resident, said)
}

#[test]
fn each_is_refused_with_the_reason_and_within_memory() {
    for (what, attack, reason) in ATTACKS {
        let folder = sealed();
        let at = folder.path();
        let bag = at.join("one-sealed");
        run(at, &["key", "new", "other.key"], 0);
        let commands = commands(&bag);
        attack(&bag);
        let before = fs::read_dir(at).unwrap().count();
        let (code, memory, said) = measured(&["case", "verify", bag.to_str().unwrap()]);
        assert_eq!(code, Some(5), "{what}: {said}");
        assert!(said.contains(reason), "{what}: {said}");
        assert!(memory <= MEMORY_MAX, "{what}: {memory} bytes");
        assert_eq!(fs::read_dir(at).unwrap().count(), before, "{what}: something was written");
        // The foreign one reads what it is given; where that has no end, it is not asked.
        let endless = ["larger", "without end", "for ever", "device", "absurd"];
        if let Some(commands) = commands.filter(|_| !endless.iter().any(|word| what.contains(word)))
        {
            assert!(!foreign_holds(&bag, &commands), "{what}: VERIFY.txt did not notice");
        }
    }
}

#[test]
fn keys_and_captures_that_do_harm() {
    let folder = sealed();
    let at = folder.path();
    run(at, &["key", "new", "other.key"], 0);
    let said = run(at, &["case", "verify", "one-sealed", "--key", "other.key.pub"], 5);
    assert!(said.contains("was made with another key"), "{said}");
    let said = run(at, &["case", "verify", "one-sealed", "--second", "other.key.pub"], 5);
    assert!(said.contains("nobody else signed"), "{said}");
    for (name, text) in [("empty", ""), ("words", "no key\n"), ("long", &"A".repeat(100_000))] {
        fs::write(at.join(name), text).unwrap();
        run(at, &["case", "verify", "one-sealed", "--key", name], 2);
        run(at, &["case", "note", "one", "x", "--key", name], 2);
    }
    // A capture that unpacks to a thousand times its length is hashed as it lies, and read in pieces.
    let bomb = at.join("bomb.pcap.gz");
    let zeros = Command::new("sh")
        .args(["-c", "head -c 1500000000 /dev/zero | gzip -9 > bomb.pcap.gz"])
        .current_dir(at)
        .status();
    assert!(zeros.unwrap().success() && fs::metadata(&bomb).unwrap().len() < 3_000_000);
    run(at, &["case", "import", "bomb.pcap.gz", "--case", "two"], 0);
    let two = at.join("two");
    for arguments in [["case", "verify"], ["analyze", "--json"]] {
        let (_, memory, _) = measured(&[arguments[0], arguments[1], two.to_str().unwrap()]);
        assert!(memory <= 2 * MEMORY_MAX, "{arguments:?}: {memory} bytes");
    }
    assert!(verify::verify(&at.join("one-sealed"), None, None).holds);
    // A name that would be a path is made one of ours.
    fs::copy(super::capture("meter.pcap"), at.join("..%2f..%2fx.pcap")).unwrap();
    run(at, &["case", "import", "..%2f..%2fx.pcap", "--case", "three"], 0);
    assert!(at.join("three/segments/000001.received.pcap").exists());
    assert!(!phonehome(at, &["case", "verify", "nowhere"]).status.success());
}
