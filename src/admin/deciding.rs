//! What decides about a peer now, for reports and exports: nothing here accepts a peer.

use super::scenarios::{Scenarios, Unusable};
use crate::certificate::CurrentTime;
use crate::policy::{Detail, ExpectedServer, Policy, ReasonCode, Usable};
use crate::store::{
    Entry, EntryKey, Scope, Server, ServerId, Slot, Truncated, TrustSnapshot, TrustSource,
};

/// The entries that decide about a server at a time.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[doc(hidden)]
pub struct Deciding {
    /// The source that decides. A migrating server is asked for its authorities as well.
    pub level: TrustSource,
    /// The entries that could accept something, pins first.
    pub usable: Vec<EntryKey>,
    /// The entries that accept nothing.
    pub unusable: Truncated<Unusable>,
    /// Why everything that the server presents is refused. `None` if an entry is usable.
    pub refused: Option<ReasonCode>,
}

/// The entries that decide about a server. What the server presents is still judged in full.
#[doc(hidden)]
pub fn deciding(
    view: &TrustSnapshot,
    policy: &Policy,
    clock: CurrentTime,
    server: &Server,
) -> Deciding {
    let mut scenarios = Scenarios::new(view, policy, clock);
    let asked = scenarios.of(server);
    let level = view.level(server);
    let refused = asked
        .usable
        .is_empty()
        .then(|| scenarios.reason(&asked, level));
    Deciding {
        level,
        usable: asked.usable.values().cloned().collect(),
        unusable: asked.no_longer_trusted.clone(),
        refused,
    }
}

/// Why an entry accepts nothing at this time: it is blocked, disabled, revoked, has ended or not begun. `None` if it could
/// accept something.
#[doc(hidden)]
pub fn unusable(
    view: &TrustSnapshot,
    policy: &Policy,
    clock: CurrentTime,
    entry: &Entry,
) -> Option<Unusable> {
    let usable = Usable {
        view,
        policy,
        clock,
    };
    let why = |target: Option<ExpectedServer<'_>>| usable.why_not_for(target, entry);
    // Which server it is makes no difference: only the role does.
    let server: Option<ServerId> = "server".parse().ok();
    let as_server = || why(server.as_ref().map(|id| ExpectedServer::id(id, None)));
    let found: Option<(ReasonCode, Detail)> = match (entry.slot(), entry.scope()) {
        // It completes chains of both roles.
        (Slot::Intermediate, _) | (_, Scope::Everyone) => why(None).and_then(|_| as_server()),
        (_, Scope::Clients) => why(None),
        (_, Scope::Server(_) | Scope::Group(_) | Scope::AnyServer) => as_server(),
    };
    found.map(|(reason, detail)| Unusable {
        entry: entry.key(),
        reason,
        detail,
    })
}
