//! Calls of the store that are one change, and their result.

use mutual_trust::TrustStore;
use mutual_trust::certificate::Crl;
use mutual_trust::error::StoreError;
use mutual_trust::store::{Report, RolledBack};

use crate::json::{self, RolledBackChange, StoreChange};
use crate::output::{Failure, Outcome};

/// Calls of the store that are one change.
pub(super) type Calls = Box<dyn Fn(&mut TrustStore) -> Result<Came, StoreError>>;

/// The result of the calls.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) reports: Vec<Report>,
    /// The error of the first part that was left out, and how many parts were left out.
    pub(super) left_out: Option<(Failure, usize)>,
    /// What a rollback did, if it was one.
    pub(super) rolled_back: Option<RolledBack>,
}

impl From<Vec<Report>> for Came {
    fn from(reports: Vec<Report>) -> Self {
        Self {
            reports,
            left_out: None,
            rolled_back: None,
        }
    }
}

impl From<RolledBack> for Came {
    fn from(done: RolledBack) -> Self {
        let mut came = Self::from(vec![done.report.clone()]);
        came.rolled_back = Some(done);
        came
    }
}

/// The result of a change.
pub(super) struct Changed {
    pub(super) text: String,
    pub(super) change: StoreChange,
    pub(super) rollback: Option<json::RolledBack>,
    /// The code of the refusal, if it is refused.
    pub(super) refused: Option<String>,
    /// Why a part of it failed.
    pub(super) failed: Option<Failure>,
}

impl From<Changed> for Outcome {
    fn from(done: Changed) -> Self {
        let Changed {
            text,
            change,
            rollback,
            refused,
            failed,
        } = done;
        let outcome = match rollback {
            Some(rollback) => Self::of(text, &RolledBackChange { change, rollback }),
            None => Self::of(text, &change),
        };
        let mut outcome = outcome.or_refused(refused);
        outcome.failed = failed;
        outcome
    }
}

impl Changed {
    /// Nothing was to be changed.
    pub(super) fn nothing(text: String, change: StoreChange) -> Self {
        Self {
            text,
            change,
            rollback: None,
            refused: None,
            failed: None,
        }
    }
}

/// Installs each revocation list that is accepted. A refused list does not stop the others: what they revoke would be
/// accepted. Fails if all are refused.
pub(super) fn crls(store: &mut TrustStore, lists: &[Crl]) -> Result<Came, StoreError> {
    let mut came = Came::from(Vec::new());
    let mut first = None;
    let mut count = 0_usize;
    for done in store.install_crls(lists.iter().cloned()) {
        match done {
            Ok(report) => came.reports.push(report),
            Err(error) => {
                count = count.saturating_add(1);
                first.get_or_insert(error);
            }
        }
    }
    match first {
        Some(error) if came.reports.is_empty() => Err(error),
        refused => {
            came.left_out = refused.map(|error| (Failure::from(error), count));
            Ok(came)
        }
    }
}
