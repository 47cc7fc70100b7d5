//! Rules on what distinguished names are made of (RFC 5280 sections 4.1.2.4 and 4.1.2.6, appendix A.1).

use super::form::{Above, Form};

pub(super) fn alphabets(form: &Form<'_>, _: Above<'_>) -> bool {
    form.names.alphabets
}

pub(super) fn types_and_lengths(form: &Form<'_>, _: Above<'_>) -> bool {
    form.names.types_and_lengths
}

pub(super) fn in_order(form: &Form<'_>, _: Above<'_>) -> bool {
    form.names.order
}
