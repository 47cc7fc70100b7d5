//! All paths from an end entity to the authorities of a scope, and which of them hold (rules C1, C3, C4, P7).

use std::collections::BTreeSet;
use std::net::IpAddr;

use mutual_trust::store::{Scope, Slot};

use super::model::{
    End, Held, Model, is_self_issued, lists_serial, matches_pattern, names_own_key,
};
use super::strict;
use crate::make::{Base, Name, Spec};

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
            // Below an authority, the path builder compares names by their bytes.
            let spelled = self.spec(at).subject_spelling == self.spec(last).issuer_spelling;
            if !again && spelled && self.signed(at, last) && self.intermediate_holds(at, path) {
                path.push(at);
                self.climb(scope, path, found);
                path.pop();
            }
        }
    }

    /// What the peer sent, and the installed intermediates that accept anything.
    pub(super) fn intermediates(&self) -> BTreeSet<usize> {
        let installed = self.on(Slot::Intermediate, &Scope::Everyone).into_iter();
        let alive = installed.filter(|held| self.entry_faults(held).is_empty());
        let mut all: BTreeSet<usize> = alive.map(|held| held.at).collect();
        all.extend(&self.ask.chain);
        all
    }

    pub(super) fn signed(&self, above: usize, below: usize) -> bool {
        let (above, below) = (self.spec(above), self.spec(below));
        below.issuer == above.subject && below.signer == above.key && !below.broken
    }

    /// How many certificates of a path are intermediates; self-issued ones by themselves do not count.
    fn counted(&self, path: &[usize]) -> usize {
        let others = path[1..].iter().map(|at| self.spec(*at));
        others.filter(|spec| !is_self_issued(spec)).count()
    }

    /// C1 for an issuer, wherever it stands.
    pub(super) fn may_issue(&self, at: usize) -> bool {
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
        let own = usize::from(!is_self_issued(self.spec(at)));
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
            && self.patterns_match(held)
    }

    /// P7
    fn patterns_match(&self, held: &Held<'_>) -> bool {
        let patterns = held.entry.options().san_patterns();
        let leaf = self.spec(self.ask.leaf);
        let mut all = patterns.iter().map(ToString::to_string);
        patterns.is_empty() || all.any(|pattern| matches_pattern(leaf, &pattern))
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
            .any(|list| lists_serial(list, &certificate.serial))
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
                && lists_serial(list, &spec.serial)
        })
    }

    /// Whether a verdict might come to a limit: of what the peer presents and nobody installed, more could be the issuers
    /// of others, or have issuers, than it verifies. What is installed is no excuse.
    pub(super) fn is_laborious(&self) -> bool {
        let installed = |at: usize| {
            let mut others = [Slot::Authority, Slot::Intermediate].into_iter();
            others.any(|slot| self.holds(slot, at))
        };
        let presented: Vec<usize> = self
            .ask
            .chain
            .iter()
            .copied()
            .filter(|at| !installed(*at))
            .collect();
        let all = 0..self.world.specs.len();
        let pairs = all
            .clone()
            .flat_map(|below| all.clone().map(move |above| (below, above)));
        let named =
            pairs.filter(|(below, above)| self.spec(*below).issuer == self.spec(*above).subject);
        let named =
            named.filter(|(below, above)| presented.contains(below) || presented.contains(above));
        named.count() > CHEAP
    }
}

/// Name constraints of an issuer, on DNS names and addresses, for all certificates below it.
fn permits<'a>(issuer: &Spec, below: impl Iterator<Item = &'a Spec>) -> bool {
    let constraints = &issuer.constraints;
    below.flat_map(|spec| &spec.names).all(|name| {
        let of_form = |base: &&Base| match name {
            Name::Dns(_) => matches!(base, Base::Dns(_)),
            Name::Ip(_) => matches!(base, Base::Ip(..)),
            Name::Uri(_) => false,
        };
        let mut permitted = constraints.permitted.iter().filter(of_form).peekable();
        let mut excluded = constraints.excluded.iter().filter(of_form).peekable();
        // What is no DNS name can't be compared with a constraint on DNS names.
        let text = matches!(name, Name::Dns(name) if name.contains([',', ':']));
        if text && (permitted.peek().is_some() || excluded.peek().is_some()) {
            return false;
        }
        (permitted.peek().is_none() || permitted.any(|base| is_within(name, *base, false)))
            && !excluded.any(|base| is_within(name, *base, true))
    })
}

/// Whether a name is in a subtree; a wildcard stands for an `excluded` name as well.
fn is_within(name: &Name, base: Base, excluded: bool) -> bool {
    match (name, base) {
        (Name::Dns(name), Base::Dns(base)) => {
            let under = name.strip_suffix(base);
            let wild = name.strip_prefix("*.");
            under.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                || (excluded
                    && wild.is_some()
                    && base.split_once('.').map(|(_, rest)| rest) == wild)
        }
        // As they are encoded: an address of 16 bytes is in no subtree of 4 bytes, mapped or not.
        (Name::Ip(address), Base::Ip(base, prefix)) => match (address, base) {
            (IpAddr::V4(address), IpAddr::V4(base)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                address.to_bits() & mask == base.to_bits() & mask
            }
            (IpAddr::V6(address), IpAddr::V6(base)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                address.to_bits() & mask == base.to_bits() & mask
            }
            _ => false,
        },
        _ => false,
    }
}
