//! The verifiers for both ends. They refuse in their certificate step, and no answer to rustls depends on anything
//! that is kept between the steps. Between handshakes, only accepted chains are remembered, if the policy says so.

use std::sync::Arc;

use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::refusal::Refusal;
use super::settings::{Settings, TlsVersion};
use super::signature;
use super::watch::{InThread, Parking, Sight, UnderCertificate, Watch};
use crate::certificate::{Clock, HostName, Role, TimeSource};
use crate::policy::{ChainMemory, Question, Target, Verdict};
use crate::store::LiveTrust;
use crate::store::{ServerId, View};

/// What every verifier judges by.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) trust: LiveTrust,
    pub(super) memory: ChainMemory,
    pub(super) clock: Arc<dyn TimeSource>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) watch: Watch,
}

impl Common {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            trust: settings.trust.clone(),
            memory: settings.memory.clone(),
            clock: settings.clock.clone(),
            algorithms: settings.provider.signature_verification_algorithms,
            watch: settings.watch.clone(),
        }
    }

    /// Judges a server; `server` is the one that it must be, or `None`: the one to which the dialled name belongs.
    pub(super) fn judge_server(
        &self,
        server: Option<&ServerId>,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
    ) -> (Verdict, Clock) {
        let view = self.trust.current();
        let clock = self.clock.now();
        let dialled = HostName::try_from(server_name);
        let target = match (server, &dialled) {
            (Some(id), dialled) => Target::id(id, dialled.as_ref().ok()),
            (None, Ok(name)) => Target::Name(name),
            (None, Err(error)) => {
                let why = error.to_string();
                return (Verdict::unlisted(end_entity, view.generation(), why), clock);
            }
        };
        let question = Question::server(target, end_entity, intermediates, clock);
        (self.memory.decide(&view, &question), clock)
    }

    pub(super) fn judge_client(&self, view: &View, question: &Question<'_>) -> Verdict {
        self.memory.decide(view, question)
    }

    /// The end of a certificate step in which nobody is let pass but who is accepted.
    fn answer(
        &self,
        verdict: Verdict,
        (end_entity, intermediates): (&CertificateDer<'_>, &[CertificateDer<'_>]),
        clock: Clock,
        parking: &impl Parking,
    ) -> Result<(), Error> {
        let verdict = Arc::new(verdict);
        let sight = self.watch.sight(&verdict, end_entity, intermediates, clock);
        if verdict.is_accepted() {
            parking.park(sight, &self.watch);
            Ok(())
        } else {
            self.watch.tell(sight, false);
            Err(Refusal::new(verdict).into())
        }
    }

    /// The signature step after such a certificate step.
    fn prove(
        &self,
        (role, version): (Role, TlsVersion),
        message: &[u8],
        end_entity: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        parking: &impl Parking,
    ) -> Result<HandshakeSignatureValid, Error> {
        let sight = parking.take(end_entity, &self.watch);
        match signature::verify(&self.algorithms, version, role, message, end_entity, signed) {
            Ok(valid) => {
                self.watch.tell(sight, true);
                Ok(valid)
            }
            Err(verdict) => Err(self.not_proved(verdict, sight, end_entity)),
        }
    }

    /// The refusal of a peer that did not prove possession of its key.
    pub(super) fn not_proved(
        &self,
        verdict: Box<Verdict>,
        sight: Option<Sight>,
        end_entity: &CertificateDer<'_>,
    ) -> Error {
        let (verdict, sight) = match sight {
            Some(sight) => {
                let verdict = Arc::new(verdict.after(&sight.verdict));
                (verdict.clone(), Some(sight.with(verdict)))
            }
            None => {
                let verdict: Arc<Verdict> = verdict.into();
                let clock = self.clock.now();
                let sight = self.watch.sight(&verdict, end_entity, &[], clock);
                (verdict, sight)
            }
        };
        self.watch.tell(sight, false);
        Refusal::new(verdict).into()
    }
}

/// Judges servers, on the client end.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    common: Common,
    /// The server that the peer must be; `None`: the one to which the dialled name belongs.
    server: Option<ServerId>,
    parking: InThread,
}

impl ServerVerifier {
    pub(super) fn new(settings: &Settings, server: Option<ServerId>) -> Self {
        Self {
            common: Common::new(settings),
            server,
            parking: InThread::new(),
        }
    }

    fn prove(
        &self,
        version: TlsVersion,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let what = (Role::Server, version);
        self.common
            .prove(what, message, certificate, signed, &self.parking)
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let server = self.server.as_ref();
        let (verdict, clock) =
            self.common
                .judge_server(server, end_entity, intermediates, server_name);
        let presented = (end_entity, intermediates);
        self.common
            .answer(verdict, presented, clock, &self.parking)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(TlsVersion::Tls12, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(TlsVersion::Tls13, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.common.algorithms.supported_schemes()
    }
}

/// Judges clients, on the server end.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    common: Common,
    parking: UnderCertificate,
}

impl ClientVerifier {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            common: Common::new(settings),
            parking: UnderCertificate::default(),
        }
    }

    fn prove(
        &self,
        version: TlsVersion,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let what = (Role::Client, version);
        self.common
            .prove(what, message, certificate, signed, &self.parking)
    }
}

impl ClientCertVerifier for ClientVerifier {
    /// None: a list of CA names would tell strangers whom we trust, and clients with a certificate of their own making have no CA.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let view = self.common.trust.current();
        let clock = self.common.clock.now();
        let question = Question::client(end_entity, intermediates, clock);
        let verdict = self.common.judge_client(&view, &question);
        let presented = (end_entity, intermediates);
        self.common
            .answer(verdict, presented, clock, &self.parking)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(TlsVersion::Tls12, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.prove(TlsVersion::Tls13, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.common.algorithms.supported_schemes()
    }
}
