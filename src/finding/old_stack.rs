//! `update.old-stack`: a device names a program of a version with flaws that are long known.

use super::told::by_either_end;
use super::words::{msg, text, told};
use super::{Check, Draft, Rule, Severity, View};
use crate::attribution::ledger::{Evidence, Row};
use crate::attribution::world::{Contact, Level, Signs};
use crate::base::text::safe;
use crate::protocol::IdentityKind;
use std::cmp::Ordering;

/// A program whose versions before one have a flaw that is known.
struct Flawed {
    /// How it names itself, lower case, up to the version.
    name: &'static str,
    /// The first version without the flaw; none, where its makers have given it up.
    mended: Option<&'static str>,
    /// The flaw.
    flaw: &'static str,
    /// Where that is stated.
    source: &'static str,
}

/// All were read on 2026-11-29.
const FLAWED: [Flawed; 5] = [
    Flawed {
        name: "dropbear_",
        mended: Some("2016.74"),
        flaw: "CVE-2016-7406",
        source: "cve.report/CVE-2016-7406 (NVD record; Debian: mended in 2016.74)",
    },
    Flawed {
        name: "portable sdk for upnp devices/",
        mended: Some("1.6.18"),
        flaw: "CVE-2012-5958",
        source: "kb.cert.org VU#922681; HD Moore, Security Flaws in Universal Plug and Play, 2013",
    },
    Flawed {
        name: "miniupnpd/",
        mended: Some("1.4"),
        flaw: "CVE-2013-0229",
        source: "HD Moore, Security Flaws in Universal Plug and Play, 2013 (docslib.org/doc/6959471)",
    },
    Flawed {
        name: "goahead-http/",
        mended: Some("3.6.5"),
        flaw: "CVE-2017-17562",
        source: "cyber.nj.gov advisory of 2017-12-28, GoAhead web servers",
    },
    Flawed {
        name: "boa/",
        mended: None,
        flaw: "given up in 2005; CVE-2017-9833, CVE-2021-33558",
        source: "theregister.com/2022/11/23/microsoft_boa_web_server (Microsoft Threat Intelligence)",
    },
];

/// See the module.
pub struct OldStack;

impl Check for OldStack {
    fn rule(&self) -> Rule {
        Rule { id: "update.old-stack", version: 1, severity: Severity::Low }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TELLS] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &[msg!("update.old-stack.not_flaw"), msg!("update.old-stack.not_used")];
        let tell = |_, _: &Row, evidence: &Evidence| {
            if evidence.kind != Some(IdentityKind::Product) {
                return None;
            }
            let said = String::from_utf8_lossy(&evidence.value).to_lowercase();
            let known = FLAWED.iter().find(|flawed| flawed.is_named_in(&said))?;
            let value = safe(&evidence.value);
            let (flaw, source) = (known.flaw, known.source);
            Some(match known.mended {
                Some(mended) => told!(
                    "update.old-stack.before",
                    what = evidence.what,
                    value,
                    mended,
                    flaw,
                    source
                ),
                None => {
                    told!("update.old-stack.given_up", what = evidence.what, value, flaw, source)
                }
            })
        };
        let (mut draft, [device, to]) = by_either_end(view, contact, not_shown, tell)?;
        draft.level = Level::Inferred;
        draft.not_tested(text("update.old-stack.patched"), text("update.old-stack.number_alone"));
        draft.may_say = told!("update.old-stack.may_say", device, to);
        Some(draft)
    }
}

impl Flawed {
    /// Whether a text names the program in a version that has the flaw.
    fn is_named_in(&self, said: &str) -> bool {
        said.match_indices(self.name).any(|(at, name)| {
            let whole_word = said[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
            let version = said[at + name.len()..].split([' ', ',', ';', '(']).next();
            let version = version.unwrap_or_default();
            let starts = version.starts_with(|c: char| c.is_ascii_digit());
            whole_word
                && starts
                && self.mended.is_none_or(|mended| compare(version, mended) == Ordering::Less)
        })
    }
}

/// Numbers between dots, in order; what is missing is zero, and what follows a number is passed over.
fn compare(a: &str, b: &str) -> Ordering {
    let number = |part: Option<&str>| {
        let digits: String =
            part.unwrap_or_default().chars().take_while(char::is_ascii_digit).take(9).collect();
        digits.parse::<u32>().unwrap_or_default()
    };
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    for _ in 0..4 {
        let order = number(a.next()).cmp(&number(b.next()));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::FLAWED;

    #[test]
    fn only_versions_with_the_flaw_are_told() {
        for (said, flawed) in [
            ("ssh-2.0-dropbear_2014.63", true),
            ("ssh-2.0-dropbear_2016.74", false),
            ("ssh-2.0-dropbear_2022.83", false),
            ("ssh-2.0-dropbear_0.46", true),
            ("linux/2.6.18, upnp/1.0, portable sdk for upnp devices/1.6.6", true),
            ("linux/3.0, upnp/1.0, portable sdk for upnp devices/1.6.18", false),
            ("linux/3.0, upnp/1.0, portable sdk for upnp devices/1.12.1", false),
            ("ap/1.0 upnp/1.0 miniupnpd/1.0", true),
            ("openwrt upnpd/2.0 miniupnpd/1.9", false),
            ("boa/0.94.14rc21", true),
            ("balboa/1.0", false),
            ("goahead-http", false),
            ("goahead-http/3.6.4", true),
            ("goahead-http/4.1.0", false),
            ("dropbear_", false),
        ] {
            let found = FLAWED.iter().any(|one| one.is_named_in(said));
            assert_eq!(found, flawed, "{said}");
        }
    }
}
