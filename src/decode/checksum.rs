//! The Internet checksum (RFC 1071).

use std::net::IpAddr;

/// Adds `bytes` as 16-bit words to a running sum. Words are summed in the machine's order:
/// the sum is the same but for a byte swap (RFC 1071 §2 B), which `is_valid` does not mind.
#[inline(always)]
pub(super) fn add(sum: u64, bytes: &[u8]) -> u64 {
    let mut total = sum;
    let (wide, rest) = bytes.as_chunks::<8>();
    for chunk in wide {
        total += add_array(chunk);
    }
    // What is left, in halves: a loop would cost as much as all of a short packet.
    let rest = match rest.split_first_chunk::<4>() {
        Some((four, rest)) => {
            total += u64::from(u32::from_ne_bytes(*four));
            rest
        }
        None => rest,
    };
    match *rest {
        [] => {}
        [a] => total += u64::from(u16::from_ne_bytes([a, 0])),
        [a, b] => total += u64::from(u16::from_ne_bytes([a, b])),
        [a, b, c, ..] => total += u64::from(u32::from_ne_bytes([a, b, c, 0])),
    }
    total
}

/// The sum of eight bytes.
#[inline(always)]
pub(super) fn add_array(bytes: &[u8; 8]) -> u64 {
    let value = u64::from_ne_bytes(*bytes);
    (value & 0xffff_ffff) + (value >> 32)
}

/// What the pseudo-header adds beside the addresses.
#[inline]
pub(super) fn about(protocol: u8, length: u32) -> u64 {
    u64::from(length.to_be()) + u64::from(u16::from_ne_bytes([0, protocol]))
}

/// The part of the sum that the pseudo-header adds (RFC 9293 §3.1, RFC 8200 §8.1).
#[inline]
pub(super) fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: u32) -> u64 {
    let mut sum = 0;
    for address in [source, destination] {
        sum = match address {
            IpAddr::V4(v4) => add(sum, &v4.octets()),
            IpAddr::V6(v6) => add(sum, &v6.octets()),
        };
    }
    sum + about(protocol, length)
}

/// Whether a sum that includes the checksum field itself comes out as all ones.
#[inline]
pub(super) fn is_valid(sum: u64) -> bool {
    fold(sum) == 0xffff
}

/// Adds up the 16-bit words of a sum until one is left.
#[inline]
fn fold(sum: u64) -> u64 {
    // A number added to itself with its halves swapped: the upper half is the sum of both, carry
    // included.
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    u64::from(sum.wrapping_add(sum.rotate_left(16)) >> 16)
}

/// The checksum of a header whose checksum field, at byte 10, counts as zero.
pub(super) fn field(header: &[u8]) -> [u8; 2] {
    let folded = fold(add(add(0, &header[..10]), &header[12..]));
    (!(folded as u16)).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_1071_example() {
        // RFC 1071 §3: these words sum to ddf2, so the checksum is 220d.
        let data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert!(is_valid(add(add(0, &data), &[0x22, 0x0d])));
        assert!(!is_valid(add(add(0, &data), &[0x22, 0x0e])));
    }

    #[test]
    fn odd_lengths_are_padded_at_the_end() {
        let ones = [0xff, 0xff, 0x12, 0x34, 0x56];
        let same = [0xff, 0xff, 0x12, 0x34, 0x56, 0x00];
        assert_eq!(add(0, &ones), add(0, &same));
    }
}
