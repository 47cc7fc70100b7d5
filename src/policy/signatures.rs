//! The signatures that one verdict verifies: each at most once, and not more than the limits allow (rule C5).

use super::timing::Fall;
use super::work::Work;
use super::{Detail, ReasonCode, explain};
use crate::certificate::{Certificate, Fingerprint, Issued, KeyPolicy, SignatureCheck};
use crate::limits::{MAX_NAMESAKE_SIGNATURES, WORK_OF_SIGNATURE};

/// What has been found of pairs of certificates so far, and what it cost.
#[derive(Default)]
pub(super) struct Signatures {
    verified: Vec<Issued>,
    /// Certificates with keys that did not sign them.
    wrong: Vec<(Fingerprint, Certificate)>,
    /// How many were verified for want of the right one of several authorities of one name.
    of_namesakes: usize,
}

impl Signatures {
    /// Whether the key of `above` is known not to have signed `below`.
    pub(super) fn is_wrong(&self, below: &Certificate, above: &Certificate) -> bool {
        let mut wrong = self.wrong.iter();
        wrong.any(|(known, by)| *known == below.fingerprint() && by.has_key_of(above))
    }

    /// Verifies that the key of `above` signed `below`, unless that is known already.
    ///
    /// A further authority of a name whose other keys did not sign `below` counts among the namesakes: they are the
    /// administrator's own, and a peer chooses none of them.
    pub(super) fn check(
        &mut self,
        keys: &KeyPolicy,
        below: &Certificate,
        above: &Certificate,
        namesake: bool,
        work: &mut Work,
    ) -> Result<(), Fall> {
        if self.find(below, above).is_some() {
            return Ok(());
        }
        if self.is_wrong(below, above) {
            return Err(wrong());
        }
        if !keys.can_verify(below, above) {
            return Err(explain::not_verifiable(below, above));
        }
        let again = namesake
            && self
                .wrong
                .iter()
                .any(|(known, _)| *known == below.fingerprint());
        if again {
            self.of_namesakes = self.of_namesakes.saturating_add(1);
            work.within(self.of_namesakes, MAX_NAMESAKE_SIGNATURES)?;
        } else {
            work.spend(WORK_OF_SIGNATURE)?;
        }
        match keys.verify_issued(below, above) {
            Ok(issued) => {
                self.verified.push(issued);
                Ok(())
            }
            Err(SignatureCheck::Verified | SignatureCheck::Wrong | SignatureCheck::Unsupported) => {
                self.wrong.push((below.fingerprint(), above.clone()));
                Err(wrong())
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

fn wrong() -> Fall {
    let why = "a signature does not verify under the key of the issuer";
    (ReasonCode::ChainSignatureInvalid, Detail::Text(why.into()))
}
