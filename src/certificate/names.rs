//! Names of servers in a normal form, and subject alternative names.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;
use std::collections::HashSet;
use std::sync::Arc;

use pki_types::ServerName;

use super::Certificate;
use super::shown::subject_alternative;
use crate::certificate::error::HostNameError;
use crate::limits::MAX_DNS_NAME_BYTES;

/// The DNS name or IP address of a server, in normal form.
///
/// Different spellings of the same name are equal: case, one trailing dot, brackets around an IPv6 address, and
/// IPv4-mapped IPv6 addresses make no difference.
///
/// ```
/// use mutual_trust::HostName;
///
/// assert_eq!("KMS1.Example.".parse::<HostName>()?, "kms1.example".parse()?);
/// assert_eq!("[::ffff:192.0.2.7]".parse::<HostName>()?, "192.0.2.7".parse()?);
/// assert!("*.example".parse::<HostName>().is_err());
/// # Ok::<(), mutual_trust::error::HostNameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(Form);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    Dns(Arc<str>),
    Ip(IpAddr),
}

impl HostName {
    /// A clone that does not write to the count of this one if the thread asks for it again and again.
    pub(crate) fn clone_apart(&self) -> Self {
        Self(match &self.0 {
            Form::Dns(name) => Form::Dns(super::apart::clone_text(name)),
            Form::Ip(address) => Form::Ip(*address),
        })
    }

    /// How many hold its text.
    #[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring")))]
    pub(crate) fn count(&self) -> usize {
        match &self.0 {
            Form::Dns(name) => Arc::strong_count(name),
            Form::Ip(_) => 0,
        }
    }

    /// The IP address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match &self.0 {
            Form::Ip(address) => Some(*address),
            Form::Dns(_) => None,
        }
    }

    /// The DNS name in lower case without a trailing dot, if it is one.
    pub fn dns(&self) -> Option<&str> {
        match &self.0 {
            Form::Dns(name) => Some(name),
            Form::Ip(_) => None,
        }
    }

    /// The name as rustls expects it. `None` if rustls does not accept it.
    pub fn to_server_name(&self) -> Option<ServerName<'static>> {
        match &self.0 {
            Form::Dns(name) => ServerName::try_from(name.to_string()).ok(),
            Form::Ip(address) => Some(ServerName::IpAddress((*address).into())),
        }
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    /// Normalises a name. All host names are made here or from an address.
    fn from_str(text: &str) -> Result<Self, HostNameError> {
        if text.is_empty() {
            return Err(HostNameError::Empty);
        }
        if text.len() > MAX_DNS_NAME_BYTES.saturating_add(1) {
            return Err(HostNameError::TooLong {
                length: text.len(),
                limit: MAX_DNS_NAME_BYTES,
            });
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostNameError::Brackets)?;
            no_zone(inner)?;
            let address = inner.parse().map_err(|_| HostNameError::Brackets)?;
            return Ok(Self::from(IpAddr::V6(address)));
        }
        no_zone(text)?;
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::from(address));
        }
        dns(text).map(|name| Self(Form::Dns(name)))
    }
}

impl From<IpAddr> for HostName {
    fn from(address: IpAddr) -> Self {
        Self(Form::Ip(address.to_canonical()))
    }
}

impl TryFrom<&ServerName<'_>> for HostName {
    type Error = HostNameError;

    fn try_from(name: &ServerName<'_>) -> Result<Self, HostNameError> {
        match name {
            ServerName::DnsName(name) => name.as_ref().parse(),
            ServerName::IpAddress(address) => Ok(Self::from(IpAddr::from(*address))),
            _ => Err(HostNameError::Form),
        }
    }
}

fn no_zone(text: &str) -> Result<(), HostNameError> {
    if text.contains('%') {
        return Err(HostNameError::ZoneId);
    }
    Ok(())
}

