//! Rules on where a certificate says that something is found: of its issuer, its subject, and revocation lists (RFC
//! 5280 sections 4.2.1.8, 4.2.1.13, 4.2.1.15, 4.2.2.1 and 4.2.2.2).

use super::form::{Above, Form, parts};
use super::names::{Hosts, name};
use super::values::{are_named_bits, is_list_of};
use crate::certificate::der::Value;
use crate::certificate::form::{DIRECTORY_NAME, Subtree};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;

/// `id-pe` 1 (RFC 5280 section 4.2.2.1).
const AUTHORITY_INFO_ACCESS: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
/// `id-pe` 11 (RFC 5280 section 4.2.2.2).
const SUBJECT_INFO_ACCESS: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x0b];

/// A `GeneralName` that says where something is. A URI need not name a host: that of a directory may leave it to the
/// reader (RFC 5280 section 4.2.1.13).
fn place(value: &Value<'_>) -> bool {
    let one = Subtree {
        form: value.tag,
        name: value.content,
    };
    name(&one, Hosts::Optional)
}

pub(super) fn authority_access(form: &Form<'_>, _: Above<'_>) -> bool {
    access(form, &AUTHORITY_INFO_ACCESS)
}

pub(super) fn subject_access(form: &Form<'_>, _: Above<'_>) -> bool {
    access(form, &SUBJECT_INFO_ACCESS)
}

fn access(form: &Form<'_>, id: &[u8]) -> bool {
    // AccessDescription: an identifier, and a GeneralName.
    let description = |one: Value<'_>| {
        let mut fields = parts(one.whole);
        let method = fields.next().is_some_and(|field| field.tag == OID);
        let place = fields.next().is_some_and(|field| place(&field));
        one.tag == SEQUENCE && method && place && fields.next().is_none()
    };
    form.is_shaped(id, |value| is_list_of(value, SEQUENCE, description))
}

pub(super) fn directory_attributes(form: &Form<'_>, _: Above<'_>) -> bool {
    // Attribute: an identifier, and one or more values.
    let attribute = |one: Value<'_>| {
        let mut fields = parts(one.whole);
        let id = fields.next().is_some_and(|field| field.tag == OID);
        let values = fields
            .next()
            .is_some_and(|field| is_list_of(field.whole, SET, |_| true));
        one.tag == SEQUENCE && id && values && fields.next().is_none()
    };
    form.is_shaped(&[0x55, 0x1d, 9], |value| {
        is_list_of(value, SEQUENCE, attribute)
    })
}

pub(super) fn crl_points(form: &Form<'_>, _: Above<'_>) -> bool {
    points(form, 31)
}

pub(super) fn freshest_crl(form: &Form<'_>, _: Above<'_>) -> bool {
    points(form, 46)
}

pub(super) fn crl_points_for_all_reasons(form: &Form<'_>, _: Above<'_>) -> bool {
    let value = form.ce(31).map_or(&[][..], |extension| extension.value);
    let mut points = parts(value).peekable();
    let is_whole = |point: Value<'_>| parts(point.whole).all(|field| field.tag != 0x81);
    // A list without points breaks another rule.
    points.peek().is_none() || points.any(is_whole)
}

/// `CRLDistributionPoints`, of either extension.
fn points(form: &Form<'_>, last: u8) -> bool {
    let issuer = form.certificate.issuer_der();
    form.is_shaped(&[0x55, 0x1d, last], |value| {
        is_list_of(value, SEQUENCE, |one| point(&one, issuer))
    })
}

/// `DistributionPoint` of a certificate of `issuer`.
fn point(one: &Value<'_>, issuer: &[u8]) -> bool {
    let mut fields = parts(one.whole).peekable();
    let place = fields.next_if(|field| field.tag == 0xa0);
    let reasons = fields.next_if(|field| field.tag == 0x81);
    let signer = fields.next_if(|field| field.tag == 0xa2);
    // "either distributionPoint or cRLIssuer MUST be present"
    let is_somewhere = place.is_some() || signer.is_some();
    let signers = signer.map_or(0, |signer| parts(signer.whole).count());
    one.tag == SEQUENCE
        && fields.next().is_none()
        && is_somewhere
        && place.is_none_or(|place| point_name(&place, signers))
        // ReasonFlags ends with aACompromise (8).
        && reasons.is_none_or(|reasons| are_named_bits(reasons.content, 9))
        && signer.is_none_or(|signer| {
            // A distinguished name, and not that of the issuer, which "MUST omit the cRLIssuer field".
            is_list_of(signer.whole, 0xa2, |name| {
                name.tag == DIRECTORY_NAME && name.content != issuer
            })
        })
}

/// `DistributionPointName`, beside so many names of a signer of lists.
fn point_name(place_of_list: &Value<'_>, signers: usize) -> bool {
    let mut choice = parts(place_of_list.whole);
    let (Some(chosen), None) = (choice.next(), choice.next()) else {
        return false;
    };
    match chosen.tag {
        0xa0 => is_list_of(chosen.whole, 0xa0, |one| place(&one)),
        // Relative to the one name of the signer: attributes, each an identifier and a value.
        0xa1 => signers <= 1 && is_list_of(chosen.whole, 0xa1, |one| attribute(&one)),
        _ => false,
    }
}

/// `AttributeTypeAndValue`.
fn attribute(one: &Value<'_>) -> bool {
    let mut fields = parts(one.whole);
    let id = fields.next().is_some_and(|field| field.tag == OID);
    one.tag == SEQUENCE && id && fields.next().is_some() && fields.next().is_none()
}
