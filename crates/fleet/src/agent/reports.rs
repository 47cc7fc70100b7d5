//! When an agent reports, and what.

use core::time::Duration;

use mutual_trust::certificate::Timestamp;
use mutual_trust::{CurrentTime, Fingerprint};

use super::Agent;
use crate::limits::REPORT_INTERVAL;
use crate::report::{NodeName, NodeReport, fault_line};
use crate::transport::Transport;

/// The reports of an agent.
#[derive(Debug)]
pub(super) struct Reports {
    node: NodeName,
    /// The last one that arrived, and when by the clock of the agent.
    last: Option<(NodeReport, Duration)>,
}

impl Reports {
    pub(super) fn new(node: NodeName) -> Self {
        Self { node, last: None }
    }

    /// Whether a report says more than the last one, its time aside.
    fn is_due(&self, report: &NodeReport, now: Duration) -> bool {
        let Some((last, then)) = &self.last else {
            return true;
        };
        let same = last.clone().with_time(report.time()) == *report;
        !same || now.saturating_sub(*then) >= REPORT_INTERVAL
    }
}

impl<T: Transport> Agent<T> {
    /// Reports if there is something new to say, or if it is time.
    pub(super) fn report(&mut self) {
        let Some(reports) = &self.reports else {
            return;
        };
        let node = reports.node.clone();
        let report = self.what_to_report(node);
        let now = self.clock.elapsed();
        let Some(reports) = self
            .reports
            .as_mut()
            .filter(|reports| reports.is_due(&report, now))
        else {
            return;
        };
        let reported = self.transport.report(&report);
        let mut notes = self.handle.notes();
        match reported {
            Ok(()) => {
                reports.last = Some((report, now));
                notes.report_fault = None;
            }
            Err(error) => notes.report_fault = Some(fault_line(&error)),
        }
    }

    fn what_to_report(&mut self, node: NodeName) -> NodeReport {
        let mut store = None;
        let mut why = None;
        let _ = self.with_store(|member, durable| {
            let digest = Fingerprint::from_bytes(*durable.digest().as_bytes());
            store = Some((durable.contents().generation(), digest));
            let fleet = member.state().fleet;
            let health = durable.health();
            let ours = health.fleets.into_iter().find(|of| of.state.fleet == fleet);
            why = ours.and_then(|ours| match ours.error {
                Some(error) => Some(error),
                None if ours.is_past_end => Some("the set is past its end".to_owned()),
                None => None,
            });
            Ok(())
        });
        let state = self.member.state();
        let time = match self.time.now() {
            CurrentTime::Known(now) => Timestamp::from(now),
            CurrentTime::Unset => Timestamp::from_seconds(0),
        };
        let is_applied = state.is_applied();
        let report = NodeReport::new(node, state.fleet, state.part, time)
            .with_keys_version(state.keys_version)
            .with_fault(why.as_deref().unwrap_or_default());
        let report = match state.newest {
            Some(newest) => report.with_held(newest.sequence, newest.digest, is_applied),
            None => report,
        };
        match store {
            Some((generation, digest)) => report.with_store(generation, digest),
            None => report,
        }
    }
}
