//! Rules on names and on what constrains them (RFC 5280 sections 4.2.1.6 and 4.2.1.10).

use core::net::Ipv6Addr;

use super::fields::has_subject;
use super::form::{Above, Form, parts};
use super::values::is_list_of;
use crate::certificate::form::{
    DIRECTORY_NAME, DNS_NAME, EDI_PARTY_NAME, IP_ADDRESS, OTHER_NAME, REGISTERED_ID, RFC822_NAME,
    Subtree, URI, X400_ADDRESS,
};
use crate::limits::MAX_DNS_NAME_BYTES;

/// Whether a URI that may have a host must have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// "URIs that include an authority MUST include a fully qualified domain name or IP address as the host" (RFC 5280
    /// section 4.2.1.6).
    Required,
    /// An empty authority leaves the host to the reader.
    Optional,
}

pub(super) fn san_critical(form: &Form<'_>, _: Above<'_>) -> bool {
    has_subject(form) || form.ce(17).is_some_and(|extension| extension.critical)
}

pub(super) fn constraints_of_ca(form: &Form<'_>, _: Above<'_>) -> bool {
    form.certificate.is_ca() || form.ce(30).is_none()
}

pub(super) fn constraints_critical(form: &Form<'_>, _: Above<'_>) -> bool {
    form.ce(30).is_none_or(|extension| extension.critical)
}

pub(super) fn constraints_form(form: &Form<'_>, _: Above<'_>) -> bool {
    let Some(extension) = form.ce(30) else {
        return true;
    };
    let mut lists = parts(extension.value).peekable();
    lists.peek().is_some()
        && lists.all(|list| !list.content.is_empty())
        && form.certificate.constraints().all(|subtree| base(&subtree))
}

pub(super) fn san_form(form: &Form<'_>, _: Above<'_>) -> bool {
    form.ce(17).is_none()
        || form
            .certificate
            .name_forms()
            .all(|one| name(&one, Hosts::Required))
}

pub(super) fn issuer_names_form(form: &Form<'_>, _: Above<'_>) -> bool {
    form.is_shaped(&[0x55, 0x1d, 18], |value| {
        is_list_of(value, 0x30, |one| {
            let one = Subtree {
                form: one.tag,
                name: one.content,
            };
            name(&one, Hosts::Required)
        })
    })
}

/// Whether a name of a certificate has the form of its kind. Of the kinds that nothing here reads, the tag and that there
/// is something in it; the `CHOICE` has no others (RFC 5280 appendix A.2).
pub(super) fn name(one: &Subtree<'_>, hosts: Hosts) -> bool {
    match one.form {
        // "in the preferred name syntax", with a wildcard as RFC 9525 section 6.3 has it.
        DNS_NAME => dns(one.name.strip_prefix(b"*.").unwrap_or(one.name)),
        RFC822_NAME => mailbox(one.name),
        IP_ADDRESS => matches!(one.name.len(), 4 | 16),
        URI => uri(one.name, hosts),
        // The name that is in it has parts.
        DIRECTORY_NAME => parts(one.name).next().is_some(),
        OTHER_NAME | X400_ADDRESS | EDI_PARTY_NAME | REGISTERED_ID => !one.name.is_empty(),
        _ => false,
    }
}

