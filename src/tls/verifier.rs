//! The one verifier that rustls calls, at both ends. What it answers is decided by a [`Judge`].
//!
//! rustls calls a verifier twice in each handshake. The certificate step judges what the peer presented, and refuses
//! there. The signature step asks whether the peer has the private key of its certificate (rule M2).

use core::fmt;
use std::sync::Arc;

use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::signature::{self, Proof};
use super::version::TlsVersion;
use crate::certificate::Role;

/// The certificates that a peer presents, in its order.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerChain<'a> {
    pub(super) end_entity: &'a CertificateDer<'a>,
    pub(super) intermediates: &'a [CertificateDer<'a>],
}

/// Decides what a verifier answers in the two steps of a handshake.
pub(super) trait Judge: fmt::Debug + Send + Sync {
    /// What the certificate step leaves for the signature step.
    type Evidence;

    /// The algorithms by which handshake signatures are verified.
    fn algorithms(&self) -> &WebPkiSupportedAlgorithms;

    /// Takes what the certificate step has left about this end entity.
    fn take_evidence(&self, end_entity: &CertificateDer<'_>) -> Self::Evidence;

    /// Answers in the signature step. An answer is `Ok` only with the value inside an `Ok` proof.
    fn judge_signature(
        &self,
        evidence: Self::Evidence,
        version: TlsVersion,
        end_entity: &CertificateDer<'_>,
        proof: Proof,
    ) -> Result<HandshakeSignatureValid, Error>;
}

/// Decides about servers, at the client end.
pub(super) trait JudgeServer: Judge {
    /// Answers in the certificate step.
    fn judge_server(&self, peer: PeerChain<'_>, name: &ServerName<'_>) -> Result<(), Error>;
}

/// Decides about clients, at the server end.
pub(super) trait JudgeClient: Judge {
    /// Answers in the certificate step.
    fn judge_client(&self, peer: PeerChain<'_>) -> Result<(), Error>;
}

/// The verifier of both ends: for servers by a [`JudgeServer`], for clients by a [`JudgeClient`].
pub(super) struct Verifier<J>(pub(super) J);

/// What it judges by is not shown: rustls asks for the trait, so each program contains this code and all that it calls.
impl<J> fmt::Debug for Verifier<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl<J: Judge> Verifier<J> {
    pub(super) fn new(judge: J) -> Arc<Self> {
        Arc::new(Self(judge))
    }

    fn signature_step(
        &self,
        (version, role): (TlsVersion, Role),
        message: &[u8],
        end_entity: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let evidence = self.0.take_evidence(end_entity);
        let algorithms = self.0.algorithms();
        let proof = signature::verify(algorithms, version, role, message, end_entity, signed);
        self.0.judge_signature(evidence, version, end_entity, proof)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.0.algorithms().supported_schemes()
    }
}

impl<J: JudgeServer> ServerCertVerifier for Verifier<J> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let peer = PeerChain {
            end_entity,
            intermediates,
        };
        self.0.judge_server(peer, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature_step(
            (TlsVersion::Tls12, Role::Server),
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
        self.signature_step(
            (TlsVersion::Tls13, Role::Server),
            message,
            certificate,
            signed,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl<J: JudgeClient> ClientCertVerifier for Verifier<J> {
    /// Returns none. A list of CA names tells unknown peers which CAs we trust, and a client with
    /// a self-signed end entity has no CA.
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
        let peer = PeerChain {
            end_entity,
            intermediates,
        };
        self.0.judge_client(peer)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature_step(
            (TlsVersion::Tls12, Role::Client),
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
        self.signature_step(
            (TlsVersion::Tls13, Role::Client),
            message,
            certificate,
            signed,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}
