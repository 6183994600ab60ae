//! What requests and answers say.

use super::{BODY_BYTES_MAX, DNS_PATH, Exchange, Half, State, VERSION};
use crate::protocol::syntax::application;
use crate::protocol::syntax::framed::Voice;
use crate::protocol::syntax::header::{self, Parted, SignIn, Start};
use crate::protocol::syntax::moving::{Moving, Part};
use crate::protocol::syntax::{parameter, update};
use crate::protocol::{Fact, IdentityKind, NameKind, Subject, What};

const SIGN_IN: SignIn = SignIn {
    field: "http.authorization",
    basic: "http basic",
    bearer: "http bearer token",
    digest_user: "http.digest_user",
};

impl Exchange {
    pub(super) fn request(
        &mut self,
        method: &[u8],
        target: &[u8],
        head: &Parted<'_>,
        frame: u64,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        let url = header::url(target);
        // A proxy is asked for somebody else's name (RFC 9112 §3.2.2, §3.2.3): it does not name
        // the responder of this flow.
        let proxied = method == b"CONNECT" || url.is_some();
        if let Some(url) = url {
            self.say(What::Note, "http.proxy_target", url.authority, frame, say);
            if let Some((user, length)) = url.secret() {
                let what = What::Credential { kind: "http url", length };
                self.say(what, "http.url", user, frame, say);
            }
        } else if method == b"CONNECT" {
            self.say(What::Handover, "http.proxy_target", target, frame, say);
        }
        let voice = &mut Voice::new(&mut self.others, frame, say);
        if let Some(application) = application::of_request(target, head, voice) {
            self.application = Some(application);
        }
        let query = target.iter().position(|&byte| byte == b'?');
        if let Some(at) = query {
            self.secret(&target[at + 1..], true, frame, say);
        }
        let path = &target[..query.unwrap_or(target.len())];
        if path == DNS_PATH {
            say(Fact { what: What::DnsOver("http"), name: "http.dns", value: path, frame });
        }
        if matches!(method, b"GET" | b"HEAD" | b"POST")
            && let Some(looks) = update::looks(path)
        {
            let what = What::Update { image: looks == update::Looks::Image };
            self.say(what, "http.update", path, frame, say);
        }
        if self.noted {
            let target = header::without_secrets(target);
            let shown = [method, b" ", &target].concat();
            self.say(What::Note, "http.request", &shown, frame, say);
            note_request(method, &target, head, frame, say);
        }
        for &(name, value) in &head.fields {
            if value.is_empty() {
                continue;
            }
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
            let product = What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
            if is("host") {
                let host = header::host(value);
                if self.hosts.is_first("", host) {
                    let foreign = proxied || header::is_address(host);
                    let kind = if foreign { NameKind::Requested } else { NameKind::Host };
                    say(Fact { what: What::Name(kind), name: "http.host", value: host, frame });
                }
            } else if is("user-agent") {
                self.say(product, "http.user_agent", value, frame, say);
            } else if is("authorization") || is("proxy-authorization") {
                if let Some((what, name, user)) = header::sign_in(value, &SIGN_IN) {
                    self.say(what, name, &user, frame, say);
                }
            } else if is("soapaction") && opens(value) {
                // UPnP Internet Gateway Device (WANIPConnection:2 §2.5.16).
                self.say(What::Opening, "http.soap_action", value, frame, say);
            } else if is("upgrade") {
                self.say(What::Note, "http.upgrade", value, frame, say);
            } else if is("sec-websocket-protocol") {
                self.say(What::Note, "http.websocket_protocol", value, frame, say);
            } else if is("content-type") && (is_moving(value) || starts_with(value, b"image/")) {
                self.say(What::Media, "http.media", value, frame, say);
            }
        }
    }

    pub(super) fn response(
        &mut self,
        head: &Parted<'_>,
        frame: u64,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        if self.noted {
            note_response(head, frame, say);
        }
        for &(name, value) in &head.fields {
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
            if is("server") && !value.is_empty() {
                let product =
                    What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
                self.say(product, "http.server", value, frame, say);
            } else if is("www-authenticate") {
                if let Some(realm) = header::quoted(value, b"realm=") {
                    self.say(What::Note, "http.realm", realm, frame, say);
                }
            } else if is("content-type") && is_moving(value) {
                self.say(What::Media, "http.media", value, frame, say);
            } else if is("sec-websocket-accept") {
                self.say(What::Note, "http.upgraded", b"websocket", frame, say);
            } else if is("sec-websocket-protocol") {
                self.say(What::Note, "http.websocket_settled", value, frame, say);
            }
        }
    }

