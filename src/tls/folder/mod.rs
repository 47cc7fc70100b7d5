//! Our identity and the next one in a folder, and the phases of a rotation in a small file that survives a restart.

mod disk;
mod loaded;
#[cfg(all(feature = "issue", unix, any(feature = "aws-lc-rs", feature = "ring")))]
mod renew;
mod state;
mod text;

use core::fmt;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use super::{Identities, Identity};
use crate::certificate::{Certificate, CurrentTime, Fingerprint, SystemClock, TimeSource};
use crate::identity::{
    CertificateChain, KeyReader, PrivateKey, is_writable_by_others, read_private,
};
use crate::limits::MAX_KEY_FILE_BYTES;
use crate::store::ServerId;
use crate::tls::error::{FolderError, RotationError};
use disk::Held;
pub(super) use loaded::FolderIdentities;
use loaded::{New, commit};
use state::file_name;

#[cfg(all(feature = "issue", unix, any(feature = "aws-lc-rs", feature = "ring")))]
pub use renew::{Renewal, RenewalOutcome};
pub use state::{IdentityState, RotationPhase, ServerRotation};

/// A folder with our current identity, perhaps the next one, and the state of the rotation between them. Every phase is
/// seen in [`state`](Self::state), and each one before [`finish`](Self::finish) can be undone.
///
/// A service presents it by [`FollowedIdentity::from_folder`](super::FollowedIdentity::from_folder): a change of another
/// process applies to the next handshake, and open connections go on.
///
/// The files of an identity never change. The state is one small file, replaced by a rename, that names them: a process
/// that is stopped between two steps leaves the state from before or the state after it.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
/// # mod example {
/// use mutual_trust::ServerId;
/// use mutual_trust::error::FolderError;
/// use mutual_trust::identity::KeyReader;
/// use mutual_trust::tls::IdentityFolder;
///
/// fn rotate(first: ServerId, others: &[ServerId]) -> Result<(), FolderError> {
///     let provider = mutual_trust::tls::provider::default_provider();
///     let folder = IdentityFolder::new("/var/lib/array/identity", KeyReader::new(), provider);
///     folder.stage("array-next.pem", "array-next.key")?; // its certificate goes to the administrators
///     folder.activate(&[first])?; // one of them has installed it
///     folder.activate_all()?; // the others have as well
///     let known = others;
///     if folder.state()?.may_finish(known) {
///         folder.finish(known)?; // the old key is deleted
///     }
///     Ok(())
/// }
/// # }
/// ```
///
/// # Security
/// The keys are in files that only their owner can read. [`finish`](Self::finish) unlinks the old key's file; disks can keep
/// copies that a program cannot reach. The folder should belong to the user of the service.
pub struct IdentityFolder<'a> {
    path: PathBuf,
    reader: KeyReader<'a>,
    provider: Arc<CryptoProvider>,
    clock: Arc<dyn TimeSource>,
    wait: Duration,
}

