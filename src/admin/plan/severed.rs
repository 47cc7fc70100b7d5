//! Authorities whose chains may lose an installed intermediate.

use std::collections::BTreeSet;

use crate::certificate::{Certificate, canonical_name};
use crate::policy::{ExpectedServer, Usable};
use crate::store::{CrlIssuer, Scope, Slot};

/// The names of CAs below which an installed intermediate completes no chain any more.
///
/// An intermediate whose lists cover less of what it signed counts as well.
///
/// Peers that send the intermediate themselves are not affected, unless it is revoked or blocked: what a peer sends is
/// not known.
#[derive(Debug, Default)]
pub(super) struct Severed(BTreeSet<Vec<u8>>);

impl Severed {
    pub(super) fn between(
        before: &Usable<'_>,
        after: &Usable<'_>,
        target: Option<ExpectedServer<'_>>,
    ) -> Self {
        let was = usable(before, target);
        if was.is_empty() {
            return Self::default();
        }
        let is: BTreeSet<CrlIssuer> = usable(after, target)
            .into_iter()
            .map(CrlIssuer::of)
            .collect();
        let is_gone = |one: &&&Certificate| {
            !is.contains(&CrlIssuer::of(one)) || before.covers_less(after, one)
        };
        let gone = was.iter().filter(is_gone);
        let mut names: BTreeSet<Vec<u8>> = gone.map(|one| issuer(one)).collect();
        // The CA of a CA whose chains are affected is affected as well.
        let mut count = 0;
        while count < names.len() {
            count = names.len();
            let above = was.iter().filter(|one| names.contains(&subject(one)));
            let above: Vec<Vec<u8>> = above.map(|one| issuer(one)).collect();
            names.extend(above);
        }
        Self(names)
    }

    pub(super) fn hits(&self, authority: &Certificate) -> bool {
        !self.0.is_empty() && self.0.contains(&subject(authority))
    }
}

fn subject(certificate: &Certificate) -> Vec<u8> {
    canonical_name(certificate.subject_der()).into_owned()
}

fn issuer(certificate: &Certificate) -> Vec<u8> {
    canonical_name(certificate.issuer_der()).into_owned()
}

fn usable<'a>(side: &Usable<'a>, target: Option<ExpectedServer<'_>>) -> Vec<&'a Certificate> {
    let index = side.view.data().index(Slot::Intermediate, &Scope::Everyone);
    let entries = index.into_iter().flat_map(|index| index.iter());
    let entries = entries.filter(|entry| side.why_not_for(target, entry).is_none());
    entries.filter_map(|entry| entry.certificate()).collect()
}
