//! Rules on names and on what constrains them (RFC 5280 sections 4.2.1.6 and 4.2.1.10).

use super::fields::has_subject;
use super::form::Form;
use crate::certificate::Certificate;
use crate::certificate::form::{DNS_NAME, IP_ADDRESS, RFC822_NAME, Subtree, URI, parts};
use crate::limits::MAX_DNS_NAME_BYTES;

type Issuer<'a> = Option<&'a Certificate>;

pub(super) fn san_critical(form: &Form<'_>, _: Issuer<'_>) -> bool {
    has_subject(form) || form.ce(17).is_some_and(|extension| extension.critical)
}

pub(super) fn constraints_of_ca(form: &Form<'_>, _: Issuer<'_>) -> bool {
    form.certificate.is_ca() || form.ce(30).is_none()
}

pub(super) fn constraints_critical(form: &Form<'_>, _: Issuer<'_>) -> bool {
    form.ce(30).is_none_or(|extension| extension.critical)
}

pub(super) fn constraints_form(form: &Form<'_>, _: Issuer<'_>) -> bool {
    let Some(extension) = form.ce(30) else {
        return true;
    };
    let mut lists = parts(extension.value).peekable();
    lists.peek().is_some()
        && lists.all(|list| !list.content.is_empty())
        && form.certificate.constraints().all(|subtree| base(&subtree))
}

pub(super) fn san_form(form: &Form<'_>, _: Issuer<'_>) -> bool {
    form.ce(17).is_none() || form.certificate.name_forms().all(|one| name(&one))
}

/// Whether a name of a certificate has the form of its kind; other kinds have none that is known here.
fn name(one: &Subtree<'_>) -> bool {
    match one.form {
        // "in the preferred name syntax", with a wildcard as RFC 9525 section 6.3 has it.
        DNS_NAME => dns(one.name.strip_prefix(b"*.").unwrap_or(one.name)),
        RFC822_NAME => mailbox(one.name),
        IP_ADDRESS => matches!(one.name.len(), 4 | 16),
        URI => one.name.contains(&b':') && one.name.is_ascii(),
        _ => one.form & 0xc0 == 0x80,
    }
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
