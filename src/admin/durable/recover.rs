//! Recovery: falling back to the last good version.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pki_types::UnixTime;

use super::disk::{self, Disk};
use super::{DurableSettings, DurableStore, after, load};
use crate::admin::durable::error::DurableError;
use crate::admin::file::{self, LoadReport, Salvaged, StoreFile, salvage};
use crate::certificate::error::with_causes;
use crate::certificate::{Crl, Fingerprint, Timestamp};
use crate::store::{
    BlockSelector, Claim, CrlIssuer, EntryKey, HeldServer, ServerId, Truncated, TrustStore,
};

/// What a recovery did. An administrator must read it.
///
/// `Display` shows all of it; the fields are what a program acts on.
#[derive(Clone, Debug)]
#[must_use = "it says which trust came back and which is lost: show it to a person"]
#[non_exhaustive]
pub struct RecoveryReport {
    /// Why the file was not used as it is.
    #[doc(hidden)]
    pub damage: String,
    /// Lines of it that cannot be read, from 1.
    #[doc(hidden)]
    pub damaged_lines: Truncated<usize>,
    /// The generation of the damaged file, if it can be read.
    #[doc(hidden)]
    pub lost_generation: Option<u64>,
    /// The generation that the store fell back to.
    #[doc(hidden)]
    pub from_generation: u64,
    /// The generation that was stored now. It is higher than both.
    pub generation: u64,
    /// The load report of the version that the store fell back to.
    #[doc(hidden)]
    pub loaded: LoadReport,
    /// Blocks that only the damaged file had. They are kept.
    #[doc(hidden)]
    pub blocks: Truncated<BlockSelector>,
    /// Servers whose claim only the damaged file had, or had in a stricter form. The claim is kept. Their pins may have
    /// to be installed again.
    #[doc(hidden)]
    pub claims: Truncated<ServerId>,
    /// Issuers that were checked for revocation only in the damaged file (rule C4). They stay checked: a certificate of
    /// such an issuer that no current list covers is refused.
    #[doc(hidden)]
    pub checked: Truncated<CrlIssuer>,
    /// Revocation lists that only the damaged file had. They are kept, and what they name is revoked.
    /// [`InstalledCrl::disabled`](crate::store::InstalledCrl::disabled) says whether they can prove that a certificate
    /// is not revoked.
    #[doc(hidden)]
    pub crls: Truncated<Fingerprint>,
    /// Revocation lists of the damaged file that are lost: install newer ones. Their issuers are checked.
    #[doc(hidden)]
    pub lost_crls: Truncated<Fingerprint>,
    /// The floor of the damaged file, if it was higher and was kept.
    #[doc(hidden)]
    pub floor: Option<UnixTime>,
    /// The floor of the damaged file, if it was not kept because it is too high: a wrong floor would lock the store
    /// (rule M7).
    #[doc(hidden)]
    pub floor_left_out: Option<UnixTime>,
    /// Entries of the damaged file that are lost: install them again.
    pub lost: Truncated<EntryKey>,
    /// Entries of the older version that were removed according to the damaged file. They stay removed.
    #[doc(hidden)]
    pub removed: Truncated<EntryKey>,
    /// Entries of the older version that may have been removed since: the damaged file does not show it. **They are
    /// trusted**: check each of them.
    pub brought_back: Truncated<EntryKey>,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "damaged: {}", self.damage)?;
        write!(
            f,
            "fell back from generation {} to {}, stored as {}",
            self.lost_generation
                .map_or_else(|| String::from("(unreadable)"), |lost| lost.to_string()),
            self.from_generation,
            self.generation
        )?;
        list(f, "line not readable", &self.damaged_lines)?;
        list(f, "block kept", &self.blocks)?;
        list(f, "claim kept of server", &self.claims)?;
        list(f, "checked issuer kept", &self.checked)?;
        list(f, "revocation list kept", &self.crls)?;
        list(
            f,
            "revocation list lost, install a newer one",
            &self.lost_crls,
        )?;
        if let Some(floor) = self.floor {
            write!(f, "\n  clock floor kept: {}", Timestamp::from(floor))?;
        }
        if let Some(floor) = self.floor_left_out {
            write!(
                f,
                "\n  clock floor not taken over, it is more than a year ahead: {}",
                Timestamp::from(floor)
            )?;
        }
        list(f, "lost, install it again", &self.lost)?;
        list(f, "not brought back, it was removed", &self.removed)?;
        list(
            f,
            "brought back, it may have been removed",
            &self.brought_back,
        )?;
        write!(f, "\n  loaded: {}", self.loaded)
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    items: &Truncated<T>,
) -> fmt::Result {
    for item in items {
        write!(f, "\n  {title}: {item}")?;
    }
    if items.omitted() > 0 {
        write!(f, "\n  {title}: and {} more", items.omitted())?;
    }
    Ok(())
}

