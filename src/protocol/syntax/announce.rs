//! How control protocols announce the flows that carry the data: session descriptions (RFC 8866)
//! of SIP and GB/T 28181, the Transport field of RTSP (RFC 2326 §12.39, RFC 7826 §18.54), the
//! ports of FTP (RFC 959 §4.1.2, RFC 2428).
//!
//! Bounds: `MEDIA_MAX` media of a description, `TRANSPORTS_MAX` transports of a field.

use super::super::{Announced, Content, TCP, UDP};
use std::net::IpAddr;

/// Media read of one session description.
const MEDIA_MAX: usize = 16;
/// Transports read of one field: a client offers several.
const TRANSPORTS_MAX: usize = 8;

/// Receives what is announced.
type Take<'t> = dyn FnMut(Announced) + 't;

/// Media of RTP profiles in a session description: where its author wants to receive them.
pub fn description(text: &[u8], take: &mut Take<'_>) {
    let mut session = None;
    let mut media: Option<Media> = None;
    let mut count = 0;
    for line in text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end) {
        if let Some(value) = line.strip_prefix(b"c=") {
            let address = connection(value);
            match &mut media {
                Some(media) => media.address = address,
                None => session = address,
            }
        } else if let Some(value) = line.strip_prefix(b"m=") {
            if let Some(media) = media.take() {
                media.announce(take);
            }
            count += 1;
            if count > MEDIA_MAX {
                return;
            }
            media = Media::of(value, session);
        } else if let (Some(value), Some(media)) = (line.strip_prefix(b"a=rtcp:"), &mut media) {
            // RFC 3605 §2.1; an address may follow.
            media.rtcp = value.split(|&byte| byte == b' ').next().and_then(number);
        } else if let (b"a=rtcp-mux", Some(media)) = (line, &mut media) {
            media.rtcp = None;
        }
    }
    if let Some(media) = media {
        media.announce(take);
    }
}

/// A section of a description.
struct Media {
    address: Option<IpAddr>,
    port: u16,
    rtcp: Option<u16>,
    protocol: u8,
    content: Content,
}

impl Media {
    /// `video 49170/2 RTP/AVP 31` (RFC 8866 §5.14).
    fn of(value: &[u8], address: Option<IpAddr>) -> Option<Media> {
        let mut words = value.split(|&byte| byte == b' ');
        let port = words.nth(1)?.split(|&byte| byte == b'/').next().and_then(number)?;
        let (protocol, content) = profile(words.next()?)?;
        // Over TCP both share the connection (RFC 4571).
        let rtcp = (protocol == UDP).then(|| port.checked_add(1)).flatten();
        Some(Media { address, port, rtcp, protocol, content })
    }

    fn announce(self, take: &mut Take<'_>) {
        let Media { address: Some(address), port, rtcp, protocol, content } = self else { return };
        // Port 0 refuses the media, and so does the unspecified address (RFC 3264 §6, §8.4).
        let one = Announced { address, port, peer: None, protocol, label: "rtp", content };
        if !one.is_useful() {
            return;
        }
        take(one);
        if let Some(port) = rtcp {
            take(Announced { port, label: "rtcp", ..one });
        }
    }
}

/// `IN IP4 192.0.2.1/127` (§5.7).
fn connection(value: &[u8]) -> Option<IpAddr> {
    let mut words = value.split(|&byte| byte == b' ').skip(2);
    address(words.next()?.split(|&byte| byte == b'/').next()?)
}

/// Transport protocol of an RTP profile, and whether its content is readable: the secure profiles
/// have an S (RFC 3711 §12).
fn profile(name: &[u8]) -> Option<(u8, Content)> {
    let mut parts = name.split(|&byte| byte == b'/').map(<[u8]>::to_ascii_uppercase);
    let mut first = parts.next()?;
    let mut protocol = UDP;
    // `TCP/RTP/AVP` (RFC 4571 §7).
    if first == b"TCP" || first == b"UDP" {
        protocol = if first == b"TCP" { TCP } else { UDP };
        first = parts.next()?;
    }
    if first != b"RTP" {
        return None;
    }
    let name = parts.next()?;
    // `RTP/AVP/TCP` of RTSP is inside the connection.
    if parts.next().is_some_and(|lower| lower == b"TCP") {
        return None;
    }
    match &name[..] {
        b"AVP" | b"AVPF" => Some((protocol, Content::Clear)),
        b"SAVP" | b"SAVPF" => Some((protocol, Content::Encrypted)),
        _ => None,
    }
}

