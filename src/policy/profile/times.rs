//! Rules on the validity period (RFC 5280 section 4.1.2.5).

use super::form::{Above, Form, parts};
use crate::certificate::der::Value;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;

/// The beginning and the end as they are written.
fn times<'a>(form: &Form<'a>) -> impl Iterator<Item = Value<'a>> {
    // The sequences of a TBSCertificate: signature, issuer, validity, subject, key.
    let mut fields = parts(form.certificate.to_be_signed()).filter(|field| field.tag == SEQUENCE);
    let validity = fields.nth(2).map_or(&[][..], |validity| validity.whole);
    parts(validity)
}

pub(super) fn form(form: &Form<'_>, _: Above<'_>) -> bool {
    times(form).all(|time| {
        // YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ
        let digits = if time.tag == UTC_TIME { 12 } else { 14 };
        match time.content.split_last() {
            Some((b'Z', rest)) => rest.len() == digits && rest.iter().all(u8::is_ascii_digit),
            _ => false,
        }
    })
}

pub(super) fn kind(form: &Form<'_>, _: Above<'_>) -> bool {
    // UTCTime cannot tell what is later. What is before 1950, it cannot tell either: that is GeneralizedTime.
    let early = |time: &Value<'_>| {
        time.content
            .get(..4)
            .is_some_and(|year| (b"1950".as_slice()..b"2050").contains(&year))
    };
    times(form).all(|time| time.tag == UTC_TIME || !early(&time))
}
