//! All paths from an end entity to the authorities of a scope, and which of them hold (rules C1, C3, C4, P7).

use std::collections::BTreeSet;

use mutual_trust::store::{Scope, Slot};

use super::model::{End, Held, Model, matches_pattern, names_own_key};
use super::strict;
use crate::make::{Name, Spec};

/// What the path builder builds.
const MOST_INTERMEDIATES: usize = 6;

/// Work that one verdict may do beyond what the model counts: signatures that it verifies for certain.
const CHEAP: usize = 7;

impl Model<'_> {
    pub(super) fn ends(&self, scope: &Scope) -> Vec<End> {
        let mut found = Vec::new();
        if self.leaf_holds() {
            self.climb(scope, &mut vec![self.ask.leaf], &mut found);
        }
        found
    }

    /// C1 and C3 for the end entity.
    fn leaf_holds(&self) -> bool {
        let leaf = self.spec(self.ask.leaf);
        leaf.version == 3
            && !leaf.ca.is_some_and(|(ca, _)| ca)
            && !leaf.critical
            && self.in_period(leaf)
            // The path builder does not read anyExtendedKeyUsage.
            && self.allows(leaf.usage, false)
            && (!self.ask.strict || strict::leaf(leaf))
    }

    fn climb(&self, scope: &Scope, path: &mut Vec<usize>, found: &mut Vec<End>) {
        let last = path[path.len() - 1];
        for held in self.on(Slot::Authority, scope) {
            if self.signed(held.at, last) && self.authority_holds(held, path) {
                let mut whole = path.clone();
                whole.push(held.at);
                if self.path_holds(&whole) {
                    found.push((held.entry.key().clone(), whole));
                }
            }
        }
        if path.len() > MOST_INTERMEDIATES {
            return;
        }
        for at in self.intermediates() {
            let again = path.iter().any(|used| {
                let (used, next) = (self.spec(*used), self.spec(at));
                (used.subject, used.key) == (next.subject, next.key)
            });
            if !again && self.signed(at, last) && self.intermediate_holds(at, path) {
                path.push(at);
                self.climb(scope, path, found);
                path.pop();
            }
        }
    }

    /// What the peer sent, and the installed intermediates that accept anything.
    fn intermediates(&self) -> BTreeSet<usize> {
        let installed = self.on(Slot::Intermediate, &Scope::Everyone).into_iter();
        let alive = installed.filter(|held| self.entry_faults(held).is_empty());
        let mut all: BTreeSet<usize> = alive.map(|held| held.at).collect();
        all.extend(&self.ask.chain);
        all
    }

    fn signed(&self, above: usize, below: usize) -> bool {
        let (above, below) = (self.spec(above), self.spec(below));
        below.issuer == above.subject && below.signer == above.key && !below.broken
    }

    /// How many certificates of a path are intermediates; self-issued ones by themselves do not count.
    fn counted(&self, path: &[usize]) -> usize {
        let others = path[1..].iter().map(|at| self.spec(*at));
        others.filter(|spec| spec.subject != spec.issuer).count()
    }

    /// C1 for an issuer, wherever it stands.
    fn may_issue(&self, at: usize) -> bool {
        let spec = self.spec(at);
        spec.version == 3
            && spec.ca.is_some_and(|(ca, _)| ca)
            && spec.key_usage.is_none_or(|usage| usage & 0x04 != 0)
            && !spec.critical
            && self.in_period(spec)
            && !self.is_blocked(at)
            && self.allows(spec.usage, true)
    }

    fn length(&self, at: usize) -> usize {
        let length = self.spec(at).ca.and_then(|(_, length)| length);
        length.map_or(usize::MAX, usize::from)
    }

    fn intermediate_holds(&self, at: usize, below: &[usize]) -> bool {
        let own = usize::from(self.spec(at).subject != self.spec(at).issuer);
        self.may_issue(at)
            && self.allows(self.spec(at).usage, false)
            // The path builder counts self-issued ones as well.
            && below.len() - 1 <= self.length(at)
            && self.counted(below) + own <= self.ask.most.unwrap_or(MOST_INTERMEDIATES)
            && (!self.ask.strict || strict::intermediate(self.spec(at)))
    }

    fn authority_holds(&self, held: &Held<'_>, below: &[usize]) -> bool {
        self.entry_faults(held).is_empty()
            && self.may_issue(held.at)
            && self.counted(below) <= self.length(held.at)
            && (!self.ask.strict || strict::authority(self.spec(held.at)))
            && (held.entry.options().get_san_patterns().is_empty()
                || matches_pattern(self.spec(self.ask.leaf)))
    }

    /// What depends on more than one certificate.
    fn path_holds(&self, path: &[usize]) -> bool {
        let pairs = || path.iter().copied().zip(path[1..].iter().copied());
        let authority = path[path.len() - 1];
        let named = pairs().all(|(below, above)| self.may_tell_of(below, above));
        named
            && !self.is_revoked_authority(authority)
            && (1..path.len()).all(|at| {
                permits(
                    self.spec(path[at]),
                    path[..at].iter().map(|at| self.spec(*at)),
                )
            })
            && (!self.ask.strict
                || pairs().all(|(below, above)| strict::pair(self.spec(below), self.spec(above))))
    }

    /// C4: neither revoked nor unknown.
    fn may_tell_of(&self, below: usize, above: usize) -> bool {
        let (certificate, issuer) = (self.spec(below), self.spec(above));
        let mut lists = self.lists.iter();
        let own =
            |list: &&&crate::make::List| (list.issuer, list.signer) == (issuer.subject, issuer.key);
        if lists
            .clone()
            .filter(own)
            .any(|list| list.serials.contains(&certificate.serial))
        {
            return false;
        }
        let signs = issuer.key_usage.is_none_or(|usage| usage & 0x02 != 0);
        !self.is_checked(above) || (signs && lists.any(|list| own(&list) && self.tells(list)))
    }

    /// C1: an authority that an installed list of its issuer names.
    fn is_revoked_authority(&self, at: usize) -> bool {
        let spec = self.spec(at);
        self.lists.iter().any(|list| {
            let other = names_own_key(spec) == Some(true) && list.signer != spec.key;
            list.issuer == spec.issuer
                && spec.authority_key.is_none_or(|key| key == list.signer)
                && !other
                && list.serials.contains(&spec.serial)
        })
    }

    /// Whether a verdict might come to a limit: more certificates than it can verify could be the issuers of others.
    pub(super) fn is_laborious(&self) -> bool {
        let all = 0..self.world.specs.len();
        let pairs = all
            .clone()
            .flat_map(|below| all.clone().map(move |above| (below, above)));
        let named =
            pairs.filter(|(below, above)| self.spec(*below).issuer == self.spec(*above).subject);
        named.count() > CHEAP
    }
}

/// Name constraints of an issuer, on DNS names, for all certificates below it.
fn permits<'a>(issuer: &Spec, below: impl Iterator<Item = &'a Spec>) -> bool {
    let within = |name: &str, base: &&str| {
        name.strip_suffix(*base)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    // A wildcard stands for the excluded name as well.
    let wild = |name: &str, base: &str| {
        let parent = name.strip_prefix("*.");
        parent.is_some() && base.split_once('.').map(|(_, rest)| rest) == parent
    };
    let constraints = &issuer.constraints;
    below.flat_map(|spec| &spec.names).all(|name| match name {
        Name::Dns(name) => {
            let permitted = constraints.permitted.is_empty()
                || constraints.permitted.iter().any(|base| within(name, base));
            permitted
                && !constraints
                    .excluded
                    .iter()
                    .any(|base| within(name, base) || wild(name, base))
        }
        Name::Ip(_) | Name::Uri(_) => true,
    })
}
