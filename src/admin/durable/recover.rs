//! Recovery: falling back to the last good version.

use std::path::Path;
use std::sync::Arc;

use super::disk::{self, Disk, Wait};
use super::merge::merge;
use super::news::News;
use super::report::RecoveryReport;
use super::stored::read_whole;
use super::{DurableSettings, DurableStore, after};
use crate::admin::durable::error::DurableError;
use crate::admin::file::error::StoreFileError;
use crate::admin::file::{
    self, ChangeHead, Damaged, JournalRecord, LoadReport, Loaded, Position, Salvaged, StoreFile,
    StoredChange, first_change, salvage, salvage_changes,
};
use crate::certificate::KeyPolicy;
use crate::certificate::error::with_causes;
use crate::store::{Truncated, trace};

/// One of the two files.
struct Candidate {
    /// Its bytes, if it could be read.
    content: Option<Vec<u8>>,
    whole: Result<Loaded, DurableError>,
    /// What stands before the damage.
    before: Option<Box<Loaded>>,
}

impl Candidate {
    fn at(path: &Path, settings: &DurableSettings) -> Self {
        let content = match disk::read(path) {
            Ok(content) => content,
            Err(error) => {
                return Self {
                    content: None,
                    whole: Err(error),
                    before: None,
                };
            }
        };
        let loaded = file::load(
            &content,
            settings.keys,
            settings.sealed_by(),
            u64::MAX,
            &mut |_| {},
        );
        let (whole, before) = match loaded {
            Ok(loaded) => (Ok(loaded), None),
            Err(Damaged { error, before }) => {
                let path = path.to_owned();
                let source = error;
                (Err(DurableError::File { path, source }), before)
            }
        };
        Self {
            content: Some(content),
            whole,
            before,
        }
    }

    /// Refuses a file that is not damaged: one of a later version, or a whole one whose seal the key does not verify.
    /// If the key verifies the snapshot, it is the store's, and what stands behind is damage.
    fn check_damaged(self, keys: KeyPolicy) -> Result<Self, DurableError> {
        let fault = match &self.whole {
            Err(DurableError::File { source, .. }) => Some(source),
            _ => None,
        };
        let is_later = matches!(fault, Some(StoreFileError::NewerVersion { .. }));
        let is_other = matches!(
            fault,
            Some(StoreFileError::SealMissing | StoreFileError::SealWrong)
        );
        let is_whole = || {
            let content = self.content.as_deref().unwrap_or(&[]);
            file::load(content, keys, None, u64::MAX, &mut |_| {}).is_ok()
        };
        let intact = is_later || (is_other && self.before.is_none() && is_whole());
        match self.whole {
            Err(error) if intact => Err(error),
            _ => Ok(self),
        }
    }

    fn generation(&self) -> Option<u64> {
        Some(self.whole.as_ref().ok()?.file.report.generation)
    }
}

/// What a recovery starts from, and what else is known.
struct Base {
    from: Loaded,
    salvaged: Salvaged,
    /// Whether all of the file was read.
    is_all: bool,
    /// Whether the seal of the file with what else is known is valid, or none is required.
    is_verified: bool,
}

impl Base {
    fn generation(&self) -> u64 {
        self.from.file.report.generation
    }

    /// The newest of what can be read.
    fn choose(
        current: Candidate,
        previous: Candidate,
        backup: Option<Loaded>,
        settings: &DurableSettings,
    ) -> Result<Self, DurableError> {
        let mut bases = Vec::new();
        let bare = settings.seal.is_none();
        let (is_current, is_previous) = (
            bare || current.whole.is_ok(),
            bare || previous.whole.is_ok(),
        );
        let content = current.content.unwrap_or_default();
        let old = previous.content.unwrap_or_default();
        let rest = |content: &[u8], at: &Position| {
            let rest = content.get(at.bytes..).unwrap_or(&[]);
            salvage_changes(rest, at.lines.saturating_add(1))
        };
        let mut faults = Vec::new();
        match current.whole {
            Ok(from) => bases.push(Self {
                salvaged: salvage(&old),
                from,
                is_all: false,
                is_verified: is_previous,
            }),
            Err(error) => faults.push(error),
        }
        if let Some(from) = current.before {
            let salvaged = rest(&content, &from.position);
            bases.push(Self {
                from: *from,
                salvaged,
                is_all: false,
                is_verified: bare,
            });
        }
        let previous_from = match previous.whole {
            Ok(from) => Some(from),
            Err(error) => {
                faults.push(error);
                previous.before.map(|from| *from)
            }
        };
        if let Some(from) = previous_from {
            if let Some((replayed, end)) = replay(&from, &content, settings) {
                bases.push(Self {
                    salvaged: rest(&content, &end),
                    is_all: end.bytes >= content.len(),
                    is_verified: bare || end.bytes >= content.len(),
                    from: replayed,
                });
            }
            bases.push(Self {
                salvaged: salvage(&content),
                from,
                is_all: false,
                is_verified: is_current,
            });
        }
        if let Some(from) = backup {
            // The newest file that is there shows what was taken away since.
            let newest = if content.is_empty() { &old } else { &content };
            bases.push(Self {
                salvaged: salvage(newest),
                from,
                is_all: false,
                is_verified: if content.is_empty() {
                    is_previous
                } else {
                    is_current
                },
            });
        }
        // Of equal ones, the first: it has lost the least.
        bases.reverse();
        let best = bases.into_iter().max_by_key(Self::generation);
        best.ok_or_else(|| {
            let mut faults = faults.into_iter().map(Box::new);
            match (faults.next(), faults.next()) {
                (Some(current), Some(previous)) => DurableError::NothingLeft { current, previous },
                (Some(fault), None) => *fault,
                (None, _) => DurableError::NoStore {
                    path: Path::new("").to_owned(),
                },
            }
        })
    }
}

