//! Fields of HTTP/2 in the spelling of HTTP/1.

use crate::protocol::syntax::hpack::Field;

/// A list of fields of HTTP/2 (RFC 9113 §8.3) as HTTP/1 would write it. What would be a line of its
/// own there becomes a space.
pub fn as_head(fields: &[Field]) -> Vec<u8> {
    let of = |wanted: &[u8]| {
        let field = fields.iter().find(|field| field.0 == wanted);
        field.map(|field| one_line(&field.1))
    };
    let authority = of(b":authority");
    let first = match (of(b":method"), of(b":path"), of(b":status")) {
        (Some(method), path, _) => {
            let target = path.or_else(|| authority.clone()).unwrap_or_else(|| b"/".to_vec());
            [&method[..], b" ", &target, b" HTTP/1.1\r\n"].concat()
        }
        (None, _, Some(status)) => [b"HTTP/1.1 ", &status[..], b" \r\n"].concat(),
        _ => return Vec::new(),
    };
    let mut head = first;
    let host = authority.into_iter().map(|value| (b"host".to_vec(), value));
    let others = fields.iter().filter(|field| !field.0.starts_with(b":"));
    for (name, value) in host.chain(others.map(|field| (one_line(&field.0), one_line(&field.1)))) {
        head.extend([&name[..], b": ", &value, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    head
}

fn one_line(value: &[u8]) -> Vec<u8> {
    let control = |byte: u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte };
    value.iter().map(|&byte| control(byte)).collect()
}
