//! IEEE 802.11 frames, and the headers that capturing programs put before them. Only data
//! frames that are not encrypted can be read; the air is shared, so stations that merely appear
//! in management frames are not taken for devices of the network under test.

use super::link::llc;
use super::{Body, Packet, Refusal};
use crate::base::address::Mac;
use crate::base::bytes::Reader;

/// How a frame was recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recorded {
    /// As on the air.
    Plain,
    /// The capturing card aligned what follows the header.
    Padded,
    /// By an access point for its controller: whole, whatever its fields say.
    AccessPoint,
}

/// Header of an IEEE 802.11 frame; `padded` when a capturing card aligned what follows it.
pub(super) fn frame<'a>(
    reader: &mut Reader<'a>,
    packet: &mut Packet<'a>,
    padded: bool,
) -> Option<Body<'a>> {
    let [kind, flags] = *reader.take(2)? else {
        return None;
    };
    let recorded = if padded { Recorded::Padded } else { Recorded::Plain };
    behind_control([kind, flags], reader, packet, recorded)
}

/// As some access points send it to their controller: the first two bytes may be swapped.
pub(super) fn of_access_point<'a>(
    reader: &mut Reader<'a>,
    packet: &mut Packet<'a>,
) -> Option<Body<'a>> {
    let control = match *reader.take(2)? {
        [kind, flags] if kind & 0x0f == 0x08 => [kind, flags],
        [flags, kind] => [kind, flags],
        _ => return None,
    };
    behind_control(control, reader, packet, Recorded::AccessPoint)
}

/// What follows frame control (IEEE 802.11-2020 §9.2.4.1): version, type and subtype, then
/// flags.
fn behind_control<'a>(
    [kind, flags]: [u8; 2],
    reader: &mut Reader<'a>,
    packet: &mut Packet<'a>,
    recorded: Recorded,
) -> Option<Body<'a>> {
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    let start = reader.position() - 2;
    match kind & 0x0f {
        0x00 => return Some(Body::Other("wlan_management")),
        0x04 => return Some(Body::Other("wlan_control")),
        0x08 => {}
        _ => return Some(Body::Other("wlan_extension")),
    }
    let subtype = kind >> 4;
    reader.skip(2)?;
    let mut addresses = [None; 3];
    for address in &mut addresses {
        *address = Mac::from_slice(reader.take(6)?);
    }
    let [first, second, third] = addresses;
    let fragment_number = reader.take(2)?[0] & 0x0f;
    // Which address is whose depends on to and from the distribution system (§9.3.2.1).
    (packet.destination_mac, packet.source_mac) = match flags & 3 {
        0 => (first, second),
        1 => (third, second),
        2 => (first, third),
        _ => (third, Mac::from_slice(reader.take(6)?)),
    };
    let mut aggregated = false;
    if subtype & 8 != 0 {
        aggregated = reader.take(2)?[0] & 0x80 != 0;
        if flags & ORDER != 0 {
            reader.skip(4)?;
        }
    }
    if subtype & 4 != 0 {
        return Some(Body::Other("wlan_null"));
    }
    if flags & PROTECTED != 0 {
        return Some(Body::Refused(Refusal::WlanProtected));
    }
    if fragment_number > 0 && recorded != Recorded::AccessPoint {
        return Some(Body::Refused(Refusal::WlanFragment));
    }
    if recorded == Recorded::Padded {
        reader.skip((4 - (reader.position() - start) % 4) % 4)?;
    }
    if aggregated && recorded != Recorded::AccessPoint {
        // The first of several frames in one (§9.3.2.2.2): addresses, length, then LLC.
        packet.destination_mac = Mac::from_slice(reader.take(6)?);
        packet.source_mac = Mac::from_slice(reader.take(6)?);
        let mut first = reader.nested_u16().unwrap_or(*reader);
        return llc(&mut first, packet);
    }
    llc(reader, packet)
}

/// Radiotap (LINKTYPE 127): fields in little-endian order, each aligned to its own size.
pub(super) fn radiotap<'a>(reader: &mut Reader<'a>, packet: &mut Packet<'a>) -> Option<Body<'a>> {
    const TIMER: u32 = 1;
    const FLAGS: u32 = 1 << 1;
    const EXTENDED: u32 = 1 << 31;
    const PADDED: u8 = 0x20;
    const BAD_CHECKSUM: u8 = 0x40;
    let start = reader.position();
    reader.skip(2)?;
    let length = usize::from(reader.u16()?.swap_bytes());
    let present = reader.u32()?.swap_bytes();
    let mut more = present;
    while more & EXTENDED != 0 {
        more = reader.u32()?.swap_bytes();
    }
    let mut flags = 0;
    if present & FLAGS != 0 {
        if present & TIMER != 0 {
            let at = reader.position() - start;
            reader.skip(at.next_multiple_of(8) - at + 8)?;
        }
        flags = reader.u8()?;
    }
    reader.seek(start.checked_add(length)?)?;
    if flags & BAD_CHECKSUM != 0 {
        // What the radio garbled would name stations and addresses that do not exist.
        return Some(Body::Refused(Refusal::WlanChecksum));
    }
    frame(reader, packet, flags & PADDED != 0)
}

