//! Whether an unknown peer could be pinned. For reports to an administrator: nothing here accepts a peer.

use super::case::Case;
use super::timing::Timing;
use super::work::Work;
use super::{Policy, Verdict, VerifyRequest, pinned};
use crate::certificate::Certificate;
use crate::store::TrustSnapshot;

/// The certificate of a refused peer, if an administrator may be asked about it: nothing installed matches it, and as a
/// pin it would be accepted now.
///
/// `verdict` must be the answer of [`decide`](super::decide()) to the same arguments.
pub(crate) fn unknown_peer(
    view: &TrustSnapshot,
    policy: &Policy,
    question: &VerifyRequest<'_>,
    verdict: &Verdict,
) -> Option<Certificate> {
    if verdict.is_accepted() || !verdict.reason().is_unknown_peer() {
        return None;
    }
    let leaf = Certificate::from_der(question.end_entity).ok()?;
    let case = Case {
        view,
        policy,
        question,
        timing: Timing::of(view, question.clock),
        work: &Work::default(),
        leaf: &leaf,
        holder: None,
    };
    pinned::could_be_pinned(&case).then_some(leaf)
}
