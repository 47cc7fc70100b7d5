//! A look at what a server presents, before anything of it is installed: the client end of enrolment.

use core::fmt;
use std::error::Error as StdError;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, OtherError,
    SignatureScheme,
};

use super::TlsVersion;
use super::client::restrict;
use super::refusal::{Refusal, inside};
use super::settings::{Settings, refused_by_rustls};
use super::signature;
use super::verifier::Common;
use super::watch::Sight;
use crate::admin::Presented;
use crate::certificate::{Certificate, Role};
use crate::policy::Verdict;
use crate::store::ServerId;
use crate::tls::error::{ConfigError, ProbeError};

/// A handshake that ends as soon as the server has proved that it has the key of what it presents. Made by
/// [`ClientConfigBuilder::probe`](super::ClientConfigBuilder::probe), for one connection.
///
/// Nothing of ours is sent but what every client says first: no certificate, no data. The server sees a handshake
/// that is broken off with an alert.
///
/// ```no_run
/// # use mutual_trust::{ClientConfigBuilder, EntryOptions, PinScope, ServerId, TrustStore, admin::Enrolment};
/// # use std::{error::Error, net::TcpStream};
/// # fn look(builder: &ClientConfigBuilder, enrolment: &Enrolment, store: &mut TrustStore) -> Result<(), Box<dyn Error>> {
/// let server: ServerId = "keys-1".parse()?;
/// let tcp = TcpStream::connect("kms1.example:5696")?;
/// let probed = builder.probe(&server)?.run("kms1.example".try_into()?, tcp)?;
/// println!("{}", probed.presented()); // everything but the fingerprint, which comes over another channel:
/// let heard = std::env::args().nth(1).unwrap_or_default().parse()?;
/// let scope = PinScope::Server(server);
/// enrolment.accept_server(probed.presented(), heard, store, scope, EntryOptions::new(), "alice")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Probe(Arc<ClientConfig>);

/// What a probed server presented.
#[derive(Clone, Debug)]
pub struct Probed {
    presented: Presented,
    verdict: Arc<Verdict>,
    version: TlsVersion,
}

impl Probed {
    /// What it presented, for an administrator to look at, and to accept with
    /// [`Enrolment::accept_server`](crate::admin::Enrolment::accept_server). It says whether the server proved that
    /// it has the key; without that, it cannot be accepted.
    pub fn presented(&self) -> &Presented {
        &self.presented
    }

    /// What a connection would have come to by the view in force. The fingerprint is left out of it, so that
    /// nobody compares it with itself.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The protocol version that the server chose.
    pub fn version(&self) -> TlsVersion {
        self.version
    }
}

impl Probe {
    pub(super) fn new(settings: &Settings, server: &ServerId) -> Result<Self, ConfigError> {
        settings.check_protocols()?;
        let verifier = ProbeVerifier {
            common: Common::new(settings),
            server: server.clone(),
            evidence: Mutex::default(),
        };
        let config = ClientConfig::builder_with_provider(settings.provider.clone())
            .with_protocol_versions(&settings.rustls_versions()?)
            .map_err(refused_by_rustls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self(Arc::new(restrict(config, settings))))
    }

    /// Makes the handshake on a stream that is connected to the server, and breaks it off. Give the stream its
    /// timeouts before.
    ///
    /// # Errors
    /// The stream failed, the server does not speak TLS with us, or its certificate is malformed.
    pub fn run(
        self,
        name: ServerName<'static>,
        mut stream: impl Read + Write,
    ) -> Result<Probed, ProbeError> {
        let connection = ClientConnection::new(self.0, name);
        let mut connection = connection.map_err(io::Error::other)?;
        loop {
            match connection.complete_io(&mut stream) {
                Ok(_) if connection.is_handshaking() => {}
                // No verifier of ours lets a handshake come to its end.
                Ok(_) => return Err(ProbeError::NotProbed),
                Err(error) => {
                    return match probed(&error) {
                        Some(probed) => Ok(probed.clone()),
                        None => Err(ProbeError::Io(error)),
                    };
                }
            }
        }
    }

    /// The configuration, for a connection that the embedder makes. Its handshake fails in any case; [`probed`]
    /// takes what was presented out of the error.
    pub fn into_config(self) -> Arc<ClientConfig> {
        self.0
    }
}

/// What was presented to a [`Probe`], out of the error with which it broke off the handshake: a `rustls::Error`,
/// or an `io::Error` or other error that has one inside. `None` if it failed for another reason.
pub fn probed<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Probed> {
    inside::<Done>(error).map(|done| &done.0)
}

/// What was presented, on its way through rustls.
#[derive(Debug)]
struct Done(Probed);

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handshake was a probe and has shown what it was for")
    }
}

impl StdError for Done {}

/// Lets a server pass in the certificate step, whoever it is, and refuses in the signature step in any case.
#[derive(Debug)]
struct ProbeVerifier {
    common: Common,
    server: ServerId,
    /// What the certificate step found.
    evidence: Mutex<Option<(Sight, Certificate)>>,
}

impl ProbeVerifier {
    fn remember(&self, found: Option<(Sight, Certificate)>) -> Option<(Sight, Certificate)> {
        let place = self.evidence.lock();
        let mut place = place.unwrap_or_else(PoisonError::into_inner);
        core::mem::replace(&mut *place, found)
    }

    /// Never accepts: the result is the error.
    fn finish(
        &self,
        version: TlsVersion,
        message: &[u8],
        end_entity: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let role = Role::Server;
        let algorithms = &self.common.algorithms;
        let signature = signature::verify(algorithms, version, role, message, end_entity, signed);
        let evidence = self.remember(None);
        let Some((sight, leaf)) = evidence.filter(|(sight, _)| sight.is_of(end_entity)) else {
            let why = String::from("no certificate of this connection was judged before");
            let verdict = Verdict::without_possession(role, end_entity, why);
            return Err(self.common.not_proved(Box::new(verdict), None, end_entity));
        };
        let (proved, verdict) = match signature {
            Ok(_) => (true, sight.verdict.clone()),
            Err(verdict) => {
                let verdict = verdict.after(&sight.verdict).without_fingerprint();
                (false, Arc::new(verdict))
            }
        };
        self.common
            .watch
            .tell(Some(sight.with(verdict.clone())), proved);
        let done = Done(Probed {
            presented: Presented::new(leaf, role, verdict.reason(), proved),
            verdict,
            version,
        });
        Err(Error::InvalidCertificate(CertificateError::Other(
            OtherError(Arc::new(done)),
        )))
    }
}

impl ServerCertVerifier for ProbeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let server = Some(&self.server);
        let (verdict, clock) =
            self.common
                .judge_server(server, end_entity, intermediates, server_name);
        let Ok(leaf) = Certificate::from_der(end_entity) else {
            return Err(Refusal::new(verdict.without_fingerprint()).into());
        };
        let verdict = Arc::new(verdict.without_fingerprint());
        let sight = Sight::new(verdict, end_entity, intermediates, clock);
        self.remember(Some((sight, leaf)));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.finish(TlsVersion::Tls12, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.finish(TlsVersion::Tls13, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.common.algorithms.supported_schemes()
    }
}
