//! A member of the fleet: it takes over what a publisher has signed, wherever it comes from.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mutual_trust::admin::bundle::{FleetMember, KeySet, MemberState, Part, Publication};
use mutual_trust::{DurableStore, Fingerprint};
use mutual_trust_fleet::{Agent, NodeName, Transport};

use crate::Outcome;
use crate::console::causes;

/// A store that takes over publications. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Member {
    /// The name by which it reports what it holds.
    node: NodeName,
    store: Arc<Mutex<DurableStore>>,
    /// The sources whose last answer was good.
    heard: Arc<Mutex<BTreeSet<String>>>,
}

impl Member {
    pub(crate) fn new(node: &str, store: DurableStore) -> Outcome<Self> {
        Ok(Self {
            node: node.parse()?,
            store: Arc::new(Mutex::new(store)),
            heard: Arc::default(),
        })
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, DurableStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins with the newest key set of a publication, if its digest is the one that an administrator of the fleet has
    /// read out, and takes the publication over.
    pub(crate) fn join(&self, part: Part, publication: &[u8], heard: Fingerprint) -> Outcome<()> {
        let mut store = self.store();
        let newest = newest(&Publication::read(publication)?)?;
        let mut member = FleetMember::join(&mut store, newest, heard, part)?;
        let _ = member.take_over(publication, &mut store)?;
        Ok(())
    }

    pub(crate) fn is_joined(&self) -> Outcome<bool> {
        Ok(!FleetMember::fleets(&self.store())?.is_empty())
    }

    fn open(store: &mut DurableStore) -> Outcome<FleetMember> {
        let fleets = FleetMember::fleets(store)?;
        let fleet = fleets.first().ok_or("this store has joined no fleet")?;
        Ok(FleetMember::open(store, fleet)?)
    }

    /// Takes over a publication that an administrator brings.
    pub(crate) fn take_over(&self, publication: &[u8]) -> Outcome<()> {
        let mut store = self.store();
        let _ = Self::open(&mut store)?.take_over(publication, &mut store)?;
        Ok(())
    }

    /// Takes over what comes from a source, in a thread of its own.
    ///
    /// Several sources need no order, and the faults of one do not delay another: signatures and sequence decide what is
    /// newer, and an old publication is refused.
    pub(crate) fn follow(&self, name: &str, source: impl Transport + 'static) -> Outcome<()> {
        let member = Self::open(&mut self.store())?;
        let (heard, name) = (self.heard.clone(), name.to_owned());
        let agent = Agent::new(source, member, self.store.clone()).with_reports(self.node.clone());
        let agent = agent.with_handler(move |done| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            match done {
                Ok(_) => {
                    heard.insert(name.clone());
                }
                Err(error) => {
                    heard.remove(&name);
                    eprintln!("from {name}: {}", causes(error));
                }
            }
        });
        // Its handle shows its health, and stops it. Here it runs until the process ends.
        let (_handle, _thread) = agent.spawn()?;
        Ok(())
    }

    /// What it holds. `None` if it has joined no fleet.
    pub(crate) fn state(&self) -> Option<MemberState> {
        let fleets = self.store().health().fleets;
        fleets.into_iter().next().map(|fleet| fleet.state)
    }

    /// The newest publication that it has verified.
    pub(crate) fn newest(&self) -> Outcome<Vec<u8>> {
        let member = Self::open(&mut self.store())?;
        let newest = member.publication().map(<[u8]>::to_vec);
        Ok(newest.ok_or("nothing was taken over yet")?)
    }

    /// Its state, in words of the form `what=value`.
    pub(crate) fn shown(&self) -> String {
        let state = self.state();
        let key_set = state.as_ref().map_or(0, |state| state.keys_version);
        // What is applied counts: it is in force.
        let applied = state.and_then(|state| state.applied);
        let sequence = applied.map_or(0, |applied| applied.sequence);
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = heard.iter().cloned().collect::<Vec<_>>().join(",");
        format!("sequence={sequence} key-set={key_set} heard={heard}")
    }
}

/// The newest key set of a publication.
pub(crate) fn newest(publication: &Publication) -> Outcome<KeySet> {
    let newest = publication.key_sets().last().cloned();
    Ok(newest.ok_or("a publication has a key set")?)
}
