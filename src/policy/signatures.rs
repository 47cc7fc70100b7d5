//! The signatures that one verdict verifies: each at most once, and not more than the limits allow (rule C5).

use super::case::Case;
use super::detail::Rejection;
use super::{Detail, ReasonCode, work};
use crate::certificate::{Certificate, Fingerprint, Issued, SignatureCheck, algorithms, der};
use crate::limits::{MAX_SAME_SUBJECT_SIGNATURES, WORK_OF_SIGNATURE};
use crate::store::Signer;

/// A certificate of a path, and whether it is installed as a CA.
#[derive(Clone, Copy)]
pub(super) struct Link<'c> {
    pub(super) certificate: &'c Certificate,
    pub(super) installed: bool,
}

/// The budget for verifying a signature of an installed CA on what a peer presents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Paid {
    /// The work on what a peer presents.
    Work,
    /// The signatures that find the right one of several installed CAs of one name.
    SameSubject,
}

/// What has been found of one certificate.
struct Known {
    below: Fingerprint,
    signer: Option<Issued>,
    /// Whether this verdict verified it.
    fresh: bool,
    /// Certificates with keys that did not sign it.
    wrong: Vec<Certificate>,
    /// Whether one of those is an installed CA.
    wrong_of_installed: bool,
    /// Why the provider verifies it under no key of the kind that this certificate has.
    not_verifiable: Option<(Certificate, Rejection)>,
}

/// What has been found of pairs of certificates so far, and what it cost.
#[derive(Default)]
pub(super) struct Signatures {
    known: Vec<Known>,
    /// How many were verified to find the right one of several installed CAs of one name.
    of_same_subject: usize,
}

impl Signatures {
    fn get(&self, below: &Certificate) -> Option<&Known> {
        let fingerprint = below.fingerprint();
        self.known.iter().find(|known| known.below == fingerprint)
    }

    fn of(&mut self, below: &Certificate) -> Option<&mut Known> {
        let fingerprint = below.fingerprint();
        let place = self
            .known
            .iter()
            .position(|known| known.below == fingerprint);
        let place = place.unwrap_or_else(|| {
            self.known.push(Known {
                below: fingerprint,
                signer: None,
                fresh: false,
                wrong: Vec::new(),
                wrong_of_installed: false,
                not_verifiable: None,
            });
            self.known.len().saturating_sub(1)
        });
        self.known.get_mut(place)
    }

    fn is_signed_by(&mut self, below: &Certificate, issued: Issued, fresh: bool) {
        if let Some(known) = self.of(below) {
            known.signer = Some(issued);
            known.fresh = fresh;
        }
    }

    /// Whether it is known that the key of `above` did not sign `below`: a check failed, or another key did.
    pub(super) fn is_wrong(&self, below: &Certificate, above: &Certificate) -> bool {
        self.get(below).is_some_and(|known| match &known.signer {
            Some(issued) => !issued.pair().1.has_key_of(above),
            None => known.wrong.iter().any(|by| by.has_key_of(above)),
        })
    }

    /// Whether no path leads from `below` to `above`: the key of `above` did not sign `below`, or the provider lacks the
    /// algorithm.
    pub(super) fn cannot_be(
        &self,
        case: &Case<'_>,
        below: &Certificate,
        above: &Certificate,
    ) -> bool {
        self.is_wrong(below, above) || !case.policy.key_policy().can_verify(below, above)
    }

    /// Whether the key of `above` is known to have signed `below`.
    pub(super) fn is_verified(&self, below: &Certificate, above: &Certificate) -> bool {
        self.find(below, above).is_some()
    }

    /// Whether the key of some installed CA is known not to have signed `below`.
    pub(super) fn is_wrong_of_installed(&self, below: &Certificate) -> bool {
        self.get(below)
            .is_some_and(|known| known.wrong_of_installed)
    }

    /// Verifies that the key of `above` signed `below`, unless that is known already: in this verdict, from an earlier
    /// one, or since both were installed. What an earlier verdict verified costs as much work as to verify it: what is
    /// accepted must not depend on what was asked before.
    pub(super) fn check(
        &mut self,
        case: &Case<'_>,
        below: Link<'_>,
        above: Link<'_>,
        paid: Paid,
    ) -> Result<(), Check> {
        let keys = case.policy.key_policy();
        let (lower, upper) = (below.certificate, above.certificate);
        if self.find(lower, upper).is_some() {
            return Ok(());
        }
        if self.is_wrong(lower, upper) {
            return Err(Check::Rejected(wrong()));
        }
        if !keys.can_verify(lower, upper) {
            return Err(Check::Rejected(self.not_verifiable(lower, upper)));
        }
        if below.installed {
            match case.view.data().signer(lower) {
                Signer::Is(issued) if keys.stands_by(issued) => {
                    self.is_signed_by(lower, issued.clone(), false);
                    return if issued.pair().1.has_key_of(upper) {
                        Ok(())
                    } else {
                        Err(Check::Rejected(wrong()))
                    };
                }
                Signer::NotInstalled if above.installed => return Err(Check::Rejected(wrong())),
                Signer::Is(_) | Signer::NotInstalled | Signer::Unknown => {}
            }
        }
        if paid == Paid::SameSubject && above.installed && !below.installed {
            self.of_same_subject = self.of_same_subject.saturating_add(1);
            work::within(self.of_same_subject, MAX_SAME_SUBJECT_SIGNATURES)
                .map_err(Check::Stopped)?;
        } else {
            let spent = case.work.spend(WORK_OF_SIGNATURE);
            spent.map_err(Check::Stopped)?;
        }
        if let Some(issued) = case.view.data().verified(lower, upper, keys) {
            self.is_signed_by(lower, issued, false);
            return Ok(());
        }
        match keys.verify_issued(lower, upper) {
            Ok(issued) => {
                self.is_signed_by(lower, issued, true);
                Ok(())
            }
            Err(SignatureCheck::Verified | SignatureCheck::Wrong | SignatureCheck::Unsupported) => {
                if let Some(known) = self.of(lower) {
                    known.wrong.push(upper.clone());
                    known.wrong_of_installed |= above.installed;
                }
                Err(Check::Rejected(wrong()))
            }
        }
    }

