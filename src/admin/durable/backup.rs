//! Copies a store to a backup, and gives a store the content of one.

use std::path::Path;

use super::disk;
use super::open::load;
use super::{DurableSettings, DurableStore};
use crate::admin::durable::error::DurableError;
use crate::admin::file::{LoadReport, SealState, StoreFile};
use crate::admin::{PeerHistory, Plan};
use crate::certificate::CurrentTime;
use crate::identity::{IfExists, Owner, prepare_store};
use crate::policy::Policy;
use crate::store::RolledBack;

/// Refuses a backup whose seal was not verified, because the settings have no seal.
pub(super) fn check_sealed(path: &Path, backup: &StoreFile) -> Result<(), DurableError> {
    match backup.report.seal {
        SealState::NotVerified => Err(DurableError::BackupSealed {
            path: path.to_owned(),
        }),
        SealState::None | SealState::Verified => Ok(()),
    }
}

impl DurableStore {
    /// Copies the store in a folder to a file that does not exist. Processes may change the store meanwhile.
    ///
    /// The copy is a whole store file: a snapshot, and the changes since then that are stored to their end. A sealed store
    /// is copied with its seals. The file has mode 0600. A store has no private keys.
    ///
    /// ```
    /// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
    /// use mutual_trust::admin::{DurableSettings, DurableStore};
    /// use mutual_trust::{KeyPolicy, tls};
    ///
    /// let keys = KeyPolicy::new(tls::provider::default_provider().signature_verification_algorithms.all);
    /// # let folder = std::env::temp_dir().join(format!("mutual-trust-backup-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// let settings = DurableSettings::new(keys);
    /// let store = DurableStore::create(&folder, settings.clone())?;
    /// let copied = DurableStore::backup(&folder, &settings, &folder.join("backup"))?;
    /// assert_eq!(copied.generation, store.contents().generation());
    /// # std::fs::remove_dir_all(&folder)?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`read`](Self::read): a damaged store is not copied. The file exists, or cannot be written.
    #[doc(hidden)]
    pub fn backup(
        folder: &Path,
        settings: &DurableSettings,
        file: &Path,
    ) -> Result<LoadReport, DurableError> {
        let (content, StoreFile { report, .. }) = Self::read_text(folder, settings)?;
        let whole = content.len().saturating_sub(report.cut);
        let whole = content.get(..whole).unwrap_or(&content);
        let copied = prepare_store(file, whole, IfExists::Refuse, &Owner::Own);
        let placed = copied.and_then(|copied| copied.place());
        placed.map_err(DurableError::BackupNotWritten)?;
        Ok(report)
    }

    /// Reads a backup. It must be whole, and sealed if the settings have a seal.
    ///
    /// # Errors
    /// As for [`read`](Self::read). It is sealed, and the settings have no seal to verify it with.
    #[doc(hidden)]
    pub fn read_backup(file: &Path, settings: &DurableSettings) -> Result<StoreFile, DurableError> {
        let read = load(file, &disk::read(file)?, settings)?;
        check_sealed(file, &read)?;
        Ok(read)
    }

    /// Plans to give the store the content of a backup. [`apply`](Self::apply) makes it: one change, which locks out only
    /// the peers that the allowance names.
    ///
    /// What takes trust away stays, as in a rollback: blocks, claims with the names of their servers, checked issuers,
    /// revocation lists and the floor. An entry that is blocked does not come back. The new generation is higher than
    /// that of the store and that of the backup. For a store that is damaged or lost:
    /// [`recover_from`](Self::recover_from).
    ///
    /// # Security
    /// What was removed since the backup, and is not blocked, is trusted again. The outcome of the plan lists it.
    ///
    /// # Errors
    /// As for [`read`](Self::read), of the backup. The store or the backup is sealed, and the settings have no seal.
    #[doc(hidden)]
    pub fn plan_restore(
        &self,
        file: &Path,
        policy: &Policy,
        seen: &PeerHistory,
        clock: CurrentTime,
    ) -> Result<Plan<RolledBack>, DurableError> {
        self.check_can_seal()?;
        let backup = Self::read_backup(file, &self.settings)?;
        let backup = backup.store.contents();
        let planned = self.plan(policy, seen, clock, |store| store.restore_backup(backup));
        Ok(planned?)
    }
}
