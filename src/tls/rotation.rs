//! Changes our identity, server by server, while connections are made.

use core::fmt;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Identity, trace};
use crate::store::ServerId;
use crate::tls::error::RotationError;

/// Our current identity, and perhaps the next one. Cheap to clone: all clones follow the same changes.
///
/// The administrator of each key server must accept a new certificate before it can be presented there. So the next
/// identity is staged, then presented to the servers for which it is activated, then to all, and then it becomes the
/// current one. Each step before the last can be reverted.
///
/// A change applies to handshakes after the call. Open connections are not affected.
///
/// ```
/// use mutual_trust::tls::{Identities, Identity};
/// use mutual_trust::{ServerId, error::RotationError};
///
/// fn rotate(identities: &Identities, next: Identity, first: &ServerId) -> Result<(), RotationError> {
///     identities.stage(next)?; // not presented yet; its certificate goes to the administrators
///     identities.activate(first)?; // one administrator has accepted it
///     identities.activate_all()?; // the others have accepted it as well
///     identities.commit() // the old key is dropped
/// }
/// ```
///
/// # Security
/// rustls does not say which server asks for our certificate. To present different identities to different servers,
/// use a configuration for each server: [`build_for`](super::ClientConfigBuilder::build_for). A configuration for many
/// servers presents the current identity as long as one server is presented it.
#[derive(Clone)]
pub struct Identities(Arc<RwLock<Arc<State>>>);

#[derive(Clone)]
struct State {
    current: Identity,
    next: Option<Next>,
}

#[derive(Clone)]
struct Next {
    identity: Identity,
    /// Whether it is presented to all servers, or to none, …
    all: bool,
    /// … except these.
    except: BTreeSet<ServerId>,
}

/// What a change did, for those who watch.
#[derive(PartialEq, Eq)]
enum Change {
    None,
    /// Another identity is the current one.
    Renewed,
    /// The next one is another, or is presented to other servers.
    Rotated,
}

impl Next {
    fn is_for(&self, server: &ServerId) -> bool {
        self.all != self.except.contains(server)
    }

    fn is_for_all(&self) -> bool {
        self.all && self.except.is_empty()
    }

    fn is_for_none(&self) -> bool {
        !self.all && self.except.is_empty()
    }

    /// Sets whether one server is presented the next identity.
    fn set(&mut self, server: &ServerId, next: bool) {
        if self.all == next {
            self.except.remove(server);
        } else {
            self.except.insert(server.clone());
        }
    }

    fn set_all(&mut self, next: bool) {
        self.all = next;
        self.except.clear();
    }
}

impl Identities {
    /// Presents one identity to all. An [`Identity`] becomes this wherever one is asked for.
    pub fn new(current: Identity) -> Self {
        let next = None;
        Self(Arc::new(RwLock::new(Arc::new(State { current, next }))))
    }

    /// Makes `next` ready. It is presented once it is activated. It replaces an identity that was staged before and
    /// never activated.
    ///
    /// # Errors
    /// It has the same certificate as the current one; or an identity that was staged before is presented to a server.
    pub fn stage(&self, next: Identity) -> Result<(), RotationError> {
        let staged = self.change(|state| {
            let certificate = next.certificate().fingerprint();
            if state.current.certificate().fingerprint() == certificate {
                return Err(RotationError::AlreadyCurrent { certificate });
            }
            if let Some(staged) = state.next.as_ref().filter(|next| !next.is_for_none()) {
                let certificate = staged.identity.certificate().fingerprint();
                return Err(RotationError::InUse { certificate });
            }
            state.next = Some(Next {
                identity: next.clone(),
                all: false,
                except: BTreeSet::new(),
            });
            Ok(Change::Rotated)
        });
        staged.map(drop)
    }

