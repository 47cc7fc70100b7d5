//! Patterns for the names of clients that an authority vouches for (rule P7).

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use super::patterns_error::SanPatternError;
use crate::certificate::{HostName, SanName};
use crate::limits::MAX_SHOWN_NAME;

/// A pattern that one subject alternative name of a client's certificate must match.
///
/// | text | matches |
/// |---|---|
/// | `dns:array-7.example` | that DNS name, in any case |
/// | `dns:*.arrays.example` | DNS names with exactly one label more, of letters, digits and hyphens |
/// | `ip:192.0.2.7` | that address, as it is encoded: an IPv4-mapped IPv6 address is another one |
/// | `uri:spiffe://example/array/7` | that URI, byte for byte |
/// | `uri:spiffe://example/array/*` | URIs that continue it by at least one byte |
/// | `email:array@example` | that address, byte for byte |
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SanPattern(Kind);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Dns(Box<str>),
    /// The part behind `*.`.
    DnsBelow(Box<str>),
    Ip(IpAddr),
    Uri(Box<str>),
    /// The part before `*`, with its slash.
    UriBelow(Box<str>),
    Email(Box<str>),
}

impl SanPattern {
    /// Whether `name` matches.
    #[doc(hidden)]
    pub fn matches(&self, name: &SanName<'_>) -> bool {
        match (&self.0, name) {
            (Kind::Dns(want), SanName::Dns(name)) => {
                // A wildcard in a client's certificate does not identify a client.
                want.eq_ignore_ascii_case(name)
            }
            (Kind::DnsBelow(parent), SanName::Dns(name)) => {
                name.split_once('.').is_some_and(|(label, rest)| {
                    is_host_label(label) && rest.eq_ignore_ascii_case(parent)
                })
            }
            // Name constraints compare the encoded form. An address that an excluded IPv4 subtree covers must not match
            // in another form.
            (Kind::Ip(want), SanName::Ip(address)) => want == address,
            (Kind::Uri(want), SanName::Uri(name)) => **want == **name,
            (Kind::UriBelow(parent), SanName::Uri(name)) => name
                .strip_prefix(&**parent)
                .is_some_and(|rest| !rest.is_empty() && !climbs(rest)),
            (Kind::Email(want), SanName::Email(name)) => **want == **name,
            _ => false,
        }
    }
}

/// Whether a label is one of a host name: the preferred name syntax of RFC 1034 section 3.5, with digits first as in
/// RFC 1123 section 2.1, which RFC 5280 section 4.2.1.6 asks of DNS names. The client chose the label, so an underscore
/// is refused too: host names have none. An underscore in the pattern itself is allowed, because the administrator
/// wrote it.
fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether the rest of a path leads out of the folder that the pattern names, by dots or by encoded dots.
fn climbs(rest: &str) -> bool {
    rest.contains(['%', '?', '#']) || rest.split('/').any(|part| matches!(part, "." | ".."))
}

impl FromStr for SanPattern {
    type Err = SanPatternError;

    fn from_str(text: &str) -> Result<Self, SanPatternError> {
        let (kind, value) = text.split_once(':').ok_or(SanPatternError::Kind)?;
        let plain = !value.is_empty()
            && value.len() <= MAX_SHOWN_NAME
            && value.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain {
            return Err(SanPatternError::Value);
        }
        let exact = |value: &str| {
            if value.contains('*') {
                return Err(SanPatternError::Wildcard);
            }
            Ok(Box::<str>::from(value))
        };
        let dns = |value: &str| {
            let name: HostName = exact(value)?.parse().map_err(|_| SanPatternError::Value)?;
            name.dns().map(Box::from).ok_or(SanPatternError::Value)
        };
        let kind = match kind {
            "dns" => match value.strip_prefix("*.") {
                Some(parent) => Kind::DnsBelow(dns(parent)?),
                None => Kind::Dns(dns(value)?),
            },
            "ip" => {
                let name: HostName = exact(value)?.parse().map_err(|_| SanPatternError::Value)?;
                Kind::Ip(name.ip().ok_or(SanPatternError::Value)?)
            }
            "uri" => match value.strip_suffix('*') {
                // With a slash before the wildcard, the authority part of the URI is whole.
                Some(parent) => match parent.split_once("://") {
                    Some((_, rest)) if rest.ends_with('/') && !rest.starts_with('/') => {
                        Kind::UriBelow(exact(parent)?)
                    }
                    _ => return Err(SanPatternError::Wildcard),
                },
                None => Kind::Uri(exact(value)?),
            },
            "email" => Kind::Email(exact(value)?),
            _ => return Err(SanPatternError::Kind),
        };
        Ok(Self(kind))
    }
}

