//! Files that another program replaces, written into a durable store (rule S4).
//!
//! A [`Source`] is a file or a folder, and says what its certificates are installed as. A [`Follower`] looks at its
//! sources whenever it is polled, by a thread of the embedder or on a signal, and makes the store's entries that
//! *came from a source* those that are in it. Whatever else is in the store stays: what an administrator installed,
//! and what other sources have. Claims, blocks and the floor stay in any case.
//!
//! Each source is taken over whole or not at all. If it is missing, empty, damaged or refused, what came from it
//! before stays, restarts included, and the store's [`Health`](super::Health) says so. To trust nobody, a source
//! must say it: its only file, or one file of the folder beside which there is no certificate, has the line
//! `trust nobody` and nothing else but empty lines and lines that start with `#`.
//!
//! # Reading
//! A folder is its regular files, and links to such; names that start with a dot are passed over, and with them the
//! `..data` of a mounted Kubernetes secret. It is read again if the identity of the folder or of one of its files
//! changed meanwhile, so that one state of it is read and no mixture. A folder with `..data` changes by one rename
//! and is taken over at once; anything else when two polls in a row find it unchanged, since a program may have been
//! halfway through writing it.
//!
//! Polling and comparing the content misses nothing between reading and watching, needs no dependency, and works
//! the same on network and overlay file systems, where notification does not. What it costs is reading the files.

pub(crate) mod error;
mod read;
mod source;

use core::fmt;

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

/// How a source was at the last poll.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceHealth {
    /// Its name.
    pub name: String,
    /// How many certificates are in what was taken over last; `None` if nothing was since the start of the process.
    #[doc(hidden)]
    pub certificates: Option<usize>,
    /// Whether something new was seen that is taken over when the next poll finds it unchanged.
    #[doc(hidden)]
    pub settling: bool,
    /// Why it was not taken over, if it was not.
    pub error: Option<String>,
}

impl SourceHealth {
    /// Whether it was read and taken over, or is just being changed.
    pub fn is_good(&self) -> bool {
        self.error.is_none()
    }
}

impl fmt::Display for SourceHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "source {}: ", self.name)?;
        if let Some(error) = &self.error {
            return f.write_str(error);
        }
        if self.settling {
            return f.write_str("something new, to be looked at again");
        }
        match self.certificates {
            Some(0) => f.write_str("trusts nobody"),
            Some(count) => write!(f, "certificates: {count}"),
            None => f.write_str("not read yet"),
        }
    }
}

/// Follows sources on behalf of one durable store.
#[derive(Debug)]
pub struct Follower {
    sources: Vec<Followed>,
}

#[derive(Debug)]
struct Followed {
    source: Source,
    /// What the last poll read, if that was not taken over yet.
    seen: Option<Read>,
    /// What was read last that can be taken over.
    good: Option<Content>,
    settling: bool,
    error: Option<SourceError>,
}

impl Follower {
    /// Follows these sources. Their names tell in the store what came from which, restarts included: they must not
    /// change.
    ///
    /// # Errors
    /// Two sources have one name, or a name is no line of text; too many sources.
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

    /// Reads every source and takes over what changed. `true` if the store changed.
    ///
    /// Which source was taken over and which not, and why, is in the store's [`Health`](super::Health).
    ///
    /// # Errors
    /// The store was not written. Nothing was taken over; the next poll tries again.
    pub fn poll(&mut self, store: &mut DurableStore) -> Result<bool, DurableError> {
        for followed in &mut self.sources {
            followed.look();
        }
        let before = store.contents().generation();
        let mut draft = store.fork();
        for at in 0..self.sources.len() {
            let mut tried = draft.fork();
            match self.take_over(at, &mut tried) {
                Ok(()) => draft = tried,
                Err(error) => self.refused(at, error),
            }
        }
        let changed = draft.contents().generation() > before;
        let done = store.change(|store| {
            draft.follow(None)?;
            *store = draft;
            Ok(())
        });
        store.set_sources(self.sources.iter().map(Followed::health).collect());
        done.map(|()| changed)
    }

    fn refused(&mut self, at: usize, source: StoreError) {
        if let Some(followed) = self.sources.get_mut(at) {
            let path = followed.source.path().to_owned();
            followed.error = Some(SourceError::Refused { path, source });
        }
    }

    /// Makes the entries that came from a source those that are in it.
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
    /// Reads the source, and decides whether that can be taken over.
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
                // Kept as seen: it is as settled at the next poll.
                self.seen = Some(read);
                self.error = Some(error);
            }
        }
    }

    /// Whether an entry is one that this source has.
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
