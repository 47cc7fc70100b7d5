//! Files that another program replaces, written into a durable store (rule S4).
//!
//! A [`Source`] is a file or a folder with the slot and scope of its certificates. A [`Follower`] reads its sources
//! when it is polled, by a thread of the embedder or on a signal. It makes the store's entries *from a source* equal to
//! the content of the source. Everything else in the store stays: what an administrator installed, and entries of other
//! sources. Claims, blocks and the floor always stay.
//!
//! Each source is applied whole or not at all. If it is missing, empty, damaged or refused, its entries from before
//! stay, also after a restart, and the store's [`Health`](super::Health) reports it. A source with no certificates must
//! say so explicitly: a file has the line `trust nobody` and otherwise only empty lines and lines that start with `#`,
//! and no other file of the folder has a certificate.
//!
//! # Reading
//! In a folder, regular files and links to regular files are read. Names that start with a dot are skipped, also the
//! `..data` of a mounted Kubernetes secret. The folder is read again if it or one of its files changed during the read,
//! so that one state is read and not a mixture. A folder with `..data` changes by one rename and is applied at once.
//! Any other source is applied when two polls in a row find it unchanged, because a program may be writing it at the
//! first.
//!
//! Polling and comparing the content misses no change between reading and watching, needs no dependency, and works on
//! network and overlay file systems, where notification does not. The cost is reading the files.

pub(crate) mod error;
mod health;
mod read;
mod source;

pub use health::SourceHealth;
pub use source::{Feeds, Source};

use super::DurableStore;
use crate::admin::durable::error::DurableError;
use crate::admin::follow::error::SourceError;
use crate::certificate::Fingerprint;
use crate::certificate::error::with_causes;
use crate::limits::MAX_SOURCES;
use crate::store::error::StoreError;
use crate::store::{EntryKey, TrustStore};
use read::{Content, Read};

/// Follows sources on behalf of one durable store.
#[derive(Debug)]
pub struct Follower {
    sources: Vec<Followed>,
}

#[derive(Debug)]
struct Followed {
    source: Source,
    /// What the last poll read, if it was not applied yet.
    seen: Option<Read>,
    /// The last content that can be applied.
    good: Option<Content>,
    settling: bool,
    error: Option<SourceError>,
}

impl Follower {
    /// Follows these sources. The store records the name of the source with each entry, so the names must not change,
    /// also not after a restart.
    ///
    /// # Errors
    /// Two sources have the same name. A name is not one line of text. There are too many sources.
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
            followed.push(Followed {
                source,
                seen: None,
                good: None,
                settling: false,
                error: None,
            });
        }
        Ok(Self { sources: followed })
    }

    /// Reads every source and applies what changed. `true` if the store changed.
    ///
    /// The store's [`Health`](super::Health) has the state of each source.
    ///
    /// # Errors
    /// The store was not written. Nothing was applied, and the next poll tries again.
    pub fn poll(&mut self, store: &mut DurableStore) -> Result<bool, DurableError> {
        for followed in &mut self.sources {
            followed.look();
        }
        let done = store.change(|store| {
            let before = store.contents().generation();
            for at in 0..self.sources.len() {
                let mut tried = store.fork();
                match self.take_over(at, &mut tried) {
                    Ok(()) => *store = tried,
                    Err(error) => self.refused(at, error),
                }
            }
            store.follow(None)?;
            Ok(store.contents().generation() > before)
        });
        store.set_sources(self.sources.iter().map(Followed::health).collect());
        done
    }

    fn refused(&mut self, at: usize, source: StoreError) {
        if let Some(followed) = self.sources.get_mut(at) {
            let path = followed.source.path().to_owned();
            followed.error = Some(SourceError::Refused { path, source });
        }
    }

    /// Makes the entries from a source equal to its content.
    fn take_over(&self, at: usize, store: &mut TrustStore) -> Result<(), StoreError> {
        let Some(followed) = self.sources.get(at) else {
            return Ok(());
        };
        let Some(content) = &followed.good else {
            return Ok(());
        };
        let source = &followed.source;
        store.follow(Some(source.name()))?;
        for certificate in &content.certificates {
            source.install(store, certificate)?;
        }
        let gone: Vec<EntryKey> = {
            let entries = store.contents().entries();
            let ours = entries
                .iter()
                .filter(|entry| entry.source() == Some(source.name()));
            let gone = ours.filter(|entry| !followed.has(store, &entry.key()));
            gone.map(|entry| entry.key()).collect()
        };
        for key in gone {
            let mut others = self.sources.iter().filter(|other| other.has(store, &key));
            match others.next().map(|other| other.source.name().to_owned()) {
                Some(other) => {
                    store.follow(Some(&other))?;
                    store.hand_over(&key);
                    store.follow(Some(source.name()))?;
                }
                None => {
                    store.remove(&key)?;
                }
            }
        }
        Ok(())
    }
}

impl Followed {
    /// Reads the source, and decides whether it can be applied.
    fn look(&mut self) {
        self.settling = false;
        let read = match read::read(self.source.path()) {
            Ok(read) => read,
            Err(error) => {
                self.seen = None;
                self.error = Some(error);
                return;
            }
        };
        if self
            .good
            .as_ref()
            .is_some_and(|good| good.digest == read.digest)
        {
            self.seen = None;
            self.error = None;
            return;
        }
        let settled = read.at_once || self.seen.as_ref().is_some_and(|seen| seen.is_same(&read));
        if !settled {
            self.seen = Some(read);
            self.settling = true;
            self.error = None;
            return;
        }
        match read.content() {
            Ok(content) => {
                self.good = Some(content);
                self.seen = None;
                self.error = None;
            }
            Err(error) => {
                // The state is kept, so that the next poll can apply it.
                self.seen = Some(read);
                self.error = Some(error);
            }
        }
    }

    /// Whether an entry belongs to the present content of this source.
    fn has(&self, store: &TrustStore, key: &EntryKey) -> bool {
        let has = |fingerprint: &Fingerprint| {
            let good = self.good.as_ref();
            good.is_some_and(|good| good.fingerprints.contains(fingerprint))
        };
        self.source.place(store) == Some((key.slot, key.scope.clone())) && has(&key.fingerprint)
    }

    fn health(&self) -> SourceHealth {
        SourceHealth {
            name: self.source.name().to_owned(),
            certificates: self.good.as_ref().map(|good| good.certificates.len()),
            settling: self.settling,
            error: self.error.as_ref().map(|error| with_causes(error)),
        }
    }
}
