//! Members of a fleet: nodes that take bundles over into their stores (rule S6).

pub(crate) mod error;
mod health;
mod kept;
mod records;
mod run;
mod sealing;
mod state;
mod stored;
mod taken;
mod text;
mod told;

pub use health::{FleetHealth, HeldBundle, MemberState};
pub use taken::TakeOver;

use super::error::BundleError;
use super::{FleetId, KeySet, Part};
use crate::admin::DurableStore;
use crate::admin::file::Seal;
use crate::admin::follow::{FollowGuard, LockedOut, OF_FLEETS};
use crate::certificate::Fingerprint;
use crate::certificate::error::with_causes;
use crate::policy::Policy;
use crate::store::fleet::Notice;
use crate::store::{Truncated, TrustStore};
use error::MemberError;
use kept::{FILE, Filed};
use pki_types::UnixTime;
use records::Records;
use state::State;
use std::sync::Arc;
use stored::{Stored, check_stored, stored};

use crate::admin::durable::Beside;

pub(in crate::admin) use kept::is_member;

/// What is asked of a store with a bundle, in its history.
const TAKE_OVER: &str = "take over ";
/// What is asked of a store that leaves a fleet, in its history.
const LEAVE: &str = "leave ";
/// What follows where only a part is taken over.
const RESTRICTIONS: &str = "what takes trust away of ";

/// The source of the entries of a fleet in the stores of its members.
pub(in crate::admin) fn source(fleet: &FleetId) -> String {
    format!("{OF_FLEETS}{fleet}")
}

/// A node that takes the bundles of a fleet over into its durable store.
///
/// What the fleet brought is replaced by what the newest bundle says, as one change. What was installed here stays. Claims,
/// blocks, checked issuers and revocation lists are added and never lifted. Past the end of a bundle it stays in force, and
/// the store's [`Health`](crate::admin::Health) says so.
///
/// The newest verified publication is kept in the file `fleet-<id>` in the store's folder, before the store changes. So an
/// older one is refused after a crash at any moment, and the change is finished by the next call. The file has the seal of
/// the store. Several processes can run a member of the same fleet on one store.
///
/// ```no_run
/// use mutual_trust::admin::DurableStore;
/// use mutual_trust::admin::bundle::{FleetMember, KeySet, Part, TakeOver};
/// use mutual_trust::error::MemberError;
/// use mutual_trust::Fingerprint;
///
/// # fn run(store: &mut DurableStore, keys: KeySet, read_out: Fingerprint, bytes: &[u8]) -> Result<(), MemberError> {
/// // Once: `read_out` is what an administrator of the fleet said over another channel.
/// let mut member = FleetMember::join(store, keys, read_out, Part::Servers)?;
/// // For each publication that arrives, by whatever way.
/// match member.take_over(bytes, store)? {
///     TakeOver::Held { lost, .. } => println!("it would lock out {} peers", lost.len()),
///     taken => println!("{taken}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FleetMember {
    fleet: FleetId,
    guard: FollowGuard,
    policy: Option<Policy>,
    state: State,
    memory: Memory,
    /// The generation at which the store had what the newest bundle says.
    checked: Option<u64>,
    /// Why the newest bundle is not in the store.
    not_applied: Option<String>,
    /// Why the last offered publication was refused.
    refused: Option<String>,
    /// What the program says that brings publications.
    fault: Option<String>,
    notices: Truncated<Notice>,
    locked_out: Option<LockedOut>,
    since: Option<UnixTime>,
    last_success: Option<UnixTime>,
}

/// What a member keeps in memory, so that nothing is read twice. The file and the store count: what differs from them is
/// read again.
#[derive(Debug, Default)]
struct Memory {
    file: Option<Filed>,
    records: Records,
    /// The generation up to which the history has nothing that is newer than the member's state.
    looked: Option<u64>,
    /// The seal that the file had when it was read or written last.
    seal: Option<Arc<dyn Seal>>,
}

