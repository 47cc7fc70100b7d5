//! Names that break no rule on the parts of names, as nearly all names are.

use crate::certificate::Certificate;
use crate::certificate::form::{DIRECTORY_NAME, parts};
use crate::certificate::strings::{PRINTABLE, UTF8, characters};

/// Every distinguished name of a certificate: its issuer, its subject, those among its alternative names.
pub(super) fn names(certificate: &Certificate) -> impl Iterator<Item = &[u8]> {
    let alternative = certificate
        .name_forms()
        .filter(|name| name.form == DIRECTORY_NAME);
    // The content of the explicit tag is the name.
    [certificate.issuer_der(), certificate.subject_der()]
        .into_iter()
        .chain(alternative.map(|name| name.name))
}

/// Whether a name has nothing that the rules of `strings` could find: each of its parts has one attribute, with a short text of
/// the alphabet of PrintableString. Nearly all names are so, and each is then read once for all three rules.
pub(super) fn is_plain(name: &[u8]) -> bool {
    parts(name).all(|set| {
        let mut attributes = parts(set.whole);
        let (Some(only), None) = (attributes.next(), attributes.next()) else {
            return false;
        };
        let mut fields = parts(only.whole);
        let (Some(id), Some(value)) = (fields.next(), fields.next()) else {
            return false;
        };
        let fits = match id.content {
            [0x55, 0x04, 3 | 7 | 8 | 10 | 11 | 12] => {
                matches!(value.tag, UTF8 | PRINTABLE) && (1..=64).contains(&value.content.len())
            }
            [0x55, 0x04, 6] => value.tag == PRINTABLE && value.content.len() == 2,
            _ => false,
        };
        fits && characters(PRINTABLE, value.content).is_some()
    })
}
