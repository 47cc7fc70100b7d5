//! A walk over DER: is every length exact and minimal, and where does each part lie?
//!
//! General readers pass over bytes that are left in a sequence. This walk runs before what reads the parts, and does not.

use core::num::NonZeroU16;

use crate::error::CertificateError;
use crate::limits::MAX_DER_DEPTH;

const SEQUENCE: u8 = 0x30;
const CONSTRUCTED: u8 = 0x20;

/// Where a part of a certificate lies in its DER, of which it is not the empty front. Two bytes each suffice: see
/// `MAX_CERTIFICATE_BYTES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    // Never 0, so that a place or none takes no more than a place.
    end: NonZeroU16,
}

impl Span {
    /// The place of `part` in `whole`, of which it must be a slice.
    pub(crate) fn of(whole: &[u8], part: &[u8]) -> Option<Self> {
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

/// One DER value: its tag byte, its content, and the whole of it with tag and length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// Takes one value off the front of `input`. Its content has at most 65,535 bytes: no part of a certificate has
/// more.
pub(crate) fn take(input: &[u8]) -> Option<(Value<'_>, &[u8])> {
    take_within(input, 2)
}

/// Takes one value of a revocation list off the front of `input`, which may have millions of bytes.
pub(super) fn take_long(input: &[u8]) -> Option<(Value<'_>, &[u8])> {
    take_within(input, 4)
}

/// Takes one value whose length is told in at most `most` bytes.
fn take_within(input: &[u8], most: u8) -> Option<(Value<'_>, &[u8])> {
    let (&tag, after_tag) = input.split_first()?;
    if tag & 0x1f == 0x1f {
        return None; // no field that we read has a tag number above 30
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
        // Longer than is read here, or the indefinite form.
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
    // A TBSCertificate has ten at most.
    let mut found = Vec::with_capacity(10);
    let mut rest = content;
    while !rest.is_empty() {
        let (value, after) = take(rest).ok_or(content.len().saturating_sub(rest.len()))?;
        found.push(value);
        rest = after;
    }
    Ok(found)
}

/// Checks that every constructed value below `content` is made of whole values. `base` is the offset of
/// `content` in the certificate, for the error.
fn check(content: &[u8], base: usize, depth: usize) -> Result<(), usize> {
    if depth > MAX_DER_DEPTH {
        return Err(base);
    }
    let mut rest = content;
    while !rest.is_empty() {
        let at = base.saturating_add(content.len().saturating_sub(rest.len()));
        let (value, after) = take(rest).ok_or(at)?;
        if value.tag & CONSTRUCTED != 0 {
            let header = value.whole.len().saturating_sub(value.content.len());
            check(
                value.content,
                at.saturating_add(header),
                depth.saturating_add(1),
            )?;
        }
        rest = after;
    }
    Ok(())
}

/// Refuses anything that is not exactly one DER `SEQUENCE` of well-formed values.
pub(crate) fn check_certificate(der: &[u8]) -> Result<(), CertificateError> {
    let malformed = |offset| CertificateError::Malformed {
        field: "encoding",
        offset: Some(offset),
    };
    let (outer, rest) = take(der).ok_or(malformed(0))?;
    if outer.tag != SEQUENCE {
        return Err(malformed(0));
    }
    if !rest.is_empty() {
        return Err(CertificateError::TrailingBytes {
            offset: outer.whole.len(),
            count: rest.len(),
        });
    }
    let header = outer.whole.len().saturating_sub(outer.content.len());
    check(outer.content, header, 0).map_err(malformed)
}

/// The `TBSCertificate` of a certificate, which is what is signed.
pub(crate) fn to_be_signed(der: &[u8]) -> Option<&[u8]> {
    let (outer, _) = take(der)?;
    take(outer.content).map(|(tbs, _)| tbs.whole)
}

/// The signature of a certificate, without the number of unused bits before it.
pub(crate) fn signature(der: &[u8]) -> Option<&[u8]> {
    let (outer, _) = take(der)?;
    let (_, rest) = take(outer.content)?;
    let (_, rest) = take(rest)?;
    let (signature, _) = take(rest)?;
    signature.content.split_first().map(|(_, bits)| bits)
}

/// The contents of the `AlgorithmIdentifier` of a `SubjectPublicKeyInfo`, and its public key's span parent.
pub(crate) fn algorithm_of_spki(spki: &[u8]) -> Option<&[u8]> {
    let (outer, rest) = take(spki)?;
    if outer.tag != SEQUENCE || !rest.is_empty() {
        return None;
    }
    let (algorithm, _) = take(outer.content)?;
    (algorithm.tag == SEQUENCE).then_some(algorithm.content)
}

/// The bytes of the key in a `SubjectPublicKeyInfo`, without the number of unused bits before them.
pub(crate) fn key_of_spki(spki: &[u8]) -> Option<&[u8]> {
    let (outer, _) = take(spki)?;
    let (_, rest) = take(outer.content)?;
    let (key, _) = take(rest)?;
    key.content.split_first().map(|(_, key)| key)
}

/// The subject of what may be a certificate, before anything of it is checked: to tell which of many it pays to read.
pub(crate) fn subject_of(der: &[u8]) -> Option<&[u8]> {
    subject_and_key(der).map(|(subject, _)| subject)
}

/// The `SubjectPublicKeyInfo` of a certificate that was read before.
pub(super) fn public_key_of(der: &[u8]) -> Option<&[u8]> {
    let (_, behind) = subject_and_key(der)?;
    take(behind).map(|(key, _)| key.whole)
}

/// The subject, and what is left of the `TBSCertificate` behind it, which begins with the public key.
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

/// The contents of the certificate's `signatureAlgorithm`, which are also those inside what is signed.
pub(crate) fn signature_algorithm(der: &[u8]) -> Option<&[u8]> {
    let (outer, _) = take(der)?;
    let (_, rest) = take(outer.content)?;
    take(rest).map(|(algorithm, _)| algorithm.content)
}

/// The extension values of a certificate must themselves be single well-formed values.
pub(crate) fn is_single_value(bytes: &[u8]) -> bool {
    match take(bytes) {
        Some((value, [])) => value.tag & CONSTRUCTED == 0 || check(value.content, 0, 0).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(check_certificate(&bytes).is_ok());
        let bytes = [0x30, 0x05, 0x30, 0x03, 0x02, 0x02, 0x01];
        assert!(matches!(
            check_certificate(&bytes),
            Err(CertificateError::Malformed {
                offset: Some(4),
                ..
            })
        ));
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
        assert!(check_certificate(&nested(MAX_DER_DEPTH)).is_ok());
        let deeper = nested(MAX_DER_DEPTH.saturating_add(1));
        assert!(check_certificate(&deeper).is_err());
    }
}
