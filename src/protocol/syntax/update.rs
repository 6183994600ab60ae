//! Whether a file that is asked for by name looks like a program for a device, or like the list in
//! which a newer one is looked up. A name says what somebody calls a file, not what is in it.

/// Endings of images that devices are written with.
const IMAGES: [&[u8]; 9] =
    [b"bin", b"fw", b"img", b"rom", b"trx", b"swu", b"ota", b"ubi", b"squashfs"];
/// Endings that may be an image, a list of them, or a page that makes one.
const CARRIERS: [&[u8]; 16] = [
    b"zip", b"gz", b"tgz", b"pkg", b"hex", b"ini", b"json", b"xml", b"txt", b"dav", b"asp",
    b"aspx", b"php", b"jsp", b"cgi", b"do",
];
/// What a step of a path, or a part of one, is called where updates lie.
const WORDS: [&[u8]; 11] = [
    b"firmware",
    b"firmwares",
    b"fw",
    b"fota",
    b"ota",
    b"upgrade",
    b"update",
    b"updates",
    b"sysupgrade",
    b"fwupdate",
    b"romupgrade",
];

/// What a name looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// An image, where updates lie.
    Image,
    /// An image, or something where updates lie: likely, and no more.
    Likely,
}

/// Of a path without its query; `None` for what looks like neither.
#[must_use]
pub fn looks(path: &[u8]) -> Option<Looks> {
    let lower = path.to_ascii_lowercase();
    let file = lower.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let ending = file.rsplit(|&byte| byte == b'.').next().filter(|rest| rest.len() < file.len());
    let is_image = ending.is_some_and(|ending| IMAGES.contains(&ending));
    let carries = ending.is_none_or(|ending| CARRIERS.contains(&ending));
    let mut words = lower.split(|byte| !byte.is_ascii_alphanumeric());
    let spoken_of = words.any(|word| WORDS.contains(&word));
    match (is_image, spoken_of) {
        (true, true) => Some(Looks::Image),
        (true, false) => Some(Looks::Likely),
        (false, true) if carries => Some(Looks::Likely),
        (false, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_lists_of_updates_are_known_by_name_and_near_misses_are_not() {
        for (path, expected) in [
            (&b"/firmware/cam5310/5.2.1.bin"[..], Some(Looks::Image)),
            (b"/OTA/image-v3.IMG", Some(Looks::Image)),
            (b"/fw_5.0.swu", Some(Looks::Image)),
            (b"/d/a1b2.bin", Some(Looks::Likely)),
            (b"/api/v1/upgrade/check.json", Some(Looks::Likely)),
            (b"/ota/latest", Some(Looks::Likely)),
            (b"/router/firmware/query.aspx", Some(Looks::Likely)),
            (b"/updates.html", None),
            (b"/firmware/logo.png", None),
            (b"/robota/latest", None),
            (b"/backup.zip", None),
            (b"/cgi-bin/status", None),
            (b"/bin", None),
            (b"", None),
        ] {
            assert_eq!(looks(path), expected, "{}", String::from_utf8_lossy(path));
        }
    }
}
