//! What distinguished names are made of (RFC 5280 sections 4.1.2.4 and 4.1.2.6, appendix A.1).

use super::plain::{is_plain, names};
use crate::certificate::Certificate;
use crate::certificate::der::Value;
use crate::certificate::form::{attributes_of, parts};
use crate::certificate::strings::{BMP, IA5, PRINTABLE, TELETEX, UNIVERSAL, UTF8, characters};

/// `emailAddress` (RFC 5280 appendix A.1): 1.2.840.113549.1.9.1.
pub(super) const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];

/// What RFC 5280 appendix A.1 says of an attribute.
struct Attribute {
    id: &'static [u8],
    types: &'static [u8],
    /// Most characters; `usize::MAX` without a bound.
    most: usize,
}

const DIRECTORY_STRING: &[u8] = &[UTF8, PRINTABLE, TELETEX, BMP, UNIVERSAL];

const fn directory(id: &'static [u8], most: usize) -> Attribute {
    let types = DIRECTORY_STRING;
    Attribute { id, types, most }
}

/// The attributes with a syntax of their own, and their upper bounds.
const ATTRIBUTES: &[Attribute] = &[
    // commonName, surname
    directory(&[0x55, 0x04, 3], 64),
    directory(&[0x55, 0x04, 4], 32_768),
    // serialNumber, countryName
    Attribute {
        id: &[0x55, 0x04, 5],
        types: &[PRINTABLE],
        most: 64,
    },
    Attribute {
        id: &[0x55, 0x04, 6],
        types: &[PRINTABLE],
        most: 2,
    },
    // localityName, stateOrProvinceName, organizationName, organizationalUnitName, title
    directory(&[0x55, 0x04, 7], 128),
    directory(&[0x55, 0x04, 8], 128),
    directory(&[0x55, 0x04, 10], 64),
    directory(&[0x55, 0x04, 11], 64),
    directory(&[0x55, 0x04, 12], 64),
    // name, givenName, initials, generationQualifier
    directory(&[0x55, 0x04, 41], 32_768),
    directory(&[0x55, 0x04, 42], 32_768),
    directory(&[0x55, 0x04, 43], 32_768),
    directory(&[0x55, 0x04, 44], 32_768),
    // dnQualifier, pseudonym
    Attribute {
        id: &[0x55, 0x04, 46],
        types: &[PRINTABLE],
        most: usize::MAX,
    },
    directory(&[0x55, 0x04, 65], 128),
    // domainComponent: 0.9.2342.19200300.100.1.25
    Attribute {
        id: &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19],
        types: &[IA5],
        most: usize::MAX,
    },
    Attribute {
        id: EMAIL_ADDRESS,
        types: &[IA5],
        most: 255,
    },
];

/// Which rules on the parts of distinguished names all names of a certificate keep. A peer chooses how many parts there are, so
/// they are walked once for all of the rules.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    pub(super) alphabets: bool,
    pub(super) types_and_lengths: bool,
    pub(super) order: bool,
}

impl Kept {
    pub(super) fn of(certificate: &Certificate) -> Self {
        let mut kept = Self {
            alphabets: true,
            types_and_lengths: true,
            order: true,
        };
        if names(certificate).all(is_plain) {
            return kept;
        }
        for set in names(certificate).flat_map(parts) {
            // The attributes of one part of a name are a SET OF, whose values stand in the order of their encodings (X.690
            // section 11.6).
            kept.order &= parts(set.whole).is_sorted_by(|one, next| one.whole <= next.whole);
            for (id, value) in attributes_of(&set) {
                let count = characters(value.tag, value.content);
                kept.alphabets &= count.is_some();
                kept.types_and_lengths &= has_type_and_length(id, &value, count);
            }
        }
        kept
    }
}

fn has_type_and_length(id: &[u8], value: &Value<'_>, count: Option<usize>) -> bool {
    let known = ATTRIBUTES.iter().find(|known| known.id == id);
    known.is_none_or(|known| {
        // What is outside of its alphabet breaks another rule.
        let fits = count.is_none_or(|count| (1..=known.most).contains(&count));
        let country = known.most != 2 || value.content.len() == 2;
        known.types.contains(&value.tag) && fits && country
    })
}
