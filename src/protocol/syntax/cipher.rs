//! Names of cipher suites, key exchange groups and alerts, as the IANA registry of TLS parameters
//! has them.

use std::borrow::Cow;

/// A cipher suite; the less usual ones by number.
#[must_use]
pub fn name(cipher: u16) -> Cow<'static, str> {
    Cow::Borrowed(match cipher {
        0x0000 => "TLS_NULL_WITH_NULL_NULL",
        0x0001 => "TLS_RSA_WITH_NULL_MD5",
        0x0002 => "TLS_RSA_WITH_NULL_SHA",
        0x0004 => "TLS_RSA_WITH_RC4_128_MD5",
        0x0005 => "TLS_RSA_WITH_RC4_128_SHA",
        0x000a => "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        0x002f => "TLS_RSA_WITH_AES_128_CBC_SHA",
        0x0033 => "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
        0x0035 => "TLS_RSA_WITH_AES_256_CBC_SHA",
        0x0039 => "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        0x003c => "TLS_RSA_WITH_AES_128_CBC_SHA256",
        0x003d => "TLS_RSA_WITH_AES_256_CBC_SHA256",
        0x0067 => "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
        0x006b => "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
        0x008c => "TLS_PSK_WITH_AES_128_CBC_SHA",
        0x008d => "TLS_PSK_WITH_AES_256_CBC_SHA",
        0x009c => "TLS_RSA_WITH_AES_128_GCM_SHA256",
        0x009d => "TLS_RSA_WITH_AES_256_GCM_SHA384",
        0x009e => "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        0x009f => "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
        0x00a8 => "TLS_PSK_WITH_AES_128_GCM_SHA256",
        0x00a9 => "TLS_PSK_WITH_AES_256_GCM_SHA384",
        0x00ae => "TLS_PSK_WITH_AES_128_CBC_SHA256",
        0x1301 => "TLS_AES_128_GCM_SHA256",
        0x1302 => "TLS_AES_256_GCM_SHA384",
        0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
        0x1304 => "TLS_AES_128_CCM_SHA256",
        0x1305 => "TLS_AES_128_CCM_8_SHA256",
        0xc009 => "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        0xc00a => "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        0xc013 => "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        0xc014 => "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        0xc023 => "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        0xc024 => "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        0xc027 => "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        0xc028 => "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
        0xc02b => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xc02c => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xc02f => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xc030 => "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xc0a8 => "TLS_PSK_WITH_AES_128_CCM_8",
        0xc0ae => "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
        0xcca8 => "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0xcca9 => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        0xccaa => "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        _ => return Cow::Owned(format!("0x{cipher:04x}")),
    })
}

/// Whether a cipher suite takes a key that both sides had before (RFC 4279, RFC 4785, RFC 5487, RFC 5489,
/// RFC 6655, RFC 7905, RFC 8442), in one of four ways that name it alike.
#[must_use]
pub fn is_pre_shared(cipher: u16) -> bool {
    matches!(cipher, 0x002c..=0x002e | 0x008a..=0x0095 | 0x00a8..=0x00b9 | 0xc033..=0xc03b
        | 0xc0a4..=0xc0ab | 0xccab..=0xccae | 0xd001..=0xd005)
}

