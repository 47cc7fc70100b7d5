//! Rules on extensions other than those on names (RFC 5280 sections 4.2.1 and 4.2.2).

use super::form::Form;
use crate::certificate::Certificate;
use crate::certificate::form::parts;

type Issuer<'a> = Option<&'a Certificate>;

/// `id-pe` 1 (RFC 5280 section 4.2.2.1).
const AUTHORITY_INFO_ACCESS: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];

fn not_critical(form: &Form<'_>, last: u8) -> bool {
    form.ce(last).is_none_or(|extension| !extension.critical)
}

fn critical(form: &Form<'_>, last: u8) -> bool {
    form.ce(last).is_none_or(|extension| extension.critical)
}

fn asserts_cert_sign(form: &Form<'_>) -> bool {
    let usage = form.certificate.key_usage();
    usage.is_some_and(|usage| usage.key_cert_sign())
}

pub(super) fn aki_present(form: &Form<'_>, _: Issuer<'_>) -> bool {
    form.certificate.authority_key_id().is_some() || form.certificate.names_own_key() == Some(true)
}

pub(super) fn aki_not_critical(form: &Form<'_>, _: Issuer<'_>) -> bool {
    not_critical(form, 35)
}

pub(super) fn aki_names_issuer(form: &Form<'_>, issuer: Issuer<'_>) -> bool {
    let named = form.certificate.authority_key_id();
    let own = issuer.and_then(Certificate::subject_key_id);
    named.zip(own).is_none_or(|(named, own)| named == own)
}

pub(super) fn ski_present(form: &Form<'_>, _: Issuer<'_>) -> bool {
    !form.issues() || form.certificate.subject_key_id().is_some()
}

pub(super) fn ski_not_critical(form: &Form<'_>, _: Issuer<'_>) -> bool {
    not_critical(form, 14)
}

pub(super) fn ca_key_usage(form: &Form<'_>, _: Issuer<'_>) -> bool {
    !form.issues() || form.certificate.key_usage().is_some()
}

pub(super) fn key_usage_not_empty(form: &Form<'_>, _: Issuer<'_>) -> bool {
    let usage = form.certificate.key_usage();
    usage.is_none_or(|usage| !usage.is_empty())
}

pub(super) fn leaf_no_cert_sign(form: &Form<'_>, _: Issuer<'_>) -> bool {
    form.certificate.is_ca() || !asserts_cert_sign(form)
}

pub(super) fn policy_constraints_critical(form: &Form<'_>, _: Issuer<'_>) -> bool {
    critical(form, 36)
}

pub(super) fn inhibit_any_policy_critical(form: &Form<'_>, _: Issuer<'_>) -> bool {
    critical(form, 54)
}

pub(super) fn aia_form(form: &Form<'_>, _: Issuer<'_>) -> bool {
    let Some(access) = form.extension(&AUTHORITY_INFO_ACCESS) else {
        return true;
    };
    // AccessDescription: an identifier, and a GeneralName.
    let mut descriptions = parts(access.value).peekable();
    descriptions.peek().is_some()
        && descriptions.all(|description| {
            let mut fields = parts(description.whole);
            let method = fields.next().is_some_and(|field| field.tag == 0x06);
            let place = fields.next().is_some_and(|field| field.tag & 0xc0 == 0x80);
            description.tag == 0x30 && method && place && fields.next().is_none()
        })
}

pub(super) fn basic_constraints_critical(form: &Form<'_>, _: Issuer<'_>) -> bool {
    !form.certificate.is_ca() || critical(form, 19)
}

pub(super) fn path_length_of_ca(form: &Form<'_>, _: Issuer<'_>) -> bool {
    let constraints = form.certificate.basic_constraints();
    let limited = constraints.is_some_and(|constraints| constraints.path_len.is_some());
    !limited || (form.certificate.is_ca() && asserts_cert_sign(form))
}
