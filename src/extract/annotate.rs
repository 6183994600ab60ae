//! What an annotated extract says beside the packets: at deciding frames the ids of findings, as
//! packet comments, and the names of addresses, as a name resolution block.

use crate::attribution::world::{Contact, Device};
use crate::finding::Finding;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Longest comment, bytes: an option's length has 16 bits, and nobody reads more.
const COMMENT_BYTES_MAX: usize = 4096;
/// Most names written.
const NAMES_MAX: usize = 65_536;
/// Longest name written, bytes.
const NAME_BYTES_MAX: usize = 255;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations {
    /// By input and frame within it.
    comments: BTreeMap<(usize, u64), String>,
    names: BTreeSet<(IpAddr, String)>,
}

impl Annotations {
    /// From what was found.
    #[must_use]
    pub fn of(findings: &[Finding], contacts: &[Contact], devices: &[Device]) -> Annotations {
        let mut annotations = Annotations::default();
        for finding in findings {
            for reference in &finding.refs {
                let comment =
                    annotations.comments.entry((reference.input, reference.frame)).or_default();
                let line = format!(
                    "phonehome {} {}: {} (this frame decides it; not reviewed)",
                    finding.id, finding.key, finding.title
                );
                if comment.len() + line.len() < COMMENT_BYTES_MAX {
                    let between = if comment.is_empty() { "" } else { "\n" };
                    comment.push_str(between);
                    comment.push_str(&line);
                }
            }
        }
        for host in contacts.iter().flat_map(|contact| &contact.hosts) {
            let Some(name) = &host.name else { continue };
            for &address in &host.addresses {
                annotations.name(address, &name.text);
            }
        }
        for device in devices {
            let title = device.title();
            if title != *device.id {
                for seen in &device.addresses {
                    annotations.name(seen.address, &title);
                }
            }
        }
        annotations
    }

    fn name(&mut self, address: IpAddr, name: &str) {
        if self.names.len() < NAMES_MAX && name.len() <= NAME_BYTES_MAX && !name.contains('\0') {
            self.names.insert((address, name.to_owned()));
        }
    }

    /// The comment at a frame.
    #[must_use]
    pub fn comment(&self, input: usize, frame: u64) -> Option<&str> {
        self.comments.get(&(input, frame)).map(String::as_str)
    }

    /// A name resolution block (draft-ietf-opsawg-pcapng §4.5); nothing without names.
    #[must_use]
    pub fn names_block(&self, big_endian: bool) -> Vec<u8> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let number =
            |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut body = Vec::new();
        for (address, name) in &self.names {
            let (kind, address) = match address {
                IpAddr::V4(v4) => (1, v4.octets().to_vec()),
                IpAddr::V6(v6) => (2, v6.octets().to_vec()),
            };
            body.extend(number(kind));
            body.extend(number((address.len() + name.len() + 1) as u16));
            body.extend(address);
            body.extend(name.as_bytes());
            body.push(0);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body.extend([0; 4]);
        super::copy::block(4, big_endian, &body)
    }
}
