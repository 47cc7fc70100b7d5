//! All paths from an end entity to the authorities of a scope, and which of them hold (rules C1, C3, C4, P7).

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::rules::{End, Model};
use crate::spec::{Base, List, Name, Spec};
use crate::state::{Entry, Scope, Slot};
use crate::strict;

/// What the path builder builds.
const MOST_INTERMEDIATES: usize = 6;

/// Work that one verdict may do beyond what the model counts: signatures that it verifies for certain.
const CHEAP: usize = 7;

/// How far the clock of a machine that makes lists may be ahead (rule C4).
const TOLERANCE: i64 = 5 * 60;

impl Model<'_> {
    pub(crate) fn ends(&self, scope: Scope) -> Vec<End> {
        let mut found = Vec::new();
        if self.leaf_holds() {
            self.climb(scope, &mut vec![self.ask.leaf], &mut found);
        }
        found
    }

    /// C1 and C3 for the end entity.
    fn leaf_holds(&self) -> bool {
        let leaf = self.leaf();
        leaf.version == 3
            && !leaf.is_ca()
            && !leaf.critical
            && self.in_period(leaf)
            // The path builder does not read anyExtendedKeyUsage.
            && self.allows(leaf.usage, false)
            && (!self.ask.demands.strict || strict::leaf(leaf))
    }

    fn climb(&self, scope: Scope, path: &mut Vec<usize>, found: &mut Vec<End>) {
        let last = path[path.len() - 1];
        for (number, entry) in self.on(Slot::Authority, scope) {
            if self.signed(entry.at, last) && self.authority_holds(entry, path) {
                let mut whole = path.clone();
                whole.push(entry.at);
                if self.path_holds(&whole) {
                    found.push((number, whole));
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
    pub(crate) fn intermediates(&self) -> BTreeSet<usize> {
        let installed = self.on(Slot::Intermediate, Scope::Everyone);
        let alive = installed.filter(|(_, entry)| self.entry_faults(entry).is_empty());
        let mut all: BTreeSet<usize> = alive.map(|(_, entry)| entry.at).collect();
        all.extend(&self.ask.chain);
        all
    }

    pub(crate) fn signed(&self, above: usize, below: usize) -> bool {
        self.spec(above).signed(self.spec(below))
    }

    /// How many certificates of a path are intermediates; self-issued ones by themselves do not count.
    fn counted(&self, path: &[usize]) -> usize {
        let others = path[1..].iter().map(|at| self.spec(*at));
        others.filter(|spec| !spec.is_self_issued()).count()
    }

    /// C1 for an issuer, wherever it stands.
    pub(crate) fn may_issue(&self, at: usize) -> bool {
        let spec = self.spec(at);
        spec.version == 3
            && spec.is_ca()
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
        let own = usize::from(!self.spec(at).is_self_issued());
        let most = self.ask.demands.most.unwrap_or(MOST_INTERMEDIATES);
        self.may_issue(at)
            && self.allows(self.spec(at).usage, false)
            // The path builder counts self-issued ones as well.
            && below.len() - 1 <= self.length(at)
            && self.counted(below) + own <= most
            && (!self.ask.demands.strict || strict::intermediate(self.spec(at)))
    }

    fn authority_holds(&self, entry: &Entry, below: &[usize]) -> bool {
        self.entry_faults(entry).is_empty()
            && self.may_issue(entry.at)
            && self.counted(below) <= self.length(entry.at)
            && (!self.ask.demands.strict || strict::authority(self.spec(entry.at)))
            && self.patterns_match(entry)
    }

    /// P7
    fn patterns_match(&self, entry: &Entry) -> bool {
        let mut all = entry.patterns.iter();
        let leaf = self.leaf();
        entry.patterns.is_empty() || all.any(|pattern| matches_pattern(leaf, pattern))
    }

    /// What depends on more than one certificate.
    fn path_holds(&self, path: &[usize]) -> bool {
        let pairs = || path.iter().copied().zip(path[1..].iter().copied());
        let authority = path[path.len() - 1];
        pairs().all(|(below, above)| self.may_tell_of(below, above))
            && !self.is_revoked_authority(authority)
            && (1..path.len()).all(|at| {
                let below = path[..at].iter().map(|at| self.spec(*at));
                permits(self.spec(path[at]), below)
            })
            && (!self.ask.demands.strict
                || pairs().all(|(below, above)| strict::pair(self.spec(below), self.spec(above))))
    }

    /// C4: neither revoked nor unknown.
    fn may_tell_of(&self, below: usize, above: usize) -> bool {
        let (certificate, issuer) = (self.spec(below), self.spec(above));
        let own = |list: &&List| (list.issuer, list.signer) == (issuer.subject, issuer.key);
        let mut lists = self.state.lists.iter().filter(own);
        if lists.clone().any(|list| list.names(&certificate.serial)) {
            return false;
        }
        let signs = issuer.key_usage.is_none_or(|usage| usage & 0x02 != 0);
        !self.is_checked(above) || (signs && lists.any(|list| self.tells(list)))
    }

    /// C4: whether a list is read at this moment, perhaps in its grace.
    fn tells(&self, list: &List) -> bool {
        let begun = !self.known || list.this_update <= self.moment + TOLERANCE;
        begun && self.moment < list.next_update + self.ask.demands.crl_grace
    }

    /// C4: whether a list of the path counts by its grace alone.
    pub fn is_in_crl_grace(&self, path: &[usize]) -> bool {
        path[1..].iter().any(|above| {
            let issuer = self.spec(*above);
            let own = |list: &&List| (list.issuer, list.signer) == (issuer.subject, issuer.key);
            let mut lists = self.state.lists.iter().filter(own).peekable();
            lists.peek().is_some() && lists.all(|list| self.moment >= list.next_update)
        })
    }

    pub(crate) fn is_checked(&self, issuer: usize) -> bool {
        let issuer = self.spec(issuer);
        let name = (issuer.subject, issuer.key);
        self.ask.demands.require_crl || self.state.checked.contains(&name)
    }

    /// C1: an authority that an installed list of its issuer names.
    fn is_revoked_authority(&self, at: usize) -> bool {
        let spec = self.spec(at);
        self.state.lists.iter().any(|list| {
            let other = spec.names_own_key() == Some(true) && list.signer != spec.key;
            list.is_of_issuer(spec) && !other && list.names(&spec.serial)
        })
    }

    /// Whether a verdict may reach a limit: more presented certificates could be issuers, or could have issuers, than a
    /// verdict verifies. Installed certificates do not count.
    pub fn is_laborious(&self) -> bool {
        let installed = |at: usize| {
            let mut entries = self.state.entries.iter();
            entries.any(|entry| entry.slot != Slot::Pin && entry.at == at)
        };
        let presented = self.ask.chain.iter().copied();
        let presented: Vec<usize> = presented.filter(|at| !installed(*at)).collect();
        let all = 0..self.state.certificates.len();
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

/// P7, for the patterns that there are.
fn matches_pattern(spec: &Spec, pattern: &str) -> bool {
    let mut names = spec.names.iter();
    names.any(|name| match pattern {
        "dns:*.kms.example" => matches!(name, Name::Dns("a.kms.example" | "b.kms.example")),
        "ip:192.0.2.1" => matches!(name, Name::Ip(address) if address.to_string() == "192.0.2.1"),
        _ => matches!(name, Name::Dns(name) if pattern.strip_prefix("dns:") == Some(*name)),
    })
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
        // Only a DNS name can be compared with a constraint on DNS names.
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
