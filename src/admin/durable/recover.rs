//! Recovery: falling back to the last good version.

use std::path::Path;
use std::sync::Arc;

use super::backup::check_sealed;
use super::candidates::{Candidate, Start};
use super::disk::{Disk, Wait};
use super::merge::merge;
use super::news::News;
use super::report::RecoveryReport;
use super::stored::read_whole;
use super::{DurableSettings, DurableStore, after};
use crate::admin::durable::error::DurableError;
use crate::admin::file::{self, ChangeHead, JournalRecord, StoreFile, StoredChange};
use crate::certificate::error::with_causes;
use crate::store::{Truncated, trace};

impl DurableStore {
    /// Opens a store whose file is damaged or missing, from what stands before the damage, or from the previous file.
    ///
    /// From what cannot be read whole, everything readable that takes trust away is kept: blocks, claims with the names of
    /// their servers, checked issuers with the revocations of their lists, removals of entries, and the floor unless it
    /// is more than 366 days ahead (rule M7). Of a file whose seal is missing or wrong, blocks, checked issuers and claims
    /// of known servers alone are kept. Nothing that would give trust is kept. The damaged file is stored as
    /// `trust-store.damaged`, or with a number behind this name if there is such a file. If there is a backup, call [`recover_from`](Self::recover_from).
    ///
    /// # Security
    /// Changes since the version that is found are lost, unless the report says otherwise. Show the report to a person.
    /// If `trust-store` is gone, these are all changes since the last snapshot, blocks and removals included.
    /// With a counter or a minimum, a person must [accept](DurableSettings::with_roll_back_accepted) the roll-back first.
    ///
    /// # Errors
    /// The store is whole, so there is nothing to recover: also if its seal is missing or the key is not its own, or a
    /// later version wrote it. To recover all the same, move the file away. Nothing can be read. A counter or minimum shows a later
    /// version, and the roll-back was not accepted. The result was not stored.
    pub fn recover(
        folder: &Path,
        settings: DurableSettings,
    ) -> Result<(Self, RecoveryReport), DurableError> {
        Self::recover_with(folder, settings, None)
    }

    /// [`recover`](Self::recover), where the file of a backup is one of the versions to start from: the newest that can
    /// be read is used. So it also makes a store that is lost as a whole.
    ///
    /// # Security
    /// As for [`recover`](Self::recover). What was blocked or claimed since the backup is kept as far as it can be read.
    ///
    /// # Errors
    /// As for [`recover`](Self::recover). The backup is damaged. A file is sealed, and the settings have no seal.
    pub fn recover_from(
        folder: &Path,
        settings: DurableSettings,
        backup: &Path,
    ) -> Result<(Self, RecoveryReport), DurableError> {
        Self::recover_with(folder, settings, Some(backup))
    }

    /// What [`recover`](Self::recover) would do, or with a backup [`recover_from`](Self::recover_from). Nothing is locked
    /// or written.
    ///
    /// # Errors
    /// As for [`recover_from`](Self::recover_from), apart from the lock and the disk.
    #[doc(hidden)]
    pub fn plan_recovery(
        folder: &Path,
        settings: &DurableSettings,
        backup: Option<&Path>,
    ) -> Result<RecoveryReport, DurableError> {
        let disk = Disk::new(folder, settings.lock_wait);
        Ok(Recovery::of(&disk, settings, backup)?.report)
    }

    fn recover_with(
        folder: &Path,
        settings: DurableSettings,
        backup: Option<&Path>,
    ) -> Result<(Self, RecoveryReport), DurableError> {
        let disk = Disk::new(folder, settings.lock_wait);
        let _held = disk.lock(Wait::Bounded)?;
        disk.clean();
        let Recovery {
            text,
            change,
            report,
        } = Recovery::of(&disk, &settings, backup)?;
        disk.replace_damaged(&text)
            .map_err(DurableError::NotSaved)?;
        let head = &change.head;
        trace::stored(head.from, head.to, &head.asked, head.more);
        let handle = disk.open(false, Wait::Bounded)?;
        let (stored, ..) = read_whole(&handle, &settings, None, &mut News::default())?;
        drop(handle);
        let mut started = Self::start(disk, settings, stored);
        started.news.push(&JournalRecord::Change(change));
        started.news.tell();
        Ok((started, report))
    }
}

