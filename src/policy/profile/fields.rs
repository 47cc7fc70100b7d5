//! Rules on the basic fields (RFC 5280 section 4.1).

use super::form::{Above, Form};
use super::values::is_minimal;
use crate::limits::MAX_RFC_SERIAL_BYTES;

/// The encoding of a name without any part.
const EMPTY_NAME: [u8; 2] = [0x30, 0x00];

pub(super) fn serial_positive(form: &Form<'_>, _: Above<'_>) -> bool {
    form.is_authority() || positive(form)
}

pub(super) fn authority_serial_positive(form: &Form<'_>, _: Above<'_>) -> bool {
    !form.is_authority() || positive(form)
}

fn positive(form: &Form<'_>) -> bool {
    let serial = form.certificate.serial();
    let negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    !negative && serial.iter().any(|byte| *byte != 0)
}

pub(super) fn serial_minimal(form: &Form<'_>, _: Above<'_>) -> bool {
    is_minimal(form.certificate.serial())
}

pub(super) fn serial_length(form: &Form<'_>, _: Above<'_>) -> bool {
    form.certificate.serial().len() <= MAX_RFC_SERIAL_BYTES
}

pub(super) fn issuer_present(form: &Form<'_>, _: Above<'_>) -> bool {
    form.certificate.issuer_der() != EMPTY_NAME
}

pub(super) fn ca_subject_present(form: &Form<'_>, _: Above<'_>) -> bool {
    !form.issues() || has_subject(form)
}

pub(super) fn has_subject(form: &Form<'_>) -> bool {
    form.certificate.subject_der() != EMPTY_NAME
}
