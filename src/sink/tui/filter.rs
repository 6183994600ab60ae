//! What the operator wants to see: `dest:tuya country:CN bytes>1M`. Words and conditions separated
//! by spaces must all hold; `-` before one turns it round.

/// What can be asked for by name; the first spelling is shown in the help.
const FIELDS: &[(Field, &[&str])] = &[
    (Field::Device, &["device", "dev"]),
    (Field::Destination, &["dest", "to", "name"]),
    (Field::Operator, &["operator", "op"]),
    (Field::Law, &["law"]),
    (Field::Country, &["country", "cc"]),
    (Field::Network, &["net", "network", "asn"]),
    (Field::Address, &["addr", "ip"]),
    (Field::Protocol, &["proto"]),
    (Field::Port, &["port"]),
    (Field::Content, &["content"]),
    (Field::Party, &["party"]),
    (Field::Zone, &["zone"]),
    (Field::Severity, &["sev", "severity"]),
    (Field::Finding, &["finding", "rule"]),
    (Field::Level, &["level"]),
];

const AMOUNTS: &[(Amount, &[&str])] = &[
    (Amount::Bytes, &["bytes"]),
    (Amount::Sent, &["out", "sent"]),
    (Amount::Received, &["in", "received"]),
    (Amount::Flows, &["flows"]),
    (Amount::Packets, &["packets"]),
];

/// Text of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Field {
    Device,
    Destination,
    Operator,
    Law,
    Country,
    Network,
    Address,
    Protocol,
    Port,
    Content,
    Party,
    Zone,
    Severity,
    Finding,
    Level,
}

/// Number of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Amount {
    Bytes,
    Sent,
    Received,
    Flows,
    Packets,
}

/// What a filter looks at.
pub trait Row {
    /// Whether some text of this field is as wanted.
    fn has(&self, field: Field, is_wanted: &mut dyn FnMut(&str) -> bool) -> bool;
    /// A number, where the row has it.
    fn amount(&self, amount: Amount) -> Option<u64>;
}

/// Text that is looked for, whatever the case of ASCII letters.
#[derive(Debug, Clone, PartialEq)]
pub struct Needle {
    lower: Box<[u8]>,
    /// Both cases of its first letter.
    first: [u8; 2],
    /// Whether it can stand in an address, so that other text needs none to be spelled.
    pub fits_address: bool,
    /// Whether it can stand in a number.
    pub fits_number: bool,
}

impl From<&str> for Needle {
    fn from(text: &str) -> Needle {
        let lower: Box<[u8]> = text.to_ascii_lowercase().into_bytes().into();
        let first = lower.first().copied().unwrap_or(0);
        let address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
        Needle {
            first: [first, first.to_ascii_uppercase()],
            fits_address: lower.iter().all(address),
            fits_number: lower.iter().all(u8::is_ascii_digit),
            lower,
        }
    }
}

impl Needle {
    /// Whether a text holds it.
    pub fn is_in(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let length = self.lower.len();
        let Some(last) = text.len().checked_sub(length) else { return false };
        length == 0
            || (0..=last).any(|at| {
                self.first.contains(&text[at])
                    && text[at..at + length].eq_ignore_ascii_case(&self.lower)
            })
    }

    fn is(&self, text: &str) -> bool {
        text.as_bytes().eq_ignore_ascii_case(&self.lower)
    }
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// In any field.
    Word(Needle),
    /// In this one.
    Text(Field, Needle),
    /// More, less or just as much.
    Number(Amount, char, u64),
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Each with whether it must not hold.
    terms: Vec<(bool, Test)>,
}

impl Filter {
    /// Reads what was typed; says what of it was not understood.
    pub fn parse(text: &str) -> Result<Filter, String> {
        let terms = text.split_whitespace().map(|term| {
            let (not, term) = match term.strip_prefix(['-', '!']) {
                Some(rest) if !rest.is_empty() => (true, rest),
                _ => (false, term),
            };
            Ok((not, test(term)?))
        });
        Ok(Filter { terms: terms.collect::<Result<_, String>>()? })
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Its conditions, each with whether it must not hold.
    pub fn terms(&self) -> &[(bool, Test)] {
        &self.terms
    }

    /// Whether a row passes.
    pub fn passes(&self, row: &dyn Row) -> bool {
        self.terms.iter().all(|(not, test)| test.holds(row) != *not)
    }
}

impl Test {
    /// Whether it asks for this field.
    pub fn asks(&self, field: Field) -> bool {
        match self {
            Test::Word(_) => true,
            Test::Text(asked, _) => *asked == field,
            Test::Number(..) => false,
        }
    }

    /// Whether a field of a row is as wanted.
    pub fn is_met_by(&self, row: &dyn Row, field: Field) -> bool {
        match self {
            Test::Word(needle) => match field {
                Field::Address if !needle.fits_address => false,
                Field::Port if !needle.fits_number => false,
                _ => row.has(field, &mut |text| needle.is_in(text)),
            },
            // Codes are whole words: `law:CN` must not find `CNX`.
            Test::Text(Field::Country | Field::Law | Field::Port, needle) => {
                self.asks(field) && row.has(field, &mut |text| needle.is(text))
            }
            Test::Text(Field::Address, needle) if !needle.fits_address => false,
            Test::Text(_, needle) => {
                self.asks(field) && row.has(field, &mut |text| needle.is_in(text))
            }
            Test::Number(..) => false,
        }
    }

