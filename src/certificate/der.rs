//! A strict DER reader: it checks that lengths are exact and minimal and that object identifiers are valid, and finds
//! the range of each part.
//!
//! General-purpose readers skip bytes left over in a sequence, and print a padded object identifier like the unpadded
//! one. This check runs before other code reads the parts, and refuses both.

use core::num::NonZeroU16;

use crate::certificate::error::CertificateError;
use crate::limits::MAX_DER_DEPTH;

// Tags that the files of this module share.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
const CONSTRUCTED: u8 = 0x20;
const CLASS: u8 = 0xc0;
/// `registeredID` of a `GeneralName` (RFC 5280 section 4.2.1.6): an object identifier with another tag.
pub(crate) const REGISTERED_ID: u8 = 0x88;

/// A byte range in the DER of a certificate. Never empty at offset 0. Two bytes are enough for each end: see
/// `MAX_CERTIFICATE_BYTES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    // Never 0, so that `Option<Span>` is no larger than `Span`.
    end: NonZeroU16,
}

impl Span {
    /// The range of `part`, which must be a slice of `whole`.
    pub(crate) fn locate(whole: &[u8], part: &[u8]) -> Option<Self> {
        let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
        let end = start.checked_add(part.len())?;
        if end > whole.len() {
            return None;
        }
        Some(Self {
            start: u16::try_from(start).ok()?,
            end: u16::try_from(end).ok()?.try_into().ok()?,
        })
    }

    pub(crate) fn get(self, whole: &[u8]) -> &[u8] {
        let end = usize::from(self.end.get());
        whole.get(usize::from(self.start)..end).unwrap_or(&[])
    }
}

/// A DER value: its tag byte, its content, and all of it with tag and length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

impl Value<'_> {
    /// Whether the value is an `INTEGER` above 0 in its shortest form (X.690 section 8.3.2).
    pub(super) fn is_positive_integer(&self) -> bool {
        let positive = match self.content {
            [] | [0] => false,
            [0, next, ..] => next & 0x80 != 0,
            [first, ..] => first & 0x80 == 0,
        };
        self.tag == INTEGER && positive
    }
}

/// Takes one value from the front of `input`. Its content has at most 65,535 bytes, which is enough for every part of a
/// certificate.
#[inline]
pub(crate) fn take(input: &[u8]) -> Option<(Value<'_>, &[u8])> {
    // Nearly all values: a length below 128 is encoded as itself.
    if let [tag, length @ 0..=0x7f, rest @ ..] = input
        && tag & 0x1f != 0x1f
        && let Some((content, rest)) = rest.split_at_checked(usize::from(*length))
        && let Some(whole) = input.get(..content.len().saturating_add(2))
    {
        let value = Value {
            tag: *tag,
            content,
            whole,
        };
        return Some((value, rest));
    }
    take_within(input, 2)
}

/// Takes one value from the front of `input`, a part of a revocation list, which may have millions of bytes.
pub(super) fn take_long(input: &[u8]) -> Option<(Value<'_>, &[u8])> {
    take_within(input, 4)
}

/// Takes one value whose length is encoded in at most `most` bytes.
fn take_within(input: &[u8], most: u8) -> Option<(Value<'_>, &[u8])> {
    let (&tag, after_tag) = input.split_first()?;
    if tag & 0x1f == 0x1f {
        return None; // no supported field has a tag number above 30
    }
    let (&first, after_length) = after_tag.split_first()?;
    let (length, content_at) = match first {
        0..=0x7f => (usize::from(first), after_length),
        0x81..=0x84 if first & 0x7f <= most => {
            let (bytes, rest) = after_length.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
            if length < 0x80 || bytes.first() == Some(&0) {
                return None; // not the shortest form (X.690 section 10.1)
            }
            (usize::try_from(length).ok()?, rest)
        }
        // Too long, or the indefinite form.
        _ => return None,
    };
    let content = content_at.get(..length)?;
    let rest = content_at.get(length..)?;
    let whole = input.get(..input.len().checked_sub(rest.len())?)?;
    Some((
        Value {
            tag,
            content,
            whole,
        },
        rest,
    ))
}

/// The children of a constructed value, or the offset in `content` at which it is malformed.
pub(crate) fn children(content: &[u8]) -> Result<Vec<Value<'_>>, usize> {
    // A TBSCertificate has at most ten fields.
    let mut found = Vec::with_capacity(10);
    let mut rest = content;
    while !rest.is_empty() {
        let (value, after) = take(rest).ok_or(content.len().saturating_sub(rest.len()))?;
        found.push(value);
        rest = after;
    }
    Ok(found)
}