fn dns(text: &str) -> Result<Arc<str>, HostNameError> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if !name.is_ascii() {
        return Err(HostNameError::NotAscii);
    }
    if name.contains('*') {
        return Err(HostNameError::Wildcard);
    }
    if name.len() > MAX_DNS_NAME_BYTES {
        return Err(HostNameError::TooLong {
            length: name.len(),
            limit: MAX_DNS_NAME_BYTES,
        });
    }
    let mut at = 0_usize;
    for label in name.split('.') {
        let fits = (1..=63).contains(&label.len());
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !fits || !label.bytes().all(letters) || label.starts_with('-') || label.ends_with('-') {
            return Err(HostNameError::Label { offset: at });
        }
        at = at.saturating_add(label.len()).saturating_add(1);
    }
    // `1.2.3.4.`, `10.0.0.256`, `0x7f.1`: a name that some resolver reads as an address is not a DNS name.
    let last = name.rsplit('.').next().unwrap_or("");
    let hexadecimal = last
        .strip_prefix("0x")
        .or_else(|| last.strip_prefix("0X"))
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HostNameError::LooksLikeAddress);
    }
    Ok(name.to_ascii_lowercase().into())
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Dns(name) => f.write_str(name),
            Form::Ip(address) => write!(f, "{address}"),
        }
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostName({self})")
    }
}

/// A subject alternative name of a certificate (RFC 5280 section 4.2.1.6), as encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SanName<'a> {
    /// A DNS name in printable ASCII. It may have a wildcard.
    Dns(&'a str),
    /// An IP address as encoded. An IPv4-mapped IPv6 address is not converted to the IPv4 address, because name
    /// constraints are not either.
    Ip(IpAddr),
    /// A URI in printable ASCII.
    Uri(&'a str),
    /// An e-mail address in printable ASCII.
    Email(&'a str),
    /// A name of another form, or with characters that are not allowed in names. It never matches anything.
    Other,
}

impl<'a> SanName<'a> {
    pub(super) fn ip(bytes: &'a [u8]) -> Self {
        if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
            Self::Ip(IpAddr::V4(Ipv4Addr::from(v4)))
        } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
            Self::Ip(IpAddr::V6(Ipv6Addr::from(v6)))
        } else {
            Self::Other
        }
    }

    /// Whether this name covers `host` (RFC 9525 section 6): it is the same address or DNS name, or a wildcard that is
    /// the whole leftmost label and stands for exactly one label.
    ///
    /// Verdicts on chains use it (rule C2), and so do notes and dry runs.
    pub(crate) fn covers(&self, host: &HostName) -> bool {
        match (self, &host.0) {
            // Compares bytes. A host is never an IPv4-mapped address.
            (Self::Ip(address), Form::Ip(host)) => address == host,
            (Self::Dns(name), Form::Dns(host)) => dns_covers(name.as_bytes(), host),
            _ => false,
        }
    }

    /// The prefix of the displayed name.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns:",
            Self::Ip(_) => "ip:",
            Self::Uri(_) => "uri:",
            Self::Email(_) => "email:",
            Self::Other => "other",
        }
    }

    /// The same text as `Display`, without formatting machinery for names that are text: each verdict on a chain lists
    /// them.
    pub(crate) fn to_text(self) -> String {
        match self {
            Self::Dns(name) => subject_alternative(self.kind(), name, true),
            Self::Uri(name) | Self::Email(name) => subject_alternative(self.kind(), name, false),
            Self::Ip(_) | Self::Other => self.to_string(),
        }
    }
}

/// Up to this number of hosts, comparing each host with each name is as fast as a table.
const FEW_HOSTS: usize = 8;

impl Certificate {
    /// Whether one of the subject alternative names covers one of these hosts. It iterates over the names once: a
    /// server may have hundreds of names, and a peer's certificate thousands.
    pub(crate) fn covers_any(&self, hosts: &[&HostName]) -> bool {
        let covers = |name: &SanName<'_>| hosts.iter().any(|host| name.covers(host));
        if hosts.len() <= FEW_HOSTS {
            return hosts.iter().any(|host| self.covers(host));
        }
        let dns = || hosts.iter().filter_map(|host| host.dns());
        let parents = dns().filter_map(|host| host.split_once('.').map(|(_, parent)| parent));
        let (whole, parents): (HashSet<&str>, HashSet<&str>) = (dns().collect(), parents.collect());
        let addresses: HashSet<IpAddr> = hosts.iter().filter_map(|host| host.ip()).collect();
        self.names().any(|name| {
            let may = match name {
                SanName::Dns(text) => {
                    let text = text.to_ascii_lowercase();
                    match text.strip_prefix("*.") {
                        Some(parent) => parents.contains(parent),
                        None => whole.contains(text.as_str()),
                    }
                }
                SanName::Ip(address) => addresses.contains(&address),
                SanName::Uri(_) | SanName::Email(_) | SanName::Other => false,
            };
            may && covers(&name)
        })
    }
}

