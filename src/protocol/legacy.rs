//! Which protocols are old services that protect neither passwords nor data.

/// The name of such a service, by its label.
#[must_use]
pub fn legacy(protocol: &str) -> Option<&'static str> {
    Some(match protocol {
        "telnet" => "Telnet",
        "ftp" => "FTP",
        "tftp" => "TFTP",
        "snmp" => "SNMP without encryption",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::DISSECTORS;
    use super::legacy;

    #[test]
    fn old_services_are_labels_that_exist() {
        let old = DISSECTORS.iter().filter(|dissector| legacy(dissector.name()).is_some());
        assert_eq!(old.count(), 4);
        assert_eq!(legacy("ssh"), None);
    }
}