/// Whether this is valid content of an `OBJECT IDENTIFIER` (X.690 section 8.19): the last byte ends an arc, and no arc
/// is padded.
pub(super) fn is_identifier(content: &[u8]) -> bool {
    let mut before = 0;
    let shortest = content.iter().all(|byte| {
        let starts = before & 0x80 == 0;
        before = *byte;
        !(starts && *byte == 0x80)
    });
    shortest && content.last().is_some_and(|last| last & 0x80 == 0)
}

/// Whether the tag has the constructed bit as DER requires. BER allows constructed strings, DER does not (X.690 section
/// 10.2).
fn is_built_as_its_kind(tag: u8) -> bool {
    // EXTERNAL, EMBEDDED PDV, SEQUENCE, SET, CHARACTER STRING
    let of_parts = matches!(tag & 0x1f, 8 | 11 | 16 | 17 | 29);
    tag & CLASS != 0 || (tag & CONSTRUCTED != 0) == of_parts
}

/// A malformed field and its offset in the whole input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault {
    field: &'static str,
    offset: usize,
}

impl Fault {
    fn encoding(offset: usize) -> Self {
        Self {
            field: "encoding",
            offset,
        }
    }
}

/// Checks all values below `content`: constructed values contain whole values, and object identifiers are valid. `base`
/// is the offset of `content` in the whole input.
///
/// In an extension, `names` says whether it also checks `registeredID`, and nothing stands deeper than
/// [`bad_identifier`] looks.
fn check(content: &[u8], base: usize, depth: usize, names: Option<bool>) -> Result<(), Fault> {
    if depth > MAX_DER_DEPTH || names.is_some() && depth == MAX_DER_DEPTH && !content.is_empty() {
        return Err(Fault::encoding(base));
    }
    let mut rest = content;
    while !rest.is_empty() {
        let at = base.saturating_add(content.len().saturating_sub(rest.len()));
        let (value, after) = take(rest).ok_or(Fault::encoding(at))?;
        if !is_built_as_its_kind(value.tag) {
            return Err(Fault::encoding(at));
        }
        if is_bad_identifier(&value, names == Some(true)) {
            return Err(Fault {
                field: IDENTIFIER,
                offset: at,
            });
        }
        if value.tag & CONSTRUCTED != 0 {
            let header = value.whole.len().saturating_sub(value.content.len());
            check(
                value.content,
                at.saturating_add(header),
                depth.saturating_add(1),
                names,
            )?;
        }
        rest = after;
    }
    Ok(())
}

fn is_bad_identifier(value: &Value<'_>, names: bool) -> bool {
    let is_one = value.tag == OID || (names && value.tag == REGISTERED_ID);
    is_one && !is_identifier(value.content)
}

/// The name of the field in errors about an object identifier that is padded, empty or unfinished.
pub(super) const IDENTIFIER: &str = "object identifier";

/// The first malformed object identifier below `content`. The search ends where no whole value follows: extension
/// values may have formats that this crate does not parse.
///
/// With `names`, it also checks `registeredID`.
pub(super) fn bad_identifier(content: &[u8], names: bool) -> Option<&[u8]> {
    bad_identifier_below(content, names, 0)
}

fn bad_identifier_below(content: &[u8], names: bool, depth: usize) -> Option<&[u8]> {
    let mut rest = content;
    while let Some((value, after)) = take_long(rest) {
        // A value that is nested too deeply counts as malformed, so that nothing can be hidden in it.
        if is_bad_identifier(&value, names) || depth > MAX_DER_DEPTH {
            return Some(value.whole);
        }
        if value.tag & CONSTRUCTED != 0 {
            let found = bad_identifier_below(value.content, names, depth.saturating_add(1));
            if found.is_some() {
                return found;
            }
        }
        rest = after;
    }
    None
}

/// The first malformed object identifier in an extension value (rule I4). Extensions of RFC 5280 and its relatives are
/// searched as far as they can be read. Other extensions are searched only if they are one whole DER value, as RFC 5280
/// requires.
pub(super) fn bad_identifier_in_extension<'a>(id: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    let (known, names) = contents(id);
    let is_whole = || take_long(value).is_some_and(|(_, rest)| rest.is_empty());
    if known || is_whole() {
        bad_identifier(value, names)
    } else {
        None
    }
}

