//! Countries on a map: a name and a point about in the middle, to whole degrees. The point stands
//! for the country; nobody says that a server is there.

/// A country.
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: &'static str,
    /// English short name.
    pub name: &'static str,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// The country with this code, where the table has it.
#[must_use]
pub fn find(code: &str) -> Option<&'static Country> {
    COUNTRIES.binary_search_by(|country| country.code.cmp(code)).ok().map(|at| &COUNTRIES[at])
}

/// Points of the great circle between two countries.
#[must_use]
pub fn arc(from: &Country, to: &Country) -> Vec<(f64, f64)> {
    const POINTS: usize = 120;
    let vector = |country: &Country| {
        let (lat, lon) = (country.latitude.to_radians(), country.longitude.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (a, b) = (vector(from), vector(to));
    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let angle = dot.clamp(-1.0, 1.0).acos();
    if !(0.01..=std::f64::consts::PI - 0.01).contains(&angle) {
        return Vec::new();
    }
    let point = |step: usize| {
        let part = step as f64 / POINTS as f64;
        let (near, far) =
            (((1.0 - part) * angle).sin() / angle.sin(), (part * angle).sin() / angle.sin());
        let [x, y, z] = [0, 1, 2].map(|axis| near * a[axis] + far * b[axis]);
        (y.atan2(x).to_degrees(), z.clamp(-1.0, 1.0).asin().to_degrees())
    };
    (0..=POINTS).map(point).collect()
}

const fn at(code: &'static str, name: &'static str, latitude: f64, longitude: f64) -> Country {
    Country { code, name, latitude, longitude }
}

/// In the order of their codes.
static COUNTRIES: &[Country] = &[
    at("AD", "Andorra", 42.0, 2.0),
    at("AE", "United Arab Emirates", 24.0, 54.0),
    at("AF", "Afghanistan", 34.0, 66.0),
    at("AG", "Antigua and Barbuda", 17.0, -62.0),
    at("AL", "Albania", 41.0, 20.0),
    at("AM", "Armenia", 40.0, 45.0),
    at("AO", "Angola", -12.0, 18.0),
    at("AR", "Argentina", -35.0, -65.0),
    at("AT", "Austria", 47.0, 14.0),
    at("AU", "Australia", -25.0, 134.0),
    at("AZ", "Azerbaijan", 40.0, 48.0),
    at("BA", "Bosnia and Herzegovina", 44.0, 18.0),
    at("BB", "Barbados", 13.0, -60.0),
    at("BD", "Bangladesh", 24.0, 90.0),
    at("BE", "Belgium", 51.0, 5.0),
    at("BF", "Burkina Faso", 12.0, -2.0),
    at("BG", "Bulgaria", 43.0, 25.0),
    at("BH", "Bahrain", 26.0, 51.0),
    at("BI", "Burundi", -3.0, 30.0),
    at("BJ", "Benin", 10.0, 2.0),
    at("BM", "Bermuda", 32.0, -65.0),
    at("BN", "Brunei", 5.0, 115.0),
    at("BO", "Bolivia", -17.0, -65.0),
    at("BR", "Brazil", -10.0, -53.0),
    at("BS", "Bahamas", 24.0, -76.0),
    at("BT", "Bhutan", 27.0, 90.0),
    at("BW", "Botswana", -22.0, 24.0),
    at("BY", "Belarus", 53.0, 28.0),
    at("BZ", "Belize", 17.0, -89.0),
    at("CA", "Canada", 57.0, -106.0),
    at("CD", "DR Congo", -3.0, 24.0),
    at("CF", "Central African Republic", 7.0, 21.0),
    at("CG", "Congo", -1.0, 15.0),
    at("CH", "Switzerland", 47.0, 8.0),
    at("CI", "Ivory Coast", 8.0, -6.0),
    at("CL", "Chile", -31.0, -71.0),
    at("CM", "Cameroon", 6.0, 12.0),
    at("CN", "China", 35.0, 104.0),
    at("CO", "Colombia", 4.0, -73.0),
    at("CR", "Costa Rica", 10.0, -84.0),
    at("CU", "Cuba", 22.0, -79.0),
    at("CV", "Cape Verde", 16.0, -24.0),
    at("CY", "Cyprus", 35.0, 33.0),
    at("CZ", "Czechia", 50.0, 15.0),
    at("DE", "Germany", 51.0, 10.0),
    at("DJ", "Djibouti", 12.0, 43.0),
    at("DK", "Denmark", 56.0, 10.0),
    at("DM", "Dominica", 15.0, -61.0),
    at("DO", "Dominican Republic", 19.0, -71.0),
    at("DZ", "Algeria", 28.0, 3.0),
    at("EC", "Ecuador", -1.0, -78.0),
    at("EE", "Estonia", 59.0, 26.0),
    at("EG", "Egypt", 27.0, 30.0),
    at("ER", "Eritrea", 15.0, 39.0),
    at("ES", "Spain", 40.0, -4.0),
    at("ET", "Ethiopia", 9.0, 40.0),
    at("FI", "Finland", 64.0, 26.0),
    at("FJ", "Fiji", -18.0, 178.0),
    at("FR", "France", 47.0, 2.0),
    at("GA", "Gabon", -1.0, 12.0),
    at("GB", "United Kingdom", 54.0, -2.0),
    at("GD", "Grenada", 12.0, -62.0),
    at("GE", "Georgia", 42.0, 43.0),
    at("GF", "French Guiana", 4.0, -53.0),
    at("GG", "Guernsey", 49.0, -3.0),
    at("GH", "Ghana", 8.0, -1.0),
    at("GI", "Gibraltar", 36.0, -5.0),
    at("GL", "Greenland", 72.0, -40.0),
    at("GM", "Gambia", 13.0, -15.0),
    at("GN", "Guinea", 11.0, -11.0),
    at("GP", "Guadeloupe", 16.0, -62.0),
    at("GQ", "Equatorial Guinea", 2.0, 10.0),
    at("GR", "Greece", 39.0, 22.0),
    at("GT", "Guatemala", 16.0, -90.0),
    at("GU", "Guam", 13.0, 145.0),
    at("GW", "Guinea-Bissau", 12.0, -15.0),
    at("GY", "Guyana", 5.0, -59.0),
    at("HK", "Hong Kong", 22.0, 114.0),
    at("HN", "Honduras", 15.0, -87.0),
    at("HR", "Croatia", 45.0, 16.0),
    at("HT", "Haiti", 19.0, -73.0),
    at("HU", "Hungary", 47.0, 19.0),
    at("ID", "Indonesia", -2.0, 118.0),
    at("IE", "Ireland", 53.0, -8.0),
    at("IL", "Israel", 31.0, 35.0),
    at("IM", "Isle of Man", 54.0, -5.0),
    at("IN", "India", 22.0, 79.0),
    at("IQ", "Iraq", 33.0, 44.0),
    at("IR", "Iran", 32.0, 54.0),
    at("IS", "Iceland", 65.0, -19.0),
    at("IT", "Italy", 43.0, 12.0),
    at("JE", "Jersey", 49.0, -2.0),
    at("JM", "Jamaica", 18.0, -77.0),
    at("JO", "Jordan", 31.0, 37.0),
    at("JP", "Japan", 36.0, 138.0),
    at("KE", "Kenya", 1.0, 38.0),
    at("KG", "Kyrgyzstan", 41.0, 75.0),
    at("KH", "Cambodia", 13.0, 105.0),
    at("KM", "Comoros", -12.0, 44.0),
    at("KP", "North Korea", 40.0, 127.0),
    at("KR", "South Korea", 36.0, 128.0),
    at("KW", "Kuwait", 29.0, 48.0),
    at("KY", "Cayman Islands", 19.0, -81.0),
    at("KZ", "Kazakhstan", 48.0, 67.0),
    at("LA", "Laos", 18.0, 103.0),
    at("LB", "Lebanon", 34.0, 36.0),
    at("LC", "Saint Lucia", 14.0, -61.0),
    at("LI", "Liechtenstein", 47.0, 10.0),
    at("LK", "Sri Lanka", 8.0, 81.0),
    at("LR", "Liberia", 6.0, -9.0),
    at("LS", "Lesotho", -30.0, 28.0),
    at("LT", "Lithuania", 55.0, 24.0),
    at("LU", "Luxembourg", 50.0, 6.0),
    at("LV", "Latvia", 57.0, 25.0),
    at("LY", "Libya", 27.0, 18.0),
    at("MA", "Morocco", 32.0, -6.0),
    at("MC", "Monaco", 44.0, 7.0),
    at("MD", "Moldova", 47.0, 28.0),
    at("ME", "Montenegro", 43.0, 19.0),
    at("MG", "Madagascar", -19.0, 47.0),
    at("MK", "North Macedonia", 42.0, 22.0),
    at("ML", "Mali", 17.0, -3.0),
    at("MM", "Myanmar", 21.0, 96.0),
    at("MN", "Mongolia", 47.0, 103.0),
    at("MO", "Macao", 22.0, 114.0),
    at("MQ", "Martinique", 15.0, -61.0),
    at("MR", "Mauritania", 20.0, -10.0),
    at("MT", "Malta", 36.0, 14.0),
    at("MU", "Mauritius", -20.0, 58.0),
    at("MV", "Maldives", 3.0, 73.0),
    at("MW", "Malawi", -13.0, 34.0),
    at("MX", "Mexico", 24.0, -102.0),
    at("MY", "Malaysia", 4.0, 109.0),
    at("MZ", "Mozambique", -17.0, 36.0),
    at("NA", "Namibia", -22.0, 17.0),
    at("NC", "New Caledonia", -21.0, 166.0),
    at("NE", "Niger", 17.0, 9.0),
    at("NG", "Nigeria", 9.0, 8.0),
    at("NI", "Nicaragua", 13.0, -85.0),
    at("NL", "Netherlands", 52.0, 5.0),
    at("NO", "Norway", 62.0, 10.0),
    at("NP", "Nepal", 28.0, 84.0),
    at("NZ", "New Zealand", -42.0, 172.0),
    at("OM", "Oman", 21.0, 56.0),
    at("PA", "Panama", 9.0, -80.0),
    at("PE", "Peru", -9.0, -75.0),
    at("PF", "French Polynesia", -18.0, -149.0),
    at("PG", "Papua New Guinea", -6.0, 145.0),
    at("PH", "Philippines", 12.0, 122.0),
    at("PK", "Pakistan", 30.0, 69.0),
    at("PL", "Poland", 52.0, 19.0),
    at("PR", "Puerto Rico", 18.0, -66.0),
    at("PS", "Palestine", 32.0, 35.0),
    at("PT", "Portugal", 40.0, -8.0),
    at("PY", "Paraguay", -23.0, -58.0),
    at("QA", "Qatar", 25.0, 51.0),
    at("RE", "Reunion", -21.0, 56.0),
    at("RO", "Romania", 46.0, 25.0),
    at("RS", "Serbia", 44.0, 21.0),
    at("RU", "Russia", 62.0, 97.0),
    at("RW", "Rwanda", -2.0, 30.0),
    at("SA", "Saudi Arabia", 24.0, 45.0),
    at("SB", "Solomon Islands", -9.0, 160.0),
    at("SC", "Seychelles", -5.0, 55.0),
    at("SD", "Sudan", 16.0, 30.0),
    at("SE", "Sweden", 62.0, 16.0),
    at("SG", "Singapore", 1.0, 104.0),
    at("SI", "Slovenia", 46.0, 15.0),
    at("SK", "Slovakia", 49.0, 19.0),
    at("SL", "Sierra Leone", 9.0, -12.0),
    at("SM", "San Marino", 44.0, 12.0),
    at("SN", "Senegal", 14.0, -14.0),
    at("SO", "Somalia", 5.0, 46.0),
    at("SR", "Suriname", 4.0, -56.0),
    at("SS", "South Sudan", 7.0, 30.0),
    at("ST", "Sao Tome and Principe", 0.0, 7.0),
    at("SV", "El Salvador", 14.0, -89.0),
    at("SY", "Syria", 35.0, 38.0),
    at("SZ", "Eswatini", -27.0, 31.0),
    at("TD", "Chad", 15.0, 19.0),
    at("TG", "Togo", 9.0, 1.0),
    at("TH", "Thailand", 15.0, 101.0),
    at("TJ", "Tajikistan", 39.0, 71.0),
    at("TL", "Timor-Leste", -9.0, 126.0),
    at("TM", "Turkmenistan", 39.0, 59.0),
    at("TN", "Tunisia", 34.0, 10.0),
    at("TR", "Türkiye", 39.0, 35.0),
    at("TT", "Trinidad and Tobago", 10.0, -61.0),
    at("TW", "Taiwan", 24.0, 121.0),
    at("TZ", "Tanzania", -6.0, 35.0),
    at("UA", "Ukraine", 49.0, 31.0),
    at("UG", "Uganda", 1.0, 32.0),
    at("US", "United States", 39.0, -98.0),
    at("UY", "Uruguay", -33.0, -56.0),
    at("UZ", "Uzbekistan", 42.0, 63.0),
    at("VA", "Holy See", 42.0, 12.0),
    at("VC", "Saint Vincent", 13.0, -61.0),
    at("VE", "Venezuela", 7.0, -66.0),
    at("VG", "British Virgin Islands", 18.0, -65.0),
    at("VI", "US Virgin Islands", 18.0, -65.0),
    at("VN", "Vietnam", 16.0, 107.0),
    at("VU", "Vanuatu", -16.0, 167.0),
    at("WS", "Samoa", -14.0, -172.0),
    at("XK", "Kosovo", 43.0, 21.0),
    at("YE", "Yemen", 16.0, 48.0),
    at("YT", "Mayotte", -13.0, 45.0),
    at("ZA", "South Africa", -29.0, 25.0),
    at("ZM", "Zambia", -14.0, 28.0),
    at("ZW", "Zimbabwe", -19.0, 30.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_is_found_and_on_the_map() {
        assert!(COUNTRIES.len() > 200);
        for country in COUNTRIES {
            assert_eq!(find(country.code).map(|found| found.name), Some(country.name));
            assert!(country.latitude.abs() <= 90.0 && country.longitude.abs() <= 180.0);
        }
        assert!(find("XX").is_none());
    }

    #[test]
    fn arcs_begin_and_end_where_they_should() {
        let [nl, cn] = ["NL", "CN"].map(|code| find(code).unwrap());
        let arc = super::arc(nl, cn);
        let near = |(x, y): (f64, f64), country: &Country| {
            (x - country.longitude).abs() < 0.1 && (y - country.latitude).abs() < 0.1
        };
        assert!(near(arc[0], nl) && near(*arc.last().unwrap(), cn));
        assert!(arc.iter().all(|(_, y)| *y > 30.0), "the short way goes over the north");
        assert!(super::arc(nl, nl).is_empty());
    }
}
