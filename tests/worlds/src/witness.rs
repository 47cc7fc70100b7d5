//! The refusal of a chain has a cause among the certificates, lists and entries of the case.

use crate::Reason;
use crate::pins::is_by_end;
use crate::rules::Model;
use crate::spec::Constraints;
use crate::state::{Entry, Scope, Slot};

impl Model<'_> {
    /// Whether something is there for which a chain may be refused with this reason: in a search for authorities of
    /// `scope`, of a peer that could have presented one of `pins` instead.
    pub fn has_witness(&self, reason: Reason, scope: Scope, pins: Option<Scope>) -> bool {
        let leaf = self.leaf();
        let mut candidates = self.candidates(scope).into_iter();
        let entries_fall = || {
            let at = |entry: &Entry| self.entry_faults(entry).contains(&reason);
            self.state.entries.iter().any(at)
        };
        match reason {
            // M7: while the clock does not count, what has ended is refused for the clock.
            _ if is_by_end(reason) && !self.known => false,
            "UnknownIssuer" => !self.names_an_authority(scope),
            "SelfSignedNotInstalled" => leaf.names_own_key() == Some(true),
            "CaUsedAsEndEntity" => leaf.is_ca(),
            "UnparsableEndEntity" => leaf.version == 1,
            "Expired" => self.is_past(leaf.to),
            "NotYetValid" => !self.in_period(leaf) && !self.is_past(leaf.to),
            "IssuerExpired" => candidates.any(|at| self.is_past(self.spec(at).to)),
            "IssuerNotYetValid" => candidates.any(|at| !self.in_period(self.spec(at))),
            "UnknownCriticalExtension" => {
                leaf.critical || candidates.any(|at| self.spec(at).critical)
            }
            "WrongExtendedKeyUsage" => {
                !self.allows(leaf.usage, false)
                    || candidates.any(|at| !self.allows(self.spec(at).usage, false))
            }
            "AnyExtendedKeyUsageAlone" => {
                let mut all = std::iter::once(self.ask.leaf).chain(candidates);
                all.any(|at| self.spec(at).usage.is_some_and(|usage| usage.any))
            }
            "IssuerCannotSign" => candidates.any(|at| !self.can_sign(at)),
            "ChainSignatureInvalid" => self.is_named_and_not_signed(),
            "Blocked" => candidates.any(|at| self.is_blocked(at)) || entries_fall(),
            "EntryDisabled" | "EntryEnded" => entries_fall(),
            "NameConstraintViolated" => {
                let none = Constraints::default();
                candidates.any(|at| self.spec(at).constraints != none)
            }
            "NoPatternMatches" => {
                let mut authorities = self.on(Slot::Authority, scope);
                authorities.any(|(_, entry)| !entry.patterns.is_empty())
            }
            "Revoked" => {
                let all = std::iter::once(self.ask.leaf).chain(candidates);
                let mut serials = all.map(|at| &self.spec(at).serial);
                serials.any(|serial| self.state.lists.iter().any(|list| list.names(serial)))
            }
            "RevocationUnknown" | "CrlExpired" => candidates.any(|at| self.is_checked(at)),
            "ProfileViolation" => self.ask.demands.strict,
            // M7
            "ClockUnset" | "ClockBelowFloor" => !self.known && reason == self.ask.of_clock(),
            "AuthorityPresentedAsPeer" | "PinOfAnotherServer" | "InstalledForOtherRole" => {
                self.elsewhere(pins).contains(&reason)
            }
            "RenewedWithSameKey" | "IssuedByPin" | "SameSubjectOtherKey" => {
                pins.is_some_and(|pins| self.near_pins(pins).contains(&reason))
            }
            // Bounds, and what the path builder cannot do.
            "PathTooLong"
            | "TooManyPaths"
            | "PathRefused"
            | "ConstraintFormUnsupported"
            | "TooManyConstraints" => true,
            // Nothing else refuses a chain; nothing that is made here has a weak key, or a signature that the provider
            // cannot verify.
            _ => false,
        }
    }

    /// The possible issuers: those installed for the peer, and those that it presents.
    fn candidates(&self, scope: Scope) -> Vec<usize> {
        let mut all: Vec<usize> = self.ask.chain.clone();
        for (slot, scope) in [
            (Slot::Authority, scope),
            (Slot::Intermediate, Scope::Everyone),
        ] {
            all.extend(self.on(slot, scope).map(|(_, entry)| entry.at));
        }
        all
    }

    /// Whether names lead from the leaf to an authority, through intermediates that hold by themselves.
    fn names_an_authority(&self, scope: Scope) -> bool {
        let mut reached = vec![self.ask.leaf];
        let mut next = 0;
        while let Some(&below) = reached.get(next) {
            let issuer = self.spec(below).issuer;
            let mut authorities = self.on(Slot::Authority, scope);
            if authorities.any(|(_, entry)| self.spec(entry.at).subject == issuer) {
                return true;
            }
            for above in self.intermediates() {
                let spelled = self.spec(above).subject_spelling == self.spec(below).issuer_spelling;
                if self.spec(above).subject == issuer
                    && spelled
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
        let all = || self.state.certificates.iter();
        all().any(|below| all().any(|above| below.issuer == above.subject && !above.signed(below)))
    }

    fn can_sign(&self, at: usize) -> bool {
        let spec = self.spec(at);
        spec.version == 3
            && spec.is_ca()
            && spec.key_usage.is_none_or(|usage| usage & 0x04 != 0)
            && self.allows(spec.usage, false)
    }
}