/// A recovery that is not written yet.
struct Recovery {
    /// The new file.
    text: String,
    /// The change at its end.
    change: StoredChange,
    report: RecoveryReport,
}

impl Recovery {
    fn of(
        disk: &Disk,
        settings: &DurableSettings,
        backup: Option<&Path>,
    ) -> Result<Self, DurableError> {
        let from_backup = match backup {
            Some(path) => Some(Candidate::at(path, settings).whole?),
            None => None,
        };
        let minimum = settings.least()?;
        let path = disk.current();
        let current = Candidate::at(&path, settings).check_damaged(settings.keys)?;
        if current.generation().is_some_and(|found| found >= minimum) {
            return Err(DurableError::NotDamaged { path });
        }
        settings.check_can_replace(&[&path, &disk.previous()])?;
        if let (Some(path), Some(loaded)) = (backup, &from_backup) {
            check_sealed(path, &loaded.file)?;
        }
        let previous = Candidate::at(&disk.previous(), settings);
        let damage = match &current.whole {
            Err(error) => with_causes(error),
            Ok(loaded) => {
                let found = loaded.file.report.generation;
                DurableError::RolledBack { found, minimum }.to_string()
            }
        };
        let start = Start::choose(current, previous, from_backup, settings)?;
        let digest = start.from.position.digest;
        let StoreFile {
            store,
            kept,
            report: loaded,
        } = start.from.file;
        let mut store = store.with_clock(Arc::clone(&settings.clock));
        settings.check(loaded.generation, minimum)?;
        let mut report = RecoveryReport {
            damage,
            previous_damage: start.previous_damage,
            damaged_lines: start.damaged_lines,
            lost_generation: start.salvaged.generation,
            from_generation: loaded.generation,
            changes_unknown: start.changes_unknown,
            generation: 0,
            loaded,
            blocks: Truncated::default(),
            claims: Truncated::default(),
            lifted: Truncated::default(),
            disabled: Truncated::default(),
            narrowed: Truncated::default(),
            in_doubt: Truncated::default(),
            servers: Truncated::default(),
            names: Truncated::default(),
            names_left: Truncated::default(),
            checked: Truncated::default(),
            crls: Truncated::default(),
            lost_crls: Truncated::default(),
            floor: None,
            floor_left_out: None,
            lost: Truncated::default(),
            unverified: Truncated::default(),
            removed: Truncated::default(),
            brought_back: Truncated::default(),
        };
        let before = store.contents().clone();
        merge(&mut store, start.salvaged, &mut report);
        let highest = report.lost_generation.unwrap_or(0).max(minimum);
        store.count_up_to(highest);
        store.count_up_to(after(store.contents().generation()));
        let view = store.snapshot();
        report.generation = view.generation();
        let seal = settings.sealed_by();
        let written = || {
            let (mut text, over, kept) =
                file::write_for_journal(&before, &kept, (Some(digest), 0), seal)?;
            let head = ChangeHead {
                from: before.generation(),
                to: view.generation(),
                before: over,
                at: settings.now(),
                asked: vec![(String::from("recover"), None)],
                more: 0,
            };
            // The next snapshot must have room as well.
            file::write(&view, &kept, seal)?;
            let (added, over) = file::write_change(&head, &before, &view, &kept, seal)?;
            text.push_str(&added);
            // It replaces the file only if it can be read.
            let read = file::load(text.as_bytes(), settings.keys, seal, u64::MAX, &mut |_| {});
            let _ = read.map_err(|damaged| damaged.error)?;
            Ok((text, StoredChange::of(head, &added, over)))
        };
        let (text, change) = written().map_err(DurableError::Unwritable)?;
        Ok(Self {
            text,
            change,
            report,
        })
    }
}