    /// Says the secret in a body that has ended, or of which enough is there.
    pub(super) fn parameters(
        &mut self,
        half: &mut Half,
        frame: u64,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        if let Some(body) = half.body.take() {
            self.secret(&body, body.len() < BODY_BYTES_MAX, frame, say);
            let voice = &mut Voice::new(&mut self.others, frame, say);
            application::tell(&body, self.application.as_ref(), voice);
        }
    }

    /// Says which sound and pictures a body holds, as far as its beginning shows that.
    pub(super) fn watch(
        &mut self,
        half: &mut Half,
        piece: &[u8],
        frame: u64,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        let Some(moving) = &mut half.moving else { return };
        let more = moving.take(piece, &mut |part, what| {
            let name = match part {
                Part::Video => "http.video",
                Part::Audio => "http.audio",
            };
            self.say(What::Media, name, what, frame, say);
        });
        if !more {
            half.moving = None;
        }
    }

    fn secret(&mut self, text: &[u8], whole: bool, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        if let Some(secret) = parameter::secret(text, whole) {
            let what = What::Credential { kind: "http parameter", length: secret.length };
            self.say(what, "http.parameter", &secret.user, frame, say);
        }
    }

    /// Says a thing for the first time in this flow.
    pub(super) fn say(
        &mut self,
        what: What,
        name: &'static str,
        value: &[u8],
        frame: u64,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        if self.others.is_first(what, name, value) {
            say(Fact { what, name, value, frame });
        }
    }
}

/// Says that a request came, every time, so that whoever tells transactions can put requests and
/// answers together: method, target, version, host and user agent, a line each.
fn note_request(
    method: &[u8],
    target: &[u8],
    head: &Parted<'_>,
    frame: u64,
    say: &mut dyn FnMut(Fact<'_>),
) {
    let line = head.head.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let version =
        line.iter().rposition(|&byte| byte == b'/').map_or(&b""[..], |at| &line[at + 1..]);
    let field = |name| head.field(name).unwrap_or_default();
    // A folded value has a line end in it, which would begin another line here.
    let parts = [method, target, version, header::host(field("host")), field("user-agent")];
    let value = parts.map(on_one_line).join(&b'\n');
    say(Fact { what: What::Note, name: "http.sent", value: &value, frame });
}

/// The same for an answer: status and content type.
fn note_response(head: &Parted<'_>, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    let Some(Start::Response(code)) = header::start(head.head, VERSION) else { return };
    let kind = head.field("content-type").unwrap_or_default();
    let value = [code.to_string().as_bytes(), &on_one_line(kind)].join(&b'\n');
    say(Fact { what: What::Note, name: "http.answered", value: &value, frame });
}

fn on_one_line(value: &[u8]) -> Vec<u8> {
    value.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect()
}

/// Forms and JSON, and what does not say what it is: many devices leave the type out.
pub fn may_hold_parameters(head: &Parted<'_>) -> bool {
    let Some(kind) = head.field("content-type") else {
        return true;
    };
    [&b"application/x-www-form-urlencoded"[..], b"application/json", b"text/plain"]
        .iter()
        .any(|wanted| starts_with(kind, wanted))
}

/// Looks at the body behind `head`, where that may be sound or pictures. Servers that do not know
/// FLV send it as plain bytes.
pub fn moving(head: &Parted<'_>, state: State) -> Option<Box<Moving>> {
    if matches!(state, State::Head | State::Lost) {
        return None;
    }
    let kind = head.field("content-type").unwrap_or_default();
    let pictures = is_moving(kind);
    let plain = kind.is_empty() || starts_with(kind, b"application/octet-stream");
    (pictures || plain).then(|| Box::new(Moving::of(pictures)))
}

/// Types of sound and moving pictures; multipart/x-mixed-replace is how cameras send JPEG after
/// JPEG. Single images are left out of answers: every web page has some.
fn is_moving(kind: &[u8]) -> bool {
    [&b"video/"[..], b"audio/", b"multipart/x-mixed-replace"]
        .iter()
        .any(|wanted| starts_with(kind, wanted))
}

fn starts_with(value: &[u8], wanted: &[u8]) -> bool {
    value.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted))
}

/// Whether a SOAP action asks a router to open a port.
fn opens(action: &[u8]) -> bool {
    let name = action.rsplit(|&byte| byte == b'#').next().unwrap_or_default();
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    matches!(name, b"AddPortMapping" | b"AddAnyPortMapping")
}