/// Whether an extension is of RFC 5280 or its relatives, and whether names are in it.
fn contents(id: &[u8]) -> (bool, bool) {
    match id {
        // id-ce: subjectAltName, issuerAltName, issuingDistributionPoint, certificateIssuer, nameConstraints,
        // cRLDistributionPoints, authorityKeyIdentifier and freshestCRL.
        [0x55, 0x1d, last] => (true, matches!(last, 17 | 18 | 28..=31 | 35 | 46)),
        // id-pe: authorityInfoAccess and subjectInfoAccess.
        [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, last] => (true, matches!(last, 1 | 11)),
        _ => (false, false),
    }
}

/// Whether the value of an extension is exactly one well-formed value in which every object identifier is valid: what
/// [`is_single_value`] and [`bad_identifier_in_extension`] find out in two walks. A peer chooses how long they are.
pub(super) fn is_valid_in_extension(id: &[u8], value: &[u8]) -> bool {
    let (_, names) = contents(id);
    match take(value) {
        Some((value, [])) if value.tag & CONSTRUCTED != 0 => {
            check(value.content, 0, 0, Some(names)).is_ok()
        }
        Some((value, [])) => !is_bad_identifier(&value, names),
        _ => false,
    }
}

/// The offset of `part`, which must be a slice of `whole`.
pub(super) fn offset_in(whole: &[u8], part: &[u8]) -> Option<usize> {
    let offset = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    (offset <= whole.len()).then_some(offset)
}

/// Checks that the input is exactly one DER `SEQUENCE` of well-formed values.
pub(crate) fn check_whole(der: &[u8]) -> Result<(), CertificateError> {
    let malformed = |fault: Fault| CertificateError::Malformed {
        field: fault.field,
        offset: Some(fault.offset),
    };
    let (outer, rest) = take(der).ok_or(malformed(Fault::encoding(0)))?;
    if outer.tag != SEQUENCE {
        return Err(malformed(Fault::encoding(0)));
    }
    if !rest.is_empty() {
        return Err(CertificateError::TrailingBytes {
            offset: outer.whole.len(),
            count: rest.len(),
        });
    }
    let header = outer.whole.len().saturating_sub(outer.content.len());
    check(outer.content, header, 0, None).map_err(malformed)
}

/// The `TBSCertificate` of a certificate: the bytes that are signed.
pub(crate) fn to_be_signed(der: &[u8]) -> Option<&[u8]> {
    let (outer, _) = take(der)?;
    take(outer.content).map(|(tbs, _)| tbs.whole)
}

/// The signature of a certificate, without the byte that counts unused bits.
pub(crate) fn signature(der: &[u8]) -> Option<&[u8]> {
    let (outer, _) = take(der)?;
    let (_, rest) = take(outer.content)?;
    let (_, rest) = take(rest)?;
    let (signature, _) = take(rest)?;
    signature.content.split_first().map(|(_, bits)| bits)
}

/// The contents of the `AlgorithmIdentifier` of a `SubjectPublicKeyInfo`.
pub(crate) fn algorithm_of_spki(spki: &[u8]) -> Option<&[u8]> {
    let (outer, rest) = take(spki)?;
    if outer.tag != SEQUENCE || !rest.is_empty() {
        return None;
    }
    let (algorithm, _) = take(outer.content)?;
    (algorithm.tag == SEQUENCE).then_some(algorithm.content)
}

/// The bytes of the key in a `SubjectPublicKeyInfo`, without the byte that counts unused bits.
pub(crate) fn key_of_spki(spki: &[u8]) -> Option<&[u8]> {
    let (outer, _) = take(spki)?;
    let (_, rest) = take(outer.content)?;
    let (key, _) = take(rest)?;
    key.content.split_first().map(|(_, key)| key)
}

/// The subject of a presumed certificate that was not checked yet. It tells which of many certificates are worth
/// parsing.
pub(crate) fn subject_of(der: &[u8]) -> Option<&[u8]> {
    subject_and_key(der).map(|(subject, _)| subject)
}

/// The `SubjectPublicKeyInfo` of a certificate that was parsed before.
pub(super) fn public_key_of(der: &[u8]) -> Option<&[u8]> {
    let (_, behind) = subject_and_key(der)?;
    take(behind).map(|(key, _)| key.whole)
}