/// One of the two files.
struct Candidate {
    /// Its bytes, if it could be read.
    content: Option<Vec<u8>>,
    loaded: Result<StoreFile, DurableError>,
}

impl Candidate {
    fn at(path: &Path, settings: &DurableSettings) -> Self {
        let missing = || DurableError::NoStore {
            path: path.to_owned(),
        };
        let content = disk::read(path).and_then(|found| found.ok_or_else(missing));
        match content {
            Ok(content) => Self {
                loaded: load(path, &content, settings),
                content: Some(content),
            },
            Err(error) => Self {
                content: None,
                loaded: Err(error),
            },
        }
    }

    fn generation(&self) -> Option<u64> {
        Some(self.loaded.as_ref().ok()?.report.generation)
    }
}

impl DurableStore {
    /// Opens a store whose file is damaged or missing, from the previous version.
    ///
    /// From the damaged file, everything readable that takes trust away is kept: blocks, claims with the names of their
    /// servers, checked issuers with the revocations of their lists, removals of entries, and the floor unless it is
    /// more than 366 days ahead (rule M7). Nothing that would give trust is kept. The damaged file is stored as
    /// `trust-store.damaged`. To recover from a backup, copy it to `trust-store.previous` first.
    ///
    /// # Security
    /// Changes since the previous version are lost, unless the report says otherwise. Show the report to a person. With
    /// a counter or a minimum, a person must [accept](DurableSettings::with_roll_back_accepted) the roll-back first.
    ///
    /// # Errors
    /// The store is whole, so there is nothing to recover. Neither version can be read. A counter or minimum shows a
    /// later version, and the roll-back was not accepted. The result was not stored.
    pub fn recover(
        folder: &Path,
        settings: DurableSettings,
    ) -> Result<(Self, RecoveryReport), DurableError> {
        let disk = Disk::lock(folder)?;
        let minimum = settings.least()?;
        let path = disk.current();
        let current = Candidate::at(&path, &settings);
        if current.generation().is_some_and(|found| found >= minimum) {
            return Err(DurableError::NotDamaged { path });
        }
        let previous = Candidate::at(&disk.previous(), &settings);
        let damage = match &current.loaded {
            Err(error) => with_causes(error),
            Ok(loaded) => {
                let found = loaded.report.generation;
                DurableError::RolledBack { found, minimum }.to_string()
            }
        };
        // The newer whole file is used. From the other one, only what takes trust away is kept.
        let take_previous = previous.generation() > current.generation();
        let (good, other) = if take_previous {
            (previous, current)
        } else {
            (current, previous)
        };
        let StoreFile {
            mut store,
            kept,
            report: loaded,
        } = match (good.loaded, other.loaded) {
            (Ok(loaded), _) => loaded,
            // Neither is whole, so the current one comes first.
            (Err(current), Err(previous)) => {
                return Err(DurableError::NothingLeft {
                    current: Box::new(current),
                    previous: Box::new(previous),
                });
            }
            (Err(error), Ok(_)) => return Err(error),
        };
        settings.check(loaded.generation, minimum)?;
        let salvaged = other.content.as_deref().map(salvage).unwrap_or_default();
        let mut report = RecoveryReport {
            damage,
            damaged_lines: Truncated::default(),
            lost_generation: salvaged.generation,
            from_generation: loaded.generation,
            generation: 0,
            loaded,
            blocks: Truncated::default(),
            claims: Truncated::default(),
            checked: Truncated::default(),
            crls: Truncated::default(),
            lost_crls: Truncated::default(),
            floor: None,
            floor_left_out: None,
            lost: Truncated::default(),
            removed: Truncated::default(),
            brought_back: Truncated::default(),
        };
        merge(&mut store, salvaged, &mut report);
        let highest = report.lost_generation.unwrap_or(0).max(minimum);
        store.count_up_to(highest);
        store.count_up_to(after(store.contents().generation()));
        let view = store.snapshot();
        report.generation = view.generation();
        let (text, digest) =
            file::write(&view, &kept, settings.sealed_by()).map_err(DurableError::Unwritable)?;
        disk.replace_damaged(&text)
            .map_err(DurableError::NotSaved)?;
        Ok((Self::start(disk, settings, store, kept, digest), report))
    }
}

