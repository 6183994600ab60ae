//! The names in a Certificate message as TLS up to 1.2 sends it readable (RFC 5246 §7.4.2).

use crate::base::bytes::Reader;
use crate::protocol::{Fact, NameKind, What};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Most names taken from one certificate.
const CERTIFICATE_NAMES_MAX: usize = 32;

/// The names in the server's own certificate, the first of the chain (RFC 5280 §4.2.1.6).
pub fn say(body: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    let mut reader = Reader::new(body);
    let first = reader.skip(3).and_then(|()| reader.u24()).and_then(|n| reader.take(n as usize));
    let Some((_, certificate)) = first.and_then(|der| X509Certificate::from_der(der).ok()) else {
        return;
    };
    let what = What::Name(NameKind::Certificate);
    let mut named = false;
    if let Ok(Some(names)) = certificate.subject_alternative_name() {
        for name in names.value.general_names.iter().take(CERTIFICATE_NAMES_MAX) {
            if let GeneralName::DNSName(name) = name {
                named = true;
                say(Fact { what, name: "tls.certificate_name", value: name.as_bytes(), frame });
            }
        }
    }
    for name in certificate.subject().iter_common_name() {
        let value = name.attr_value().data;
        // Without alternative names the common name is what clients went by (RFC 6125 §6.4.4).
        let what = if named { What::Note } else { what };
        say(Fact { what, name: "tls.certificate_subject", value, frame });
    }
}
