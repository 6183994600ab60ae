//! What was read of some flows of a partition and comes again in others: certificates of servers,
//! fingerprints of clients.

use super::certificate::{Certificate, Certificates};
use super::hello::{Carrier, ClientHello};
use super::ja::{Fingerprint, Fingerprints};
use std::sync::{Arc, Mutex, PoisonError};

/// See the module.
#[derive(Debug, Default)]
pub struct Known {
    certificates: Mutex<Certificates>,
    fingerprints: Mutex<Fingerprints>,
}

impl Known {
    /// What a certificate says; `None` where it cannot be read.
    #[must_use]
    pub fn certificate(&self, der: &[u8]) -> Option<Arc<Certificate>> {
        self.certificates.lock().unwrap_or_else(PoisonError::into_inner).read(der)
    }

    /// The fingerprints of a hello.
    #[must_use]
    pub fn fingerprint(&self, hello: &ClientHello<'_>, carrier: Carrier) -> Arc<Fingerprint> {
        self.fingerprints.lock().unwrap_or_else(PoisonError::into_inner).of(hello, carrier)
    }
}