    /// The rejection for an algorithm that the provider lacks. It is made once for all keys of a kind: it contains the
    /// subject, of which the peer chooses the length.
    fn not_verifiable(&mut self, lower: &Certificate, upper: &Certificate) -> Rejection {
        let of = |certificate: &Certificate| {
            let key = certificate.subject_public_key_info();
            der::algorithm_of_spki(key).map(<[u8]>::to_vec)
        };
        let Some(known) = self.of(lower) else {
            return not_verifiable(lower, upper);
        };
        if let Some((other, rejection)) = &known.not_verifiable
            && other.key_kind() == upper.key_kind()
            && of(other) == of(upper)
        {
            return rejection.clone();
        }
        let rejection = not_verifiable(lower, upper);
        known.not_verifiable = Some((upper.clone(), rejection.clone()));
        rejection
    }

    /// Whether the key of any issuer is known to have signed `below`.
    pub(super) fn has_issuer(&self, below: &Certificate) -> bool {
        self.get(below).is_some_and(|known| known.signer.is_some())
    }

    fn find(&self, below: &Certificate, above: &Certificate) -> Option<&Issued> {
        let issued = self.get(below)?.signer.as_ref();
        issued.filter(|issued| issued.pair().1.has_key_of(above))
    }

    /// Has the store remember the signatures on CA certificates that this verdict verified in a path. The path leads to
    /// an installed authority, and every signature in it and all else has been verified: so nothing is remembered that
    /// no authority vouched for.
    pub(super) fn remember(&self, case: &Case<'_>, path: &[Certificate]) {
        let [_leaf, issuers @ ..] = path else {
            return;
        };
        let pairs = issuers.iter().zip(issuers.iter().skip(1));
        for (depth, (below, above)) in pairs.rev().enumerate() {
            if self.get(below).is_some_and(|known| known.fresh)
                && let Some(issued) = self.find(below, above)
            {
                case.view.data().remember(issued, depth);
            }
        }
    }

    /// The pairs of a path from the end entity to the authority; `None` if one of them has not been verified.
    pub(super) fn of_path(&self, path: &[Certificate]) -> Option<Vec<Issued>> {
        let pairs = path.iter().zip(path.iter().skip(1));
        pairs
            .map(|(below, above)| self.find(below, above).cloned())
            .collect()
    }
}

/// Why a signature or a path does not count.
pub(super) enum Check {
    /// The signature is wrong or cannot be verified: this path is rejected.
    Rejected(Rejection),
    /// Nothing more is tried in this pass: the work is used up, or no other path can be better.
    Stopped(Rejection),
}

pub(super) fn wrong() -> Rejection {
    let why = "a signature does not verify under the key of the issuer";
    (ReasonCode::ChainSignatureInvalid, Detail::Text(why.into()))
}

/// The provider has no algorithm for the signature on `below` under the key of `above`. If keys of that kind make no such
/// signatures, another key made it; otherwise that is not known.
fn not_verifiable(below: &Certificate, above: &Certificate) -> Rejection {
    let algorithm = der::signature_algorithm(below.der()).unwrap_or(&[]);
    let key = der::algorithm_of_spki(above.subject_public_key_info()).unwrap_or(&[]);
    let name = algorithms::signature_name(algorithm);
    if algorithms::signs_with(key, algorithm) == Some(false) {
        let why = format!(
            "{} is signed with {name}, and the key of that issuer ({}) makes no such signatures",
            below.subject(),
            above.key_name()
        );
        return (ReasonCode::ChainSignatureInvalid, Detail::Text(why));
    }
    let detail = Detail::Signature {
        certificate: below.fingerprint(),
        subject: below.subject(),
        algorithm: name,
        key: above.key_kind(),
        aws_lc_rs: algorithms::aws_lc_rs_verifies(algorithm, above.key_kind()),
    };
    (ReasonCode::SignatureAlgorithmUnsupported, detail)
}
