//! The refusal of a chain has a cause among the certificates, lists and entries of the case.

use mutual_trust::ReasonCode as R;
use mutual_trust::store::{Scope, Slot};

use super::model::{Model, lists_serial};
use crate::make::Constraints;

impl Model<'_> {
    /// Whether something is there for which a chain may be refused with this reason.
    pub(super) fn has_witness(&self, reason: R, scope: &Scope) -> bool {
        let leaf = self.spec(self.ask.leaf);
        let mut candidates = self.candidates(scope).into_iter();
        match reason {
            R::UnknownIssuer => !self.names_an_authority(scope, true),
            R::SelfSignedNotInstalled => leaf.subject == leaf.issuer,
            R::CaUsedAsEndEntity | R::AuthorityPresentedAsPeer => leaf.ca.is_some_and(|(ca, _)| ca),
            R::UnparsableEndEntity => leaf.version == 1,
            R::Expired => self.moment_is_past(leaf.to),
            R::NotYetValid => !self.in_period(leaf) && !self.moment_is_past(leaf.to),
            R::IssuerExpired => candidates.any(|at| self.moment_is_past(self.spec(at).to)),
            R::IssuerNotYetValid => candidates.any(|at| !self.in_period(self.spec(at))),
            R::UnknownCriticalExtension => {
                leaf.critical || candidates.any(|at| self.spec(at).critical)
            }
            R::IssuerCannotSign => candidates.any(|at| !self.can_sign(at)),
            R::ChainSignatureInvalid => self.is_named_and_not_signed(),
            R::Blocked => candidates.any(|at| self.is_blocked(at)) || self.entries_fall(reason),
            R::EntryDisabled | R::EntryEnded => self.entries_fall(reason),
            R::NameConstraintViolated => {
                let none = Constraints::default();
                candidates.any(|at| self.spec(at).constraints != none)
            }
            R::NoPatternMatches => {
                let authorities = self.on(Slot::Authority, scope).into_iter();
                let mut patterns = authorities.map(|held| held.entry.options().san_patterns());
                patterns.any(|patterns| !patterns.is_empty())
            }
            R::Revoked => {
                let all = std::iter::once(self.ask.leaf).chain(candidates);
                let mut serials = all.map(|at| &self.spec(at).serial);
                serials.any(|serial| self.lists.iter().any(|list| lists_serial(list, serial)))
            }
            R::RevocationUnknown | R::CrlExpired => candidates.any(|at| self.is_checked(at)),
            R::ProfileViolation => self.ask.strict,
            R::ClockUnset | R::ClockBelowFloor => !self.knows_time(),
            R::AnyExtendedKeyUsageAlone => {
                let mut all = std::iter::once(self.ask.leaf).chain(candidates);
                all.any(|at| self.spec(at).usage.is_some_and(|usage| usage.any))
            }
            // Nothing that is made here has a weak key, or a signature that the provider cannot verify.
            R::KeyNotAllowed
            | R::SignatureAlgorithmUnsupported
            | R::MalformedCertificate
            | R::TooManyCertificates => false,
            // Other targets check near pins and other places of the certificate. What is left
            // depends on bounds, and on the path builder.
            _ => true,
        }
    }

    /// The possible issuers: those installed for the peer, and those that it presents.
    fn candidates(&self, scope: &Scope) -> Vec<usize> {
        let mut all: Vec<usize> = self.ask.chain.clone();
        let installed = [
            (Slot::Authority, scope),
            (Slot::Intermediate, &Scope::Everyone),
        ];
        all.extend(installed.iter().flat_map(|(slot, scope)| {
            let held = self.on(*slot, scope).into_iter();
            held.map(|held| held.at)
        }));
        all
    }

    /// Whether names lead from the leaf to an authority, through intermediates that hold by themselves.
    fn names_an_authority(&self, scope: &Scope, in_bytes: bool) -> bool {
        let authorities = self.on(Slot::Authority, scope);
        let mut reached = vec![self.ask.leaf];
        let mut next = 0;
        while let Some(&below) = reached.get(next) {
            let issuer = self.spec(below).issuer;
            if authorities
                .iter()
                .any(|held| self.spec(held.at).subject == issuer)
            {
                return true;
            }
            for above in self.intermediates() {
                let spelled = self.spec(above).subject_spelling == self.spec(below).issuer_spelling;
                if self.spec(above).subject == issuer
                    && (spelled || !in_bytes)
                    && !reached.contains(&above)
                    && self.may_issue(above)
                {
                    reached.push(above);
                }
            }
            next += 1;
        }
        false
    }

    /// Whether one certificate names another as its issuer that did not sign it.
    fn is_named_and_not_signed(&self) -> bool {
        let all = 0..self.world.specs.len();
        let mut pairs = all
            .clone()
            .flat_map(|below| all.clone().map(move |above| (below, above)));
        pairs.any(|(below, above)| {
            self.spec(below).issuer == self.spec(above).subject && !self.signed(above, below)
        })
    }

    fn can_sign(&self, at: usize) -> bool {
        let spec = self.spec(at);
        spec.version == 3
            && spec.ca.is_some_and(|(ca, _)| ca)
            && spec.key_usage.is_none_or(|usage| usage & 0x04 != 0)
            && self.allows(spec.usage, false)
    }

    fn entries_fall(&self, reason: R) -> bool {
        let mut all = self.held.iter();
        all.any(|held| self.entry_faults(held).contains(&reason))
    }
}
