//! Looks at what a server presents, before anything is installed for it: the client end of enrolment.

use core::fmt;
use std::error::Error as StdError;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use pki_types::{CertificateDer, ServerName};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, OtherError};

use super::client::restrict;
use super::judge::{Common, Question};
use super::refusal::inside;
use super::settings::{Settings, refused_by_rustls};
use super::signature::Proof;
use super::sink::JudgedPeer;
use super::verifier::{Judge, JudgeServer, PeerChain, Verifier};
use super::{ClientConfigBuilder, TlsVersion};
use crate::admin::PresentedCertificate;
use crate::certificate::{Certificate, Role};
use crate::policy::Refusal;
use crate::policy::Verdict;
use crate::store::{ServerId, TrustSnapshot};
use crate::tls::error::{ConfigError, ProbeError};

/// A handshake that ends as soon as the server has proved that it has the key of what it presents. Made by
/// [`ClientConfigBuilder::probe`], for one connection.
///
/// We send the first message that every client sends, and nothing else: no certificate, no data. The server sees a
/// handshake that ends with an alert.
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
pub struct Probe(ClientConfig);

/// What a probed server presented.
#[derive(Clone, Debug)]
pub struct ProbeResult {
    presented: PresentedCertificate,
    verdict: Arc<Verdict>,
    version: TlsVersion,
}

impl ProbeResult {
    /// What it presented, for an administrator to look at, and to accept with [`Enrolment::accept_server`]. It says
    /// whether the server proved that it has the key; without that, it cannot be accepted.
    ///
    /// [`Enrolment::accept_server`]: crate::admin::Enrolment::accept_server
    pub fn presented(&self) -> &PresentedCertificate {
        &self.presented
    }

    /// The verdict that a connection would have had by the view in force. It has no fingerprint, so that the
    /// administrator does not compare the fingerprint with itself.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The protocol version that the server chose.
    pub fn version(&self) -> TlsVersion {
        self.version
    }
}

impl ClientConfigBuilder {
    /// Looks at what a server presents, before anything is installed for it. The server must be in the view in force.
    ///
    /// # Errors
    /// The server is not in the view in force; the versions or the application protocols cannot be used.
    pub fn probe(&self, server: &ServerId) -> Result<Probe, ConfigError> {
        self.check_known(server)?;
        Probe::new(self.settings(), server)
    }
}

impl Probe {
    fn new(settings: &Settings, server: &ServerId) -> Result<Self, ConfigError> {
        settings.check_protocols()?;
        let verifier = Verifier::new(ProbeJudge {
            common: Common::new(settings),
            server: server.clone(),
            evidence: Mutex::default(),
        });
        let config = ClientConfig::builder_with_provider(settings.provider.clone())
            .with_protocol_versions(&settings.rustls_versions()?)
            .map_err(refused_by_rustls)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Self(restrict(config, settings)))
    }

    /// Makes the handshake on a stream that is connected to the server, and ends it early. Set the timeouts of the
    /// stream before.
    ///
    /// # Errors
    /// The stream failed, the server does not speak TLS with us, or its certificate is malformed.
    pub fn run(
        self,
        name: ServerName<'static>,
        mut stream: impl Read + Write,
    ) -> Result<ProbeResult, ProbeError> {
        let connection = ClientConnection::new(Arc::new(self.0), name);
        let mut connection = connection.map_err(io::Error::other)?;
        loop {
            match connection.complete_io(&mut stream) {
                Ok(_) if connection.is_handshaking() => {}
                // The judge of a probe never lets a handshake complete.
                Ok(_) => return Err(ProbeError::NotProbed),
                Err(error) => {
                    return match probe_result_from(&error) {
                        Some(probed) => Ok(probed.clone()),
                        None => Err(ProbeError::Io(error)),
                    };
                }
            }
        }
    }

    /// The configuration, for a connection that the embedder makes. Its handshake always fails; [`probe_result_from`] takes the
    /// result out of the error.
    pub fn into_config(self) -> ClientConfig {
        self.0
    }
}

