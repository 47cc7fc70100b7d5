//! Revocation lists in the store and in a model of rule C4: which lists are held, and which issuers are checked.

use core::fmt::Debug;
use std::collections::BTreeSet;

use mutual_trust::TrustStore;
use mutual_trust::certificate::Crl;
use mutual_trust::error::StoreError;
use mutual_trust::store::{CrlIssuer, Report, Slot};

use super::facts::{Expected, Facts, done_if};
use super::pool::{days, pool};
use crate::make::{Der, List, Spelling};
use crate::snapshot::Snapshot;

/// How many lists each issuer makes, one after the other.
pub const LISTS: u8 = 6;

/// An issuer is given by one of its items, a list by its number.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Install(usize, u8),
    Remove(usize, u8),
    Stop(usize),
}

/// A name and a key make an issuer.
type Issuer = (&'static str, u8);

#[derive(Default)]
pub struct Lists {
    held: BTreeSet<(Issuer, u8)>,
    checked: BTreeSet<Issuer>,
}

fn issuer(item: usize) -> Issuer {
    (pool()[item].subject, pool()[item].key)
}

fn this_update(number: u8) -> i64 {
    days(-350) + i64::from(number) * (days(100) - days(0))
}

fn made((name, key): Issuer, number: u8) -> Crl {
    let list = List {
        issuer: name,
        signer: key,
        number,
        this_update: this_update(number),
        next_update: this_update(number) + (days(300) - days(0)),
        serials: vec![vec![number + 10]],
        broken: false,
        spelling: Spelling::default(),
    };
    Crl::from_der(&list.der()).expect("it is a list")
}

impl Lists {
    /// Whether no certificate is checked.
    pub fn is_empty(&self) -> bool {
        self.checked.is_empty()
    }

    pub fn apply(store: &mut TrustStore, act: &Act) -> Result<Report, StoreError> {
        match *act {
            Act::Install(item, number) => store.install_crl(made(issuer(item), number)),
            Act::Remove(item, number) => store.remove_crl(made(issuer(item), number).fingerprint()),
            Act::Stop(item) => {
                store.disable_revocation_checks(&CrlIssuer::of(&pool()[item].certificate))
            }
        }
    }

    /// A list that is not valid yet replaces no list, and keeps no list out.
    fn has_begun(facts: &Facts, number: u8) -> bool {
        match facts.judged(facts.now) {
            (Some(now), true) => this_update(number) <= now + 300,
            _ => true,
        }
    }

    fn of(&self, issuer: Issuer) -> Vec<u8> {
        let held = self.held.iter().filter(|(one, _)| *one == issuer);
        held.map(|(_, number)| *number).collect()
    }

    pub fn expect(&self, facts: &Facts, act: &Act) -> Expected {
        match *act {
            Act::Install(item, number) => {
                let issuer = issuer(item);
                if self.held.contains(&(issuer, number)) {
                    return Expected::Done;
                }
                // Signed by an installed CA that is not blocked and may sign lists: all but one of the pool.
                let signs = facts.entries.iter().any(|held| {
                    let one = &pool()[held.item];
                    held.key.slot != Slot::Pin
                        && (one.subject, one.key) == issuer
                        && one.name != "s2"
                        && !facts.is_blocked(held.item)
                });
                let older = self
                    .of(issuer)
                    .iter()
                    .any(|held| *held > number && Self::has_begun(facts, *held));
                done_if(signs && !older)
            }
            Act::Remove(item, number) => done_if(self.held.contains(&(issuer(item), number))),
            Act::Stop(item) => done_if(self.checked.contains(&issuer(item))),
        }
    }

    pub fn effect(&mut self, facts: &Facts, act: &Act) {
        match *act {
            Act::Install(item, number) => {
                let issuer = issuer(item);
                // As with any entry, the same one again changes nothing.
                if self.held.contains(&(issuer, number)) {
                    return;
                }
                if Self::has_begun(facts, number) {
                    self.held
                        .retain(|(one, held)| *one != issuer || *held > number);
                }
                self.held.insert((issuer, number));
                self.checked.insert(issuer);
            }
            // The issuer stays checked.
            Act::Remove(item, number) => drop(self.held.remove(&(issuer(item), number))),
            Act::Stop(item) => {
                let issuer = issuer(item);
                self.checked.remove(&issuer);
                self.held.retain(|(one, _)| *one != issuer);
            }
        }
    }

    /// Panics unless the store holds the same lists and checks the same issuers.
    pub fn compare(&self, store: &Snapshot, act: &dyn Debug) {
        let held: BTreeSet<Vec<u8>> = store.crls.iter().map(|list| list.1.clone()).collect();
        let expected = self
            .held
            .iter()
            .map(|(issuer, number)| made(*issuer, *number).der().to_vec());
        assert_eq!(held, expected.collect(), "lists after {act:?}");
        let known = |issuer: &Issuer| {
            let mut items = pool().iter();
            let item = items.find(|item| (item.subject, item.key) == *issuer);
            CrlIssuer::of(&item.expect("it was named by an item").certificate)
        };
        let expected: BTreeSet<CrlIssuer> = self.checked.iter().map(known).collect();
        assert_eq!(
            store.checked.iter().cloned().collect::<BTreeSet<_>>(),
            expected,
            "after {act:?}"
        );
    }
}