/// Prism or AVS (LINKTYPE 119 and 163); each was written under the other's number.
pub(super) fn prism_or_avs<'a>(
    reader: &mut Reader<'a>,
    packet: &mut Packet<'a>,
) -> Option<Body<'a>> {
    let start = reader.position();
    let magic = reader.u32()?;
    let length = reader.u32()?;
    let length = match magic & 0xffff_f000 {
        0x8021_1000 => length,
        // Prism has the byte order of the capturing machine.
        _ => length.min(length.swap_bytes()),
    };
    reader.seek(start.checked_add(length as usize)?)?;
    frame(reader, packet, false)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{IPV4_UDP, decoded};
    use super::*;

    const SNAP_IPV4: [u8; 8] = [0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];
    const ADDRESSES: [u8; 20] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 0x10, 0x00];

    fn mac(last: u8) -> Option<Mac> {
        Some(Mac([2, 0, 0, 0, 0, last]))
    }

    fn data_frame(control: [u8; 2], behind_addresses: &[u8]) -> Vec<u8> {
        [&control, &[0, 0], &ADDRESSES[..], behind_addresses, &SNAP_IPV4, &IPV4_UDP].concat()
    }

    #[test]
    fn data_frames_to_and_from_an_access_point() {
        for (control, behind, ends) in [
            ([0x08, 0x00], &[][..], [mac(2), mac(1)]),
            ([0x08, 0x01], &[], [mac(2), mac(3)]),
            ([0x08, 0x02], &[], [mac(3), mac(1)]),
            ([0x08, 0x03], &[2, 0, 0, 0, 0, 4], [mac(4), mac(3)]),
            ([0x88, 0x01], &[0, 0], [mac(2), mac(3)]),
            ([0x88, 0x81], &[0, 0, 9, 9, 9, 9], [mac(2), mac(3)]),
        ] {
            let data = data_frame(control, behind);
            let packet = decoded(105, &data);
            assert!(matches!(packet.body, Body::Ip(_)), "{control:x?}");
            assert_eq!([packet.source_mac, packet.destination_mac], ends);
        }
    }

    #[test]
    fn first_of_an_aggregate() {
        let mut data = data_frame([0x88, 0x02], &[0x80, 0]);
        let subframe = [2, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, 8, 0, 37];
        data.splice(26..26, subframe);
        let packet = decoded(105, &data);
        assert!(matches!(packet.body, Body::Ip(_)));
        assert_eq!(packet.source_mac, mac(8));
    }

    #[test]
    fn what_cannot_be_read_has_a_name() {
        for (control, name) in [([0x08, 0x41], "wlan_protected"), ([0x88, 0x42], "wlan_protected")]
        {
            let data = data_frame(control, &[0, 0]);
            let Body::Refused(refusal) = decoded(105, &data).body else { panic!("{control:x?}") };
            assert_eq!(refusal.to_string(), name);
        }
        for (control, name) in [
            ([0x80, 0x00], "wlan_management"),
            ([0xd4, 0x00], "wlan_control"),
            ([0x48, 0x01], "wlan_null"),
            ([0xc8, 0x41], "wlan_null"),
        ] {
            let data = data_frame(control, &[0, 0]);
            let packet = decoded(105, &data);
            assert!(matches!(packet.body, Body::Other(found) if found == name));
        }
        let mut later = data_frame([0x08, 0x01], &[]);
        later[22] |= 1;
        let Body::Refused(refusal) = decoded(105, &later).body else { panic!() };
        assert_eq!(refusal.to_string(), "wlan_fragment");
    }

    #[test]
    fn headers_of_capturing_programs() {
        let plain = data_frame([0x88, 0x01], &[0, 0]);
        // Timer, aligned to 8 bytes behind two words of present bits; flags: padded.
        let timer = [
            &[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &[1, 2, 3, 4, 5, 6, 7, 8, 0x20],
        ]
        .concat();
        let mut padded = plain.clone();
        padded.splice(26..26, [0, 0]);
        let prism = |order: fn(u32) -> [u8; 4]| {
            let mut header = vec![0; 144];
            header[..4].copy_from_slice(&order(0x44));
            header[4..8].copy_from_slice(&order(144));
            header
        };
        let mut avs = vec![0; 64];
        avs[..8].copy_from_slice(&[0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64]);
        let short = vec![0, 0, 8, 0, 0, 0, 0, 0];
        let per_packet = vec![0, 0, 8, 0, 105, 0, 0, 0];
        for (link, header, frame) in [
            (127, &short, &plain),
            (127, &timer, &padded),
            (119, &prism(u32::to_le_bytes), &plain),
            (119, &prism(u32::to_be_bytes), &plain),
            (119, &avs, &plain),
            (163, &avs, &plain),
            (192, &per_packet, &plain),
        ] {
            let data = [&header[..], frame].concat();
            let packet = decoded(link, &data);
            assert!(matches!(packet.body, Body::Ip(_)), "link {link}");
            assert_eq!(packet.source_mac, mac(2));
        }
    }

    #[test]
    fn garbled_frames_are_not_believed() {
        let header = vec![0, 0, 9, 0, 2, 0, 0, 0, 0x40];
        let data = [header, data_frame([0x08, 0x01], &[])].concat();
        let Body::Refused(refusal) = decoded(127, &data).body else { panic!() };
        assert_eq!(refusal.to_string(), "wlan_checksum_bad");
    }
}
