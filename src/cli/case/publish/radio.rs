//! Names of wireless networks in management frames (IEEE 802.11-2020 §9.3.3), and whose they are.

use crate::base::address::Mac;

/// What a radio frame says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Radio<'a> {
    /// Name of a network, and the kind of frame.
    pub network: Option<(&'a [u8], &'static str)>,
    /// Address of the access point that it belongs to.
    pub access_point: Option<Mac>,
    /// Stations it names.
    pub stations: Vec<Mac>,
}

/// Reads a frame of link type 105 (802.11) or 127 (radiotap before it).
pub fn read(link: u16, data: &[u8]) -> Option<Radio<'_>> {
    let start = match link {
        105 => 0,
        127 => usize::from(u16::from_le_bytes([*data.get(2)?, *data.get(3)?])),
        _ => return None,
    };
    let frame = data.get(start..)?;
    let (kind, flags) = (*frame.first()?, *frame.get(1)?);
    let address = |at: usize| frame.get(at..).and_then(Mac::from_slice);
    match kind & 0x0f {
        // Management: receiver, sender, access point.
        0 => {
            let (fixed, name) = match kind >> 4 {
                0 => (4, "wlan.association_request"),
                2 => (10, "wlan.reassociation_request"),
                4 => (0, "wlan.probe_request"),
                5 => (12, "wlan.probe_response"),
                8 => (12, "wlan.beacon"),
                _ => (usize::MAX - 64, ""),
            };
            let network = frame.get(24 + fixed..).and_then(network).map(|text| (text, name));
            let stations = [address(4), address(10)].into_iter().flatten().collect();
            Some(Radio { network, access_point: address(16), stations })
        }
        8 => {
            let access_point = match flags & 3 {
                0 => address(16),
                1 => address(4),
                2 => address(10),
                _ => None,
            };
            let stations = [address(4), address(10), address(16)].into_iter().flatten().collect();
            Some(Radio { network: None, access_point, stations })
        }
        _ => None,
    }
}

/// The element with number 0, where it has a name in it.
fn network(mut elements: &[u8]) -> Option<&[u8]> {
    while let [id, length, rest @ ..] = elements {
        let (value, after) = rest.split_at_checked((*length).into())?;
        if *id == 0 {
            let hidden = value.iter().all(|&byte| byte == 0);
            return (!hidden).then_some(value);
        }
        elements = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beacon_names_its_network() {
        let mut frame = vec![0x80, 0, 0, 0];
        frame.extend([0xff; 6]);
        frame.extend([2, 0, 0, 0, 0, 9]);
        frame.extend([2, 0, 0, 0, 0, 9]);
        frame.extend([0; 14]);
        frame.extend(b"\0\x04home\x01\x01\x82");
        let radio = read(105, &frame).unwrap();
        assert_eq!(radio.network, Some((&b"home"[..], "wlan.beacon")));
        assert_eq!(radio.access_point, Some(Mac([2, 0, 0, 0, 0, 9])));
        let tapped = [&[0, 0, 8, 0, 0, 0, 0, 0][..], &frame].concat();
        assert_eq!(read(127, &tapped), Some(radio));
        for cut in 0..frame.len() {
            read(105, &frame[..cut]);
        }
        assert_eq!(read(1, &frame), None);
    }
}
