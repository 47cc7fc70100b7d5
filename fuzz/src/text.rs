//! Texts that an administrator types or pastes.

use std::net::IpAddr;

use mutual_trust::certificate::SanName;
use mutual_trust::store::SanPattern;
use mutual_trust::{Fingerprint, HostName};

use crate::TEXT_BYTES;

fn text(data: &[u8]) -> Option<&str> {
    if data.len() > TEXT_BYTES {
        return None;
    }
    core::str::from_utf8(data).ok()
}

/// Exactly 64 hexadecimal digits make a fingerprint, and they are the ones that were pasted. The name of a file may stand
/// behind them, as digest tools print it.
pub fn fingerprint(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    let Ok(parsed) = text.parse::<Fingerprint>() else {
        return false;
    };
    let canonical = parsed.to_string();
    assert_eq!(canonical.len(), 95);
    assert_eq!(canonical.parse::<Fingerprint>().unwrap(), parsed);
    assert_eq!(Fingerprint::from_bytes(*parsed.as_bytes()), parsed);
    let value = text.rsplit('=').next().unwrap_or(text).trim();
    let value = match value.split_at_checked(64) {
        Some((digits, file))
            if digits.bytes().all(|digit| digit.is_ascii_hexdigit())
                && (file.starts_with("  ") || file.starts_with(" *")) =>
        {
            digits
        }
        _ => value,
    };
    let digits = |text: &str| {
        let digits = text.chars().filter(char::is_ascii_hexdigit);
        digits
            .map(|digit| digit.to_ascii_uppercase())
            .collect::<String>()
    };
    assert_eq!(digits(value).len(), 64, "{text:?}");
    assert_eq!(digits(value), digits(&canonical), "{text:?}");
    true
}

/// A name has one normal form, which reads as itself and which the TLS library accepts as a name.
pub fn host_name(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    let Ok(name) = text.parse::<HostName>() else {
        return false;
    };
    let normal = name.to_string();
    let again: HostName = normal.parse().expect("the normal form is a name");
    assert_eq!(again, name);
    assert_eq!(again.to_string(), normal);
    assert!(normal.is_ascii() && !normal.bytes().any(|byte| byte.is_ascii_uppercase()));
    assert!(!normal.ends_with('.') && !normal.contains(['*', '%', '[', ']', ' ', '/']));
    match (name.ip(), name.dns()) {
        (Some(address), None) => {
            assert_eq!(address, address.to_canonical());
            assert_eq!(HostName::from(address), name);
            assert_eq!(
                format!("[{address}]").parse::<HostName>().is_ok(),
                address.is_ipv6()
            );
        }
        (None, Some(dns)) => {
            assert_eq!(dns, normal);
            assert!(dns.len() <= 253);
            assert_eq!(format!("{dns}.").parse::<HostName>().unwrap(), name);
            assert_eq!(dns.to_uppercase().parse::<HostName>().unwrap(), name);
        }
        both => panic!("{normal}: {both:?}"),
    }
    let server = name.to_server_name().expect("the TLS library takes it");
    assert_eq!(HostName::try_from(&server).unwrap(), name);
    true
}

/// The first line is a pattern, the second a name: the pattern reads as it is shown, and matches a name only
/// if a second, plainer reading of the rule agrees.
pub fn san_pattern(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    let (line, name) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(pattern) = line.parse::<SanPattern>() else {
        return false;
    };
    let shown = pattern.to_string();
    assert_eq!(shown.parse::<SanPattern>().unwrap(), pattern);
    assert_eq!(shown.parse::<SanPattern>().unwrap().to_string(), shown);
    let (kind, value) = shown.split_once(':').expect("a pattern has a kind");
    assert!(!pattern.matches(&SanName::Other));
    for (form, san) in [
        ("dns", SanName::Dns(name)),
        ("uri", SanName::Uri(name)),
        ("email", SanName::Email(name)),
    ] {
        let expected = form == kind && expected(kind, value, name);
        assert_eq!(pattern.matches(&san), expected, "{shown} against {san}");
    }
    if kind == "ip" {
        let address: IpAddr = value.parse().unwrap();
        assert!(pattern.matches(&SanName::Ip(address)));
        if let IpAddr::V4(address) = address {
            let mapped = IpAddr::V6(address.to_ipv6_mapped());
            assert!(!pattern.matches(&SanName::Ip(mapped)), "{shown}");
        }
    } else if !value.contains('*') {
        assert!(
            expected(kind, value, value),
            "{shown} does not match itself"
        );
    } else if kind == "uri" {
        // Without a host, everything of the scheme could be meant.
        let host = value.split_once("://").map_or("", |(_, rest)| rest);
        assert!(!host.starts_with('/'), "{shown} names no host");
    }
    true
}

fn expected(kind: &str, pattern: &str, name: &str) -> bool {
    match (kind, pattern.split_once('*')) {
        ("dns", None) => pattern == name.to_ascii_lowercase(),
        ("dns", Some(("", parent))) => {
            let lower = name.to_ascii_lowercase();
            // A label of a host name (RFC 1123 section 2.1), letter by letter.
            let label = lower.strip_suffix(parent).unwrap_or("").as_bytes();
            let inner = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            let ends = [label.first(), label.last()];
            label.len() < 64
                && label.iter().all(inner)
                && ends.iter().all(|end| end.is_some_and(|end| *end != b'-'))
        }
        ("uri", Some((folder, ""))) => name.strip_prefix(folder).is_some_and(|rest| {
            !rest.is_empty()
                && !rest.contains(['%', '?', '#'])
                && !rest.split('/').any(|part| part == "." || part == "..")
        }),
        ("uri" | "email", None) => pattern == name,
        _ => false,
    }
}
