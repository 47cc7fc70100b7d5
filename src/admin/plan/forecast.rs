//! Peers that will be refused at a later time, if nothing is changed.

use core::fmt;
use std::collections::BTreeSet;

use pki_types::UnixTime;

use super::effects::{compare, is_lost};
use super::side::Side;
use super::{Effect, Impact};
use crate::admin::PeerHistory;
use crate::admin::expiry::timeline;
use crate::certificate::{CurrentTime, Timestamp, seconds};
use crate::limits::MAX_FORECAST_MOMENTS;
use crate::policy::Policy;
use crate::store::{Truncated, TrustSnapshot};

/// The effect of time on the peers that are accepted now.
#[derive(Clone, Debug)]
#[must_use = "it says which peers time alone locks out"]
pub struct Forecast {
    at: UnixTime,
    effects: Impact,
    outages: Truncated<PredictedOutage>,
}

/// A peer that time alone will lock out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PredictedOutage {
    /// The peer, and why.
    pub effect: Effect,
    /// The first second at which it is refused. `None` if there are too many times to try.
    pub since: Option<UnixTime>,
}

impl Forecast {
    /// The time of the forecast.
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// The peers that are accepted now and refused then, ordered by peer.
    pub fn outages(&self) -> &Truncated<PredictedOutage> {
        &self.outages
    }

    /// The same with all other effects of time: peers that are gained, at risk, or accepted by another entry.
    pub fn effects(&self) -> &Impact {
        &self.effects
    }
}

/// Finds the peers that are accepted now, by `clock`, and will be refused at a later time. It uses the present snapshot
/// and the last observations.
///
/// A server that was never seen is judged by the certificates that are installed for it.
pub fn forecast(
    view: &TrustSnapshot,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
    at: UnixTime,
) -> Forecast {
    let side = |clock| Side { view, clock };
    let (now, then) = (side(clock), side(CurrentTime::Known(at)));
    let effects = compare(now, then, policy, seen);
    let mut moments = BTreeSet::new();
    if !effects.lost().is_empty() {
        let start = view.now_or_floor(clock).map_or(0, seconds);
        timeline::visit(view, policy, seen, &mut |event| {
            let between = event.at > start && event.at <= seconds(at);
            // One more than the limit shows that there are too many.
            if between && moments.len() <= MAX_FORECAST_MOMENTS {
                moments.insert(event.at);
            }
        });
    }
    let mut outages = Truncated::default();
    for effect in effects.lost() {
        let lost_at = |moment: &UnixTime| {
            let then = side(CurrentTime::Known(*moment));
            is_lost(now, then, policy, seen, &effect.peer)
        };
        let since = (moments.len() <= MAX_FORECAST_MOMENTS)
            .then(|| {
                moments
                    .iter()
                    .filter_map(|at| timeline::moment(*at))
                    .find(lost_at)
            })
            .flatten();
        outages.push(PredictedOutage {
            effect: effect.clone(),
            since,
        });
    }
    outages.count(effects.lost().omitted());
    Forecast {
        at,
        effects,
        outages,
    }
}

impl fmt::Display for PredictedOutage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.effect.fmt(f)?;
        match self.since {
            Some(since) => write!(f, ", from {} on", Timestamp(seconds(since))),
            None => Ok(()),
        }
    }
}
