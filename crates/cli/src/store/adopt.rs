//! Adopts what is trusted today: a bundle, or a folder of PEM files.

mod sources;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mutual_trust::admin::PeerHistory;
use mutual_trust::error::StoreError;
use mutual_trust::store::{Decision, Report, SuggestedSlot};
use mutual_trust::{AuthorityScope, Certificate, EntryOptions, PinScope, TrustStore};

use super::calls::{Calls, Changed};
use super::make::{Common, tried_and_made};
use super::scope::ScopeArguments;
use crate::facts;
use crate::json::{Adopted, AdoptedItem, StoreChange};
use crate::output::{Failure, Outcome, identified, shown};
use crate::plain;

/// What is adopted.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// A PEM file, or a folder of them
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    scope: ScopeArguments,
    /// What a self-signed CA alone is installed as: it can be a server's own certificate or an authority
    #[arg(long, value_enum)]
    undecided: Option<Undecided>,
    /// Install what is proposed; without this option, it is only shown
    #[arg(long)]
    accept: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Undecided {
    /// The certificate that a peer itself presents
    Pin,
    /// A CA that vouches for others
    Authority,
}

/// One certificate, what is proposed for it, and why that would be refused, if so.
struct Item {
    from: String,
    certificate: Certificate,
    decision: Decision,
    refused: Option<String>,
}

/// Shows what would be installed and what would be refused; installs it with `--accept`.
///
/// What is left out makes the call fail, installed or not: people take a command that ends with 0 for done.
pub(super) fn run(common: &Common, arguments: &Arguments, whole: bool) -> Result<Outcome, Failure> {
    let store = common.look()?;
    let mut read = sources::read(&arguments.path)?;
    if whole && let Some(failure) = read.unread_failure() {
        return Err(failure);
    }
    let found = core::mem::take(&mut read.certificates);
    let (from, certificates): (Vec<String>, Vec<Certificate>) = found.into_iter().unzip();
    let bundle = store.classify_bundle(certificates);
    let scopes = Scopes {
        pins: arguments.scope.pin().unwrap_or_default(),
        authorities: arguments.scope.authority().unwrap_or_default(),
        is_group: arguments.scope.is_group(),
    };
    let items: Vec<Item> = bundle
        .items()
        .iter()
        .zip(from)
        .map(|(item, from)| {
            let decision = decided(item.proposal(), arguments.undecided);
            let refused = scopes.try_one(&store, item.certificate(), decision).err();
            Item {
                from,
                certificate: item.certificate().clone(),
                decision,
                refused,
            }
        })
        .collect();
    let refused = items.iter().filter(|item| item.refused.is_some()).count();
    let is_good = |item: &&Item| item.refused.is_none() && item.decision != Decision::Skip;
    let good: Vec<(Certificate, Decision)> = items
        .iter()
        .filter(is_good)
        .map(|item| (item.certificate.clone(), item.decision))
        .collect();
    let mut lines: Vec<String> = items.iter().map(line).collect();
    lines.extend(read.lines());
    let left_out = refused.saturating_add(read.unread.len());
    let is_stopped = whole && refused > 0;
    let installs = arguments.accept && !is_stopped && !good.is_empty();
    let done = if installs {
        let calls: Calls = Box::new(move |store| Ok(scopes.install(store, &good)?.into()));
        tried_and_made(common, &store, &calls, &PeerHistory::new())?
    } else {
        let text = match (is_stopped, good.is_empty()) {
            (true, _) => "nothing is installed: a bundle is installed whole or not at all",
            (false, true) => "nothing is installed: there is nothing to install",
            (false, false) => "nothing was installed; say --accept to install it",
        };
        Changed::nothing(String::from(text), StoreChange::default())
    };
    lines.push(done.text);
    let adopted = Adopted {
        items: items.iter().map(fact).collect(),
        unread: read.unread_fact(),
        passed_over: read.passed_over_fact(),
        refused_count: left_out,
        change: done.change,
    };
    let refused = is_stopped.then(|| String::from("BundleRefused"));
    let mut outcome = Outcome::of(lines.join("\n"), &adopted).or_refused(refused.or(done.refused));
    outcome.failed = done.failed;
    if left_out > 0 || items.is_empty() {
        let text = if left_out > 0 {
            let item = items.iter().find_map(|item| {
                let why = item.refused.as_ref()?;
                Some(format!("{}: {why}", plain::line(&item.from)))
            });
            let first = item.or(read.first_unread()).unwrap_or_default();
            format!("{left_out} left out; the first: {first}")
        } else {
            format!("{}: no certificate", plain::path(&arguments.path))
        };
        outcome.failed = Some(Failure::new("certificate/LeftOut", text));
    }
    Ok(outcome)
}

