//! Authorities whose chains may lose an installed intermediate.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::certificate::{Certificate, canonical_name};
use crate::policy::{ExpectedServer, ReasonCode, Usable};
use crate::store::{CrlIssuer, Entry, Scope, Slot};

/// The names of CAs below which an installed intermediate completes no chain any more, each with the reason.
///
/// An intermediate whose lists cover less of what it signed counts as well.
///
/// Peers that send the intermediate themselves are not affected, unless it is revoked or blocked: what a peer sends is
/// not known.
#[derive(Debug, Default)]
pub(super) struct Severed(BTreeMap<Vec<u8>, ReasonCode>);

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
        // Why no intermediate of an issuer is usable; nothing if one is.
        let mut is: BTreeMap<CrlIssuer, Option<ReasonCode>> = BTreeMap::new();
        for (entry, one) in held(after) {
            let why_not = after.why_not_for(target, entry);
            let why_not = why_not.map(|(reason, _)| reason);
            let known = is.entry(CrlIssuer::of(one)).or_insert(why_not);
            *known = known.and(why_not);
        }
        let gone = |one: &Certificate| match is.get(&CrlIssuer::of(one)) {
            None => Some(ReasonCode::UnknownIssuer),
            Some(Some(reason)) => Some(*reason),
            Some(None) => before
                .covers_less(after, one)
                .then_some(ReasonCode::RevocationUnknown),
        };
        let mut names = BTreeMap::new();
        for one in &was {
            if let Some(reason) = gone(one) {
                names.entry(issuer(one)).or_insert(reason);
            }
        }
        // The CA of a CA whose chains are affected is affected as well.
        let mut count = 0;
        while count < names.len() {
            count = names.len();
            for one in &was {
                if let Some(reason) = names.get(&subject(one)).copied() {
                    names.entry(issuer(one)).or_insert(reason);
                }
            }
        }
        Self(names)
    }

    /// Why chains of this authority may be refused.
    pub(super) fn hits(&self, authority: &Certificate) -> Option<ReasonCode> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&subject(authority)).copied()
    }
}

fn subject(certificate: &Certificate) -> Vec<u8> {
    canonical_name(certificate.subject_der()).into_owned()
}

fn issuer(certificate: &Certificate) -> Vec<u8> {
    canonical_name(certificate.issuer_der()).into_owned()
}

/// The installed intermediates.
fn held<'a>(side: &Usable<'a>) -> impl Iterator<Item = (&'a Arc<Entry>, &'a Certificate)> {
    let index = side.view.data().index(Slot::Intermediate, &Scope::Everyone);
    let entries = index.into_iter().flat_map(|index| index.iter());
    entries.filter_map(|entry| Some((entry, entry.certificate()?)))
}

fn usable<'a>(side: &Usable<'a>, target: Option<ExpectedServer<'_>>) -> Vec<&'a Certificate> {
    let usable = held(side).filter(|(entry, _)| side.why_not_for(target, entry).is_none());
    usable.map(|(_, certificate)| certificate).collect()
}
