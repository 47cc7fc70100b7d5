//! Recognises DER: a private key in one of its formats, or something else that was given by mistake.

use crate::certificate::der::{self, Value};
use crate::identity::error::{FoundKind, IdentityError};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0]`: the version of a certificate, the attributes of a certificate request.
const CONTEXT_0: u8 = 0xa0;

/// The format of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// PKCS#8 (RFC 5958), both versions.
    Pkcs8,
    /// PKCS#1 (RFC 8017).
    Pkcs1,
    /// SEC 1 (RFC 5915).
    Sec1,
    /// Encrypted PKCS#8: `EncryptedPrivateKeyInfo` of RFC 5958.
    Encrypted,
}

/// The format of a key, by the fields of its outer sequence.
pub(super) fn form_of(bytes: &[u8]) -> Result<Form, IdentityError> {
    let Some((outer, rest)) = der::take(bytes) else {
        return Err(not_whole(bytes));
    };
    if outer.tag != SEQUENCE {
        return Err(not_whole(bytes));
    }
    if !rest.is_empty() {
        return Err(IdentityError::KeyTrailing { count: rest.len() });
    }
    let Ok(fields) = der::children(outer.content) else {
        return Err(IdentityError::KeyMalformed);
    };
    let version = |wanted| {
        fields
            .first()
            .is_some_and(|field| field.content == [wanted])
    };
    let found = match tags(&fields).as_slice() {
        [INTEGER, SEQUENCE, OCTET_STRING, ..] if version(0) || version(1) => {
            return Ok(Form::Pkcs8);
        }
        [INTEGER, INTEGER] => FoundKind::PublicKey,
        [INTEGER, INTEGER, ..] => return Ok(Form::Pkcs1),
        [INTEGER, OCTET_STRING, ..] => return Ok(Form::Sec1),
        [SEQUENCE, OCTET_STRING] => return Ok(Form::Encrypted),
        // PFX (RFC 7292 section 4)
        [INTEGER, SEQUENCE, ..] if version(3) => FoundKind::Keystore,
        [SEQUENCE, BIT_STRING] => FoundKind::PublicKey,
        [SEQUENCE, SEQUENCE, BIT_STRING] => {
            signed(fields.first()).ok_or(IdentityError::KeyMalformed)?
        }
        _ => return Err(IdentityError::KeyMalformed),
    };
    Err(IdentityError::NotAKey { found })
}

/// Which signed structure of X.509 this is, by the fields that are signed.
fn signed(inner: Option<&Value<'_>>) -> Option<FoundKind> {
    let fields = der::children(inner?.content).ok()?;
    match tags(&fields).as_slice() {
        [INTEGER, SEQUENCE, SEQUENCE, CONTEXT_0] => Some(FoundKind::CertificateRequest),
        tags if tags.contains(&UTC_TIME) || tags.contains(&GENERALIZED_TIME) => {
            Some(FoundKind::RevocationList)
        }
        [CONTEXT_0, INTEGER, ..] | [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, ..] => {
            Some(FoundKind::Certificate)
        }
        _ => None,
    }
}

fn tags(fields: &[Value<'_>]) -> Vec<u8> {
    fields.iter().map(|field| field.tag).collect()
}

/// Why the bytes are not exactly one sequence.
fn not_whole(bytes: &[u8]) -> IdentityError {
    // Magic numbers of Java keystores.
    if bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) || bytes.starts_with(&[0xce, 0xce, 0xce, 0xce])
    {
        return IdentityError::NotAKey {
            found: FoundKind::Keystore,
        };
    }
    match stated_size(bytes) {
        Some(size) if size > bytes.len() => IdentityError::KeyTruncated {
            size,
            found: bytes.len(),
        },
        _ => IdentityError::KeyMalformed,
    }
}

/// The size that a sequence states, including its header.
fn stated_size(bytes: &[u8]) -> Option<usize> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag != SEQUENCE {
        return None;
    }
    let digits = match first {
        0..=0x7f => return Some(usize::from(first).saturating_add(2)),
        // The length of a key needs at most two bytes.
        0x81 => rest.get(..1)?,
        0x82 => rest.get(..2)?,
        _ => return None,
    };
    let length = digits
        .iter()
        .fold(0_usize, |length, digit| (length << 8) | usize::from(*digit));
    Some(length.saturating_add(digits.len()).saturating_add(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_by_their_fields() {
        let form = |bytes: &[u8]| form_of(bytes).ok();
        assert_eq!(form(&[0x30, 7, 2, 1, 0, 0x30, 0, 4, 0]), Some(Form::Pkcs8));
        assert_eq!(form(&[0x30, 7, 2, 1, 1, 0x30, 0, 4, 0]), Some(Form::Pkcs8));
        assert_eq!(form(&[0x30, 7, 2, 1, 2, 0x30, 0, 4, 0]), None);
        assert_eq!(
            form(&[0x30, 9, 2, 1, 0, 2, 1, 5, 2, 1, 3]),
            Some(Form::Pkcs1)
        );
        assert_eq!(form(&[0x30, 5, 2, 1, 1, 4, 0]), Some(Form::Sec1));
        assert_eq!(form(&[0x30, 4, 0x30, 0, 4, 0]), Some(Form::Encrypted));
        assert_eq!(form(&[0x30, 3, 2, 1, 0]), None);
        assert_eq!(form(&[]), None);
    }

    #[test]
    fn damage_is_told_by_its_kind() {
        let error = |bytes: &[u8]| form_of(bytes).unwrap_err();
        assert!(matches!(
            error(&[0x30, 9, 2, 1, 0, 0x30, 0, 4]),
            IdentityError::KeyTruncated { size: 11, found: 8 }
        ));
        assert!(matches!(
            error(&[0x30, 0x82, 1, 0, 2, 1, 0]),
            IdentityError::KeyTruncated {
                size: 260,
                found: 7
            }
        ));
        assert!(matches!(
            error(&[0x30, 3, 2, 1, 0, 0, 0]),
            IdentityError::KeyTrailing { count: 2 }
        ));
        // The last two are complete, but their length is not in its shortest form.
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0],
            &[0; 64],
            &[0x30, 0x83, 1],
            &[0x30, 0x81, 2, 5, 0],
            &[0x30, 0x81, 2, 5, 0, 0],
        ] {
            assert!(
                matches!(error(bytes), IdentityError::KeyMalformed),
                "{bytes:?}"
            );
        }
    }
}
