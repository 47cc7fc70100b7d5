//! What becomes of a decision: a verdict that is kept, or only a yes.

use super::super::judged::Judged;
use super::super::{ExpectedServer, Verdict, VerifyRequest};
use super::acceptance::{Acceptance, Yes};
use crate::certificate::Fingerprint;
use crate::store::{ServerId, TrustSnapshot};

/// What was decided, while the view and the question are at hand.
pub(super) struct Answered<'a> {
    pub(super) view: &'a TrustSnapshot,
    pub(super) question: &'a VerifyRequest<'a>,
    pub(super) judged: Judged<'a>,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) subject: Option<String>,
}

impl Answered<'_> {
    /// A yes, or all of a refusal.
    pub(super) fn short(self) -> Result<Yes, Box<Verdict>> {
        match &self.judged.outcome {
            Ok(acceptance) => Ok(acceptance.given()),
            Err(_) => Err(Box::new(self.kept())),
        }
    }

    /// All of it, to hold after the view has gone.
    pub(super) fn kept(self) -> Verdict {
        let target = self.question.target;
        Verdict {
            outcome: self.judged.outcome.map(Acceptance::kept),
            role: self.question.role(),
            generation: self.view.generation(),
            server: target.and_then(|target| server_of(self.view, target)),
            dialled: target.and_then(|target| Some(target.dialled()?.clone_apart())),
            presented: self.fingerprint,
            subject: self.subject,
            considered: self.judged.considered,
            warnings: self.judged.warnings,
            remedy: None,
        }
    }
}

/// The server that the peer must be, as far as it is known before anything is judged.
fn server_of(view: &TrustSnapshot, target: ExpectedServer<'_>) -> Option<ServerId> {
    match target {
        ExpectedServer::Id { id, .. } => Some(id.clone_apart()),
        ExpectedServer::Name(name) => view.server_of(name).map(|server| server.id().clone_apart()),
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use core::time::Duration;
    use std::sync::Arc;

    use pki_types::UnixTime;

    use super::super::super::work::Work;
    use super::super::{decide, judged};
    use crate::certificate::{Certificate, CurrentTime, HostName};
    use crate::policy::{ChainMemory, ExpectedServer, Policy, Verdict, VerifyRequest};
    use crate::store::{
        EntryKey, EntryOptions, LiveTrust, PinScope, ServerId, TrustSnapshot, TrustStore,
    };

    /// A pin of a server, and what is asked about it.
    struct Busy {
        live: LiveTrust,
        policy: Policy,
        id: ServerId,
        name: HostName,
        pin: Certificate,
        key: EntryKey,
    }

    impl Busy {
        fn new() -> Self {
            let keys = crate::tls::key_policy(&crate::tls::provider::default_provider());
            let id: ServerId = "keys-1".parse().unwrap();
            let name: HostName = "kms1.example".parse().unwrap();
            let pem = include_bytes!("../../../tests/fixtures/ee-p256.pem");
            let pin = Certificate::from_pem(pem).unwrap();
            let mut store = TrustStore::new(keys);
            store.add_server(id.clone(), [name.clone()]).unwrap();
            let scope = PinScope::Server(id.clone());
            let report = store.install_pin(scope, pin.clone(), EntryOptions::new());
            Self {
                live: LiveTrust::new(store.snapshot()),
                policy: Policy::new(keys),
                id,
                name,
                pin,
                key: report.unwrap().entry().unwrap().clone(),
            }
        }

        fn ask<R>(&self, judge: impl FnOnce(&VerifyRequest<'_>) -> R) -> R {
            let target = ExpectedServer::id(&self.id, Some(&self.name));
            // 2027-01-01, when the fixtures are valid.
            let now = UnixTime::since_unix_epoch(Duration::from_secs(1_798_761_600));
            let clock = CurrentTime::Known(now);
            judge(&VerifyRequest::server(target, self.pin.der(), &[], clock))
        }

        /// Who holds the snapshot, its data, the entry, and the id and the name that are asked for.
        fn counts(&self, view: &TrustSnapshot) -> [usize; 5] {
            let [pointer, data] = view.counts();
            let entry = view.data().entry(&self.key).unwrap();
            let entry = Arc::strong_count(entry);
            [pointer, data, entry, self.id.count(), self.name.count()]
        }
    }

    #[test]
    fn a_yes_on_a_pin_writes_to_no_count_that_threads_share() {
        let busy = Busy::new();
        let memory = ChainMemory::new(busy.policy);
        busy.live.with_current(|view| {
            let before = busy.counts(view);
            // The pointer in force, and nothing of this thread.
            assert_eq!(before[..2], [1, 1]);
            let given = busy.ask(|question| {
                let work = Work::default();
                let (yes, _) = judged(view, &busy.policy, question, &work, |answered| {
                    assert_eq!(busy.counts(view), before, "while it is decided");
                    answered.short()
                });
                assert_eq!(busy.counts(view), before, "after it was decided");
                [yes.is_ok(), memory.answer(view, question).is_ok()]
            });
            assert_eq!(given, [true, true]);
            assert_eq!(busy.counts(view), before);
        });
    }

    #[test]
    fn verdicts_that_are_kept_are_counted_apart_from_the_snapshot() {
        let busy = Busy::new();
        busy.live.with_current(|view| {
            let keep = || busy.ask(|question| decide(view, &busy.policy, question));
            // What is asked for the second time is copied.
            drop([keep(), keep()]);
            let before = busy.counts(view);
            let kept: Vec<Verdict> = (0..9).map(|_| keep()).collect();
            assert!(kept.iter().all(Verdict::is_accepted));
            assert_eq!(busy.counts(view), before);
            for verdict in &kept {
                assert_eq!(
                    verdict.decided_by().map(|entry| entry.key()),
                    Some(busy.key.clone())
                );
                assert_eq!(verdict.server(), Some(&busy.id));
                assert_eq!(verdict.dialled(), Some(&busy.name));
            }
        });
    }
}
