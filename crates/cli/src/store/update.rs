//! `store update`: changes the options of an entry that stays installed.

use std::path::PathBuf;

use clap::Args;
use mutual_trust::error::StoreError;
use mutual_trust::store::{EntryKey, Report};
use mutual_trust::{EntryOptions, PinMatch, TrustSnapshot};

use super::change::{Edit, entries};
use super::scope::{OptionArguments, ScopeArguments};
use crate::output::Failure;

/// The entry and its new options. What is not named stays.
#[derive(Args, Clone, Debug)]
pub(super) struct UpdateArguments {
    /// The file of the entry's certificate, or its fingerprint in full (`store list --full` shows it)
    #[arg(value_name = "FILE|SHA-256")]
    certificate: PathBuf,
    #[command(flatten)]
    scope: ScopeArguments,
    /// Update all entries of the certificate, if there are several
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    options: OptionArguments,
    #[command(flatten)]
    without: Without,
}

/// Options that are taken back.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Taking options back")]
struct Without {
    /// Remove the label
    #[arg(long, conflicts_with = "label")]
    no_label: bool,
    /// Accept the certificate alone again
    #[arg(long, conflicts_with = "match_key")]
    no_match_key: bool,
    /// Accept it until its end only, or as the policy has it
    #[arg(long, conflicts_with = "grace")]
    no_grace: bool,
    /// Hold it to its extended key usage again
    #[arg(long, conflicts_with = "any_role")]
    no_any_role: bool,
    /// Remove the end that was set for the entry
    #[arg(long, conflicts_with = "ends")]
    no_end: bool,
    /// Accept clients of any name
    #[arg(long, conflicts_with = "pattern")]
    no_pattern: bool,
}

impl UpdateArguments {
    pub(super) fn prepare(self, view: &TrustSnapshot) -> Result<Edit, Failure> {
        let keys = entries(&self.certificate, &self.scope, self.all, view)?;
        let updates = keys.into_iter().filter_map(|key| {
            let options = self.updated(view.entry(&key)?.options());
            Some((key, options))
        });
        let updates: Vec<(EntryKey, EntryOptions)> = updates.collect();
        Ok(Edit::Calls(Box::new(move |store| {
            let updated = updates
                .iter()
                .map(|(key, options)| store.update(key, options.clone()));
            Ok(updated.collect::<Result<Vec<Report>, StoreError>>()?.into())
        })))
    }

    /// The options of an entry, with what is named.
    fn updated(&self, old: &EntryOptions) -> EntryOptions {
        let without = &self.without;
        let mut kept = EntryOptions::new();
        if let Some(label) = old.label().filter(|_| !without.no_label) {
            kept = kept.with_label(label);
        }
        if old.matching() == PinMatch::PublicKey && !without.no_match_key {
            kept = kept.with_matching(PinMatch::PublicKey);
        }
        if let Some(rule) = old.validity().filter(|_| !without.no_grace) {
            kept = kept.with_validity(rule);
        }
        if old.is_any_role() && !without.no_any_role {
            kept = kept.with_any_role();
        }
        if let Some(end) = old.end().filter(|_| !without.no_end) {
            kept = kept.with_end(end);
        }
        if !without.no_pattern {
            kept = kept.with_san_patterns(old.san_patterns().iter().cloned());
        }
        self.options.onto(kept)
    }
}
