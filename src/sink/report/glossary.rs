//! How the statements of the page are known, and its words.

use super::finding::level;
use crate::attribution::world::Level;
use crate::snapshot::Snapshot;
use maud::{Markup, html};

pub fn how_we_know(snapshot: &Snapshot) -> Markup {
    html! {
        section id="how" {
            h2 { "How we know" }
            h3 { "Where: three questions, three answers" }
            p { "They are kept apart, because they often differ. All that differ are shown." }
            ul {
                li {
                    strong { "Where is the address? " }
                    "A database estimates it. It says where a machine probably stands, not where \
                     data is kept. Databases are wrong often enough that one of them alone proves \
                     nothing, and an address used in many places at once has no single country. \
                     The embedded database " code { "phonehome-geo" } " holds two lists: that of \
                     DB-IP, and one made from the registries of addresses (" i { "registry list" } ")."
                }
                li {
                    strong { "Whose network is it? " }
                    "The holder of the network (autonomous system, AS) is the landlord: it rents \
                     out machines and lines. It need not know what runs there."
                }
                li {
                    strong { "Who operates the service, under whose law? " }
                    "Only a sourced signature answers that: the company and its head office by a \
                     filing, a register or its own notice. Without one this page says "
                    i { "operator not established" } "."
                }
            }
            p {
                "A country is " i { "excluded" } " where answers come back faster than light in \
                 glass fibre could travel there and back. That check needs to be told where the \
                 recording was made"
                @if snapshot.destinations.iter().flat_map(|d| &d.remotes).all(|r| r.excluded.is_empty()) {
                    "; in this run it excluded nothing, or was not asked for"
                }
                "."
            }
            h3 { "How sure: the level of a statement" }
            dl.facts {
                @for each in [Level::Shown, Level::Attributed, Level::Inferred] {
                    dt { (each.name()) }
                    dd { (level(each)) }
                }
            }
            p {
                "A statement is never surer than the name it rests on. A name from another \
                 device's DNS, one of several names of an address, or a port number alone makes it "
                i { "inferred" } " at most."
            }
            h3 { "How much: payload" }
            p {
                i { "Sent" } " and " i { "received" } " are seen from the device. They count \
                 payload: what the two ends had to say, each byte once, without the addresses \
                 around it and without repeats. Encryption adds to it. So it is near, but not \
                 equal to, the size of a message or picture."
            }
        }
    }
}

const WORDS: &[(&str, &str)] = &[
    (
        "frame",
        "One recorded packet, numbered from 1 as Wireshark numbers it. Where several recordings \
         were read, the file is named by its place in the list at the top.",
    ),
    ("sni", "The name that the device itself asked for at the start of an encrypted connection."),
    ("host", "The name that the device itself wrote into an unencrypted web request."),
    ("dns", "The device had asked which address a name has, and was told this address."),
    ("cert", "A name in the certificate that the server showed."),
    (
        "dns-other",
        "Another device was told this address for a name. What this device meant is a guess.",
    ),
    ("file", "A table inside the recording gives the name. Whoever made the file wrote it there."),
    ("encrypted", "The content cannot be read on the way. Amounts can, and often names."),
    ("in clear", "Anyone on the way can read the content."),
    (
        "open by design",
        "Network services such as names, time and discovery, which are readable for everybody.",
    ),
    (
        "by port alone",
        "The kind of traffic is guessed from a number by which services are usually reached. \
         Anything may use any number.",
    ),
    ("internet", "Every address outside the test network."),
    ("gateway", "A device that passes on the packets of others, such as a router."),
    ("country codes", "Two letters of ISO 3166-1, such as NL for the Netherlands."),
    (
        "registered to",
        "The maker's entry in the public list of hardware addresses. It is often the maker of the \
         network chip, not of the device.",
    ),
    ("broadcast, multicast", "Sent to many at once on the same network."),
    (
        "made up",
        "An invented company, for the recordings that come with phonehome. It stands for nobody.",
    ),
    ("SHA-256", "A fingerprint of a file. If one bit of the file changes, it changes."),
];

pub fn glossary() -> Markup {
    html! {
        section id="glossary" {
            h2 { "Words" }
            dl.facts {
                @for (word, meaning) in WORDS {
                    dt { (word) }
                    dd { (meaning) }
                }
            }
        }
    }
}
