//! Rules on certificate policies and what constrains them (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11 and
//! 4.2.1.14).

use super::form::{Above, Form, parts};
use super::values::{is_count, is_list_of};
use crate::certificate::der::Value;
use crate::certificate::sorted::sort_by;
use crate::certificate::strings::{BMP, IA5, UTF8, VISIBLE, characters};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;

/// `certificatePolicies`, `policyMappings`, `policyConstraints`, `inhibitAnyPolicy`.
const POLICIES: [u8; 3] = [0x55, 0x1d, 32];
const MAPPINGS: [u8; 3] = [0x55, 0x1d, 33];
const CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 36];
const INHIBIT_ANY: [u8; 3] = [0x55, 0x1d, 54];

/// `anyPolicy`: 2.5.29.32.0.
const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];
/// `id-qt-cps`: 1.3.6.1.5.5.7.2.1.
const CPS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x01];
/// `id-qt-unotice`: 1.3.6.1.5.5.7.2.2.
const USER_NOTICE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x02];

/// Most characters of a text to be shown (RFC 5280 section 4.2.1.4, `DisplayText`).
const MAX_DISPLAY_TEXT: usize = 200;

/// The identifier of each policy.
fn policies<'a>(form: &Form<'a>) -> impl Iterator<Item = (&'a [u8], Value<'a>)> {
    let value = form.ce(32).map_or(&[][..], |extension| extension.value);
    parts(value).filter_map(|policy| Some((parts(policy.whole).next()?.content, policy)))
}

pub(super) fn form(form: &Form<'_>, _: Above<'_>) -> bool {
    form.is_shaped(&POLICIES, |value| {
        is_list_of(value, SEQUENCE, |one| policy(&one))
    })
}

/// `PolicyInformation`: an identifier, and qualifiers if there are any.
fn policy(one: &Value<'_>) -> bool {
    let mut fields = parts(one.whole);
    let id = fields.next().is_some_and(|id| id.tag == OID);
    let qualifiers = fields
        .next()
        .is_none_or(|list| is_list_of(list.whole, SEQUENCE, |one| qualifier(&one)));
    one.tag == SEQUENCE && id && qualifiers && fields.next().is_none()
}

fn qualifier(one: &Value<'_>) -> bool {
    let mut fields = parts(one.whole);
    let (Some(id), Some(value), None) = (fields.next(), fields.next(), fields.next()) else {
        return false;
    };
    let place = id.content != CPS || (value.tag == IA5 && characters(IA5, value.content).is_some());
    let notice = id.content != USER_NOTICE || (value.tag == SEQUENCE && notice(&value));
    one.tag == SEQUENCE && id.tag == OID && place && notice
}

/// `UserNotice`: a reference to a notice, a text to be shown, each of them optional.
fn notice(value: &Value<'_>) -> bool {
    let mut fields = parts(value.whole).peekable();
    let reference = fields.next_if(|field| field.tag == SEQUENCE);
    let reference = reference.is_none_or(|reference| {
        let mut fields = parts(reference.whole);
        let organisation = fields.next().is_some_and(|text| display_text(&text));
        let numbers = fields.next().is_some_and(|list| {
            list.tag == SEQUENCE && parts(list.whole).all(|number| number.tag == INTEGER)
        });
        organisation && numbers && fields.next().is_none()
    });
    let text = fields.next().is_none_or(|text| display_text(&text));
    reference && text && fields.next().is_none()
}

/// RFC 5280 keeps `explicitText` from being VisibleString or BMPString; RFC 6818 section 3 allows both.
fn display_text(text: &Value<'_>) -> bool {
    let count = characters(text.tag, text.content);
    matches!(text.tag, IA5 | VISIBLE | BMP | UTF8)
        && count.is_some_and(|count| (1..=MAX_DISPLAY_TEXT).contains(&count))
}

pub(super) fn unique(form: &Form<'_>, _: Above<'_>) -> bool {
    let mut all: Vec<&[u8]> = policies(form).map(|(id, _)| id).collect();
    // Sorted, since there may be thousands in what an unknown peer presents.
    sort_by(&mut all, |one, other| one.cmp(other));
    all.is_sorted_by(|one, next| one < next)
}

pub(super) fn any_policy_qualifiers(form: &Form<'_>, _: Above<'_>) -> bool {
    let mut any = policies(form).filter(|(id, _)| *id == ANY_POLICY);
    any.all(|(_, policy)| {
        let qualifiers = parts(policy.whole)
            .skip(1)
            .flat_map(|list| parts(list.whole));
        let mut ids = qualifiers.map(|qualifier| parts(qualifier.whole).next());
        ids.all(|id| id.is_some_and(|id| matches!(id.content, CPS | USER_NOTICE)))
    })
}

pub(super) fn mappings_form(form: &Form<'_>, _: Above<'_>) -> bool {
    let pair = |one: Value<'_>| {
        let ids = parts(one.whole).all(|id| id.tag == OID);
        one.tag == SEQUENCE && ids && parts(one.whole).count() == 2
    };
    form.is_shaped(&MAPPINGS, |value| is_list_of(value, SEQUENCE, pair))
}

pub(super) fn mappings_without_any(form: &Form<'_>, _: Above<'_>) -> bool {
    let value = form.ce(33).map_or(&[][..], |extension| extension.value);
    let mut ids = parts(value).flat_map(|pair| parts(pair.whole));
    ids.all(|id| id.content != ANY_POLICY)
}

pub(super) fn constraints_form(form: &Form<'_>, _: Above<'_>) -> bool {
    // requireExplicitPolicy [0], inhibitPolicyMapping [1]: one of them, or both in this order.
    form.is_shaped(&CONSTRAINTS, |value| {
        let mut after = 0;
        is_list_of(value, SEQUENCE, |field| {
            let follows = matches!(field.tag, 0x80 | 0x81) && field.tag > after;
            after = field.tag;
            follows && is_count(field.content)
        })
    })
}

pub(super) fn inhibit_any_form(form: &Form<'_>, _: Above<'_>) -> bool {
    form.is_shaped(&INHIBIT_ANY, |value| match value {
        // A SkipCerts takes a few octets, whose length is one.
        [INTEGER, _, count @ ..] => is_count(count),
        _ => false,
    })
}
