//! Tries a change, shows its effects, and makes it if it locks no peer out.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::Args;
use mutual_trust::admin::file::StoreFile;
use mutual_trust::admin::{
    DurableSettings, DurableStore, LockoutAllowance, Peer, PeerHistory, Plan, plan,
};
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust::error::{GuardedError, PlanError, StoreError};
use mutual_trust::store::Outcome as Done;
use mutual_trust::{CurrentTime, Policy, TrustStore};

use super::calls::{Calls, Came, Changed};
use super::change::Edit;
use super::words::{self, lost_and_gained, without_repeats};
use crate::json::StoreChange;
use crate::nodes::{LinkArguments, LinkFiles};
use crate::output::{Failure, Outcome};
use crate::passphrase::PassphraseArguments;
use crate::plain;
use crate::trust::{OpenArguments, PolicyArguments, asked_time};
use crate::{facts, ours, passphrase};

/// Which store, and how it is changed.
#[derive(Args, Clone, Debug)]
pub(super) struct Common {
    /// The folder of the store
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "The store")]
    store: Option<PathBuf>,
    /// Show what the change would do, and change nothing
    #[arg(long, global = true, help_heading = "The store")]
    pub(super) dry_run: bool,
    /// Make the change even if it locks a peer out
    #[arg(long, global = true, help_heading = "The store")]
    force: bool,
    /// Who asks for the change: a person, a ticket; without it, the account of the process. For `log`: whose changes are shown
    #[arg(long, global = true, value_name = "WHO", help_heading = "The store")]
    by: Option<String>,
    /// Read the passphrase of an archive of certificates from this file descriptor, up to its first line feed and as it
    /// stands; each further archive takes the next line; without this option, it is asked for at the terminal
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(i32).range(0..), help_heading = "The store")]
    passphrase_fd: Option<i32>,
    #[command(flatten)]
    open: OpenArguments,
    #[command(flatten)]
    pub(super) policy: PolicyArguments,
}

impl Common {
    pub(super) fn folder(&self) -> Result<&Path, Failure> {
        let missing = || Failure::new("usage", "name the folder of the store with --store");
        self.store.as_deref().ok_or_else(missing)
    }

    /// Archives of certificates get their passphrases from where the line says.
    pub(super) fn unlock_files(&self) {
        passphrase::unlock_files(self.passphrase_fd);
    }

    /// How an address is reached, with the source of passphrases of the line.
    pub(super) fn link(&self, files: &LinkFiles) -> LinkArguments {
        files.with_passphrases(PassphraseArguments::from(self.passphrase_fd))
    }

    pub(super) fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// The same without changing the store.
    pub(super) fn dry(&self) -> Self {
        Self {
            dry_run: true,
            ..self.clone()
        }
    }

    pub(super) fn policy(&self) -> Policy {
        self.policy.policy(ours::keys())
    }

    /// Refuses the options of a change where nothing is changed.
    pub(super) fn changes_nothing(&self) -> Result<(), Failure> {
        if self.dry_run || self.force || self.by.is_some() || self.open.records_refused() {
            let text = "nothing is changed here: --dry-run, --force, --record-refused and --by belong to changes";
            return Err(Failure::new("usage", text));
        }
        Ok(())
    }

    /// Refuses the options of a change that is held against what is in force, and those that name who asks for it, where
    /// a store is recovered.
    pub(super) fn changes_damaged(&self, what: &str) -> Result<(), Failure> {
        if self.force || self.by.is_some() || self.open.records_refused() {
            let text = format!("{what}: --force, --record-refused and --by do not apply");
            return Err(Failure::new("usage", text));
        }
        Ok(())
    }

    /// Refuses the options of a change that is planned, where what comes is not known before.
    pub(super) fn changes_unasked(&self, why: &str) -> Result<(), Failure> {
        if self.dry_run || self.force {
            let text = format!("--dry-run and --force do not apply: {why}");
            return Err(Failure::new("usage", text));
        }
        Ok(())
    }

    /// Reads the store without opening it, with what was found of its seal.
    pub(super) fn read(&self) -> Result<StoreFile, Failure> {
        Ok(DurableStore::read(self.folder()?, &self.settings()?)?)
    }

    /// The same for what asks for its content alone.
    pub(super) fn look(&self) -> Result<TrustStore, Failure> {
        Ok(self.read()?.store)
    }

    /// How the store is read and written.
    pub(super) fn settings(&self) -> Result<DurableSettings, Failure> {
        self.open.settings(ours::keys())
    }

