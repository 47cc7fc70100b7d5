//! The entries of a revocation list: an index of four bytes for each entry, into the DER.

use core::cmp::Ordering;
use core::fmt;

use super::super::Timestamp;
use super::super::time::read_time;
use super::reader::{ENUMERATED, Extension, GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, UTC_TIME};
use crate::certificate::error::{CrlError, UnsupportedCrl};
use crate::limits::{KNOWN_CRITICAL_IN_CRL_ENTRY, MAX_EXTENSIONS, MAX_SERIAL_BYTES};

/// Why a certificate was revoked (RFC 5280 section 5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[doc(hidden)]
pub enum RevocationReason {
    /// The CA gives no reason.
    #[default]
    Unspecified,
    /// The private key was compromised.
    KeyCompromise,
    /// The private key of a CA was compromised.
    CaCompromise,
    /// The name or other information of the subject changed.
    AffiliationChanged,
    /// The certificate was replaced.
    Superseded,
    /// The certificate is no longer needed.
    CessationOfOperation,
    /// The certificate is on hold. It counts as revoked as long as a list has this entry.
    CertificateHold,
    /// The entry is removed. Only delta lists do this, which are not supported.
    RemoveFromCrl,
    /// A privilege in the certificate was withdrawn.
    PrivilegeWithdrawn,
    /// The private key of an attribute authority was compromised.
    AaCompromise,
}

impl RevocationReason {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            _ => return None,
        })
    }
}

/// The name in RFC 5280.
impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        })
    }
}

/// The entry of a revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct Revoked {
    /// When the CA revoked it. The certificate is refused at earlier times too.
    pub date: Timestamp,
    /// Why the CA revoked it.
    pub reason: RevocationReason,
}

/// The offset of each entry in the DER, sorted by serial number.
#[derive(Default)]
pub(super) struct Index(Box<[u32]>);

/// The result of reading all entries.
pub(super) struct Entries {
    pub(super) index: Index,
    /// Why the list is not supported, if an entry is the cause.
    pub(super) refusal: Option<UnsupportedCrl>,
}

struct Entry<'a> {
    serial: &'a [u8],
    revoked: Revoked,
    refusal: Option<UnsupportedCrl>,
}

/// Reads the entries from untrusted bytes.
pub(super) fn read(
    der: &[u8],
    mut list: Reader<'_>,
    extensible: bool,
) -> Result<Entries, CrlError> {
    let mut found: Vec<(u64, u32)> = Vec::new();
    let mut refusal = None;
    while !list.is_empty() {
        let before = list;
        let entry = entry(&mut list, extensible)?;
        if found.is_empty() {
            // Estimates the number of entries by the length of the first.
            let length = before.left().saturating_sub(list.left()).max(1);
            found.reserve(before.left() / length);
        }
        let offset = u32::try_from(before.offset()).map_err(|_| before.malformed("size"))?;
        found.push((prefix(entry.serial), offset));
        refusal = refusal.or(entry.refusal);
    }
    found.sort_unstable_by(|left, right| {
        // Reads the whole serial numbers only if their prefixes are equal, which is rare.
        let whole = || order(serial_at(der, left.1), serial_at(der, right.1));
        let serials = left.0.cmp(&right.0).then_with(whole);
        serials.then(left.1.cmp(&right.1))
    });
    Ok(Entries {
        index: Index(found.into_iter().map(|(_, offset)| offset).collect()),
        refusal,
    })
}

fn entry<'a>(list: &mut Reader<'a>, extensible: bool) -> Result<Entry<'a>, CrlError> {
    let whole = list.next(SEQUENCE, "revoked certificate")?;
    let mut parts = list.inside(&whole);
    let field = "revoked serial number";
    let start = parts;
    let serial = parts.next(INTEGER, field)?.content;
    if serial.is_empty() || serial.len() > MAX_SERIAL_BYTES {
        return Err(start.malformed(field));
    }
    let field = "revocation date";
    let start = parts;
    let date = match parts.next_if(&[UTC_TIME, GENERALIZED_TIME], field)? {
        Some(time) => read_time(time.tag, time.content),
        None => None,
    };
    let mut entry = Entry {
        serial,
        revoked: Revoked {
            date: Timestamp(date.ok_or(start.malformed(field))?),
            reason: RevocationReason::Unspecified,
        },
        refusal: None,
    };
    // Without extensions the field should be absent, but some tools write an empty list.
    if let Some(extensions) = parts.next_if(&[SEQUENCE], "extensions")? {
        if !extensible {
            return Err(CrlError::ExtensionsNeedVersion2);
        }
        read_extensions(parts.inside(&extensions), &mut entry)?;
    }
    parts.end("revoked certificate")?;
    Ok(entry)
}

fn read_extensions<'a>(mut extensions: Reader<'a>, entry: &mut Entry<'a>) -> Result<(), CrlError> {
    let all = extensions;
    let mut count = 0_usize;
    while !extensions.is_empty() {
        let extension = extensions.extension()?;
        let mut earlier = all;
        for _ in 0..count {
            if earlier.extension()?.id == extension.id {
                return Err(extension.twice());
            }
        }
        count = count.saturating_add(1);
        if count > MAX_EXTENSIONS {
            let limit = MAX_EXTENSIONS;
            return Err(CrlError::TooManyExtensions { limit });
        }
        let refusal = read_extension(&extension, entry)?;
        entry.refusal = entry.refusal.take().or(refusal);
    }
    Ok(())
}

