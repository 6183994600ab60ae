//! How the statements of the page are known, and its words.

use super::finding::level;
use super::messages::text;
use crate::attribution::world::Level;
use crate::snapshot::Snapshot;
use maud::{Markup, html};

pub fn how_we_know(snapshot: &Snapshot) -> Markup {
    html! {
        section id="how" {
            h2 { (text("how.how_we_know")) }
            h3 { (text("how.where_three_questions_three_answers")) }
            p { (text("how.they_are_kept_apart_because")) }
            ul {
                li {
                    strong { "Where is the address? " }
                    "A database estimates it. It says where a machine probably stands, not where \
                     data is kept. Databases are wrong often enough that one of them alone proves \
                     nothing, and an address used in many places at once has no single country. \
                     The embedded database " code { (text("how.phonehome_geo")) } " holds two lists: that of \
                     DB-IP, and one made from the registries of addresses (" i { (text("how.registry_list")) } ")."
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
                    i { (text("how.operator_not_established")) } "."
                }
            }
            p {
                "A country is " i { (text("how.excluded")) } " where answers come back faster than light in \
                 glass fibre could travel there and back. That check needs to be told where the \
                 recording was made"
                @if snapshot.destinations.iter().flat_map(|d| &d.remotes).all(|r| r.excluded.is_empty()) { (text("how.this_run_excluded_nothing_or")) }
                "."
            }
            h3 { (text("how.how_sure_level_statement")) }
            dl.facts {
                @for each in [Level::Shown, Level::Attributed, Level::Inferred] {
                    dt { (each.name()) }
                    dd { (level(each)) }
                }
            }
            p {
                "A statement is never surer than the name it rests on. A name from another \
                 device's DNS, one of several names of an address, or a port number alone makes it "
                i { (text("how.inferred")) } " at most."
            }
            h3 { (text("how.how_much_payload")) }
            p {
                i { (text("how.sent")) } " and " i { (text("how.received")) } " are seen from the device. They count \
                 payload: what the two ends had to say, each byte once, without the addresses \
                 around it and without repeats. Encryption adds to it. So it is near, but not \
                 equal to, the size of a message or picture."
            }
        }
    }
}

/// Words with what they mean, as messages.
const WORDS: &[(&str, &str)] = &[
    (msg!("words.frame"), msg!("words.frame_means")),
    (msg!("words.sni"), msg!("words.sni_means")),
    (msg!("words.host"), msg!("words.host_means")),
    (msg!("words.dns"), msg!("words.dns_means")),
    (msg!("words.cert"), msg!("words.cert_means")),
    (msg!("words.dns_other"), msg!("words.dns_other_means")),
    (msg!("words.file"), msg!("words.file_means")),
    (msg!("words.encrypted"), msg!("words.encrypted_means")),
    (msg!("words.in_clear"), msg!("words.in_clear_means")),
    (msg!("words.open_by_design"), msg!("words.open_by_design_means")),
    (msg!("words.by_port_alone"), msg!("words.by_port_alone_means")),
    (msg!("words.internet"), msg!("words.internet_means")),
    (msg!("words.gateway"), msg!("words.gateway_means")),
    (msg!("words.country_codes"), msg!("words.country_codes_means")),
    (msg!("words.registered_to"), msg!("words.registered_to_means")),
    (msg!("words.broadcast_multicast"), msg!("words.broadcast_multicast_means")),
    (msg!("words.made_up"), msg!("words.made_up_means")),
    (msg!("words.sha_256"), msg!("words.sha_256_means")),
];

pub fn glossary() -> Markup {
    html! {
        section id="glossary" {
            h2 { (text("how.words")) }
            dl.facts {
                @for (word, meaning) in WORDS {
                    dt { (text(word)) }
                    dd { (text(meaning)) }
                }
            }
        }
    }
}
