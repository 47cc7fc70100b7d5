//! Whether an entry could accept anything now. For reports to an administrator: nothing here accepts a peer.

use super::case::Case;
use super::detail::Rejection;
use super::profile::Place;
use super::timing::Timing;
use super::work::Work;
use super::{ExpectedServer, Policy, ReasonCode, VerifyRequest, issuers, pinned, revocation};
use crate::certificate::{Certificate, CurrentTime};
use crate::store::{Claim, Entry, Server, ServerId, Slot, TrustSnapshot};

/// The arguments of a verdict but for what is presented.
#[derive(Clone, Copy)]
pub(crate) struct Usable<'a> {
    pub(crate) view: &'a TrustSnapshot,
    pub(crate) policy: &'a Policy,
    pub(crate) clock: CurrentTime,
}

impl<'a> Usable<'a> {
    /// Why an entry could accept nothing that `server` presents, whatever it is; `None` if it could.
    pub(crate) fn why_not(&self, server: &ServerId, entry: &Entry) -> Option<Rejection> {
        self.why_not_for(Some(ExpectedServer::id(server, None)), entry)
    }

    /// The same for any peer: a server, or a client if none is expected.
    pub(crate) fn why_not_for(
        &self,
        target: Option<ExpectedServer<'_>>,
        entry: &Entry,
    ) -> Option<Rejection> {
        let timing = Timing::of(self.view, self.clock);
        let Some(certificate) = entry.certificate() else {
            return pinned::alive(self.view, &timing, entry).err();
        };
        match entry.slot() {
            Slot::Pin => self.case(target, certificate, |case| pinned::unusable(case, entry)),
            Slot::Authority | Slot::Intermediate => {
                if !timing.is_known() && !self.policy.chains_without_clock() {
                    return Some(timing.not_by_clock());
                }
                self.case(target, certificate, |case| {
                    let alive = timing.entry(entry);
                    let place = Place::Authority;
                    alive
                        .and_then(|()| issuers::check(case, certificate, place))
                        .and_then(|()| {
                            revocation::check_installed(case, certificate, Slot::Authority)
                        })
                        .and_then(|()| revocation::check_issuer(case, certificate))
                        .err()
                })
            }
        }
    }

    /// Whether less of what a CA signed could count as not revoked `after` a change.
    pub(crate) fn covers_less(&self, after: &Self, issuer: &Certificate) -> bool {
        self.case(None, issuer, |was| {
            after.case(None, issuer, |is| revocation::covers_less(was, is, issuer))
        })
    }

    /// What a reason is at the floor: the clock's, if it is that something has ended there (rule M7).
    pub(crate) fn at_floor(&self, reason: ReasonCode) -> ReasonCode {
        let timing = Timing::of(self.view, self.clock);
        if timing.is_of_floor(reason) {
            timing.not_by_clock().0
        } else {
            reason
        }
    }

    /// Whether authorities are asked about a server: it is not claimed, or it migrates (rules P3 and P4).
    pub(crate) fn asks_authorities(&self, server: &Server) -> bool {
        match server.claim() {
            Claim::Unclaimed => true,
            Claim::Claimed => false,
            Claim::Migrating { until } => !Timing::of(self.view, self.clock).is_past(until),
        }
    }

    /// Asks as if the certificate itself were presented.
    fn case<T>(
        &self,
        target: Option<ExpectedServer<'_>>,
        certificate: &Certificate,
        ask: impl FnOnce(&Case<'_>) -> T,
    ) -> T {
        let (leaf, clock) = (certificate.der(), self.clock);
        let question = match target {
            Some(target) => VerifyRequest::server(target, leaf, &[], clock),
            None => VerifyRequest::client(leaf, &[], clock),
        };
        ask(&Case {
            view: self.view,
            policy: self.policy,
            question: &question,
            timing: Timing::of(self.view, self.clock),
            work: &Work::default(),
            leaf: certificate,
            holder: None,
        })
    }
}
