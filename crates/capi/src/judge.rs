//! Who decides about peers: what is in force, a policy, and the chains that were accepted before.

use std::sync::Arc;

use mutual_trust::admin::UnprovedClient;
use mutual_trust::policy::ChainMemory;
use mutual_trust::{CurrentTime, ExpectedServer, HostName, LiveTrust, ServerId, VerifyRequest};
use pki_types::CertificateDer;

use crate::argument::{
    Giving, List, Maybe, MaybeOut, Out, OutU32, Owned, Place, Ref, Seconds, Text,
};
use crate::entry::{ignore, nothing, status};
use crate::live::Live;
use crate::policy::{Policy, or_default};
use crate::settings::Clock;
use crate::status::{ARGUMENT, Failed, OK, TEXT, TIME_SYSTEM};
use crate::verdict::Verdict;

/// Decides about peers. All threads share one; connections keep it.
#[derive(Clone, Debug)]
pub(crate) struct Judge(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    live: LiveTrust,
    memory: ChainMemory,
    /// What counts as now.
    clock: Clock,
}

/// Who a server must be. One of the two is there.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    id: Option<ServerId>,
    dialled: Option<HostName>,
}

impl Expected {
    pub(crate) fn read(id: &str, dialled: &str) -> Result<Self, Failed> {
        let (id, dialled) = (optional(id)?, optional(dialled)?);
        if id.is_none() && dialled.is_none() {
            return Err(TEXT);
        }
        Ok(Self { id, dialled })
    }

    fn server(&self) -> Result<ExpectedServer<'_>, Failed> {
        match (&self.id, &self.dialled) {
            (Some(id), dialled) => Ok(ExpectedServer::id(id, dialled.as_ref())),
            (None, Some(name)) => Ok(ExpectedServer::Name(name)),
            (None, None) => Err(TEXT),
        }
    }
}

impl Judge {
    fn now(&self) -> Result<CurrentTime, Failed> {
        self.0.clock.time()
    }

    /// Decides about a server, or about a client if none is expected. A client that is refused as unknown may wait in
    /// an enrolment.
    pub(crate) fn decide(
        &self,
        expected: Option<&Expected>,
        chain: &[impl AsRef<[u8]>],
        enrolment: Option<&mutual_trust::Enrolment>,
    ) -> Result<(mutual_trust::Verdict, Option<UnprovedClient>), Failed> {
        let mut chain = chain.iter().map(|one| CertificateDer::from(one.as_ref()));
        let own = chain.next().ok_or(ARGUMENT)?;
        let others: Vec<CertificateDer<'_>> = chain.collect();
        let request = match expected {
            Some(expected) => VerifyRequest::server(expected.server()?, &own, &others, self.now()?),
            None => VerifyRequest::client(&own, &others, self.now()?),
        };
        let view = self.0.live.current();
        let verdict = self.0.memory.decide(&view, &request).into();
        Ok(match enrolment {
            Some(enrolment) => {
                enrolment.unproved_client(&view, self.0.memory.policy(), &request, verdict)
            }
            None => (verdict, None),
        })
    }
}

/// A text that may be empty.
fn optional<T: core::str::FromStr>(text: &str) -> Result<Option<T>, Failed> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| TEXT)
}

/// Gives a verdict to the caller. Returns 1 if it trusts the peer.
fn answer(
    made: mutual_trust::Verdict,
    reason: &Place<'_, u32>,
    verdict: &Giving<'_, Verdict>,
) -> u32 {
    let accepted = made.is_accepted();
    reason.put(made.reason().number());
    if verdict.is_wanted() {
        verdict.give(Verdict::new(Arc::new(made)));
    }
    u32::from(accepted)
}

entries! { "The judge";
    /// Makes a judge of what is in force in live, with a policy, which may be NULL for the defaults. It keeps what it needs:
    /// live and policy may be freed. It follows each change of the store from its next verdict on.
    /// Free *judge with mt_judge_free.
    /// Threads: any.
    fn mt_judge_new(live: Ref<Live>, policy: Maybe<Policy>, judge: Out<Judge>) -> u32, else status {
        let policy = or_default(policy)?;
        judge.give(Judge(Arc::new(Inner {
            live: live.trust(),
            memory: ChainMemory::new(policy),
            clock: Clock::new(TIME_SYSTEM)?,
        })));
        Ok(OK)
    }

    /// Sets the time by which verdicts are made from now on: seconds since 1970, a clock that stands still until the next
    /// call; MT_TIME_SYSTEM (the default); or MT_TIME_UNSET while the clock of the system was not set since power-on.
    /// Threads: any, also at the same time.
    fn mt_judge_set_time(judge: Ref<Judge>, seconds: Seconds) -> u32, else status {
        judge.0.clock.set(seconds)
    }

    /// Judges a server. Returns 1 if it may be trusted, and 0 in all other cases.
    ///
    /// id is the server that is expected, and dialled the name or address that was dialled. One of them may be empty: with
    /// an id alone, the names of the server count; with a name alone, the server to which the name belongs is expected, and
    /// a name that belongs to none is refused. With both, the id decides: dialled need not belong to the server, and a pin
    /// of the server is accepted whatever was dialled, with a warning.
    /// chain has the certificates as the peer sent them, DER, its own first.
    ///
    /// *reason, if not NULL, is the number of the reason, MT_REASON_...; 0 if an argument cannot be used. *verdict, if not
    /// NULL, is the verdict; free it with mt_verdict_free. It is NULL if there is none.
    ///
    /// The answer holds if the TLS stack verifies that the peer has the private key: the three adapters see to it.
    /// Threads: any, also at the same time; they do not wait for each other. It reads no file.
    fn mt_judge_server(
        judge: Ref<Judge>,
        id: Text,
        dialled: Text,
        chain/count: List,
        reason: OutU32,
        verdict: MaybeOut<Verdict>,
    ) -> u32, else nothing {
        let expected = Expected::read(id, dialled)?;
        let (made, _) = judge.decide(Some(&expected), &chain, None)?;
        Ok(answer(made, &reason, &verdict))
    }

    /// Judges a client. Returns 1 if it may be trusted, and 0 in all other cases. The arguments are as for mt_judge_server;
    /// free *verdict with mt_verdict_free.
    /// Threads: any, also at the same time; they do not wait for each other. It reads no file.
    fn mt_judge_client(
        judge: Ref<Judge>,
        chain/count: List,
        reason: OutU32,
        verdict: MaybeOut<Verdict>,
    ) -> u32, else nothing {
        let (made, _) = judge.decide(None, &chain, None)?;
        Ok(answer(made, &reason, &verdict))
    }

    /// Makes a second handle of the same judge. Free *copy with mt_judge_free.
    /// Threads: any, also at the same time.
    fn mt_judge_clone(judge: Ref<Judge>, copy: Out<Judge>) -> u32, else status {
        copy.give(judge.clone());
        Ok(OK)
    }

    /// The generation that is in force for this judge. 0 for NULL.
    /// Threads: any, also at the same time.
    fn mt_judge_generation(judge: Ref<Judge>) -> u64, else nothing {
        Ok(judge.0.live.current().generation())
    }

    /// Frees a judge. Verdicts of it and peers that were made with it stay. NULL is nothing to do.
    /// Threads: any, when no other uses it.
    fn mt_judge_free(judge: Owned<Judge>) -> (), else ignore {
        drop(judge);
        Ok(())
    }
}