impl FleetMember {
    /// Makes a store a member of a fleet: from now on it takes what this key set, or one that follows it, has signed.
    ///
    /// # Errors
    /// The key set has another digest. The store is a member of the fleet already, or has entries of it, or its history has
    /// the fleet, and does not end with [`leave`](Self::leave): then [`rejoin`](Self::rejoin). The store was not reached.
    ///
    /// # Security
    /// `digest` must come from an administrator of the fleet over another channel than the key set.
    pub fn join(
        store: &mut DurableStore,
        keys: KeySet,
        digest: Fingerprint,
        part: Part,
    ) -> Result<Self, MemberError> {
        let fleet = keys.fleet().clone();
        Self::found(store, keys, digest, part, 0, |place, store, known| {
            if place.stamp()?.is_some() {
                let path = place.path().to_owned();
                return Err(MemberError::Exists { fleet, path });
            }
            check_lost(place, &fleet, store)?;
            check_stored(place, &fleet, known)
        })
    }

    /// [`join`](Self::join) for a store whose file of the member is lost or damaged, or has another seal. Entries of the
    /// fleet stay, and the next bundle replaces them. Its servers count as made here: they stay if a bundle drops them.
    ///
    /// # Errors
    /// The key set has another digest, or is older than the one in a file that can be read. The store was not reached.
    ///
    /// # Security
    /// A bundle with a sequence below `least` is refused, and so is one below what the history of the store or a file that can
    /// be read has. The history goes back only so far. Ask an administrator of the fleet which sequence is the newest:
    /// with a lower number, an old publication with a certificate that was removed since can be brought back.
    pub fn rejoin(
        store: &mut DurableStore,
        keys: KeySet,
        digest: Fingerprint,
        part: Part,
        least: u64,
    ) -> Result<Self, MemberError> {
        Self::found(store, keys, digest, part, least, |_, _, _| Ok(()))
    }

    fn found(
        store: &mut DurableStore,
        keys: KeySet,
        expected: Fingerprint,
        part: Part,
        least: u64,
        check: impl FnOnce(&Beside, &TrustStore, Stored) -> Result<(), MemberError>,
    ) -> Result<Self, MemberError> {
        let found = keys.digest();
        if found != expected {
            return Err(MemberError::OtherDigest { expected, found });
        }
        let fleet = keys.fleet().clone();
        let place = place(store, &fleet);
        let (folder, settings) = (store.folder().to_owned(), store.settings().clone());
        let (state, looked) = store.try_change(|store| {
            let known = stored(&folder, &settings, &fleet, 0)?;
            check(&place, store, known)?;
            let mut least = least.max(known.sequence);
            // One that cannot be read says nothing.
            if let Ok(Some(there)) = State::read(&place, &fleet) {
                let (held, offered) = (there.held.key_set().version(), keys.version());
                if offered < held {
                    return Err(BundleError::KeySetBelow { held, offered }.into());
                }
                least = least.max(there.held.sequence()).max(there.least);
            }
            let state = State::new(keys, part, least, store.contents().generation());
            state.write(&place)?;
            Ok::<_, MemberError>((state, known.until))
        })?;
        Ok(Self::of(fleet, state, looked, store))
    }

    /// Opens the member of a fleet.
    ///
    /// # Errors
    /// The store is no member of it. The file of the member is lost, damaged or not sealed. It cannot be read.
    pub fn open(store: &mut DurableStore, fleet: &FleetId) -> Result<Self, MemberError> {
        let place = place(store, fleet);
        let Some(state) = State::read(&place, fleet)? else {
            let (fleet, path) = (fleet.clone(), place.path().to_owned());
            return Err(match entries(&fleet, store.contents()) {
                0 => {
                    let stored = stored(store.folder(), store.settings(), &fleet, 0)?;
                    check_stored(&place, &fleet, stored)?;
                    MemberError::NotAMember { fleet, path }
                }
                entries => MemberError::StateLost {
                    fleet,
                    path,
                    entries,
                },
            });
        };
        let held = state.held.sequence();
        let found = stored(store.folder(), store.settings(), fleet, state.since)?;
        if found.sequence > held {
            return Err(MemberError::StateOld {
                path: place.path().to_owned(),
                held,
                stored: found.sequence,
            });
        }
        Ok(Self::of(fleet.clone(), state, found.until, store))
    }

