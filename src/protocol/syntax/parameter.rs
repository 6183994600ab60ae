//! Secrets in named parameters: query strings and forms (WHATWG URL §5.1) and JSON (RFC 8259).
//! Recognised by the names that devices use for them, so it finds what is obvious and no more.

/// Names of secrets, in lower case without `-` and `_`.
const SECRETS: [&[u8]; 19] = [
    b"password",
    b"passwd",
    b"passcode",
    b"passphrase",
    b"pass",
    b"pwd",
    b"psw",
    b"psk",
    b"token",
    b"accesstoken",
    b"authtoken",
    b"apikey",
    b"secret",
    b"clientsecret",
    b"loginpas",
    b"loginpwd",
    b"userpwd",
    b"userpassword",
    b"wifipassword",
];

/// Names of user names, likewise.
const USERS: [&[u8]; 8] =
    [b"username", b"user", b"usr", b"login", b"loginuse", b"loginname", b"account", b"email"];

/// Longest name compared, bytes.
const NAME_BYTES_MAX: usize = 24;

/// A secret that was found, without the secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Secret {
    /// The user name beside it, or empty.
    pub user: Vec<u8>,
    /// Length of the secret, bytes.
    pub length: usize,
}

/// The first secret in a query string, form or JSON text. `whole` is false when `text` was cut:
/// then its last parameter, whose length is not known, does not count.
#[must_use]
pub fn secret(text: &[u8], whole: bool) -> Option<Secret> {
    let mut found = Found::default();
    match text.trim_ascii_start() {
        json @ [b'{' | b'[', ..] => {
            self::json(json, &mut |name, value| found.take(name, Value(value, false)));
        }
        form => form_pairs(form, whole, &mut |name, value| found.take(name, value)),
    }
    let length = found.length?;
    Some(Secret { user: found.user.unwrap_or_default(), length })
}

#[derive(Default)]
struct Found {
    user: Option<Vec<u8>>,
    length: Option<usize>,
}

impl Found {
    fn take(&mut self, name: &[u8], value: Value<'_>) {
        if value.0.is_empty() {
            return;
        }
        let name = plain(name);
        if SECRETS.contains(&&name[..]) {
            self.length.get_or_insert_with(|| value.decode().len());
        } else if USERS.contains(&&name[..]) {
            self.user.get_or_insert_with(|| value.decode());
        }
    }
}

/// Whether a parameter of this name holds a secret.
#[must_use]
pub fn is_secret(name: &[u8]) -> bool {
    SECRETS.contains(&&plain(name)[..])
}

/// A name as it stands in the lists; empty when it is longer than any of them.
fn plain(name: &[u8]) -> Vec<u8> {
    let name = if name.len() > NAME_BYTES_MAX { &[] } else { name };
    let letters = name.iter().filter(|byte| !matches!(byte, b'-' | b'_'));
    letters.map(u8::to_ascii_lowercase).collect()
}

/// A value and whether it is escaped as in a URL.
struct Value<'a>(&'a [u8], bool);

impl Value<'_> {
    fn decode(&self) -> Vec<u8> {
        if !self.1 {
            return self.0.to_vec();
        }
        let digit = |at: usize| self.0.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        let mut out = Vec::with_capacity(self.0.len());
        let mut at = 0;
        while at < self.0.len() {
            let byte = match (self.0[at], digit(at + 1), digit(at + 2)) {
                (b'%', Some(high), Some(low)) => {
                    at += 2;
                    (high << 4 | low) as u8
                }
                (b'+', ..) => b' ',
                (byte, ..) => byte,
            };
            out.push(byte);
            at += 1;
        }
        out
    }
}

fn form_pairs(text: &[u8], whole: bool, visit: &mut dyn FnMut(&[u8], Value<'_>)) {
    let mut rest = text.trim_ascii_end();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'&' | b'?'));
        if end.is_none() && !whole {
            return;
        }
        let pair = &rest[..end.unwrap_or(rest.len())];
        rest = end.map_or(&[], |end| &rest[end + 1..]);
        if let Some(equals) = pair.iter().position(|&byte| byte == b'=') {
            visit(&pair[..equals], Value(&pair[equals + 1..], true));
        }
    }
}

/// Every `"name": value` at any depth, in one pass over the text; escapes stay as they are.
pub fn json(text: &[u8], visit: &mut dyn FnMut(&[u8], &[u8])) {
    let mut at = 0;
    while let Some((name, after)) = json_string(text, at) {
        at = after;
        let Some(colon) = skip_space(text, at) else {
            return;
        };
        if text[colon] != b':' {
            continue;
        }
        let Some(begin) = skip_space(text, colon + 1) else {
            return;
        };
        match text[begin] {
            b'"' => {
                let Some((value, after)) = json_string(text, begin) else {
                    return;
                };
                visit(name, value);
                at = after;
            }
            b'{' | b'[' => at = begin,
            _ => {
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                let Some(length) = text[begin..].iter().position(ends) else {
                    return;
                };
                let value = &text[begin..begin + length];
                if !matches!(value, b"null" | b"true" | b"false") {
                    visit(name, value);
                }
                at = begin + length;
            }
        }
    }
}

/// The next string from `at` on, and where it ends; escapes stay as they are.
fn json_string(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let begin = at + text.get(at..)?.iter().position(|&byte| byte == b'"')? + 1;
    let mut end = begin;
    while *text.get(end)? != b'"' {
        end += 1 + usize::from(text[end] == b'\\');
    }
    Some((&text[begin..end], end + 1))
}

fn skip_space(text: &[u8], at: usize) -> Option<usize> {
    text.get(at..)?.iter().position(|byte| !byte.is_ascii_whitespace()).map(|skip| at + skip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8]) -> Option<(Vec<u8>, usize)> {
        secret(text, true).map(|secret| (secret.user, secret.length))
    }

    #[test]
    fn finds_secrets_by_name() {
        let admin = |length| Some((b"admin".to_vec(), length));
        assert_eq!(found(b"a=1&user=admin&pwd=x%20y"), admin(3));
        assert_eq!(found(b"/user=admin&password=123&channel=1"), Some((Vec::new(), 3)));
        assert_eq!(found(b"API-Key=abcd"), Some((Vec::new(), 4)));
        let json = br#"{"method":"login","params":{"password" : "a\"b","username":"admin"}}"#;
        assert_eq!(found(json), admin(4));
        assert_eq!(found(br#"[{"pass":1234}]"#), Some((Vec::new(), 4)));
    }

    #[test]
    fn similar_names_and_empty_values_are_none() {
        for text in [
            &b"passage=1&compass=2"[..],
            b"password=",
            br#"{"password":null}"#,
            br#"{"a":"password"}"#,
        ] {
            assert_eq!(found(text), None, "{text:?}");
        }
        assert_eq!(secret(b"user=a&password=half", false), None);
        assert_eq!(secret(br#"{"password":"half"#, false), None);
    }
}
