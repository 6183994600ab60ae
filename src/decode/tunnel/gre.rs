//! Generic routing encapsulation and what is built on it.

use super::{Carries, Header, TunnelKind};
use crate::base::bytes::Reader;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// In version 1 only.
const ACKNOWLEDGMENT: u16 = 0x0080;

/// RFC 2784 with the fields of RFC 2890 and RFC 1701, and version 1 of RFC 2637.
pub(super) fn header(reader: &mut Reader<'_>) -> Option<Header> {
    let flags = reader.u16()?;
    let protocol = reader.u16()?;
    match flags & 7 {
        0 => {}
        1 => return point_to_point(flags, protocol, reader),
        _ => return None,
    }
    if flags & (CHECKSUM | ROUTING) != 0 {
        reader.skip(4)?;
    }
    if flags & KEY != 0 {
        reader.skip(4)?;
    }
    if flags & SEQUENCE != 0 {
        reader.skip(4)?;
    }
    if flags & ROUTING != 0 {
        // Address family, offset and length of each source route entry; zero ends them.
        loop {
            let family = reader.u16()?;
            reader.skip(1)?;
            let length = reader.u8()?;
            if (family, length) == (0, 0) {
                break;
            }
            reader.skip(usize::from(length))?;
        }
    }
    Some(match protocol {
        // ERSPAN type I has no header; type II has one, and a sequence number in GRE.
        0x88be => {
            if flags & SEQUENCE != 0 {
                reader.skip(8)?;
            }
            Header::of(TunnelKind::Erspan, Carries::Ethernet)
        }
        0x22eb => erspan_three(reader)?,
        0x6558 => Header::of(TunnelKind::Gre, Carries::Ethernet),
        0x880b => Header::of(TunnelKind::Gre, Carries::Ppp),
        // Aruba access points.
        0x8200 => Header::of(TunnelKind::Gre, Carries::Wlan),
        0x883e => {
            // Redirected web traffic: the second version of WCCP has a header of its own.
            if reader.rest().first()? >> 4 != 4 {
                reader.skip(4)?;
            }
            Header::of(TunnelKind::Gre, Carries::Ip)
        }
        ethertype => Header::of(TunnelKind::Gre, Carries::Ethertype(ethertype)),
    })
}

fn point_to_point(flags: u16, protocol: u16, reader: &mut Reader<'_>) -> Option<Header> {
    if protocol != 0x880b || flags & KEY == 0 {
        return None;
    }
    let length = reader.u16()?;
    reader.skip(2)?;
    if flags & SEQUENCE != 0 {
        reader.skip(4)?;
    }
    if flags & ACKNOWLEDGMENT != 0 {
        reader.skip(4)?;
    }
    // Without payload it only acknowledges.
    (length > 0).then(|| Header::of(TunnelKind::Pptp, Carries::Ppp))
}

/// Type III (draft-foschiano-erspan-03 §4.3).
fn erspan_three(reader: &mut Reader<'_>) -> Option<Header> {
    const SUBHEADER: u16 = 1;
    reader.skip(10)?;
    let last = reader.u16()?;
    if last & SUBHEADER != 0 {
        reader.skip(8)?;
    }
    match last >> 10 & 0x1f {
        0 => Some(Header::of(TunnelKind::Erspan, Carries::Ethernet)),
        2 => Some(Header::of(TunnelKind::Erspan, Carries::Ip)),
        _ => None,
    }
}