impl fmt::Display for SanPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Dns(name) => write!(f, "dns:{name}"),
            Kind::DnsBelow(parent) => write!(f, "dns:*.{parent}"),
            Kind::Ip(address) => write!(f, "ip:{address}"),
            Kind::Uri(name) => write!(f, "uri:{name}"),
            Kind::UriBelow(parent) => write!(f, "uri:{parent}*"),
            Kind::Email(name) => write!(f, "email:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: SanName<'_>) -> bool {
        pattern.parse::<SanPattern>().unwrap().matches(&name)
    }

    #[test]
    fn a_value_is_some_visible_characters_and_not_too_many() {
        let parse = |value: &str| ["uri", "email"].map(|kind| format!("{kind}:{value}").parse());
        for good in ["x", &"x".repeat(MAX_SHOWN_NAME)] {
            assert!(parse(good).iter().all(Result::<SanPattern, _>::is_ok));
        }
        for bad in ["", &"x".repeat(MAX_SHOWN_NAME + 1), "a b", "a\nb", "\u{e4}"] {
            assert_eq!(
                parse(bad),
                [const { Err(SanPatternError::Value) }; 2],
                "{bad}"
            );
        }
    }

    #[test]
    fn patterns_match_what_they_say() {
        assert!(matches("dns:a.example", SanName::Dns("A.EXAMPLE")));
        assert!(!matches("dns:a.example", SanName::Dns("b.a.example")));
        assert!(matches("dns:*.example", SanName::Dns("a.example")));
        assert!(!matches("dns:*.example", SanName::Dns("a.b.example")));
        assert!(!matches("dns:*.example", SanName::Dns("example")));
        assert!(!matches("dns:*.example", SanName::Dns("*.example")));
        assert!(!matches("dns:a.example", SanName::Uri("a.example")));
        let ip = |text: &str| SanName::Ip(text.parse().unwrap());
        for pattern in ["ip:192.0.2.1", "ip:::ffff:192.0.2.1"] {
            assert!(matches(pattern, ip("192.0.2.1")));
            assert!(!matches(pattern, ip("::ffff:192.0.2.1")));
        }
        assert!(matches("ip:2001:db8::1", ip("2001:DB8::1")));
        assert!(matches("uri:spiffe://e/a", SanName::Uri("spiffe://e/a")));
        assert!(!matches("uri:spiffe://e/a", SanName::Uri("spiffe://e/A")));
        assert!(matches(
            "uri:spiffe://e/a/*",
            SanName::Uri("spiffe://e/a/7")
        ));
        for outside in [
            "spiffe://e/a/",
            "spiffe://e/a",
            "spiffe://e/a/../b",
            "spiffe://e/a/.",
            "spiffe://e/a/%2e%2e/b",
            "spiffe://e/a/?x",
        ] {
            assert!(
                !matches("uri:spiffe://e/a/*", SanName::Uri(outside)),
                "{outside}"
            );
        }
        assert!(matches("email:a@example", SanName::Email("a@example")));
        assert!(!matches("email:a@example", SanName::Other));
    }

    #[test]
    fn a_label_that_a_client_chose_is_one_of_a_host_name() {
        for name in [
            "a.example",
            "7.EXAMPLE",
            "xn--bcher-kva.example",
            "a-b.example",
        ] {
            assert!(matches("dns:*.example", SanName::Dns(name)), "{name}");
        }
        assert!(matches(
            "dns:*.example",
            SanName::Dns(&("a".repeat(63) + ".example"))
        ));
        assert!(!matches(
            "dns:*.example",
            SanName::Dns(&("a".repeat(64) + ".example"))
        ));
        for name in [
            "x,dns:admin.example",
            "a*.example",
            "*.example",
            "*a.example",
            "_a.example",
            "a_b.example",
            "-a.example",
            "a-.example",
            ".example",
            "a/b.example",
            "a@b.example",
            "a\\b.example",
            "a.example.",
        ] {
            assert!(!matches("dns:*.example", SanName::Dns(name)), "{name}");
        }
        assert!(matches("dns:_kmip.example", SanName::Dns("_KMIP.example")));
        assert!(matches(
            "dns:*._kmip.example",
            SanName::Dns("a._kmip.example")
        ));
    }

    #[test]
    fn wide_patterns_are_refused() {
        for wide in [
            "dns:*",
            "dns:a*.example",
            "dns:*.*.example",
            "uri:*",
            "uri:spiffe://*",
            "uri:spiffe:///*",
            "uri:spiffe:////*",
            "uri:spiffe://exam*",
            "email:*@example",
            "ip:192.0.2.*",
        ] {
            assert!(wide.parse::<SanPattern>().is_err(), "{wide}");
        }
        assert!(matches!(
            "x".parse::<SanPattern>(),
            Err(SanPatternError::Kind)
        ));
        assert!(matches!(
            "cn:x".parse::<SanPattern>(),
            Err(SanPatternError::Kind)
        ));
        assert!(matches!(
            "dns:".parse::<SanPattern>(),
            Err(SanPatternError::Value)
        ));
    }

    #[test]
    fn patterns_are_shown_as_they_are_read() {
        for text in [
            "dns:a.example",
            "dns:*.example",
            "ip:192.0.2.1",
            "uri:spiffe://e/a",
            "uri:spiffe://e/a/*",
            "email:a@example",
        ] {
            assert_eq!(text.parse::<SanPattern>().unwrap().to_string(), text);
        }
    }
}
