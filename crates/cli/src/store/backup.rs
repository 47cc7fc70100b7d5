//! `store backup`, `store restore` and `store recover`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use mutual_trust::TrustStore;
use mutual_trust::admin::file::SealState;
use mutual_trust::admin::{DurableStore, RecoveryReport};
use mutual_trust::certificate::Timestamp;
use mutual_trust::error::{DurableError, StoreFileError};

use super::calls::{Calls, Came};
use super::make::{self, Common};
use crate::facts::{bounded, entry_key, kept, text};
use crate::json::{Backup, Recovered};
use crate::output::{Failure, Outcome, shown};
use crate::plain;

/// The file of a backup.
#[derive(Args, Clone, Debug)]
pub(super) struct BackupArguments {
    /// The file to make, which must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The backup whose content the store gets.
#[derive(Args, Clone, Debug)]
pub(super) struct RestoreArguments {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What a recovery can start from.
#[derive(Args, Clone, Debug)]
pub(super) struct RecoverArguments {
    /// A backup, which is used if it is newer than what else can be read
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
}

/// Copies the store to a file.
pub(super) fn backup(common: &Common, arguments: &BackupArguments) -> Result<Outcome, Failure> {
    common.changes_nothing()?;
    let file = &arguments.file;
    let settings = common.settings()?;
    let report = DurableStore::backup(common.folder()?, &settings, file)?;
    let is_sealed = report.seal != SealState::None;
    let sealed = if is_sealed { ", sealed" } else { "" };
    let line = format!(
        "copied to {}: generation {}, {} entries{sealed}\ndigest: {}",
        plain::path(file),
        report.generation,
        report.entries,
        report.digest
    );
    let backup = Backup {
        file: file.display().to_string(),
        generation: report.generation,
        digest: report.digest.to_string(),
        entries: report.entries,
        sealed: is_sealed,
    };
    Ok(Outcome::of(line, &backup))
}

/// Gives the store the content of a backup, except for what takes trust away. A store that is lost or damaged is
/// recovered from it.
pub(super) fn restore(common: &Common, arguments: &RestoreArguments) -> Result<Outcome, Failure> {
    let file = &arguments.file;
    // Before anything is said of a store.
    fs::metadata(file).map_err(|error| Failure::from(error).about(file.display()))?;
    let settings = common.settings()?;
    let folder = common.folder()?;
    let store = match DurableStore::read(folder, &settings) {
        // Of a sealed store the backup is sealed as well: the store is what needs the key.
        Ok(read) if read.report.seal == SealState::NotVerified => {
            return Err(DurableError::Unwritable(StoreFileError::Sealed).into());
        }
        Ok(read) => read.store,
        // A file that is whole is not damaged: the recovery refuses it.
        Err(DurableError::NoStore { .. } | DurableError::File { .. }) => {
            return recovered(common, "a store that is lost or damaged", Some(file));
        }
        Err(error) => return Err(error.into()),
    };
    let backup = DurableStore::read_backup(file, &settings)?.store;
    let backup = backup.contents().clone();
    let calls: Calls =
        Box::new(move |store: &mut TrustStore| Ok(Came::from(store.restore_backup(&backup)?)));
    make::guarded(common, &store, &calls)
}

/// Makes a damaged or lost store usable again.
pub(super) fn recover(common: &Common, arguments: &RecoverArguments) -> Result<Outcome, Failure> {
    recovered(common, "a recovery", arguments.backup.as_deref())
}

fn recovered(common: &Common, what: &str, backup: Option<&Path>) -> Result<Outcome, Failure> {
    // Nothing is known of the store before, so that it cannot be held.
    common.changes_damaged(what)?;
    let (folder, settings) = (common.folder()?, common.settings()?);
    let mut lines = Vec::new();
    let report = if common.dry_run {
        lines.push(String::from(
            "dry run, nothing was changed; the recovery would be:",
        ));
        DurableStore::plan_recovery(folder, &settings, backup)?
    } else if let Some(backup) = backup {
        if !folder.exists() {
            // A recovery that fails leaves no folder behind.
            let _ = DurableStore::plan_recovery(folder, &settings, Some(backup))?;
            make::folder(folder)?;
        }
        DurableStore::recover_from(folder, settings, backup)?.1
    } else {
        DurableStore::recover(folder, settings)?.1
    };
    lines.push(shown(&report));
    if let Some(backup) = backup {
        // The recovery has read it, so that this cannot fail for long.
        let settings = common.settings()?;
        let read = DurableStore::read_backup(backup, &settings)?;
        let generation = read.store.contents().generation();
        if generation < report.from_generation {
            lines.push(format!(
                "note: the backup, of generation {generation}, is older than what could be read, and was not used: `store restore` once more gives the store its content"
            ));
        }
    }
    let to_look_at = [&report.brought_back, &report.in_doubt, &report.lost];
    if to_look_at.iter().any(|list| !list.is_empty()) {
        lines.push(String::from(
            "to do: look at each entry that was brought back or is trusted, and install again what is lost",
        ));
    }
    Ok(Outcome::of(
        lines.join("\n"),
        &fact(&report, common.dry_run),
    ))
}

fn fact(report: &RecoveryReport, dry_run: bool) -> Recovered {
    let time = |time: Option<_>| time.map(|time| Timestamp::from(time).to_string());
    Recovered {
        dry_run,
        damage: report.damage.clone(),
        previous_damage: report.previous_damage.clone(),
        damaged_lines: bounded(&report.damaged_lines, |line| *line),
        lost_generation: report.lost_generation,
        from_generation: report.from_generation,
        changes_unknown: report.changes_unknown,
        generation: report.generation,
        blocks: bounded(&report.blocks, text),
        claims: bounded(&report.claims, text),
        lifted: bounded(&report.lifted, kept),
        names: bounded(&report.names, kept),
        names_left: bounded(&report.names_left, kept),
        disabled: bounded(&report.disabled, entry_key),
        narrowed: bounded(&report.narrowed, entry_key),
        servers: bounded(&report.servers, text),
        in_doubt: bounded(&report.in_doubt, entry_key),
        checked_issuers: bounded(&report.checked, text),
        crls: bounded(&report.crls, text),
        lost_crls: bounded(&report.lost_crls, text),
        floor: time(report.floor),
        floor_left_out: time(report.floor_left_out),
        lost: bounded(&report.lost, entry_key),
        unverified: bounded(&report.unverified, entry_key),
        removed: bounded(&report.removed, entry_key),
        brought_back: bounded(&report.brought_back, entry_key),
    }
}
