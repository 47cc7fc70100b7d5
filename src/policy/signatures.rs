//! The signatures that one verdict verifies: each at most once, and not more than the limits allow (rule C5).

use super::decide::Case;
use super::timing::Fall;
use super::work;
use super::{Detail, ReasonCode, explain};
use crate::certificate::{Certificate, Fingerprint, Issued, SignatureCheck};
use crate::limits::{MAX_NAMESAKE_SIGNATURES, WORK_OF_SIGNATURE};
use crate::store::Signer;

/// A certificate of a path, and whether it is installed as a CA.
#[derive(Clone, Copy)]
pub(super) struct Link<'c> {
    pub(super) certificate: &'c Certificate,
    pub(super) installed: bool,
}

/// What pays for a signature of an installed CA on what a peer presents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Paid {
    /// The work on what a peer presents.
    Work,
    /// The signatures that find the right one of several installed CAs of one name.
    Namesakes,
}

/// What has been found of pairs of certificates so far, and what it cost.
#[derive(Default)]
pub(super) struct Signatures {
    verified: Vec<Issued>,
    /// Certificates with keys that did not sign them, and whether those are the keys of installed CAs.
    wrong: Vec<(Fingerprint, Certificate, bool)>,
    /// How many were verified to find the right one of several installed CAs of one name.
    of_namesakes: usize,
}

impl Signatures {
    /// Whether the key of `above` is known not to have signed `below`.
    pub(super) fn is_wrong(&self, below: &Certificate, above: &Certificate) -> bool {
        let fingerprint = below.fingerprint();
        let mut wrong = self.wrong.iter();
        wrong.any(|(known, by, _)| *known == fingerprint && by.has_key_of(above))
            || self.signed_by_another(below, above)
    }

    /// Whether `below` is known to be signed with another key than that of `above`.
    fn signed_by_another(&self, below: &Certificate, above: &Certificate) -> bool {
        let mut verified = self.verified.iter();
        verified.any(|issued| {
            let (known, by) = issued.pair();
            known == below && !by.has_key_of(above)
        })
    }

    /// Whether the key of `above` is known to have signed `below`.
    pub(super) fn is_verified(&self, below: &Certificate, above: &Certificate) -> bool {
        self.find(below, above).is_some()
    }

    /// Whether the key of some installed CA is known not to have signed `below`.
    pub(super) fn is_wrong_of_installed(&self, below: &Certificate) -> bool {
        let fingerprint = below.fingerprint();
        let mut wrong = self.wrong.iter();
        wrong.any(|(known, _, installed)| *installed && *known == fingerprint)
    }

    /// Verifies that the key of `above` signed `below`, unless that is known already: in this verdict, or since both
    /// were installed.
    pub(super) fn check(
        &mut self,
        case: &Case<'_>,
        below: Link<'_>,
        above: Link<'_>,
        paid: Paid,
    ) -> Result<(), Check> {
        let keys = &case.policy.keys;
        let (lower, upper) = (below.certificate, above.certificate);
        if self.find(lower, upper).is_some() {
            return Ok(());
        }
        if self.is_wrong(lower, upper) {
            return Err(Check::Fell(wrong()));
        }
        if !keys.can_verify(lower, upper) {
            return Err(Check::Fell(explain::not_verifiable(lower, upper)));
        }
        if below.installed {
            match case.view.data().signer(lower) {
                Signer::Is(issued) if keys.stands_by(issued) => {
                    self.verified.push(issued.clone());
                    return if issued.pair().1.has_key_of(upper) {
                        Ok(())
                    } else {
                        Err(Check::Fell(wrong()))
                    };
                }
                Signer::NotInstalled if above.installed => return Err(Check::Fell(wrong())),
                Signer::Is(_) | Signer::NotInstalled | Signer::Unknown => {}
            }
        }
        if paid == Paid::Namesakes && above.installed && !below.installed {
            self.of_namesakes = self.of_namesakes.saturating_add(1);
            work::within(self.of_namesakes, MAX_NAMESAKE_SIGNATURES).map_err(Check::Stopped)?;
        } else {
            let spent = case.work.spend(WORK_OF_SIGNATURE);
            spent.map_err(Check::Stopped)?;
        }
        match keys.verify_issued(lower, upper) {
            Ok(issued) => {
                self.verified.push(issued);
                Ok(())
            }
            Err(SignatureCheck::Verified | SignatureCheck::Wrong | SignatureCheck::Unsupported) => {
                let fact = (lower.fingerprint(), upper.clone(), above.installed);
                self.wrong.push(fact);
                Err(Check::Fell(wrong()))
            }
        }
    }

    /// Whether the key of any issuer is known to have signed `below`.
    pub(super) fn has_issuer(&self, below: &Certificate) -> bool {
        let mut verified = self.verified.iter();
        verified.any(|issued| issued.pair().0 == below)
    }

    fn find(&self, below: &Certificate, above: &Certificate) -> Option<&Issued> {
        self.verified.iter().find(|issued| {
            let (known, by) = issued.pair();
            known == below && by.has_key_of(above)
        })
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
    /// It is wrong or cannot be verified: this path is none.
    Fell(Fall),
    /// Nothing more is tried in this pass: there is no work left, or no other path can be better.
    Stopped(Fall),
}

pub(super) fn wrong() -> Fall {
    let why = "a signature does not verify under the key of the issuer";
    (ReasonCode::ChainSignatureInvalid, Detail::Text(why.into()))
}
