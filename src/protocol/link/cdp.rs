//! Cisco's discovery protocol, under an LLC SNAP header: switches and telephones say name, model
//! and software.
//!
//! Documents: tcpdump (print-cdp.c).
//! Bounds: one frame at a time, 64 fields of it; nothing is kept.

use super::super::IdentityKind;
use super::{Say, text};

/// Version, time to live, checksum.
const HEADER_BYTES: usize = 4;
const FIELDS_MAX: usize = 64;

/// Reads an announcement of version 1 or 2.
pub fn read(frame: &[u8], say: &mut Say<'_>) {
    let [1 | 2, ..] = frame else { return };
    let mut rest = frame.get(HEADER_BYTES..).unwrap_or_default();
    for _ in 0..FIELDS_MAX {
        let &[0, kind, high, low, ..] = rest else { return };
        // The length counts kind and length too.
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(value) = rest.get(4..length) else { return };
        let (what, name) = match kind {
            1 => (IdentityKind::HostName, "cdp.device_id"),
            5 => (IdentityKind::Firmware, "cdp.software"),
            6 => (IdentityKind::Model, "cdp.platform"),
            _ => (IdentityKind::Service, ""),
        };
        if !name.is_empty() {
            text(what, name, value, say);
        }
        rest = &rest[length..];
    }
}

#[cfg(test)]
mod tests {
    use super::super::{holds_when_cut, said};
    use super::*;

    const PHONE: &[u8] = b"\x02\xb4\x09\xa0\0\x01\0\x09SEP01\0\x03\0\x06P1\0\x05\0\x0cSCCP 1.2\
        \0\x06\0\x0bIP 7940";

    #[test]
    fn an_announcement_names_the_device() {
        let expected = [
            (IdentityKind::HostName, "cdp.device_id", b"SEP01".to_vec()),
            (IdentityKind::Firmware, "cdp.software", b"SCCP 1.2".to_vec()),
            (IdentityKind::Model, "cdp.platform", b"IP 7940".to_vec()),
        ];
        assert_eq!(said(read, PHONE), expected);
        holds_when_cut(read, PHONE);
        let mut version = PHONE.to_vec();
        version[0] = 3;
        assert!(said(read, &version).is_empty());
        let mut endless = PHONE.to_vec();
        endless[7] = 0;
        assert!(said(read, &endless).is_empty(), "a length that does not even cover itself");
    }
}
