//! Pins and blocks (rules P1, P2, P5, M1, M3 to M8), and why none matches.

use crate::Reason;
use crate::rules::{Model, Refused, Ruling, no};
use crate::spec::{Spec, value};
use crate::state::{Block, Entry, Scope, Slot};

/// How far the clock of a machine that makes certificates may be ahead (rule M3).
const TOLERANCE: i64 = 5 * 60;

impl Model<'_> {
    /// P5. `None` if no pin matches.
    pub(crate) fn pins(&self, scope: Scope) -> Option<Ruling> {
        let leaf = self.ask.leaf;
        let mut matching: Vec<(usize, &Entry)> = self
            .on(Slot::Pin, scope)
            .filter(|(_, entry)| {
                if entry.by_key {
                    self.spec(entry.at).key == self.leaf().key
                } else {
                    entry.at == leaf
                }
            })
            .collect();
        let fingerprint = |entry: &Entry| &self.state.fingerprints[entry.at];
        matching.sort_by_key(|(_, entry)| (entry.by_key, fingerprint(entry)));
        for (at, entry) in &matching {
            if self.faults(entry).is_empty() {
                let how = match (entry.bare, entry.by_key) {
                    (true, _) => "FingerprintMatched",
                    (false, false) => "PinMatched",
                    (false, true) => "KeyMatched",
                };
                let over = |at: usize| self.is_past(self.spec(at).to);
                return Some(Ruling::Pin {
                    entry: *at,
                    how,
                    grace: over(leaf) || (!entry.bare && over(entry.at)),
                });
            }
        }
        let (at, first) = matching.first()?;
        Some(Ruling::No(Refused {
            reasons: self.at_floor(self.faults(first)),
            pin: Some(*at),
        }))
    }

    /// Each reason why a matching pin may not be used.
    fn faults(&self, entry: &Entry) -> Vec<Reason> {
        let mut faults = self.entry_faults(entry);
        let leaf = self.ask.leaf;
        self.certificate_faults(entry, leaf, &mut faults);
        // M1: for what was presented and for what is installed.
        if !entry.bare && entry.at != leaf {
            self.certificate_faults(entry, entry.at, &mut faults);
        }
        // M1 with I4
        let spec = self.spec(leaf);
        let wrong = spec.broken || spec.signer != spec.key;
        if entry.bare && spec.names_own_key() == Some(true) && wrong {
            faults.push("WrongSelfSignature");
        }
        faults
    }

    /// M3, M4, M6 and M8 for one certificate.
    fn certificate_faults(&self, entry: &Entry, at: usize, faults: &mut Vec<Reason>) {
        let spec = self.spec(at);
        let mut lists = self.state.lists.iter();
        if lists.any(|list| list.is_of_issuer(spec) && list.names(&spec.serial)) {
            faults.push("Revoked");
        }
        if self.known && spec.from > self.moment + TOLERANCE {
            faults.push("NotYetValid");
        }
        if self.is_past(spec.to + entry.grace.unwrap_or(self.ask.demands.grace)) {
            faults.push("Expired");
        }
        if !entry.any_role && !self.allows(spec.usage, true) {
            faults.push("WrongExtendedKeyUsage");
        }
        if spec.critical {
            faults.push("UnknownCriticalExtension");
        }
    }

    /// P1 for what is installed, and whether the entry accepts anything (I8).
    pub(crate) fn entry_faults(&self, entry: &Entry) -> Vec<Reason> {
        let mut faults = Vec::new();
        let blocked = if entry.bare {
            // Only the fingerprint is known, so only a block of the fingerprint counts.
            self.state.blocks.iter().any(|block| match block {
                Block::Fingerprint(at) | Block::Certificate(at) => *at == entry.at,
                Block::Key(_) | Block::IssuerSerial { .. } => false,
            })
        } else {
            self.is_blocked(entry.at)
        };
        if blocked {
            faults.push("Blocked");
        }
        if entry.disabled {
            faults.push("EntryDisabled");
        }
        if entry.end.is_some_and(|end| self.moment >= end) {
            faults.push("EntryEnded");
        }
        faults
    }

    /// P1
    pub(crate) fn is_blocked(&self, at: usize) -> bool {
        let spec = self.spec(at);
        self.state.blocks.iter().any(|block| match block {
            Block::Fingerprint(other) => self.spec(*other).is_variant_of(spec),
            Block::Certificate(other) => {
                let other = self.spec(*other);
                other.is_variant_of(spec) || other.key == spec.key
            }
            Block::Key(key) => *key == spec.key,
            Block::IssuerSerial { issuer, serial } => {
                *issuer == spec.issuer && value(serial) == value(&spec.serial)
            }
        })
    }

    /// M7: what has ended at the floor is refused for the clock.
    fn at_floor(&self, mut reasons: Vec<Reason>) -> Vec<Reason> {
        if !self.known {
            for reason in &mut reasons {
                if is_by_end(reason) {
                    *reason = self.ask.of_clock();
                }
            }
        }
        reasons
    }

    /// No pin of a scope matches, and one is demanded (P2, P7). `level` has the authorities that would be asked of a
    /// server that is not claimed; `ended` says that a migration is over.
    pub(crate) fn no_pin(&self, scope: Scope, level: Option<Scope>, ended: bool) -> Ruling {
        // M1
        let near = self.near_pins(scope);
        if near.contains(&"RenewedWithSameKey") {
            return no(&["RenewedWithSameKey"]);
        }
        let mut reasons = near;
        let clock = self.ask.of_clock();
        reasons.extend(self.elsewhere(Some(scope)));
        if self.ask.is_client() {
            let only = self.ask.demands.pins_only && self.state.holds(Slot::Authority, scope);
            reasons.push(if only { "PinsOnly" } else { "PinDoesNotMatch" });
            return no(&reasons);
        }
        let unusable = |entry: &Entry| {
            let mut faults = self.entry_faults(entry);
            if !entry.bare {
                self.certificate_faults(entry, entry.at, &mut faults);
            }
            faults
        };
        let faults: Vec<_> = self
            .on(Slot::Pin, scope)
            .map(|(_, pin)| unusable(pin))
            .collect();
        if faults.iter().all(|faults| !faults.is_empty()) {
            // P2, and M7 if one of them has ended at the floor; if there is something else against that one as well, either.
            let by_end = |faults: &Vec<Reason>| faults.iter().any(|reason| is_by_end(reason));
            let by_end_alone =
                |faults: &Vec<Reason>| by_end(faults) && faults.iter().all(|one| is_by_end(one));
            let clock_alone = ended || faults.iter().any(by_end_alone);
            if self.known || !clock_alone {
                reasons.push("NoUsablePin");
            }
            if !self.known && (clock_alone || faults.iter().any(by_end)) {
                reasons.push(clock);
            }
        } else {
            reasons.push("PinDoesNotMatch");
            // As if it were not claimed; its names are not compared.
            if let Some(level) = level
                && (self.known || self.ask.demands.without_clock)
                && !self.ends(level).is_empty()
            {
                reasons.push("AuthoritiesNotAsked");
            }
        }
        // M7: of a migration that is over at the floor and may still last.
        if ended && !self.known {
            for reason in &mut reasons {
                if matches!(
                    *reason,
                    "PinDoesNotMatch" | "SameSubjectOtherKey" | "AuthoritiesNotAsked"
                ) {
                    *reason = clock;
                }
            }
        }
        no(&reasons)
    }

    /// Nothing is installed for the peer (P6).
    pub(crate) fn nothing(&self) -> Ruling {
        match self.elsewhere(None) {
            elsewhere if elsewhere.is_empty() => no(&["NothingInstalled"]),
            elsewhere => no(&elsewhere),
        }
    }

    /// What the pins of a scope have in common with the presented certificate, which is none of them.
    pub(crate) fn near_pins(&self, scope: Scope) -> Vec<Reason> {
        let leaf = self.leaf();
        let mut near = Vec::new();
        for (_, pin) in self.on(Slot::Pin, scope).filter(|(_, pin)| !pin.bare) {
            let spec = self.spec(pin.at);
            if spec.key == leaf.key {
                near.extend((!pin.by_key).then_some("RenewedWithSameKey"));
                continue;
            }
            let issued = spec.signed(leaf) && spec.subject_spelling == leaf.issuer_spelling;
            near.extend(issued.then_some("IssuedByPin"));
            near.extend(same_subject(spec, leaf).then_some("SameSubjectOtherKey"));
        }
        near
    }

    /// Where else exactly this certificate is installed: for peers of the same role in another scope, as a CA, or for
    /// the other role.
    pub(crate) fn elsewhere(&self, scope: Option<Scope>) -> Vec<Reason> {
        let all = self.state.entries.iter();
        let held = all.filter(|entry| entry.at == self.ask.leaf && !entry.bare);
        let mut found: Vec<Reason> = Vec::new();
        for entry in held {
            let clients = entry.scope.is_of_clients();
            match entry.slot {
                Slot::Authority | Slot::Intermediate => found.push("AuthorityPresentedAsPeer"),
                Slot::Pin if Some(entry.scope) == scope => {}
                Slot::Pin if clients == Some(self.ask.is_client()) => {
                    found.push("PinOfAnotherServer");
                }
                Slot::Pin => found.push("InstalledForOtherRole"),
            }
        }
        found
    }
}

/// Whether this reason says that something has ended.
pub(crate) fn is_by_end(reason: &str) -> bool {
    matches!(
        reason,
        "Expired" | "EntryEnded" | "IssuerExpired" | "CrlExpired"
    )
}

pub(crate) fn same_subject(one: &Spec, other: &Spec) -> bool {
    (one.subject, one.subject_spelling) == (other.subject, other.subject_spelling)
}
