//! The scope of a revocation list: which certificates of its issuer it covers (RFC 5280 sections 5.2.5 and 6.3.3).

use super::super::der::{self, Value};
use super::super::form::GENERAL_NAMES;
use super::super::grammar;
use super::super::{Certificate, names_equal};
use super::place::Place;
use super::reader::{Extension, Reader, SEQUENCE};
use crate::certificate::error::{CrlError, UnsupportedCrl};
use crate::limits::MAX_DISTRIBUTION_POINT_NAMES;

/// The kind of certificates that a list covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum CrlKinds {
    /// All certificates of the issuer.
    #[default]
    All,
    /// End-entity certificates only.
    EndEntities,
    /// CA certificates only.
    Authorities,
}

/// A set of revocation reasons. A list may cover only some of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reasons(u16);

impl Reasons {
    pub(crate) const NONE: Self = Self(0);
    /// All bits of `ReasonFlags` except the first, which is unused.
    const ALL: Self = Self(0b0111_1111_1000_0000);

    pub(crate) fn is_all(self) -> bool {
        self == Self::ALL
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Reads the content of a `ReasonFlags`.
    fn read(content: &[u8]) -> Option<Self> {
        let bits = match grammar::named_bits(content)? {
            [first] => [*first, 0],
            [first, second] => [*first, *second],
            _ => return None,
        };
        Some(Self(u16::from_be_bytes(bits)).both(Self::ALL))
    }
}

/// The `issuingDistributionPoint` of a list. Without the extension, a list covers all certificates of its issuer.
pub(super) struct Scope {
    pub(super) kinds: CrlKinds,
    pub(super) reasons: Reasons,
    /// The names of the distribution point. Empty if there is none.
    pub(super) names: Box<[Place]>,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            kinds: CrlKinds::All,
            reasons: Reasons::ALL,
            names: Box::default(),
        }
    }
}

const FIELD: &str = "issuingDistributionPoint";

/// Reads an `issuingDistributionPoint`.
pub(super) fn read(
    der: &[u8],
    extension: &Extension<'_>,
) -> Result<(Scope, Option<UnsupportedCrl>), CrlError> {
    let malformed = || extension.value.malformed(FIELD);
    let whole = extension.only(SEQUENCE, FIELD)?;
    let mut parts = extension.value.inside(&whole);
    let mut scope = Scope::default();
    let mut refusal = None;
    let mut is_empty = true;
    if let Some(point) = parts.next_if(&[0xa0], FIELD)? {
        is_empty = false;
        let mut inside = parts.inside(&point);
        // DistributionPointName is a CHOICE, so it is always tagged explicitly.
        if let Some(names) = inside.next_if(&[0xa0], FIELD)? {
            scope.names = names_of(der, inside.inside(&names))?;
        } else {
            inside.next(0xa1, FIELD)?;
            refusal = Some(UnsupportedCrl::RelativeDistributionPoint);
        }
        inside.end(FIELD)?;
    }
    let mut flag = |parts: &mut Reader<'_>, tag| match parts.next_if(&[tag], FIELD)? {
        Some(value) if matches!(value.content, [0 | 0xff]) => {
            is_empty = false;
            Ok(value.content == [0xff])
        }
        Some(_) => Err(malformed()),
        None => Ok(false),
    };
    let end_entities = flag(&mut parts, 0x81)?;
    let authorities = flag(&mut parts, 0x82)?;
    let some_reasons = parts.next_if(&[0x83], FIELD)?;
    let indirect = flag(&mut parts, 0x84)?;
    let attributes = flag(&mut parts, 0x85)?;
    parts.end(FIELD)?;
    if let Some(reasons) = some_reasons {
        is_empty = false;
        let reasons = Reasons::read(reasons.content).filter(|reasons| !reasons.is_none());
        scope.reasons = reasons.ok_or_else(malformed)?;
    }
    scope.kinds = match (end_entities, authorities) {
        (false, false) => CrlKinds::All,
        (true, false) => CrlKinds::EndEntities,
        (false, true) => CrlKinds::Authorities,
        (true, true) => return Err(malformed()),
    };
    if is_empty || (attributes && scope.kinds != CrlKinds::All) {
        return Err(malformed());
    }
    let flags = [
        (attributes, UnsupportedCrl::AttributeCertificates),
        (indirect, UnsupportedCrl::Indirect),
    ];
    for (is, why) in flags {
        refusal = if is { Some(why) } else { refusal };
    }
    Ok((scope, refusal))
}

