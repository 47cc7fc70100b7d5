//! The verifiers for both ends. They refuse in their certificate step, and hold no state between the steps.

use std::sync::Arc;

use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::refusal::Refusal;
use super::settings::{Settings, TlsVersion};
use super::signature;
use crate::admin::LiveTrust;
use crate::certificate::{HostName, Role, TimeSource};
use crate::policy::{Policy, Question, Target, Verdict, decide};
use crate::store::ServerId;

#[derive(Debug)]
struct Common {
    trust: LiveTrust,
    policy: Policy,
    clock: Arc<dyn TimeSource>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Common {
    fn new(settings: &Settings) -> Self {
        Self {
            trust: settings.trust.clone(),
            policy: settings.policy,
            clock: settings.clock.clone(),
            algorithms: settings.provider.signature_verification_algorithms,
        }
    }
}

fn accepted(verdict: Verdict) -> Result<(), Error> {
    if verdict.is_accepted() {
        Ok(())
    } else {
        Err(Refusal::new(verdict).into())
    }
}

/// Judges servers, on the client end.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    common: Common,
    /// The server that the peer must be; `None`: the one to which the dialled name belongs.
    server: Option<ServerId>,
}

impl ServerVerifier {
    pub(super) fn new(settings: &Settings, server: Option<ServerId>) -> Self {
        Self {
            common: Common::new(settings),
            server,
        }
    }

    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
    ) -> Verdict {
        let view = self.common.trust.view();
        let dialled = HostName::try_from(server_name);
        let target = match (&self.server, &dialled) {
            (Some(id), dialled) => Target::id(id, dialled.as_ref().ok()),
            (None, Ok(name)) => Target::Name(name),
            (None, Err(error)) => {
                return Verdict::unlisted(end_entity, view.generation(), error.to_string());
            }
        };
        let clock = self.common.clock.now();
        let question = Question::server(target, end_entity, intermediates, clock);
        decide(&view, &self.common.policy, &question)
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
        accepted(self.judge(end_entity, intermediates, server_name))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (algorithms, version) = (&self.common.algorithms, TlsVersion::Tls12);
        signature::verify(
            algorithms,
            version,
            Role::Server,
            message,
            certificate,
            signed,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (algorithms, version) = (&self.common.algorithms, TlsVersion::Tls13);
        signature::verify(
            algorithms,
            version,
            Role::Server,
            message,
            certificate,
            signed,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.common.algorithms.supported_schemes()
    }
}

/// Judges clients, on the server end.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    common: Common,
}

impl ClientVerifier {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            common: Common::new(settings),
        }
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
        let view = self.common.trust.view();
        let clock = self.common.clock.now();
        let question = Question::client(end_entity, intermediates, clock);
        accepted(decide(&view, &self.common.policy, &question))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (algorithms, version) = (&self.common.algorithms, TlsVersion::Tls12);
        signature::verify(
            algorithms,
            version,
            Role::Client,
            message,
            certificate,
            signed,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (algorithms, version) = (&self.common.algorithms, TlsVersion::Tls13);
        signature::verify(
            algorithms,
            version,
            Role::Client,
            message,
            certificate,
            signed,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.common.algorithms.supported_schemes()
    }
}
