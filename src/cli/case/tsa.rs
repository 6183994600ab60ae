//! Asks a time-stamp authority that the user names (RFC 3161 §3.4): one request over plain HTTP, to no
//! other place, with bounds on time and size. What comes back is checked like any reply, so that
//! nobody on the way can change it; only that somebody was asked can be seen there.

use anyhow::{Context, bail};
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Largest answer with its head, bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024 + 16 * 1024;
/// For a connection, and for each part of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// For the whole answer.
const PATIENCE_ALL: Duration = Duration::from_secs(30);

/// Sends a request and gives the reply.
pub(super) fn ask(url: &str, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let place = Place::of(url)?;
    let began = Instant::now();
    let mut stream = place.connect()?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // The older version: no pieces, the end of the answer is the end of the connection.
    let head = format!(
        "POST {} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/timestamp-query\r\n\
         Accept: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        place.path,
        place.host_header(),
        request.len()
    );
    stream.write_all(&[head.as_bytes(), request].concat())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        if began.elapsed() > PATIENCE_ALL {
            bail!("the answer takes longer than {} seconds", PATIENCE_ALL.as_secs());
        }
        match stream.read(&mut buffer).context("the answer cannot be read")? {
            0 => break,
            count => answer.extend_from_slice(&buffer[..count]),
        }
        if answer.len() > ANSWER_BYTES_MAX {
            bail!("the answer is larger than {ANSWER_BYTES_MAX} bytes");
        }
        if let Ok(reply) = reply(&answer, true) {
            return Ok(reply.to_vec());
        }
    }
    reply(&answer, false).map(<[u8]>::to_vec)
}

/// The body of an answer; `complete` where its length was said and all of it must be there.
fn reply(answer: &[u8], complete: bool) -> anyhow::Result<&[u8]> {
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n");
    let end = end.context("the answer is not one of HTTP")?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.") || status.split(' ').nth(1) != Some("200") {
        let said = crate::base::text::safe(status.as_bytes());
        bail!("the authority answers: {}", crate::base::text::shorten(&said, 100));
    }
    let field = |name: &str| {
        lines.clone().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_ascii_lowercase())
        })
    };
    let kind = field("content-type").unwrap_or_default();
    if !kind.starts_with("application/timestamp-reply") {
        bail!("the answer is no time-stamp: {}", crate::base::text::safe(kind.as_bytes()));
    }
    if field("transfer-encoding").is_some() {
        bail!("the answer is in pieces, although an older version was asked for");
    }
    let body = &answer[end + 4..];
    match field("content-length").map(|length| length.parse::<usize>()) {
        Some(Ok(length)) => body.get(..length).context("the answer ends before its end"),
        Some(Err(_)) => bail!("the answer does not say how long it is"),
        None if complete => bail!("its end is not known"),
        None => Ok(body),
    }
}

/// What a URL says.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
    path: String,
}

impl Place {
    fn of(url: &str) -> anyhow::Result<Place> {
        if url.starts_with("https://") {
            bail!(
                "phonehome speaks no TLS: send the request with curl (`phonehome case stamp DIR` says \
                 how), or give a URL that begins with http://; the reply is signed either way"
            );
        }
        let rest = url.strip_prefix("http://").context("the URL has to begin with http://")?;
        if rest.len() > 2048 || rest.bytes().any(|byte| !byte.is_ascii_graphic()) {
            bail!("the URL has characters that no URL has");
        }
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        if authority.contains(['@', '#']) || path.contains('#') {
            bail!("the URL has a user or a fragment, which nobody is sent");
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().context("the URL has a port that is none")?)
            }
            _ => (authority, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            bail!("the URL names no host");
        }
        Ok(Place { host, port, path })
    }

    fn host_header(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 80 { host } else { format!("{host}:{}", self.port) }
    }

    fn connect(&self) -> anyhow::Result<TcpStream> {
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        let mut last = None;
        for address in found.with_context(|| format!("{} has no address", self.host))?.take(8) {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        match last {
            Some(error) => Err(error).with_context(|| format!("{} cannot be reached", self.host)),
            None => bail!("{} has no address", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_others_are_refused() {
        let place =
            |host: &str, port, path: &str| Place { host: host.into(), port, path: path.into() };
        for (url, expected) in [
            ("http://tsa.test", place("tsa.test", 80, "/")),
            ("http://tsa.test:318/a?b", place("tsa.test", 318, "/a?b")),
            ("http://[::1]:80/", place("::1", 80, "/")),
            ("http://[2001:db8::1]", place("2001:db8::1", 80, "/")),
        ] {
            assert_eq!(Place::of(url).unwrap(), expected, "{url}");
        }
        for bad in [
            "https://tsa.test",
            "ftp://tsa.test",
            "tsa.test",
            "http://",
            "http://a:b/",
            "http://a b/",
            "http://user@tsa.test/",
            "http://a/\r\nX: y",
        ] {
            assert!(Place::of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_whole_reply_is_one() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n";
        let answer = format!("{head}Content-Length: 3\r\n\r\nabcd");
        assert_eq!(reply(answer.as_bytes(), true).unwrap(), b"abc");
        let open = format!("{head}\r\nabcd");
        assert_eq!(reply(open.as_bytes(), false).unwrap(), b"abcd");
        assert!(reply(open.as_bytes(), true).is_err());
        for bad in [
            format!("{head}Content-Length: 9\r\n\r\nabcd"),
            format!("{head}Content-Length: x\r\n\r\nabcd"),
            format!("{head}Transfer-Encoding: chunked\r\n\r\n4\r\nabcd"),
            "HTTP/1.1 302 Found\r\nLocation: http://other.test/\r\n\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n".to_owned(),
            "nonsense".to_owned(),
        ] {
            assert!(reply(bad.as_bytes(), false).is_err(), "{bad}");
        }
    }
}
