//! LLDP, ethertype 88CC, with the inventory of LLDP-MED: switches, telephones, cameras and
//! controllers say what they are to whoever is at the other end of the cable.
//!
//! Documents: IEEE 802.1AB-2016 §8; ANSI/TIA-1057 (inventory of LLDP-MED).
//! Bounds: one frame at a time, 64 fields of it; nothing is kept.

use super::super::IdentityKind;
use super::{Say, text};
use crate::base::address::Mac;

const END: u8 = 0;
const CHASSIS: u8 = 1;
const PORT: u8 = 2;
const NAME: u8 = 5;
const DESCRIPTION: u8 = 6;
const OWN: u8 = 127;
/// The chassis by a hardware address (§8.5.2.2).
const BY_MAC: u8 = 4;
/// TIA's number for fields of its own.
const MED: [u8; 3] = [0x00, 0x12, 0xbb];
const FIELDS_MAX: usize = 64;

/// Reads an announcement; it begins with chassis and port.
pub fn read(frame: &[u8], say: &mut Say<'_>) {
    let mut rest = frame;
    for place in 0..FIELDS_MAX {
        let Some((kind, value)) = field(&mut rest) else { return };
        let fits = match place {
            0 => kind == CHASSIS,
            1 => kind == PORT,
            _ => true,
        };
        match (kind, value) {
            _ if !fits => return,
            (END, _) => return,
            (CHASSIS, [BY_MAC, mac @ ..]) if mac.len() == 6 => {
                if let Some(mac) = Mac::from_slice(mac).filter(|mac| !mac.is_zero()) {
                    say(IdentityKind::Mac, "lldp.chassis", mac.to_string().as_bytes());
                }
            }
            (NAME, name) => text(IdentityKind::HostName, "lldp.name", name, say),
            (DESCRIPTION, what) => text(IdentityKind::Product, "lldp.description", what, say),
            (OWN, [a, b, c, field, value @ ..]) if [*a, *b, *c] == MED => {
                inventory(*field, value, say);
            }
            _ => {}
        }
    }
}

fn inventory(field: u8, value: &[u8], say: &mut Say<'_>) {
    use IdentityKind::{Firmware, Model, Product, Serial};
    let (kind, name) = match field {
        6 => (Firmware, "lldp.firmware"),
        7 => (Firmware, "lldp.software"),
        8 => (Serial, "lldp.serial"),
        9 => (Product, "lldp.manufacturer"),
        10 => (Model, "lldp.model"),
        _ => return,
    };
    text(kind, name, value, say);
}

/// Seven bits of kind and nine of length (§8.4).
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[high, low], behind) = rest.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([high & 1, low]));
    let (value, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some((high >> 1, value))
}

#[cfg(test)]
mod tests {
    use super::super::{holds_when_cut, said};
    use super::*;

    const PHONE: &[u8] = b"\x02\x07\x04\0\x22\x2d\x81\xdb\x10\x04\x02\x07\x31\x06\x02\0\x78\
        \x0a\x05cam-1\x0c\x0aCamera 1.2\xfe\x08\0\x12\xbb\x07\x31\x2e\x32\0\
        \xfe\x07\0\x12\xbb\x08S01\xfe\x06\0\x12\xbb\x0aM1\xfe\x06\0\x12\x0f\x01ab\0\0";

    #[test]
    fn an_announcement_names_the_device_and_its_inventory() {
        let expected = [
            (IdentityKind::Mac, "lldp.chassis", b"00:22:2d:81:db:10".to_vec()),
            (IdentityKind::HostName, "lldp.name", b"cam-1".to_vec()),
            (IdentityKind::Product, "lldp.description", b"Camera 1.2".to_vec()),
            (IdentityKind::Firmware, "lldp.software", b"1.2".to_vec()),
            (IdentityKind::Serial, "lldp.serial", b"S01".to_vec()),
            (IdentityKind::Model, "lldp.model", b"M1".to_vec()),
        ];
        assert_eq!(said(read, PHONE), expected);
        holds_when_cut(read, PHONE);
        // Without chassis and port it is none.
        assert!(said(read, &PHONE[9..]).is_empty());
        assert!(said(read, &[&PHONE[..9], &PHONE[17..]].concat()).len() < 2);
    }
}