/// The result of a [`Probe`], out of the error with which it ended the handshake: a `rustls::Error`, or an
/// `io::Error` or other error that has one inside. `None` if the handshake failed for another reason.
pub fn probe_result_from<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a ProbeResult> {
    inside::<ProbeEnd>(error).map(|end| &end.0)
}

/// The result of a probe, on its way through rustls. Libraries send the text of an error to the peer, so it shows nothing.
struct ProbeEnd(ProbeResult);

impl fmt::Display for ProbeEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handshake was a probe, which has its result and ends here")
    }
}

impl fmt::Debug for ProbeEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for ProbeEnd {}

/// Lets every server pass in the certificate step, and refuses every server in the signature step.
#[derive(Debug)]
struct ProbeJudge {
    common: Common,
    server: ServerId,
    /// What the certificate step found.
    evidence: Mutex<Option<(JudgedPeer, Certificate)>>,
}

impl ProbeJudge {
    /// Keeps new evidence, and returns the old.
    fn replace_evidence(
        &self,
        found: Option<(JudgedPeer, Certificate)>,
    ) -> Option<(JudgedPeer, Certificate)> {
        let place = self.evidence.lock();
        let mut place = place.unwrap_or_else(PoisonError::into_inner);
        core::mem::replace(&mut *place, found)
    }
}

impl Judge for ProbeJudge {
    type Evidence = Option<(JudgedPeer, Certificate)>;

    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.common.algorithms
    }

    fn take_evidence(&self, _end_entity: &CertificateDer<'_>) -> Self::Evidence {
        self.replace_evidence(None)
    }

    /// Never accepts: the result is in the error.
    fn judge_signature(
        &self,
        evidence: Self::Evidence,
        version: TlsVersion,
        end_entity: &CertificateDer<'_>,
        proof: Proof,
    ) -> Result<HandshakeSignatureValid, Error> {
        let role = Role::Server;
        let Some((judged, leaf)) = evidence.filter(|(judged, _)| judged.is_of(end_entity)) else {
            let why = String::from("no certificate of this connection was judged before");
            let verdict = Box::new(Verdict::without_possession(role, end_entity, why));
            return Err(self.common.refuse_unproved(verdict, None, end_entity));
        };
        let (proved, verdict) = match proof {
            Ok(_) => (true, judged.verdict.clone()),
            Err(verdict) => {
                let verdict = verdict.after(&judged.verdict).without_fingerprint();
                (false, Arc::new(verdict))
            }
        };
        let judged = judged.with(verdict.clone());
        self.common.sink.send(Some(judged), proved);
        let end = ProbeEnd(ProbeResult {
            presented: PresentedCertificate::new(leaf, role, verdict.reason(), proved),
            verdict,
            version,
        });
        Err(Error::InvalidCertificate(CertificateError::Other(
            OtherError(Arc::new(end)),
        )))
    }
}

impl JudgeServer for ProbeJudge {
    fn judge_server(&self, peer: PeerChain<'_>, name: &ServerName<'_>) -> Result<(), Error> {
        let server = Some(&self.server);
        let judge = |view: &TrustSnapshot, question: Question<'_>, clock| match question {
            Ok(question) => (self.common.memory.verdict(view, question), clock),
            Err(verdict) => (*verdict, clock),
        };
        let (verdict, clock) = self.common.ask_of_server(server, peer, name, judge);
        let Ok(leaf) = Certificate::from_der(peer.end_entity) else {
            return Err(Refusal::new(verdict.without_fingerprint()).into());
        };
        let verdict = Arc::new(verdict.without_fingerprint());
        let judged = JudgedPeer::new(verdict, peer, clock);
        self.replace_evidence(Some((judged, leaf)));
        Ok(())
    }
}
