//! A certificate as the rules look at it: where it stands, and its extensions read once.

use super::attributes::Kept;
use crate::certificate::form::Extension;
use crate::certificate::{Certificate, der};

pub(super) use crate::certificate::form::parts;

/// The certificates above one in its path, its issuer first; none while the path is not known, and of an authority.
pub(super) type Above<'a> = &'a [Certificate];

/// Where in a path a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Place {
    Leaf,
    Intermediate,
    Authority,
}

/// A certificate and its place in a path.
pub(in crate::policy) struct Form<'a> {
    pub(super) certificate: &'a Certificate,
    place: Place,
    extensions: Vec<Extension<'a>>,
    /// Which rules on the parts of distinguished names are kept.
    pub(super) names: Kept,
}

impl<'a> Form<'a> {
    pub(super) fn new(certificate: &'a Certificate, place: Place) -> Self {
        Self {
            certificate,
            place,
            extensions: certificate.extensions().collect(),
            names: Kept::of(certificate),
        }
    }

    /// Whether it issues others where it stands.
    pub(super) fn issues(&self) -> bool {
        self.place != Place::Leaf
    }

    pub(super) fn is_authority(&self) -> bool {
        self.place == Place::Authority
    }

    pub(super) fn extension(&self, id: &[u8]) -> Option<&Extension<'a>> {
        self.extensions.iter().find(|extension| extension.id == id)
    }

    /// The extension `2.5.29.last` (id-ce).
    pub(super) fn ce(&self, last: u8) -> Option<&Extension<'a>> {
        self.extension(&[0x55, 0x1d, last])
    }

    /// Whether an extension says that it is not critical.
    pub(super) fn writes_a_default(&self) -> bool {
        let mut all = self.extensions.iter();
        all.any(|extension| extension.default_written)
    }

    /// Whether the value of an extension, if it is there, is one whole value that is as asked.
    pub(super) fn is_shaped(&self, id: &[u8], is_good: impl FnOnce(&'a [u8]) -> bool) -> bool {
        // The grammar of a certificate has checked those alone on which a judgement rests.
        self.extension(id)
            .is_none_or(|found| der::is_single_value(found.value) && is_good(found.value))
    }
}
