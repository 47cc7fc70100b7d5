//! What a process remembers of its log-ins: the PINs that tokens refused, and which thread has the turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::{self, ThreadId};

use sha2::{Digest, Sha256};

use crate::limits::MAX_REFUSED_PINS;
use crate::pin::Pin;

/// The log-ins to the tokens of a module.
#[derive(Default)]
pub(crate) struct LogIns {
    /// The PINs that tokens refused, by the token, the newest last. The lock is held for an instant alone.
    refused: Mutex<BTreeMap<String, VecDeque<Refused>>>,
    /// The tokens whose PIN is locked.
    locked: Mutex<BTreeSet<String>>,
    turns: Mutex<BTreeMap<String, Arc<Turn>>>,
}

/// A digest of a PIN that was refused.
#[derive(Clone)]
struct Refused {
    digest: PinDigest,
    reason: String,
    /// Whether it was refused since the token was locked, whatever the PIN was.
    is_locked: bool,
}

/// A digest of a PIN, which no other program can compare with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PinDigest([u8; 32]);

/// One log-in at a time.
#[derive(Default)]
pub(crate) struct Turn {
    taken: Mutex<()>,
    /// The thread that has the turn and asks for the PIN.
    asking: Mutex<Option<ThreadId>>,
}

impl LogIns {
    /// What a child takes over from the process that it was forked from: its tokens are the same.
    pub(crate) fn of_parent(parent: &Self) -> Self {
        let refused = match parent.refused.try_lock() {
            Ok(refused) => refused.clone(),
            Err(TryLockError::Poisoned(refused)) => refused.into_inner().clone(),
            // A thread that is not in the child wrote it in the instant of the fork.
            Err(TryLockError::WouldBlock) => BTreeMap::new(),
        };
        Self {
            refused: Mutex::new(refused),
            locked: Mutex::default(),
            turns: Mutex::default(),
        }
    }

    /// The turns of a token, which all that log in to it share.
    pub(crate) fn turns(&self, token: &str) -> Arc<Turn> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(token.to_owned()).or_default().clone()
    }

    /// Why the token refused this PIN, if it did.
    pub(crate) fn refused(&self, token: &str, pin: PinDigest) -> Option<String> {
        let refused = self.lock();
        let mut known = refused.get(token)?.iter();
        let found = known.find(|refused| refused.digest == pin)?;
        Some(found.reason.clone())
    }

    /// Remembers a PIN that the token refused.
    pub(crate) fn refuse(&self, token: &str, pin: PinDigest, reason: &str, is_locked: bool) {
        let mut refused = self.lock();
        let known = refused.entry(token.to_owned()).or_default();
        known.retain(|refused| refused.digest != pin);
        if known.len() >= MAX_REFUSED_PINS {
            known.pop_front();
        }
        known.push_back(Refused {
            digest: pin,
            reason: reason.to_owned(),
            is_locked,
        });
    }

    /// Whether the token says that its PIN is locked. If it said so before and does not now, the security officer has
    /// unlocked it, and what was refused for that alone may be tried again.
    pub(crate) fn seen(&self, token: &str, is_locked: bool) {
        let mut locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        if is_locked {
            locked.insert(token.to_owned());
        } else if locked.remove(token)
            && let Some(known) = self.lock().get_mut(token)
        {
            known.retain(|refused| !refused.is_locked);
        }
    }

    /// Forgets what the token refused.
    pub(crate) fn forget(&self, token: &str) {
        self.lock().remove(token);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, VecDeque<Refused>>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits for the turn.
    pub(crate) fn take(&self) -> MutexGuard<'_, ()> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the PIN, by code of others.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce() -> T) -> T {
        struct Asking<'a>(&'a Turn);
        impl Drop for Asking<'_> {
            // Also if that code panics.
            fn drop(&mut self) {
                *self.0.asking() = None;
            }
        }
        *self.asking() = Some(thread::current().id());
        let _asking = Asking(self);
        ask()
    }

    /// Whether this thread asks for the PIN now: it would wait for itself.
    pub(crate) fn is_asking_here(&self) -> bool {
        *self.asking() == Some(thread::current().id())
    }

    fn asking(&self) -> MutexGuard<'_, Option<ThreadId>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PinDigest {
    pub(crate) fn of(pin: &Pin) -> Self {
        static SALT: OnceLock<RandomState> = OnceLock::new();
        let salt = SALT.get_or_init(RandomState::new);
        let mut digest = Sha256::new();
        digest.update(salt.hash_one(0_u8).to_ne_bytes());
        digest.update(salt.hash_one(1_u8).to_ne_bytes());
        digest.update(pin.bytes());
        Self(digest.finalize().into())
    }
}