/// Makes the changes of a file whose snapshot is damaged on the content of the file before it: that is what the snapshot
/// had, which the digest in the first change shows. Returns also where in the file the last of them ends.
fn replay(
    previous: &Loaded,
    content: &[u8],
    settings: &DurableSettings,
) -> Option<(Loaded, Position)> {
    let (at, line) = first_change(content)?;
    let StoreFile {
        store,
        kept,
        report,
    } = &previous.file;
    let head = Some(previous.position.digest);
    let (_, digest, kept) = file::write_for_journal(store.contents(), kept, head, None).ok()?;
    let mut position = Position {
        digest,
        bytes: 0,
        lines: line.saturating_sub(1),
        sealed: previous.position.sealed,
    };
    let behind = content.get(at..)?;
    let seal = settings.sealed_by();
    let (store, kept, _) = file::read_on(store, &kept, &mut position, behind, seal, &mut |_| {});
    let read = position.bytes;
    if read == 0 {
        return None;
    }
    position.bytes = at.saturating_add(read);
    let report = LoadReport {
        generation: store.contents().generation(),
        digest: position.digest,
        entries: store.contents().data().all().count(),
        ..report.clone()
    };
    let loaded = Loaded {
        file: StoreFile {
            store,
            kept,
            report,
        },
        position: position.clone(),
        major: previous.major,
        snapshot: previous.snapshot,
    };
    Some((loaded, position))
}

impl DurableStore {
    /// Opens a store whose file is damaged or missing, from what stands before the damage, or from the previous file.
    ///
    /// From what cannot be read whole, everything readable that takes trust away is kept: blocks, claims with the names of
    /// their servers, checked issuers with the revocations of their lists, removals of entries, and the floor unless it
    /// is more than 366 days ahead (rule M7). Of a file whose seal is missing or wrong, blocks, checked issuers and claims
    /// of known servers alone are kept. Nothing that would give trust is kept. The damaged file is stored as
    /// `trust-store.damaged`. If there is a backup, call [`recover_from`](Self::recover_from).
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
        let backup = Candidate::at(backup, &settings).whole?;
        Self::recover_with(folder, settings, Some(backup))
    }

    fn recover_with(
        folder: &Path,
        settings: DurableSettings,
        backup: Option<Loaded>,
    ) -> Result<(Self, RecoveryReport), DurableError> {
        let disk = Disk::new(folder, settings.lock_wait);
        let _held = disk.lock(Wait::Bounded)?;
        disk.clean();
        let minimum = settings.least()?;
        let path = disk.current();
        let current = Candidate::at(&path, &settings).check_damaged(settings.keys)?;
        if current.generation().is_some_and(|found| found >= minimum) {
            return Err(DurableError::NotDamaged { path });
        }
        settings.check_can_replace(&[&path, &disk.previous()])?;
        let previous = Candidate::at(&disk.previous(), &settings);
        let damage = match &current.whole {
            Err(error) => with_causes(error),
            Ok(loaded) => {
                let found = loaded.file.report.generation;
                DurableError::RolledBack { found, minimum }.to_string()
            }
        };
        let Base {
            from,
            mut salvaged,
            is_all,
            is_verified,
        } = Base::choose(current, previous, backup, &settings)?;
        if from.position.sealed && settings.seal.is_none() {
            return Err(DurableError::Unwritable(StoreFileError::Sealed));
        }
        let digest = from.position.digest;
        let StoreFile {
            store,
            kept,
            report: loaded,
        } = from.file;
        let mut store = store.with_clock(Arc::clone(&settings.clock));
        settings.check(loaded.generation, minimum)?;
        let mut report = RecoveryReport {
            damage,
            damaged_lines: Truncated::default(),
            lost_generation: salvaged.generation,
            from_generation: loaded.generation,
            changes_unknown: salvaged.generation.is_none() && !is_all,
            generation: 0,
            loaded,
            blocks: Truncated::default(),
            claims: Truncated::default(),
            names: Truncated::default(),
            names_left: Truncated::default(),
            checked: Truncated::default(),
            crls: Truncated::default(),
            lost_crls: Truncated::default(),
            floor: None,
            floor_left_out: None,
            lost: Truncated::default(),
            removed: Truncated::default(),
            brought_back: Truncated::default(),
        };
        let before = store.contents().clone();
        if !is_verified {
            salvaged = salvaged.without_seal(&before);
        }
        merge(&mut store, salvaged, &mut report);
        let highest = report.lost_generation.unwrap_or(0).max(minimum);
        store.count_up_to(highest);
        store.count_up_to(after(store.contents().generation()));
        let view = store.snapshot();
        report.generation = view.generation();
        let seal = settings.sealed_by();
        let written = || {
            let (mut text, over, kept) =
                file::write_for_journal(&before, &kept, Some(digest), seal)?;
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
            Ok((text, StoredChange::of(head, &added, over)))
        };
        let (text, change) = written().map_err(DurableError::Unwritable)?;
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