    /// Presents the next identity to this server. The id is not looked up in any store.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn activate(&self, server: &ServerId) -> Result<(), RotationError> {
        self.change_next(|next| next.set(server, true))
    }

    /// Presents the next identity to all servers, and through configurations that serve many.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn activate_all(&self) -> Result<(), RotationError> {
        self.change_next(|next| next.set_all(true))
    }

    /// Presents the current identity to this server again, also after the next one was activated for all.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn revert(&self, server: &ServerId) -> Result<(), RotationError> {
        self.change_next(|next| next.set(server, false))
    }

    /// Presents the current identity to all servers again. The next one stays staged.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn revert_all(&self) -> Result<(), RotationError> {
        self.change_next(|next| next.set_all(false))
    }

    /// Makes the next identity the current one and drops the old one.
    ///
    /// Ask first whether every server was seen to accept it: `admin::own_renewal`, then `OwnRenewal::guard`.
    ///
    /// # Security
    /// The old key is wiped once no handshake uses it and no clone of the old identity is left: one from
    /// [`current`](Self::current), one that the program holds, or one in a configuration that was built from the
    /// [`Identity`] itself and not from these `Identities`.
    ///
    /// # Errors
    /// Nothing is staged, or it is not activated for all servers without exception.
    pub fn commit(&self) -> Result<(), RotationError> {
        let committed = self.change(|state| {
            let next = state.next.take().ok_or(RotationError::NothingStaged)?;
            if !next.is_for_all() {
                return Err(RotationError::NotForAll);
            }
            state.current = next.identity;
            Ok(Change::Renewed)
        });
        committed.map(drop)
    }

    /// Presents what the state of a folder says, in one step. `true` if anything is another than before.
    #[cfg(feature = "admin")]
    pub(super) fn set(
        &self,
        current: Identity,
        next: Option<Identity>,
        all: bool,
        except: BTreeSet<ServerId>,
    ) -> bool {
        let print = |identity: &Identity| identity.certificate().fingerprint();
        let next = next.map(|identity| Next {
            identity,
            all,
            except,
        });
        self.change_always(|state| {
            let is_renewed = print(&state.current) != print(&current);
            let same = match (&state.next, &next) {
                (None, None) => true,
                (Some(old), Some(new)) => {
                    print(&old.identity) == print(&new.identity)
                        && (old.all, &old.except) == (new.all, &new.except)
                }
                (None, Some(_)) | (Some(_), None) => false,
            };
            if same && !is_renewed {
                return Change::None;
            }
            state.current = current.clone();
            state.next.clone_from(&next);
            if is_renewed {
                Change::Renewed
            } else {
                Change::Rotated
            }
        })
    }

    /// Makes an identity that was read from files the current one; `false` if its chain is the current one already. A staged
    /// identity stays staged, unless it is the same.
    pub(super) fn replace(&self, current: Identity) -> bool {
        self.change_always(|state| {
            let [old, new] = [&state.current, &current].map(|identity| identity.chain());
            if new.certificates().eq(old.certificates()) {
                return Change::None;
            }
            state.current = current.clone();
            let print = |identity: &Identity| identity.certificate().fingerprint();
            let staged = |next: &Next| print(&next.identity) == print(&current);
            if state.next.as_ref().is_some_and(staged) {
                state.next = None;
            }
            Change::Renewed
        })
    }

    /// Drops the next identity. All servers are presented the current one.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn cancel(&self) -> Result<(), RotationError> {
        let cancelled = self.change(|state| {
            let next = state.next.take();
            next.map(|_| Change::Rotated)
                .ok_or(RotationError::NothingStaged)
        });
        cancelled.map(drop)
    }

    /// The current identity.
    pub fn current(&self) -> Identity {
        self.state().current.clone()
    }

    /// The next identity, if one is staged.
    pub fn next(&self) -> Option<Identity> {
        let state = self.state();
        state.next.as_ref().map(|next| next.identity.clone())
    }

    /// The identity that a configuration for this server presents.
    #[doc(hidden)]
    pub fn presented_to(&self, server: &ServerId) -> Identity {
        self.state().presented(|next| next.is_for(server))
    }

    /// The identity that a configuration for many peers presents.
    #[doc(hidden)]
    pub fn presented_to_many(&self) -> Identity {
        self.state().presented(Next::is_for_all)
    }

    /// Holds a lock only while a pointer is copied.
    fn state(&self) -> Arc<State> {
        // A state is replaced as a whole, so a poisoned lock does not mean a broken state.
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }

    /// Changes a copy, and puts it in place if the change succeeds. What is compared, is compared with that copy.
    ///
    /// Only clones are dropped by the change itself. What drops a key, for which the provider takes its time, and what a
    /// subscriber does with an event, comes after the lock: handshakes do not wait for it.
    fn change(
        &self,
        change: impl FnOnce(&mut State) -> Result<Change, RotationError>,
    ) -> Result<Change, RotationError> {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = State::clone(&place);
        let changed = change(&mut state)?;
        let new = Arc::new(state);
        let old = core::mem::replace(&mut *place, new.clone());
        drop(place);
        drop(old);
        let print = |identity: &Identity| identity.certificate().fingerprint();
        let next = new.next.as_ref().map(|next| print(&next.identity));
        match changed {
            Change::None => {}
            Change::Renewed => trace::renewed(print(&new.current)),
            Change::Rotated => trace::rotated(print(&new.current), next),
        }
        Ok(changed)
    }

    /// Makes a change that cannot fail. `true` if anything is another than before.
    fn change_always(&self, change: impl FnOnce(&mut State) -> Change) -> bool {
        let changed = self.change(|state| Ok(change(state)));
        changed.is_ok_and(|changed| changed != Change::None)
    }

    fn change_next(&self, change: impl FnOnce(&mut Next)) -> Result<(), RotationError> {
        let changed = self.change(|state| {
            let next = state.next.as_mut().ok_or(RotationError::NothingStaged)?;
            change(next);
            Ok(Change::Rotated)
        });
        changed.map(drop)
    }
}

impl State {
    fn presented(&self, is_next: impl FnOnce(&Next) -> bool) -> Identity {
        let next = self.next.as_ref().filter(|next| is_next(next));
        next.map_or(&self.current, |next| &next.identity).clone()
    }
}

impl From<Identity> for Identities {
    fn from(current: Identity) -> Self {
        Self::new(current)
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let next = state.next.as_ref();
        f.debug_struct("Identities")
            .field("current", &state.current)
            .field("next", &next.map(|next| &next.identity))
            .finish_non_exhaustive()
    }
}
