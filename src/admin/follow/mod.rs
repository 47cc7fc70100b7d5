//! Files that another program replaces, written into a durable store (rule S4).
//!
//! A [`Source`] is a file or a folder with the slot and scope of its certificates, or of revocation lists. A [`Follower`]
//! reads its sources when it is polled, by a thread of the embedder or on a signal. It makes the store's entries *from a
//! source* equal to the content of the source. Everything else in the store stays: what an administrator installed, and
//! entries of other sources. Claims, blocks and the floor always stay.
//!
//! Each source of certificates is applied whole or not at all. If it is missing, empty, damaged or refused, its entries from
//! before stay, also after a restart, and the store's [`Health`](super::Health) reports it with the file and the certificate.
//! A source with no certificates must say so explicitly: a file has the line `trust nobody` and otherwise only empty lines
//! and lines that start with `#`, and no other file of the folder has a certificate.
//!
//! - **Blocked certificates** are left out, and the others are applied: a block wins over a source (rule P1).
//! - **Removed entries** come back if the source still has them, since the source says what its entries are. The report of the
//!   removal and the health say so. To keep one out, remove it from the source or block it.
//! - **A source that is not followed any more** leaves its entries in the store. The health lists them as an error.
//! - **Lock-outs** are applied, and the health names each peer that is refused since, as a warning; or they are not applied
//!   ([`Follower::with_guard`]).
//! - **Revocation lists** stand by themselves (rule C4): each is installed, or reported and left out. The health warns when a
//!   tenth of a list's life is left and no newer one has come.
//!
//! # Reading
//! In a folder, regular files and links to regular files are read whose names [fit](Source::with_include). Other names are
//! passed over. What fits must be a file: a folder or a pipe of such a name is an error. The files are read again if one of
//! them changed during the read, so that one state is read and not a mixture. A folder with `..data` (a mounted Kubernetes
//! secret) changes by one rename and is applied at once. Any other source is applied when two polls in a row find it
//! unchanged, because a program may be writing it at the first. A source that is found changed at each of eight polls is an
//! error.
//!
//! No file is waited for: pipes and devices are not opened, or are opened without waiting if one takes the place of a file
//! at that moment, and are not read. Each read is bounded in files and bytes. A file system that does not answer can hold up
//! a read all the same: [`Follower::read`] reads without the store, so that blocks can be made meanwhile.
//!
//! Polling and comparing the content misses no change between reading and watching, needs no dependency, and works on
//! network and overlay file systems, where notification does not. The cost is reading the files.

mod apply;
mod content;
pub(crate) mod error;
mod followed;
mod guard;
mod health;
mod include;
mod read;
mod source;

pub use guard::FollowGuard;
#[cfg(feature = "bundle")]
pub(in crate::admin) use guard::{Guard, LockedOut, held_for};
pub use health::SourceHealth;
#[cfg(feature = "bundle")]
pub(in crate::admin) use source::OF_FLEETS;
pub use source::{Feeds, Source};

use std::collections::BTreeMap;

use super::DurableStore;
#[cfg(feature = "bundle")]
use crate::admin::bundle::member::is_member;
use crate::admin::durable::error::DurableError;
use crate::admin::follow::error::SourceError;
use crate::limits::MAX_SOURCES;
use crate::policy::Policy;
use crate::store::Truncated;
use followed::Followed;
#[cfg(not(feature = "bundle"))]
use guard::Guard;

/// Follows sources on behalf of one durable store.
#[derive(Debug)]
pub struct Follower {
    sources: Vec<Followed>,
    /// Whether a source has content that was not applied yet.
    is_new: bool,
    /// The generation of the store after the sources were applied last. At another one, the store may differ from them.
    generation: Option<u64>,
    /// Entries of sources that are not followed, by the name of the source.
    left_behind: BTreeMap<String, Truncated<String>>,
    guard: FollowGuard,
    /// The policy of the service, if it is not the default.
    policy: Option<Policy>,
}