    /// Whether it holds of a row.
    pub fn holds(&self, row: &dyn Row) -> bool {
        match self {
            Test::Word(_) => FIELDS.iter().any(|&(field, _)| self.is_met_by(row, field)),
            Test::Text(field, _) => self.is_met_by(row, *field),
            Test::Number(amount, sign, limit) => {
                row.amount(*amount).is_some_and(|amount| match sign {
                    '>' => amount > *limit,
                    '<' => amount < *limit,
                    _ => amount == *limit,
                })
            }
        }
    }
}

fn test(term: &str) -> Result<Test, String> {
    if let Some(at) = term.find(['>', '<', '=']) {
        let (name, rest) = term.split_at(at);
        let name = name.to_ascii_lowercase();
        let Some(&(amount, _)) = AMOUNTS.iter().find(|(_, names)| names.contains(&name.as_str()))
        else {
            let known: Vec<&str> = AMOUNTS.iter().map(|(_, names)| names[0]).collect();
            return Err(format!("{name:?} is no number; there are {}", known.join(", ")));
        };
        let limit = number(&rest[1..]).ok_or(format!("{:?} is no number", &rest[1..]))?;
        return Ok(Test::Number(amount, term.as_bytes()[at].into(), limit));
    }
    match term.split_once(':') {
        Some((name, wanted)) if !wanted.is_empty() => {
            let lower = name.to_ascii_lowercase();
            let field = FIELDS.iter().find(|(_, names)| names.contains(&lower.as_str()));
            match field {
                Some(&(field, _)) => Ok(Test::Text(field, wanted.into())),
                // Addresses have colons too.
                None if name.bytes().all(|byte| byte.is_ascii_hexdigit()) || name == "mac" => {
                    Ok(Test::Word(term.into()))
                }
                None => {
                    let known: Vec<&str> = FIELDS.iter().map(|(_, names)| names[0]).collect();
                    Err(format!("{name:?} is no field; there are {}", known.join(", ")))
                }
            }
        }
        _ => Ok(Test::Word(term.trim_end_matches(':').into())),
    }
}

/// `1M`, `1.5k`, `300`.
fn number(text: &str) -> Option<u64> {
    let text = text.trim_end_matches(['B', 'b']);
    let (digits, factor) = match text.chars().last()? {
        'k' | 'K' => (&text[..text.len() - 1], 1e3),
        'm' | 'M' => (&text[..text.len() - 1], 1e6),
        'g' | 'G' => (&text[..text.len() - 1], 1e9),
        _ => (text, 1.0),
    };
    let value: f64 = digits.parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some((value * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tuya;

    impl Row for Tuya {
        fn has(&self, field: Field, is_wanted: &mut dyn FnMut(&str) -> bool) -> bool {
            match field {
                Field::Destination => is_wanted("a.tuyaeu.example"),
                Field::Country => is_wanted("CN") || is_wanted("DE"),
                Field::Address => is_wanted("2001:db8::7"),
                _ => false,
            }
        }

        fn amount(&self, amount: Amount) -> Option<u64> {
            (amount == Amount::Bytes).then_some(2_000_000)
        }
    }

    #[test]
    fn all_terms_must_hold() {
        let passes = |text| Filter::parse(text).unwrap().passes(&Tuya);
        assert!(passes(""));
        assert!(passes("dest:tuya country:CN bytes>1M"));
        assert!(passes("TUYA cc:de bytes<2.5M bytes=2000000"));
        assert!(passes("2001:db8::7"));
        assert!(!passes("dest:tuya country:US"));
        assert!(passes("dest:tuya -country:US"));
        assert!(!passes("-tuya"));
        assert!(!passes("country:C"));
        assert!(!passes("flows>0"), "the row has no such number");
    }

    #[test]
    fn needles_are_found_in_any_case_and_only_whole() {
        for (text, part, found) in [
            ("", "", true),
            ("abc", "", true),
            ("", "a", false),
            ("aab", "AB", true),
            ("xKÖLN", "köln", false),
            ("xKÖLN", "kÖln", true),
            ("ab", "abc", false),
            ("AaAb", "aab", true),
        ] {
            assert_eq!(Needle::from(part).is_in(text), found, "{part:?} in {text:?}");
        }
        let fits = |text| {
            let Needle { fits_address, fits_number, .. } = text;
            [fits_address, fits_number]
        };
        assert_eq!(fits("".into()), [true, true]);
        assert_eq!(fits("80".into()), [true, true]);
        assert_eq!(fits("FE80::1.2".into()), [true, false]);
        assert_eq!(fits("host".into()), [false, false]);
    }

    #[test]
    fn says_what_it_does_not_understand() {
        assert!(Filter::parse("colour:red").unwrap_err().contains("country"));
        assert!(Filter::parse("weight>3").unwrap_err().contains("bytes"));
        assert!(Filter::parse("bytes>many").unwrap_err().contains("many"));
        assert!(Filter::parse("bytes>-1").is_err());
        assert!(Filter::parse("-").is_ok_and(|filter| !filter.is_empty()));
    }
}
