//! `VERIFY.txt`: how a sealed case is checked without us. Its commands are plain lines, so that
//! they can be copied, and run as they stand.

use super::countersign::{NAMESPACE, PRINCIPAL};
use super::seal::{MANIFEST, SIGNATURE, TAG_MANIFEST};
use super::signer::{COMMENT, Signer};
use super::tree::Tree;

/// A command that holds the signature's lines against the only form that they may have. minisign signs
/// neither the first nor the bits behind the last byte of each signature, which base64 has room for.
pub fn signature_form() -> String {
    let digits = "[A-Za-z0-9+/]";
    let first = format!("untrusted comment: {COMMENT}");
    let [one, two] =
        [format!("RU{digits}{{96}}[AEIMQUYcgkosw048]="), format!("{digits}{{85}}[AQgw]==")];
    format!("test \"$(grep -cxE '{first}|{one}|trusted comment: .*|{two}' {SIGNATURE})\" = 4")
}

/// See the module. Where minisign's own check is lax, a command of its own compares.
pub(super) fn text(signer: &Signer, tree: &Tree, signature_bytes: usize) -> String {
    let key = signer.public();
    let segment = tree.files.iter().find(|file| file.starts_with("segments/"));
    let segment = segment.map_or("journal.jsonl", String::as_str);
    let form = signature_form();
    let others = "../\"${PWD##*/}\".signatures";
    format!(
        "\
# How to check this folder without phonehome.
#
# You need coreutils, findutils, grep, minisign, and ssh-keygen where somebody signed with that; for
# the last two lines Wireshark. No network.
# Ask the person who sealed it, by another way than the one this folder came by, for the key and
# compare: {key}
# Whoever changes the folder can change this file as well. Take the lines from docs/evidence.md of
# phonehome where that matters. Each ends with exit code 0 where all is well; run them in here:

minisign -V -H -q -P {key} -m {TAG_MANIFEST}
{form}
test \"$(wc -c < {SIGNATURE})\" -eq {signature_bytes}
sha256sum --check --strict --quiet {TAG_MANIFEST}
sha256sum --check --strict --quiet {MANIFEST}
test \"$(tail -n 1 signer.pub)\" = {key}
! find . ! -type f ! -type d | grep .
! (cut -c 67- {MANIFEST} {TAG_MANIFEST}; echo {TAG_MANIFEST}; echo {SIGNATURE}; find . -type f | \
cut -c 3-) | LC_ALL=C sort | uniq -c | grep -v '^ *2 '
(for s in {others}/*.minisig; do test ! -e \"$s\" || \
minisign -V -H -q -p \"${{s%.minisig}}.pub\" -x \"$s\" -m {TAG_MANIFEST} || exit 1; done)
(for s in {others}/*.sig; do test ! -e \"$s\" || \
ssh-keygen -q -Y verify -f \"${{s%.sig}}.signer\" -I {PRINCIPAL} -n {NAMESPACE} -s \"$s\" < {TAG_MANIFEST} || exit 1; done)

# The last two check signatures of other people, which lie beside this folder.
# sha256sum does not notice an added file: the line with find prints what is not on both lists.
# The bytes of a segment that each line of data/journal.jsonl speaks of, by hand:
# head -c BYTES data/segments/SEGMENT | sha256sum
# The bytes of a frame that a finding cites, as each line of data/references.tsv says:
# tail -c +$((OFFSET + 1)) data/SEGMENT | head -c LENGTH | sha256sum
# What the capture holds:

capinfos data/{segment}
tshark -r data/{segment} -c 10
"
    )
}