/// The scopes of what is installed.
struct Scopes {
    pins: Option<PinScope>,
    authorities: Option<AuthorityScope>,
    /// A group is named, for which there are no authorities.
    is_group: bool,
}

impl Scopes {
    /// Why a certificate would be refused.
    fn try_one(
        &self,
        store: &TrustStore,
        certificate: &Certificate,
        decision: Decision,
    ) -> Result<(), String> {
        let why = if decision == Decision::Undecided {
            "a self-signed CA alone: say --undecided pin or --undecided authority"
        } else if decision == Decision::Pin && self.pins.is_none() {
            "a pin needs a scope: say --server, --name, --group or --clients"
        } else if decision == Decision::Authority && self.authorities.is_none() {
            if self.is_group {
                "an authority is not for a group: say --server, --any-server or --clients"
            } else {
                "an authority needs a scope: say --server, --name, --any-server or --clients"
            }
        } else {
            let mut draft = store.draft();
            let tried = self.install(draft.store(), &[(certificate.clone(), decision)]);
            return tried.map(|_| ()).map_err(|error| shown(&error));
        };
        Err(String::from(why))
    }

    fn install(
        &self,
        store: &mut TrustStore,
        all: &[(Certificate, Decision)],
    ) -> Result<Vec<Report>, StoreError> {
        let options = EntryOptions::new;
        let mut reports = Vec::new();
        for (certificate, decision) in all {
            let certificate = certificate.clone();
            let report = match (decision, &self.pins, &self.authorities) {
                (Decision::Pin, Some(scope), _) => {
                    store.install_pin(scope.clone(), certificate, options())?
                }
                (Decision::Authority, _, Some(scope)) => {
                    store.install_authority(scope.clone(), certificate, options())?
                }
                (Decision::Intermediate, _, _) => {
                    store.install_intermediate(certificate, options())?
                }
                _ => continue,
            };
            reports.push(report);
        }
        Ok(reports)
    }
}

fn decided(proposal: SuggestedSlot, undecided: Option<Undecided>) -> Decision {
    match (proposal, undecided) {
        (SuggestedSlot::Undecided, Some(Undecided::Pin)) => Decision::Pin,
        (SuggestedSlot::Undecided, Some(Undecided::Authority)) => Decision::Authority,
        (proposal, _) => proposal.into(),
    }
}

fn word(decision: Decision) -> &'static str {
    let words = [
        (Decision::Pin, "pin"),
        (Decision::Authority, "authority"),
        (Decision::Intermediate, "intermediate"),
        (Decision::Skip, "left out"),
    ];
    let found = words.iter().find(|(known, _)| *known == decision);
    found.map_or("undecided", |(_, word)| word)
}

fn line(item: &Item) -> String {
    let subject = facts::subject(&item.certificate);
    let fingerprint = identified(item.certificate.fingerprint());
    let head = match (&item.refused, item.decision) {
        (Some(why), decision) => {
            return format!(
                "refused: {}: {subject} {fingerprint} as {}: {why}",
                plain::line(&item.from),
                word(decision)
            );
        }
        (None, Decision::Skip) => "left out (its issuer vouches for it)",
        (None, decision) => word(decision),
    };
    format!(
        "{head}: {}: {subject} {fingerprint}",
        plain::line(&item.from)
    )
}

fn fact(item: &Item) -> AdoptedItem {
    AdoptedItem {
        file: item.from.clone(),
        decision: word(item.decision),
        why_not: item.refused.clone(),
        certificate: facts::certificate(&item.certificate),
    }
}