/// The subject, and the rest of the `TBSCertificate` after it, which begins with the public key.
fn subject_and_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (outer, _) = take(der)?;
    let (tbs, _) = take(outer.content)?;
    let (first, mut rest) = take(tbs.content)?;
    // version [0]?, serialNumber, signature, issuer, validity, subject
    let before = if first.tag == 0xa0 { 4 } else { 3 };
    for _ in 0..before {
        (_, rest) = take(rest)?;
    }
    take(rest).map(|(subject, behind)| (subject.whole, behind))
}

/// The contents of `signatureAlgorithm`. The signed field has the same contents.
pub(crate) fn signature_algorithm(der: &[u8]) -> Option<&[u8]> {
    let (outer, _) = take(der)?;
    let (_, rest) = take(outer.content)?;
    take(rest).map(|(algorithm, _)| algorithm.content)
}

/// Whether the bytes are exactly one well-formed value, as an extension value must be.
pub(crate) fn is_single_value(bytes: &[u8]) -> bool {
    match take(bytes) {
        Some((it, [])) => it.tag & CONSTRUCTED == 0 || check(it.content, 0, 0, None).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_walk_of_an_extension_finds_what_two_find() {
        let values: &[&[u8]] = &[
            &[0x30, 0x00],
            &[0x30, 0x03, OID, 0x01, 0x2a],
            &[0x30, 0x03, OID, 0x01, 0x80],
            &[0x30, 0x03, REGISTERED_ID, 0x01, 0x2a],
            &[0x30, 0x03, REGISTERED_ID, 0x01, 0x80],
            &[0x30, 0x05, 0x30, 0x03, REGISTERED_ID, 0x01, 0x80],
            &[0x30, 0x03, OID, 0x01, 0x2a, 0x00],
            &[0x30, 0x04, OID, 0x01, 0x2a, 0x00],
            &[OID, 0x01, 0x80],
            &[REGISTERED_ID, 0x01, 0x80],
            &[0x04, 0x01, 0x80],
            &[],
        ];
        // Nested as deeply as is read, and a little less or more.
        let nested = |depth: usize, inside: &[u8]| {
            let mut value = inside.to_vec();
            for _ in 0..depth {
                value.splice(0..0, [0x30, u8::try_from(value.len()).unwrap()]);
            }
            value
        };
        let deep = (MAX_DER_DEPTH - 2..MAX_DER_DEPTH + 3).flat_map(|depth| {
            let inside: [&[u8]; 4] = [&[], &[0x30, 0], &[OID, 0x01, 0x2a], &[0x04, 0x01, 0]];
            inside.map(|inside| nested(depth, inside))
        });
        let deep: Vec<Vec<u8>> = deep.collect();
        for last in [14, 17, 19, 30, 35, 37] {
            let id = [0x55, 0x1d, last];
            for value in values.iter().copied().chain(deep.iter().map(Vec::as_slice)) {
                let two =
                    is_single_value(value) && bad_identifier_in_extension(&id, value).is_none();
                assert_eq!(
                    is_valid_in_extension(&id, value),
                    two,
                    "{last}: {value:02x?}"
                );
            }
        }
    }

    #[test]
    fn lengths_must_be_minimal_and_exact() {
        assert!(take(&[0x30, 0x00]).is_some());
        assert!(take(&[0x30, 0x01]).is_none());
        assert!(take(&[0x30, 0x81, 0x05, 0, 0, 0, 0, 0]).is_none());
        assert!(take(&[0x30, 0x82, 0x00, 0x80]).is_none());
        assert!(take(&[0x30, 0x80, 0x00, 0x00]).is_none());
        for long_tag in [0x1f, 0x3f, 0xff] {
            assert!(take(&[long_tag, 0x01, 0x00]).is_none());
        }
        assert!(take(&[0x00, 0x01, 0x00]).is_some());
    }

    #[test]
    fn only_the_parts_of_a_revocation_list_are_longer_than_two_bytes_tell() {
        let mut long = vec![0x30, 0x83, 0x01, 0x00, 0x00];
        long.resize(5 + 0x1_0000, 0);
        assert!(take(&long).is_none());
        assert_eq!(take_long(&long).unwrap().0.content.len(), 0x1_0000);
        assert!(take_long(&long[..long.len() - 1]).is_none());
        for not_shortest in [
            &[0x30, 0x83, 0x00, 0x00, 0x80][..],
            &[0x30, 0x83, 0x00, 0x80, 0x00],
            &[0x30, 0x84, 0x00, 0x01, 0x00, 0x00],
            &[0x30, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00],
        ] {
            let mut bytes = not_shortest.to_vec();
            bytes.resize(0x1_0010, 0);
            assert!(take_long(&bytes).is_none(), "{not_shortest:?}");
        }
    }

    #[test]
    fn leftovers_inside_a_sequence_are_found_with_their_offset() {
        let bytes = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x01];
        assert!(check_whole(&bytes).is_ok());
        let bytes = [0x30, 0x05, 0x30, 0x03, 0x02, 0x02, 0x01];
        assert!(matches!(
            check_whole(&bytes),
            Err(CertificateError::Malformed {
                offset: Some(4),
                ..
            })
        ));
    }

    #[test]
    fn an_object_identifier_has_no_padding_and_an_end() {
        for good in [
            &[0x55, 0x1d, 0x1e][..],
            &[0],
            &[0x2a, 0x81, 0x00],
            &[0x81, 0x80, 0x01],
        ] {
            assert!(is_identifier(good), "{good:02x?}");
        }
        for bad in [
            &[][..],
            &[0x80],
            &[0x80, 0x01],
            &[0x81],
            &[0x55, 0x1d, 0x9e],
            &[0x55, 0x1d, 0x80, 0x1e],
            &[0x55, 0x80, 0x1d, 0x1e],
            &[0x55, 0x1d, 0x81, 0x80],
            &[0x55, 0x1d, 0x80, 0x80, 0x1e],
        ] {
            assert!(!is_identifier(bad), "{bad:02x?}");
        }
    }

    #[test]
    fn a_string_in_pieces_and_a_sequence_without_parts_are_not_der() {
        for tag in [
            0x01, 0x02, 0x04, 0x06, 0x0c, 0x13, 0x17, 0x30, 0x31, 0x80, 0xa0,
        ] {
            assert!(
                check(&[tag, 1, 0][..], 0, 0, None).is_ok() || tag & CONSTRUCTED != 0,
                "{tag:02x}"
            );
            assert!(is_built_as_its_kind(tag), "{tag:02x}");
        }
        for tag in [0x21, 0x22, 0x24, 0x26, 0x2c, 0x33, 0x37, 0x10, 0x11] {
            assert_eq!(
                check(&[tag, 0], 0, 0, None),
                Err(Fault::encoding(0)),
                "{tag:02x}"
            );
        }
    }

    #[test]
    fn an_identifier_in_an_extension_is_looked_at_where_somebody_reads_it() {
        let found = bad_identifier_in_extension;
        let bad = [0x06, 0x02, 0x80, 0x01];
        let nested = [&[0x30, 0x04][..], &bad].concat();
        for id in [&[0x55, 0x1d, 32][..], &[0x2a, 0x03]] {
            assert_eq!(found(id, &nested), Some(&bad[..]));
            assert_eq!(found(id, &[0x30, 0x03, 0x06, 0x01, 0x2a]), None);
        }
        // With other bytes after it, a lenient reader would read the first value. Only known extensions have one.
        let more = [&nested[..], &[0]].concat();
        assert_eq!(found(&[0x55, 0x1d, 32], &more), Some(&bad[..]));
        assert_eq!(found(&[0x2a, 0x03], &more), None);
        // A registeredID in a place for names.
        let name = [0x30, 0x03, 0x88, 0x01, 0x80];
        assert_eq!(found(&[0x55, 0x1d, 17], &name), Some(&name[2..]));
        assert_eq!(found(&[0x55, 0x1d, 32], &name), None);
        let mut deep = vec![0x30, 0];
        for _ in 0..=MAX_DER_DEPTH + 1 {
            deep = [&[0x30, u8::try_from(deep.len()).unwrap()][..], &deep].concat();
        }
        assert!(found(&[0x55, 0x1d, 32], &deep).is_some());
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| {
            let mut bytes = vec![0x30, 0x00];
            for _ in 0..depth {
                let mut outer = vec![0x30, u8::try_from(bytes.len()).unwrap()];
                outer.extend_from_slice(&bytes);
                bytes = outer;
            }
            bytes
        };
        assert!(check_whole(&nested(MAX_DER_DEPTH)).is_ok());
        let deeper = nested(MAX_DER_DEPTH.saturating_add(1));
        assert!(check_whole(&deeper).is_err());
    }
}