fn read_extension(
    extension: &Extension<'_>,
    entry: &mut Entry<'_>,
) -> Result<Option<UnsupportedCrl>, CrlError> {
    match extension.standard() {
        Some(21) => {
            let field = "reason code";
            let code = extension.only(ENUMERATED, field)?.content;
            let reason = match code {
                [code] => RevocationReason::from_code(*code),
                _ => None,
            };
            entry.revoked.reason = reason.ok_or(extension.value.malformed(field))?;
            let takes_back = entry.revoked.reason == RevocationReason::RemoveFromCrl;
            Ok(takes_back.then_some(UnsupportedCrl::TakesBack))
        }
        // certificateIssuer: the following entries belong to another issuer.
        Some(29) => Ok(Some(UnsupportedCrl::Indirect)),
        _ if !extension.critical => Ok(None),
        _ => {
            let known = extension.is_listed(KNOWN_CRITICAL_IN_CRL_ENTRY);
            Ok((!known).then(|| UnsupportedCrl::CriticalEntryExtension {
                oid: extension.oid(),
            }))
        }
    }
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The serial numbers in their shortest form.
    pub(super) fn serials<'a>(&'a self, der: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let offsets = self.0.iter();
        offsets.map(|offset| shortest(serial_at(der, *offset)))
    }

    /// The entry for a serial number. If there are several, the first.
    pub(super) fn find(&self, der: &[u8], serial: &[u8]) -> Option<Revoked> {
        let at = self
            .0
            .partition_point(|offset| order(serial_at(der, *offset), serial).is_lt());
        let offset = *self.0.get(at)?;
        if order(serial_at(der, offset), serial).is_ne() {
            return None;
        }
        // The entry was read when the list was. If it could not be read again, the certificate would still count as
        // revoked.
        let found = entry(&mut Reader::from(der, offset), true);
        Some(found.map_or(
            Revoked {
                date: Timestamp(0),
                reason: RevocationReason::Unspecified,
            },
            |entry| entry.revoked,
        ))
    }
}

fn serial_at(der: &[u8], offset: u32) -> &[u8] {
    let mut list = Reader::from(der, offset);
    let serial = list.next(SEQUENCE, "").and_then(|whole| {
        let mut parts = list.inside(&whole);
        parts.next(INTEGER, "")
    });
    serial.map_or(&[], |serial| serial.content)
}

/// The shortest form of the content of an `INTEGER`. Serial numbers are compared in this form, because old tools write
/// redundant leading zeros in certificates or lists.
pub(crate) fn shortest(mut serial: &[u8]) -> &[u8] {
    while let [0, next, ..] | [0xff, next, ..] = serial {
        let redundant = serial.first().map(|first| first & 0x80) == Some(next & 0x80);
        match serial.get(1..) {
            Some(rest) if redundant => serial = rest,
            _ => break,
        }
    }
    serial
}

/// Orders serial numbers. Two encodings of the same number are equal.
fn order(left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (shortest(left), shortest(right));
    (left.len(), left).cmp(&(right.len(), right))
}

/// The length and the first seven bytes. Prefixes that differ have the order of the whole numbers.
fn prefix(serial: &[u8]) -> u64 {
    let serial = shortest(serial);
    let mut bytes = [0; 8];
    let length = u8::try_from(serial.len()).unwrap_or(u8::MAX);
    let parts = core::iter::once(&length).chain(serial);
    bytes
        .iter_mut()
        .zip(parts)
        .for_each(|(place, byte)| *place = *byte);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_the_same_in_every_form_of_them() {
        let same: [&[&[u8]]; 6] = [
            &[&[0], &[0, 0]],
            &[&[1], &[0, 1], &[0, 0, 1]],
            &[&[0, 0x80], &[0, 0, 0x80]],
            &[&[0x80], &[0xff, 0x80]],
            &[&[0xff], &[0xff, 0xff]],
            &[&[1, 0], &[0, 1, 0]],
        ];
        for (left, forms) in same.iter().enumerate() {
            for (right, others) in same.iter().enumerate() {
                for form in *forms {
                    for other in *others {
                        let equal = order(form, other).is_eq();
                        assert_eq!(equal, left == right, "{form:?} {other:?}");
                        if prefix(form) != prefix(other) {
                            let ordered = prefix(form).cmp(&prefix(other));
                            assert_eq!(order(form, other), ordered, "{form:?} {other:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_prefix_orders_as_the_whole_serial_number() {
        let long = |last: u8| {
            let mut serial = [0x55; 20];
            serial[19] = last;
            serial
        };
        assert_eq!(prefix(&long(1)), prefix(&long(2)));
        assert!(order(&long(1), &long(2)).is_lt());
        assert!(prefix(&[0x7f]) < prefix(&[1, 0]));
        assert!(order(&[0x7f], &[1, 0]).is_lt());
    }
}