impl<'a> IdentityFolder<'a> {
    /// Names a folder. Nothing is read yet.
    pub fn new(
        path: impl Into<PathBuf>,
        reader: KeyReader<'a>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self {
            path: path.into(),
            reader,
            provider,
            clock: Arc::new(SystemClock::new()),
            wait: disk::LOCK_WAIT,
        }
    }

    /// Uses another clock for the dates in the state.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn TimeSource>) -> Self {
        self.clock = clock;
        self
    }

    /// Waits so long while another process changes the folder, instead of ten seconds.
    #[doc(hidden)]
    #[must_use]
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Makes the folder, and copies an identity from its files into it. An encrypted key stays encrypted.
    ///
    /// # Errors
    /// The folder has an identity, or other users can write it; or the files are no usable identity, or its certificate is
    /// not valid now; or something cannot be written.
    pub fn create(
        &self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<IdentityState, FolderError> {
        let new = self.read_new(chain.as_ref(), key.as_ref())?;
        disk::make(&self.path)?;
        if is_writable_by_others(&self.path) {
            let path = self.path.clone();
            return Err(FolderError::WritableByOthers { path });
        }
        let held = Held::lock(&self.path, self.wait)?;
        if held.state_path().exists() {
            let path = held.state_path();
            return Err(FolderError::Exists { path });
        }
        let state = IdentityState::new(new.certificate);
        self.write(&held, &new)?;
        held.replace(&state)?;
        Ok(state)
    }

    /// The state, which is read anew at each call. No key is read.
    ///
    /// # Errors
    /// There is no identity in the folder, or its state is damaged or of a newer version.
    pub fn state(&self) -> Result<IdentityState, FolderError> {
        disk::read_state(&self.path)
    }

    /// The chain of the current identity, or of the next one. It is for the administrators of key servers.
    ///
    /// # Errors
    /// As [`state`](Self::state). Or the file is missing or has another certificate.
    #[doc(hidden)]
    pub fn chain(&self, certificate: Fingerprint) -> Result<CertificateChain, FolderError> {
        let path = self.file(certificate, ".pem");
        let chain = CertificateChain::from_file(&path)?;
        if chain.leaf().fingerprint() != certificate {
            return Err(FolderError::OtherCertificate { path });
        }
        Ok(chain)
    }

    /// The file of a certificate that the state names.
    #[doc(hidden)]
    pub fn certificate_file(&self, certificate: Fingerprint) -> PathBuf {
        self.file(certificate, ".pem")
    }

    /// Both identities, as the state says to which server each is presented. For a program that goes on, use
    /// [`FollowedIdentity::from_folder`](super::FollowedIdentity::from_folder).
    ///
    /// # Errors
    /// As [`state`](Self::state). Or the files of an identity are not usable.
    pub fn identities(&self) -> Result<Identities, FolderError> {
        let state = self.state()?;
        let identities = Identities::new(self.identity(state.current)?);
        self.load(&state, &identities)?.present(&identities);
        Ok(identities)
    }

    /// Makes the next identity ready, from its files. It is presented to no server yet. It replaces one that was staged
    /// before and never activated.
    ///
    /// # Errors
    /// It is the current one, or not valid now; or an identity that was staged before is presented to a server; or the
    /// files are no usable identity.
    pub fn stage(
        &self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<IdentityState, FolderError> {
        let new = self.read_new(chain.as_ref(), key.as_ref())?;
        self.change(|held, state| self.stage_new(held, state, &new))
    }

    /// Presents the next identity to these servers.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn activate(&self, servers: &[ServerId]) -> Result<IdentityState, FolderError> {
        self.change(|_, state| state.choose(servers, true, self.now()))
    }

    /// Presents the next identity to all servers, and through configurations that serve many.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn activate_all(&self) -> Result<IdentityState, FolderError> {
        self.change(|_, state| state.choose_all(true, self.now()))
    }

    /// Presents the current identity to these servers again.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn back(&self, servers: &[ServerId]) -> Result<IdentityState, FolderError> {
        self.change(|_, state| state.choose(servers, false, self.now()))
    }

    /// Presents the current identity to all servers again. The next one stays staged.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn back_all(&self) -> Result<IdentityState, FolderError> {
        self.change(|_, state| state.choose_all(false, self.now()))
    }

    /// Presents the current identity to all servers again, and deletes the next one.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn cancel(&self) -> Result<IdentityState, FolderError> {
        self.change(|_, state| {
            let next = state.next.take().ok_or(RotationError::NothingStaged)?;
            drop(next);
            Ok(())
        })
    }

    /// Records that a server accepted one of our certificates. Call it after the first answer of the server on a connection
    /// on which it was presented: in TLS 1.3 the end of the handshake does not prove acceptance. `false` if it is not the
    /// certificate that the server is presented next; then nothing is recorded.
    ///
    /// # Errors
    /// The state cannot be read or written.
    pub fn accepted(
        &self,
        server: &ServerId,
        certificate: Fingerprint,
    ) -> Result<bool, FolderError> {
        let mut is_recorded = false;
        // Most connections have nothing to record, and do not wait for the lock.
        if self.state()?.accept(server, certificate, self.now())? {
            self.change(|_, state| {
                is_recorded = state.accept(server, certificate, self.now())?;
                Ok(())
            })?;
        }
        Ok(is_recorded)
    }

    /// Makes the next identity the current one, and deletes the old key. There is no way back.
    ///
    /// `known` are the servers that must have accepted the next identity, such as all servers of a store. If it is empty,
    /// they are those that the state names, at least one, and the next identity must be activated for all.
    ///
    /// # Errors
    /// Nothing is staged; or a server is not presented the next identity, or was not seen to accept it.
    pub fn finish(&self, known: &[ServerId]) -> Result<IdentityState, FolderError> {
        self.change(|_, state| {
            if state.next.is_some() && !state.may_finish(known) {
                let lagging = state.lagging(known);
                if lagging.is_empty() && state.phase() != RotationPhase::Activated {
                    return Err(RotationError::NotForAll.into());
                }
                return Err(FolderError::Lagging { servers: lagging });
            }
            commit(state)
        })
    }

    /// Does the same, whatever the servers are presented.
    ///
    /// # Security
    /// A server that does not accept the next certificate refuses us from then on.
    ///
    /// # Errors
    /// Nothing is staged.
    pub fn force_finish(&self) -> Result<IdentityState, FolderError> {
        self.change(|_, state| commit(state))
    }

    fn now(&self) -> CurrentTime {
        self.clock.now()
    }

    fn file(&self, certificate: Fingerprint, end: &str) -> PathBuf {
        self.path.join(file_name(certificate) + end)
    }

    /// Changes the state: reads it, puts the changed one in its place, and removes the files that it no longer names.
    fn change(
        &self,
        change: impl FnOnce(&Held, &mut IdentityState) -> Result<(), FolderError>,
    ) -> Result<IdentityState, FolderError> {
        let held = Held::lock(&self.path, self.wait)?;
        let before = disk::read_state(&self.path)?;
        // What a process left that was stopped. Before a file is written: it may have one of these names.
        held.clean(&before)?;
        let mut state = before.clone();
        change(&held, &mut state)?;
        if state != before {
            held.replace(&state)?;
            held.clean(&state)?;
        }
        Ok(state)
    }

    /// Reads files that are to become ours, and checks that they belong together.
    fn read_new(&self, chain: &Path, key: &Path) -> Result<New, FolderError> {
        let chain = CertificateChain::from_file(chain)?;
        let content = read_private(key, MAX_KEY_FILE_BYTES);
        let content = content.map_err(|source| FolderError::from_key_file(key, source))?;
        let identity = Identity::new(chain, self.reader.bytes(&content)?, &self.provider)?;
        self.check_dates(identity.certificate())?;
        Ok(New::of(&identity, content))
    }

    /// Checks that a certificate that is to become ours is valid now: every server refuses it otherwise. An unset clock
    /// knows nothing of it.
    fn check_dates(&self, certificate: &Certificate) -> Result<(), FolderError> {
        let validity = certificate.validity();
        match self.now() {
            CurrentTime::Known(now) if !validity.contains(now) => Err(FolderError::NotValidNow {
                validity,
                now: now.into(),
            }),
            CurrentTime::Known(_) | CurrentTime::Unset => Ok(()),
        }
    }

    fn stage_new(
        &self,
        held: &Held,
        state: &mut IdentityState,
        new: &New,
    ) -> Result<(), FolderError> {
        state.stage(new.certificate, self.now())?;
        // A request is answered, or was replaced by what a person staged.
        state.request = None;
        self.write(held, new)
    }

    fn write(&self, held: &Held, new: &New) -> Result<(), FolderError> {
        held.write(&self.file(new.certificate, ".key"), &new.key)?;
        held.write(&self.file(new.certificate, ".pem"), new.chain.as_bytes())
    }

    /// Loads an identity that the state names.
    fn identity(&self, certificate: Fingerprint) -> Result<Identity, FolderError> {
        let chain = self.chain(certificate)?;
        let key: PrivateKey = self.reader.file(self.file(certificate, ".key"))?;
        Ok(Identity::new(chain, key, &self.provider)?)
    }

    /// Loads what a state says. An identity that is presented already is not loaded again.
    pub(super) fn load(
        &self,
        state: &IdentityState,
        presented: &Identities,
    ) -> Result<FolderIdentities, FolderError> {
        let held = [Some(presented.current()), presented.next()];
        let load = |certificate: Fingerprint| {
            let loaded = held.iter().flatten();
            let mut same = loaded.filter(|held| held.certificate().fingerprint() == certificate);
            same.next()
                .map_or_else(|| self.identity(certificate), |found| Ok(found.clone()))
        };
        let current = load(state.current)?;
        let next = state.next().map(load).transpose()?;
        let (all, except) = state.choice();
        Ok(FolderIdentities {
            current,
            next,
            all,
            except,
        })
    }

    pub(super) fn state_file(&self) -> PathBuf {
        disk::state_path(&self.path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for IdentityFolder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityFolder")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
