//! Rules on extensions other than those on names (RFC 5280 sections 4.2.1 and 4.2.2).

use super::form::{Above, Form, parts};
use super::names::{Hosts, name};
use super::values::{are_named_bits, is_count, is_minimal};
use crate::certificate::Certificate;
use crate::certificate::der::Value;
use crate::certificate::form::Subtree;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;

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

pub(super) fn aki_present(form: &Form<'_>, _: Above<'_>) -> bool {
    form.certificate.authority_key_id().is_some() || form.certificate.names_own_key() == Some(true)
}

pub(super) fn aki_not_critical(form: &Form<'_>, _: Above<'_>) -> bool {
    not_critical(form, 35)
}

pub(super) fn aki_names_issuer(form: &Form<'_>, above: Above<'_>) -> bool {
    let named = form.certificate.authority_key_id();
    let own = above.first().and_then(Certificate::subject_key_id);
    named.zip(own).is_none_or(|(named, own)| named == own)
}

pub(super) fn aki_pair(form: &Form<'_>, _: Above<'_>) -> bool {
    let has = |tag| aki_fields(form).any(|field| field.tag == tag);
    has(0xa1) == has(0x82)
}

pub(super) fn aki_form(form: &Form<'_>, _: Above<'_>) -> bool {
    let is_good = |one: Value<'_>| {
        let one = Subtree {
            form: one.tag,
            name: one.content,
        };
        name(&one, Hosts::Required)
    };
    aki_fields(form).all(|field| {
        let names = field.tag != 0xa1 || parts(field.whole).all(is_good);
        names && (field.tag != 0x82 || is_minimal(field.content))
    })
}

/// keyIdentifier [0], authorityCertIssuer [1], authorityCertSerialNumber [2]
fn aki_fields<'a>(form: &Form<'a>) -> impl Iterator<Item = Value<'a>> {
    parts(form.ce(35).map_or(&[], |extension| extension.value))
}

pub(super) fn ski_present(form: &Form<'_>, _: Above<'_>) -> bool {
    !form.issues() || form.certificate.subject_key_id().is_some()
}

pub(super) fn ski_not_critical(form: &Form<'_>, _: Above<'_>) -> bool {
    not_critical(form, 14)
}

pub(super) fn ca_key_usage(form: &Form<'_>, _: Above<'_>) -> bool {
    !form.issues() || form.certificate.key_usage().is_some()
}

pub(super) fn key_usage_not_empty(form: &Form<'_>, _: Above<'_>) -> bool {
    let usage = form.certificate.key_usage();
    usage.is_none_or(|usage| !usage.is_empty())
}

pub(super) fn key_usage_form(form: &Form<'_>, _: Above<'_>) -> bool {
    form.is_shaped(&[0x55, 0x1d, 15], |value| {
        // Nine uses have names; the last is decipherOnly (8).
        value
            .split_at_checked(2)
            .is_some_and(|(_, bits)| are_named_bits(bits, 9))
    })
}

pub(super) fn digital_signature(form: &Form<'_>, _: Above<'_>) -> bool {
    let usage = form.certificate.key_usage();
    form.issues() || usage.is_none_or(|usage| usage.digital_signature())
}

pub(super) fn leaf_no_cert_sign(form: &Form<'_>, _: Above<'_>) -> bool {
    form.certificate.is_ca() || !asserts_cert_sign(form)
}

pub(super) fn policy_constraints_critical(form: &Form<'_>, _: Above<'_>) -> bool {
    critical(form, 36)
}

pub(super) fn inhibit_any_policy_critical(form: &Form<'_>, _: Above<'_>) -> bool {
    critical(form, 54)
}

pub(super) fn basic_constraints_critical(form: &Form<'_>, _: Above<'_>) -> bool {
    !form.certificate.is_ca() || critical(form, 19)
}

pub(super) fn path_length_of_ca(form: &Form<'_>, _: Above<'_>) -> bool {
    let constraints = form.certificate.basic_constraints();
    let limited = constraints.is_some_and(|constraints| constraints.path_len.is_some());
    !limited || (form.certificate.is_ca() && asserts_cert_sign(form))
}

pub(super) fn path_length_form(form: &Form<'_>, _: Above<'_>) -> bool {
    let value = form.ce(19).map_or(&[][..], |extension| extension.value);
    let mut lengths = parts(value).filter(|field| field.tag == INTEGER);
    lengths.all(|length| is_count(length.content))
}

/// A value that is the default of its field is not written (X.690 section 11.5): neither `critical` nor `cA` is FALSE.
pub(super) fn no_default_written(form: &Form<'_>, _: Above<'_>) -> bool {
    let is_false = |field: Value<'_>| field.tag == BOOLEAN && field.content == [0];
    let mut constraints = parts(form.ce(19).map_or(&[], |extension| extension.value));
    !form.writes_a_default() && !constraints.any(is_false)
}