/// Whether a DNS name of a certificate covers `host`. The name need not be validated first, because it can only be
/// equal to valid characters. A partial wildcard, a wildcard in another label, or a trailing dot matches nothing.
///
/// One label after a wildcard is enough. RFC 9525 section 6.3 requires no more, and private zones have one label.
pub(super) fn dns_covers(name: &[u8], host: &str) -> bool {
    let host = host.as_bytes();
    // The bytes are nearly always equal, and comparing them is fast.
    let equal = |name: &[u8], host: &[u8]| name == host || name.eq_ignore_ascii_case(host);
    match name.strip_prefix(b"*.") {
        Some(parent) => {
            let mut labels = host.splitn(2, |byte| *byte == b'.').skip(1);
            labels.next().is_some_and(|rest| equal(parent, rest))
        }
        None => equal(name, host),
    }
}

/// The kind and the name. Characters that could make a name look like another one, or like two names separated by a
/// comma, are escaped as `\u{…}`.
impl fmt::Display for SanName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(_) | Self::Uri(_) | Self::Email(_) => f.write_str(&self.to_text()),
            Self::Ip(address) => write!(f, "{}{address}", self.kind()),
            Self::Other => f.write_str(self.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<HostName, HostNameError> {
        text.parse()
    }

    #[test]
    fn spellings_of_one_name_are_equal() {
        for (left, right) in [
            ("KMS1.Example", "kms1.example"),
            ("kms1.example.", "kms1.example"),
            ("[2001:DB8::1]", "2001:db8:0:0::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:c000:201]", "192.0.2.1"),
            ("_kmip.example", "_KMIP.example"),
            ("xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE"),
        ] {
            assert_eq!(name(left).unwrap(), name(right).unwrap(), "{left}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_reason() {
        use HostNameError as E;
        type Expected = fn(&HostNameError) -> bool;
        let cases: &[(&str, Expected)] = &[
            ("", |e| matches!(e, E::Empty)),
            ("*.example", |e| matches!(e, E::Wildcard)),
            ("fe80::1%eth0", |e| matches!(e, E::ZoneId)),
            ("[fe80::1%eth0]", |e| matches!(e, E::ZoneId)),
            ("[192.0.2.1]", |e| matches!(e, E::Brackets)),
            ("[::1", |e| matches!(e, E::Brackets)),
            ("bücher.example", |e| matches!(e, E::NotAscii)),
            ("a..b", |e| matches!(e, E::Label { offset: 2 })),
            (".", |e| matches!(e, E::Label { offset: 0 })),
            ("-a.example", |e| matches!(e, E::Label { offset: 0 })),
            ("a b", |e| matches!(e, E::Label { offset: 0 })),
            ("kms1.example:5696", |e| matches!(e, E::Label { offset: 5 })),
            ("192.0.2.1.", |e| matches!(e, E::LooksLikeAddress)),
            ("10.0.0.256", |e| matches!(e, E::LooksLikeAddress)),
            ("0x7f.0x1", |e| matches!(e, E::LooksLikeAddress)),
            ("127.1", |e| matches!(e, E::LooksLikeAddress)),
        ];
        for (text, expected) in cases {
            let error = name(text).unwrap_err();
            assert!(expected(&error), "{text}: {error:?}");
        }
        assert!(matches!(name(&"a.".repeat(200)), Err(E::TooLong { .. })));
    }

    #[test]
    fn a_name_is_read_up_to_its_bound_with_or_without_a_dot_at_its_end() {
        let longest = "a.".repeat(126) + "a";
        assert_eq!(longest.len(), MAX_DNS_NAME_BYTES);
        assert!(name(&longest).is_ok());
        assert_eq!(name(&format!("{longest}.")), name(&longest));
        for (longer, bytes) in [(format!("{longest}a"), 254), (format!("{longest}a."), 255)] {
            let error = name(&longer).unwrap_err();
            assert!(
                matches!(error, HostNameError::TooLong { length, .. } if length == bytes),
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let host = |text| name(text).unwrap();
        assert!(SanName::Dns("*.kms.example").covers(&host("a.kms.example")));
        assert!(!SanName::Dns("*.kms.example").covers(&host("kms.example")));
        assert!(!SanName::Dns("*.kms.example").covers(&host("a.b.kms.example")));
        assert!(!SanName::Dns("192.0.2.1").covers(&host("192.0.2.1")));
        assert!(SanName::Dns("*.lan").covers(&host("kms.lan")));
    }
}
