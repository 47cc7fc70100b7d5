//! The judges for both ends. They refuse in the certificate step, and no answer to rustls depends on anything that
//! is kept between the two steps. Between handshakes, only accepted chains are remembered, if the policy says so.

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
use crate::store::{LiveTrust, ServerId};

/// What every judge decides by.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) trust: LiveTrust,
    pub(super) memory: ChainMemory,
    pub(super) clock: Arc<dyn TimeSource>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) sink: ObservationSink,
}

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

    /// The verdict about a server. `server` is the one that the peer must be. With `None`, it is the one to which the
    /// dialled name belongs.
    pub(super) fn server_verdict(
        &self,
        server: Option<&ServerId>,
        peer: PeerChain<'_>,
        server_name: &ServerName<'_>,
    ) -> (Verdict, CurrentTime) {
        let view = self.trust.current();
        let clock = self.clock.now();
        let dialled = HostName::try_from(server_name);
        let target = match (server, &dialled) {
            (Some(id), dialled) => ExpectedServer::id(id, dialled.as_ref().ok()),
            (None, Ok(name)) => ExpectedServer::Name(name),
            (None, Err(error)) => {
                let why = error.to_string();
                return (
                    Verdict::unlisted(peer.end_entity, view.generation(), why),
                    clock,
                );
            }
        };
        let question = VerifyRequest::server(target, peer.end_entity, peer.intermediates, clock);
        (self.memory.verdict(&view, &question), clock)
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
        let (verdict, clock) = self.common.server_verdict(server, peer, name);
        self.end_certificate_step(verdict, peer, clock)
    }
}

impl JudgeClient for ClientJudge {
    fn judge_client(&self, peer: PeerChain<'_>) -> Result<(), Error> {
        let view = self.common.trust.current();
        let clock = self.common.clock.now();
        let question = VerifyRequest::client(peer.end_entity, peer.intermediates, clock);
        let verdict = self.common.memory.verdict(&view, &question);
        self.end_certificate_step(verdict, peer, clock)
    }
}

impl<P: AwaitSignature, X> SharedJudge<P, X> {
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