/// Why a cipher suite must not be used any more (RFC 9325 §4.1 and the documents it names), by the
/// numbers of the IANA registry.
#[must_use]
pub fn weak(cipher: u16) -> Option<&'static str> {
    Some(match cipher {
        0x0000..=0x0002
        | 0x002c..=0x002e
        | 0x003b
        | 0x00b0
        | 0x00b1
        | 0x00b4
        | 0x00b5
        | 0x00b8
        | 0x00b9
        | 0xc001
        | 0xc006
        | 0xc00b
        | 0xc010
        | 0xc015
        | 0xc039..=0xc03b => "no encryption",
        0x0003
        | 0x0006
        | 0x0008
        | 0x000b
        | 0x000e
        | 0x0011
        | 0x0014
        | 0x0017
        | 0x0019
        | 0x0026..=0x002b => "keys of 40 bits, made weak for export",
        0x0018
        | 0x001a
        | 0x001b
        | 0x0034
        | 0x003a
        | 0x0046
        | 0x006c
        | 0x006d
        | 0x0089
        | 0x009b
        | 0x00a6
        | 0x00a7
        | 0x00bf
        | 0x00c5
        | 0xc016..=0xc019 => "nobody proves who they are",
        0x0004 | 0x0005 | 0x0020 | 0x0024 | 0x008a | 0x008e | 0x0092 | 0xc002 | 0xc007 | 0xc00c
        | 0xc011 | 0xc033 => "RC4 (RFC 7465)",
        0x0009 | 0x000c | 0x000f | 0x0012 | 0x0015 | 0x001e | 0x0022 => "DES, with keys of 56 bits",
        0x000a
        | 0x000d
        | 0x0010
        | 0x0013
        | 0x0016
        | 0x001f
        | 0x0023
        | 0x008b
        | 0x008f
        | 0x0093
        | 0xc003
        | 0xc008
        | 0xc00d
        | 0xc012
        | 0xc01a..=0xc01c
        | 0xc034 => "Triple DES, with blocks of 64 bits",
        0x0007 | 0x0021 | 0x0025 => "IDEA, with blocks of 64 bits",
        _ => return None,
    })
}

/// Why whoever gets hold of one long-lived secret can read what was recorded before (RFC 9325 §4.1,
/// RFC 4279 §7.1), by the numbers of the IANA registry; weak suites are told apart.
#[must_use]
pub fn without_forward_secrecy(cipher: u16) -> Option<&'static str> {
    Some(match cipher {
        0x002f | 0x0035 | 0x003c | 0x003d | 0x0041 | 0x0084 | 0x0096 | 0x009c | 0x009d | 0x00ba
        | 0x00c0 | 0xc03c | 0xc03d | 0xc050 | 0xc051 | 0xc07a | 0xc07b | 0xc09c | 0xc09d
        | 0xc0a0 | 0xc0a1 => "keys sent under the server's own RSA key",
        0x008c | 0x008d | 0x00a8 | 0x00a9 | 0x00ae | 0x00af | 0xc064 | 0xc065 | 0xc06a | 0xc06b
        | 0xc08e | 0xc08f | 0xc094 | 0xc095 | 0xc0a4 | 0xc0a5 | 0xc0a8 | 0xc0a9 => {
            "keys made of a secret that both sides keep"
        }
        _ => return None,
    })
}

/// A key exchange group that is meant to withstand quantum computers.
#[must_use]
pub fn post_quantum(group: u16) -> Option<&'static str> {
    Some(match group {
        0x0200 => "MLKEM512",
        0x0201 => "MLKEM768",
        0x0202 => "MLKEM1024",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        0x6399 => "X25519Kyber768Draft00",
        0x639a => "SecP256r1Kyber768Draft00",
        0x4138 => "CECPQ2",
        _ => return None,
    })
}

/// An alert (RFC 8446 §6, RFC 5246 §7.2); `None` for a number that has no meaning.
#[must_use]
pub fn alert(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_that_has_a_name_is_judged_by_it() {
        for cipher in 0..=u16::MAX {
            let name = name(cipher);
            let has = |word: &str| name.contains(word);
            if name.starts_with("0x") {
                continue;
            }
            let is_weak = has("NULL") || has("RC4") || has("3DES") || has("anon");
            assert_eq!(weak(cipher).is_some(), is_weak, "{name}");
            let fixed = has("TLS_RSA_WITH") || has("TLS_PSK_WITH");
            assert_eq!(without_forward_secrecy(cipher).is_some(), fixed && !is_weak, "{name}");
        }
        assert_eq!(weak(0xc030), None);
        assert_eq!(without_forward_secrecy(0xc030), None);
    }
}