/// The transports of an RTSP field, between `client` and `server` of the connection.
pub fn transports(value: &[u8], client: IpAddr, server: IpAddr, take: &mut Take<'_>) {
    for transport in value.split(|&byte| byte == b',').take(TRANSPORTS_MAX) {
        let mut fields = transport.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let Some((protocol, content)) = fields.next().and_then(profile) else {
            continue;
        };
        let mut ends = [(client, None), (server, None)];
        let mut group = None;
        for field in fields {
            let split = field.iter().position(|&byte| byte == b'=');
            let (name, value) = field.split_at(split.unwrap_or(field.len()));
            let value = value.strip_prefix(b"=").unwrap_or(value);
            match &name.to_ascii_lowercase()[..] {
                b"destination" => ends[0].0 = address(value).unwrap_or(client),
                b"source" => ends[1].0 = address(value).unwrap_or(server),
                b"client_port" => ends[0].1 = pair(value),
                b"server_port" => ends[1].1 = pair(value),
                b"port" => group = pair(value),
                b"dest_addr" => ends[0] = told(value, client),
                b"src_addr" => ends[1] = told(value, server),
                _ => {}
            }
        }
        // Multicast has one port for all (RFC 2326 §12.39).
        ends[0].1 = ends[0].1.or(group.filter(|_| ends[0].0.is_multicast()));
        for (index, (address, ports)) in ends.into_iter().enumerate() {
            // A server may use one port for all its clients, so that the other end matters; a
            // client's media may come from yet another host.
            let peer = (index == 1).then_some(ends[0].0);
            let [media, control] = ports.unwrap_or([0; 2]);
            for (port, label) in [(media, "rtp"), (control, "rtcp")] {
                let one = Announced { address, port, peer, protocol, label, content };
                if one.is_useful() {
                    take(one);
                }
            }
        }
    }
}

/// `4588-4589`: of the media and of its reports.
fn pair(value: &[u8]) -> Option<[u16; 2]> {
    let mut ports = value.split(|&byte| byte == b'-');
    let media = ports.next().and_then(number)?;
    Some([media, ports.next().and_then(number).unwrap_or(0)])
}

/// `"192.0.2.5:3456"/"192.0.2.5:3457"` (RFC 7826 §18.54.2); without an address it is `own`.
fn told(value: &[u8], own: IpAddr) -> (IpAddr, Option<[u16; 2]>) {
    let mut all = value.split(|&byte| byte == b'/').map(|part| {
        let part = part.trim_ascii();
        let part = part.strip_prefix(b"\"").unwrap_or(part);
        let part = part.strip_suffix(b"\"").unwrap_or(part);
        let colon = part.iter().rposition(|&byte| byte == b':')?;
        let port = number(&part[colon + 1..])?;
        let host = part[..colon].strip_prefix(b"[").unwrap_or(&part[..colon]);
        Some((address(host.strip_suffix(b"]").unwrap_or(host)).unwrap_or(own), port))
    });
    let Some((address, media)) = all.next().flatten() else {
        return (own, None);
    };
    let control = all.next().flatten().map_or(0, |(_, port)| port);
    (address, Some([media, control]))
}

/// Where FTP data goes, `label` ftp-data.
#[must_use]
pub fn file_transfer(address: IpAddr, port: u16) -> Announced {
    let (label, content) = ("ftp-data", Content::Clear);
    Announced { address, port, peer: None, protocol: TCP, label, content }
}

/// `h1,h2,h3,h4,p1,p2` of PORT, and anywhere in the answer to PASV: RFC 1123 §4.1.2.6 warns that
/// servers put it where they like.
#[must_use]
pub fn six_numbers(text: &[u8]) -> Option<(IpAddr, u16)> {
    let is_list = |byte: &u8| byte.is_ascii_digit() || *byte == b',';
    let lists = text.split(|byte| !is_list(byte));
    for list in lists {
        let numbers: Option<Vec<u8>> = list
            .split(|&byte| byte == b',')
            .take(7)
            .map(|digits| u8::try_from(number(digits)?).ok())
            .collect();
        if let Some([a, b, c, d, high, low]) = numbers.as_deref() {
            return Some(([*a, *b, *c, *d].into(), u16::from_be_bytes([*high, *low])));
        }
    }
    None
}

/// `|1|192.0.2.1|6275|` of EPRT, `|||6446|` of the answer to EPSV; any delimiter will do.
#[must_use]
pub fn extended(text: &[u8]) -> Option<(Option<IpAddr>, u16)> {
    let delimiter = *text.first()?;
    let mut parts = text[1..].split(|&byte| byte == delimiter).skip(1);
    let host = address(parts.next()?);
    Some((host, parts.next().and_then(number)?))
}

fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn number(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(one: &Announced) -> String {
        let Announced { address, port, peer, protocol, label, content } = one;
        let peer = peer.map_or(String::new(), |peer| format!(" from {peer}"));
        format!("{label} {} {protocol} {address}:{port}{peer}", content.name())
    }

    fn described(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        description(text.as_bytes(), &mut |one| all.push(shown(&one)));
        all
    }

    #[test]
    fn descriptions_announce_media_of_rtp() {
        let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\nc=IN IP4 192.0.2.8\r\nt=0 0\r\n\
                    m=video 6000/2 RTP/AVP 96\r\na=rtcp:7007 IN IP4 192.0.2.8\r\n\
                    m=audio 6002 RTP/SAVP 8\r\nc=IN IP6 2001:db8::1\r\na=rtcp-mux\r\n\
                    m=video 0 RTP/AVP 96\r\nm=image 6008 udptl t38\r\n\
                    m=video 6004 TCP/RTP/AVP 96";
        let expected = [
            "rtp clear 17 192.0.2.8:6000",
            "rtcp clear 17 192.0.2.8:7007",
            "rtp encrypted 17 2001:db8::1:6002",
            "rtp clear 6 192.0.2.8:6004",
        ];
        assert_eq!(described(text), expected);
        assert_eq!(described("c=IN IP4 0.0.0.0\r\nm=audio 5 RTP/AVP 0\r\n"), [""; 0], "on hold");
        assert_eq!(described("m=audio 5 RTP/AVP 0\r\n"), [""; 0], "no address");
        let many = format!("c=IN IP4 192.0.2.8\n{}", "m=audio 5 RTP/AVP 0\n".repeat(99));
        assert_eq!(described(&many).len(), 2 * MEDIA_MAX);
    }

    #[test]
    fn transports_announce_both_ends() {
        let ends = ["10.0.0.5", "192.0.2.5"].map(|text| text.parse().unwrap());
        let of = |text: &str| {
            let mut all = Vec::new();
            transports(text.as_bytes(), ends[0], ends[1], &mut |one| all.push(shown(&one)));
            all
        };
        let both = "RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257;ssrc=1";
        let expected = [
            "rtp clear 17 10.0.0.5:4588",
            "rtcp clear 17 10.0.0.5:4589",
            "rtp clear 17 192.0.2.5:6256 from 10.0.0.5",
            "rtcp clear 17 192.0.2.5:6257 from 10.0.0.5",
        ];
        assert_eq!(of(both), expected);
        let elsewhere = "RTP/SAVP/UDP;unicast;source=192.0.2.9;server_port=7000";
        assert_eq!(of(elsewhere), ["rtp encrypted 17 192.0.2.9:7000 from 10.0.0.5"]);
        let group = "RTP/AVP;multicast;destination=224.2.0.1;port=3456-3457;ttl=16";
        assert_eq!(of(group), ["rtp clear 17 224.2.0.1:3456", "rtcp clear 17 224.2.0.1:3457"]);
        let second = "RTP/AVP/UDP;unicast;dest_addr=\":80\"/\":81\";src_addr=\"[2001:db8::2]:90\"";
        let expected = [
            "rtp clear 17 10.0.0.5:80",
            "rtcp clear 17 10.0.0.5:81",
            "rtp clear 17 2001:db8::2:90 from 10.0.0.5",
        ];
        assert_eq!(of(second), expected);
        for none in ["RTP/AVP/TCP;interleaved=0-1", "RAW/RAW/UDP;client_port=1-2", "", "RTP"] {
            assert_eq!(of(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn ports_of_file_transfers() {
        let six = |text: &str| six_numbers(text.as_bytes()).map(|(a, p)| format!("{a}:{p}"));
        assert_eq!(six("10,0,0,5,195,80").as_deref(), Some("10.0.0.5:50000"));
        let answer = "Entering Passive Mode (192,0,2,1,4,1).";
        assert_eq!(six(answer).as_deref(), Some("192.0.2.1:1025"));
        assert_eq!(six("10,0,0,5,195"), None);
        assert_eq!(six("10,0,0,5,195,80,7"), None);
        assert_eq!(six("10,0,0,256,195,80"), None);
        let host = Some("2001:db8::1".parse().unwrap());
        assert_eq!(extended(b"|2|2001:db8::1|5282|"), Some((host, 5282)));
        assert_eq!(extended(b"|||6446|"), Some((None, 6446)));
        assert_eq!(extended(b"|||x|"), None);
        assert_eq!(extended(b""), None);
    }
}