/// A URI with a scheme and a part specific to it (RFC 3986 section 3), and with a host where it has an authority.
fn uri(name: &[u8], hosts: Hosts) -> bool {
    let mut parts = name.splitn(2, |byte| *byte == b':');
    let (Some([first, scheme @ ..]), Some(specific)) = (parts.next(), parts.next()) else {
        return false;
    };
    let in_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    // What is neither reserved, nor unreserved, nor part of an escape (sections 2.1 to 2.3).
    let is_character = |byte: &u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(byte);
    let mut escapes = specific.split(|byte| *byte == b'%').skip(1);
    let is_escape =
        |rest: &[u8]| matches!(rest, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    first.is_ascii_alphabetic()
        && scheme.iter().all(in_scheme)
        && !specific.is_empty()
        && specific.iter().all(is_character)
        && escapes.all(is_escape)
        && specific
            .strip_prefix(b"//")
            .is_none_or(|behind| authority(behind, hosts))
}

/// The authority of a URI, with what stands behind it (RFC 3986 section 3.2): a host, perhaps with a user before it and
/// a port behind it.
fn authority(behind: &[u8], hosts: Hosts) -> bool {
    let ends = |byte: &u8| b"/?#".contains(byte);
    let whole = behind.split(ends).next().unwrap_or(&[]);
    let at = whole.rsplit(|byte| *byte == b'@').next().unwrap_or(&[]);
    let (host, port) = match at.strip_prefix(b"[") {
        Some(address) => {
            let end = address.iter().position(|byte| *byte == b']');
            let Some((address, port)) = end.and_then(|end| address.split_at_checked(end)) else {
                return false;
            };
            let text = core::str::from_utf8(address).unwrap_or("");
            (
                text.parse::<Ipv6Addr>().is_ok(),
                port.get(1..).unwrap_or(&[]),
            )
        }
        None => {
            let end = at.iter().position(|byte| *byte == b':');
            let (host, port) = at
                .split_at_checked(end.unwrap_or(at.len()))
                .unwrap_or((at, &[]));
            let is_absent = host.is_empty() && hosts == Hosts::Optional;
            // An IPv4 address has the form of a DNS name.
            (
                is_absent || dns(host.strip_suffix(b".").unwrap_or(host)),
                port,
            )
        }
    };
    let digits = |port: &[u8]| port.iter().all(u8::is_ascii_digit);
    host && (port.is_empty() || port.strip_prefix(b":").is_some_and(digits))
}

/// Whether the base of a constraint has the form of its kind; other kinds have none that is known here.
fn base(one: &Subtree<'_>) -> bool {
    // A host, or with a dot before it the hosts of a domain.
    let hosts = || dns(one.name.strip_prefix(b".").unwrap_or(one.name));
    match one.form {
        // The empty base stands for all names.
        DNS_NAME => one.name.is_empty() || dns(one.name),
        RFC822_NAME if one.name.contains(&b'@') => mailbox(one.name),
        RFC822_NAME | URI => hosts(),
        IP_ADDRESS => match one.name.len() {
            8 => mask(one.name.get(4..)),
            32 => mask(one.name.get(16..)),
            _ => false,
        },
        _ => one.form & 0xc0 == 0x80,
    }
}

/// Whether a mask is ones and then zeros (CIDR, RFC 4632).
fn mask(mask: Option<&[u8]>) -> bool {
    let mut bits = mask
        .into_iter()
        .flatten()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    bits.by_ref().find(|bit| *bit == 0);
    bits.all(|bit| bit == 0)
}

/// The preferred name syntax (RFC 1034 section 3.5, with digits first as in RFC 1123 section 2.1).
fn dns(name: &[u8]) -> bool {
    let label = |label: &[u8]| {
        let inner = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        (1..=63).contains(&label.len())
            && label.iter().all(inner)
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
    };
    name.len() <= MAX_DNS_NAME_BYTES && name.split(|byte| *byte == b'.').all(label)
}

/// A `Mailbox` (RFC 2821 section 4.1.2) without comments, spaces and quotes.
fn mailbox(name: &[u8]) -> bool {
    let mut parts = name.split(|byte| *byte == b'@');
    let (Some(local), Some(host), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    !local.is_empty() && local.iter().all(u8::is_ascii_graphic) && dns(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_has_a_scheme_a_part_specific_to_it_and_the_host_of_its_authority() {
        for (text, required, optional) in [
            ("urn:kms:1", true, true),
            ("http://kms.example/a?b#c", true, true),
            ("https://user@kms.example:8443/", true, true),
            ("spiffe://example.org/ns/a", true, true),
            ("http://192.0.2.1/", true, true),
            ("http://[2001:db8::1]:80/a", true, true),
            ("ldap://kms.example./CN=a%20b?c", true, true),
            ("http:../relative", true, true),
            ("ldap:///CN=CA,DC=example?cACertificate?base", false, true),
            ("http://", false, true),
            ("http://:80/", false, true),
            ("http://a_b.example/", false, false),
            ("http://a.example:port/", false, false),
            ("http://[2001:db8::1", false, false),
            ("http://[192.0.2.1]/", false, false),
            ("http://[::1]x/", false, false),
            ("kms.example", false, false),
            ("/relative", false, false),
            (":a", false, false),
            ("1a:b", false, false),
            ("a_b:c", false, false),
            ("urn:", false, false),
            ("urn:a b", false, false),
            ("urn:a%2", false, false),
            ("urn:a%zz", false, false),
            ("urn:<a>", false, false),
            ("urn:k\u{e4}se", false, false),
            ("", false, false),
        ] {
            assert_eq!(uri(text.as_bytes(), Hosts::Required), required, "{text}");
            assert_eq!(uri(text.as_bytes(), Hosts::Optional), optional, "{text}");
        }
    }
}
