//! Sampled values, ethertype 88BA: measured current and voltage of a substation, thousands of times
//! a second. A message names its stream.
//!
//! Documents: IEC 61850-9-2 §8 and annex A; ITU-T X.690.
//! Bounds: one frame at a time, 8 streams of it; nothing is kept. The samples are not read.

use super::super::IdentityKind;
use super::super::syntax::element::{behind_header, element, elements};
use super::{Say, text};

/// Tag of the message (savPdu).
const MESSAGE: u8 = 0x60;
const STREAMS: u8 = 0xa2;
const STREAM: u8 = 0x30;
const ID: u8 = 0x80;
const DATA_SET: u8 = 0x81;
const STREAMS_MAX: usize = 8;

/// Reads a message.
pub fn read(frame: &[u8], say: &mut Say<'_>) {
    let Some((application, mut message)) = behind_header(frame) else { return };
    let Some((MESSAGE, fields)) = element(&mut message) else { return };
    let Some((_, streams)) = elements(fields).take(3).find(|&(tag, _)| tag == STREAMS) else {
        return;
    };
    say(IdentityKind::Service, "sampled.app_id", format!("{application:04x}").as_bytes());
    for (_, stream) in elements(streams).take(STREAMS_MAX).filter(|&(tag, _)| tag == STREAM) {
        for (tag, value) in elements(stream).take(2) {
            match tag {
                ID => text(IdentityKind::DeviceId, "sampled.id", value, say),
                DATA_SET => text(IdentityKind::Service, "sampled.data_set", value, say),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{holds_when_cut, said};
    use super::*;

    /// APPID 4000; one stream with id, data set, counter, revision, and samples.
    const SAMPLE: &[u8] = b"\x40\x00\0\x33\0\0\0\0\x60\x29\x80\x01\x01\xa2\x24\x30\x22\
        \x80\x06MU0101\x81\x05MU/DS\x82\x02\x0b\x1c\x83\x04\0\0\0\x01\x85\x01\x02\
        \x87\x04\0\0\x01\x02";

    #[test]
    fn a_message_names_its_stream() {
        let expected = [
            (IdentityKind::Service, "sampled.app_id", b"4000".to_vec()),
            (IdentityKind::DeviceId, "sampled.id", b"MU0101".to_vec()),
            (IdentityKind::Service, "sampled.data_set", b"MU/DS".to_vec()),
        ];
        assert_eq!(said(read, SAMPLE), expected);
        holds_when_cut(read, SAMPLE);
        let mut goose = SAMPLE.to_vec();
        goose[8] = 0x61;
        assert!(said(read, &goose).is_empty());
    }
}
