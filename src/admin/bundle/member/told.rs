//! Shows what became of a bundle in the health of the store.

use super::error::MemberError;
use super::{FleetHealth, FleetMember, TakeOver};
use crate::admin::DurableStore;
use crate::admin::follow::LockedOut;
use crate::certificate::error::with_causes;

impl FleetMember {
    /// Notes what became of the newest bundle.
    pub(super) fn settle(&mut self, done: &Result<TakeOver, MemberError>) {
        match done {
            Ok(TakeOver::Held { lost, at_risk, .. }) => {
                let count = lost.len().saturating_add(lost.omitted());
                let risks = at_risk.len().saturating_add(at_risk.omitted());
                let mut text = format!(
                    "its newest bundle is held: it would lock out {count} peers and put {risks} at risk"
                );
                for peer in lost.into_iter().chain(at_risk).take(3) {
                    text.push_str(&format!(", {peer}"));
                }
                self.not_applied = Some(text);
            }
            Ok(TakeOver::Unchanged | TakeOver::Applied { .. }) => self.not_applied = None,
            Err(error) => self.not_applied = Some(with_causes(error)),
        }
    }

    /// Shows the state in the health of the store.
    pub(super) fn tell(&mut self, store: &mut DurableStore) {
        let now = store.now().known();
        let faults = [&self.not_applied, &self.refused, &self.fault];
        let error = faults.into_iter().find_map(Clone::clone);
        self.since = error.as_ref().and(self.since.or(now));
        if error.is_none() && self.checked.is_some() {
            self.last_success = now.or(self.last_success);
        }
        let locked_out = self.locked_out.as_ref();
        let mut warnings = locked_out.map(LockedOut::warnings).unwrap_or_default();
        for notice in &self.notices {
            warnings.push(notice.to_string());
        }
        warnings.count(self.notices.omitted());
        store.set_fleet(FleetHealth {
            state: self.state(),
            is_past_end: false,
            error,
            since: self.since,
            last_success: self.last_success,
            locked_out: locked_out.is_some_and(LockedOut::is_sure),
            warnings,
        });
    }
}
