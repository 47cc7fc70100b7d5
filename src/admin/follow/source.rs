//! The configuration of a followed source.

use std::path::{Path, PathBuf};

use crate::certificate::{Certificate, breaks_a_line};
use crate::limits::MAX_LABEL_BYTES;
use crate::store::error::StoreError;
use crate::store::{
    AuthorityScope, Entry, EntryKey, EntryOptions, PinScope, Scope, Slot, TrustStore,
};

/// The slot and scope of the certificates of a source. Nothing is guessed (rule I1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feeds {
    /// Certificates that the peers themselves must present.
    ///
    /// # Security
    /// A pin claims its server (rule P2). The claim stays when the source has no pin any more.
    Pins(PinScope),
    /// CA certificates at which chains may end.
    Authorities(AuthorityScope),
    /// CA certificates that complete chains.
    Intermediates,
}

/// A file or folder of certificates that another program replaces.
///
/// # Security
/// A user who can write to the source decides which peers the system trusts, within the limits of blocks and claims.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    path: PathBuf,
    feeds: Feeds,
    options: EntryOptions,
}

impl Source {
    /// A source with a unique name: one line of at most 128 bytes. The name is stored with each entry from the source.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>, feeds: Feeds) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            feeds,
            options: EntryOptions::new(),
        }
    }

    /// Sets the options of all entries from the source. Existing entries are updated.
    #[must_use]
    pub fn options(mut self, options: EntryOptions) -> Self {
        self.options = options;
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn has_good_name(&self) -> bool {
        let fits = (1..=MAX_LABEL_BYTES).contains(&self.name.len());
        fits && !self.name.chars().any(breaks_a_line)
    }

    /// The slot and scope of its entries. `None` while there is no server for its name.
    pub(super) fn place(&self, store: &TrustStore) -> Option<(Slot, Scope)> {
        let named = |name| {
            let server = store.contents().server_of(name)?;
            Some(Scope::Server(server.id().clone()))
        };
        Some(match &self.feeds {
            Feeds::Pins(PinScope::Server(id)) => (Slot::Pin, Scope::Server(id.clone())),
            Feeds::Pins(PinScope::Name(name)) => (Slot::Pin, named(name)?),
            Feeds::Pins(PinScope::Group(id)) => (Slot::Pin, Scope::Group(id.clone())),
            Feeds::Pins(PinScope::Clients) => (Slot::Pin, Scope::Clients),
            Feeds::Authorities(AuthorityScope::Server(id)) => {
                (Slot::Authority, Scope::Server(id.clone()))
            }
            Feeds::Authorities(AuthorityScope::Name(name)) => (Slot::Authority, named(name)?),
            Feeds::Authorities(AuthorityScope::AnyServer) => (Slot::Authority, Scope::AnyServer),
            Feeds::Authorities(AuthorityScope::Clients) => (Slot::Authority, Scope::Clients),
            Feeds::Intermediates => (Slot::Intermediate, Scope::Everyone),
        })
    }

    /// Installs a certificate, unless it is installed already: an entry of an administrator or of another source does
    /// not change its source.
    pub(super) fn install(
        &self,
        store: &mut TrustStore,
        certificate: &Certificate,
    ) -> Result<(), StoreError> {
        if let Some((slot, scope)) = self.place(store) {
            let key = EntryKey::new(slot, scope, certificate.fingerprint());
            let found = store.contents().entry(&key);
            // A pin may have only a fingerprint. Then this call completes it.
            if let Some(found) = found.filter(|found| is_complete(found)) {
                if found.source() == Some(self.name()) && found.options() != &self.options {
                    store.update(&key, self.options.clone())?;
                }
                return Ok(());
            }
            if let Some(found) = found {
                let (options, certificate) = (found.options().clone(), certificate.clone());
                return self.put(store, certificate, options);
            }
        }
        self.put(store, certificate.clone(), self.options.clone())
    }

    fn put(
        &self,
        store: &mut TrustStore,
        certificate: Certificate,
        options: EntryOptions,
    ) -> Result<(), StoreError> {
        match &self.feeds {
            Feeds::Pins(scope) => store.install_pin(scope.clone(), certificate, options),
            Feeds::Authorities(scope) => {
                store.install_authority(scope.clone(), certificate, options)
            }
            Feeds::Intermediates => store.install_intermediate(certificate, options),
        }
        .map(drop)
    }
}

/// Whether the entry has its certificate, even if this version cannot read it.
fn is_complete(entry: &Entry) -> bool {
    entry.certificate().is_some() || entry.unread().is_some()
}
