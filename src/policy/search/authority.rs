//! The end of a path: an authority above its last certificate.

use super::super::detail::Rejection;
use super::super::nodes::KeyIdMatch;
use super::super::profile::Place;
use super::super::rejections::too_many;
use super::super::signatures::{self, Check, Link, Paid};
use super::super::{Detail, ReasonCode, issuers, linear};
use super::{Found, Pass, Search};
use crate::certificate::Certificate;
use crate::limits::{MAX_MISMATCHES_TRIED, MAX_SAME_SUBJECT_EXAMINED, MAX_SAME_SUBJECT_SIGNATURES};
use crate::store::{Entry, Slot, Wanted};

impl Search<'_> {
    /// Looks for an authority above the last certificate of a path.
    pub(super) fn end(
        &mut self,
        at: &[usize],
        path: &mut Vec<Certificate>,
        below: usize,
    ) -> Option<Found> {
        let own = *at.last()?;
        let last = path.last()?.clone();
        let data = self.case.view.data();
        let (name, canonical) = (last.issuer_der(), self.nodes.issuer_name(own));
        let authorities = data.candidates(
            Slot::Authority,
            self.scope.clone(),
            Wanted::new(name, &canonical),
            last.authority_key_id(),
            MAX_MISMATCHES_TRIED,
        );
        let signer = self.nodes.signer(own);
        // `any`: one of them may have signed it, as far as is known now. `other`: one that has not.
        let (mut any, mut other) = (false, None);
        let mut fit = 0_usize;
        for (seen, (entry, certificate)) in authorities.enumerate() {
            if seen >= MAX_SAME_SUBJECT_EXAMINED || fit >= MAX_SAME_SUBJECT_SIGNATURES {
                self.note(too_many());
                any = true;
                break;
            }
            if !signer.may_be(certificate, true) {
                other.get_or_insert(entry);
                continue;
            }
            let key_id = KeyIdMatch::of(&last, certificate);
            if !self.is_for_this_pass(own, certificate, true, key_id) {
                any = true;
                continue;
            }
            if !self.step() {
                return None;
            }
            let tried = match self.fits(below, entry, certificate) {
                Ok(()) => {
                    fit = fit.saturating_add(1);
                    self.try_authority(at, path, entry, certificate)
                }
                Err(rejection) => Err(Check::Rejected(rejection)),
            };
            let rejection = match tried {
                Ok(()) => {
                    path.push(certificate.clone());
                    return Some((entry.clone(), core::mem::take(path)));
                }
                Err(Check::Rejected(rejection)) => rejection,
                Err(Check::Stopped(rejection)) => {
                    self.stopped = Some(rejection.clone());
                    rejection
                }
            };
            self.reject(certificate.fingerprint(), Some(&entry.key()), rejection);
            any |= !self.signatures.cannot_be(self.case, &last, certificate);
            if self.is_over_for(path) {
                return None;
            }
        }
        // By whatever path it is reached, it is not asked again.
        if !any {
            self.nodes.set_rootless(own);
            if let Some(entry) = other.filter(|_| fit == 0) {
                self.reject(entry.fingerprint(), Some(&entry.key()), signatures::wrong());
            }
        }
        None
    }

    /// Whether an authority may stand above `below` intermediates, before any signature.
    fn fits(&self, below: usize, entry: &Entry, authority: &Certificate) -> Result<(), Rejection> {
        self.case.timing.entry(entry)?;
        issuers::check(self.case, authority, Place::Authority)?;
        issuers::check_path_len(authority, below)
    }

    fn try_authority(
        &mut self,
        at: &[usize],
        path: &[Certificate],
        entry: &Entry,
        authority: &Certificate,
    ) -> Result<(), Check> {
        let paid = match self.pass {
            Pass::First => Paid::Work,
            Pass::Installed | Pass::SameSubject => Paid::SameSubject,
        };
        // From the authority down.
        let mut above = Link {
            certificate: authority,
            installed: true,
        };
        for node in at.iter().rev() {
            let gone = (ReasonCode::UnknownIssuer, Detail::None);
            let below = self.nodes.link(*node).ok_or(Check::Stopped(gone))?;
            self.signatures.check(self.case, below, above, paid)?;
            above = below;
        }
        let mut whole = path.to_vec();
        whole.push(authority.clone());
        if let Err(rejection) = self.built.one_more(self.case, &whole, entry) {
            self.over = true;
            return Err(Check::Stopped(rejection));
        }
        let pairs = self.signatures.of_path(&whole);
        let pairs = pairs.ok_or_else(|| Check::Rejected(signatures::wrong()))?;
        let verified = linear::verify(self.case, self.end_entity, &whole, &pairs, entry);
        if verified.is_ok() {
            self.signatures.remember(self.case, &whole);
        }
        verified.map_err(|rejection| {
            // By whatever path, the signer of a revoked end entity is the same.
            let leaf = self.case.leaf.fingerprint();
            self.over =
                matches!(&rejection.1, Detail::Revoked { certificate, .. } if *certificate == leaf);
            if self.over {
                Check::Stopped(rejection)
            } else {
                Check::Rejected(rejection)
            }
        })
    }
}