fn names_of(der: &[u8], mut names: Reader<'_>) -> Result<Box<[Place]>, CrlError> {
    let start = names;
    let mut found = Vec::new();
    while !names.is_empty() {
        let before = names;
        let name = names.next_if(&GENERAL_NAMES, FIELD)?;
        let name = name.filter(|name| grammar::general_name(name, FIELD).is_ok());
        let name = name.ok_or(before.malformed(FIELD))?;
        found.push(Place::locate(der, name.whole).ok_or(before.malformed(FIELD))?);
        if found.len() > MAX_DISTRIBUTION_POINT_NAMES {
            return Err(before.malformed(FIELD));
        }
    }
    if found.is_empty() {
        return Err(start.malformed(FIELD));
    }
    Ok(found.into())
}

impl Scope {
    /// The reasons for which the list `der` with this scope covers a certificate of its issuer. Empty if the
    /// certificate is out of scope.
    pub(super) fn covers(&self, der: &[u8], certificate: &Certificate) -> Reasons {
        let of_this_kind = match self.kinds {
            CrlKinds::All => true,
            CrlKinds::EndEntities => !certificate.is_ca(),
            CrlKinds::Authorities => certificate.is_ca(),
        };
        if !of_this_kind {
            return Reasons::NONE;
        }
        if self.names.is_empty() {
            return self.reasons;
        }
        let is_ours = |name: &[u8]| self.names.iter().any(|own| own.get(der) == name);
        // RFC 5280 section 6.3.3: a list that is not named by a distribution point counts as found under the issuer's
        // name, for all reasons.
        if self.is_named_by(der, certificate.issuer_der()) {
            return self.reasons;
        }
        points_of(certificate).map_or(Reasons::NONE, |points| {
            let reached = reached(&points, is_ours);
            self.reasons.both(reached)
        })
    }

    /// The reasons for which the list covers all certificates of its kinds, whatever distribution points they name. Empty
    /// if it covers only some of them.
    #[cfg(feature = "admin")]
    pub(super) fn covers_all_of(&self, der: &[u8], issuer: &Certificate) -> Reasons {
        if self.names.is_empty() || self.is_named_by(der, issuer.subject_der()) {
            self.reasons
        } else {
            Reasons::NONE
        }
    }

    /// Whether the distribution point has the name of the issuer.
    fn is_named_by(&self, der: &[u8], issuer: &[u8]) -> bool {
        self.names.iter().any(|own| {
            let name = der::take(own.get(der));
            name.is_some_and(|(name, _)| name.tag == 0xa4 && names_equal(name.content, issuer))
        })
    }
}

/// The reasons that the matching distribution points cover.
fn reached(points: &[Value<'_>], is_ours: impl Fn(&[u8]) -> bool) -> Reasons {
    let mut reached = Reasons::NONE;
    let mut looked_at = 0_usize;
    for point in points {
        let Some((names, reasons)) = point_of(point) else {
            continue;
        };
        for name in names {
            looked_at = looked_at.saturating_add(1);
            if looked_at > MAX_DISTRIBUTION_POINT_NAMES {
                return reached;
            }
            if is_ours(name.whole) {
                reached = reached.with(reasons);
            }
        }
    }
    reached
}

/// The `cRLDistributionPoints` of a certificate, if readable.
fn points_of(certificate: &Certificate) -> Option<Vec<Value<'_>>> {
    let extension = certificate.extension(&[0x55, 0x1d, 31])?;
    match der::take(extension.value)? {
        (points, []) if points.tag == SEQUENCE => der::children(points.content).ok(),
        _ => None,
    }
}

/// The names of a distribution point and its reasons. `None` if another issuer publishes there, or if it cannot be
/// read.
fn point_of<'a>(point: &Value<'a>) -> Option<(Vec<Value<'a>>, Reasons)> {
    let parts = der::children(point.content).ok()?;
    let mut parts = parts.into_iter().peekable();
    let name = parts.next_if(|part| part.tag == 0xa0)?;
    let reasons = match parts.next_if(|part| part.tag == 0x81) {
        Some(reasons) => Reasons::read(reasons.content)?,
        None => Reasons::ALL,
    };
    if parts.next().is_some() {
        return None; // cRLIssuer, or an unknown field
    }
    match der::take(name.content)? {
        (names, []) if names.tag == 0xa0 => Some((der::children(names.content).ok()?, reasons)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_add_up_to_all_without_the_unused_bit() {
        let read = |content: &[u8]| Reasons::read(content).unwrap();
        let some = read(&[7, 0b0111_1111, 0]);
        let rest = read(&[7, 0, 0b1000_0000]);
        assert!(!some.is_all() && !rest.is_all());
        assert!(some.with(rest).is_all());
        assert!(read(&[0, 0xff, 0xff]).is_all());
        assert!(read(&[0, 0x80]).is_none());
        // The last two have bits after their end.
        let bad: [&[u8]; 6] = [
            &[],
            &[0],
            &[8, 1],
            &[0, 1, 1, 1],
            &[7, 0xff],
            &[1, 0x7f, 0x81],
        ];
        for bad in bad {
            assert!(Reasons::read(bad).is_none(), "{bad:?}");
        }
    }
}
