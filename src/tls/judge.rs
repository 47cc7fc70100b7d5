//! The judges for both ends. They refuse in the certificate step, and no answer to rustls depends on anything that
//! is kept between the two steps. Between handshakes, signatures of accepted chains are remembered, and the chains if the
//! policy says so.

use core::fmt;
use std::sync::Arc;

use pki_types::{CertificateDer, ServerName};
use rustls::Error;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;

use super::settings::Settings;
use super::signature::Proof;
use super::sink::{AwaitSignature, ByCertificate, InThread, JudgedPeer, ObservationSink};
use super::verifier::{Judge, JudgeClient, JudgeServer, PeerChain};
use super::version::TlsVersion;
use crate::certificate::{CurrentTime, HostName, Role, TimeSource};
use crate::observe::meter;
use crate::policy::{ChainMemory, ExpectedServer, Refusal, Verdict, VerifyRequest};
use crate::store::{LiveTrust, ServerId, TrustSnapshot};

/// What every judge decides by.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) trust: LiveTrust,
    pub(super) memory: ChainMemory,
    pub(super) clock: Arc<dyn TimeSource>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) sink: ObservationSink,
}

/// What is to be judged, or the refusal of a name that cannot be one of a server's.
pub(super) type Question<'a> = Result<&'a VerifyRequest<'a>, Box<Verdict>>;

impl Common {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            trust: settings.trust.clone(),
            memory: settings.memory.clone(),
            clock: settings.clock.clone(),
            algorithms: settings.provider.signature_verification_algorithms,
            sink: settings.sink.clone(),
        }
    }

    /// Asks about a server on the snapshot in force. `server` is the one that the peer must be. With `None`, it is the one to
    /// which the dialled name belongs.
    pub(super) fn ask_of_server<R>(
        &self,
        server: Option<&ServerId>,
        peer: PeerChain<'_>,
        server_name: &ServerName<'_>,
        judge: impl FnOnce(&TrustSnapshot, Question<'_>, CurrentTime) -> R,
    ) -> R {
        self.trust.with_current(|view| {
            let clock = self.clock.now();
            let dialled = HostName::try_from(server_name);
            let target = match (server, &dialled) {
                (Some(id), dialled) => ExpectedServer::id(id, dialled.as_ref().ok()),
                (None, Ok(name)) => ExpectedServer::Name(name),
                (None, Err(error)) => {
                    let why = error.to_string();
                    let verdict = Verdict::unlisted(peer.end_entity, view.generation(), why);
                    return judge(view, Err(Box::new(verdict)), clock);
                }
            };
            let (leaf, rest) = (peer.end_entity, peer.intermediates);
            let question = VerifyRequest::server(target, leaf, rest, clock);
            judge(view, Ok(&question), clock)
        })
    }

    /// The refusal of a peer that did not prove that it has its key.
    pub(super) fn refuse_unproved(
        &self,
        verdict: Box<Verdict>,
        judged: Option<JudgedPeer>,
        end_entity: &CertificateDer<'_>,
    ) -> Error {
        meter::judged(&verdict);
        meter::decided(verdict.role(), false);
        let (verdict, judged) = match judged {
            Some(judged) => {
                let verdict = Arc::new(verdict.after(&judged.verdict));
                (verdict.clone(), Some(judged.with(verdict)))
            }
            None => {
                let verdict: Arc<Verdict> = verdict.into();
                let peer = PeerChain {
                    end_entity,
                    intermediates: &[],
                };
                let judged = self.sink.judged(&verdict, peer, self.clock.now());
                (verdict, judged)
            }
        };
        self.sink.send(judged, false);
        Refusal::new(verdict).into()
    }
}

/// Judges the peers of all connections of a configuration.
#[derive(Debug)]
pub(super) struct SharedJudge<P, X> {
    common: Common,
    /// Where an accepted verdict waits for the handshake signature.
    place: P,
    /// What the peer must be, beside what the trust store says.
    expected: X,
    role: Role,
}