impl Follower {
    /// Follows these sources. The store records the name of the source with each entry, so the names must not change,
    /// also not after a restart.
    ///
    /// # Errors
    /// Two sources have the same name. A name is not one line of text. A pattern is no file name. There are too many sources.
    pub fn new(sources: impl IntoIterator<Item = Source>) -> Result<Self, SourceError> {
        let mut followed: Vec<Followed> = Vec::new();
        for source in sources {
            if followed.len() >= MAX_SOURCES {
                return Err(SourceError::TooManySources { limit: MAX_SOURCES });
            }
            let taken = followed
                .iter()
                .any(|other| other.source.name() == source.name());
            if taken || !source.has_good_name() {
                return Err(SourceError::Name);
            }
            if !source.has_good_patterns() {
                let name = source.name().to_owned();
                return Err(SourceError::Pattern { name });
            }
            followed.push(Followed::new(source));
        }
        Ok(Self {
            sources: followed,
            is_new: false,
            generation: None,
            left_behind: BTreeMap::new(),
            guard: FollowGuard::default(),
            policy: None,
        })
    }

    /// Sets what becomes of an update after which a peer that is accepted now would be refused. `policy` is that of the
    /// service: by it the peers are judged. Without this call, such updates are applied, and reported by the default policy.
    ///
    /// ```
    /// use mutual_trust::admin::follow::FollowGuard;
    /// use mutual_trust::admin::{Feeds, Follower, Source};
    /// use mutual_trust::{AuthorityScope, KeyPolicy, Policy};
    ///
    /// let roots = Source::new("roots", "/etc/kms-ca", Feeds::Authorities(AuthorityScope::AnyServer));
    /// let policy = Policy::new(KeyPolicy::new(&[]));
    /// let follower = Follower::new([roots])?.with_guard(FollowGuard::Refuse, policy);
    /// # let _ = follower;
    /// # Ok::<(), mutual_trust::error::SourceError>(())
    /// ```
    #[must_use]
    pub fn with_guard(mut self, guard: FollowGuard, policy: Policy) -> Self {
        self.guard = guard;
        self.policy = Some(policy);
        self
    }

    /// Reads every source and applies what changed: [`read`](Self::read) and [`apply`](Self::apply). `true` if the store
    /// changed.
    ///
    /// # Errors
    /// The store was not written. Nothing was applied, and the next poll tries again.
    pub fn poll(&mut self, store: &mut DurableStore) -> Result<bool, DurableError> {
        self.read();
        self.apply(store)
    }

    /// Reads every source. Each call counts as a poll: what two calls in a row find unchanged can be
    /// [applied](Self::apply).
    ///
    /// It needs no store. Where a source may be on a file system that does not answer, call it in a thread that does not hold
    /// the store, so that the store can be changed meanwhile.
    #[doc(hidden)]
    pub fn read(&mut self) {
        for followed in &mut self.sources {
            self.is_new |= followed.look();
        }
    }

    /// Applies what was [read](Self::read). `true` if the store changed.
    ///
    /// The store's [`Health`](super::Health) has the state of each source.
    ///
    /// # Errors
    /// The store was not written. Nothing was applied, and the next call tries again.
    #[doc(hidden)]
    pub fn apply(&mut self, store: &mut DurableStore) -> Result<bool, DurableError> {
        let (sources, is_new, known) = (&self.sources, self.is_new, self.generation);
        let guard = Guard {
            kind: self.guard,
            policy: self.policy.unwrap_or_else(|| store.default_policy()),
            clock: store.now(),
        };
        let done = store.change(|store| {
            let before = store.contents().generation();
            if !is_new && known == Some(before) {
                return Ok((false, None));
            }
            let applied = apply::all(sources, store, &guard);
            store.follow(None)?;
            Ok((store.contents().generation() > before, Some(applied)))
        });
        match &done {
            Ok((_, Some(applied))) => {
                for (followed, applied) in self.sources.iter_mut().zip(applied) {
                    followed.applied = applied.clone();
                }
                self.is_new = false;
                self.generation = Some(store.contents().generation());
                let left_behind = apply::left_behind(&self.sources, store.contents());
                #[cfg(feature = "bundle")]
                let left_behind = left_behind
                    .into_iter()
                    .filter(|(source, _)| !is_member(store.folder(), source))
                    .collect();
                self.left_behind = left_behind;
            }
            Ok((_, None)) => {}
            Err(_) => self.generation = None,
        }
        let now = store.now();
        let mut health = Vec::with_capacity(self.sources.len());
        for followed in &mut self.sources {
            let life = apply::life(followed, store.contents(), now);
            health.push(followed.health(now, life, done.is_ok()));
        }
        let left_behind = self.left_behind.iter();
        health.extend(left_behind.map(|(name, entries)| apply::unfollowed(name, entries)));
        store.set_sources(health);
        done.map(|(changed, _)| changed)
    }
}
