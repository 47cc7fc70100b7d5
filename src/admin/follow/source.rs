//! The configuration of a followed source.

use std::path::{Path, PathBuf};

use super::include::{Include, Names};
use crate::certificate::{Certificate, breaks_a_line};
use crate::limits::{MAX_CRL_PEM_BYTES, MAX_FOLLOWED_BYTES, MAX_LABEL_BYTES};
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
    /// Revocation lists. Each stands by itself (rule C4): a list that is damaged, older or of another issuer is reported
    /// and changes nothing, and the others are installed. A list that vanishes from the source stays installed, and its
    /// issuer stays checked.
    RevocationLists,
}

/// A file or folder of certificates or revocation lists that another program replaces.
///
/// ```
/// use mutual_trust::AuthorityScope;
/// use mutual_trust::admin::{Feeds, Source};
///
/// // A secret of cert-manager has `ca.crt`, `tls.crt` and `tls.key`. Only `ca.crt` is read.
/// let roots = Source::new("roots", "/etc/kms-ca", Feeds::Authorities(AuthorityScope::AnyServer));
/// // The lists of these roots, as `*.crl`.
/// let lists = Source::new("lists", "/etc/kms-ca", Feeds::RevocationLists);
/// // Files without an ending, as `openssl rehash` names them.
/// let hashed = Source::new("hashed", "/etc/ssl/kms", Feeds::Intermediates).with_include(["????????.?"]);
/// # let _ = (roots, lists, hashed);
/// ```
///
/// # Security
/// A user who can write to the source decides which peers the system trusts, within the limits of blocks and claims.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    path: PathBuf,
    feeds: Feeds,
    options: EntryOptions,
    include: Include,
}

/// The start of the names that the entries of fleets have for their source.
pub(in crate::admin) const OF_FLEETS: &str = "fleet ";

impl Source {
    /// A source with a unique name: one line of at most 128 bytes, which does not start with `fleet `. The name is stored
    /// with each entry from the source.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>, feeds: Feeds) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            feeds,
            options: EntryOptions::new(),
            include: Include::default(),
        }
    }

    /// Sets the options of all entries from the source. Existing entries are updated, also one that another source gives up.
    #[must_use]
    pub fn options(mut self, options: EntryOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets which files of a folder are read: those whose name has the form of one of these patterns, in which `*` is any
    /// text and `?` is any one character. A folder with one file that must be read is better followed by the path of the file.
    ///
    /// By default these are `*.pem`, `*.crt` and `*.cer` without `*.crl.pem` and `tls.crt`, the certificate of the owner of a
    /// Kubernetes secret; and for revocation lists `*.crl` and `*.crl.pem`. Names that start with a dot are never read. What is
    /// passed over is counted in [`SourceHealth`](super::SourceHealth), which shows the names.
    #[must_use]
    pub fn with_include(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.include = Include::of(patterns.into_iter().map(Into::into).collect());
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

    pub(super) fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    pub(super) fn is_of_lists(&self) -> bool {
        matches!(self.feeds, Feeds::RevocationLists)
    }

    /// The files of a folder that are read.
    pub(super) fn names(&self) -> Names<'_> {
        self.include.names(self.is_of_lists())
    }

    /// The most bytes of all files together.
    pub(super) fn limit(&self) -> usize {
        match self.feeds {
            Feeds::RevocationLists => MAX_CRL_PEM_BYTES,
            Feeds::Pins(_) | Feeds::Authorities(_) | Feeds::Intermediates => MAX_FOLLOWED_BYTES,
        }
    }

    pub(super) fn has_good_patterns(&self) -> bool {
        self.include.is_good()
    }

    pub(super) fn has_good_name(&self) -> bool {
        let fits = (1..=MAX_LABEL_BYTES).contains(&self.name.len());
        let is_taken = self.name.starts_with(OF_FLEETS);
        fits && !is_taken && !self.name.chars().any(breaks_a_line)
    }

    /// The slot and scope of its entries. `None` while there is no server for its name, and for lists.
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
            Feeds::RevocationLists => return None,
        })
    }

    /// Installs a certificate, unless it is installed already: an entry of an administrator or of another source does
    /// not change its source. `true` if it was not installed before.
    pub(super) fn install(
        &self,
        store: &mut TrustStore,
        certificate: &Certificate,
    ) -> Result<bool, StoreError> {
        if let Some((slot, scope)) = self.place(store) {
            let key = EntryKey::new(slot, scope, certificate.fingerprint());
            let found = store.contents().entry(&key);
            // A pin may have only a fingerprint. Then this call completes it.
            if let Some(found) = found.filter(|found| is_complete(found)) {
                if found.source() == Some(self.name()) && found.options() != &self.options {
                    store.update(&key, self.options.clone())?;
                }
                return Ok(false);
            }
            if let Some(found) = found {
                let (options, certificate) = (found.options().clone(), certificate.clone());
                self.put(store, certificate, options)?;
                return Ok(false);
            }
        }
        self.put(store, certificate.clone(), self.options.clone())?;
        Ok(true)
    }

    /// Makes an entry of another source one of this source, with its options.
    pub(super) fn take_over(
        &self,
        store: &mut TrustStore,
        key: &EntryKey,
    ) -> Result<(), StoreError> {
        store.follow(Some(self.name()))?;
        if store.hand_over(key).is_some() {
            store.update(key, self.options.clone())?;
        }
        Ok(())
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
            Feeds::RevocationLists => return Ok(()),
        }
        .map(drop)
    }
}

/// Whether the entry has its certificate, even if this version cannot read it.
fn is_complete(entry: &Entry) -> bool {
    entry.certificate().is_some() || entry.unread().is_some()
}
