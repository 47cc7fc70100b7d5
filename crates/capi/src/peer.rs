//! The peer of one connection, from its certificates to the end of its handshake and later.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use mutual_trust::admin::UnprovedClient;

use crate::admin::parse;
use crate::argument::{Chain, Maybe, Out, Owned, Ref, Text, U32};
use crate::enrolment::Enrolment;
use crate::entry::{ignore, nothing, status};
use crate::judge::{Expected, Judge};
use crate::status::{FAULT, Failed, NOT_FOUND, OK};
use crate::verdict::Verdict;

/// The peer of one connection. Nothing is accepted until its certificates were judged in this handshake.
#[derive(Debug)]
pub(crate) struct Peer {
    judge: Judge,
    /// `None` for a client.
    expected: Option<Expected>,
    /// Where an unknown client may wait, and where it comes from.
    waits: Option<(mutual_trust::Enrolment, IpAddr)>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What this handshake presented, for the time after it.
    chain: Vec<Vec<u8>>,
    verdict: Option<Arc<mutual_trust::Verdict>>,
    /// Whether the certificates of the handshake that runs were accepted.
    accepted: bool,
    /// The client, if it is refused as unknown and may wait once it has proved that it has its key.
    unproved: Option<UnprovedClient>,
    /// Whether a handshake ended with a peer that is trusted.
    finished: bool,
}

/// The address of a client. The scope of an IPv6 address, as getnameinfo writes it, is dropped: "fe80::1%eth0".
fn address_of(text: &str) -> Result<IpAddr, Failed> {
    match text.split_once('%') {
        Some((address, scope)) if !scope.is_empty() => Ok(IpAddr::V6(parse(address)?)),
        _ => parse(text),
    }
}

impl Peer {
    fn new(
        judge: &Judge,
        expected: Option<Expected>,
        waits: Option<(mutual_trust::Enrolment, IpAddr)>,
    ) -> Self {
        Self {
            judge: judge.clone(),
            expected,
            waits,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, Failed> {
        self.state.lock().map_err(|_| FAULT)
    }
}

entries! { "The peer of one connection";
    /// Makes the peer of a connection to a server. id and dialled are as for mt_judge_server. For adapters: they make one for
    /// each connection. Free *peer with mt_peer_free.
    /// Threads: any, also at the same time.
    fn mt_peer_server(judge: Ref<Judge>, id: Text, dialled: Text, peer: Out<Peer>) -> u32, else status {
        peer.give(Peer::new(judge, Some(Expected::read(id, dialled)?), None));
        Ok(OK)
    }

    /// Makes the peer of a connection from a client. With an enrolment, which may be NULL, an unknown client may wait there
    /// under address, its IP address as text; the scope of an IPv6 address ("fe80::1%eth0") may stand there and is dropped.
    /// Without an enrolment, address is empty. Free *peer with mt_peer_free.
    /// Threads: any, also at the same time.
    fn mt_peer_client(
        judge: Ref<Judge>,
        enrolment: Maybe<Enrolment>,
        address: Text,
        peer: Out<Peer>,
    ) -> u32, else status {
        let waits = match enrolment {
            Some(enrolment) => Some(((**enrolment).clone(), address_of(address)?)),
            None => None,
        };
        peer.give(Peer::new(judge, None, waits));
        Ok(OK)
    }

    /// A handshake begins: what an earlier one found does not count for it.
    /// Threads: the one that makes the handshake.
    fn mt_peer_begin(peer: Ref<Peer>) -> u32, else status {
        *peer.state()? = State::default();
        Ok(OK)
    }

    /// Judges what the peer presented in this handshake: DER, in the order in which it was sent, its own certificate first.
    /// Returns 1 if it may be trusted, once its handshake signature is verified, and 0 in all other cases. The
    /// certificates are copied.
    /// Threads: the one that makes the handshake. It reads no file.
    fn mt_peer_judge(peer: Ref<Peer>, chain/count: Chain) -> u32, else nothing {
        let mut state = peer.state()?;
        // What was judged before does not count, also if there is nothing to judge now.
        *state = State::default();
        let chain = chain?;
        let enrolment = peer.waits.as_ref().map(|(enrolment, _)| enrolment);
        let (verdict, unproved) = peer.judge.decide(peer.expected.as_ref(), &chain, enrolment)?;
        state.accepted = verdict.is_accepted();
        state.unproved = unproved;
        state.verdict = Some(Arc::new(verdict));
        state.chain = chain.into_iter().map(<[u8]>::to_vec).collect();
        Ok(u32::from(state.accepted))
    }

    /// Whether the peer was refused as unknown and may wait in the enrolment: 1, else 0. Then the TLS stack goes on to the
    /// handshake signature, and the connection ends behind it, whatever the program does.
    /// Threads: the one that makes the handshake.
    fn mt_peer_may_wait(peer: Ref<Peer>) -> u32, else nothing {
        Ok(u32::from(peer.state()?.unproved.is_some()))
    }

    /// The handshake is finished, and the TLS stack has verified its signature under the key of the certificate that was
    /// judged. resumed is not 0 if the session was resumed. Returns 1 if the connection may be used, and 0 in all other
    /// cases: nothing was judged in this handshake, the peer was refused, the session was resumed. An unknown client waits
    /// from now on.
    /// Threads: the one that makes the handshake.
    fn mt_peer_finished(peer: Ref<Peer>, resumed: U32) -> u32, else nothing {
        let mut state = peer.state()?;
        if resumed != 0 {
            *state = State::default();
            return Ok(0);
        }
        if let (Some(client), Some((enrolment, address))) = (state.unproved.take(), &peer.waits) {
            enrolment.proved(client, *address);
        }
        state.finished = state.accepted;
        Ok(u32::from(state.finished))
    }

    /// Judges the peer of an open connection again, by what is in force now. Returns 1 if it is still trusted, and 0 in all
    /// other cases: then close the connection. Only for a connection whose handshake mt_peer_finished answered with 1.
    /// It does not touch the connection: the recheck functions of the adapters do, and are for the thread of the connection.
    /// Threads: any, also at the same time. It reads no file.
    fn mt_peer_recheck(peer: Ref<Peer>) -> u32, else nothing {
        let mut state = peer.state()?;
        if !state.finished {
            return Ok(0);
        }
        let (verdict, _) = peer.judge.decide(peer.expected.as_ref(), &state.chain, None)?;
        let accepted = verdict.is_accepted();
        state.verdict = Some(Arc::new(verdict));
        Ok(u32::from(accepted))
    }

    /// Gives the last verdict on the peer. MT_NOT_FOUND if it was not judged. Free *verdict with mt_verdict_free.
    /// Threads: any, also at the same time.
    fn mt_peer_verdict(peer: Ref<Peer>, verdict: Out<Verdict>) -> u32, else status {
        let state = peer.state()?;
        verdict.give(Verdict::new(state.verdict.clone().ok_or(NOT_FOUND)?));
        Ok(OK)
    }

    /// Frees a peer. NULL is nothing to do.
    /// Threads: any, when no other uses it.
    fn mt_peer_free(peer: Owned<Peer>) -> (), else ignore {
        drop(peer);
        Ok(())
    }
}