    pub(super) fn open(&self) -> Result<DurableStore, Failure> {
        self.open.open(self.folder()?, self.by())
    }
}

pub(super) fn now() -> CurrentTime {
    SystemClock::new().now()
}

/// The time that is asked about: of the clock, or a named one. For a named time the floor does not apply: it is for a lost
/// clock (rule M7). The store is a copy.
pub(super) fn judged_at(
    store: &mut TrustStore,
    at: Option<Timestamp>,
) -> Result<CurrentTime, Failure> {
    let time = asked_time(at)?;
    if at.is_some() {
        store.reset_floor(None);
    }
    Ok(time)
}

/// Makes the folder of a store, if it is not there.
pub(super) fn folder(folder: &Path) -> Result<(), Failure> {
    // A user who can write to the folder can replace the store.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Failure::from(error).about(folder.display()))
}

/// Makes an empty store.
pub(super) fn create(common: &Common) -> Result<Outcome, Failure> {
    let folder = common.folder()?;
    if common.dry_run {
        let text = format!("would make an empty store in {}", plain::path(folder));
        return Ok(Outcome::of(text, &StoreChange::default()));
    }
    let settings = common.settings()?;
    self::folder(folder)?;
    let store = DurableStore::create(folder, settings)?;
    let generation = store.contents().generation();
    let text = format!(
        "made an empty store in {}: it trusts no peer",
        plain::path(folder)
    );
    let made = StoreChange {
        changed: true,
        generation: Some(generation),
        reports: Some(Vec::new()),
        effects: Some(None),
        ..StoreChange::default()
    };
    Ok(Outcome::of(text, &made))
}

/// Adds a warning for the folder and each file of the store that other users can write.
pub(super) fn add_exposed(folder: &Path, outcome: &mut Outcome) {
    let exposed = DurableStore::writable_by_others(folder);
    let exposed: Vec<String> = exposed.iter().map(|path| plain::path(path)).collect();
    for path in &exposed {
        let warning = format!(
            "\nwarning: other users can write {path}, and so replace the store: `chmod go-w {path}`"
        );
        outcome.text.push_str(&warning);
    }
    outcome.writable_by_others = Some(exposed);
}

/// Tries the change, and makes it unless it is a dry run or locks a peer out.
pub(super) fn change(
    common: &Common,
    edit: impl FnOnce(&TrustStore) -> Result<Edit, Failure>,
) -> Result<Outcome, Failure> {
    let looked = common.look()?;
    match edit(&looked)? {
        Edit::Block(selector) => {
            let (policy, (seen, unread)) = (common.policy(), seen_or_not(common, &looked));
            let tried = plan(&looked, &policy, &seen, now(), |store| {
                Ok(Came::from(vec![store.block_selector(selector.clone())]))
            })?;
            let told = |made| {
                let mut outcome = Outcome::from(outcome_of(&tried, made));
                outcome.aside = unread;
                Ok(outcome)
            };
            if common.dry_run {
                // A block is made in any case.
                return told(Made::DryRun(Forced(true)));
            }
            // If the disk refuses it, the block is in force only as long as this process.
            let mut store = common.open()?;
            let blocked = store.block_selector(selector);
            match blocked.unsaved {
                Some(error) => Err(error.into()),
                None => told(Made::Yes(stored(&store))),
            }
        }
        Edit::Calls(calls) => guarded(common, &looked, &calls),
        Edit::Nothing(outcome) => Ok(outcome),
    }
}

/// Makes calls that are one change, unless it is a dry run or locks a peer out.
pub(super) fn guarded(
    common: &Common,
    looked: &TrustStore,
    calls: &Calls,
) -> Result<Outcome, Failure> {
    let (seen, unread) = seen_or_not(common, looked);
    let mut outcome = Outcome::from(tried_and_made(common, looked, calls, &seen)?);
    outcome.aside = unread;
    Ok(outcome)
}

/// What `connect` has seen of the servers of a store.
pub(super) fn seen(common: &Common, store: &TrustStore) -> Result<PeerHistory, Failure> {
    let folder = common.folder()?;
    let loaded = PeerHistory::load_beside(folder, store.contents(), &common.policy(), now());
    Ok(loaded?)
}

/// The same, for a change that does not need it: if it cannot be read, that is a warning, and the change is judged by what
/// is installed.
fn seen_or_not(common: &Common, store: &TrustStore) -> (PeerHistory, Option<String>) {
    match seen(common, store) {
        Ok(seen) => (seen, None),
        Err(failure) => {
            let what = "warning: what servers were seen with cannot be read";
            let why = format!("{what}: {}", failure.message());
            (PeerHistory::new(), Some(why))
        }
    }
}

