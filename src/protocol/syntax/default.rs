//! Secrets that whole families of devices and programs come with. What is sent is told to be one of
//! them, which one is not.

/// User and secret, as makers document them. An empty user stands for none.
const KNOWN: &[(&str, &str)] = &[
    // Communities of SNMP (RFC 1157 and its implementations).
    ("", "public"),
    ("", "private"),
    ("admin", ""),
    ("admin", "admin"),
    ("admin", "password"),
    ("admin", "1234"),
    ("admin", "12345"),
    ("admin", "123456"),
    ("root", "root"),
    ("root", "pass"),
    ("user", "user"),
    // RabbitMQ.
    ("guest", "guest"),
];

/// Whether a user and secret are what something comes with.
#[must_use]
pub fn is_default(user: &[u8], secret: &[u8]) -> bool {
    KNOWN.iter().any(|&(u, s)| u.as_bytes() == user && s.as_bytes() == secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_must_fit() {
        assert!(is_default(b"", b"public") && is_default(b"admin", b"12345"));
        assert!(!is_default(b"", b"Public") && !is_default(b"root", b"12345"));
        assert!(!is_default(b"", b"") && !is_default(b"public", b""));
    }
}
