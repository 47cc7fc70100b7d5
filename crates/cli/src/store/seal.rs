//! Seals a store with a key, and takes the seal away.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use mutual_trust::admin::bundle::FleetMember;
use mutual_trust::admin::{DurableStore, Seal, SealKey};
use mutual_trust::identity::{IfExists, write_private};
use zeroize::Zeroizing;

use super::make::Common;
use crate::json::{SealKeyFile, StoreSeal};
use crate::output::{Failure, Outcome};
use crate::{ours, plain};

/// As long as the code that it makes: a longer one adds nothing (RFC 2104 section 3).
const NEW_KEY_BYTES: usize = 32;

/// The key of a seal.
#[derive(Args, Clone, Debug)]
pub(super) struct Key {
    /// The key: a file of 32 to 1,024 random bytes for its owner alone
    key: PathBuf,
}

/// Makes a key.
pub(super) fn make_key(common: &Common, Key { key }: &Key) -> Result<Outcome, Failure> {
    common.changes_nothing()?;
    let mut bytes = Zeroizing::new([0_u8; NEW_KEY_BYTES]);
    let filled = ours::provider().secure_random.fill(&mut *bytes);
    filled.map_err(|_| Failure::new("io", "the system gave no random bytes"))?;
    let written = write_private(key, &*bytes, IfExists::Refuse);
    written.map_err(|error| Failure::from(error).about(key.display()))?;
    let text = format!(
        "made a key for the seal of a store: {}\nto do: keep a copy in a safe place; without it, a store that it seals cannot be changed",
        plain::path(key)
    );
    let key_file = key.display().to_string();
    Ok(Outcome::of(text, &SealKeyFile { key_file }))
}

/// Seals the store with a key, or with another one than before.
pub(super) fn seal(common: &Common, Key { key }: &Key) -> Result<Outcome, Failure> {
    let read: Arc<dyn Seal> = Arc::new(SealKey::from_file(key)?);
    set(
        common,
        Some(read),
        &format!("by the key {}", plain::path(key)),
    )
}

/// Takes the seal away.
pub(super) fn unseal(common: &Common) -> Result<Outcome, Failure> {
    if common.settings()?.seal().is_none() {
        return Err(Failure::new(
            "usage",
            "name the key of the seal with --seal-key",
        ));
    }
    set(common, None, "")
}

fn set(common: &Common, seal: Option<Arc<dyn Seal>>, by: &str) -> Result<Outcome, Failure> {
    let is_sealed = seal.is_some();
    let mut store = common.open()?;
    // Before anything changes: a file that has no valid seal now gets none.
    let mut members = members(&mut store)?;
    if !common.dry_run {
        let set = store.set_seal(seal);
        // Also after an error: the new seal may hold all the same, and each file gets the seal that the store has.
        let filed = seal_files(&mut members, &mut store);
        set?;
        filed?;
    }
    let would = if common.dry_run { "would be " } else { "" };
    let mut text = match is_sealed {
        true => format!(
            "the store {would}sealed {by}: a command that changes or verifies it needs --seal-key with that key"
        ),
        false => format!(
            "the store {would}unsealed: a user who can write to its folder can change it unseen"
        ),
    };
    for member in &members {
        let fleet = member.state().fleet;
        text.push_str(&format!("\nso {would}what it holds of fleet {fleet}"));
    }
    let set = StoreSeal {
        changed: !common.dry_run,
        dry_run: common.dry_run,
        sealed: is_sealed,
        generation: store.contents().generation(),
    };
    Ok(Outcome::of(text, &set))
}

/// The fleets of which the store is a node.
fn members(store: &mut DurableStore) -> Result<Vec<FleetMember>, Failure> {
    let fleets = FleetMember::fleets(store)?;
    let open = |fleet| Ok(FleetMember::open(store, &fleet)?);
    fleets.into_iter().map(open).collect()
}

/// Gives the file of each fleet the seal of the store. One that is not written keeps none of the others from it.
fn seal_files(members: &mut [FleetMember], store: &mut DurableStore) -> Result<(), Failure> {
    let mut first = Ok(());
    for member in members {
        if let Err(error) = member.seal_again(store) {
            let what = "the store has the new seal, and what it holds of a fleet does not";
            first = first.and(Err(Failure::from(&error).about(what)));
        }
    }
    first
}