    /// The fleets of which a store is a member, by the files in its folder.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn fleets(store: &DurableStore) -> Result<Vec<FleetId>, MemberError> {
        let names = store.names_beside(FILE)?;
        let fleets = names.iter().filter_map(|name| name.parse().ok());
        Ok(fleets
            .filter(|fleet| State::is_there(&place(store, fleet), fleet))
            .collect())
    }

    fn of(fleet: FleetId, state: State, looked: u64, store: &mut DurableStore) -> Self {
        let memory = Memory {
            looked: Some(looked),
            seal: place(store, &fleet).seal_of().cloned(),
            ..Memory::default()
        };
        let mut member = Self {
            fleet,
            guard: FollowGuard::default(),
            policy: None,
            state,
            memory,
            checked: None,
            not_applied: None,
            refused: None,
            fault: None,
            notices: Truncated::default(),
            locked_out: None,
            since: None,
            last_success: None,
        };
        member.tell(store);
        member
    }

    /// Sets what becomes of a bundle after which a peer that is accepted now would be refused. `policy` is that of the
    /// service: by it the peers are judged. Without this call, such bundles are applied, and the peers are named.
    #[must_use]
    pub fn with_guard(mut self, guard: FollowGuard, policy: Policy) -> Self {
        self.guard = guard;
        self.policy = Some(policy);
        self
    }

    /// Verifies a publication and takes it over. The newest one may be offered again and again.
    ///
    /// # Errors
    /// The publication is refused, and nothing changed. A name belongs to another server here. The store or the file of the
    /// member was not written: the next call tries again.
    pub fn take_over(
        &mut self,
        publication: &[u8],
        store: &mut DurableStore,
    ) -> Result<TakeOver, MemberError> {
        let done = self.run(Some(publication), store);
        match &done {
            Ok(_) => self.refused = None,
            Err(error @ MemberError::Bundle(_)) => self.refused = Some(with_causes(error)),
            Err(_) => {}
        }
        // What is offered and refused says nothing of what is held.
        if !matches!(done, Err(MemberError::Bundle(_))) {
            self.settle(&done);
        }
        self.tell(store);
        done
    }

    /// Makes the store again what the newest verified bundle says, if it is not: after a crash, after a local change, after a
    /// rollback of the store. Call it every few seconds, behind [`DurableStore::refresh`]: if nothing has changed, it only
    /// looks at the file's length and time.
    ///
    /// # Errors
    /// As for [`take_over`](Self::take_over).
    pub fn refresh(&mut self, store: &mut DurableStore) -> Result<TakeOver, MemberError> {
        let done = match self.is_current(store) {
            Ok(true) => Ok(TakeOver::Unchanged),
            Ok(false) => self.run(None, store),
            Err(error) => Err(error),
        };
        self.settle(&done);
        self.tell(store);
        done
    }

    /// What the member holds.
    pub fn state(&self) -> MemberState {
        MemberState::of(&self.state)
    }

    /// Shows in the store's health why no publication arrives, or that they do again.
    pub fn set_fault(&mut self, fault: Option<String>, store: &mut DurableStore) {
        self.fault = fault;
        self.tell(store);
    }

    /// Ends the membership. Entries of the fleet stay, as if an administrator had installed them here. To leave without them,
    /// take over an empty bundle first.
    ///
    /// # Errors
    /// The store was not reached, or the file of the member was not removed: call it again.
    pub fn leave(self, store: &mut DurableStore) -> Result<(), MemberError> {
        let place = place(store, &self.fleet);
        let source = source(&self.fleet);
        store.change(|store| {
            if store.adopt(&source)? == 0 {
                // Without a change, the history would not say that the store left.
                store.count_up_to(store.contents().generation().saturating_add(1));
            }
            store.ask(format_args!("{LEAVE}{source}"));
            Ok(())
        })?;
        store.try_change(|_| place.remove().map_err(MemberError::Durable))?;
        store.forget_fleet(&self.fleet);
        Ok(())
    }
}

fn place(store: &DurableStore, fleet: &FleetId) -> Beside {
    store.beside(&format!("{FILE}{fleet}"))
}

fn entries(fleet: &FleetId, view: &crate::store::TrustSnapshot) -> usize {
    let source = source(fleet);
    let entries = view.entries();
    let ours = entries
        .iter()
        .filter(|entry| entry.source() == Some(&*source));
    ours.count()
}

fn check_lost(place: &Beside, fleet: &FleetId, store: &TrustStore) -> Result<(), MemberError> {
    match entries(fleet, store.contents()) {
        0 => Ok(()),
        entries => Err(MemberError::StateLost {
            fleet: fleet.clone(),
            path: place.path().to_owned(),
            entries,
        }),
    }
}
