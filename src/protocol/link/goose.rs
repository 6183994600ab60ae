//! GOOSE, ethertype 88B8: devices of a substation tell each other states and trips, several times a
//! second, to anyone on the link. A message names its control block, whose first part is the
//! sender, and the data set it sends.
//!
//! Documents: IEC 61850-8-1 annex C (header) and annex A (message); ITU-T X.690.
//! Bounds: one frame at a time; nothing is kept. What the data set holds is not read.

use super::super::IdentityKind;
use super::super::syntax::element::{behind_header, element, elements};
use super::{Say, text};

/// Tag of the message (IEC 61850-8-1, goosePdu).
const MESSAGE: u8 = 0x61;
const CONTROL_BLOCK: u8 = 0x80;
const DATA_SET: u8 = 0x82;
const ID: u8 = 0x83;

/// Reads a message.
pub fn read(frame: &[u8], say: &mut Say<'_>) {
    let Some((application, mut message)) = behind_header(frame) else { return };
    let Some((MESSAGE, fields)) = element(&mut message) else { return };
    // The first field is the control block, in every message.
    if fields.first() != Some(&CONTROL_BLOCK) {
        return;
    }
    say(IdentityKind::Service, "goose.app_id", format!("{application:04x}").as_bytes());
    for (tag, value) in elements(fields) {
        match tag {
            CONTROL_BLOCK => {
                let device = value.split(|&byte| byte == b'/').next().unwrap_or_default();
                text(IdentityKind::DeviceId, "goose.device", device, say);
                text(IdentityKind::Service, "goose.control_block", value, say);
            }
            DATA_SET => text(IdentityKind::Service, "goose.data_set", value, say),
            ID => {
                text(IdentityKind::Service, "goose.id", value, say);
                return;
            }
            0x81 => {}
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{holds_when_cut, said};
    use super::*;

    /// APPID 3001; control block, time to live, data set, id, time, numbers.
    const TRIP: &[u8] = b"\x30\x01\0\x3e\0\0\0\0\x61\x34\x80\x0dBAY1/LLN0$GO1\
        \x81\x02\x3a\x98\x82\x09BAY1/LLN0\x83\x04trip\x84\x08\x48\x80\x8d\x67\x54\0\0\x27\
        \x85\x01\x73\x86\x01\x02";

    #[test]
    fn a_message_names_sender_control_block_and_data_set() {
        let service = IdentityKind::Service;
        let expected = [
            (service, "goose.app_id", b"3001".to_vec()),
            (IdentityKind::DeviceId, "goose.device", b"BAY1".to_vec()),
            (service, "goose.control_block", b"BAY1/LLN0$GO1".to_vec()),
            (service, "goose.data_set", b"BAY1/LLN0".to_vec()),
            (service, "goose.id", b"trip".to_vec()),
        ];
        assert_eq!(said(read, TRIP), expected);
        // Frames are filled up to the least length of the link.
        assert_eq!(said(read, &[TRIP, &[0; 20]].concat()), expected);
        holds_when_cut(read, TRIP);
    }

    #[test]
    fn near_misses_say_nothing() {
        let mut management = TRIP.to_vec();
        management[8] = 0x62;
        let mut lies = TRIP.to_vec();
        lies[3] = 7;
        for other in [&management[..], &lies, &TRIP[..8], b""] {
            assert!(said(read, other).is_empty());
        }
    }
}