/// Takes over everything in the damaged file that takes trust away, and nothing that gives trust.
fn merge(store: &mut TrustStore, salvaged: Salvaged, report: &mut RecoveryReport) {
    // Removals come first: the steps below add servers and lists, and remove no entry.
    merge_removals(store, &salvaged, report);
    for block in salvaged.blocks {
        if store.restore_block(&block) {
            report.blocks.push(block);
        }
    }
    merge_claims(store, salvaged.claims, report);
    // After the claims: a server that only the damaged file claims exists now and can get its names.
    for (id, name) in salvaged.names {
        store.restore_name(&id, &name);
    }
    for issuer in salvaged.checked {
        if store.restore_check(&issuer) {
            report.checked.push(issuer);
        }
    }
    merge_crls(store, salvaged.crls, salvaged.lost_crls, report);
    if let Some(floor) = salvaged.floor {
        match store.salvage_floor(floor) {
            Some(true) => report.floor = salvaged.floor,
            // M7: a floor far ahead may come from a wrong clock, and would lock the store.
            Some(false) => report.floor_left_out = salvaged.floor,
            None => {}
        }
    }
    report.damaged_lines = salvaged.damaged;
}

/// Removes the entries of the older version that the damaged file shows to be removed, and reports the difference.
fn merge_removals(store: &mut TrustStore, salvaged: &Salvaged, report: &mut RecoveryReport) {
    let is_newer = salvaged.generation > Some(report.from_generation);
    // A damaged file that is older than the good one does not show later changes.
    if !is_newer && salvaged.generation.is_some() {
        return;
    }
    let held: BTreeSet<EntryKey> = {
        let entries = store.contents().entries();
        entries.iter().map(|entry| entry.key()).collect()
    };
    for key in salvaged.entries.difference(&held) {
        report.lost.push(key.clone());
    }
    for key in held.difference(&salvaged.entries) {
        // If the list is incomplete, a missing entry may be in a damaged line. It was not necessarily removed.
        if !is_newer || !salvaged.all_entries {
            report.brought_back.push(key.clone());
        } else if store.remove(key).is_ok() {
            report.removed.push(key.clone());
        }
    }
}

/// A claim refuses every peer without a pin, so it is kept even if the server itself is lost (rule P2).
fn merge_claims(
    store: &mut TrustStore,
    claims: BTreeMap<ServerId, Claim>,
    report: &mut RecoveryReport,
) {
    for (id, claim) in claims {
        let changed = if store.contents().server(&id).is_some() {
            store.restore_claim(&id, claim)
        } else {
            let held = HeldServer {
                id: id.clone(),
                names: BTreeSet::new(),
                expected: BTreeSet::new(),
                group: None,
                claim,
            };
            store.restore_server(held).is_ok()
        };
        if changed {
            report.claims.push(id);
        }
    }
}

fn merge_crls(
    store: &mut TrustStore,
    crls: Vec<(CrlIssuer, Crl)>,
    unreadable: Vec<Fingerprint>,
    report: &mut RecoveryReport,
) {
    for (issuer, list) in crls {
        match store.salvage_crl(&issuer, &list) {
            Ok(true) => report.crls.push(list.fingerprint()),
            Ok(false) => {}
            Err(_) => report.lost_crls.push(list.fingerprint()),
        }
    }
    // The older version may have the whole list of which the damaged file shows only the first line.
    for fingerprint in unreadable {
        if !store.holds_crl(fingerprint) {
            report.lost_crls.push(fingerprint);
        }
    }
}