/// Judges servers, at the client end. The server that the peer must be is given; with `None`, it is the one to which
/// the dialled name belongs.
pub(super) type ServerJudge = SharedJudge<InThread, Option<ServerId>>;

/// Judges clients, at the server end.
pub(super) type ClientJudge = SharedJudge<ByCertificate, ()>;

impl ServerJudge {
    pub(super) fn of_servers(settings: &Settings, server: Option<ServerId>) -> Self {
        Self {
            common: Common::new(settings),
            place: InThread::new(),
            expected: server,
            role: Role::Server,
        }
    }
}

impl ClientJudge {
    pub(super) fn of_clients(settings: &Settings) -> Self {
        Self {
            common: Common::new(settings),
            place: ByCertificate::default(),
            expected: (),
            role: Role::Client,
        }
    }
}

impl<P: AwaitSignature, X: fmt::Debug + Send + Sync> Judge for SharedJudge<P, X> {
    type Evidence = Option<JudgedPeer>;

    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.common.algorithms
    }

    fn take_evidence(&self, end_entity: &CertificateDer<'_>) -> Self::Evidence {
        self.place.take(end_entity, &self.common.sink)
    }

    fn judge_signature(
        &self,
        judged: Self::Evidence,
        _version: TlsVersion,
        end_entity: &CertificateDer<'_>,
        proof: Proof,
    ) -> Result<HandshakeSignatureValid, Error> {
        match proof {
            Ok(valid) => {
                self.common.sink.send(judged, true);
                meter::decided(self.role, true);
                Ok(valid)
            }
            Err(verdict) => Err(self.common.refuse_unproved(verdict, judged, end_entity)),
        }
    }
}

impl JudgeServer for ServerJudge {
    fn judge_server(&self, peer: PeerChain<'_>, name: &ServerName<'_>) -> Result<(), Error> {
        let server = self.expected.as_ref();
        let judge = |view: &TrustSnapshot, question: Question<'_>, clock| match question {
            Ok(question) => self.certificate_step(view, question, peer, clock),
            Err(verdict) => self.end_certificate_step(*verdict, peer, clock),
        };
        self.common.ask_of_server(server, peer, name, judge)
    }
}

impl JudgeClient for ClientJudge {
    fn judge_client(&self, peer: PeerChain<'_>) -> Result<(), Error> {
        self.common.trust.with_current(|view| {
            let clock = self.common.clock.now();
            let question = VerifyRequest::client(peer.end_entity, peer.intermediates, clock);
            self.certificate_step(view, &question, peer, clock)
        })
    }
}

impl<P: AwaitSignature, X> SharedJudge<P, X> {
    /// Lets only accepted peers pass. Unless observations go somewhere, no verdict is kept of these.
    fn certificate_step(
        &self,
        view: &TrustSnapshot,
        question: &VerifyRequest<'_>,
        peer: PeerChain<'_>,
        clock: CurrentTime,
    ) -> Result<(), Error> {
        let Common { memory, sink, .. } = &self.common;
        let verdict = if sink.is_on() {
            memory.verdict(view, question)
        } else {
            match memory.answer(view, question) {
                Ok(yes) => {
                    meter::accepted(self.role, yes.reason());
                    self.place.put(None, sink);
                    return Ok(());
                }
                Err(refusal) => *refusal,
            }
        };
        self.end_certificate_step(verdict, peer, clock)
    }

    /// Lets only accepted peers pass.
    fn end_certificate_step(
        &self,
        verdict: Verdict,
        peer: PeerChain<'_>,
        clock: CurrentTime,
    ) -> Result<(), Error> {
        let sink = &self.common.sink;
        meter::judged(&verdict);
        let verdict = Arc::new(verdict);
        let judged = sink.judged(&verdict, peer, clock);
        if verdict.is_accepted() {
            self.place.put(judged, sink);
            Ok(())
        } else {
            sink.send(judged, false);
            meter::decided(self.role, false);
            Err(Refusal::new(verdict).into())
        }
    }
}
