//! Names of non-IP protocols by ethertype (IEEE registration authority list) and LLC service
//! access point, as keys of the frame ledger.

pub(super) const IPV4: u16 = 0x0800;
pub(super) const ARP: u16 = 0x0806;
pub(super) const VLAN: u16 = 0x8100;
pub(super) const IPV6: u16 = 0x86dd;
pub(super) const MPLS: u16 = 0x8847;
pub(super) const MPLS_MULTICAST: u16 = 0x8848;
pub(super) const PPPOE_SESSION: u16 = 0x8864;
pub(super) const QINQ: u16 = 0x88a8;
/// Cisco FabricPath: a frame within a frame.
pub(super) const FABRIC_PATH: u16 = 0x8903;
/// Cisco MetaData, which carries security group tags.
pub(super) const CISCO_METADATA: u16 = 0x8909;
/// Cisco VN-Tag.
pub(super) const VNTAG: u16 = 0x8926;
/// IEEE 802.1BR E-Tag.
pub(super) const ETAG: u16 = 0x893f;
/// Network service header (RFC 8300).
pub(super) const NSH: u16 = 0x894f;
/// Tag types that switches used before 802.1ad settled on 0x88a8.
pub(super) const OLD_QINQ: u16 = 0x9100;

pub(super) fn name(ethertype: u16) -> Option<&'static str> {
    Some(match ethertype {
        0x0842 => "wake_on_lan",
        0x2000 => "cdp",
        0x22e3 | 0x22e4 => "arinc_or_audio_bridging",
        0x22f0 => "avtp",
        0x22f3 => "trill",
        0x4305 => "batman",
        0x6002..=0x6004 => "decnet",
        0x6558 => "transparent_ethernet_bridging",
        0x8035 => "rarp",
        0x809b | 0x80f3 => "appletalk",
        0x8137 | 0x8138 => "ipx",
        0x8204 => "qnx",
        0x8808 => "mac_control",
        0x8809 => "slow_protocols",
        0x8819 => "cobranet",
        0x8863 => "pppoe_discovery",
        0x886c => "homepna",
        0x886d => "intel_ans",
        0x8874 | 0x8899 => "realtek",
        0x887b => "homeplug",
        0x888e => "eapol",
        0x8892 => "profinet",
        0x889a => "hyperscsi",
        0x88a2 => "ata_over_ethernet",
        0x88a4 => "ethercat",
        0x88ab => "powerlink",
        0x88b5 | 0x88b6 => "local_experimental",
        0x88b7 => "oui_extended",
        0x88b8 => "goose",
        0x88b9 => "gse",
        0x88ba => "sampled_values",
        0x88c7 => "rsn_preauthentication",
        0x88cc => "lldp",
        0x88cd => "sercos",
        0x88d9 => "lltd",
        0x88e1 => "homeplug_av",
        0x88e3 => "mrp",
        0x88e5 => "macsec",
        0x88e7 => "provider_backbone",
        0x88f5 => "mvrp",
        0x88f6 => "mmrp",
        0x88f7 => "ptp",
        0x88fb => "prp",
        0x8902 => "cfm",
        0x8906 | 0x8914 => "fcoe",
        0x890d => "tdls",
        0x8915 => "roce",
        0x893a => "ieee1905",
        0x8942 => "mndp",
        0x9000 => "loopback_test",
        _ => return None,
    })
}

/// Protocols in which a sender says what it is (`protocol/link` reads them).
pub(super) fn is_told(name: &str) -> bool {
    matches!(name, "goose" | "sampled_values" | "lldp" | "cdp" | "eapol")
}

/// By destination service access point of an IEEE 802.2 header.
pub(super) fn llc_name(access_point: u8) -> Option<&'static str> {
    Some(match access_point {
        0x00 => "llc_null",
        0x42 => "stp",
        0x06 => "llc_ip",
        0x7e => "x25",
        0xe0 => "ipx",
        0xf0 => "netbeui",
        0xf4 => "lan_management",
        0xf8 | 0xfc => "remote_program_load",
        0xfe => "osi",
        0xff => "ipx",
        _ => return None,
    })
}

/// Cisco and other protocols under an LLC SNAP header with their own organisation code.
pub(super) fn snap_name(organisation: u32, protocol: u16) -> Option<&'static str> {
    Some(match (organisation, protocol) {
        (0x00000c, 0x2000) => "cdp",
        (0x00000c, 0x2003) => "vtp",
        (0x00000c, 0x2004) => "dtp",
        (0x00000c, 0x010b) => "stp",
        (0x00000c, 0x0111) => "udld",
        (0x00000c, 0x0104) => "pagp",
        (0x00000c, _) => "cisco",
        (0x080007, _) => "appletalk",
        (0x00e02b, _) => "extreme",
        (0x00e0fc, _) => "huawei_snap",
        (0x000b85 | 0x004096, _) => "wireless_management",
        _ => return None,
    })
}