/// The same, for a result that says more, and with what was seen of the peers.
pub(super) fn tried_and_made(
    common: &Common,
    looked: &TrustStore,
    calls: &Calls,
    seen: &PeerHistory,
) -> Result<Changed, Failure> {
    let policy = common.policy();
    if common.dry_run {
        let tried = plan(looked, &policy, seen, now(), calls)?;
        return Ok(outcome_of(&tried, Made::DryRun(Forced(common.force))));
    }
    let mut store = common.open()?;
    let mut tries = 0_usize;
    loop {
        let tried = match store.plan(&policy, seen, now(), calls) {
            Ok(tried) => tried,
            Err(error) => {
                store.record_refused("a call that was refused", &error.to_string())?;
                return Err(error.into());
            }
        };
        let lost: Vec<Peer> = tried.effects().all_lost().cloned().collect();
        let refused = !lost.is_empty() && !common.force;
        if refused && !common.open.records_refused() {
            return Ok(outcome_of(&tried, Made::Refused));
        }
        let allowed = match refused {
            // The store refuses it, and records that.
            true => LockoutAllowance::none(),
            false => LockoutAllowance::allow(lost),
        };
        match store.apply(&tried, seen, now(), &allowed) {
            Ok(_) => return Ok(outcome_of(&tried, Made::Yes(stored(&store)))),
            Err(GuardedError::Plan(PlanError::Loses { .. })) if refused => {
                return Ok(outcome_of(&tried, Made::Refused));
            }
            Err(error) if is_stale(&error) && tries < MOST_PLANS => {
                tries = tries.saturating_add(1);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// How often a change is planned again because another process changed the store meanwhile. Each time, that process has
/// made its change, so that a store that is changed by so many commands at once is no ordinary one.
const MOST_PLANS: usize = 100;

/// Whether another process changed the store after a change was planned. The store has read that change.
fn is_stale(error: &GuardedError) -> bool {
    matches!(
        error,
        GuardedError::Plan(PlanError::Store(StoreError::StaleDraft { .. }))
    )
}

/// The generation that is stored. A clock that moves the floor makes one more than the change did.
fn stored(store: &DurableStore) -> u64 {
    store.contents().generation()
}

/// What became of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// With this generation.
    Yes(u64),
    DryRun(Forced),
    Refused,
}

/// Whether a change is made even if it locks a peer out.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Forced(bool);

fn outcome_of(tried: &Plan<Came>, made: Made) -> Changed {
    let Came {
        reports,
        left_out,
        rolled_back,
    } = tried.outcome();
    let mut lines: Vec<String> = match made {
        Made::Yes(_) => Vec::new(),
        Made::DryRun(_) => vec![String::from(
            "dry run, nothing was changed; the change would be:",
        )],
        Made::Refused => vec![String::from("nothing was changed; the change would be:")],
    };
    let generation = match made {
        Made::Yes(generation) => generation,
        Made::DryRun(_) | Made::Refused => tried.next_generation(),
    };
    lines.extend(without_repeats(reports, generation));
    let has_changed = reports.iter().any(|one| one.done() != Done::Unchanged);
    let is_made = matches!(made, Made::Yes(_));
    lines.extend(
        rolled_back
            .iter()
            .map(|done| words::rolled_back(done, has_changed, is_made)),
    );
    lines.extend(lost_and_gained(tried.effects(), is_made));
    let locks_out = tried.effects().all_lost().next().is_some();
    let is_refused = match made {
        Made::Yes(_) => false,
        Made::DryRun(Forced(forced)) => locks_out && !forced,
        Made::Refused => true,
    };
    if is_refused {
        lines.push(String::from(
            "refused: the change would lock a peer out; --force makes it anyway",
        ));
    }
    let change = StoreChange {
        changed: is_made && has_changed,
        dry_run: Some(matches!(made, Made::DryRun(_))),
        generation: Some(generation),
        reports: Some(reports.iter().map(facts::report).collect()),
        effects: Some(Some(facts::effects(tried.effects()))),
        clock: Some(facts::clock(tried.contents(), now())),
    };
    Changed {
        text: lines.join("\n"),
        change,
        rollback: rolled_back.as_ref().map(facts::rolled_back),
        refused: is_refused.then(|| String::from("LocksOut")),
        failed: left_out.as_ref().map(|(first, count)| {
            let about = format!("left out, {count} in all");
            first.clone().about(about)
        }),
    }
}
